//! What people read when their history could not be used as it was found.

use kinmesh_net::{RebuildCause, Rebuilt};

use crate::i18n::tr_args;

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
