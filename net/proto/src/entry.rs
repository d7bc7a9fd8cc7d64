//! An entry: one signed item of a conversation's history.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{self, DecodeError};
use crate::content::{self, Content};
use crate::id::{ConversationTag, EntryId, ParseIdError, RoomId};
use crate::identity::{DeviceCert, DeviceKeys};
use crate::limits;
use crate::sealed::Keyring;
use crate::signed::{Signable, Unverified, Verified};

/// A hybrid logical clock: Unix milliseconds in the upper 48 bits, a counter in the lower 16.
///
/// Kulkarni et al., "Logical Physical Clocks" (2014): follows wall time, yet never runs backwards
/// past an entry that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The first reading of a millisecond.
    pub fn from_ms(ms: u64) -> Self {
        Self(ms << 16)
    }

    /// Its wall-clock part, in Unix milliseconds.
    pub fn ms(self) -> u64 {
        self.0 >> 16
    }

    /// The next reading after this one, at wall time `now_ms`.
    pub fn next(self, now_ms: u64) -> Self {
        Self(self.0.saturating_add(1)).max(Self::from_ms(now_ms))
    }
}

/// Where an entry stands in its conversation: the order that every peer shows.
///
/// Its text form, `<clock as 16 hex digits>-<id>`, is what formats for people use. Texts of
/// different clocks sort like the keys; of one clock they need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// When it was written.
    pub clock: Hlc,
    /// Breaks ties, the same way everywhere.
    pub id: EntryId,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.clock.0, self.id)
    }
}

impl FromStr for EntryKey {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let (clock, id) = text.split_once('-').ok_or(ParseIdError)?;
        let clock = u64::from_str_radix(clock, 16).map_err(|_| ParseIdError)?;
        Ok(Self { clock: Hlc(clock), id: id.parse()? })
    }
}

impl Serialize for EntryKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.clock, self.id).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for EntryKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        } else {
            <(Hlc, EntryId)>::deserialize(deserializer).map(|(clock, id)| Self { clock, id })
        }
    }
}

/// The signed part of an entry.
///
/// On the wire a body is two values, one after the other: the header (all but the content), then
/// the content. The signature covers the content through its hash, so that a content which was
/// erased leaves an entry that still proves who wrote it, when and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryBody {
    /// The conversation it belongs to, so that it cannot be replayed into another one.
    #[serde(rename = "g")]
    pub conversation: ConversationTag,
    /// When it was written, by the author's clock.
    #[serde(rename = "h")]
    pub clock: Hlc,
    /// Counts this device's entries in this conversation upwards from 1, with gaps. Never used
    /// twice: two entries with one number are a device that says different things to different people.
    #[serde(rename = "n")]
    pub seq: u64,
    /// The newest entries the author had seen: at most [`limits::PREV_MAX`].
    #[serde(rename = "p")]
    pub prev: Vec<EntryKey>,
    /// What it says. The header holds of it only what it changes: that outlives the rest.
    #[serde(rename = "t", with = "content::target", default, skip_serializing_if = "Content::is_post")]
    pub content: Content,
}

impl Signable for EntryBody {
    const DOMAIN: &'static [u8] = b"kinmesh entry 1\0";
    const BODY_MAX: usize = limits::ENTRY_MAX;

    fn is_within_limits(&self) -> bool {
        self.content.is_within_limits() && self.prev.len() <= limits::PREV_MAX && self.seq > 0
    }

    fn to_body(&self) -> Vec<u8> {
        [codec::encode(self), codec::encode(&self.content)].concat()
    }

    fn from_body(body: &[u8]) -> Result<Self, DecodeError> {
        let (header, content) = codec::decode_first::<Self>(body, Self::BODY_MAX)?;
        let content: Content = codec::decode(content, Self::BODY_MAX)?;
        let content = content.under(header.content.target()).ok_or(DecodeError::Malformed)?;
        Ok(Self { content, ..header })
    }

