//! Full-text search over all history: a tantivy index that is derived from the history store.
//!
//! Owns the index in a directory of its own, the thread that keeps it like the store, and the cutting
//! of text into words. The store is the truth: the index holds no text and answers with candidates,
//! which are read from the store and compared. It can be thrown away at any time and makes itself
//! anew; so it needs no care in a crash, a migration or an export.
//!
//! **Architecture invariant:** this is the only crate that names tantivy. It must never know a socket
//! or a user interface, and nobody ever waits for it: [`Search::entered`] only tries.

mod fresh;
mod index;
mod indexer;
mod place;
mod query;
mod queue;
mod search;
mod shared;
mod truth;
mod words;

pub use query::{Pattern, Query};
pub use search::{Found, Search, SearchError};
pub use shared::State as SearchState;
pub use truth::Entered;
