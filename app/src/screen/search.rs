//! The search over all messages: what was typed, what it is narrowed to, and what was found.
//!
//! Asks the peer anew with every letter, one question at a time: while one is being answered, the
//! newest waits, and those between are never asked. Knows no conversation; the parent goes there.

use iced::widget::operation::{self, RelativeOffset};
use iced::widget::{
    Column, button, column, container, pick_list, progress_bar, row, scrollable, text, text_input,
};
use iced::{Center, Fill, Padding, Task};
use kinmesh_core::{ConversationEvent, EntryView, Event as PeerEvent};
use kinmesh_model::{Run, When, initial, snippet};
use kinmesh_net::{ReadError, SearchHit, SearchPattern, SearchProgress, SearchQuery};
use kinmesh_proto::{ConversationId, EntryKey, PersonId};

use super::{Cx, conversation, words};
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::search::{HITS_DEFAULT, day_ms, parse};
use crate::theme::{self, pad, size, space as gap, stroke};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element, Icon};

/// The field that is typed into.
pub const FIELD: &str = "search-messages";

const LIST: &str = "search-found";
/// People and places to choose from; what is typed names the others.
const CHOICES_CAP: usize = 200;

/// A search.
#[derive(Default)]
pub struct State {
    typed: String,
    narrow: Narrow,
    wanted: Wanted,
    /// Counts what was asked for: an answer to something older is not shown.
    generation: u64,
    /// Whether a question is being answered.
    is_asking: bool,
    /// Whether Enter was pressed before the answer came.
    wants_first: bool,
    hits: Vec<Hit>,
    has_more: bool,
    /// Why the last question has no answer.
    fault: Option<String>,
    /// The hit that the arrow keys or a press went to.
    chosen: Option<EntryKey>,
    /// Whether the index was being made when we looked last.
    was_indexing: bool,
}

/// What is asked for.
#[derive(Default)]
enum Wanted {
    /// Nothing was typed or chosen.
    #[default]
    Nothing,
    /// This.
    This(SearchQuery),
    /// It cannot be asked, for this reason.
    Unclear(String),
}

/// What was chosen beside what was typed. A filter that was typed counts more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Narrow {
    place: Option<ConversationId>,
    author: Option<PersonId>,
    when: When,
}

/// A post that was found.
struct Hit {
    entry: EntryView,
    runs: Vec<Run>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The field was edited.
    Typed(String),
    /// Where to search.
    Place(Choice<ConversationId>),
    /// Whose messages.
    Author(Choice<PersonId>),
    /// When they were written.
    When(Choice<When>),
    /// What was found for the question of this number, behind this hit of a page before.
    Found(u64, Option<EntryKey>, Result<Vec<SearchHit>, String>),
    /// Older ones are wanted.
    More,
    /// Enter: the chosen hit is wanted, or the first.
    OpenChosen,
    /// A hit is wanted.
    Open(EntryKey),
    /// Enough.
    Close,
}

/// What the parent is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A post is wanted in its conversation.
    GoTo(ConversationId, EntryKey),
    /// Enough.
    Close,
}

/// One of the things to choose from; `None` does not narrow.
#[derive(Debug, Clone)]
pub struct Choice<T> {
    of: Option<T>,
    words: String,
}

impl<T: PartialEq> PartialEq for Choice<T> {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of
    }
}

impl<T> std::fmt::Display for Choice<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

type Step = (Task<Message>, Option<Event>);

impl State {
    /// A search for `typed`, in one conversation or everywhere.
    pub fn open(
        place: Option<ConversationId>,
        typed: String,
        program: &Program,
        cx: &Cx,
    ) -> (Self, Task<Message>) {
        let mut state = Self { narrow: Narrow { place, ..Narrow::default() }, ..Self::default() };
        state.typed = typed;
        state.was_indexing = cx.status.search_progress.is_some();
        let asked = state.ask(program, cx);
        let focus = [operation::focus(FIELD), operation::move_cursor_to_end(FIELD)];
        (state, Task::batch(focus.into_iter().chain([asked])))
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program, cx: &Cx) -> Step {
        match message {
            Message::Typed(typed) => self.typed = typed,
            Message::Place(place) => self.narrow.place = place.of,
            Message::Author(author) => self.narrow.author = author.of,
            Message::When(when) => self.narrow.when = when.of.unwrap_or_default(),
            Message::Found(generation, behind, found) => {
                return self.take(generation, behind, found, program);
            }
            Message::More => return (self.ask_behind(self.oldest(), program), None),
            Message::OpenChosen if self.is_asking => {
                self.wants_first = true;
                return (Task::none(), None);
            }
            Message::OpenChosen => return (Task::none(), self.open_chosen()),
            Message::Open(key) => return (Task::none(), self.go_to(key)),
            Message::Close => return (Task::none(), Some(Event::Close)),
        }
        self.wants_first = false;
        (self.ask(program, cx), None)
    }

