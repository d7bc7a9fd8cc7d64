//! What a typed line asks for. Parses only: names are looked up where they are used.

use std::path::PathBuf;

use super::calls::{OnCall, Part as CallPart};
use super::contacts::Act;
use super::entries::{Deed, Shared, Which};
use super::invites::{Asked, Numbered, parse_asked, parse_numbered};
use super::moderation::{Rule, parse_door, parse_keep, parse_slow, parse_span};
use super::rooms::Seating;
use crate::calls::VOLUME_MAX;
use crate::export::Format;
use crate::settings::Activation;

/// Entries that `/history` shows when no number is given.
const HISTORY_DEFAULT: usize = 20;

/// One typed line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Say(String),
    Help,
    Rooms,
    Join(String),
    Leave,
    Create(String),
    Seat {
        person: String,
        seating: Seating,
    },
    CarryOn,
    Found(String),
    Rule(Rule),
    /// `None` takes it away.
    Picture(Option<PathBuf>),
    /// `None` ends it.
    Mute {
        person: String,
        for_ms: Option<u64>,
    },
    Ignore {
        person: String,
        hidden: bool,
    },
    Knock(String),
    TurnAway(String),
    Who,
    People,
    Contacts,
    Chat(String),
    Msg {
        person: String,
        text: String,
    },
    History(usize),
    Search(String),
    More,
    Go(usize),
    Export(Export),
    DealWith {
        which: Which,
        deed: Deed,
    },
    Share {
        what: Shared,
        on: bool,
    },
    Add(String),
    Rename {
        person: String,
        nickname: Option<String>,
    },
    Remove(String),
    Requests,
    Contact {
        person: String,
        act: Act,
    },
    Introduce {
        person: String,
        to: String,
    },
    Link,
    Connect(String),
    Invite(Asked),
    Invites,
    Revoke(Numbered),
    Open(String),
    Status,
    Sound(Sound),
    Call(OnCall),
    Name(String),
    About(String),
    Quit,
}

/// What is asked of the sound.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sound {
    /// Record and play.
    Check,
    /// Ring once.
    Ring,
    /// Which devices there are.
    Devices,
    /// Use this one.
    Choose { way: Way, device: String },
    /// Do this to the microphone's sound, or not.
    Switch { part: Part, on: bool },
    /// Send one's voice then.
    Send(Activation),
    /// Let calls that come in be heard, or not.
    Ringing(bool),
}

/// Which way sound goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Microphone,
    Speaker,
}

/// A part of voice processing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Echo,
    Noise,
    Gain,
}

/// What is written into a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Export {
    /// The conversation that plain lines go to.
    Conversation { format: Format, file: PathBuf },
    /// Everything, in an archive.
    Everything { file: PathBuf },
}

/// Why a line is no command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// There is no such command.
    Unknown(String),
    /// The command needs something after it; its usage as `/help` shows it.
    Usage(&'static str),
}

/// Reads one line; `None` for an empty one. `//` says a text that begins with a slash.
pub(super) fn parse(line: &str) -> Result<Option<Command>, Mistake> {
    let line = line.trim_end_matches(['\r', '\n']);
    if line.trim().is_empty() {
        return Ok(None);
    }
    match line.strip_prefix('/') {
        None => Ok(Some(Command::Say(line.to_owned()))),
        Some(rest) if rest.starts_with('/') => Ok(Some(Command::Say(rest.to_owned()))),
        Some(rest) => parse_command(rest).map(Some),
    }
}

