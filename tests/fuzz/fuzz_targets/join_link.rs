//! The text of a join link.
#![no_main]

use kinmesh_proto::{JoinLink, limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let with_scheme = format!("kinmesh://join?node={text}");
    for text in [text, &with_scheme] {
        let Ok(link) = text.parse::<JoinLink>() else { continue };
        assert!((1..=limits::LINK_ADDRESSES_MAX).contains(&link.nodes.len()));
        let written = link.to_string();
        // Escapes may make it longer than what was read.
        if written.len() <= limits::LINK_MAX {
            assert_eq!(written.parse(), Ok(link));
        }
    }
});