    /// The content's hash, then the header. A body without a header is no value, so its form is
    /// nobody's.
    fn signed_form(body: &[u8]) -> Cow<'_, [u8]> {
        match split(body) {
            Some((header, content)) => Cow::Owned([&content::hash(content)[..], header].concat()),
            None => Cow::Borrowed(body),
        }
    }
}

impl EntryBody {
    /// The same body with its content sealed for the members of a private room who have the secrets
    /// of these steps of its control log; `None` when one of the secrets is not in the ring.
    pub fn sealed(self, keys: &DeviceKeys, room: RoomId, steps: &[EntryId], ring: &Keyring) -> Option<Self> {
        let bytes = codec::encode(&self.content);
        let sealed = ring.seal(room, steps, &self.place(keys.cert()), &bytes)?;
        let content = Content::Sealed { sealed: Box::new(sealed), of: self.content.target() };
        Some(Self { content, ..self })
    }

    /// Where sealed bytes belong: in this entry and in no other, not even of the same author.
    fn place(&self, author: &DeviceCert) -> Vec<u8> {
        let (clock, seq) = (self.clock.0.to_be_bytes(), self.seq.to_be_bytes());
        [&self.conversation.0[..], &author.person.0, &author.device.0, &clock, &seq].concat()
    }
}

/// Header and content of a body.
fn split(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, content) = codec::decode_first::<EntryBody>(body, limits::ENTRY_MAX).ok()?;
    body.split_at_checked(body.len() - content.len())
}

impl Unverified<EntryBody> {
    /// The same entry without its content: only the hash stays. Id and signature hold as before.
    pub fn erased(&self) -> Self {
        let (body, cert, signature) = self.parts();
        let erased =
            split(body).map(|(header, content)| [header, &codec::encode(&Content::erased(content))].concat());
        Self::from_parts(erased.unwrap_or_else(|| body.to_vec()), cert.clone(), *signature)
    }
}

/// An entry whose author is proven.
pub type Entry = Verified<EntryBody>;

impl Entry {
    /// Its content-addressed id.
    pub fn id(&self) -> EntryId {
        EntryId(self.hash())
    }

    /// Its place in the conversation.
    pub fn key(&self) -> EntryKey {
        EntryKey { clock: self.value().clock, id: self.id() }
    }

    /// What it says.
    pub fn content(&self) -> &Content {
        &self.value().content
    }

    /// The text, when it is text.
    pub fn text(&self) -> Option<&str> {
        match self.content() {
            Content::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The same entry with its content opened, if it is sealed and the secrets are in the ring. Its
    /// envelope stays sealed: that is what others are given.
    pub fn opened(self, room: RoomId, ring: &Keyring) -> Self {
        match self.open(room, ring) {
            Some(content) => self.map(|body| EntryBody { content, ..body }),
            None => self,
        }
    }

    fn open(&self, room: RoomId, ring: &Keyring) -> Option<Content> {
        let Content::Sealed { sealed, of } = self.content() else { return None };
        let (_, cert, _) = self.envelope().parts();
        let bytes = ring.open(room, &self.value().place(cert), sealed)?;
        let content: Content = codec::decode(&bytes, limits::ENTRY_MAX).ok()?;
        // An erased one is erased in the open: here it would take no delete.
        let is_plain =
            !matches!(content, Content::Sealed { .. } | Content::Erased { .. } | Content::Control(_));
        content.under(*of).filter(|content| is_plain && content.is_within_limits())
    }

    /// Whether its content was erased.
    pub fn is_erased(&self) -> bool {
        matches!(self.content(), Content::Erased { .. })
    }

    /// Whether this entry takes back `target`, a post or an edit of it. Nobody takes back the words
    /// of another, nor what was taken back.
    pub fn erases(&self, target: &Entry) -> bool {
        let Content::Delete { of } = *self.content() else { return false };
        let is_meant = match target.content() {
            Content::Edit { of: post, .. }
            | Content::Erased { of: Some(post), .. }
            | Content::Sealed { of: Some(post), .. } => *post == of,
            Content::Delete { .. } | Content::Reaction { .. } | Content::Control(_) => false,
            Content::Text { .. }
            | Content::Introduction { .. }
            | Content::Invitation { .. }
            | Content::Call(_)
            | Content::Erased { of: None, .. }
            | Content::Sealed { of: None, .. }
            | Content::Unknown => target.key() == of,
        };
        is_meant && self.person() == target.person()
    }

    /// The steps of a control log whose secrets would tell whether this entry takes back `target`: it is
    /// sealed, and a change by the same person to the same post.
    pub fn may_erase(&self, target: &Entry) -> Option<&[EntryId]> {
        let Content::Sealed { sealed, of: Some(post) } = self.content() else { return None };
        let subject = target.content().target().unwrap_or_else(|| target.key());
        let is_meant = *post == subject && self.key() != target.key() && self.person() == target.person();
        is_meant.then_some(&sealed.epochs)
    }
}

/// How many of `entries`, from the first on, make one batch: at most [`limits::BATCH_ENTRIES_MAX`],
/// and at most `bytes_max` bytes on the wire.
pub fn batch_len<'e>(entries: impl Iterator<Item = &'e Entry>, bytes_max: usize) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&Entry| {
        bytes += entry.envelope().size();
        bytes <= bytes_max
    };
    entries.take(limits::BATCH_ENTRIES_MAX).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::PersonKey;
    use crate::sealed::EpochSecret;
    use crate::signed::{CertCache, VerifyError};

