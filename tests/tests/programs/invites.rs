//! Invitations between real programs: made, given away, opened, counted, and not lost on the way.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kinmesh_proto::{
    InviteRefusal, InviteRequest, InviteResponse, JoinLink, PersonId, Ticket, TicketId, codec, limits,
};
use kinmesh_tests::peer::list;
use kinmesh_tests::stranger::{Question, Stranger, now_ms};
use kinmesh_tests::{DEADLINE, Peer, PeerOptions, Process, process};
use serde_bytes::ByteArray;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

/// A port that stays the same over restarts, so that what stands in a ticket stays true.
fn kept_address() -> Result<String> {
    let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    Ok(format!("/ip4/127.0.0.1/udp/{port}/quic-v1"))
}

async fn alice_at(address: &str, data: &Path) -> Result<Peer> {
    Peer::spawn(PeerOptions::named("Alice").listen(&[address]).data(data)).await
}

/// An invitation by this peer: its id, and its link.
async fn invites(alice: &Peer, params: Value) -> Result<(Value, String)> {
    let made = alice.call("invites.create", params).await?;
    Ok((made["invite"]["id"].clone(), text(&made["link"])))
}

async fn opens(bob: &Peer, link: &str) -> Result<Value> {
    bob.call("invites.open", json!({ "link": link })).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

async fn has_contact(peer: &Peer, name: &str) -> Result<()> {
    let is_contact = |people: &Value| list(people).any(|one| one["name"] == name && one["contact"] == true);
    peer.wait_until("people.list", json!({}), is_contact).await.map(drop)
}

async fn are_contacts(alice: &Peer, bob: &Peer) -> Result<()> {
    tokio::try_join!(has_contact(alice, "Bob"), has_contact(bob, "Alice")).map(drop)
}

/// Waits for what the maker says about an opened invitation: why it came to nothing, or null.
async fn answer(bob: &Peer) -> Result<Value> {
    let event = bob.wait_for("an answer", |event| event["event"] == "opening_answered").await?;
    Ok(event["refused"].clone())
}

/// The ticket with other things in it than its maker wrote.
fn forged(link: &str, change: impl FnOnce(&mut Ticket)) -> Result<String> {
    let mut ticket: Ticket = link.parse()?;
    change(&mut ticket);
    Ok(ticket.to_string())
}

#[tokio::test]
async fn an_invitation_opened_at_the_first_start_leads_to_its_maker() -> Result<()> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let (invite, link) = invites(&alice, json!({})).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").join(link)).await?;
    ensure!(answer(&bob).await? == Value::Null);
    are_contacts(&alice, &bob).await?;
    let used = alice.wait_for("a use", |event| event["event"] == "invite_used").await?;
    ensure!(used["invite"] == invite && used["person"] == bob.me()["person"], "{used}");
    let listed = alice.call("invites.list", json!({})).await?;
    ensure!(listed[0]["state"] == "used_up" && listed[0]["uses_left"] == 0, "{listed}");
    ensure!(bob.call("invites.opened", json!({})).await? == json!([]));

    let sent = bob.send(&alice.chat_with_me(), "thank you for having me").await?;
    alice.wait_text("thank you for having me").await?;
    bob.wait_delivery(&sent, "delivered").await
}

#[tokio::test]
async fn an_invitation_into_a_room_joins_it_and_connects_at_once() -> Result<()> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let room = alice.join_room("Boat club").await?;
    let (_, link) = invites(&alice, json!({ "room": room["room"] })).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob")).await?;
    let look = bob.call("invites.look", json!({ "link": link })).await?;
    ensure!(look["kind"] == "room" && look["room"] == "Boat club" && look["name"] == "Alice", "{look}");
    ensure!(bob.call("rooms.list", json!({})).await? == json!([]), "looking changes nothing");
    ensure!(opens(&bob, &link).await? == room);
    let both = |rooms: &Value| list(rooms).any(|room| room["online"] == 2);
    bob.wait_until("rooms.list", json!({}), both).await?;
    alice.wait_until("rooms.list", json!({}), both).await?;
    bob.send(&room, "hello, club").await?;
    alice.wait_text("hello, club").await?;
    bob.wait_until("invites.opened", json!({}), |opened| *opened == json!([])).await.map(drop)
}

