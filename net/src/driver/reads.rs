//! What the faces and the core want to read: on tasks of their own, for the driver never waits for
//! the disk.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

use kinmesh_core::{EntryView, Event, Lens, Pace, QUEUED_FETCH_MAX, Seen, UNREAD_CAP};
use kinmesh_proto::{
    ConversationId, Delivery, EntryId, EntryKey, Hlc, PageAt, PageItem, PersonId, StoredEntry, Wait, limits,
};
use kinmesh_search::{Found, Query as SearchQuery, Search};
use kinmesh_store::{StoreError, StoreHandle};
use tokio::sync::mpsc;

use super::Driver;
use crate::error::ReadError;
use crate::handle::Reply;
use crate::identity::unix_ms;
use crate::search::SearchHit;

/// Posts of one conversation that are read together: as many as a frame brings.
const POSTS_AT_ONCE: usize = limits::BATCH_ENTRIES_MAX;
/// Posts that are looked at together while unread ones are counted.
const UNREAD_AT_ONCE: usize = 200;
/// A search whose hits are withheld goes on so many times: whoever is muted may have written a lot.
const SEARCHES_MAX: usize = 50;

/// Posts in the order in which they were wanted, as far as they are there, and what their authors posted
/// before.
type PacedPosts = (Vec<Option<Box<PageItem>>>, Pace);

/// What the store read for the core.
pub(super) enum Look {
    Posts(ConversationId, Vec<EntryKey>, Result<PacedPosts, StoreError>),
    Queued(ConversationId, Result<Vec<StoredEntry>, StoreError>),
    /// Something that was read for somebody else is damaged.
    Damage,
}

/// Tells the driver if what was read is damaged. The answer stays what it is.
pub(super) async fn noticed<T>(
    looks: &mpsc::Sender<Look>,
    read: Result<T, StoreError>,
) -> Result<T, StoreError> {
    if let Err(StoreError::Damaged(_)) = &read {
        // The driver may have ended.
        let _ = looks.send(Look::Damage).await;
    }
    read
}

/// Up to `limit` posts as they are seen, without what blocked people wrote. It is a short page only
/// where the history ends.
pub(super) async fn shown_page(
    store: &StoreHandle,
    conversation: ConversationId,
    at: PageAt,
    limit: usize,
    lens: &Lens,
) -> Result<Vec<Seen>, StoreError> {
    let mut shown: Vec<Seen> = Vec::new();
    let at = match at {
        PageAt::After(key) => PageAt::After(lens.beginning().map_or(key, |beginning| beginning.max(key))),
        PageAt::Newest | PageAt::Before(_) => at,
    };
    let mut next = at;
    loop {
        let page = store.page_through(conversation, next, limit, shows_changes(lens)).await?;
        let is_last = page.len() < limit;
        let end = if matches!(at, PageAt::After(_)) { page.last() } else { page.first() };
        let Some(end) = end.map(|item| item.post.entry.key()) else { return Ok(shown) };
        let is_last = is_last || Some(end) < lens.beginning();
        let mut posts = looked_at(store, conversation, page, lens).await?;
        let missing = limit - shown.len();
        if matches!(at, PageAt::After(_)) {
            next = PageAt::After(end);
            posts.truncate(missing);
            shown.append(&mut posts);
        } else {
            next = PageAt::Before(end);
            posts.drain(..posts.len().saturating_sub(missing));
            posts.append(&mut shown);
            shown = posts;
        }
        if is_last || shown.len() == limit {
            return Ok(shown);
        }
    }
}

/// Posts of one conversation as they are seen, but for those of blocked people.
async fn looked_at(
    store: &StoreHandle,
    conversation: ConversationId,
    posts: Vec<PageItem>,
    lens: &Lens,
) -> Result<Vec<Seen>, StoreError> {
    let pacer = lens.pacer();
    let waits = posts.iter().filter_map(|item| pacer.wait(&item.post.entry)).collect();
    let pace = pace(store, conversation, waits).await?;
    Ok(posts.into_iter().filter_map(|item| lens.look(item, &pace)).collect())
}