    /// Takes what the peer told: what was found is asked for again when it changed, or when the index
    /// is whole.
    pub fn apply(&mut self, events: &[PeerEvent], program: &Program, cx: &Cx) -> Task<Message> {
        let is_indexing = cx.status.search_progress.is_some();
        let is_whole = std::mem::replace(&mut self.was_indexing, is_indexing) && !is_indexing;
        if is_whole || events.iter().any(|event| self.concerns(event)) {
            return self.ask(program, cx);
        }
        Task::none()
    }

    fn concerns(&self, event: &PeerEvent) -> bool {
        match event {
            PeerEvent::Conversation { change: ConversationEvent::EntryChanged { entry }, .. } => {
                self.hits.iter().any(|hit| hit.entry.key == entry.key)
            }
            _ => false,
        }
    }

    /// Takes out what was typed, to search for it elsewhere.
    pub fn into_typed(self) -> String {
        self.typed
    }

    /// Goes so many hits down, or up.
    pub fn step(&mut self, by: isize) -> Task<Message> {
        let at = self.chosen.and_then(|key| self.hits.iter().position(|hit| hit.entry.key == key));
        let next = at.map_or(0, |at| at.saturating_add_signed(by)).min(self.hits.len().saturating_sub(1));
        self.chosen = self.hits.get(next).map(|hit| hit.entry.key);
        let last = self.hits.len().saturating_sub(1).max(1);
        operation::snap_to(LIST, RelativeOffset { x: 0.0, y: next as f32 / last as f32 })
    }

    fn open_chosen(&mut self) -> Option<Event> {
        let key = self.chosen.or_else(|| Some(self.hits.first()?.entry.key))?;
        self.go_to(key)
    }

    fn go_to(&mut self, key: EntryKey) -> Option<Event> {
        let hit = self.hits.iter().find(|hit| hit.entry.key == key)?;
        self.chosen = Some(key);
        Some(Event::GoTo(hit.entry.conversation, key))
    }

    fn oldest(&self) -> Option<EntryKey> {
        self.hits.last().map(|hit| hit.entry.key)
    }

    /// Asks for what is typed and chosen now.
    fn ask(&mut self, program: &Program, cx: &Cx) -> Task<Message> {
        self.generation += 1;
        self.wanted = self.wanted(cx);
        if !matches!(self.wanted, Wanted::This(_)) {
            self.hits.clear();
            self.has_more = false;
        }
        self.ask_behind(None, program)
    }

    fn wanted(&self, cx: &Cx) -> Wanted {
        let zone = cx.clock.zone();
        let mut query = match parse(&self.typed, &cx.overview, zone) {
            Ok(query) => query,
            Err(bad) => return Wanted::Unclear(bad.words()),
        };
        if query.authors.is_empty() {
            query.authors.extend(self.narrow.author);
        }
        query.conversation = query.conversation.or(self.narrow.place);
        let since = self.narrow.when.first_day(cx.clock.today()).and_then(|day| day_ms(day, zone));
        query.from_ms = query.from_ms.or(since);
        // A place alone is where the search is, not what it is for.
        let asks = !query.text.trim().is_empty()
            || !query.authors.is_empty()
            || query.from_ms.is_some()
            || query.to_ms.is_some();
        if asks { Wanted::This(query) } else { Wanted::Nothing }
    }

    /// Asks the peer, unless a question is being answered: its answer asks again.
    fn ask_behind(&mut self, behind: Option<EntryKey>, program: &Program) -> Task<Message> {
        let Wanted::This(query) = &self.wanted else { return Task::none() };
        if std::mem::replace(&mut self.is_asking, true) {
            return Task::none();
        }
        let (generation, query) = (self.generation, SearchQuery { before: behind, ..query.clone() });
        let node = program.node.clone();
        let words = |error: ReadError| words::read_error(&error);
        Task::perform(async move { node.search(query).await }, move |found| {
            Message::Found(generation, behind, found.map_err(words))
        })
    }