fn parse_command(line: &str) -> Result<Command, Mistake> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let needed = |usage| if rest.is_empty() { Err(Mistake::Usage(usage)) } else { Ok(rest.to_owned()) };
    let person = |usage| needed(usage).map(|text| take_name(&text).0);
    Ok(match word {
        "help" | "h" | "?" => Command::Help,
        "rooms" => Command::Rooms,
        "join" | "j" => Command::Join(needed("/join NAME")?),
        "leave" => Command::Leave,
        "create" => Command::Create(needed("/create NAME")?),
        "enter" => deal_with(if rest.is_empty() { "last" } else { rest }, "/enter [last|N|sN]", Deed::Enter)?,
        "admit" => seat(person("/admit PERSON")?, Seating::Admit),
        "expel" => seat(person("/expel PERSON")?, Seating::Expel),
        "admin" => seat(person("/admin PERSON")?, Seating::Admin),
        "unadmin" => seat(person("/unadmin PERSON")?, Seating::Unadmin),
        "carry-on" => Command::CarryOn,
        "found" => Command::Found(needed("/found NAME")?),
        "door" => Command::Rule(parse_door(rest).ok_or(Mistake::Usage("/door open|knock"))?),
        "keep" => Command::Rule(parse_keep(rest).ok_or(Mistake::Usage("/keep 30d|ever"))?),
        "slow" => Command::Rule(parse_slow(rest).ok_or(Mistake::Usage("/slow 30s|10m|off"))?),
        "picture" => Command::Picture(picture(&needed("/picture FILE|off")?)),
        "hide" => hide(&needed(HIDE)?)?,
        "unhide" => deal_with(rest, "/unhide N|sN", Deed::Unhide)?,
        "look" => deal_with(rest, "/look N|sN", Deed::Look)?,
        "fold" => deal_with(rest, "/fold last|N|sN", Deed::Fold)?,
        "unfold" => deal_with(rest, "/unfold N|sN", Deed::Unfold)?,
        "silence" => mute(&needed(MUTE)?)?,
        "unsilence" => Command::Mute { person: person("/unsilence PERSON")?, for_ms: None },
        "skip" => Command::Ignore { person: person("/skip PERSON")?, hidden: true },
        "unskip" => Command::Ignore { person: person("/unskip PERSON")?, hidden: false },
        "knock" => Command::Knock(rest.to_owned()),
        "turnaway" => Command::TurnAway(person("/turnaway PERSON")?),
        "who" => Command::Who,
        "people" => Command::People,
        "contacts" => Command::Contacts,
        "chat" => Command::Chat(person("/chat PERSON")?),
        "msg" | "m" => msg(&needed("/msg PERSON TEXT")?),
        "history" => Command::History(count(rest)?),
        "search" | "s" => Command::Search(needed("/search WORDS")?),
        "more" => Command::More,
        "go" => Command::Go(hit(rest).ok_or(Mistake::Usage("/go sN"))?),
        "export" => Command::Export(export(rest).ok_or(Mistake::Usage(EXPORT))?),
        "reply" | "r" => said(&needed(REPLY)?, REPLY, Deed::Reply)?,
        "edit" | "e" => said(&needed(EDIT)?, EDIT, Deed::Edit)?,
        "react" => said(&needed(REACT)?, REACT, Deed::React)?,
        "unreact" => said(&needed(UNREACT)?, UNREACT, Deed::Unreact)?,
        "delete" => deal_with(rest, "/delete last|N|sN", Deed::Delete)?,
        "edits" => deal_with(rest, "/edits last|N|sN", Deed::Edits)?,
        "receipts" => share(rest, "/receipts on|off", Shared::Receipts)?,
        "typing" => share(rest, "/typing on|off", Shared::Typing)?,
        "add" => Command::Add(person("/add PERSON")?),
        "rename" => rename(&needed("/rename PERSON NICKNAME")?),
        "remove" => Command::Remove(person("/remove PERSON")?),
        "requests" => Command::Requests,
        "accept" => Command::Call(OnCall::Accept(take_name(rest).0)),
        "decline" => Command::Call(OnCall::Decline(rest.to_owned())),
        "call" if rest.is_empty() => Command::Call(OnCall::Show),
        "call" => Command::Call(OnCall::Ring(take_name(rest).0)),
        "ignore" => Command::Call(OnCall::Ignore),
        "hangup" => Command::Call(OnCall::HangUp),
        "mute" => switch_call(rest, "/mute [on|off]", CallPart::Mute)?,
        "deafen" => switch_call(rest, "/deafen [on|off]", CallPart::Deafen)?,
        "hold" => switch_call(rest, "/hold [on|off]", CallPart::Hold)?,
        "talk" => switch_call(rest, "/talk [on|off]", CallPart::Talk)?,
        "volume" => volume(rest).ok_or(Mistake::Usage(VOLUME))?,
        "bring" => Command::Call(OnCall::Bring(person("/bring PERSON")?)),
        "transfer" => Command::Call(OnCall::Transfer(person("/transfer PERSON")?)),
        "voice" => Command::Call(OnCall::Voice),
        "block" => contact(person("/block PERSON")?, Act::Block),
        "unblock" => contact(person("/unblock PERSON")?, Act::Unblock),
        "safety" => contact(person("/safety PERSON")?, Act::Safety),
        "verify" => contact(person("/verify PERSON")?, Act::Verify),
        "unverify" => contact(person("/unverify PERSON")?, Act::Unverify),
        "introduce" => introduce(&needed(INTRODUCE)?)?,
        "link" => Command::Link,
        "invite" => Command::Invite(parse_asked(rest).ok_or(Mistake::Usage(INVITE))?),
        "invites" => Command::Invites,
        "revoke" => Command::Revoke(parse_numbered(rest).ok_or(Mistake::Usage("/revoke iN|oN"))?),
        "open" => Command::Open(rest.to_owned()),
        "connect" => Command::Connect(needed("/connect LINK")?),
        "status" => Command::Status,
        "sound" => Command::Sound(sound(rest).ok_or(Mistake::Usage(SOUND))?),
        "name" => Command::Name(needed("/name NAME")?),
        "about" => Command::About(rest.to_owned()),
        "quit" | "q" | "exit" => Command::Quit,
        _ => return Err(Mistake::Unknown(word.to_owned())),
    })
}

