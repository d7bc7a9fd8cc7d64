//! Questions about histories: between the core, the network and the store.
//!
//! Knows how they travel and where they are looked up, and nothing of what they mean.

use std::collections::BTreeMap;

use kinmesh_core::{Read, ReadAnswer, ReadToken, RequestToken, SyncFault, SyncToken};
use kinmesh_proto::{DeviceId, SyncRequest, SyncResponse, codec, limits};
use kinmesh_store::{StoreError, StoreHandle};
use libp2p::request_response::{Event as ExchangeEvent, Message, OutboundRequestId, ResponseChannel};
use tokio::sync::mpsc;

use super::Driver;
use super::reads::noticed;
use crate::identity::{device_of, peer_of, unix_ms};

/// Answers of the store on their way back. The core asks for no more than some twenty at once.
const ANSWERS_CAP: usize = 64;

/// What the store answered to which look.
type Answer = (ReadToken, ReadAnswer);

/// Questions under way.
pub(super) struct Questions {
    /// Ours, to others.
    asked: BTreeMap<OutboundRequestId, SyncToken>,
    /// Those of others, to us.
    heard: BTreeMap<RequestToken, ResponseChannel<SyncResponse>>,
    answered: mpsc::Sender<Answer>,
    answers: mpsc::Receiver<Answer>,
}

impl Default for Questions {
    fn default() -> Self {
        let (answered, answers) = mpsc::channel(ANSWERS_CAP);
        Self { asked: BTreeMap::new(), heard: BTreeMap::new(), answered, answers }
    }
}

impl Questions {
    /// The next answer of the store. It pends while there is none, for we hold a sender ourselves.
    pub(super) async fn next_answer(&mut self) -> Option<Answer> {
        self.answers.recv().await
    }
}

impl Driver {
    pub(super) fn ask(&mut self, device: DeviceId, token: SyncToken, request: SyncRequest) {
        let Some(peer) = peer_of(device) else { return self.core.sync_failed(unix_ms(), token) };
        tracing::trace!(asked_bytes = codec::encode(&request).len(), "a question about a history");
        let request = self.swarm.behaviour_mut().sync.send_request(&peer, request);
        self.questions.asked.insert(request, token);
    }

    pub(super) fn respond_sync(&mut self, request: RequestToken, response: SyncResponse) {
        let Some(channel) = self.questions.heard.remove(&request) else { return };
        // The connection may have ended meanwhile; they will ask again.
        let _ = self.swarm.behaviour_mut().sync.send_response(channel, response);
    }

    /// Looks something up on a task of its own: the driver never waits for the disk.
    pub(super) fn look_up(&self, token: ReadToken, read: Read) {
        let (store, answered) = (self.store.clone(), self.questions.answered.clone());
        let looks = self.looks.0.clone();
        tokio::spawn(async move {
            let answer = noticed(&looks, look_up(&store, read).await).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the history could not be looked up");
                ReadAnswer::Failed
            });
            // The driver may have ended.
            let _ = answered.send((token, answer)).await;
        });
    }

    pub(super) fn misbehaved(&self, device: DeviceId, fault: SyncFault) {
        let peer = peer_of(device).map(|peer| peer.to_string()).unwrap_or_default();
        tracing::warn!(%peer, %fault, "a peer is left alone for a while");
    }

    pub(super) fn sync_event(&mut self, event: ExchangeEvent<SyncRequest, SyncResponse>) {
        match event {
            ExchangeEvent::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                let Some(device) = device_of(&peer) else { return };
                let token = RequestToken(self.next_token());
                self.questions.heard.insert(token, channel);
                self.core.sync_request(unix_ms(), device, request, token);
            }
            ExchangeEvent::Message { message: Message::Response { request_id, response }, .. } => {
                tracing::trace!(answered_bytes = codec::encode(&response).len(), "its answer");
                if let Some(token) = self.questions.asked.remove(&request_id) {
                    self.core.sync_answered(unix_ms(), token, response);
                }
            }
            ExchangeEvent::OutboundFailure { request_id, error, .. } => {
                tracing::debug!(%error, "a question about a history was not answered");
                if let Some(token) = self.questions.asked.remove(&request_id) {
                    self.core.sync_failed(unix_ms(), token);
                }
            }
            ExchangeEvent::InboundFailure { error, .. } => tracing::debug!(%error, "an answer did not leave"),
            ExchangeEvent::ResponseSent { .. } => {}
        }
    }
}

async fn look_up(store: &StoreHandle, read: Read) -> Result<ReadAnswer, StoreError> {
    let bytes_max = limits::PACK_BYTES_MAX;
    Ok(match read {
        Read::Digest { conversation, range } => ReadAnswer::Digest(store.digest(conversation, range).await?),
        Read::Keys { conversation, range, limit } => {
            ReadAnswer::Keys(store.keys(conversation, range, limit).await?)
        }
        Read::Entries { conversation, keys } => {
            ReadAnswer::Entries(store.entries(conversation, keys, bytes_max).await?)
        }
        Read::EntriesIn { conversation, range } => {
            ReadAnswer::Entries(store.entries_in(conversation, range, bytes_max).await?)
        }
        Read::AreTakenBack { conversation, entries } => {
            ReadAnswer::AreTakenBack(store.are_taken_back(conversation, entries).await?)
        }
    })
}