    fn alice() -> DeviceKeys {
        DeviceKeys::generate(&[1; 32], &[2; 32], 0)
    }

    fn body(text: &str) -> EntryBody {
        EntryBody {
            conversation: ConversationTag([9; 32]),
            clock: Hlc::from_ms(1000),
            seq: 1,
            prev: vec![EntryKey { clock: Hlc::from_ms(999), id: EntryId([3; 32]) }],
            content: Content::text(text),
        }
    }

    #[test]
    fn an_entry_verifies_after_its_way_over_the_wire() {
        let entry = Unverified::sign(body("你好"), &alice());
        let bytes = codec::encode(entry.envelope());
        let arrived: Unverified<EntryBody> = codec::decode(&bytes, limits::ENTRY_MAX + 512).unwrap();
        let verified = arrived.verify(&mut CertCache::default()).unwrap();
        assert_eq!(verified, entry);
        assert_eq!(verified.person(), alice().person());
        assert!(bytes.len() <= entry.envelope().size(), "{} bytes", bytes.len());
    }

    #[test]
    fn a_changed_byte_breaks_the_signature() {
        let entry = Unverified::sign(body("pay bob 10"), &alice());
        let mut bytes = codec::encode(entry.envelope());
        let at = bytes.windows(2).rposition(|pair| pair == b"10").unwrap();
        bytes[at] = b'9';
        let forged: Unverified<EntryBody> = codec::decode(&bytes, 4096).unwrap();
        assert!(matches!(forged.verify(&mut CertCache::default()), Err(VerifyError::BadSignature)));
    }

    #[test]
    fn nobody_can_put_their_name_under_the_words_of_anothers_device() {
        let entry = Unverified::sign(body("my own words"), &alice());
        let (bytes, _, signature) = entry.envelope().parts();
        let thief = PersonKey::from_seed(&[7; 32]).certify(alice().device(), 0);
        assert!(thief.holds(), "a certificate needs no word of the device");
        let stolen = Unverified::<EntryBody>::from_parts(bytes.to_vec(), thief, *signature);
        assert!(matches!(stolen.verify(&mut CertCache::default()), Err(VerifyError::BadSignature)));
    }

