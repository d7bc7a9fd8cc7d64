//! What every store does.

use kinmesh_proto::{ConversationId, EntryKey, Snapshot, StoredEntry, Write};

use crate::error::StoreError;

/// A place for history. Every method blocks.
pub trait HistoryStore: Send + 'static {
    /// Makes all the changes, in order, or none. They are on the disk when it returns `Ok`, and
    /// survive a power cut. For each [`Write::PutEntry`], in order: whether the entry is new.
    fn apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError>;

    /// Everything but the entries, each list in the order of its ids.
    fn load(&self) -> Result<Snapshot, StoreError>;

    /// The newest `limit` entries before `before` (or of all), oldest first.
    fn page(
        &self,
        conversation: ConversationId,
        before: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError>;

    /// How many entries that others wrote stand after `after` (or in all); counting ends at `cap`.
    fn unread(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        cap: usize,
    ) -> Result<usize, StoreError>;

    /// Up to `limit` entries that are still queued on this device, oldest first.
    fn queued(&self, conversation: ConversationId, limit: usize) -> Result<Vec<StoredEntry>, StoreError>;
}
