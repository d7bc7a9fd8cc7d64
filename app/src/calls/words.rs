//! What calls are, in words that every face uses.

use kinmesh_core::{CallEnd, CallState, CallView};
use kinmesh_model::CallNote;
use kinmesh_proto::CallOutcome;

use super::{DeviceFault, PartyFigures, Path, Quality};
use crate::i18n::{tr, tr_args};

/// What the history says of a call.
pub fn note(note: CallNote) -> String {
    match (note.outcome, note.by_us) {
        (CallOutcome::Answered { seconds }, _) => {
            tr_args("call-note-answered", &[("duration", duration(seconds.into()).into())])
        }
        (CallOutcome::Missed, true) => tr("call-note-unanswered"),
        (CallOutcome::Missed | CallOutcome::Cancelled, false) => tr("call-note-missed"),
        (CallOutcome::Cancelled, true) => tr("call-note-cancelled"),
        (CallOutcome::Declined, _) => tr("call-note-declined"),
        (CallOutcome::Busy, true) => tr("call-note-busy"),
        (CallOutcome::Busy, false) => tr("call-note-missed-busy"),
        (CallOutcome::Failed, _) => tr("call-note-failed"),
    }
}

/// `1:05`, or `1:00:07`: minutes and seconds, hours where there are any.
pub fn duration(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 { format!("{minutes}:{seconds:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

/// How far a call with somebody, or in a room, is. `now_ms` is now, in Unix milliseconds.
pub fn state(view: &CallView, who: &str, now_ms: u64) -> String {
    let who = ("who", who.into());
    let since = |since_ms: u64| now_ms.saturating_sub(since_ms) / 1000;
    match view.state {
        CallState::Calling => tr_args("call-calling", &[who]),
        CallState::Ringing => tr_args("call-ringing", &[who]),
        CallState::Incoming => tr_args("call-incoming", &[who]),
        CallState::Connecting { .. } => tr_args("call-connecting", &[who]),
        CallState::Active { since_ms } => {
            tr_args("call-active", &[who, ("duration", duration(since(since_ms)).into())])
        }
        CallState::Reconnecting { since_ms } => {
            tr_args("call-reconnecting", &[who, ("seconds", since(since_ms).into())])
        }
    }
}

/// How a call ended that we began (`by_us`) or that came in, in a sentence about the other.
pub fn ended(end: &CallEnd, by_us: bool, who: &str) -> String {
    let who = ("who", who.into());
    match (end, by_us) {
        (CallEnd::HungUp, _) => tr_args("call-ended", &[who]),
        (CallEnd::Declined { text: Some(text) }, true) => {
            tr_args("call-declined-with", &[who, ("text", text.as_str().into())])
        }
        (CallEnd::Declined { .. }, true) => tr_args("call-declined", &[who]),
        (CallEnd::Declined { .. }, false) => tr_args("call-you-declined", &[who]),
        (CallEnd::Cancelled, true) => tr_args("call-you-cancelled", &[who]),
        (CallEnd::Cancelled, false) => tr_args("call-cancelled", &[who]),
        (CallEnd::Unanswered, true) => tr_args("call-unanswered", &[who]),
        (CallEnd::Unanswered, false) => tr_args("call-missed", &[who]),
        (CallEnd::Ignored, _) => tr_args("call-ignored", &[who]),
        (CallEnd::Busy, _) => tr_args("call-busy", &[who]),
        (CallEnd::Offline, _) => tr_args("call-offline", &[who]),
        (CallEnd::NoPath, _) => tr_args("call-no-path", &[who]),
        (CallEnd::Lost, _) => tr_args("call-lost", &[who]),
        (CallEnd::NotAContact, _) => tr_args("call-not-a-contact", &[who]),
        (CallEnd::TooOld, _) => tr_args("call-too-old", &[who]),
        (CallEnd::Full, _) => tr("call-full"),
    }
}

/// What the figures mean for who listens.
pub fn quality(quality: Quality) -> String {
    tr(match quality {
        Quality::Unknown => "call-quality-unknown",
        Quality::Good => "call-quality-good",
        Quality::Fair => "call-quality-fair",
        Quality::Late => "call-quality-late",
        Quality::Poor => "call-quality-poor",
        Quality::Bad => "call-quality-bad",
    })
}

/// The figures themselves, in a line.
pub fn figures(figures: &PartyFigures) -> String {
    let percent = |permille: u16| format!("{}.{}", permille / 10, permille % 10);
    let known = |ms: Option<u32>| ms.map_or_else(|| "–".to_owned(), |ms| ms.to_string());
    let path = match figures.path {
        Some(Path::Quic) => tr("call-path-quic"),
        Some(Path::Tcp) => tr("call-path-tcp"),
        None => tr("call-path-none"),
    };
    tr_args(
        "call-figures",
        &[
            ("delay", known(figures.delay_ms).into()),
            ("round", known(figures.round_trip_ms).into()),
            ("jitter", figures.jitter_ms.into()),
            ("buffer", figures.buffer_ms.into()),
            ("lost", percent(figures.lost_permille).into()),
            ("made", percent(figures.made_up_permille).into()),
            ("path", path.into()),
        ],
    )
}

/// Why nobody hears us.
pub fn no_microphone(fault: DeviceFault) -> String {
    tr(match fault {
        DeviceFault::Missing => "call-no-microphone",
        DeviceFault::Busy => "call-microphone-busy",
        DeviceFault::Denied => "call-microphone-denied",
        DeviceFault::System => "call-microphone-system",
    })
}

/// Why we hear nobody.
pub fn no_loudspeaker(_fault: DeviceFault) -> String {
    tr("call-no-loudspeaker")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_hours_only_where_there_are_any() {
        assert_eq!(duration(0), "0:00");
        assert_eq!(duration(65), "1:05");
        assert_eq!(duration(3_607), "1:00:07");
    }

    #[test]
    fn a_call_that_nobody_took_is_missed_by_who_was_rung() {
        let words = |outcome, by_us| note(CallNote { outcome, by_us });
        assert_eq!(words(CallOutcome::Missed, false), "Missed call");
        assert_eq!(words(CallOutcome::Cancelled, false), "Missed call");
        assert_eq!(words(CallOutcome::Missed, true), "Call, no answer");
        assert_eq!(words(CallOutcome::Answered { seconds: 65 }, true), "Call, 1:05");
    }
}