    fn take(
        &mut self,
        generation: u64,
        behind: Option<EntryKey>,
        found: Result<Vec<SearchHit>, String>,
        program: &Program,
    ) -> Step {
        self.is_asking = false;
        if generation != self.generation {
            return (self.ask_behind(None, program), None);
        }
        match found {
            Ok(found) => self.show(behind, found.into_iter().map(|hit| hit.entry).collect()),
            Err(fault) => self.fault = Some(fault),
        }
        let event = if std::mem::take(&mut self.wants_first) { self.open_chosen() } else { None };
        (Task::none(), event)
    }

    /// Shows these posts, behind those of a page before if there is one.
    fn show(&mut self, behind: Option<EntryKey>, found: Vec<EntryView>) {
        let Wanted::This(query) = &self.wanted else { return };
        if behind.is_none() {
            self.hits.clear();
            self.chosen = None;
        }
        self.fault = None;
        self.has_more = found.len() == HITS_DEFAULT;
        let pattern = SearchPattern::parse(&query.text).unwrap_or_default();
        self.hits.extend(found.into_iter().map(|entry| Hit::new(entry, &pattern)));
    }

    /// A search as it is drawn once this was found.
    pub fn showing(typed: &str, place: Option<ConversationId>, found: Vec<EntryView>, cx: &Cx) -> Self {
        let narrow = Narrow { place, ..Narrow::default() };
        let mut state = Self { typed: typed.to_owned(), narrow, ..Self::default() };
        state.wanted = state.wanted(cx);
        state.show(None, found);
        state
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let close = widget::icon_button(Icon::Close, false, tr("close"), Message::Close);
        let title = text(tr("search-messages")).size(size::TITLE).font(theme::SEMIBOLD);
        let head = row![container(title).width(Fill), close].align_y(Center);
        let field = text_input(&tr("search-messages-hint"), &self.typed)
            .id(FIELD)
            .size(size::SECONDARY)
            .padding(pad::SEARCH)
            .style(theme::field::search)
            .on_input(Message::Typed)
            .on_submit(Message::OpenChosen);
        let top = column![head, field, self.choices(cx)].spacing(gap::S);
        let top = container(top).padding(pad::SEARCH_HEAD);
        let content = column![top, widget::level_line()].push(progress(cx)).push(self.found(cx));
        container(content).height(Fill).style(theme::container::panel).into()
    }

    fn choices(&self, cx: &Cx) -> Element<'_, Message> {
        let place = choose(places(cx), self.narrow.place, Message::Place);
        let author = choose(authors(cx), self.narrow.author, Message::Author);
        let times = When::ALL.map(|when| Choice { of: Some(when), words: tr(when_id(when)) });
        let when = choose(times.into(), Some(self.narrow.when), Message::When);
        column![place, row![author, when].spacing(gap::S)].spacing(gap::S).into()
    }

    fn found<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let quiet = |words: String| container(widget::secondary(words)).padding(gap::L).into();
        let fault = match &self.wanted {
            Wanted::Unclear(fault) => Some(fault),
            _ => self.fault.as_ref(),
        };
        if let Some(fault) = widget::error(fault.map(String::as_str)) {
            return container(fault).padding(gap::L).into();
        }
        match &self.wanted {
            Wanted::Nothing => quiet(tr("search-invite")),
            _ if self.hits.is_empty() && self.is_asking => quiet(tr("search-asking")),
            _ if self.hits.is_empty() => quiet(tr("search-nothing")),
            _ => self.list(cx),
        }
    }

    fn list<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let count = if self.has_more { "search-newest" } else { "search-found" };
        let count = tr_args(count, &[("count", self.hits.len().into())]);
        let count = text(count).size(size::CAPTION).style(theme::text::secondary);
        let count = container(count).padding(Padding::from([gap::S, gap::L]));
        let hits = self.hits.iter().map(|hit| hit.view(self.chosen == Some(hit.entry.key), cx));
        let more = self.has_more.then(|| {
            container(widget::link(tr("search-more"), Message::More)).center_x(Fill).padding(gap::S)
        });
        let list = Column::with_children(hits).push(more).width(Fill).padding(Padding::ZERO.bottom(gap::L));
        column![count, scrollable(list).id(LIST).height(Fill)].into()
    }
}