const INTRODUCE: &str = "/introduce PERSON TO-WHOM";
const INVITE: &str = "/invite [here] [3h|7d|forever] [N|any] [FILE.kinmesh]";
/// How a link or a file is opened.
pub(super) const OPEN: &str = "/open LINK|FILE";
const REPLY: &str = "/reply last|N|sN TEXT";
const EDIT: &str = "/edit last|N|sN TEXT";
const REACT: &str = "/react last|N|sN EMOJI";
const UNREACT: &str = "/unreact last|N|sN EMOJI";

const HIDE: &str = "/hide last|N|sN [REASON]";
const MUTE: &str = "/silence PERSON 10m|3h|7d";

/// A message, and why it is hidden.
fn hide(rest: &str) -> Result<Command, Mistake> {
    let (which, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    deal_with(which, HIDE, Deed::Hide(reason.trim().to_owned()))
}

fn picture(rest: &str) -> Option<PathBuf> {
    (rest != "off").then(|| rest.into())
}

fn mute(rest: &str) -> Result<Command, Mistake> {
    let (person, for_how_long) = take_name(rest);
    let for_ms = parse_span(for_how_long).ok_or(Mistake::Usage(MUTE))?;
    Ok(Command::Mute { person, for_ms: Some(for_ms) })
}

const EXPORT: &str = "/export FILE.md|FILE.json, /export all FILE";

fn seat(person: String, seating: Seating) -> Command {
    Command::Seat { person, seating }
}

fn contact(person: String, act: Act) -> Command {
    Command::Contact { person, act }
}

fn introduce(rest: &str) -> Result<Command, Mistake> {
    let (person, rest) = take_name(rest);
    let to = take_name(rest).0;
    if to.is_empty() { Err(Mistake::Usage(INTRODUCE)) } else { Ok(Command::Introduce { person, to }) }
}

const VOLUME: &str = "/volume PERSON PERCENT";

fn switch_call(rest: &str, usage: &'static str, part: CallPart) -> Result<Command, Mistake> {
    let on = match rest {
        "" => None,
        "on" => Some(true),
        "off" => Some(false),
        _ => return Err(Mistake::Usage(usage)),
    };
    Ok(Command::Call(OnCall::Switch(part, on)))
}

fn volume(rest: &str) -> Option<Command> {
    let (person, percent) = take_name(rest);
    let percent: u16 = percent.trim_end_matches('%').trim_end().parse().ok()?;
    let is_possible = f32::from(percent) <= 100.0 * VOLUME_MAX && !person.is_empty();
    is_possible.then_some(Command::Call(OnCall::Volume { person, percent }))
}

const SOUND: &str = "/sound, /sound ring|devices, /sound mic|speaker N|NAME|default, \
    /sound echo|noise|gain on|off, /sound send open|voice|key, /sound ringing on|off";

fn sound(rest: &str) -> Option<Sound> {
    let (what, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let choose = |way| {
        // All of it is the name: nothing follows.
        let device = rest.trim().trim_matches('"').to_owned();
        (!device.is_empty()).then_some(Sound::Choose { way, device })
    };
    let switch = |part| match rest.trim() {
        "on" => Some(Sound::Switch { part, on: true }),
        "off" => Some(Sound::Switch { part, on: false }),
        _ => None,
    };
    match (what, rest.trim()) {
        ("", "") => Some(Sound::Check),
        ("ring", "") => Some(Sound::Ring),
        ("devices", "") => Some(Sound::Devices),
        ("mic", _) => choose(Way::Microphone),
        ("speaker", _) => choose(Way::Speaker),
        ("echo", _) => switch(Part::Echo),
        ("noise", _) => switch(Part::Noise),
        ("gain", _) => switch(Part::Gain),
        ("send", "open") => Some(Sound::Send(Activation::Open)),
        ("send", "voice") => Some(Sound::Send(Activation::Voice)),
        ("send", "key") => Some(Sound::Send(Activation::PushToTalk)),
        ("ringing", "on") => Some(Sound::Ringing(true)),
        ("ringing", "off") => Some(Sound::Ringing(false)),
        _ => None,
    }
}

/// The number of a hit of the last search.
fn hit(text: &str) -> Option<usize> {
    text.strip_prefix(['s', 'S'])?.parse().ok().filter(|number| *number > 0)
}

/// The form of a conversation is what its file is called.
fn export(rest: &str) -> Option<Export> {
    if let Some(("all", file)) = rest.split_once(char::is_whitespace) {
        return Some(Export::Everything { file: file.trim().into() });
    }
    let file = PathBuf::from(rest);
    let format = match file.extension()?.to_str()? {
        "md" => Format::Markdown,
        "json" => Format::Json,
        _ => return None,
    };
    Some(Export::Conversation { format, file })
}

/// A message and words for it.
fn said(rest: &str, usage: &'static str, deed: fn(String) -> Deed) -> Result<Command, Mistake> {
    match rest.split_once(char::is_whitespace) {
        Some((which, text)) => deal_with(which, usage, deed(text.trim().to_owned())),
        None => Err(Mistake::Usage(usage)),
    }
}

fn deal_with(which: &str, usage: &'static str, deed: Deed) -> Result<Command, Mistake> {
    let which = match which {
        "last" => Which::Last,
        number => match (hit(number), number.parse()) {
            (Some(number), _) => Which::Found(number),
            (None, Ok(number @ 1..)) => Which::Number(number),
            _ => return Err(Mistake::Usage(usage)),
        },
    };
    Ok(Command::DealWith { which, deed })
}

fn share(rest: &str, usage: &'static str, what: Shared) -> Result<Command, Mistake> {
    match rest {
        "on" => Ok(Command::Share { what, on: true }),
        "off" => Ok(Command::Share { what, on: false }),
        _ => Err(Mistake::Usage(usage)),
    }
}

/// `/msg PERSON` alone turns to the chat, as `/chat` does.
fn msg(rest: &str) -> Command {
    match take_name(rest) {
        (person, "") => Command::Chat(person),
        (person, text) => Command::Msg { person, text: text.to_owned() },
    }
}

fn rename(rest: &str) -> Command {
    let (person, nickname) = take_name(rest);
    let nickname = take_name(nickname).0;
    Command::Rename { person, nickname: Some(nickname).filter(|name| !name.is_empty()) }
}

fn count(rest: &str) -> Result<usize, Mistake> {
    if rest.is_empty() {
        return Ok(HISTORY_DEFAULT);
    }
    rest.parse().ok().filter(|count| *count > 0).ok_or(Mistake::Usage("/history [N]"))
}

/// The first word, or what stands in quotation marks, and the rest.
pub(super) fn take_name(text: &str) -> (String, &str) {
    let text = text.trim();
    let text = text.strip_prefix('@').unwrap_or(text);
    let quoted = text.strip_prefix('"').and_then(|inside| inside.split_once('"'));
    let (name, rest) = quoted.or_else(|| text.split_once(char::is_whitespace)).unwrap_or((text, ""));
    (name.to_owned(), rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Command {
        parse(line).unwrap().unwrap()
    }

    #[test]
    fn a_plain_line_is_said() {
        assert_eq!(command("  hello /help\r"), Command::Say("  hello /help".into()));
        assert_eq!(command("//shrug"), Command::Say("/shrug".into()));
        assert_eq!(parse("  "), Ok(None));
    }

    #[test]
    fn what_admins_do_names_a_time_or_a_reason() {
        let mute = |person: &str, for_ms| Command::Mute { person: person.into(), for_ms };
        assert_eq!(command("/silence \"Ann Lee\" 10m"), mute("Ann Lee", Some(600_000)));
        assert_eq!(command("/unsilence Bo"), mute("Bo", None));
        let hide = |which, reason: &str| Command::DealWith { which, deed: Deed::Hide(reason.into()) };
        assert_eq!(command("/hide 3 buy now"), hide(Which::Number(3), "buy now"));
        assert_eq!(command("/hide last"), hide(Which::Last, ""));
        assert_eq!(command("/slow off"), Command::Rule(Rule::SlowMs(0)));
        assert_eq!(command("/keep 30d"), Command::Rule(Rule::KeepDays(30)));
        assert_eq!(command("/keep ever"), Command::Rule(Rule::KeepDays(0)));
        assert_eq!(command("/picture our boat.png"), Command::Picture(Some("our boat.png".into())));
        assert_eq!(command("/picture off"), Command::Picture(None));
        assert_eq!(parse("/picture"), Err(Mistake::Usage("/picture FILE|off")));
        for wrong in [
            "/silence Bo",
            "/silence Bo 10",
            "/silence Bo 0m",
            "/slow soon",
            "/keep 0d",
            "/door ajar",
            "/hide",
        ] {
            assert!(matches!(parse(wrong), Err(Mistake::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn names_with_spaces_stand_in_quotation_marks() {
        let msg = |person: &str, text: &str| Command::Msg { person: person.into(), text: text.into() };
        assert_eq!(command("/msg Bo  hi  there "), msg("Bo", "hi  there"));
        assert_eq!(command("/msg \"Ann Lee\" hi \"you\""), msg("Ann Lee", "hi \"you\""));
        assert_eq!(command("/msg @Bo hi"), msg("Bo", "hi"));
        assert_eq!(command("/msg Bo"), Command::Chat("Bo".into()));
        assert_eq!(command("/chat \"Ann Lee\""), Command::Chat("Ann Lee".into()));
    }

    #[test]
    fn a_nickname_may_be_taken_back() {
        let rename = |nickname: Option<&str>| Command::Rename {
            person: "Bo".into(),
            nickname: nickname.map(str::to_owned),
        };
        assert_eq!(command("/rename Bo \"my brother\""), rename(Some("my brother")));
        assert_eq!(command("/rename Bo brother"), rename(Some("brother")));
        assert_eq!(command("/rename Bo"), rename(None));
    }

    #[test]
    fn who_is_introduced_comes_before_whom_they_are_introduced_to() {
        let introduce = Command::Introduce { person: "Ann Lee".into(), to: "Bo".into() };
        assert_eq!(command("/introduce \"Ann Lee\" Bo"), introduce);
        for line in ["/introduce", "/introduce Bo"] {
            assert_eq!(parse(line), Err(Mistake::Usage(INTRODUCE)), "{line}");
        }
        assert_eq!(command("/block Bo"), contact("Bo".into(), Act::Block));
        assert_eq!(parse("/block"), Err(Mistake::Usage("/block PERSON")));
    }

    #[test]
    fn numbers_are_checked() {
        assert_eq!(command("/history"), Command::History(HISTORY_DEFAULT));
        assert_eq!(command("/history 3"), Command::History(3));
        for line in ["/history 0", "/history x", "/history -1"] {
            assert_eq!(parse(line), Err(Mistake::Usage("/history [N]")));
        }
    }

    #[test]
    fn a_message_is_named_by_its_number_or_as_the_last() {
        let deal = |which, deed| Command::DealWith { which, deed };
        assert_eq!(command("/edit last  a  b "), deal(Which::Last, Deed::Edit("a  b".into())));
        assert_eq!(command("/react 12 👍"), deal(Which::Number(12), Deed::React("👍".into())));
        assert_eq!(command("/delete 1"), deal(Which::Number(1), Deed::Delete));
        for line in ["/delete", "/delete 0", "/delete that"] {
            assert_eq!(parse(line), Err(Mistake::Usage("/delete last|N|sN")), "{line}");
        }
        for line in ["/reply", "/reply last", "/reply x text"] {
            assert_eq!(parse(line), Err(Mistake::Usage("/reply last|N|sN TEXT")), "{line}");
        }
    }

    #[test]
    fn what_was_found_has_numbers_of_its_own() {
        assert_eq!(command("/search wind from:Bo "), Command::Search("wind from:Bo".into()));
        assert_eq!(command("/go s2"), Command::Go(2));
        let answer = Command::DealWith { which: Which::Found(3), deed: Deed::Reply("yes".into()) };
        assert_eq!(command("/reply s3 yes"), answer);
        for line in ["/go", "/go 2", "/go s0", "/go sx"] {
            assert_eq!(parse(line), Err(Mistake::Usage("/go sN")), "{line}");
        }
        assert_eq!(parse("/search "), Err(Mistake::Usage("/search WORDS")));
    }

    #[test]
    fn the_name_of_a_file_says_what_goes_into_it() {
        let export = |format, file: &str| Command::Export(Export::Conversation { format, file: file.into() });
        assert_eq!(command("/export my talk.md"), export(Format::Markdown, "my talk.md"));
        assert_eq!(command("/export 周末.json"), export(Format::Json, "周末.json"));
        let all = Command::Export(Export::Everything { file: "/mnt/ann.age".into() });
        assert_eq!(command("/export all  /mnt/ann.age"), all);
        for line in ["/export", "/export all", "/export talk", "/export talk.doc"] {
            assert_eq!(parse(line), Err(Mistake::Usage(EXPORT)), "{line}");
        }
    }

    #[test]
    fn sound_has_words_of_its_own() {
        assert_eq!(command("/sound"), Command::Sound(Sound::Check));
        assert_eq!(command("/sound devices"), Command::Sound(Sound::Devices));
        let choose = |way, device: &str| Command::Sound(Sound::Choose { way, device: device.into() });
        assert_eq!(command("/sound mic 2"), choose(Way::Microphone, "2"));
        assert_eq!(command("/sound speaker \"USB Headset\""), choose(Way::Speaker, "USB Headset"));
        assert_eq!(command("/sound echo off"), Command::Sound(Sound::Switch { part: Part::Echo, on: false }));
        for line in ["/sound echo", "/sound mic", "/sound louder", "/sound ring twice", "/sound gain 3"] {
            assert_eq!(parse(line), Err(Mistake::Usage(SOUND)), "{line}");
        }
    }

    #[test]
    fn in_a_call_a_word_is_enough() {
        let call = Command::Call;
        assert_eq!(command("/call"), call(OnCall::Show));
        assert_eq!(command("/call \"Ann Lee\""), call(OnCall::Ring("Ann Lee".into())));
        assert_eq!(command("/accept"), call(OnCall::Accept(String::new())));
        assert_eq!(command("/decline  in a minute "), call(OnCall::Decline("in a minute".into())));
        assert_eq!(command("/mute"), call(OnCall::Switch(CallPart::Mute, None)));
        assert_eq!(command("/hold off"), call(OnCall::Switch(CallPart::Hold, Some(false))));
        let volume = call(OnCall::Volume { person: "Bo".into(), percent: 150 });
        assert_eq!(command("/volume Bo 150"), volume);
        assert_eq!(command("/volume Bo 150 %"), volume);
        for line in ["/volume", "/volume Bo", "/volume Bo loud", "/volume Bo 401", "/volume Bo -1"] {
            assert_eq!(parse(line), Err(Mistake::Usage(VOLUME)), "{line}");
        }
        assert_eq!(parse("/mute a bit"), Err(Mistake::Usage("/mute [on|off]")));
        assert_eq!(command("/sound send key"), Command::Sound(Sound::Send(Activation::PushToTalk)));
        assert_eq!(command("/sound ringing off"), Command::Sound(Sound::Ringing(false)));
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(parse("/jion lobby"), Err(Mistake::Unknown("jion".into())));
        assert_eq!(parse("/join "), Err(Mistake::Usage("/join NAME")));
    }
}
