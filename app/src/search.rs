//! What people type to search, read: words, and filters between them.
//!
//! `from:alice in:lobby after:2026-11-01 before:2026-12-01` narrow a search; everything else is
//! looked for. Shared by the faces that are typed into; it knows none of them, and asks nobody.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kinmesh_core::RoomView;
use kinmesh_net::{Overview, SearchQuery};
use kinmesh_proto::{ConversationId, PersonId, RoomName};

use crate::i18n::{tr, tr_args};
use crate::terminal::names::{Meant, meant};

/// Hits of a page when nobody says how many: some screens full.
pub const HITS_DEFAULT: usize = 50;

/// What a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// `from:`, the author; several of them mean any of these.
    From,
    /// `in:`, the conversation.
    In,
    /// `after:`, that day or later.
    After,
    /// `before:`, earlier than that day.
    Before,
}

/// A filter that cannot be obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadFilter {
    /// Nothing stands behind the colon: perhaps it is still being typed.
    Empty(Filter),
    /// It is there twice, and only one can be true.
    Twice(Filter),
    /// Nobody is called like this.
    Nobody {
        /// What was typed.
        typed: String,
    },
    /// Several people are called like this.
    ManyPeople {
        /// What was typed.
        typed: String,
        /// Their fingerprints, one of which can be typed instead.
        fingerprints: Vec<String>,
    },
    /// Neither a room nor a person is called like this.
    NoPlace {
        /// What was typed.
        typed: String,
    },
    /// Not a day of the calendar, written like 2026-11-21.
    NotADay {
        /// What was typed.
        typed: String,
    },
}

impl Filter {
    /// Every filter.
    pub const ALL: [Self; 4] = [Self::From, Self::In, Self::After, Self::Before];

    /// The word before the colon, the same in every language.
    pub fn word(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::In => "in",
            Self::After => "after",
            Self::Before => "before",
        }
    }

    /// The filter that a word begins with, and what stands behind its colon. The wide colon is the one
    /// that Chinese keyboards type.
    fn begins(word: &str) -> Option<(Self, &str)> {
        let (key, value) = word.split_once([':', '：'])?;
        Some((Self::ALL.into_iter().find(|filter| key.eq_ignore_ascii_case(filter.word()))?, value))
    }
}

impl BadFilter {
    /// What is wrong, for the person who typed it.
    pub fn words(&self) -> String {
        match self {
            Self::Empty(filter) => tr_args("search-filter-empty", &[("filter", filter.word().into())]),
            Self::Twice(filter) => tr_args("search-filter-twice", &[("filter", filter.word().into())]),
            Self::Nobody { typed } => tr_args("search-nobody", &[("typed", typed.as_str().into())]),
            Self::ManyPeople { typed, fingerprints } => {
                let fingerprints = fingerprints.join(&tr("search-list-comma"));
                let args = [("typed", typed.as_str().into()), ("fingerprints", fingerprints.into())];
                tr_args("search-many-people", &args)
            }
            Self::NoPlace { typed } => tr_args("search-no-place", &[("typed", typed.as_str().into())]),
            Self::NotADay { typed } => tr_args("search-not-a-day", &[("typed", typed.as_str().into())]),
        }
    }
}

/// Reads what was typed. Names mean people and rooms of `overview`, days are those of `zone`.
pub fn parse(typed: &str, overview: &Overview, zone: &TimeZone) -> Result<SearchQuery, BadFilter> {
    let mut query = SearchQuery { limit: HITS_DEFAULT, ..SearchQuery::default() };
    for piece in pieces(typed) {
        match Filter::begins(piece) {
            Some((filter, value)) => narrow(&mut query, filter, unquoted(value), overview, zone)?,
            // Spaces too: one at the end says that the last word is whole.
            None => query.text.push_str(piece),
        }
    }
    Ok(query)
}

/// The first moment of a day in Unix milliseconds; `None` beyond all calendars.
pub(crate) fn day_ms(day: Date, zone: &TimeZone) -> Option<u64> {
    let ms = day.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond();
    Some(u64::try_from(ms).unwrap_or(0))
}

fn narrow(
    query: &mut SearchQuery,
    filter: Filter,
    value: &str,
    overview: &Overview,
    zone: &TimeZone,
) -> Result<(), BadFilter> {
    if value.is_empty() {
        return Err(BadFilter::Empty(filter));
    }
    match filter {
        Filter::From => query.authors.push(person(value, overview)?),
        Filter::In => set_once(&mut query.conversation, place(value, overview)?, filter)?,
        Filter::After => set_once(&mut query.from_ms, first_ms_of(value, zone)?, filter)?,
        Filter::Before => set_once(&mut query.to_ms, first_ms_of(value, zone)?, filter)?,
    }
    Ok(())
}

fn set_once<T>(field: &mut Option<T>, value: T, filter: Filter) -> Result<(), BadFilter> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(BadFilter::Twice(filter)),
    }
}

