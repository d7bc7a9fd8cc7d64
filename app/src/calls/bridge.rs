//! The task that brings calls and sound together.
//!
//! It follows three things: the calls that the peer knows, what the settings say of sound, and what faces
//! want of the call that goes on. It never waits for a device.

use std::sync::Arc;
use std::time::Duration;

use kinmesh_core::{CallState, CallView};
use kinmesh_media::engine::EngineStatus;
use kinmesh_net::{NodeHandle, Overview};
use kinmesh_proto::PersonId;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::CallSound;
use super::booth::{Booth, Device};
use super::talk::{Happened, Talk};
use crate::settings::{Settings, SettingsFile};

/// How often the figures of a call are told.
const TELL_EVERY: Duration = Duration::from_millis(200);

struct Bridge {
    node: NodeHandle,
    overview: watch::Receiver<Arc<Overview>>,
    settings: watch::Receiver<Settings>,
    sound: Arc<watch::Sender<CallSound>>,
    wishes: watch::Receiver<CallSound>,
    /// How many want our voice to stay here until the peer knows of it.
    shut: watch::Receiver<usize>,
    booth: Booth,
    talk: Option<Talk>,
}

/// Runs until the peer ends.
pub(super) async fn run(
    node: NodeHandle,
    settings: SettingsFile,
    sound: Arc<watch::Sender<CallSound>>,
    shut: watch::Receiver<usize>,
) {
    Bridge::new(node, &settings, sound, shut).run().await;
}

impl Bridge {
    fn new(
        node: NodeHandle,
        settings: &SettingsFile,
        sound: Arc<watch::Sender<CallSound>>,
        shut: watch::Receiver<usize>,
    ) -> Self {
        Self {
            overview: node.watch_overview(),
            node,
            settings: settings.watch(),
            wishes: sound.subscribe(),
            sound,
            shut,
            booth: Booth::open(),
            talk: None,
        }
    }