#[tokio::test]
async fn an_invitation_waits_for_its_maker_over_restarts_of_both() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (hers, his) = (home.path().join("alice"), home.path().join("bob"));
    let address = kept_address()?;
    let alice = alice_at(&address, &hers).await?;
    let (_, link) = invites(&alice, json!({})).await?;
    let chat = alice.chat_with_me();
    alice.interrupt().await?;

    let bob = Peer::spawn(PeerOptions::named("Bob").data(&his)).await?;
    ensure!(opens(&bob, &link).await? == chat);
    bob.send(&chat, "are you there?").await?;
    bob.kill9().await?;
    let bob = Peer::spawn(PeerOptions::default().data(&his)).await?;
    let opened = bob.call("invites.opened", json!({})).await?;
    ensure!(opened[0]["name"] == "Alice" && opened[0]["conversation"] == chat, "{opened}");
    ensure!(opened[0]["waiting"] == json!({ "kind": "offline", "last_seen_ms": 0 }), "{opened}");

    let alice = alice_at(&address, &hers).await?;
    alice.wait_text("are you there?").await?;
    are_contacts(&alice, &bob).await
}

#[tokio::test]
async fn a_maker_that_is_killed_between_use_and_answer_counts_it_once() -> Result<()> {
    let home = tempfile::tempdir()?;
    let hers = home.path().join("alice");
    let address = kept_address()?;
    let alice = alice_at(&address, &hers).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob")).await?;
    let (invite, link) = invites(&alice, json!({})).await?;
    opens(&bob, &link).await?;
    alice.wait_for("a use", |event| event["event"] == "invite_used").await?;
    alice.kill9().await?;

    let alice = alice_at(&address, &hers).await?;
    // Shown once more, whether he was told the first time or not.
    opens(&bob, &link).await?;
    ensure!(answer(&bob).await? == Value::Null);
    are_contacts(&alice, &bob).await?;
    let listed = alice.call("invites.list", json!({})).await?;
    ensure!(listed[0]["id"] == invite && listed[0]["used_by"] == json!([bob.me()["person"]]), "{listed}");

    let carol = Peer::spawn(PeerOptions::named("Carol")).await?;
    opens(&carol, &link).await?;
    ensure!(answer(&carol).await? == "used_up");
    Ok(())
}

#[tokio::test]
async fn an_invitation_that_was_used_up_or_taken_back_says_so_and_stays_said() -> Result<()> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob")).await?;
    let (invite, link) = invites(&alice, json!({ "uses": null, "valid_s": null })).await?;
    alice.call("invites.revoke", json!({ "invite": invite })).await?;
    ensure!(alice.call("invites.list", json!({})).await? == json!([]));
    let refused = alice.call_refused("invites.link", json!({ "invite": invite })).await?;
    ensure!(refused.kind == "unknown_invite", "{refused}");
    opens(&bob, &link).await?;
    ensure!(answer(&bob).await? == "revoked");
    let opened = bob.call("invites.opened", json!({})).await?;
    ensure!(opened[0]["refused"] == "revoked" && opened[0]["waiting"] == Value::Null, "{opened}");
    bob.call("invites.dismiss", json!({ "invite": invite })).await?;
    ensure!(bob.call("invites.opened", json!({})).await? == json!([]));
    let people = alice.call("people.list", json!({})).await?;
    ensure!(!list(&people).any(|person| person["name"] == "Bob" && person["contact"] == true), "{people}");
    Ok(())
}