impl Hit {
    fn new(entry: EntryView, pattern: &SearchPattern) -> Self {
        let text = entry.text.as_deref().unwrap_or_default();
        let runs = snippet(text, &pattern.found_in(text));
        Self { entry, runs }
    }

    fn view<'a>(&'a self, is_chosen: bool, cx: &'a Cx) -> Element<'a, Message> {
        let face = cx.names.face(self.entry.author);
        let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Small, None);
        let at = words::moment(cx.clock.moment(self.entry.written_ms));
        let at = text(at).size(size::CAPTION).style(theme::text::secondary).into();
        let name = ellipsis(face.full_name()).size(size::NAME).font(theme::SEMIBOLD);
        let place = ellipsis(place_name(self.entry.conversation, cx)).size(size::CAPTION);
        let lines = column![
            widget::ends(name, Some(at)),
            place.style(theme::text::secondary),
            widget::runs(&self.runs, cx.theme),
        ];
        let content = row![avatar, lines.width(Fill).spacing(gap::HAIR)].spacing(gap::M);
        let hit = button(content)
            .padding([gap::S, gap::M])
            .width(Fill)
            .style(theme::button::row(is_chosen))
            .on_press(Message::Open(self.entry.key));
        container(hit).padding(widget::sides(gap::S)).into()
    }
}

/// A conversation's name, as a place among others.
fn place_name(id: ConversationId, cx: &Cx) -> String {
    match id {
        ConversationId::Room(id) | ConversationId::Control(id) => {
            conversation::room(cx, id).map_or_else(String::new, |room| format!("# {}", room.name))
        }
        ConversationId::Direct(person) => {
            tr_args("search-chat", &[("name", cx.names.face(person).full_name().into())])
        }
    }
}

fn places(cx: &Cx) -> Vec<Choice<ConversationId>> {
    let rooms = cx.overview.rooms.iter().map(|room| ConversationId::Room(room.room));
    let chats = cx.overview.chats.iter().map(|chat| ConversationId::Direct(chat.person));
    let named = rooms.chain(chats).take(CHOICES_CAP);
    let named = named.map(|id| Choice { of: Some(id), words: place_name(id, cx) });
    [Choice { of: None, words: tr("search-everywhere") }].into_iter().chain(named).collect()
}

/// Those we keep or talk to before those who were only seen.
fn authors(cx: &Cx) -> Vec<Choice<PersonId>> {
    let mut people: Vec<_> = cx.overview.people.iter().collect();
    people.sort_by_key(|person| !person.contact && cx.chat(person.person).is_none());
    let others = people.into_iter().map(|person| person.person).take(CHOICES_CAP);
    let named = others.map(|id| Choice { of: Some(id), words: cx.names.face(id).full_name() });
    let me = Choice { of: Some(cx.overview.me.person), words: tr("search-me") };
    [Choice { of: None, words: tr("search-everybody") }, me].into_iter().chain(named).collect()
}

fn when_id(when: When) -> &'static str {
    match when {
        When::Any => "search-any-time",
        When::Today => "search-today",
        When::Week => "search-week",
        When::Month => "search-month",
        When::Year => "search-year",
    }
}

fn choose<'a, T: Clone + PartialEq + 'a>(
    choices: Vec<Choice<T>>,
    chosen: Option<T>,
    message: impl Fn(Choice<T>) -> Message + 'a,
) -> Element<'a, Message> {
    let chosen = choices.iter().find(|choice| choice.of == chosen).cloned();
    pick_list(choices, chosen, message).width(Fill).padding(pad::PICK).text_size(size::SECONDARY).into()
}

/// How far the index is, while it is made.
fn progress(cx: &Cx) -> Option<Element<'_, Message>> {
    let of = cx.status.search_progress?;
    let bar = progress_bar(0.0..=of.total as f32, of.indexed as f32).girth(stroke::BAR);
    let content = column![widget::secondary(indexing(of)), bar].spacing(gap::S);
    Some(container(content).padding(Padding::from(gap::L).bottom(0.0)).into())
}

/// That the index is being made, and how far it is.
pub fn indexing(of: SearchProgress) -> String {
    let percent = of.indexed.saturating_mul(100) / of.total.max(1);
    tr_args("search-indexing", &[("percent", percent.min(99).into())])
}
