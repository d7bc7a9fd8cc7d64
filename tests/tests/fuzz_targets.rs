//! The fuzz targets, without libFuzzer: they compile on every change, not on the next night of fuzzing,
//! and take a few hundred inputs each.
#![allow(clippy::expect_used, clippy::unwrap_used)] // A panic is the report.
#![allow(missing_docs, unreachable_pub, unused_attributes)] // Each target is a crate of its own elsewhere.
#![allow(clippy::collapsible_if, unused_imports)] // Here the macro is in scope without the targets' import of it.

extern crate self as kinmesh_fuzz;
extern crate self as libfuzzer_sys;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[path = "../fuzz/src/lib.rs"]
mod demands;
pub(crate) use demands::decodes;

/// What a target takes, made of bytes as libFuzzer does.
trait Input<'a>: Sized {
    fn of(bytes: &'a [u8]) -> Option<Self>;
}

impl<'a> Input<'a> for &'a [u8] {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        Some(bytes)
    }
}

impl<'a> Input<'a> for &'a str {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok()
    }
}

/// libFuzzer's macro, as far as the targets use it.
macro_rules! fuzz_target {
    (|$input:ident: $kind:ty| $body:block) => {
        pub(crate) fn take(bytes: &[u8]) {
            if let Some($input) = <$kind as crate::Input>::of(bytes) $body
        }
    };
}
pub(crate) use fuzz_target;

macro_rules! targets {
    ($($name:ident $path:literal,)*) => {
        $(#[path = $path] mod $name;)*
        const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name::take)),*];
    };
}

targets! {
    archive_stream "../fuzz/fuzz_targets/archive_stream.rs",
    call_request "../fuzz/fuzz_targets/call_request.rs",
    call_response "../fuzz/fuzz_targets/call_response.rs",
    chat_request "../fuzz/fuzz_targets/chat_request.rs",
    chat_response "../fuzz/fuzz_targets/chat_response.rs",
    control "../fuzz/fuzz_targets/control.rs",
    device_cert "../fuzz/fuzz_targets/device_cert.rs",
    entry_body "../fuzz/fuzz_targets/entry_body.rs",
    entry_envelope "../fuzz/fuzz_targets/entry_envelope.rs",
    entry_key "../fuzz/fuzz_targets/entry_key.rs",
    hello "../fuzz/fuzz_targets/hello.rs",
    ids "../fuzz/fuzz_targets/ids.rs",
    invite_request "../fuzz/fuzz_targets/invite_request.rs",
    invite_response "../fuzz/fuzz_targets/invite_response.rs",
    join_link "../fuzz/fuzz_targets/join_link.rs",
    media "../fuzz/fuzz_targets/media.rs",
    names "../fuzz/fuzz_targets/names.rs",
    presence "../fuzz/fuzz_targets/presence.rs",
    rendezvous "../fuzz/fuzz_targets/rendezvous.rs",
    room_frame "../fuzz/fuzz_targets/room_frame.rs",
    sealed "../fuzz/fuzz_targets/sealed.rs",
    sync_request "../fuzz/fuzz_targets/sync_request.rs",
    sync_response "../fuzz/fuzz_targets/sync_response.rs",
    ticket "../fuzz/fuzz_targets/ticket.rs",
    vault_file "../fuzz/fuzz_targets/vault_file.rs",
}

#[test]
fn every_target_is_among_them() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let files: BTreeSet<String> =
        files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, known);
}

proptest! {
    #[test]
    fn they_take_anything(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for (_, take) in TARGETS {
            take(&bytes);
        }
    }

    #[test]
    fn they_take_any_text(text in any::<String>()) {
        for (_, take) in TARGETS {
            take(text.as_bytes());
        }
    }
}