/// What people posted before, where they had to wait.
async fn pace(
    store: &StoreHandle,
    conversation: ConversationId,
    waits: Vec<Wait>,
) -> Result<Pace, StoreError> {
    if waits.is_empty() {
        return Ok(Pace::default());
    }
    Ok(Pace::of(&waits, store.posts_before(conversation, waits.clone()).await?))
}

/// Tells the store which changes of posts are shown.
fn shows_changes(lens: &Lens) -> impl Fn(PersonId, Hlc) -> bool + Send + 'static {
    let lens = lens.clone();
    move |author, at| lens.shows_changes(author, at)
}

/// Posts that the core wants of one conversation. In a slow room they are asked about together: each question
/// may read an hour of it.
async fn posts_with_pace(
    store: &StoreHandle,
    conversation: ConversationId,
    wanted: &[(EntryKey, Lens)],
) -> Result<PacedPosts, StoreError> {
    let (mut posts, mut waits) = (Vec::new(), Vec::new());
    for (key, lens) in wanted {
        let post = store.post_through(conversation, *key, shows_changes(lens)).await?;
        waits.extend(post.as_ref().and_then(|item| lens.pacer().wait(&item.post.entry)));
        posts.push(post.map(Box::new));
    }
    Ok((posts, pace(store, conversation, waits).await?))
}

/// Posts of others after this key of which something is shown, as far as anybody counts.
pub(super) async fn shown_unread(
    store: &StoreHandle,
    conversation: ConversationId,
    after: Option<EntryKey>,
    lens: &Lens,
) -> Result<usize, StoreError> {
    if lens.is_clear() {
        return store.unread(conversation, after, UNREAD_CAP).await;
    }
    let mut after = after.unwrap_or(EntryKey { clock: Hlc(0), id: EntryId([0; 32]) });
    let counts = |seen: &&Seen| seen.item.post.delivery == Delivery::Received && seen.withheld.is_none();
    let mut unread = 0;
    loop {
        let page = shown_page(store, conversation, PageAt::After(after), UNREAD_AT_ONCE, lens).await?;
        unread += page.iter().filter(counts).count();
        let goes_on = page.len() == UNREAD_AT_ONCE && unread < UNREAD_CAP;
        let Some(last) = page.last().filter(|_| goes_on) else { return Ok(unread.min(UNREAD_CAP)) };
        after = last.item.post.entry.key();
    }
}

/// Hits that are shown, the newest first: what is withheld is found by nobody.
async fn shown_hits(
    search: &Search,
    store: &StoreHandle,
    mut query: SearchQuery,
    look: impl Fn(ConversationId) -> (Lens, Option<EntryKey>),
) -> Result<Vec<SearchHit>, ReadError> {
    let mut hits = Vec::new();
    for _ in 0..SEARCHES_MAX {
        let found = search.find(&query).await?;
        let is_all = found.len() < query.limit;
        query.before = found.last().map(|last| last.item.post.entry.key());
        for Found { conversation, item } in found {
            let (lens, read_by_other) = look(conversation);
            let seen = looked_at(store, conversation, vec![item], &lens).await?;
            let shown = seen.into_iter().filter(|seen| seen.withheld.is_none());
            hits.extend(shown.map(|seen| SearchHit { entry: seen.view(conversation, read_by_other) }));
        }
        if is_all || hits.len() >= query.limit {
            break;
        }
    }
    hits.truncate(query.limit);
    Ok(hits)
}

impl Driver {
    /// Through what a conversation is looked at.
    pub(super) fn lens(&self, conversation: ConversationId) -> Lens {
        let lens = self.core.lens(conversation);
        match conversation {
            ConversationId::Room(_) => lens.without(self.core.blocked()),
            ConversationId::Direct(_) | ConversationId::Control(_) => lens,
        }
    }

    /// The store as it is once all that the core knows is in it.
    pub(super) fn up_to_date_store(&mut self) -> StoreHandle {
        self.core.persist_later();
        self.do_outputs();
        self.store.clone()
    }

