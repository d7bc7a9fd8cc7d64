//! `make demo`: a bootstrap node and three peers in real processes talk to each other, in a room and
//! one to one, and each one's side of it is printed.
//!
//! Ends with status 0 only when everybody got everything.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use kinmesh_tests::peer::list;
use kinmesh_tests::{Bootstrap, Peer, PeerOptions};
use serde_json::{Value, json};

const PEOPLE: [&str; 3] = ["Alice", "Bob", "小林"];
/// Who says what in the room.
const IN_ROOM: [(usize, &str); 5] = [
    (0, "Good morning! Who is up for the lake today? 🌊"),
    (1, "Me. I bring the boat."),
    (2, "我也去！I bring dumplings 🥟"),
    (0, "Then I bring everybody else."),
    (1, "There is nobody else, and nothing in between. That is the point."),
];
/// Who asks whom to become a contact, and with what words.
const IN_REQUESTS: [(usize, usize, &str); 2] =
    [(0, 2, "It is Alice from the lake. May I tell you a secret?"), (1, 0, "Can I ask you something?")];
/// Who tells whom what in private.
const IN_PRIVATE: [(usize, usize, &str); 4] = [
    (0, 2, "It is Bob's birthday. Can you hide a cake among the dumplings? 🎂"),
    (2, 0, "Of course. He never looks."),
    (1, 0, "Does she know that I do not like cake?"),
    (0, 1, "What cake?"),
];

/// Columns of the transcript.
const PAGE_COLUMNS: usize = 76;
/// Columns of the longest name and a space.
const NAME_COLUMNS: usize = 6;

