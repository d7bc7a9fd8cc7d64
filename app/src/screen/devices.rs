//! Choosing a microphone or a loudspeaker: in the settings, and in a call.

use iced::widget::pick_list;
use kinmesh_media::Device;

use crate::i18n::tr;
use crate::theme::{size, space as gap};
use crate::widget::Element;

/// A device to choose, or the system's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// By the sound system's name for it; `None` for the default.
    pub id: Option<String>,
    /// What people call it.
    pub name: String,
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl From<Device> for Choice {
    fn from(device: Device) -> Self {
        Self { id: Some(device.id.as_str().to_owned()), name: device.name }
    }
}

/// A list to choose from; none while there is nothing to choose.
pub fn choose<'a, Message: Clone + 'a>(
    devices: &[Choice],
    chosen: Option<&str>,
    choose: fn(Choice) -> Message,
) -> Option<Element<'a, Message>> {
    if devices.is_empty() {
        return None;
    }
    let default = Choice { id: None, name: tr("sound-default") };
    let mut choices = vec![default.clone()];
    choices.extend_from_slice(devices);
    let known = choices.iter().find(|choice| choice.id.as_deref() == chosen).cloned();
    // One that is away counts again when it comes back; meanwhile the system chooses.
    let list = pick_list(choices, Some(known.unwrap_or(default)), choose);
    Some(list.padding([gap::S, gap::M]).text_size(size::NAME).into())
}
