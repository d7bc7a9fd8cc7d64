//! `kinmesh chat` as a person or a script meets it: the real program, its lines in and out.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use kinmesh_tests::{DEADLINE, Peer, PeerOptions, Process, process};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

fn args<'a>(data: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let own = ["chat", "--data", data, "--no-mdns", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1"];
    own.into_iter().chain(more.iter().copied()).collect()
}

/// What a pipe of these lines prints.
async fn piped(data: &Path, more: &[&str], input: &str) -> Result<String> {
    let ended = process::run("kinmesh", &args(&data.display().to_string(), more), input).await?;
    let (out, error) =
        (String::from_utf8(ended.stdout)?, String::from_utf8_lossy(&ended.stderr).into_owned());
    ensure!(ended.status.success() && error.is_empty(), "{}: {error}", ended.status);
    Ok(out)
}

/// Without the time in front, which differs from run to run and after midnight has a date before it,
/// and without the mark of a change before that.
fn timeless(line: &str) -> &str {
    let is_date = |word: &str| word.len() == 10 && word.as_bytes()[4] == b'-' && word.as_bytes()[7] == b'-';
    let is_time = |word: &str| word.len() == 5 && word.as_bytes()[2] == b':';
    let line = line.strip_prefix("  ~ ").unwrap_or(line);
    let line = line.split_once(' ').filter(|(word, _)| is_date(word)).map_or(line, |(_, rest)| rest);
    line.split_once(' ').filter(|(word, _)| is_time(word)).map_or(line, |(_, rest)| rest)
}

/// Somebody who types and reads.
struct Typist {
    process: Process,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _dir: TempDir,
}

impl Typist {
    async fn start(more: &[&str]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let data = dir.path().join("data").display().to_string();
        let (process, input, output) = Process::spawn("kinmesh", args(&data, more), &dir.path().join("log"))?;
        Ok(Self { process, input, lines: BufReader::new(output).lines(), _dir: dir })
    }