fn first_ms_of(typed: &str, zone: &TimeZone) -> Result<u64, BadFilter> {
    let day = typed.parse::<Date>().ok().and_then(|day| day_ms(day, zone));
    day.ok_or_else(|| BadFilter::NotADay { typed: typed.to_owned() })
}

/// Who is meant: `me`, a name, a nickname, a fingerprint, or the id of anybody.
fn person(typed: &str, overview: &Overview) -> Result<PersonId, BadFilter> {
    let typed = typed.strip_prefix('@').unwrap_or(typed);
    let me = &overview.me;
    if typed.eq_ignore_ascii_case("me") || typed == me.fingerprint {
        return Ok(me.person);
    }
    let own_name = me.name.as_ref().filter(|name| name.as_str().to_lowercase() == typed.to_lowercase());
    match (meant(&overview.people, typed), own_name) {
        (Meant::Nobody, Some(_)) => Ok(me.person),
        (Meant::One(person), None) => Ok(person.person),
        (Meant::Nobody, None) => typed.parse().map_err(|_| BadFilter::Nobody { typed: typed.to_owned() }),
        (Meant::One(person), Some(_)) => Err(many(typed, [&me.fingerprint, &person.fingerprint])),
        (Meant::Many(people), _) => Err(many(typed, people.iter().map(|person| &person.fingerprint))),
    }
}

fn many<'f>(typed: &str, fingerprints: impl IntoIterator<Item = &'f String>) -> BadFilter {
    BadFilter::ManyPeople {
        typed: typed.to_owned(),
        fingerprints: fingerprints.into_iter().cloned().collect(),
    }
}

/// Where: `#room`, `@person`, or the name of either; a room comes first.
fn place(typed: &str, overview: &Overview) -> Result<ConversationId, BadFilter> {
    let no_place = || BadFilter::NoPlace { typed: typed.to_owned() };
    if let Some(name) = typed.strip_prefix('#') {
        return room(name, overview).ok_or_else(no_place);
    }
    match room(typed, overview).filter(|_| !typed.starts_with('@')) {
        Some(room) => Ok(room),
        None => person(typed, overview).map(ConversationId::Direct).map_err(|bad| match bad {
            BadFilter::Nobody { .. } => no_place(),
            other => other,
        }),
    }
}

fn room(typed: &str, overview: &Overview) -> Option<ConversationId> {
    let folded = RoomName::new(typed).ok()?.folded();
    let is_meant = |view: &&RoomView| view.name.folded() == folded || view.room.to_string() == typed;
    overview.rooms.iter().find(is_meant).map(|view| ConversationId::Room(view.room))
}

/// Words and the gaps between them, in turns. A gap within quotation marks belongs to its word when a
/// filter stands before them.
fn pieces(typed: &str) -> impl Iterator<Item = &str> {
    let mut rest = typed;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if first.is_whitespace() { gap_end(rest) } else { word_end(rest) };
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

fn gap_end(text: &str) -> usize {
    text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len())
}

fn word_end(text: &str) -> usize {
    let quoted = Filter::begins(text).and_then(|(_, value)| value.strip_prefix(is_quote));
    let inside = quoted.map_or(0, |inside| {
        let start = text.len() - inside.len();
        // A quotation that is still being typed goes on to the end.
        inside.char_indices().find(|(_, c)| is_quote(*c)).map_or(text.len(), |(at, _)| start + at)
    });
    text[inside..].find(char::is_whitespace).map_or(text.len(), |at| inside + at)
}

fn unquoted(value: &str) -> &str {
    value.trim_matches(is_quote).trim()
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”')
}

#[cfg(test)]
mod tests {
    use kinmesh_core::{Acquaintance, Completeness, Online, OwnView, PersonView, Route};
    use kinmesh_proto::{DeviceId, DisplayName, Privacy, RoomId, StatusLine};

    use super::*;

    const ME: PersonId = PersonId([1; 32]);
    const ALICE: PersonId = PersonId([2; 32]);

    fn someone(person: PersonId, name: &str) -> PersonView {
        PersonView {
            person,
            name: name.into(),
            own_name: DisplayName::new(name).unwrap(),
            fingerprint: person.fingerprint(),
            name_clashes: false,
            named_like: None,
            status: StatusLine::new("").unwrap(),
            nickname: None,
            contact: false,
            acquaintance: Acquaintance::Stranger,
            verified: false,
            introduced_by: None,
            online: Online::Offline { last_seen_ms: 0 },
            route: Route::None,
            is_echo: false,
        }
    }

    fn a_room(name: &str) -> RoomView {
        let name = RoomName::new(name).unwrap();
        RoomView {
            room: RoomId::public(&name),
            name,
            picture: None,
            joined: true,
            members: 1,
            online: 1,
            unread: 0,
            last: None,
            waiting: None,
            completeness: Completeness::default(),
            private: None,
            voice: Vec::new(),
            founded: None,
            moderation: None,
            hidden_people: Vec::new(),
        }
    }