#[tokio::test]
async fn the_makers_clock_counts_whatever_the_ticket_says() -> Result<()> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob")).await?;
    let (_, link) = invites(&alice, json!({ "valid_s": 1 })).await?;
    let over_ms = link.parse::<Ticket>()?.expires_ms.context("it is good for a second")?;
    // Time is what this is about.
    tokio::time::sleep(Duration::from_millis(over_ms.saturating_sub(now_ms()) + 1)).await;
    opens(&bob, &forged(&link, |ticket| ticket.expires_ms = None)?).await?;
    ensure!(answer(&bob).await? == "expired");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_an_invitation_is_told_before_anything_changes() -> Result<()> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob")).await?;
    let (_, link) = invites(&alice, json!({})).await?;
    let expired = forged(&link, |ticket| ticket.expires_ms = Some(1))?;
    let damaged = &link[..link.len() - 1];
    for (link, kind) in [
        (expired.as_str(), "expired_invite"),
        (damaged, "damaged_invite"),
        ("kinmesh://invite/", "damaged_invite"),
        ("kinmesh://elsewhere/abc", "bad_address"),
        ("https://example.org/invite/abc", "not_an_invite"),
        ("matrix:u/alice:example.org", "not_an_invite"),
        ("/nowhere/x.kinmesh", "file"),
        // Version 9, and a checksum that holds.
        (&newer(), "newer_invite"),
    ] {
        for method in ["invites.look", "invites.open"] {
            let refused = bob.call_refused(method, json!({ "link": link })).await?;
            ensure!(refused.kind == kind, "{link}: {refused}");
        }
    }
    let own = alice.call_refused("invites.open", json!({ "link": link })).await?;
    ensure!(own.kind == "own_invite", "{own}");
    ensure!(bob.call("invites.opened", json!({})).await? == json!([]));
    ensure!(list(&bob.call("chats.list", json!({})).await?).count() == 0);
    Ok(())
}

/// An invitation of a later version.
fn newer() -> String {
    let sum = blake3::derive_key("kinmesh 2026-11 ticket checksum", &[9]);
    let bytes = [&[9], &sum[..4]].concat();
    format!("kinmesh://invite/{}", data_encoding::BASE32_NOPAD.encode(&bytes))
}

#[tokio::test]
async fn a_file_holds_an_invitation_and_a_second_start_hands_it_over() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (his, file) = (home.path().join("bob"), home.path().join("from alice.kinmesh"));
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let (invite, _) = invites(&alice, json!({})).await?;
    alice.call("invites.save", json!({ "invite": invite, "path": file })).await?;

    let bob = Peer::spawn(PeerOptions::named("Bob").data(&his)).await?;
    let (file, data) = (file.display().to_string(), his.display().to_string());
    let second = process::run("kinmesh", &["--data", &data, &file], "").await?;
    ensure!(second.status.success(), "{second:?}");
    let handed = bob
        .wait_until("version", json!({}), |_| bob.told().iter().any(|line| line["method"] == "link"))
        .await
        .map(|_| bob.told());
    let handed = handed?.into_iter().find(|line| line["method"] == "link").context("it was told")?;
    ensure!(handed["params"]["link"] == file.as_str(), "{handed}");
    ensure!(opens(&bob, &file).await? == alice.chat_with_me());
    ensure!(answer(&bob).await? == Value::Null);
    are_contacts(&alice, &bob).await
}

/// Somebody at a terminal.
struct Typist {
    process: Process,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _dir: tempfile::TempDir,
}

impl Typist {
    async fn start(more: &[&str]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let data = dir.path().join("data").display().to_string();
        let own = ["chat", "--data", &data, "--no-mdns", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1"];
        let args = own.iter().chain(more);
        let (process, input, output) = Process::spawn("kinmesh", args, &dir.path().join("log"))?;
        Ok(Self { process, input, lines: BufReader::new(output).lines(), _dir: dir })
    }

    async fn types(&mut self, line: &str) -> Result<()> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    async fn reads(&mut self, begins: &str) -> Result<String> {
        let mut read = Vec::new();
        let found = async {
            while let Some(line) = self.lines.next_line().await? {
                if line.starts_with(begins) {
                    return Ok(line);
                }
                read.push(line);
            }
            anyhow::bail!("the output ended")
        };
        let found = timeout(DEADLINE, found).await.map_err(anyhow::Error::from).flatten();
        found.with_context(|| format!("{begins} never came, only {read:#?}\n{}", self.process.log_tail()))
    }
}

#[tokio::test]
async fn the_terminal_makes_opens_lists_and_takes_back() -> Result<()> {
    let mut alice = Typist::start(&["--name", "Alice"]).await?;
    alice.types("/invite").await?;
    alice.reads("Alice invites you to a chat").await?;
    let link = alice.reads("kinmesh://invite/").await?;
    alice.types("/invites").await?;
    alice.reads("i1 a chat with you: 1 use left, good until ").await?;

    let mut bob = Typist::start(&["--name", "Bob", "--join", &link]).await?;
    bob.reads("Alice has let you in").await?;
    alice.reads("Bob has used your invitation").await?;
    bob.types("hello from Bob").await?;
    alice.reads("").await?;
    alice.types("/invites").await?;
    alice.reads("i1 a chat with you: used up").await?;
    alice.types("/revoke i1").await?;
    alice.reads("It is good no more.").await?;

    alice.types("/invite forever any").await?;
    let second = alice.reads("kinmesh://invite/").await?;
    alice.types("/revoke i1").await?;
    alice.reads("It is good no more.").await?;
    bob.types(&format!("/open {second}")).await?;
    bob.reads("Alice: the invitation was taken back.").await?;
    bob.types(&format!("/open {}", &second[..second.len() - 2])).await?;
    bob.reads("Not done: the invitation is damaged").await?;
    bob.types("/revoke o1").await?;
    bob.reads("It is good no more.").await?;
    alice.types("/revoke i7").await?;
    alice.reads("/invites lists no such invitation.").await.map(drop)
}

/// Alice, and somebody who speaks to her without good manners.
async fn stranger_at_the_door() -> Result<(Peer, Stranger, libp2p::PeerId)> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let link: JoinLink = alice.join_link().await?.parse()?;
    let mallory = Stranger::start()?;
    let peer = mallory.dial(&link.nodes[0].parse()?).await?;
    Ok((alice, mallory, peer))
}

