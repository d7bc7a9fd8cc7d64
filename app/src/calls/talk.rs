//! One call: packets from the microphone to everybody in it, and theirs to the loudspeaker.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kinmesh_core::{CallState, CallView};
use kinmesh_media::codec::{CodecError, Earlier, Packet};
use kinmesh_media::mixer::Volume;
use kinmesh_media::tones::Tone;
use kinmesh_media::voice::{self, AddError, Gate, Party};
use kinmesh_media::{Voice, VoiceControl};
use kinmesh_net::{MediaEvent, MediaLink, Packetized};
use kinmesh_proto::{CallId, PersonId, Report};
use tokio::sync::mpsc;

use super::CallSound;
use super::figures::{Figures, PartyFigures};
use crate::settings::Activation;

/// Packets of ours that wait for the bridge. There are fifty a second: what waits behind more than these
/// comes too late anyway.
const SPOKEN_CAP: usize = 8;
/// One round of the ring.
const RING: Duration = Duration::from_secs(3);
/// One round of the tone that says that it rings there.
const RINGBACK: Duration = Duration::from_secs(5);
/// From here on somebody speaks, where one's voice is sent while one does.
const VOICE_DBFS: f32 = -45.0;

/// The sound gives a sign of life each second. Where there is no sound, for want of devices or while the
/// call waits, one is given in its place.
const ALIVE_EVERY: Duration = Duration::from_secs(2);

/// One of the others, to whom we speak and whom we hear.
struct Peer {
    /// As whom the sound knows them.
    party: Party,
    /// When something was sent to them last.
    sent: Instant,
}

/// A call that is heard, or rings here.
pub(super) struct Talk {
    pub(super) call: CallId,
    control: VoiceControl,
    spoken: mpsc::Receiver<Packet>,
    /// `None` while it rings here, and once the call is over.
    link: Option<MediaLink>,
    /// Whether the peer knows that we say nothing.
    muted: bool,
    /// Whether our voice stays here until it does.
    shut: bool,
    /// Who is heard.
    heard: BTreeMap<PersonId, Peer>,
    parties: u32,
    /// The tone that is played over and over, and when next.
    ringing: Option<(Tone, Instant)>,
    is_of_a_room: bool,
}

/// What happens in a call.
pub(super) enum Happened {
    /// We said something.
    Spoken(Packet),
    /// Something came from the others.
    Came(MediaEvent),
    /// Nothing more comes.
    Over,
}

impl Talk {
    /// Makes ready for a call. The voice is to be heard by an engine.
    pub(super) fn new(view: &CallView) -> Result<(Self, Voice), CodecError> {
        let (speak, spoken) = mpsc::channel(SPOKEN_CAP);
        // Nobody waits for one that does not fit: the next one is under way.
        let voice = Voice::new(move |packet| drop(speak.try_send(packet)))?;
        let talk = Self {
            call: view.call,
            control: voice.control(),
            spoken,
            link: None,
            muted: false,
            shut: false,
            heard: BTreeMap::new(),
            parties: 0,
            ringing: None,
            is_of_a_room: view.direction == kinmesh_core::CallDirection::Room,
        };
        Ok((talk, voice))
    }

    pub(super) fn connect(&mut self, link: MediaLink) {
        self.link = Some(link);
    }

    /// Whether we are in the call, and do not only hear it ring.
    pub(super) fn takes_part(&self) -> bool {
        self.link.is_some()
    }

