//! Where files of the user's go: a place to offer, and what a typed path means.
//!
//! A window has no working directory that its user knows of, so paths begin at home.

use std::path::{Path, PathBuf};

use directories::UserDirs;

/// Characters that some file system takes for something else.
const NOT_IN_NAMES: [char; 9] = ['/', '\\', ':', '*', '?', '"', '<', '>', '|'];

/// Where to put a file of this name: among the documents, or at home.
pub fn offered(name: &str) -> PathBuf {
    let dirs = UserDirs::new();
    let documents = dirs.as_ref().and_then(UserDirs::document_dir).filter(|dir| dir.is_dir());
    let dir = documents.or(dirs.as_ref().map(UserDirs::home_dir)).unwrap_or(Path::new(""));
    dir.join(name)
}

/// The file that somebody means by what they typed.
pub fn typed(path: &str) -> PathBuf {
    let dirs = UserDirs::new();
    let home = dirs.as_ref().map_or(Path::new(""), UserDirs::home_dir);
    let path = path.trim();
    match path.strip_prefix("~/") {
        Some(below) => home.join(below),
        // A whole path stays what it is.
        None => home.join(path),
    }
}

/// A file name like this title.
pub fn file_name(title: &str, extension: &str) -> String {
    let safe = |c: char| if c.is_control() || NOT_IN_NAMES.contains(&c) { '_' } else { c };
    let stem: String = title.chars().map(safe).collect();
    let stem = stem.trim_matches(|c: char| c == '.' || c.is_whitespace());
    format!("{}.{extension}", if stem.is_empty() { "kinmesh" } else { stem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_makes_a_name_that_every_system_takes() {
        assert_eq!(file_name("Boat club", "md"), "Boat club.md");
        assert_eq!(file_name("周末徒步", "json"), "周末徒步.json");
        assert_eq!(file_name("../etc/passwd", "md"), "_etc_passwd.md");
        assert_eq!(file_name(" ..", "md"), "kinmesh.md");
    }

    #[test]
    fn typed_paths_begin_at_home_and_whole_ones_stay() {
        let home = UserDirs::new().unwrap().home_dir().to_owned();
        assert_eq!(typed(" ~/a b.age "), home.join("a b.age"));
        assert_eq!(typed("b.age"), home.join("b.age"));
        let whole = home.join("c.age");
        assert_eq!(typed(&whole.display().to_string()), whole);
    }
}