async fn redeems(
    mallory: &Stranger,
    alice: libp2p::PeerId,
    id: TicketId,
    proof: [u8; 32],
) -> Result<InviteResponse> {
    let request = InviteRequest::Redeem { ticket: id, proof: ByteArray::new(proof) };
    let answer = mallory.ask(Question::Invite, alice, codec::encode(&request)).await??;
    Ok(codec::decode(&answer, limits::INVITE_RESPONSE_MAX as usize)?)
}

#[tokio::test]
async fn forged_overheard_and_guessed_tickets_are_good_for_nothing() -> Result<()> {
    let (alice, mallory, peer) = stranger_at_the_door().await?;
    let (_, link) = invites(&alice, json!({ "uses": null })).await?;
    let ticket: Ticket = link.parse()?;
    let bob: PersonId = PersonId([7; 32]);
    let overheard = ticket.token.proof(ticket.person, bob);
    ensure!(redeems(&mallory, peer, ticket.id(), overheard).await? == InviteResponse::Busy, "no hello yet");
    mallory.greet(peer, &mallory.hello("Mallory")?).await?;
    let unknown = InviteResponse::Refused(InviteRefusal::Unknown);
    for (id, proof) in [
        (ticket.id(), overheard),
        (ticket.id(), [0; 32]),
        (TicketId([1; 16]), overheard),
        (ticket.id(), ticket.token.proof(mallory.keys().person(), ticket.person)),
    ] {
        ensure!(redeems(&mallory, peer, id, proof).await? == unknown);
    }
    mallory.ask_in_vain(Question::Invite, peer, vec![0xff; 4096]).await?;
    mallory.ask_in_vain(Question::Invite, peer, b"nonsense".to_vec()).await?;
    let listed = alice.call("invites.list", json!({})).await?;
    ensure!(listed[0]["used_by"] == json!([]), "{listed}");
    // With the ticket in hand she is a bearer like any other.
    let own = ticket.token.proof(ticket.person, mallory.keys().person());
    ensure!(redeems(&mallory, peer, ticket.id(), own).await? == InviteResponse::Accepted);
    has_contact(&alice, "Mallory").await
}

#[tokio::test]
async fn a_flood_of_guesses_is_not_looked_at_and_keeps_nobody_out() -> Result<()> {
    let (alice, mallory, peer) = stranger_at_the_door().await?;
    mallory.greet(peer, &mallory.hello("Mallory")?).await?;
    let mut busy = 0;
    for number in 0..200u8 {
        let answer = redeems(&mallory, peer, TicketId([number; 16]), [number; 32]).await?;
        busy += usize::from(answer == InviteResponse::Busy);
    }
    ensure!(busy == 180, "{busy} were not looked at");
    let (_, link) = invites(&alice, json!({})).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").join(link)).await?;
    are_contacts(&alice, &bob).await
}
