//! Pictures of the window that must not change unnoticed.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use kinmesh::theme::Theme;

use crate::Ui;

/// Asserts that the window looks as in the picture of this name.
///
/// `iced_test` takes a missing picture for a match and writes it: here it is a failure, unless
/// `KINMESH_BLESS=1` asks for it. A picture that differs is left in `target/gui` to look at.
pub(crate) fn assert_same<Message>(ui: &mut Ui<'_, Message>, theme: Theme, name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let expected = root.join("tests/gui/snapshots").join(name);
    let found = root.join("../target/gui").join(name);
    let snapshot = ui.snapshot(&theme).expect("the window is drawn");
    if std::env::var_os("KINMESH_BLESS").is_some() {
        let _ = std::fs::remove_file(file(&expected));
    } else {
        assert!(file(&expected).exists(), "{} is missing: see the head of gui.rs", file(&expected).display());
    }
    if !snapshot.matches_image(&expected).expect("the picture can be read") {
        let _ = std::fs::remove_file(file(&found));
        snapshot.matches_image(&found).expect("the picture can be written");
        panic!("{name} looks different now: see {}", file(&found).display());
    }
}

/// How many pixels of the window are of this kind, given as red, green and blue.
pub(crate) fn count<Message>(ui: &mut Ui<'_, Message>, theme: Theme, is_one: fn([u8; 3]) -> bool) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().join("picture");
    // `iced_test` gives its pixels away as a file alone.
    ui.snapshot(&theme).expect("the window is drawn").matches_image(&name).expect("it can be written");
    let picture = BufReader::new(File::open(file(&name)).unwrap());
    let mut picture = png::Decoder::new(picture).read_info().unwrap();
    let mut rgba = vec![0; picture.output_buffer_size().expect("a window fits in memory")];
    picture.next_frame(&mut rgba).unwrap();
    rgba.chunks_exact(4).filter(|pixel| is_one([pixel[0], pixel[1], pixel[2]])).count()
}

/// The file that `iced_test` makes of a name.
fn file(name: &Path) -> PathBuf {
    let stem = name.file_name().expect("a picture has a name").to_string_lossy();
    name.with_file_name(format!("{stem}-tiny-skia.png"))
}
