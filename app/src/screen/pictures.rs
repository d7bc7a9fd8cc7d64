//! The pictures of rooms as they are drawn: each decoded once, and round like every face.

use std::collections::HashMap;

use iced::widget::image::Handle;
use image::RgbaImage;
use kinmesh_core::RoomView;
use kinmesh_proto::{RoomId, RoomPicture};

use crate::picture;

/// What is drawn for each room that has a picture.
#[derive(Debug, Clone, Default)]
pub struct Pictures(HashMap<RoomId, Drawn>);

#[derive(Debug, Clone)]
struct Drawn {
    of: RoomPicture,
    /// `None` for what somebody sent that is no picture.
    handle: Option<Handle>,
}

impl Pictures {
    /// Follows what the rooms have now. What is drawn already stays: a new handle would be new to the screen.
    pub fn follow(&mut self, rooms: &[RoomView]) {
        let mut before = std::mem::take(&mut self.0);
        let drawn = rooms.iter().filter_map(|room| {
            let of = room.picture.as_ref()?;
            let known = before.remove(&room.room).filter(|drawn| drawn.of == *of);
            Some((room.room, known.unwrap_or_else(|| Drawn { of: of.clone(), handle: handle(of) })))
        });
        self.0 = drawn.collect();
    }

    /// The picture of a room, if it has one that can be shown.
    pub fn of(&self, room: RoomId) -> Option<&Handle> {
        self.0.get(&room)?.handle.as_ref()
    }
}

fn handle(picture: &RoomPicture) -> Option<Handle> {
    let mut pixels = picture::pixels(picture)?;
    cut_round(&mut pixels);
    let (width, height) = pixels.dimensions();
    Some(Handle::from_rgba(width, height, pixels.into_raw()))
}

/// Leaves the largest circle. A pixel on its edge is seen as far as it lies inside.
fn cut_round(pixels: &mut RgbaImage) {
    let radius = pixels.width() as f32 / 2.0;
    for (x, y, pixel) in pixels.enumerate_pixels_mut() {
        let from_middle = |at: u32| at as f32 + 0.5 - radius;
        let inside = (radius + 0.5 - from_middle(x).hypot(from_middle(y))).clamp(0.0, 1.0);
        pixel.0[3] = (f32::from(pixel.0[3]) * inside) as u8;
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn the_corners_go_and_the_middle_stays() {
        let mut pixels = RgbaImage::from_pixel(20, 20, Rgba([9, 9, 9, 200]));
        cut_round(&mut pixels);
        assert_eq!(pixels.get_pixel(0, 0).0[3], 0);
        assert_eq!(pixels.get_pixel(19, 19).0[3], 0);
        assert_eq!(pixels.get_pixel(10, 10).0, [9, 9, 9, 200]);
        assert_eq!(pixels.get_pixel(10, 1).0[3], 200);
    }
}
