//! The screens of the desktop program. Each has a `State`, takes `Message`s, and tells its parent
//! `Event`s: `update` changes the state and returns work to do, `view` draws it.
//!
//! Screens see the world through [`Cx`] and act through [`Program`](crate::program::Program).

pub mod archive;
pub mod bands;
pub mod call;
pub mod contact;
pub mod conversation;
pub mod details;
pub mod devices;
pub mod dialog;
pub mod home;
pub mod onboarding;
pub mod pictures;
pub mod search;
pub mod settings;
pub mod sidebar;
pub mod unlock;
pub mod words;

use std::sync::Arc;

use iced::Size;
use kinmesh_core::{ChatView, PersonView};
use kinmesh_model::{Clock, Directory, Typing};
use kinmesh_net::{NodeStatus, Overview};
use kinmesh_proto::PersonId;

use crate::theme::{Theme, column};
use pictures::Pictures;

/// What every screen may read: the peer as of now, and where and when it is shown.
#[derive(Debug, Clone)]
pub struct Cx {
    /// What the peer knows.
    pub overview: Arc<Overview>,
    /// How the peer stands with the network.
    pub status: NodeStatus,
    /// Who is who in the overview.
    pub names: Directory,
    /// What rooms look like.
    pub pictures: Pictures,
    /// Who is writing.
    pub typing: Typing,
    /// The clock on the wall.
    pub clock: Clock,
    /// Size of the window, less what a call takes of it.
    pub window: Size,
    /// Whether the window has the keyboard.
    pub focused: bool,
    /// The colours in use.
    pub theme: Theme,
}

impl Cx {
    /// The world as a peer sees it.
    pub fn new(overview: Arc<Overview>, status: NodeStatus, clock: Clock, window: Size) -> Self {
        let names = Directory::new(&overview.me, &overview.people);
        let (typing, theme) = (Typing::default(), Theme::default());
        let mut pictures = Pictures::default();
        pictures.follow(&overview.rooms);
        Self { overview, status, names, pictures, typing, clock, window, focused: true, theme }
    }

    /// Takes a newer overview.
    pub fn set_overview(&mut self, overview: Arc<Overview>) {
        self.names = Directory::new(&overview.me, &overview.people);
        self.pictures.follow(&overview.rooms);
        self.overview = overview;
    }

    /// Somebody other than ourselves.
    pub fn person(&self, person: PersonId) -> Option<&PersonView> {
        self.overview.people.iter().find(|known| known.person == person)
    }

    /// The chat with a person, once it holds something.
    pub fn chat(&self, person: PersonId) -> Option<&ChatView> {
        self.overview.chats.iter().find(|chat| chat.person == person)
    }

    /// Whether there is room for the details beside the conversation.
    pub fn has_details(&self) -> bool {
        self.window.width >= column::DETAILS_FROM
    }

    /// Whether there is room for the sidebar beside the conversation.
    pub fn has_sidebar(&self) -> bool {
        self.window.width >= column::SIDEBAR_FROM
    }
}
