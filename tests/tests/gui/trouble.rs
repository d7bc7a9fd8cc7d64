//! What the window says over everything else when the history fails, or was written anew.

use iced::Fill;
use iced::widget::{column, container};
use kinmesh::app::Message;
use kinmesh::feed::Batch;
use kinmesh::screen::bands;
use kinmesh::theme::Theme;
use kinmesh::widget::Element;
use kinmesh_core::Event;
use kinmesh_net::{NodeStatus, RebuildCause, Rebuilt, SearchProgress, StoreFault};

use crate::desk::Desk;
use crate::fixture::BoatClub;
use crate::{picture, simulate};

/// The peer tells how its history fails.
fn fails(desk: &mut Desk, fault: Option<StoreFault>) {
    let status = NodeStatus { store_fault: fault, ..NodeStatus::default() };
    let events = vec![Event::StoreFault { fault }];
    desk.tell(Message::Peer(Batch { events, status: Some(status), ..Batch::default() }));
}

#[tokio::test]
async fn how_the_history_fails_is_said_for_as_long_as_it_does() {
    let mut desk = Desk::of("Lin").await;
    let faults = [
        (
            StoreFault::Full,
            "Nothing new can be stored: the disk is full. Messages are not lost, but no new ones are taken until there is room.",
        ),
        (
            StoreFault::Io,
            "Nothing new can be stored: the disk refuses. Messages are not lost, but no new ones are taken until it works again.",
        ),
        (
            StoreFault::Damaged,
            "Part of the history is damaged. Start Kinmesh again: it then examines and mends the history.",
        ),
    ];
    for (fault, words) in faults {
        fails(&mut desk, Some(fault));
        assert!(desk.shows(words), "{fault:?}");
        fails(&mut desk, None);
        assert!(!desk.shows(words) && desk.shows("New messages can be stored again."));
    }
    desk.close().await;
}

#[tokio::test]
async fn that_the_history_was_damaged_is_said_until_it_was_read() {
    let mut desk = Desk::of("Lin").await;
    let rebuilt = Rebuilt {
        cause: RebuildCause::Damage,
        set_aside: "/home/lin/history/damaged-2026-11-21".into(),
        entries_kept: 12,
        entries_lost: 0,
        readable: None,
    };
    let status = NodeStatus { store_rebuilt: Some(rebuilt), ..NodeStatus::default() };
    desk.tell(Message::Peer(Batch { status: Some(status), ..Batch::default() }));
    let words = "The history was damaged. 12 messages and changes could be read and are here; \
                 as far as can be known, nothing is missing. \
                 The damaged history is kept in /home/lin/history/damaged-2026-11-21.";
    assert!(desk.shows(words));
    desk.tell(Message::Bands(bands::Message::CloseRebuilt));
    assert!(!desk.shows(words));
    desk.close().await;
}

/// The peer tells how far the search index is. Whether the window then says so.
fn says_how_far(desk: &mut Desk, indexed: u64) -> bool {
    let search_progress = Some(SearchProgress { indexed, total: 1000 });
    let status = NodeStatus { search_progress, ..NodeStatus::default() };
    desk.tell(Message::Peer(Batch { status: Some(status), ..Batch::default() }));
    let percent = indexed / 10;
    desk.shows(&format!("The search is being prepared: {percent} %. The newest messages are found already."))
}

#[tokio::test]
async fn how_far_the_search_is_prepared_is_said_until_that_was_read() {
    let mut desk = Desk::of("Lin").await;
    assert!(says_how_far(&mut desk, 0) && says_how_far(&mut desk, 300));
    desk.tell(Message::Bands(bands::Message::CloseIndexing));
    assert!(!says_how_far(&mut desk, 600));
    desk.close().await;
}

#[tokio::test]
async fn a_peer_that_broke_is_no_silent_window() {
    let mut desk = Desk::of("Lin").await;
    let words = "A fault in Kinmesh has cut you off: nothing is sent or received any more. Your history is safe. Please start Kinmesh again.";
    assert!(!desk.shows(words));
    let status = Some(NodeStatus { is_broken: true, ..NodeStatus::default() });
    desk.tell(Message::Peer(Batch { status, ..Batch::default() }));
    assert!(desk.shows(words));
    desk.close().await;
}

#[test]
fn the_band_of_a_peer_that_broke_is_seen_first() {
    let mut club = BoatClub::new();
    club.cx.status.is_broken = true;
    for (theme, name) in [(Theme::Light, "broken-light"), (Theme::Dark, "broken-dark")] {
        let bands = bands::State::default().view(&club.cx).map(drop);
        let home = container(club.home.view(&club.cx).map(drop)).height(Fill);
        let window: Element<'_, ()> = column![bands, home].into();
        picture::assert_same(&mut simulate((1240.0, 800.0), window), theme, name);
    }
}
