//! Between the core and the store: writes go over, answers come back, faults are told.

use std::collections::BTreeSet;

use kinmesh_core::{Event, StoreFault, Token};
use kinmesh_proto::record::Write;
use kinmesh_proto::{ConversationId, EntryKey, RoomId};
use kinmesh_search::Entered;
use kinmesh_store::{Completion, StoreError};

use super::commands::NotStored;
use super::reads::{noticed, shown_unread};
use super::{Driver, ROUND_MAX};
use crate::identity::unix_ms;

impl Driver {
    /// Hands writes to the store, in order; what does not fit waits, and inputs with it.
    pub(super) fn persist(&mut self, token: Token, writes: Vec<Write>) {
        self.backlog.push_back((token, writes));
        self.hand_over_backlog();
    }

    pub(super) fn hand_over_backlog(&mut self) {
        while let Some((token, writes)) = self.backlog.pop_front() {
            let entered = Entered::with(&writes);
            let (unsealed, forgotten) = (unsealed_by(&writes), forgotten_by(&writes));
            if let Err(refused) = self.store.commit(token.0, writes) {
                self.backlog.push_front((token, refused.writes));
                return;
            }
            // It reads them from the store, behind this commit.
            self.search.entered(entered);
            unsealed.into_iter().for_each(|room| self.search.unsealed(ConversationId::Room(room)));
            forgotten.into_iter().for_each(|(conversation, before)| self.search.forgot(conversation, before));
        }
    }

    /// Takes this answer and what else has come, so that one round serves a whole group.
    pub(super) fn completed_all(&mut self, first: Completion) {
        self.completed(first);
        for _ in 0..ROUND_MAX {
            match self.completions.try_recv() {
                Ok(completion) => self.completed(completion),
                Err(_) => break,
            }
        }
        self.hand_over_backlog();
    }

    fn completed(&mut self, Completion { token, result }: Completion) {
        let token = Token(token);
        let outcome = match result {
            Ok(fresh) => {
                self.core.persisted(unix_ms(), token, &fresh);
                self.set_store_fault(None);
                Ok(())
            }
            Err(error) => {
                let may_have_left = self.core.may_have_left(token);
                self.core.not_persisted(token);
                self.set_store_fault(Some(fault_of(&error)));
                Err(NotStored { error, may_have_left })
            }
        };
        if let Some(waiting) = self.waiting.remove(&token) {
            self.ready.push((waiting, outcome));
        }
    }

    /// Answers those who waited, after the snapshots show what they asked for.
    pub(super) fn answer_ready(&mut self) {
        for (waiting, outcome) in self.ready.drain(..) {
            waiting.answer(outcome);
        }
    }

    /// How the store fails, as far as is known.
    pub(super) fn store_fault(&self) -> Option<StoreFault> {
        self.store_fault.or(self.is_store_damaged.then_some(StoreFault::Damaged))
    }

    fn set_store_fault(&mut self, fault: Option<StoreFault>) {
        let before = self.store_fault();
        self.store_fault = fault;
        self.tell_store_fault(before);
    }

    /// What was read is not what was written.
    pub(super) fn note_damage(&mut self) {
        let before = self.store_fault();
        self.is_store_damaged = true;
        self.tell_store_fault(before);
    }

    fn tell_store_fault(&mut self, before: Option<StoreFault>) {
        let fault = self.store_fault();
        if fault != before {
            self.status_changed = true;
            self.told.push(Event::StoreFault { fault });
        }
    }

    pub(super) fn count_unread(&self, conversation: ConversationId, after: Option<EntryKey>) {
        let (store, counted, looks) = (self.store.clone(), self.counted.clone(), self.looks.0.clone());
        let lens = self.lens(conversation);
        tokio::spawn(async move {
            // A disk that refuses says so at the next write.
            let unread = shown_unread(&store, conversation, after, &lens).await;
            if let Ok(unread) = noticed(&looks, unread).await {
                let _ = counted.send((conversation, after, unread)).await;
            }
        });
    }

    /// Hands over what is left and closes the search, then the store.
    pub(super) async fn close_store(&mut self) {
        while !self.backlog.is_empty() {
            match self.completions.recv().await {
                Some(completion) => self.completed_all(completion),
                None => break,
            }
        }
        // The store's thread may be waiting for room in the queue of its answers.
        let (search, store) = (self.search.clone(), self.store.clone());
        let close = async {
            search.close().await;
            store.close().await;
        };
        tokio::pin!(close);
        loop {
            tokio::select! {
                () = &mut close => break,
                Some(completion) = self.completions.recv() => self.completed(completion),
            }
        }
        self.answer_ready();
    }
}

/// What faces are told of an error. A store that runs has no other reasons.
fn fault_of(error: &StoreError) -> StoreFault {
    match error {
        StoreError::Full => StoreFault::Full,
        StoreError::Damaged(_) => StoreFault::Damaged,
        StoreError::Io(_)
        | StoreError::Closed
        | StoreError::InUse { .. }
        | StoreError::NewerSchema { .. }
        | StoreError::WrongKey
        | StoreError::SetAside { .. } => StoreFault::Io,
    }
}

/// The conversations of which less is kept with these writes, and where that begins.
fn forgotten_by(writes: &[Write]) -> Vec<(ConversationId, EntryKey)> {
    let forgotten = |write: &Write| match write {
        Write::Forget { conversation, before } => Some((*conversation, *before)),
        _ => None,
    };
    writes.iter().filter_map(forgotten).collect()
}

/// The private rooms of which more can be read with these writes than before.
fn unsealed_by(writes: &[Write]) -> BTreeSet<RoomId> {
    let room = |write: &Write| match write {
        Write::PutSecret(record) => Some(record.room),
        _ => None,
    };
    writes.iter().filter_map(room).collect()
}
