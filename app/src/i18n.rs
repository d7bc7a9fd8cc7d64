//! The words people read: Fluent texts in `i18n/<language>/*.ftl`, embedded in the program.
//!
//! Owns the language in use, one for the whole program, and knows neither screens nor the terminal.
//! Runs anywhere: looking a text up takes no lock but an atomic load.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};

pub use fluent_bundle::FluentValue;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use serde::{Deserialize, Serialize};

/// A language that the program speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    Chinese,
}

impl Language {
    /// Every language, in the order the settings list them.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The language's BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What the language calls itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// The language closest to a BCP 47 tag or a POSIX locale such as `zh_CN.UTF-8`.
    pub fn closest(tag: &str) -> Self {
        match tag.split(['-', '_', '.']).next() {
            Some("zh") => Self::Chinese,
            _ => Self::English,
        }
    }

    /// The language of this person's desktop.
    pub fn of_system() -> Self {
        sys_locale::get_locale().map_or(Self::English, |tag| Self::closest(&tag))
    }

    fn sources(self) -> &'static [&'static str] {
        match self {
            Self::English => &[
                include_str!("../i18n/en/archive.ftl"),
                include_str!("../i18n/en/calls.ftl"),
                include_str!("../i18n/en/calls-window.ftl"),
                include_str!("../i18n/en/contacts.ftl"),
                include_str!("../i18n/en/vault.ftl"),
                include_str!("../i18n/en/desktop.ftl"),
                include_str!("../i18n/en/invites.ftl"),
                include_str!("../i18n/en/moderation.ftl"),
                include_str!("../i18n/en/rooms.ftl"),
                include_str!("../i18n/en/search.ftl"),
                include_str!("../i18n/en/sound.ftl"),
                include_str!("../i18n/en/terminal.ftl"),
            ],
            Self::Chinese => &[
                include_str!("../i18n/zh-CN/archive.ftl"),
                include_str!("../i18n/zh-CN/calls.ftl"),
                include_str!("../i18n/zh-CN/calls-window.ftl"),
                include_str!("../i18n/zh-CN/contacts.ftl"),
                include_str!("../i18n/zh-CN/vault.ftl"),
                include_str!("../i18n/zh-CN/desktop.ftl"),
                include_str!("../i18n/zh-CN/invites.ftl"),
                include_str!("../i18n/zh-CN/moderation.ftl"),
                include_str!("../i18n/zh-CN/rooms.ftl"),
                include_str!("../i18n/zh-CN/search.ftl"),
                include_str!("../i18n/zh-CN/sound.ftl"),
                include_str!("../i18n/zh-CN/terminal.ftl"),
            ],
        }
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.own_name())
    }
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; Language::ALL.len()]> = LazyLock::new(|| Language::ALL.map(bundle));
static CURRENT: AtomicU8 = AtomicU8::new(Language::English as u8);

fn bundle(language: Language) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.tag().parse().unwrap_or_default()]);
    // Isolation marks would reach logs and pipes; names are cleared of direction overrides instead.
    bundle.set_use_isolating(false);
    for source in language.sources() {
        // A text with a syntax error is left out here and named by the tests.
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(rest, _)| rest);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// Speaks this language from now on.
pub fn set_language(language: Language) {
    CURRENT.store(language as u8, Ordering::Relaxed);
}

/// The language spoken now.
pub fn language() -> Language {
    let current = CURRENT.load(Ordering::Relaxed);
    Language::ALL.into_iter().find(|language| *language as u8 == current).unwrap_or_default()
}

/// The text of this id in the language spoken now.
pub fn tr(id: &str) -> String {
    tr_args(id, &[])
}

/// The text of this id with values in it: `tr_args("people-online", &[("count", 3.into())])`.
pub fn tr_args(id: &str, args: &[(&str, FluentValue<'_>)]) -> String {
    tr_in(language(), id, args)
}

/// The text of this id in a given language. An id that does not exist comes back as it is.
pub fn tr_in(language: Language, id: &str, args: &[(&str, FluentValue<'_>)]) -> String {
    let bundle = &BUNDLES[language as usize];
    let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
        return id.to_owned();
    };
    let args: FluentArgs<'_> = args.iter().map(|(name, value)| (*name, value.clone())).collect();
    bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// Message ids with the names of the values they take.
    fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut found = BTreeMap::new();
        for source in language.sources() {
            let resource = FluentResource::try_new((*source).to_owned());
            assert!(resource.is_ok(), "{language:?}: {:?}", resource.err().map(|(_, errors)| errors));
            for block in source.split("\n\n").flat_map(split_messages) {
                let (id, body) = block.split_once('=').unwrap();
                let values = body.split('$').skip(1).map(|rest| {
                    rest.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect::<String>()
                });
                let id = id.trim().to_owned();
                assert!(found.insert(id.clone(), values.collect()).is_none(), "{id} is there twice");
            }
        }
        found
    }

    fn split_messages(block: &str) -> Vec<String> {
        let mut messages: Vec<String> = Vec::new();
        for line in block.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            match messages.last_mut() {
                Some(last) if line.starts_with([' ', '}', '*', '[']) => last.push_str(line),
                _ => messages.push(line.to_owned()),
            }
        }
        messages
    }

    fn source_files(dir: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                source_files(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("i18n.rs") {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn every_language_has_every_text_with_the_same_values() {
        let english = messages(Language::English);
        for language in Language::ALL {
            assert_eq!(messages(language), english, "{language:?} differs from English");
        }
    }

    #[test]
    fn every_text_that_the_program_asks_for_exists() {
        let texts = messages(Language::English);
        let mut sources = Vec::new();
        source_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
        for source in sources {
            for call in ["tr(\"", "tr_args(\""] {
                for rest in source.split(call).skip(1) {
                    let id = rest.split('"').next().unwrap();
                    assert!(texts.contains_key(id), "no text has the id {id:?}");
                }
            }
        }
    }

    #[test]
    fn locales_find_their_language() {
        assert_eq!(Language::closest("zh_CN.UTF-8"), Language::Chinese);
        assert_eq!(Language::closest("zh-Hant-TW"), Language::Chinese);
        assert_eq!(Language::closest("de-DE"), Language::English);
        assert_eq!(Language::closest(""), Language::English);
    }

    #[test]
    fn numbers_choose_their_form() {
        let text = |language, count: usize| tr_in(language, "members-count", &[("count", count.into())]);
        assert_eq!(text(Language::English, 1), "1 member");
        assert_eq!(text(Language::English, 6), "6 members");
        assert_eq!(text(Language::Chinese, 6), "6 名成员");
    }
}