    pub(super) fn page(
        &mut self,
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
        reply: Reply<ReadError, Vec<EntryView>>,
    ) {
        let (store, looks) = (self.up_to_date_store(), self.looks.0.clone());
        let read_by_other = self.core.read_by_other(conversation);
        let lens = self.lens(conversation);
        tokio::spawn(async move {
            let page = shown_page(&store, conversation, at, limit, &lens).await;
            let page = noticed(&looks, page).await.map_err(ReadError::Store);
            let view = |post: &Seen| post.view(conversation, read_by_other);
            // The reader may have gone.
            let _ = reply.send(page.map(|posts| posts.iter().map(view).collect()));
        });
    }

    pub(super) fn post(
        &mut self,
        conversation: ConversationId,
        key: EntryKey,
        reply: Reply<ReadError, Option<(Seen, EntryView)>>,
    ) {
        let (store, looks) = (self.up_to_date_store(), self.looks.0.clone());
        let read_by_other = self.core.read_by_other(conversation);
        // A post of somebody blocked can be asked for.
        let lens = self.core.lens(conversation);
        tokio::spawn(async move {
            let post = async {
                let post = store.post_through(conversation, key, shows_changes(&lens)).await?;
                let post = post.into_iter().collect();
                Ok(looked_at(&store, conversation, post, &lens).await?.pop())
            };
            let post = noticed(&looks, post.await).await.map_err(ReadError::Store);
            let with_view = |post: Seen| {
                let view = post.view(conversation, read_by_other);
                (post, view)
            };
            // The reader may have gone.
            let _ = reply.send(post.map(|post| post.map(with_view)));
        });
    }

    pub(super) fn search(&mut self, query: SearchQuery, reply: Reply<ReadError, Vec<SearchHit>>) {
        let _ = self.up_to_date_store();
        let search = self.search.clone();
        let read: BTreeMap<_, _> = self.core.all_read_by_other().collect();
        let rooms = self.core.all_rooms().map(|room| {
            let id = ConversationId::Room(room);
            (id, self.lens(id))
        });
        let (store, lenses) = (self.store.clone(), rooms.collect::<BTreeMap<_, _>>());
        tokio::spawn(async move {
            let look = |id| (lenses.get(&id).cloned().unwrap_or_default(), read.get(&id).copied());
            // The reader may have gone.
            let _ = reply.send(shown_hits(&search, &store, query, look).await);
        });
    }

    /// Posts of one conversation are read together with those that were wanted before, once there are many.
    pub(super) fn want_post(&mut self, conversation: ConversationId, key: EntryKey, lens: Lens) {
        let wanted = self.wanted_posts.entry(conversation).or_default();
        wanted.push((key, lens));
        if wanted.len() >= POSTS_AT_ONCE {
            self.read_wanted_posts();
        }
    }

    pub(super) fn read_wanted_posts(&mut self) {
        if self.wanted_posts.is_empty() {
            return;
        }
        let blocked = Arc::new(self.core.blocked());
        for (conversation, mut wanted) in take(&mut self.wanted_posts) {
            if let ConversationId::Room(_) = conversation {
                let without_blocked = |(_, lens): &mut (_, Lens)| *lens = take(lens).without(blocked.clone());
                wanted.iter_mut().for_each(without_blocked);
            }
            let (store, looks) = (self.store.clone(), self.looks.0.clone());
            tokio::spawn(async move {
                let read = noticed(&looks, posts_with_pace(&store, conversation, &wanted).await).await;
                let keys = wanted.into_iter().map(|(key, _)| key).collect();
                // The driver may have ended.
                let _ = looks.send(Look::Posts(conversation, keys, read)).await;
            });
        }
    }

    pub(super) fn read_queued(&self, conversation: ConversationId, after: Option<EntryKey>) {
        let (store, looks) = (self.store.clone(), self.looks.0.clone());
        tokio::spawn(async move {
            let queued = noticed(&looks, store.queued(conversation, after, QUEUED_FETCH_MAX).await).await;
            // The driver may have ended.
            let _ = looks.send(Look::Queued(conversation, queued)).await;
        });
    }

