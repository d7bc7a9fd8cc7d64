//! Makes text of other people harmless to print.
//!
//! An escape sequence could clear the screen, change the title or fake somebody else's line; a
//! direction override could turn a line around. Both are shown instead of obeyed.

/// Stands before the second and later lines of one text, so that none can pass for a line of ours.
const CONTINUATION: &str = "\n        | ";

/// The text with every control character visible and its line breaks indented.
pub(super) fn safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.trim_end_matches(['\r', '\n']).chars() {
        if is_line_break(c) { shown.push_str(CONTINUATION) } else { push_visible(&mut shown, c) }
    }
    shown
}

/// What begins a new line.
pub(crate) fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\u{2028}' | '\u{2029}')
}

/// Adds a character; one that would be obeyed is made visible. Tabs stay.
pub(crate) fn push_visible(shown: &mut String, c: char) {
    match c {
        '\t' => shown.push('\t'),
        // U+2400 and on are the pictures of the control characters, in their order.
        '\u{0}'..='\u{1F}' => shown.extend(char::from_u32(0x2400 + u32::from(c))),
        '\u{7F}' => shown.push('\u{2421}'),
        c if c.is_control() || turns_text(c) => shown.push_str(&format!("<U+{:04X}>", u32::from(c))),
        c => shown.push(c),
    }
}

/// Embeddings, overrides and isolates. The plain marks U+200E and U+200F stay: they turn nothing
/// by themselves, and Arabic and Hebrew need them.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_of_any_script_stays() {
        for text in ["hello", "你好 👩‍👩‍👧", "שלום \u{200F}!", "a\tb"] {
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(safe("\u{1b}[2J\u{1b}]0;title\u{7}"), "␛[2J␛]0;title␇");
        assert_eq!(safe("a\rb\u{8}c\u{7f}\u{9b}31m"), "a␍b␈c␡<U+009B>31m");
    }

    #[test]
    fn no_control_character_but_line_break_and_tab_comes_through() {
        let all: String = (0..0x3000).filter_map(char::from_u32).collect();
        assert!(!safe(&all).chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || turns_text(c)));
    }

    #[test]
    fn a_second_line_cannot_pass_for_somebody_elses() {
        assert_eq!(safe("hi\n12:00 #lobby Bo: I owe you"), "hi\n        | 12:00 #lobby Bo: I owe you");
        assert_eq!(safe("hi\u{2028}x"), "hi\n        | x");
        assert_eq!(safe("hi\n\n"), "hi");
    }

    #[test]
    fn direction_overrides_are_shown() {
        assert_eq!(safe("a\u{202E}b"), "a<U+202E>b");
    }
}
