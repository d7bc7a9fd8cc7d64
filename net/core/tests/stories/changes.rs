//! Replies, edits, deletes and reactions: what is made of a post is the same on every peer.

use kinmesh_core::{Change, ChangeRefusal, ConversationEvent, EntryView, Event};
use kinmesh_proto::{Content, ConversationId, EntryBody, EntryKey, Hlc, Unverified};

use crate::mesh::{Faults, Mesh};
use crate::{ALICE, BOB, CAROL, for_each_seed, frame, verdict};

const THUMB: &str = "\u{1f44d}";
const HEART: &str = "\u{2764}\u{fe0f}";

fn react(emoji: &str, on: bool) -> Change {
    Change::React { emoji: emoji.into(), on }
}

/// Changes a post as it stands on the peer's disk; true when that took an entry.
fn change(
    mesh: &mut Mesh,
    index: usize,
    at: ConversationId,
    key: EntryKey,
    change: Change,
) -> Result<bool, ChangeRefusal> {
    let post = mesh.peers[index].post(at, key).expect("the post is there");
    let token = mesh.peers[index].core.change(mesh.now_ms, at, &post, change)?;
    mesh.drain(index);
    Ok(token.is_some())
}

fn views(mesh: &Mesh, index: usize, at: ConversationId) -> Vec<EntryView> {
    let view = |post: &_| EntryView::of(at, post, None);
    mesh.peers[index].posts(at).iter().map(view).collect()
}

fn view(mesh: &Mesh, index: usize, at: ConversationId) -> EntryView {
    views(mesh, index, at).remove(0)
}

/// The last that a peer's faces were told of this post.
fn told(mesh: &Mesh, index: usize, key: EntryKey) -> Option<EntryView> {
    mesh.peers[index].told.iter().rev().find_map(|event| match event {
        Event::Conversation {
            change: ConversationEvent::EntryAdded { entry } | ConversationEvent::EntryChanged { entry },
            ..
        } if entry.key == key => Some(entry.clone()),
        _ => None,
    })
}

#[test]
fn an_edit_and_reactions_are_seen_by_all() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    let key = mesh.send(ALICE, lobby, "frist").unwrap();
    mesh.settle();
    change(&mut mesh, BOB, lobby, key, react(THUMB, true)).unwrap();
    change(&mut mesh, ALICE, lobby, key, Change::Edit("first".into())).unwrap();
    mesh.settle();
    change(&mut mesh, CAROL, lobby, key, react(THUMB, true)).unwrap();
    change(&mut mesh, ALICE, lobby, key, react(HEART, true)).unwrap();
    mesh.settle();
    change(&mut mesh, ALICE, lobby, key, react(HEART, false)).unwrap();
    mesh.settle();
    let (bob, carol) = (mesh.peers[BOB].person(), mesh.peers[CAROL].person());
    for index in [ALICE, BOB, CAROL] {
        let shown = told(&mesh, index, key).unwrap();
        assert_eq!(shown.text.as_deref(), Some("first"));
        assert!(shown.edited_ms.is_some() && !shown.deleted);
        assert_eq!(shown.reactions.len(), 1);
        assert_eq!(
            (shown.reactions[0].emoji.as_str(), &shown.reactions[0].people),
            (THUMB, &vec![bob, carol])
        );
        let last = mesh.peers[index].core.overview().rooms[0].last.clone().unwrap();
        assert_eq!((last.key, last.text.as_deref()), (key, Some("first")));
    }
    let post = mesh.peers[BOB].post(lobby, key).unwrap();
    let history: Vec<String> = kinmesh_core::view::edits(&post).into_iter().map(|edit| edit.text).collect();
    assert_eq!(history, ["frist", "first"]);
}

#[test]
fn a_deleted_post_shows_neither_text_nor_reactions_and_is_changed_no_more() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let key = mesh.send(ALICE, lobby, "regretted").unwrap();
    mesh.settle();
    change(&mut mesh, BOB, lobby, key, react(THUMB, true)).unwrap();
    mesh.settle();
    change(&mut mesh, ALICE, lobby, key, Change::Delete).unwrap();
    mesh.settle();
    for index in [ALICE, BOB] {
        let shown = told(&mesh, index, key).unwrap();
        assert!(shown.deleted && shown.text.is_none() && shown.reactions.is_empty());
    }
    assert_eq!(change(&mut mesh, BOB, lobby, key, react(HEART, true)), Err(ChangeRefusal::Deleted));
    assert_eq!(change(&mut mesh, ALICE, lobby, key, Change::Edit("no".into())), Err(ChangeRefusal::Deleted));
    assert_eq!(change(&mut mesh, ALICE, lobby, key, Change::Delete), Ok(false));
}

#[test]
fn a_post_taken_back_before_it_went_out_leaves_without_its_text() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let chat = mesh.chat_with(BOB);
    mesh.isolate(ALICE);
    for at in [chat, lobby] {
        mesh.send(ALICE, at, "before").unwrap();
        let key = mesh.send(ALICE, at, "regretted").unwrap();
        mesh.settle();
        change(&mut mesh, ALICE, at, key, Change::Delete).unwrap();
    }
    mesh.settle();
    mesh.link(ALICE, BOB);
    mesh.advance(5_000);
    for at in [mesh.chat_with(ALICE), lobby] {
        let stored = mesh.peers[BOB].history(at);
        assert!(stored.iter().all(|stored| stored.entry.text() != Some("regretted")));
        assert_eq!(views(&mesh, BOB, at)[0].text.as_deref(), Some("before"));
    }
    let chat = views(&mesh, BOB, mesh.chat_with(ALICE));
    assert_eq!((chat.len(), chat[1].deleted), (2, true));
}

