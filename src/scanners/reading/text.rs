//! Texts for people: what senders put into them must not break a ticket.

/// The longest title, in characters: the platforms' summary fields are short.
pub(in crate::scanners) const MAX_TITLE: usize = 200;
/// The longest body, in bytes.
pub(in crate::scanners) const MAX_BODY: usize = 64 * 1024;

/// One line: control characters, line breaks and the marks that turn the direction of
/// writing (which can hide what a line says) become single spaces.
pub(in crate::scanners) fn line(text: &str) -> String {
    let spaced: String =
        text.chars().map(|letter| if letter.is_control() || turns(letter) { ' ' } else { letter }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Several lines: line breaks become `\n`; other control characters but the tab go.
pub(in crate::scanners) fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|letter| matches!(letter, '\n' | '\t') || !(letter.is_control() || turns(*letter)))
        .collect()
}

/// At most `max` characters, the last one an ellipsis where something is cut.
pub(in crate::scanners) fn cut_chars(text: &str, max: usize) -> Option<String> {
    let (end, _) = text.char_indices().nth(max.saturating_sub(1))?;
    text.chars().nth(max)?;
    Some(format!("{}…", text.get(..end)?.trim_end()))
}

/// At most `max` bytes, whole characters only.
pub(in crate::scanners) fn cut_bytes(text: &str, max: usize) -> Option<&str> {
    if text.len() <= max { None } else { text.get(..text.floor_char_boundary(max)) }
}

/// Marks of the Unicode bidirectional algorithm (UAX #9) that override or embed.
const fn turns(letter: char) -> bool {
    matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cleaned_and_cut_between_characters() {
        assert_eq!(line(" a\r\n\0b\u{1b}[31m\u{202e}c  d "), "a b [31m c d");
        assert_eq!(lines("a\r\nb\rc\0\td"), "a\nb\nc\td");
        assert_eq!(cut_chars("äöü", 3), None);
        assert_eq!(cut_chars("äöüß", 3).as_deref(), Some("äö…"));
        assert_eq!(cut_bytes("ää", 3), Some("ä"));
        assert_eq!(cut_bytes("ää", 4), None);
    }
}
