//! What people and conversations are called on the terminal, and who a typed name means.

use kinmesh_core::PersonView;
use kinmesh_net::Overview;
use kinmesh_proto::{ConversationId, PersonId};

use super::safe::safe;
use crate::i18n::tr;

/// A person's name, with the fingerprint where it is not theirs alone.
pub(super) fn label(person: &PersonView) -> String {
    let name = safe(&person.name);
    if person.name_clashes { format!("{name} ({})", person.fingerprint) } else { name }
}

/// What to call somebody: ourselves "you", strangers by their fingerprint.
pub(super) fn who(overview: &Overview, person: PersonId) -> String {
    if person == overview.me.person {
        return tr("terminal-you");
    }
    find(overview, person).map_or_else(|| person.fingerprint(), label)
}

/// `#room` or `@person`.
pub(super) fn place(overview: &Overview, conversation: ConversationId) -> String {
    match conversation {
        ConversationId::Direct(person) => format!("@{}", who(overview, person)),
        ConversationId::Room(room) | ConversationId::Control(room) => {
            let known = overview.rooms.iter().find(|view| view.room == room);
            format!("#{}", known.map_or_else(|| room.fmt_short(), |view| safe(view.name.as_str())))
        }
    }
}

/// Somebody we know of.
pub(super) fn find(overview: &Overview, person: PersonId) -> Option<&PersonView> {
    overview.people.iter().find(|view| view.person == person)
}

/// Who a typed name may mean.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meant<'a> {
    One(&'a PersonView),
    Nobody,
    Many(Vec<&'a PersonView>),
}

/// Looks a typed name up: a whole name, nickname, fingerprint or id before a part of a name.
pub(crate) fn meant<'a>(people: &'a [PersonView], typed: &str) -> Meant<'a> {
    let typed = typed.trim().to_lowercase();
    let whole = |view: &&PersonView| {
        view.name.to_lowercase() == typed
            || view.own_name.as_str().to_lowercase() == typed
            || view.fingerprint == typed
            || view.person.to_string() == typed
    };
    let part = |view: &&PersonView| view.name.to_lowercase().contains(&typed);
    let mut found: Vec<_> = people.iter().filter(whole).collect();
    if found.is_empty() {
        found = people.iter().filter(part).collect();
    }
    match found[..] {
        [] => Meant::Nobody,
        [one] => Meant::One(one),
        _ => Meant::Many(found),
    }
}

#[cfg(test)]
mod tests {
    use kinmesh_core::{Acquaintance, Online, Route};
    use kinmesh_proto::{DisplayName, StatusLine};

    use super::*;

    fn person(seed: u8, name: &str) -> PersonView {
        let person = PersonId([seed; 32]);
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

    #[test]
    fn a_whole_name_comes_before_a_part_of_one() {
        let people = [person(1, "Bo"), person(2, "Bob"), person(3, "Ana")];
        assert_eq!(meant(&people, "bo"), Meant::One(&people[0]));
        assert_eq!(meant(&people, "an"), Meant::One(&people[2]));
        assert_eq!(meant(&people, "b"), Meant::Many(vec![&people[0], &people[1]]));
        assert_eq!(meant(&people, "zoe"), Meant::Nobody);
    }

    #[test]
    fn namesakes_are_told_apart_by_fingerprint() {
        let mut people = [person(1, "Bo"), person(2, "Bo")];
        assert!(matches!(meant(&people, "Bo"), Meant::Many(_)));
        let fingerprint = people[1].fingerprint.clone();
        assert_eq!(meant(&people, &fingerprint), Meant::One(&people[1]));
        people[1].name_clashes = true;
        assert_eq!(label(&people[1]), format!("Bo ({fingerprint})"));
    }

    #[test]
    fn a_nickname_hides_no_own_name() {
        let mut people = [person(1, "Bo")];
        people[0].name = "brother".into();
        assert_eq!(meant(&people, "bo"), Meant::One(&people[0]));
        assert_eq!(label(&people[0]), "brother");
    }
}
