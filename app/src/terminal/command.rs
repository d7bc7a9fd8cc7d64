//! What a typed line asks for. Parses only: names are looked up where they are used.

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
    Who,
    People,
    Contacts,
    Chat(String),
    Msg { person: String, text: String },
    History(usize),
    Add(String),
    Rename { person: String, nickname: Option<String> },
    Remove(String),
    Link,
    Connect(String),
    Status,
    Name(String),
    About(String),
    Quit,
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
        "who" => Command::Who,
        "people" => Command::People,
        "contacts" => Command::Contacts,
        "chat" => Command::Chat(person("/chat PERSON")?),
        "msg" | "m" => msg(&needed("/msg PERSON TEXT")?),
        "history" => Command::History(count(rest)?),
        "add" => Command::Add(person("/add PERSON")?),
        "rename" => rename(&needed("/rename PERSON NICKNAME")?),
        "remove" => Command::Remove(person("/remove PERSON")?),
        "link" => Command::Link,
        "connect" => Command::Connect(needed("/connect LINK")?),
        "status" => Command::Status,
        "name" => Command::Name(needed("/name NAME")?),
        "about" => Command::About(rest.to_owned()),
        "quit" | "q" | "exit" => Command::Quit,
        _ => return Err(Mistake::Unknown(word.to_owned())),
    })
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
fn take_name(text: &str) -> (String, &str) {
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
    fn numbers_are_checked() {
        assert_eq!(command("/history"), Command::History(HISTORY_DEFAULT));
        assert_eq!(command("/history 3"), Command::History(3));
        for line in ["/history 0", "/history x", "/history -1"] {
            assert_eq!(parse(line), Err(Mistake::Usage("/history [N]")));
        }
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(parse("/jion lobby"), Err(Mistake::Unknown("jion".into())));
        assert_eq!(parse("/join "), Err(Mistake::Usage("/join NAME")));
    }
}
