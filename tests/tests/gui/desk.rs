//! The whole desktop program on a real peer, with this test in the place of the window system.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::{BoxStream, SelectAll};
use iced_test::runtime::{Action, Task, task};
use kinmesh::app::{App, Message};
use kinmesh::args::Options;
use kinmesh::feed::{self, Batch};
use kinmesh::program::Program;
use kinmesh_model::Clock;
use kinmesh_proto::ConversationId;

use crate::{Ui, simulate};

/// Nothing here takes seconds; a slow machine may.
const DEADLINE: Duration = Duration::from_secs(60);

/// A desktop program that runs.
pub(crate) struct Desk {
    pub(crate) app: App,
    pub(crate) program: Program,
    work: SelectAll<BoxStream<'static, Action<Message>>>,
    feed: BoxStream<'static, Batch>,
    _data: tempfile::TempDir,
}

impl Desk {
    /// The program at its very first start.
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let options = Options {
            data: Some(data.path().to_owned()),
            listen: vec!["/ip4/127.0.0.1/udp/0/quic-v1".to_owned()],
            no_mdns: true,
            ..Options::default()
        };
        let program = Program::start(&options).await.unwrap();
        program
            .settings
            .update(|settings| settings.language = Some(kinmesh::i18n::Language::English))
            .unwrap();
        Self {
            app: App::new(program.clone(), Clock::local()),
            feed: feed::batches(&program.node).fuse().boxed(),
            program,
            work: SelectAll::new(),
            _data: data,
        }
    }

    /// The program of somebody who has a name.
    pub(crate) async fn of(name: &str) -> Self {
        let mut desk = Self::start().await;
        desk.type_and_enter(kinmesh::screen::onboarding::NAME, name);
        desk.until_shown("Echo").await;
        desk
    }

    /// Lets the user's hands do something, then the program its work.
    pub(crate) fn hands(&mut self, act: impl FnOnce(&mut Ui<'_, Message>)) {
        let mut ui = simulate((1240.0, 800.0), self.app.view());
        act(&mut ui);
        let messages: Vec<_> = ui.into_messages().collect();
        for message in messages {
            self.tell(message);
        }
    }

    /// Types into a field, then presses Enter: the program draws the field anew in between.
    pub(crate) fn type_and_enter(&mut self, field: &'static str, text: &str) {
        self.hands(|ui| {
            crate::click_field(ui, field);
            ui.typewrite(text);
        });
        self.hands(|ui| {
            crate::click_field(ui, field);
            ui.tap_key(crate::ENTER);
        });
    }

    /// Gives the program a message, and takes the work that it starts.
    pub(crate) fn tell(&mut self, message: Message) {
        let task = self.app.update(message);
        self.take(task);
    }

    fn take(&mut self, task: Task<Message>) {
        self.work.extend(task::into_stream(task));
    }

    /// Whether the window shows this text.
    pub(crate) fn shows(&self, text: &str) -> bool {
        simulate((1240.0, 800.0), self.app.view()).find(text).is_ok()
    }

    /// Runs the program until the window shows this text.
    pub(crate) async fn until_shown(&mut self, text: &str) {
        self.until(text, |desk| desk.shows(text)).await;
    }

    /// Runs the program until this conversation is open.
    pub(crate) async fn until_open(&mut self, id: ConversationId) {
        self.until("the conversation", |desk| desk.app.home().open_id() == Some(id)).await;
    }

    /// Runs the program until something holds.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let run = async {
            while !holds(self) {
                self.step().await;
            }
        };
        if tokio::time::timeout(DEADLINE, run).await.is_err() {
            panic!("waited in vain for: {what}");
        }
    }

    async fn step(&mut self) {
        tokio::select! {
            Some(action) = self.work.next() => {
                // Focus and scrolling are the window system's part; there is none.
                if let Action::Output(message) = action {
                    self.tell(message);
                }
            }
            Some(batch) = self.feed.next() => self.tell(Message::Peer(batch)),
            else => panic!("the peer has ended"),
        }
    }

    /// Listens to the peer that lives here now, as the window does by itself.
    pub(crate) fn follow_program(&mut self) {
        self.program = self.app.program().clone();
        self.feed = feed::batches(&self.program.node).fuse().boxed();
    }

    /// Closes the program as the window's end does.
    pub(crate) async fn close(self) {
        self.program.node.shutdown().await;
    }
}