    /// Pends until something happens. May be dropped, nothing is lost.
    pub(super) async fn next(&mut self) -> Happened {
        let Self { spoken, link, .. } = self;
        let came = async {
            match link {
                Some(link) => link.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(packet) = spoken.recv() => Happened::Spoken(packet),
            came = came => came.map_or(Happened::Over, Happened::Came),
        }
    }

    pub(super) fn happened(&mut self, happened: Happened, sound: &CallSound) {
        match happened {
            Happened::Spoken(packet) => self.send(&packet),
            Happened::Came(event) => self.came(event, sound),
            Happened::Over => self.over(),
        }
    }

    /// The link has ended, and nobody is heard any more.
    fn over(&mut self) {
        self.link = None;
        for (_, peer) in std::mem::take(&mut self.heard) {
            self.control.remove(peer.party);
        }
    }

    fn send(&mut self, packet: &Packet) {
        let Some(link) = &self.link else { return };
        let now = Instant::now();
        for (person, peer) in &mut self.heard {
            link.send(*person, packetized(packet));
            peer.sent = now;
        }
    }

    /// Sends a packet without a voice to everybody to whom nothing was sent for a while. Without it a call
    /// of two who both only listen would be taken for one in which nobody gets through.
    fn stay_alive(&mut self) {
        let Some(link) = &self.link else { return };
        let now = Instant::now();
        for (person, peer) in &mut self.heard {
            if now.duration_since(peer.sent) >= ALIVE_EVERY {
                link.send(*person, SILENT);
                peer.sent = now;
            }
        }
    }

    fn came(&mut self, event: MediaEvent, sound: &CallSound) {
        match event {
            MediaEvent::PartyOpened { person } => self.opened(person, sound),
            MediaEvent::PartyClosed { person } => self.closed(person),
            MediaEvent::Packet { from, sequence, frame, payload, earlier } => {
                self.hear(from, Packetized { sequence, frame, payload, earlier });
            }
            MediaEvent::Reported { by, report, round_trip } => {
                if let Some(peer) = self.heard.get(&by) {
                    self.control.reported(peer.party, to_voice(report), round_trip);
                }
            }
            // That it was lost is in their next report.
            MediaEvent::Unanswered { .. } => {}
        }
    }

    fn opened(&mut self, person: PersonId, sound: &CallSound) {
        self.sign(Tone::Joined);
        self.add(person, sound, VoiceControl::add);
        if let Some(link) = &self.link {
            link.send(person, SILENT);
        }
    }

    fn add(
        &mut self,
        person: PersonId,
        sound: &CallSound,
        add: fn(&VoiceControl, Party) -> Result<(), AddError>,
    ) {
        // Who comes again comes as another one, with packets that count anew.
        self.parties = self.parties.wrapping_add(1);
        let party = Party(self.parties);
        if let Err(error) = add(&self.control, party) {
            tracing::warn!(%error, "somebody in the call is not heard");
            return;
        }
        if let Some(before) = self.heard.insert(person, Peer { party, sent: Instant::now() }) {
            self.control.remove(before.party);
        }
        self.control.set_volume(party, volume(sound, person));
    }

    fn closed(&mut self, person: PersonId) {
        if let Some(peer) = self.heard.remove(&person) {
            self.control.remove(peer.party);
            self.sign(Tone::Left);
        }
    }

    /// Lets be heard that somebody came or left while others are there; a call of two begins and ends
    /// without that.
    fn sign(&self, tone: Tone) {
        if self.is_of_a_room || !self.heard.is_empty() {
            self.control.play(tone);
        }
    }

    fn hear(&self, from: PersonId, packet: Packetized) {
        let (Some(peer), Some(link)) = (self.heard.get(&from), &self.link) else { return };
        if packet.payload.is_empty() {
            return;
        }
        self.control.push(peer.party, packet_of(packet), Instant::now());
        if let Some(report) = self.control.report(peer.party) {
            link.set_report(from, to_wire(report));
        }
    }

    /// Does what is wanted of the sound.
    pub(super) fn wish(&self, sound: &CallSound) {
        self.control.set_gate(match sound.activation {
            Activation::Open => Gate::Open,
            Activation::Voice => Gate::Activation { threshold_dbfs: VOICE_DBFS },
            Activation::PushToTalk => Gate::PushToTalk,
        });
        self.control.talk(sound.talks);
        self.control.deafen(sound.deafened);
        for (person, peer) in &self.heard {
            self.control.set_volume(peer.party, volume(sound, *person));
        }
    }

    /// Keeps our voice here, or lets it go again as far as the peer lets it.
    pub(super) fn shut(&mut self, shut: bool) {
        self.shut = shut;
        self.mute();
    }

    fn mute(&self) {
        self.control.mute(self.muted || self.shut);
    }

    /// Follows what the peer knows of the call. `echo` is who says what we said, if they are in it.
    pub(super) fn follow(&mut self, view: &CallView, echo: Option<PersonId>, sound: &CallSound) {
        self.muted = view.muted;
        self.mute();
        self.control.hold(view.held);
        let tone = match view.state {
            CallState::Incoming => Some(Tone::Ring),
            CallState::Ringing => Some(Tone::Ringback),
            _ => None,
        };
        if tone != self.ringing.map(|(tone, _)| tone) {
            self.ringing = tone.map(|tone| (tone, Instant::now()));
            self.control.hush();
            self.ring();
        }
        if let Some(echo) = echo.filter(|echo| !self.heard.contains_key(echo)) {
            self.add(echo, sound, VoiceControl::add_echo);
        }
    }

    /// Does what is due.
    pub(super) fn tick(&mut self) {
        self.ring();
        self.stay_alive();
    }

    /// Goes on to ring, where it rings.
    fn ring(&mut self) {
        let now = Instant::now();
        if let Some((tone, due)) = self.ringing.as_mut().filter(|(_, due)| *due <= now) {
            *due = now + if *tone == Tone::Ring { RING } else { RINGBACK };
            self.control.play(*tone);
        }
    }

    /// How it goes; what is known of the devices stays as it is.
    pub(super) fn tell(&self, figures: &mut Figures) {
        let statistics = self.control.statistics();
        figures.own.set_voice(&statistics.own);
        let party = |(person, peer): (&PersonId, &Peer)| {
            let of_party = statistics.parties.iter().find(|statistics| statistics.party == peer.party)?;
            let path = self.link.as_ref().and_then(|link| link.path(*person));
            Some(PartyFigures::of(*person, of_party, path))
        };
        figures.parties = self.heard.iter().filter_map(party).collect();
    }
}

/// A packet without a voice: it says that we are there, and is answered like any other.
const SILENT: Packetized = Packetized { sequence: 0, frame: 0, payload: Vec::new(), earlier: Vec::new() };

fn volume(sound: &CallSound, person: PersonId) -> Volume {
    sound.volumes.get(&person).map_or(Volume::FULL, |factor| Volume::new(*factor))
}

fn packetized(packet: &Packet) -> Packetized {
    let earlier = packet.earlier.iter().map(|earlier| (earlier.back, earlier.payload.to_vec()));
    Packetized {
        sequence: packet.sequence,
        frame: packet.frame,
        payload: packet.payload.to_vec(),
        earlier: earlier.collect(),
    }
}

fn packet_of(packet: Packetized) -> Packet {
    let Packetized { sequence, frame, payload, earlier } = packet;
    let earlier = earlier.into_iter().map(|(back, payload)| Earlier { back, payload: payload.into() });
    Packet { sequence, frame, payload: payload.into(), earlier: earlier.collect() }
}

fn to_wire(report: voice::Report) -> Report {
    let voice::Report { received, lost_permille, mean_run_tenths, late_permille, jitter_ms, delay_trend_ms } =
        report;
    Report { received, lost_permille, mean_run_tenths, late_permille, jitter_ms, delay_trend_ms }
}

fn to_voice(report: Report) -> voice::Report {
    let Report { received, lost_permille, mean_run_tenths, late_permille, jitter_ms, delay_trend_ms } =
        report;
    voice::Report { received, lost_permille, mean_run_tenths, late_permille, jitter_ms, delay_trend_ms }
}

#[cfg(test)]
mod tests {
    use kinmesh_core::CallDirection;
    use kinmesh_media::codec::BLOCK;
    use kinmesh_media::engine::Voices;
    use kinmesh_proto::ConversationId;