    pub(super) fn looked(&mut self, look: Look) {
        match look {
            Look::Damage => self.note_damage(),
            Look::Posts(conversation, keys, read) => {
                if read.is_err() {
                    // They are not shown from memory: listeners are told to read for themselves.
                    self.told.push(Event::Lagged { missed: keys.len() as u64 });
                }
                let (posts, pace) = read.unwrap_or_default();
                let posts = posts.into_iter().chain(std::iter::repeat(None));
                for (key, post) in keys.into_iter().zip(posts) {
                    self.core.post_read(conversation, key, post.map(|post| *post), &pace);
                }
            }
            Look::Queued(conversation, queued) => {
                // Why something waits may be another now.
                self.overview_changed |= queued.is_err();
                self.core.queued_read(unix_ms(), conversation, queued.ok());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kinmesh_core::Core;
    use kinmesh_proto::record::{HiddenHere, Snapshot, Write};
    use kinmesh_proto::{Content, ConversationRecord, DeviceKeys, Entry, EntryBody, RoomId, Unverified};
    use kinmesh_store::{CHANGES_MAX, HistoryStore, MemoryStore};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const ROOM: ConversationId = ConversationId::Room(RoomId([1; 32]));

    fn keys(person: u8) -> DeviceKeys {
        DeviceKeys::generate(&[person; 32], &[person + 100; 32], 7)
    }

    fn says(author: &DeviceKeys, ms: u64, content: Content) -> Entry {
        let (conversation, clock) = (ROOM.tag(author.person()), Hlc::from_ms(ms));
        let body = EntryBody { conversation, clock, seq: ms, prev: Vec::new(), content };
        Unverified::sign(body, author)
    }

    /// A store that has received these.
    fn holding(entries: impl IntoIterator<Item = Entry>) -> StoreHandle {
        let stored = |entry| StoredEntry { entry, delivery: Delivery::Received, received_ms: 7 };
        let put = |entry| Write::PutEntry { conversation: ROOM, stored: stored(entry) };
        let writes: Vec<Write> = entries.into_iter().map(put).collect();
        let mut history = MemoryStore::new();
        history.apply(&writes).unwrap();
        StoreHandle::spawn(Box::new(history), mpsc::channel(1).0)
    }

    /// Through what Alice looks, who hides all that somebody writes.
    fn lens_without(person: &DeviceKeys) -> Lens {
        let hidden = HiddenHere { people: [person.person()].into(), ..HiddenHere::default() };
        let record = ConversationRecord { hidden, ..ConversationRecord::new(ROOM, None) };
        let snapshot = Snapshot { conversations: vec![record], ..Snapshot::default() };
        Core::new(keys(1), snapshot, 7, StdRng::seed_from_u64(1)).lens(ROOM)
    }

    #[tokio::test]
    async fn what_is_withheld_hides_no_unread_post_behind_it() {
        let (bob, carol) = (keys(2), keys(3));
        let bobs = (1..=UNREAD_CAP as u64 + 1).map(|ms| says(&bob, ms, Content::text("buy now")));
        let store = holding(bobs.chain([says(&carol, 10_000, Content::text("hello"))]));
        let unread = shown_unread(&store, ROOM, None, &lens_without(&bob)).await;
        assert_eq!(unread.unwrap(), 1);
    }

    #[tokio::test]
    async fn reactions_that_are_withheld_take_the_place_of_none() {
        let (bob, carol) = (keys(2), keys(3));
        let post = says(&carol, 1, Content::text("hello"));
        let like = Content::Reaction { to: post.key(), emoji: "+".into(), on: true };
        let bobs = (10..10 + CHANGES_MAX as u64).map(|ms| says(&bob, ms, like.clone()));
        let daves = says(&keys(4), 2, like.clone());
        let store = holding(bobs.chain([post.clone(), daves.clone()]));
        let lens = lens_without(&bob);
        let page = shown_page(&store, ROOM, PageAt::Newest, 9, &lens).await.unwrap();
        let wanted = [(post.key(), lens)];
        let (posts, _) = posts_with_pace(&store, ROOM, &wanted).await.unwrap();
        for item in [&page[0].item, posts[0].as_ref().unwrap()] {
            let changes: Vec<&Entry> = item.changes.iter().map(|change| &change.entry).collect();
            assert_eq!(changes, [&daves]);
        }
    }
}