    #[test]
    fn one_forged_entry_is_found_in_its_batch() {
        let good: Vec<_> =
            (0..5).map(|n| Unverified::sign(body(&n.to_string()), &alice()).envelope().clone()).collect();
        let mut certs = CertCache::default();
        assert!(Unverified::verify_each(good.clone(), &mut certs).iter().all(Result::is_ok));
        let mallory = DeviceKeys::generate(&[8; 32], &[9; 32], 0);
        let mut bytes = codec::encode(Unverified::sign(body("x"), &mallory).envelope());
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let mut bad = good;
        bad.push(codec::decode(&bytes, 4096).unwrap());
        let verified = Unverified::verify_each(bad, &mut certs);
        assert_eq!(
            verified.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, true, true, true, true, false]
        );
    }

    #[test]
    fn an_erased_entry_keeps_its_id_its_author_and_its_signature() {
        let entry = Unverified::sign(body("regretted"), &alice());
        let erased = entry.envelope().erased();
        let bytes = codec::encode(&erased);
        assert!(!bytes.windows(9).any(|word| word == b"regretted"));
        let arrived: Unverified<EntryBody> = codec::decode(&bytes, 4096).unwrap();
        let verified = arrived.verify(&mut CertCache::default()).unwrap();
        assert_eq!(verified.key(), entry.key());
        assert_eq!(verified.person(), alice().person());
        assert!(verified.is_erased());
        assert_eq!(erased.erased(), erased);
    }

    #[test]
    fn an_erased_change_still_says_what_it_changed() {
        let post = Unverified::sign(body("helo"), &alice());
        let edit = Content::Edit { of: post.key(), text: "hello".into() };
        let edit = Unverified::sign(EntryBody { content: edit, ..body("") }, &alice());
        let bytes = codec::encode(&edit.envelope().erased());
        let arrived: Unverified<EntryBody> = codec::decode(&bytes, 4096).unwrap();
        let erased = arrived.verify(&mut CertCache::default()).unwrap();
        assert!(erased.is_erased());
        assert_eq!((erased.key(), erased.content().target()), (edit.key(), Some(post.key())));
    }

    #[test]
    fn a_header_that_names_another_target_than_the_content_is_refused() {
        let other = EntryKey { clock: Hlc::from_ms(1), id: EntryId([1; 32]) };
        let named = [None, Some(other)].map(|of| EntryBody {
            content: of.map_or(Content::text("x"), |of| Content::Delete { of }),
            ..body("")
        });
        for header in &named {
            for said in &named {
                let bytes = [codec::encode(header), codec::encode(&said.content)].concat();
                assert_eq!(EntryBody::from_body(&bytes).is_ok(), header == said);
            }
        }
    }

    #[test]
    fn a_delete_takes_back_a_post_and_its_edits_and_nothing_else() {
        let sign = |content: Content| Unverified::sign(EntryBody { content, ..body("") }, &alice());
        let (post, other) = (sign(Content::text("one")), sign(Content::text("two")));
        let edit = sign(Content::Edit { of: post.key(), text: "won".into() });
        let like = sign(Content::Reaction { to: post.key(), emoji: "\u{1f44d}".into(), on: true });
        let delete = sign(Content::Delete { of: post.key() });
        for (target, is_erased) in
            [(&post, true), (&edit, true), (&other, false), (&like, false), (&delete, false)]
        {
            assert_eq!(delete.erases(target), is_erased);
        }
        for change in [&edit, &like, &delete] {
            assert!(!sign(Content::Delete { of: change.key() }).erases(change), "only posts are taken back");
        }
        let erased = edit.envelope().erased().verify(&mut CertCache::default()).unwrap();
        assert!(delete.erases(&erased));
    }

    #[test]
    fn only_the_author_takes_an_entry_back() {
        let entry = Unverified::sign(body("mine"), &alice());
        let delete = EntryBody { content: Content::Delete { of: entry.key() }, ..body("") };
        let mallory = DeviceKeys::generate(&[8; 32], &[9; 32], 0);
        assert!(Unverified::sign(delete.clone(), &alice()).erases(&entry));
        assert!(!Unverified::sign(delete, &mallory).erases(&entry));
    }

    const ROOM: RoomId = RoomId([9; 32]);
    const STEP: EntryId = EntryId([1; 32]);

    fn ring() -> Keyring {
        let ring = Keyring::default();
        ring.add(ROOM, STEP, EpochSecret::new([5; 32]));
        ring
    }

    #[test]
    fn a_sealed_entry_is_read_by_members_and_carried_by_anybody() {
        let of = EntryKey { clock: Hlc::from_ms(1), id: EntryId([1; 32]) };
        for content in [Content::text("for us"), Content::Edit { of, text: "for us".into() }] {
            let body = EntryBody { content: content.clone(), ..body("") };
            let sealed = body.sealed(&alice(), ROOM, &[STEP], &ring()).unwrap();
            let bytes = codec::encode(Unverified::sign(sealed, &alice()).envelope());
            assert!(!bytes.windows(6).any(|part| part == b"for us"));
            let arrived: Unverified<EntryBody> = codec::decode(&bytes, 4096).unwrap();
            let entry = arrived.verify(&mut CertCache::default()).unwrap();
            assert_eq!(entry.content().target(), content.target());
            let carried = entry.clone().opened(ROOM, &Keyring::default());
            assert!(matches!(carried.content(), Content::Sealed { .. }));
            let read = entry.opened(ROOM, &ring());
            assert_eq!(read.content(), &content);
            assert_eq!(codec::encode(read.envelope()), bytes, "it is passed on as it came");
        }
    }

    #[test]
    fn what_is_sealed_may_take_back_a_post_of_its_author_that_it_changes() {
        let of = |author: &DeviceKeys, post: EntryKey| {
            let body = EntryBody { content: Content::Delete { of: post }, ..body("") };
            Unverified::sign(body.sealed(author, ROOM, &[STEP], &ring()).unwrap(), author)
        };
        let (post, other) =
            (Unverified::sign(body("mine"), &alice()), Unverified::sign(body("else"), &alice()));
        let mallory = DeviceKeys::generate(&[8; 32], &[9; 32], 0);
        assert_eq!(of(&alice(), post.key()).may_erase(&post), Some(&[STEP][..]));
        assert_eq!(of(&alice(), other.key()).may_erase(&post), None);
        assert_eq!(of(&mallory, post.key()).may_erase(&post), None);
        let opened = of(&alice(), post.key()).opened(ROOM, &ring());
        assert!(opened.erases(&post) && opened.may_erase(&post).is_none(), "of what can be read it is known");
    }

    #[test]
    fn a_sealed_content_cannot_be_moved_into_another_entry() {
        let sealed = body("for us").sealed(&alice(), ROOM, &[STEP], &ring()).unwrap();
        let mallory = DeviceKeys::generate(&[8; 32], &[9; 32], 0);
        let moved = [
            Unverified::sign(sealed.clone(), &mallory),
            Unverified::sign(EntryBody { seq: 2, ..sealed.clone() }, &alice()),
            Unverified::sign(EntryBody { clock: Hlc::from_ms(1001), ..sealed }, &alice()),
        ];
        for entry in moved {
            assert!(matches!(entry.opened(ROOM, &ring()).content(), Content::Sealed { .. }));
        }
    }

    #[test]
    fn a_clock_never_runs_backwards() {
        let seen = Hlc::from_ms(5000);
        assert!(seen.next(10) > seen);
        assert_eq!(seen.next(6000), Hlc::from_ms(6000));
    }

    #[test]
    fn a_batch_is_bounded_in_entries_and_bytes() {
        let entries: Vec<_> =
            (0..300).map(|n| Unverified::sign(body(&format!("{n:03}")), &alice())).collect();
        let size = entries[0].envelope().size();
        assert_eq!(batch_len(entries.iter(), usize::MAX), limits::BATCH_ENTRIES_MAX);
        assert_eq!(batch_len(entries.iter(), 10 * size), 10);
        assert_eq!(batch_len(entries.iter(), 10 * size - 1), 9);
        assert_eq!(batch_len([].iter(), size), 0);
    }
}