#[tokio::main]
async fn main() -> Result<()> {
    let started = Instant::now();
    let style = Style { colours: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() };
    let bootstrap = Bootstrap::spawn().await?;
    say(&format!("A bootstrap node runs as process {}.", bootstrap.pid()?))?;
    let spawn = |name| Peer::spawn(PeerOptions::named(name).join(bootstrap.join_link()));
    let (alice, bob, lin) = tokio::try_join!(spawn(PEOPLE[0]), spawn(PEOPLE[1]), spawn(PEOPLE[2]))?;
    let peers = [alice, bob, lin];
    for (name, peer) in PEOPLE.iter().zip(&peers) {
        say(&format!("{name} runs as process {}, and knows nobody but the bootstrap node.", peer.pid()?))?;
    }
    let lobby = gather(&peers).await?;
    say(&format!("They found each other after {:.1} s.", started.elapsed().as_secs_f64()))?;

    talk(&peers, &lobby).await?;
    bootstrap.kill9().await?;
    say("They talk in the lobby. Then the bootstrap node is killed, and they go on in private.\n")?;
    acquaint(&peers).await?;
    whisper(&peers).await?;

    for (index, peer) in peers.iter().enumerate() {
        let side = side_of(index, peer, &peers, &lobby).await?;
        say(&side.transcript(&style))?;
        side.check()?;
    }
    for peer in peers {
        peer.shutdown().await?;
    }
    let count = IN_ROOM.len() + IN_REQUESTS.len() + IN_PRIVATE.len();
    say(&format!(
        "All {count} messages reached everybody they were for, in {:.1} s.",
        started.elapsed().as_secs_f64()
    ))
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Everybody joins the lobby and sees everybody else in it.
async fn gather(peers: &[Peer; 3]) -> Result<Value> {
    let mut lobby = Value::Null;
    for peer in peers {
        lobby = peer.join_room("lobby").await?;
    }
    let everybody = |rooms: &Value| list(rooms).any(|room| room["online"] == PEOPLE.len());
    for peer in peers {
        peer.wait_until("rooms.list", json!({}), everybody).await?;
    }
    Ok(lobby)
}

/// The conversation in the room: nobody speaks before they heard what came before.
async fn talk(peers: &[Peer; 3], lobby: &Value) -> Result<()> {
    for (speaker, text) in IN_ROOM {
        peers[speaker].send(lobby, text).await?;
        for (listener, peer) in peers.iter().enumerate() {
            if listener != speaker {
                peer.wait_text(text).await?;
            }
        }
    }
    Ok(())
}

/// Nobody writes to a stranger: one asks with a few words, which begin their chat once the other accepts.
async fn acquaint(peers: &[Peer; 3]) -> Result<()> {
    for (from, to, text) in IN_REQUESTS {
        let (asking, asked) = (&peers[from], &peers[to]);
        let sent = asking.send(&asked.chat_with_me(), text).await?;
        let person = &asking.me()["person"];
        asked.wait_request(person).await?;
        say(&format!("{} asks {}: “{text}”", PEOPLE[from], PEOPLE[to]))?;
        asked.call("contacts.accept", json!({ "person": person })).await?;
        asking.wait_delivery(&sent, "delivered").await?;
        say(&format!("{} accepts.", PEOPLE[to]))?;
    }
    say("")
}

/// The private words: each is on the other's disk before the next.
async fn whisper(peers: &[Peer; 3]) -> Result<()> {
    for (from, to, text) in IN_PRIVATE {
        let sent = peers[from].send(&peers[to].chat_with_me(), text).await?;
        peers[to].wait_text(text).await?;
        peers[from].wait_delivery(&sent, "delivered").await?;
    }
    Ok(())
}

/// One conversation as one peer's disk holds it.
struct Conversation {
    title: String,
    lines: Vec<Line>,
    expected: Vec<(usize, &'static str)>,
}

struct Line {
    author: usize,
    text: String,
    /// How far an own message has come.
    state: Option<String>,
}

/// Everything one peer has.
struct Side {
    who: usize,
    conversations: Vec<Conversation>,
}

async fn side_of(who: usize, peer: &Peer, peers: &[Peer; 3], lobby: &Value) -> Result<Side> {
    let mut conversations = Vec::new();
    let expected = IN_ROOM.to_vec();
    conversations.push(Conversation {
        title: "#lobby".into(),
        lines: lines(peer, peers, lobby).await?,
        expected,
    });
    for (other, with) in peers.iter().enumerate() {
        let between = |from, to| (from, to) == (who, other) || (from, to) == (other, who);
        let expected: Vec<_> = IN_REQUESTS
            .iter()
            .chain(&IN_PRIVATE)
            .filter(|(from, to, _)| between(*from, *to))
            .map(|(from, _, text)| (*from, *text))
            .collect();
        if !expected.is_empty() {
            let lines = lines(peer, peers, &with.chat_with_me()).await?;
            conversations.push(Conversation { title: format!("with {}", PEOPLE[other]), lines, expected });
        }
    }
    Ok(Side { who, conversations })
}

async fn lines(peer: &Peer, peers: &[Peer; 3], conversation: &Value) -> Result<Vec<Line>> {
    let history = peer.history(conversation).await?;
    let line = |entry: &Value| {
        let author = peers.iter().position(|known| known.me()["person"] == entry["author"]);
        let is_own = peer.me()["person"] == entry["author"];
        let state = is_own.then(|| state_of(&entry["delivery"]));
        let text = entry["text"].as_str().context("it is text")?.to_owned();
        Ok(Line { author: author.context("one of the three wrote it")?, text, state })
    };
    history.iter().map(line).collect()
}

fn state_of(delivery: &Value) -> String {
    match (delivery["state"].as_str(), delivery["members"].as_u64()) {
        (Some("sent"), Some(members)) => format!("sent to {members}"),
        (Some(state), _) => state.to_owned(),
        (None, _) => "unknown".to_owned(),
    }
}

impl Side {
    fn transcript(&self, style: &Style) -> String {
        let title = format!("── {}'s side ", PEOPLE[self.who]);
        let rule = "─".repeat(PAGE_COLUMNS.saturating_sub(columns(&title)));
        let mut page = style.bold(&(title + &rule));
        for conversation in &self.conversations {
            let _ = write!(page, "\n  {}", style.dim(&conversation.title));
            for Line { author, text, state } in &conversation.lines {
                let state = state.as_ref().map_or(String::new(), |state| style.dim(&format!("  ✓ {state}")));
                let _ = write!(page, "\n    {} {text}{state}", style.name(*author));
            }
        }
        page.push('\n');
        page
    }

    /// Everything that was said to this peer is there, in its order, and nothing else.
    fn check(&self) -> Result<()> {
        for Conversation { title, lines, expected } in &self.conversations {
            let found: Vec<_> = lines.iter().map(|line| (line.author, line.text.as_str())).collect();
            ensure!(found == *expected, "{}, {title}: {found:?}, not {expected:?}", PEOPLE[self.who]);
        }
        Ok(())
    }
}

/// Colours, where they are seen.
struct Style {
    colours: bool,
}

impl Style {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A name, padded so that the texts stand below each other.
    fn name(&self, who: usize) -> String {
        let padding = " ".repeat(NAME_COLUMNS.saturating_sub(columns(PEOPLE[who])));
        self.paint(["36", "33", "35"][who], &format!("{}{padding}", PEOPLE[who]))
    }
}

/// Columns that a text takes in a terminal: Chinese characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{2E80}' { 1 } else { 2 }).sum()
}