    async fn run(mut self) {
        let mut clock = interval(TELL_EVERY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.settings_changed();
        loop {
            let talk = &mut self.talk;
            let is_talking = talk.is_some();
            let happens = async {
                match talk {
                    Some(talk) => talk.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.overview.changed() => match changed {
                    Ok(()) => self.calls_changed().await,
                    // The peer has ended.
                    Err(_) => return self.end_talk(),
                },
                happened = happens => self.happened(happened).await,
                Ok(()) = self.shut.changed() => self.shut_changed().await,
                Ok(()) = self.wishes.changed() => {
                    self.wishes.mark_unchanged();
                    self.with_talk(|talk, sound| talk.wish(sound));
                }
                Ok(()) = self.settings.changed() => {
                    self.settings_changed();
                    self.calls_changed().await;
                }
                Ok(()) = self.booth.status().changed() => self.devices_changed(),
                _ = clock.tick(), if is_talking => self.tell(),
            }
        }
    }

    fn with_talk(&mut self, work: impl FnOnce(&mut Talk, &CallSound)) {
        let sound = self.sound.borrow();
        if let Some(talk) = &mut self.talk {
            work(talk, &sound);
        }
    }

    async fn happened(&mut self, happened: Happened) {
        let is_over = matches!(happened, Happened::Over);
        self.with_talk(|talk, sound| talk.happened(happened, sound));
        if is_over {
            // A room's channel that was left and entered again is the same call with another link.
            self.calls_changed().await;
        }
    }

    async fn calls_changed(&mut self) {
        let overview = self.overview.borrow_and_update().clone();
        let rings = |view: &&CallView| view.state == CallState::Incoming;
        let standing = overview.calls.iter().find(|view| !rings(view));
        let ringing = overview.calls.iter().find(rings).filter(|_| self.settings.borrow().sound.ring);
        match standing.or(ringing) {
            Some(view) => {
                if self.talk.as_ref().is_none_or(|talk| talk.call != view.call) {
                    self.begin_talk(view);
                }
                if view.state != CallState::Incoming {
                    self.take_part(view).await;
                }
                let echo = echo_in(view, &overview);
                self.with_talk(|talk, sound| talk.follow(view, echo, sound));
            }
            None if self.talk.is_some() => self.end_talk(),
            None => {}
        }
    }

    /// Keeps our voice here, or lets it go again. The peer may know by now that we are muted: that comes
    /// first, so that nothing gets out in between.
    async fn shut_changed(&mut self) {
        if self.overview.has_changed().unwrap_or(false) {
            self.calls_changed().await;
        }
        let is_shut = *self.shut.borrow_and_update() > 0;
        self.with_talk(|talk, _| talk.shut(is_shut));
    }

    /// Makes a call heard that begins, or rings here.
    fn begin_talk(&mut self, view: &CallView) {
        if self.talk.is_some() {
            self.end_talk();
        }
        let (mut talk, voice) = match Talk::new(view) {
            Ok(made) => made,
            Err(error) => return tracing::error!(%error, "there is no codec for calls"),
        };
        self.booth.play(voice);
        talk.wish(&self.sound.borrow());
        talk.shut(*self.shut.borrow() > 0);
        self.talk = Some(talk);
    }

    /// Takes part in a call that we began or took. The others may still be rung, or the network finds
    /// its way to them: so whoever is heard first is heard at once.
    async fn take_part(&mut self, view: &CallView) {
        let Some(talk) = self.talk.as_mut().filter(|talk| !talk.takes_part()) else { return };
        self.booth.listen();
        match self.node.call_of(view.call).media().await {
            Ok(link) => talk.connect(link),
            // It is over again, which the next overview tells.
            Err(error) => tracing::debug!(%error, "a call has no media"),
        }
        self.sound.send_modify(|sound| sound.call = Some(view.call));
    }

    fn end_talk(&mut self) {
        self.talk = None;
        self.booth.close();
        self.sound.send_if_modified(|sound| {
            let over = CallSound {
                activation: sound.activation,
                volumes: std::mem::take(&mut sound.volumes),
                ..CallSound::default()
            };
            std::mem::replace(sound, over).call.is_some()
        });
    }

    fn settings_changed(&mut self) {
        let chosen = self.settings.borrow_and_update().sound.clone();
        self.booth.choose(chosen.devices(), chosen.switches());
        self.sound.send_if_modified(|sound| {
            std::mem::replace(&mut sound.activation, chosen.activation) != chosen.activation
        });
    }

    fn devices_changed(&mut self) {
        let status = self.booth.status().borrow_and_update().clone();
        self.sound.send_if_modified(|sound| {
            // What comes late is of a call that is over.
            sound.call.is_some() && status.is_some_and(|status| is_news(sound, &status))
        });
    }

    fn tell(&mut self) {
        let Some(talk) = &mut self.talk else { return };
        talk.tick();
        self.sound.send_if_modified(|sound| {
            if sound.call.is_none() {
                return false;
            }
            let mut figures = sound.figures.clone();
            talk.tell(&mut figures);
            let is_news = figures != sound.figures;
            sound.figures = figures;
            is_news
        });
    }
}

/// Notes how the devices are. Whether that is another way than before.
fn is_news(sound: &mut CallSound, status: &EngineStatus) -> bool {
    let before = sound.clone();
    sound.microphone = Device::from(&status.input);
    sound.loudspeaker = Device::from(&status.output);
    let level = status.input.reading.level.peak_dbfs;
    sound.figures.own.peak_dbfs = sound.microphone.name.as_ref().map(|_| level.round() as i32);
    sound.figures.own.unprocessed = status.is_unprocessed;
    *sound != before
}

/// Who says what we said, if they are in the call.
fn echo_in(view: &CallView, overview: &Overview) -> Option<PersonId> {
    let is_echo =
        |person: PersonId| overview.people.iter().any(|known| known.person == person && known.is_echo);
    view.parties.iter().map(|party| party.person).find(|person| is_echo(*person))
}

#[cfg(test)]
mod tests {
    use kinmesh_net::{Node, NodeConfig};
    use kinmesh_proto::{DisplayName, RoomName, StatusLine};

    use super::*;

    #[tokio::test]
    async fn who_leaves_a_channel_and_enters_it_at_once_is_heard_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
        let data_dir = dir.path().to_owned();
        let node = Node::start(NodeConfig { data_dir, bootstraps: vec![], listen, mdns: false });
        let node = node.await.unwrap();
        node.set_profile(DisplayName::new("Alice").unwrap(), StatusLine::default()).await.unwrap();
        let room = node.join_room(RoomName::new("lobby").unwrap()).await.unwrap();
        let sound = Arc::new(watch::Sender::new(CallSound::default()));
        let settings = SettingsFile::load(dir.path()).unwrap();
        let (_, shut) = watch::channel(0);
        let mut bridge = Bridge::new(node.clone(), &settings, sound, shut);

        let call = room.enter_voice().await.unwrap();
        bridge.calls_changed().await;
        assert!(bridge.talk.as_ref().unwrap().takes_part());
        call.hang_up().await.unwrap();
        room.enter_voice().await.unwrap();
        // It sees the same call as before.
        bridge.calls_changed().await;
        let happened = bridge.talk.as_mut().unwrap().next().await;
        assert!(matches!(happened, Happened::Over));
        bridge.happened(happened).await;
        assert!(bridge.talk.as_ref().unwrap().takes_part());
        node.shutdown().await;
    }
}