    /// The mesh of Bo, who knows Alice and two people called Ann Lee.
    fn overview() -> Overview {
        let me = OwnView {
            person: ME,
            device: DeviceId([1; 32]),
            fingerprint: ME.fingerprint(),
            name: Some(DisplayName::new("Bo").unwrap()),
            status: StatusLine::new("").unwrap(),
            privacy: Privacy::default(),
        };
        let people = [
            someone(ALICE, "Alice"),
            someone(PersonId([3; 32]), "Ann Lee"),
            someone(PersonId([4; 32]), "Ann Lee"),
            someone(PersonId([5; 32]), "lobby"),
        ];
        let rooms = vec![a_room("Lobby"), a_room("周末 计划")];
        Overview {
            me,
            rooms,
            chats: Vec::new(),
            requests: Default::default(),
            people: people.into(),
            invites: Vec::new(),
            openings: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn query(typed: &str) -> Result<SearchQuery, BadFilter> {
        parse(typed, &overview(), &TimeZone::UTC)
    }

    fn lobby() -> ConversationId {
        ConversationId::Room(RoomId::public(&RoomName::new("lobby").unwrap()))
    }

    #[test]
    fn words_are_looked_for_and_filters_narrow() {
        let query = query("wind from:alice in:Lobby after:2026-11-01 before:2026-12-01 west").unwrap();
        assert_eq!(query.text.split_whitespace().collect::<Vec<_>>(), ["wind", "west"]);
        assert_eq!((query.authors, query.conversation), (vec![ALICE], Some(lobby())));
        assert_eq!((query.from_ms, query.to_ms), (Some(1_793_491_200_000), Some(1_796_083_200_000)));
    }

    #[test]
    fn a_day_begins_where_the_searcher_is() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let query = parse("after:2026-11-01", &overview(), &berlin).unwrap();
        assert_eq!(query.from_ms, Some(1_793_491_200_000 - 3_600_000));
    }

    #[test]
    fn a_space_behind_the_last_word_stays() {
        assert_eq!(query("wind ").unwrap().text, "wind ");
        assert_eq!(query("").unwrap().text, "");
    }

    #[test]
    fn other_colons_are_words() {
        let text = "https://kinmesh.example 12:30 inn:x";
        assert_eq!(query(text).unwrap().text, text);
    }

    #[test]
    fn names_may_have_spaces_and_be_of_any_script() {
        let weekend = ConversationId::Room(RoomId::public(&RoomName::new("周末 计划").unwrap()));
        for typed in ["in:\"周末 计划\" 火车", "火车 IN：“周末 计划”", "in:\"周末 计划"]
        {
            assert_eq!(query(typed).unwrap().conversation, Some(weekend), "{typed}");
        }
        assert_eq!(query("in:\"周末 计划\" 火车").unwrap().text.trim(), "火车");
    }

    #[test]
    fn several_authors_mean_any_of_them_and_we_are_me() {
        assert_eq!(query("from:me from:alice").unwrap().authors, [ME, ALICE]);
        assert_eq!(query("from:bo").unwrap().authors, [ME]);
        let stranger = PersonId([9; 32]);
        assert_eq!(query(&format!("from:{stranger}")).unwrap().authors, [stranger]);
    }

    #[test]
    fn a_room_comes_before_a_person_of_its_name() {
        assert_eq!(query("in:lobby").unwrap().conversation, Some(lobby()));
        assert_eq!(query("in:#lobby").unwrap().conversation, Some(lobby()));
        let chat = ConversationId::Direct(PersonId([5; 32]));
        assert_eq!(query("in:@lobby").unwrap().conversation, Some(chat));
        assert_eq!(query("in:alice").unwrap().conversation, Some(ConversationId::Direct(ALICE)));
    }

    #[test]
    fn a_filter_that_cannot_be_obeyed_says_why() {
        let typed = |typed: &str| typed.to_owned();
        for (asked, bad) in [
            ("from:", BadFilter::Empty(Filter::From)),
            ("after:\"\"", BadFilter::Empty(Filter::After)),
            ("in:lobby in:alice", BadFilter::Twice(Filter::In)),
            ("from:zoe", BadFilter::Nobody { typed: typed("zoe") }),
            ("in:#alice", BadFilter::NoPlace { typed: typed("#alice") }),
            ("in:zoe", BadFilter::NoPlace { typed: typed("zoe") }),
            ("before:yesterday", BadFilter::NotADay { typed: typed("yesterday") }),
            ("before:2026-02-30", BadFilter::NotADay { typed: typed("2026-02-30") }),
        ] {
            assert_eq!(query(asked), Err(bad.clone()), "{asked}");
            assert!(!bad.words().starts_with("search-"), "{bad:?} has no words");
        }
        let Err(BadFilter::ManyPeople { fingerprints, .. }) = query("from:\"Ann Lee\"") else {
            panic!("two people are called so");
        };
        assert_eq!(fingerprints.len(), 2);
    }
}
