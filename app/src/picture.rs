//! Pictures of rooms: made small from a file that somebody chose, and shown from bytes that a stranger may
//! have made.
//!
//! Owns what is believed of a picture. Of a file of the user's all that an image says beside its pixels is
//! left behind, such as where a photo was taken. What members sent is decoded as nothing but a PNG within the
//! protocol's limits, and is no picture if it is anything else.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::iter;
use std::path::{Path, PathBuf};

use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::imageops::FilterType as Scaling;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbaImage};
use kinmesh_net::{RoomError, RoomHandle};
use kinmesh_proto::{RoomPicture, limits};
use tokio::task;

/// Largest file that is read. The largest photos of telephones have half of it.
const FILE_MAX: u64 = 64 * 1024 * 1024;
/// Most pixels in either direction of a picture that is made small.
const SIDE_MAX: u32 = 16_384;
/// Most memory that one may take while it is: a photo of 64 megapixels.
const DECODED_MAX: u64 = 256 * 1024 * 1024;
/// The same of a picture that members sent: its pixels, and what a decoder keeps beside them.
const SHOWN_MAX: u64 = 1024 * 1024;
/// How large a picture is made where its PNG is too long at the largest, in pixels: the first that is short
/// enough. Photos are at one of the first; what differs from pixel to pixel at random is at the last.
const SMALLER: [u32; 3] = [80, 64, 48];

/// Why a file is no picture for a room.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It is something else, or damaged.
    #[error("{}: not a picture in PNG or JPEG", path.display())]
    NotAPicture {
        /// The file.
        path: PathBuf,
    },
    /// It would take too much memory, or says so.
    #[error("{}: too large a picture, at most {} MiB and {SIDE_MAX} pixels a side", path.display(), FILE_MAX >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A room did not get the picture.
#[derive(Debug, thiserror::Error)]
pub enum SetPictureError {
    /// There is none in the file.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The room refuses.
    #[error(transparent)]
    Room(#[from] RoomError),
}

/// Gives a room the picture in a file, or takes away the one it has.
pub async fn set_picture(room: RoomHandle, file: Option<PathBuf>) -> Result<(), SetPictureError> {
    let picture = match file {
        Some(file) => Some(of_file(file).await?),
        None => None,
    };
    Ok(room.set_picture(picture).await?)
}

/// The picture in a file, as small as a room has it.
async fn of_file(path: PathBuf) -> Result<RoomPicture, PictureError> {
    let file = path.clone();
    let read = task::spawn_blocking(move || read(&file)).await;
    read.map_err(|broken_off| PictureError::Io { path, source: broken_off.into() })?
}

fn read(path: &Path) -> Result<RoomPicture, PictureError> {
    let failed = |source| PictureError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    open(path).and_then(|file| file.take(FILE_MAX + 1).read_to_end(&mut bytes)).map_err(failed)?;
    let made = if bytes.len() as u64 > FILE_MAX { Err(Unfit::TooLarge) } else { make(&bytes) };
    made.map_err(|unfit| match unfit {
        Unfit::NotAPicture => PictureError::NotAPicture { path: path.to_owned() },
        Unfit::TooLarge => PictureError::TooLarge { path: path.to_owned() },
    })
}

/// A pipe or a device might never end, or never begin.
fn open(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    File::open(path)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unfit {
    NotAPicture,
    TooLarge,
}

/// The middle of a picture, square and small.
fn make(bytes: &[u8]) -> Result<RoomPicture, Unfit> {
    let image = decode(bytes)?;
    let largest = image.width().min(image.height()).min(limits::PICTURE_SIDE_MAX);
    let smaller = SMALLER.into_iter().filter(|side| *side < largest);
    iter::once(largest).chain(smaller).find_map(|side| encode(&image, side)).ok_or(Unfit::TooLarge)
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, Unfit> {
    let unfit = |error| match error {
        image::ImageError::Limits(_) => Unfit::TooLarge,
        _ => Unfit::NotAPicture,
    };
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|_| Unfit::NotAPicture)?;
    reader.limits(allowing(SIDE_MAX, DECODED_MAX));
    let mut decoder = reader.into_decoder().map_err(unfit)?;
    if decoder.total_bytes() > DECODED_MAX {
        return Err(Unfit::TooLarge);
    }
    if matches!(decoder.dimensions(), (0, _) | (_, 0)) {
        return Err(Unfit::NotAPicture);
    }
    let upright = decoder.orientation().map_err(unfit)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(unfit)?;
    image.apply_orientation(upright);
    Ok(image)
}

/// The picture so many pixels wide and high, if that is short enough.
fn encode(image: &DynamicImage, side: u32) -> Option<RoomPicture> {
    let small = image.resize_to_fill(side, side, Scaling::Triangle);
    let small: DynamicImage =
        if small.color().has_alpha() { small.into_rgba8().into() } else { small.into_rgb8().into() };
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    small.write_with_encoder(encoder).ok()?;
    RoomPicture::new(png).ok()
}

fn allowing(side_max: u32, bytes_max: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(side_max);
    limits.max_image_height = Some(side_max);
    limits.max_alloc = Some(bytes_max);
    limits
}

/// What a picture shows; `None` for one that is no square PNG within the limits, whatever it says of itself.
pub fn pixels(picture: &RoomPicture) -> Option<RgbaImage> {
    let limits = allowing(limits::PICTURE_SIDE_MAX, SHOWN_MAX);
    let decoder = PngDecoder::with_limits(Cursor::new(picture.as_bytes()), limits).ok()?;
    let (width, height) = decoder.dimensions();
    if width != height || !(1..=limits::PICTURE_SIDE_MAX).contains(&width) {
        return None;
    }
    Some(DynamicImage::from_decoder(decoder).ok()?.into_rgba8())
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;

    fn file_of(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Left half red, right half blue.
    fn flag(width: u32, height: u32) -> DynamicImage {
        let color = |x| if x < width / 2 { Rgb([200, 0, 0]) } else { Rgb([0, 0, 200]) };
        RgbImage::from_fn(width, height, |x, _| color(x)).into()
    }

    /// As hard to compress as can be.
    fn noise(side: u32) -> DynamicImage {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        RgbaImage::from_fn(side, side, |_, _| image::Rgba([next(), next(), next(), next()])).into()
    }

    /// A PNG that says of itself to be this large and holds nothing.
    fn claiming(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut header = b"IHDR".to_vec();
        header.extend(width.to_be_bytes());
        header.extend(height.to_be_bytes());
        header.extend([8, 6, 0, 0, 0]);
        for chunk in [header, b"IDAT\x78\x9c\x03\x00\x00\x00\x00\x01".to_vec(), b"IEND".to_vec()] {
            bytes.extend((chunk.len() as u32 - 4).to_be_bytes());
            bytes.extend(&chunk);
            bytes.extend(crc(&chunk).to_be_bytes());
        }
        bytes
    }

    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
        !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
    }

    #[test]
    fn a_picture_of_any_usual_kind_becomes_small_and_square() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let picture = make(&file_of(&flag(1200, 700), format)).unwrap();
            let shown = pixels(&picture).unwrap();
            assert_eq!(shown.dimensions(), (96, 96), "{format:?}");
            assert!(shown.get_pixel(4, 48).0[0] > 150 && shown.get_pixel(91, 48).0[2] > 150, "{format:?}");
        }
    }