    use super::*;

    fn view(muted: bool) -> CallView {
        CallView {
            call: CallId([1; 16]),
            direction: CallDirection::Out,
            conversation: ConversationId::Direct(PersonId([2; 32])),
            state: CallState::Active { since_ms: 0 },
            parties: Vec::new(),
            muted,
            held: false,
            transfer_to: None,
            started_ms: 0,
        }
    }

    /// Whether what the microphone hears from now on is said.
    fn says(talk: &Talk, voice: &mut Voice, now: &mut Duration) -> bool {
        let loud = std::array::from_fn::<f32, BLOCK, _>(|at| if at % 100 < 50 { 0.5 } else { -0.5 });
        for _ in 0..30 {
            *now += Duration::from_millis(10);
            voice.heard(&loud, &loud, *now);
        }
        talk.control.statistics().own.is_open
    }

    #[test]
    fn a_voice_that_is_to_stay_here_does_so_before_the_peer_knows_and_until_it_does() {
        let (mut talk, mut voice) = Talk::new(&view(false)).expect("there is a codec");
        let (sound, mut now) = (CallSound::default(), Duration::ZERO);
        talk.follow(&view(false), None, &sound);
        assert!(says(&talk, &mut voice, &mut now));
        talk.shut(true);
        assert!(!says(&talk, &mut voice, &mut now));
        // Something else of the call has changed.
        talk.follow(&view(false), None, &sound);
        assert!(!says(&talk, &mut voice, &mut now));
        talk.follow(&view(true), None, &sound);
        talk.shut(false);
        assert!(!says(&talk, &mut voice, &mut now));
        talk.follow(&view(false), None, &sound);
        assert!(says(&talk, &mut voice, &mut now));
    }

    #[test]
    fn a_packet_is_the_same_on_both_sides_of_the_network() {
        let payload = |byte: u8| vec![byte; 40].into();
        let earlier =
            vec![Earlier { back: 1, payload: payload(2) }, Earlier { back: 3, payload: payload(4) }];
        let packet = Packet { sequence: 7, frame: 9, payload: payload(1), earlier };
        assert_eq!(packet_of(packetized(&packet)), packet);
    }

    #[test]
    fn a_report_is_the_same_on_both_sides_of_the_network() {
        let report = voice::Report {
            received: 1,
            lost_permille: 2,
            mean_run_tenths: 3,
            late_permille: 4,
            jitter_ms: 5,
            delay_trend_ms: -6,
        };
        assert_eq!(to_voice(to_wire(report)), report);
    }
}
