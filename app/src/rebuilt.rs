//! What people read when their history fails, or could not be used as it was found.

use kinmesh_net::{RebuildCause, Rebuilt, StoreFault};

use crate::i18n::{tr, tr_args};

/// What became of the history, in words.
pub(crate) fn words(rebuilt: &Rebuilt) -> String {
    let path = rebuilt.readable.as_ref().unwrap_or(&rebuilt.set_aside);
    let values = [
        ("path", path.display().to_string().into()),
        ("kept", rebuilt.entries_kept.into()),
        ("lost", rebuilt.entries_lost.into()),
    ];
    let text = match rebuilt.cause {
        RebuildCause::Damage => "store-rebuilt-damage",
        RebuildCause::Format(_) => "store-rebuilt-format",
    };
    tr_args(text, &values)
}

/// How the history fails, and what helps.
pub(crate) fn fault(fault: StoreFault) -> String {
    tr(match fault {
        StoreFault::Full => "store-fault-full",
        StoreFault::Io => "store-fault-io",
        StoreFault::Damaged => "store-fault-damaged",
    })
}