#[test]
fn nobody_edits_or_deletes_the_words_of_another() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    let key = mesh.send(CAROL, lobby, "mine").unwrap();
    mesh.settle();
    for wish in [Change::Edit("yours".into()), Change::Delete] {
        assert_eq!(change(&mut mesh, ALICE, lobby, key, wish), Err(ChangeRefusal::NotYours));
    }
    let keys = mesh.peers[ALICE].keys();
    for content in [Content::Edit { of: key, text: "yours".into() }, Content::Delete { of: key }] {
        let clock = Hlc::from_ms(mesh.now_ms + 1);
        let body = EntryBody { conversation: lobby.tag(keys.person()), clock, seq: 9, prev: vec![], content };
        let forged = Unverified::sign(body, &keys).envelope().clone();
        verdict(&mut mesh, lobby, frame(vec![forged]));
    }
    let shown = view(&mesh, BOB, lobby);
    assert_eq!((shown.text.as_deref(), shown.edited_ms, shown.deleted), (Some("mine"), None, false));
}

#[test]
fn what_changes_nothing_is_no_entry() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let key = mesh.send(ALICE, lobby, "same").unwrap();
    mesh.settle();
    assert_eq!(change(&mut mesh, ALICE, lobby, key, Change::Edit("same \n".into())), Ok(false));
    assert_eq!(change(&mut mesh, BOB, lobby, key, react(THUMB, false)), Ok(false));
    assert_eq!(change(&mut mesh, BOB, lobby, key, react(THUMB, true)), Ok(true));
    mesh.settle();
    assert_eq!(change(&mut mesh, BOB, lobby, key, react(THUMB, true)), Ok(false));
    for wrong in ["", "two words", "ab", "\n"] {
        let refused = change(&mut mesh, BOB, lobby, key, react(wrong, true));
        assert_eq!(refused, Err(ChangeRefusal::NotAnEmoji), "{wrong:?}");
    }
    assert_eq!(mesh.peers[BOB].history(lobby).len(), 2);
}

#[test]
fn a_post_that_comes_after_its_edit_is_shown_edited() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    mesh.unlink(ALICE, BOB);
    mesh.unlink(CAROL, BOB);
    let key = mesh.send(ALICE, lobby, "frist").unwrap();
    mesh.settle();
    change(&mut mesh, ALICE, lobby, key, Change::Edit("first".into())).unwrap();
    mesh.settle();
    let mut entries = mesh.peers[ALICE].history(lobby);
    entries.reverse();
    for stored in entries {
        verdict(&mut mesh, lobby, frame(vec![stored.entry.envelope().clone()]));
    }
    assert_eq!(mesh.peers[BOB].told_texts(lobby), ["first"]);
    assert_eq!(mesh.peers[BOB].core.overview().rooms[0].unread, 1);
}

#[test]
fn a_change_is_neither_unread_nor_the_newest_post() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let key = mesh.send(ALICE, lobby, "one").unwrap();
    mesh.settle();
    change(&mut mesh, ALICE, lobby, key, react(HEART, true)).unwrap();
    mesh.settle();
    let room = &mesh.peers[BOB].core.overview().rooms[0];
    assert_eq!((room.unread, room.last.as_ref().unwrap().key), (1, key));
}

#[test]
fn a_reply_names_what_it_answers() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let key = mesh.send(ALICE, lobby, "tea?").unwrap();
    mesh.settle();
    mesh.peers[BOB].core.send(mesh.now_ms, lobby, "yes".into(), Some(key)).unwrap();
    mesh.settle();
    assert_eq!(views(&mesh, ALICE, lobby)[1].reply_to, Some(key));
}

#[test]
fn any_order_of_changes_gives_the_same_view_on_every_peer() {
    for_each_seed(|seed| {
        let (mut mesh, lobby) = Mesh::in_the_lobby(3, seed);
        mesh.faults = Faults { repeated: 30, shuffled: true, ..Faults::default() };
        let mut posts = vec![mesh.send(ALICE, lobby, "first").unwrap()];
        for n in 0..30 {
            let index = mesh.dice.below(3);
            let key = posts[mesh.dice.below(posts.len())];
            let is_here = mesh.peers[index].post(lobby, key).is_some();
            let wish = match mesh.dice.below(8) {
                0 => Change::Delete,
                1 | 2 => Change::Edit(format!("edit {n}")),
                3 => react(HEART, mesh.dice.percent(50)),
                4 | 5 => react(THUMB, mesh.dice.percent(50)),
                6 => {
                    posts.push(mesh.send(index, lobby, &format!("post {n}")).unwrap());
                    continue;
                }
                _ => {
                    mesh.step();
                    mesh.now_ms += 1;
                    continue;
                }
            };
            if is_here {
                // Refused where it is another's, or deleted: nothing of that is an entry.
                let _ = change(&mut mesh, index, lobby, key, wish);
            }
        }
        mesh.settle();
        let of = |mesh: &Mesh, index| -> Vec<_> {
            views(mesh, index, lobby)
                .into_iter()
                .map(|view| (view.key, view.text, view.edited_ms, view.deleted, view.reactions))
                .collect()
        };
        let expected = of(&mesh, ALICE);
        for index in [ALICE, BOB, CAROL] {
            assert_eq!(of(&mesh, index), expected);
            for (key, text, edited_ms, deleted, reactions) in expected.clone() {
                let shown = told(&mesh, index, key).expect("every post was told");
                let shown = (shown.text, shown.edited_ms, shown.deleted, shown.reactions);
                assert_eq!(shown, (text, edited_ms, deleted, reactions), "what was told last is what is");
            }
        }
    });
}
