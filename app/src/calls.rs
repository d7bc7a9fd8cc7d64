//! Calls for every face: how they sound, and what faces change about that.
//!
//! One task stands beside the program (`bridge`): it follows the calls that the peer knows, has the
//! devices opened for them (`booth`), and moves packets between the peer and the sound (`talk`). So no
//! sound passes through a face. Who rings whom is the peer's business, and faces ask it there.

mod booth;
mod bridge;
mod figures;
mod talk;
pub mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use kinmesh_net::{CallHandle, CallRefusalError, NodeHandle};
use kinmesh_proto::{CallId, PersonId};
use serde::Serialize;
use tokio::sync::watch;

use crate::settings::{Activation, SettingsFile};
pub use booth::{Device, DeviceFault};
pub use figures::{Figures, OwnFigures, PartyFigures, Path, Quality};

/// Loudest volume of a person: four times as loud as they came.
pub const VOLUME_MAX: f32 = 4.0;

/// How calls sound in this program, and what is wanted of that. Clones share it.
#[derive(Debug, Clone)]
pub struct Calls {
    sound: Arc<watch::Sender<CallSound>>,
    shut: Arc<watch::Sender<usize>>,
}

/// As long as there is one of these, our voice stays here, whatever the peer knows of it.
struct Shut(Arc<watch::Sender<usize>>);

impl Shut {
    fn new(shut: &Arc<watch::Sender<usize>>) -> Self {
        shut.send_modify(|count| *count += 1);
        Self(shut.clone())
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// How the call that goes on sounds, and what is wanted of that.
///
/// Whether we are muted or hold the call is not here: the others know it too, so it is in
/// [`kinmesh_core::CallView`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CallSound {
    /// Which call is heard; `None` while none goes on.
    pub call: Option<CallId>,
    /// Whether we do not want to hear the others. Over with the call.
    pub deafened: bool,
    /// When our voice is sent, as the settings say.
    pub activation: Activation,
    /// Whether the key is held with which we talk, where the settings want one. Over with the call.
    pub talks: bool,
    /// How loud people are played who are not played as they came.
    pub volumes: BTreeMap<PersonId, f32>,
    /// The microphone, while a call goes on.
    pub microphone: Device,
    /// The loudspeaker, while a call goes on.
    pub loudspeaker: Device,
    /// How the call goes.
    pub figures: Figures,
}

impl Calls {
    /// Begins to follow the calls of a peer, until it ends. Must be called on a tokio runtime.
    pub(crate) fn start(node: NodeHandle, settings: SettingsFile) -> Self {
        let activation = settings.get().sound.activation;
        let sound = Arc::new(watch::Sender::new(CallSound { activation, ..CallSound::default() }));
        let shut = Arc::new(watch::Sender::new(0));
        tokio::spawn(bridge::run(node, settings, sound.clone(), shut.subscribe()));
        Self { sound, shut }
    }

    /// Says nothing in a call, or something again. From now on nothing is said, though the peer may be busy.
    pub async fn mute(&self, call: &CallHandle, muted: bool) -> Result<(), CallRefusalError> {
        let _shut = self.shut(call, muted);
        call.mute(muted).await
    }

    /// Neither says nor hears anything in a call, or comes back to it. From now on nothing is said, though
    /// the peer may be busy.
    pub async fn hold(&self, call: &CallHandle, held: bool) -> Result<(), CallRefusalError> {
        let _shut = self.shut(call, held);
        call.hold(held).await
    }

    /// Leaves a call, gives a ring up, or turns one down. From now on nothing is said, though the peer may
    /// be busy.
    pub async fn hang_up(&self, call: &CallHandle) -> Result<(), CallRefusalError> {
        let _shut = self.shut(call, true);
        call.hang_up().await
    }

    /// Keeps our voice here, if that is wanted and the call is the one that is heard.
    fn shut(&self, call: &CallHandle, wanted: bool) -> Option<Shut> {
        let is_heard = self.sound.borrow().call == Some(call.id());
        (wanted && is_heard).then(|| Shut::new(&self.shut))
    }

    /// How the call sounds now.
    pub fn sound(&self) -> CallSound {
        self.sound.borrow().clone()
    }

    /// The same from now on; some times a second while a call goes on.
    pub fn watch(&self) -> watch::Receiver<CallSound> {
        self.sound.subscribe()
    }

    /// Hears nobody of the call that goes on, or everybody again.
    pub fn deafen(&self, deafened: bool) {
        self.sound.send_modify(|sound| sound.deafened = deafened);
    }

    /// The key is held with which one talks, or not any more.
    pub fn talk(&self, talks: bool) {
        self.sound.send_modify(|sound| sound.talks = talks);
    }

    /// How loud somebody is played, in this call and later ones: 1 as they came, at most [`VOLUME_MAX`].
    pub fn set_volume(&self, person: PersonId, factor: f32) {
        let factor = if factor.is_finite() { factor.clamp(0.0, VOLUME_MAX) } else { 1.0 };
        self.sound.send_modify(|sound| {
            if factor == 1.0 {
                sound.volumes.remove(&person);
            } else {
                sound.volumes.insert(person, factor);
            }
        });
    }
}