    #[test]
    fn one_that_is_small_already_is_not_made_larger() {
        for side in [1, 40, 96] {
            let picture = make(&file_of(&flag(side, side), ImageFormat::Png)).unwrap();
            assert_eq!(pixels(&picture).unwrap().dimensions(), (side, side));
        }
    }

    #[test]
    fn one_that_is_hard_to_compress_is_made_smaller_and_fits() {
        for side in [96, 300] {
            let picture = make(&file_of(&noise(side), ImageFormat::Png)).unwrap();
            assert!(pixels(&picture).unwrap().width() < 96);
        }
    }

    #[test]
    fn what_sees_through_stays_so() {
        let image: DynamicImage = RgbaImage::from_pixel(50, 50, image::Rgba([1, 2, 3, 0])).into();
        let picture = make(&file_of(&image, ImageFormat::Png)).unwrap();
        assert_eq!(pixels(&picture).unwrap().get_pixel(25, 25).0[3], 0);
    }

    #[test]
    fn a_file_that_is_no_picture_or_too_large_is_refused_in_words() {
        assert_eq!(make(b"").unwrap_err(), Unfit::NotAPicture);
        assert_eq!(make(b"GIF89a and so on").unwrap_err(), Unfit::NotAPicture);
        assert_eq!(make(&claiming(100_000, 100_000)).unwrap_err(), Unfit::TooLarge);
        assert_eq!(make(&claiming(16_384, 16_384)).unwrap_err(), Unfit::TooLarge, "by its memory");
        assert_eq!(make(&claiming(10, 10)).unwrap_err(), Unfit::NotAPicture);
        let dir = tempfile::tempdir().unwrap();
        let there = dir.path().join("large.png");
        File::create(&there).unwrap().set_len(FILE_MAX + 1).unwrap();
        let error = read(&there).unwrap_err();
        assert!(matches!(error, PictureError::TooLarge { .. }), "{error}");
        assert!(error.to_string().contains("at most 64 MiB"), "{error}");
        assert!(matches!(read(dir.path()).unwrap_err(), PictureError::Io { .. }), "a directory");
        assert!(matches!(read(&dir.path().join("none")).unwrap_err(), PictureError::Io { .. }));
    }

    #[test]
    fn what_members_sent_and_is_no_small_square_png_is_not_shown() {
        let sent = |bytes: Vec<u8>| pixels(&RoomPicture::new(bytes).unwrap());
        assert!(sent(file_of(&flag(96, 96), ImageFormat::Png)).is_some());
        assert!(sent(file_of(&flag(97, 97), ImageFormat::Png)).is_none());
        assert!(sent(file_of(&flag(96, 40), ImageFormat::Png)).is_none());
        assert!(sent(file_of(&flag(96, 96), ImageFormat::Jpeg)).is_none());
        for claimed in [(100_000, 100_000), (u32::MAX, u32::MAX), (0, 0), (10, 10)] {
            assert!(sent(claiming(claimed.0, claimed.1)).is_none(), "{claimed:?}");
        }
        let mut cut = file_of(&flag(96, 96), ImageFormat::Png);
        cut.truncate(cut.len() / 2);
        assert!(sent(cut).is_none());
        assert!(sent(Vec::new()).is_none());
        assert!(sent(vec![0xff; limits::PICTURE_BYTES_MAX]).is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), at in 0..2000usize) {
            let _ = pixels(&RoomPicture::new(bytes.clone()).unwrap());
            // What is nearly a picture goes further into the decoder.
            let mut nearly = file_of(&flag(30, 30), ImageFormat::Png);
            let at = at % nearly.len();
            let end = (at + bytes.len()).min(nearly.len());
            nearly[at..end].swap_with_slice(&mut bytes[..end - at]);
            let _ = pixels(&RoomPicture::new(nearly).unwrap());
        }
    }
}
