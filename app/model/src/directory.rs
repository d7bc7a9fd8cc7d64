//! Who is who: names, fingerprints and avatar colours of everybody an entry may come from.

use std::collections::BTreeMap;

use kinmesh_core::{OwnView, PersonView};
use kinmesh_proto::PersonId;
use unicode_segmentation::UnicodeSegmentation;

/// Colours that avatars take.
pub const AVATAR_COLORS: usize = 10;

/// How a person is shown everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// What to call them.
    pub name: String,
    /// Tells people of one name apart.
    pub fingerprint: String,
    /// Whether the fingerprint must be shown with the name.
    pub name_clashes: bool,
    /// Which of the avatar colours.
    pub color: usize,
    /// Whether they are here.
    pub online: bool,
    /// Whether the safety number with them was compared.
    pub verified: bool,
}

impl Face {
    fn new(name: String, fingerprint: String) -> Self {
        let color = avatar_color(fingerprint.as_bytes());
        Self { name, fingerprint, name_clashes: false, color, online: false, verified: false }
    }

    /// A person shown by what is known of them.
    pub fn of(person: &PersonView) -> Self {
        Self {
            name_clashes: person.name_clashes,
            online: person.online.is_online(),
            verified: person.verified,
            ..Self::new(person.name.clone(), person.fingerprint.clone())
        }
    }

    /// Ourselves.
    pub fn own(me: &OwnView) -> Self {
        let name = me.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default();
        Self { online: true, ..Self::new(name, me.fingerprint.clone()) }
    }

    /// The name, with the fingerprint where names clash.
    pub fn full_name(&self) -> String {
        if self.name_clashes { format!("{} {}", self.name, self.fingerprint) } else { self.name.clone() }
    }
}

/// Everybody we know of, and ourselves.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    faces: BTreeMap<PersonId, Face>,
}

impl Directory {
    /// Reads what the peer knows.
    pub fn new(me: &OwnView, people: &[PersonView]) -> Self {
        let mut faces: BTreeMap<_, _> =
            people.iter().map(|person| (person.person, Face::of(person))).collect();
        faces.insert(me.person, Face::own(me));
        Self { faces }
    }

    /// How to show a person. Somebody never met goes by the fingerprint.
    pub fn face(&self, person: PersonId) -> Face {
        self.faces.get(&person).cloned().unwrap_or_else(|| {
            let fingerprint = person.fingerprint();
            Face::new(fingerprint.clone(), fingerprint)
        })
    }
}

/// Which avatar colour goes with these bytes: a person's fingerprint, a room's id.
pub fn avatar_color(bytes: &[u8]) -> usize {
    let mixed = bytes.iter().fold(0usize, |mixed, byte| (mixed * 31 + usize::from(*byte)) % 65_521);
    mixed % AVATAR_COLORS
}

/// The first character of a name as a reader counts them, in upper case.
pub fn initial(name: &str) -> String {
    name.graphemes(true).next().map(str::to_uppercase).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_whole_characters() {
        assert_eq!(initial("ana"), "A");
        assert_eq!(initial("林"), "林");
        assert_eq!(initial("👩‍👩‍👧 Ana"), "👩‍👩‍👧");
        assert_eq!(initial(""), "");
    }

    #[test]
    fn every_colour_is_used() {
        let used: std::collections::BTreeSet<_> =
            (0..200u8).map(|n| avatar_color(PersonId([n; 32]).fingerprint().as_bytes())).collect();
        assert_eq!(used.len(), AVATAR_COLORS);
    }
}