    async fn types(&mut self, line: &str) -> Result<()> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    /// Reads until a line fits; that line without its time.
    async fn reads(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> Result<String> {
        let mut read = Vec::new();
        let found = async {
            while let Some(line) = self.lines.next_line().await? {
                if fits(timeless(&line)) {
                    return Ok(timeless(&line).to_owned());
                }
                read.push(line);
            }
            anyhow::bail!("the output ended")
        };
        let found = timeout(DEADLINE, found).await.map_err(anyhow::Error::from).flatten();
        found.with_context(|| format!("{what} never came, only {read:#?}\n{}", self.process.log_tail()))
    }

    async fn reads_line(&mut self, line: &str) -> Result<()> {
        self.reads(line, |read| read == line).await.map(drop)
    }

    /// Searches as somebody would who has just seen it said, until the first line of what is found is
    /// this: nobody is told when the index has taken up what came.
    async fn finds(&mut self, typed: &str, first: &str) -> Result<()> {
        let ask = async {
            loop {
                self.types(typed).await?;
                let is_found = |line: &str| line.ends_with(']') || line == "Nothing was found.";
                if self.reads("a find", is_found).await? == first {
                    return anyhow::Ok(());
                }
            }
        };
        timeout(DEADLINE, ask).await.with_context(|| format!("{typed} finds {first}"))?
    }

    /// Waits until the person of this fingerprint is known to the program.
    async fn knows(&mut self, fingerprint: &str) -> Result<()> {
        let ask = async {
            loop {
                self.types(&format!("/rename {fingerprint}")).await?;
                let known = "You see them under their own name again.";
                let is_answer = |line: &str| line == known || line.starts_with("Nobody here is called ");
                if self.reads("whether somebody is known", is_answer).await? == known {
                    return anyhow::Ok(());
                }
            }
        };
        timeout(DEADLINE, ask).await.with_context(|| format!("{fingerprint} is never known"))?
    }

    async fn ends(mut self) -> Result<()> {
        self.process.ended_well().await
    }
}

/// An RPC peer in the lobby, with its link.
async fn bob_in_the_lobby() -> Result<(Peer, String, serde_json::Value)> {
    let bob = Peer::spawn(PeerOptions::named("Bob")).await?;
    let lobby = bob.join_room("lobby").await?;
    let link = bob.join_link().await?;
    Ok((bob, link, lobby))
}

#[tokio::test]
async fn a_pipe_speaks_reads_its_history_and_ends() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let options = ["--name", "Ann", "--room", "lobby"];
    let out = piped(dir.path(), &options, "hello\n/history\n").await?;
    let lines: Vec<_> = out.lines().map(timeless).collect();
    assert_eq!(
        lines,
        [
            "#lobby you: hello [1, queued]",
            "1 message waits: nobody else is here; they go when somebody comes.",
            "1 message has not left this device yet."
        ]
    );
    // Name, room and history are there at the next start, and the last line needs no end.
    let out = piped(dir.path(), &[], "/history 1\n/rooms").await?;
    let lines: Vec<_> = out.lines().map(timeless).collect();
    assert_eq!(
        lines,
        [
            "#lobby you: hello [1, queued]",
            "1 message waits: nobody else is here; they go when somebody comes.",
            "#lobby, 1 member, 1 here, 0 unread"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn echo_answers_without_any_network() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let out = piped(dir.path(), &["--name", "Ann"], "/msg Echo hello there\n").await?;
    ensure!(out.contains("  @Echo [delivered] hello there\n"), "{out}");
    Ok(())
}

#[tokio::test]
async fn what_is_piped_arrives_before_the_program_ends() -> Result<()> {
    let (bob, link, _) = bob_in_the_lobby().await?;
    let dir = tempfile::tempdir()?;
    let options = ["--name", "Ann", "--join", &link, "--room", "lobby"];
    let out = piped(dir.path(), &options, "from a script\n第二行\n").await?;
    ensure!(!out.contains("has not left this device yet"), "it ends when all has left: {out}");
    ensure!(out.contains("  #lobby [sent to 1 member] from a script\n"), "{out}");
    ensure!(out.contains("  #lobby [sent to 1 member] 第二行\n"), "{out}");
    bob.wait_text("from a script").await?;
    bob.wait_text("第二行").await?;
    bob.wait_offline("Ann").await?;
    bob.shutdown().await
}

#[tokio::test]
async fn two_people_talk_and_see_each_other() -> Result<()> {
    let (bob, link, lobby) = bob_in_the_lobby().await?;
    let mut ann = Typist::start(&["--name", "Ann", "--join", &link, "--room", "lobby"]).await?;
    bob.wait_online("Ann").await?;
    ann.reads_line("  Bob is in #lobby").await?;
    bob.send(&lobby, "hello Ann").await?;
    ann.reads_line("#lobby Bob: hello Ann").await?;

    ann.types("/add Bob").await?;
    ann.reads_line("Bob is asked to be a contact.").await?;
    let ann_id = bob.wait_online("Ann").await?["person"].clone();
    bob.wait_request(&ann_id).await?;
    bob.call("contacts.accept", json!({ "person": ann_id })).await?;
    ann.reads_line("  Bob has accepted you.").await?;
    ann.types("/msg Bob just you").await?;
    let private = bob.wait_text("just you").await?;
    ann.reads_line("  @Bob [delivered] just you").await?;
    bob.send(&private["conversation"], "yes").await?;
    ann.reads_line("@Bob Bob: yes").await?;

    ann.types("/chat bob").await?;
    ann.reads_line("You are talking to @Bob.").await?;
    ann.types("plain lines go to Bob now").await?;
    let entry = bob.wait_text("plain lines go to Bob now").await?;
    assert_eq!(entry["conversation"], private["conversation"]);

    bob.shutdown().await?;
    ann.types("/quit").await?;
    ann.ends().await
}

#[tokio::test]
async fn who_may_write_is_decided_at_the_terminal() -> Result<()> {
    let (bob, link, _) = bob_in_the_lobby().await?;
    let mut ann = Typist::start(&["--name", "Ann", "--join", &link, "--room", "lobby"]).await?;
    let ann_id = bob.wait_online("Ann").await?["person"].clone();
    let to_ann = json!({ "direct": ann_id });
    bob.send(&to_ann, "may I?").await?;
    let print = bob.me()["fingerprint"].as_str().unwrap_or_default().to_owned();
    ann.reads_line(&format!("  Bob [{print}] asks to be a contact: /accept, /decline or /block")).await?;
    ann.reads_line("    may I?").await?;
    ann.types("/accept Bob").await?;
    ann.reads_line("  Bob and you are contacts now.").await?;
    ann.reads_line("@Bob Bob: may I?").await?;

    ann.types("/safety Bob").await?;
    let number = bob.call("contacts.safety_number", json!({ "person": ann_id })).await?;
    let words: Vec<&str> =
        number["words"].as_array().into_iter().flatten().filter_map(|word| word.as_str()).collect();
    ann.reads_line(&words.join(" ")).await?;
    ann.types("/verify Bob").await?;
    ann.reads_line("Bob is verified.").await?;
    ann.types("/block Bob").await?;
    ann.reads("that he is blocked", |line| line.starts_with("Bob is blocked: ")).await?;
    bob.wait_offline("Ann").await?;
    ann.types("/msg Bob hm").await?;
    ann.reads_line("Not done: you have blocked this person.").await?;
    ann.types("/unblock Bob").await?;
    ann.reads("that he is not", |line| line.starts_with("Bob is no longer blocked.")).await?;
    bob.wait_online("Ann").await?;
    bob.send(&to_ann, "here again").await?;
    ann.reads_line("@Bob Bob: here again").await?;
    ann.types("/quit").await?;
    ann.ends().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn text_of_others_cannot_drive_the_terminal() -> Result<()> {
    let (bob, link, lobby) = bob_in_the_lobby().await?;
    let mut ann = Typist::start(&["--name", "Ann", "--join", &link, "--room", "lobby"]).await?;
    bob.wait_online("Ann").await?;
    bob.send(&lobby, "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\r\n12:00 #lobby Ann: I owe Bob\n")
        .await?;
    let line = ann.reads("the hostile line", |line| line.starts_with("#lobby Bob: ")).await?;
    assert_eq!(line, "#lobby Bob: ␛[2J␛]0;owned␇<U+009B>31m<U+202E>␍");
    let line = ann.lines.next_line().await?.context("a second line")?;
    assert_eq!(line, "        | 12:00 #lobby Ann: I owe Bob");
    // What is typed comes back harmless too.
    ann.types("/msg \u{1b}[2J hello").await?;
    ann.reads_line("Nobody here is called ␛[2J; /people lists everybody.").await?;
    ann.types("/\u{1b}c").await?;
    ann.reads_line("There is no command /␛c; /help lists them.").await?;
    drop(ann.input);
    ann.process.ended_well().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn namesakes_are_told_apart() -> Result<()> {
    let (bob, link, lobby) = bob_in_the_lobby().await?;
    let twin = Peer::spawn(PeerOptions::named("Bob").join(&link)).await?;
    twin.join_room("lobby").await?;
    let mut ann = Typist::start(&["--name", "Ann", "--join", &link, "--room", "lobby"]).await?;
    bob.wait_online("Ann").await?;
    twin.wait_online("Ann").await?;
    let print = |peer: &Peer| peer.me()["fingerprint"].as_str().unwrap_or_default().to_owned();
    ann.knows(&print(&bob)).await?;
    ann.knows(&print(&twin)).await?;
    twin.send(&lobby, "which Bob am I?").await?;
    let line = ann.reads("the question", |line| line.ends_with(": which Bob am I?")).await?;
    assert_eq!(line, format!("#lobby Bob ({}): which Bob am I?", print(&twin)));
    ann.types("/msg Bob hello").await?;
    ann.reads_line("That could be several people; use the fingerprint instead of the name:").await?;
    ann.types(&format!("/msg {} hello first Bob", print(&bob))).await?;
    let ann_id = bob.wait_online("Ann").await?["person"].clone();
    bob.wait_request(&ann_id).await?;
    let requests = bob.call("contacts.requests", json!({})).await?;
    assert_eq!(requests[0]["text"], "hello first Bob");
    ann.types("/quit").await?;
    ann.ends().await?;
    twin.shutdown().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn a_message_is_answered_changed_and_taken_back() -> Result<()> {
    let (bob, link, lobby) = bob_in_the_lobby().await?;
    let mut ann = Typist::start(&["--name", "Ann", "--join", &link, "--room", "lobby"]).await?;
    ann.reads_line("  Bob is in #lobby").await?;
    let said = bob.call("conversation.send", json!({ "conversation": lobby, "text": "tea?" })).await?;
    ann.reads_line("#lobby Bob: tea?").await?;
    ann.types("/reply last yes plaese").await?;
    ann.reads_line("  #lobby [sent to 1 member] yes plaese").await?;
    ann.types("/edit last yes please").await?;
    ann.reads_line("#lobby you: yes please (edited) (answers Bob: tea?)").await?;
    ann.types("/react last 👍").await?;
    ann.reads_line("#lobby Bob: tea? 👍 you").await?;
    let answer = json!({ "conversation": lobby, "limit": 1 });
    let page = bob.wait_until("conversation.page", answer, |page| page[0]["text"] == "yes please").await?;
    assert_eq!(page[0]["reply_to"], said["key"]);
    ann.types("/edits last").await?;
    ann.reads_line("yes plaese").await?;
    ann.reads_line("yes please").await?;
    ann.types("/delete 1").await?;
    ann.reads_line("#lobby you: (deleted)").await?;
    for (typed, answer) in [
        ("/edit 2 coffee?", "Not done: somebody else wrote it."),
        ("/delete 99", "There is no such message here; /history numbers them."),
        ("/receipts off", "Read receipts are off."),
        ("/typing off", "Telling that somebody writes is off."),
    ] {
        ann.types(typed).await?;
        ann.reads_line(answer).await.with_context(|| format!("after {typed}"))?;
    }
    ann.types("/quit").await?;
    ann.ends().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn every_command_answers() -> Result<()> {
    let (bob, link, _) = bob_in_the_lobby().await?;
    let mut ann = Typist::start(&["--name", "Ann"]).await?;
    let dialogue = [
        ("hello?", "Nobody would hear that: /join a room or /chat with somebody first."),
        ("/history", "Nobody would hear that: /join a room or /chat with somebody first."),
        ("/rooms", "You are in no room: /join lobby is a good start."),
        ("/join  Kaffee & 茶 ", "You are talking to #Kaffee & 茶."),
        ("/rooms", "#Kaffee & 茶, 1 member, 1 here, 0 unread"),
        ("/leave", "You left #Kaffee & 茶; its history stays here."),
        ("/leave", "You are talking in no room."),
        ("/rooms", "#Kaffee & 茶, 0 members, 0 here, 0 unread, left"),
        ("/join", "Usage: /join NAME"),
        ("/join \u{202e}x", "Not done: the name holds control characters."),
        ("/nonsense", "There is no command /nonsense; /help lists them."),
        ("/name Ann Lee", "You are called Ann Lee now."),
        ("/about on the boat", "Others see it beside your name now."),
        (
            "/connect nonsense",
            "Not done: not an address: expected a kinmesh:// link or a multiaddress such as /ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3....",
        ),
        ("/join lobby", "You are talking to #lobby."),
    ];
    for (typed, answer) in dialogue {
        ann.types(typed).await?;
        ann.reads_line(answer).await.with_context(|| format!("after {typed}"))?;
    }
    ann.types("/help").await?;
    ann.reads("the help", |line| line.starts_with("/quit ")).await?;
    ann.types("/link").await?;
    ann.reads("a link", |line| line.starts_with("kinmesh://join?node=") && line.ends_with("room=lobby"))
        .await?;

    ann.types(&format!("/connect {link}")).await?;
    let seen = bob.wait_online("Ann Lee").await?;
    assert_eq!(seen["status"], "on the boat");
    ann.reads_line("  Bob is in #lobby").await?;
    ann.types("/status").await?;
    ann.reads("the peers", |line| line.starts_with("Connected peers: 1 ")).await?;
    ann.types("/add Bob").await?;
    ann.reads_line("Bob is asked to be a contact.").await?;
    bob.wait_request(&seen["person"]).await?;
    bob.call("contacts.accept", json!({ "person": seen["person"] })).await?;
    ann.reads_line("  Bob has accepted you.").await?;
    ann.types("/rename Bob \"my brother\"").await?;
    ann.reads_line("You see them as my brother now.").await?;
    for list in ["/who", "/people", "/contacts"] {
        ann.types(list).await?;
        let line = ann.reads(list, |line| line.starts_with("* my brother [")).await?;
        ensure!(line.ends_with(", local network, calls themselves Bob, contact"), "{line}");
    }
    ann.types("/rename Bob").await?;
    ann.reads_line("You see them under their own name again.").await?;
    ann.types("/remove Bob").await?;
    ann.reads_line("Bob is no contact any more.").await?;
    ann.types("/quit").await?;
    ann.ends().await?;
    bob.wait_offline("Ann Lee").await?;
    bob.shutdown().await
}

#[tokio::test]
async fn what_was_shown_counts_as_read() -> Result<()> {
    let (bob, link, lobby) = bob_in_the_lobby().await?;
    let mut ann = Typist::start(&["--name", "Ann", "--join", &link, "--room", "lobby"]).await?;
    bob.wait_online("Ann").await?;
    bob.send(&lobby, "one").await?;
    ann.reads_line("#lobby Bob: one").await?;
    // The store counts in its own time, so the first answers may still hold the old number.
    let read = timeout(DEADLINE, async {
        loop {
            ann.types("/rooms").await?;
            if ann.reads("the room", |line| line.starts_with("#lobby, ")).await?.contains(" 0 unread") {
                return anyhow::Ok(());
            }
        }
    });
    read.await.context("it stays unread")??;
    ann.types("/quit").await?;
    ann.ends().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn it_speaks_the_language_that_was_chosen() -> Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("settings.toml"), "language = \"zh-CN\"\n")?;
    let out = piped(dir.path(), &["--name", "林", "--room", "大厅"], "/who\n/leave\n").await?;
    ensure!(out.contains("你") && out.contains("你离开了 #大厅；历史记录仍留在本机。"), "{out}");
    Ok(())
}

#[tokio::test]
async fn a_damaged_history_is_told_in_words() -> Result<()> {
    let dir = tempfile::tempdir()?;
    piped(dir.path(), &["--name", "Ann", "--room", "lobby"], "hello\n").await?;
    let log = dir.path().join("history/sled/db");
    let mut bytes = std::fs::read(&log)?;
    bytes.iter_mut().step_by(100).for_each(|byte| *byte = !*byte);
    std::fs::write(&log, bytes)?;
    let ended = process::run("kinmesh", &args(&dir.path().display().to_string(), &[]), "/status\n").await?;
    let out = String::from_utf8(ended.stdout)?;
    let words =
        out.lines().find(|line| line.starts_with("The history was damaged. ")).context(out.clone())?;
    let kept_in = words.rsplit_once(" is kept in ").map_or("", |(_, path)| path.trim_end_matches('.'));
    ensure!(Path::new(kept_in).join("db").is_file(), "{words}");
    Ok(())
}

#[tokio::test]
async fn without_a_name_it_says_so() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let out = piped(dir.path(), &[], "/name Ann\n").await?;
    let expected =
        "You have no name yet, so nobody sees you: /name NAME gives you one.\nYou are called Ann now.\n";
    assert_eq!(out, expected);
    Ok(())
}

#[tokio::test]
async fn a_room_gets_a_picture_and_loses_it() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (picture, none) = (dir.path().join("boat.png"), dir.path().join("none.txt"));
    png::Encoder::new(File::create(&picture)?, 4, 4).write_header()?.write_image_data(&[99; 16])?;
    std::fs::write(&none, "words")?;
    let (picture, none) = (picture.display(), none.display());
    let typed =
        format!("/picture {picture}\n/create Boat\n/picture {none}\n/picture {picture}\n/picture off\n");
    let data = dir.path().join("data");
    std::fs::create_dir(&data)?;
    let out = piped(&data, &["--name", "Ann"], &typed).await?;
    let said: Vec<&str> =
        out.lines().filter(|line| line.contains("picture") || line.contains("room.")).collect();
    let expected = [
        "You are talking in no room.".to_owned(),
        format!("Not done: {none}: not a picture in PNG or JPEG."),
        "The room has this picture now.".to_owned(),
        "The room has no picture now.".to_owned(),
    ];
    assert_eq!(said, expected, "{out}");
    Ok(())
}

#[tokio::test]
async fn a_bad_room_is_one_clear_line() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().display().to_string();
    let ended = process::run("kinmesh", &args(&data, &["--room", " "]), "").await?;
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(String::from_utf8(ended.stderr)?, "kinmesh: --room: the name is empty\n");
    Ok(())
}

#[tokio::test]
async fn a_burst_is_shown_whole_and_in_order() -> Result<()> {
    const BURST: usize = 1000;
    let (bob, link, lobby) = bob_in_the_lobby().await?;
    let mut ann = Typist::start(&["--name", "Ann", "--join", &link, "--room", "lobby"]).await?;
    bob.wait_online("Ann").await?;
    let sends: Vec<_> = (0..BURST)
        .map(|n| json!({ "jsonrpc": "2.0", "method": "conversation.send", "params": [lobby, n.to_string()] }))
        .collect();
    bob.write_raw(json!(sends).to_string().as_bytes()).await?;
    for n in 0..BURST {
        let line = ann.reads("a line of the burst", |line| line.starts_with("#lobby Bob: ")).await?;
        assert_eq!(line, format!("#lobby Bob: {n}"));
    }
    ann.types("/quit").await?;
    ann.ends().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn what_was_said_is_found_gone_to_and_answered() -> Result<()> {
    let (bob, link, lobby) = bob_in_the_lobby().await?;
    let tea = bob.join_room("tea").await?;
    let mut ann = Typist::start(&["--name", "Ann", "--join", &link, "--room", "lobby"]).await?;
    bob.wait_online("Ann").await?;
    ann.types("/join tea").await?;
    ann.reads_line("  Bob is in #tea").await?;
    let first = bob.send(&tea, "the kettle is on").await?;
    ann.reads_line("#tea Bob: the kettle is on").await?;
    bob.send(&lobby, "水开了吗？").await?;
    ann.reads_line("#lobby Bob: 水开了吗？").await?;
    ann.types("/join lobby").await?;
    ann.types("what KETTLE?").await?;
    ann.reads_line("  #lobby [sent to 1 member] what KETTLE?").await?;

    ann.finds("/search kett", "#tea Bob: the kettle is on [s2]").await?;
    ann.reads_line("#lobby you: what KETTLE? [s1]").await?;
    ann.finds("/search 水", "#lobby Bob: 水开了吗？ [s1]").await?;
    ann.finds("/search kettle from:bob in:tea after:2026-01-01", "#tea Bob: the kettle is on [s1]").await?;
    ann.types("/reply s1 Coming!").await?;
    ann.reads_line("  #tea [sent to 1 member] Coming!").await?;
    assert_eq!(bob.wait_text("Coming!").await?["reply_to"], first["key"]);
    ann.types("/go s1").await?;
    ann.reads_line("#tea Bob: the kettle is on [s1]").await?;
    ann.reads_line("#tea you: Coming! (answers Bob: the kettle is on)").await?;
    ann.reads_line("You are talking to #tea.").await?;
    for (typed, answer) in [
        ("/search nobody said this", "Nothing was found."),
        ("/more", "There is nothing more: /search WORDS looks for something."),
        ("/go s1", "The last search has no such number."),
        ("/reply s9 hm", "The last search has no such number."),
        ("/search", "Usage: /search WORDS"),
        ("/search x from:zoe", "Not done: from:zoe: nobody of this name is known here."),
        ("/search x in:\u{1b}c", "Not done: in:␛c: there is no room and no person of this name here."),
        ("/search x after:soon", "Not done: soon is no day; write it like 2026-11-21."),
        ("/search x from:", "Not done: from: needs something behind it, such as from:alice."),
    ] {
        ann.types(typed).await?;
        ann.reads_line(answer).await.with_context(|| format!("after {typed}"))?;
    }
    ann.types("/quit").await?;
    ann.ends().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn more_pages_of_what_was_found_follow() -> Result<()> {
    let mut ann = Typist::start(&["--name", "Ann", "--room", "tea"]).await?;
    for n in 0..25 {
        ann.types(&format!("cup {n}")).await?;
    }
    ann.finds("/search cup 24", "#tea you: cup 24 [s1]").await?;
    ann.finds("/search cup", "#tea you: cup 5 [s20]").await?;
    ann.reads_line("#tea you: cup 24 [s1]").await?;
    ann.types("/more").await?;
    ann.reads_line("#tea you: cup 0 [s5]").await?;
    ann.reads_line("#tea you: cup 4 [s1]").await?;
    ann.types("/quit").await?;
    ann.ends().await
}

#[tokio::test]
async fn a_conversation_and_everything_are_exported_through_a_pipe() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (talk, all, moved) = (file("talk of tea.md"), file("ann.age"), file("moved"));
    let data = dir.path().join("ann");
    let lines = format!("milk first\n/export {talk}\n/export all {all}\ncorrect horse\n/export x.doc\n");
    let out = piped(&data, &["--name", "Ann", "--room", "tea"], &lines).await?;
    ensure!(out.contains(&format!("1 messages are in {talk}.\n")), "{out}");
    ensure!(out.contains(&format!("{all} holds 1 conversations with 1 messages and changes")), "{out}");
    ensure!(out.contains("Usage: /export FILE.md|FILE.json, /export all FILE\n"), "{out}");
    ensure!(!out.contains("correct horse"), "the passphrase is neither said nor shown: {out}");
    let written = std::fs::read_to_string(&talk)?;
    ensure!(written.contains("# tea") && written.contains("> milk first"), "{written}");

    std::fs::write(file("passphrase"), "correct horse\n")?;
    let import = ["import", &all, "--data", &moved, "--passphrase-file", &file("passphrase")];
    ensure!(process::run("kinmesh", &import, "").await?.status.success(), "the archive is whole");
    let out = piped(Path::new(&moved), &["--room", "tea"], "/history\n").await?;
    ensure!(out.contains("#tea you: milk first"), "{out}");
    Ok(())
}
