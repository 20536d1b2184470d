//! Texts on their way into a ticket and back, and our marks in them.
//!
//! Whether MSP Manager shows a description as text or as HTML is not known, and notes are kept in it too. So
//! what is written reads the same either way, and nothing that others wrote can pass for one of our marks.

/// The longest title sent; a client cuts there, the limit itself is not documented. The one place to change.
const TITLE_CHARS: usize = 250;

/// What our marks begin with.
const MARK: &str = "PSAGW-";
const REFERENCE: &str = "Reference: ";
const NOTE_REFERENCE: &str = "Ref ";

/// A title on one line, and the whole of it where it had to be cut.
pub(super) fn title(text: &str) -> (String, Option<String>) {
    let whole = plain(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    let cut: String = whole.chars().take(TITLE_CHARS).collect();
    let is_cut = cut != whole;
    (cut, is_cut.then_some(whole))
}

/// The description of a new ticket: the whole title where it was cut, the text, our mark.
pub(super) fn description(whole_title: Option<&str>, body: &str, marker: &str) -> String {
    let mut parts: Vec<String> = whole_title.iter().map(|title| plain(title)).collect();
    parts.push(plain(body).trim().to_owned());
    parts.push(format!("{REFERENCE}{marker}"));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// A description with a note at its end.
pub(super) fn with_note(description: &str, at: &str, text: &str, marker: &str) -> String {
    let before = description.trim_end();
    let gap = if before.is_empty() { "" } else { "\n\n" };
    format!("{before}{gap}--- Note of {at} ---\n{}\n\n{NOTE_REFERENCE}{marker}", plain(text).trim())
}

/// Others' words: no control characters, nothing that HTML would take for a tag, nothing that looks like one
/// of our marks.
pub(super) fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut letters = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).peekable();
    while let Some(letter) = letters.next() {
        kept.push(letter);
        // Only these begin a tag, a comment or an instruction (HTML, 13.2.5.6).
        if letter == '<'
            && letters.peek().is_some_and(|next| next.is_ascii_alphabetic() || "/!?".contains(*next))
        {
            kept.push(' ');
        }
    }
    kept.replace(MARK, "PSAGW_")
}

/// The mark of a ticket in its description: the first one. What follows is notes.
pub(super) fn ticket_marker(description: &str) -> Option<String> {
    references(description, REFERENCE).into_iter().find(|mark| is_ticket_marker(mark))
}

/// Whether a note with that mark is in a description.
pub(super) fn has_note(description: &str, marker: &str) -> bool {
    references(description, NOTE_REFERENCE).iter().any(|mark| mark == marker)
}

/// Whether a text is the mark of a ticket of ours.
pub(super) fn is_ticket_marker(text: &str) -> bool {
    text.strip_prefix(MARK).is_some_and(|rest| {
        (8..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// What follows the words of a reference, wherever they stand: line ends may have been lost on the way. Only
/// what a mail quotes is left out.
fn references(text: &str, words: &str) -> Vec<String> {
    let is_mark = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let lines = lines(text);
    let own = lines.iter().filter(|line| !line.starts_with('>') && !line.starts_with("&gt;"));
    let behind = own.flat_map(|line| line.split(words).skip(1));
    behind.map(|rest| rest.chars().take_while(is_mark).collect()).collect()
}

/// Lines that hold something, tags taken as ends of lines: an editor may have made HTML of them.
fn lines(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        // A stray sign, as in `a <b`, must not swallow the lines up to the next `>`.
        let is_closed = |(tag, _): &(&str, &str)| is_tag && !tag.contains(['<', '\n']);
        if let Some((_, behind)) = after.split_once('>').filter(is_closed) {
            plain.push('\n');
            rest = behind;
        } else {
            plain.push('<');
            rest = after;
        }
    }
    plain.push_str(rest);
    let plain = plain.replace("&nbsp;", " ").replace('\u{a0}', " ");
    plain.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARKER: &str = "PSAGW-ABCDEFGHIJ0123456789";
    const NOTE: &str = "PSAGW-N-0190a1b2c3d47e5f8a9b0c1d2e3f4a5b";

    #[test]
    fn our_marks_are_found_in_text_in_html_and_on_one_line_and_not_in_quotations() {
        let text = with_note(&description(None, "x", MARKER), "now", "seen again", NOTE);
        let html = text.replace('\n', "<br />");
        let paragraphs = format!("<p>{}</p>", text.replace('\n', "</p><p>").replace("e: ", "e:&nbsp;"));
        let stray = format!("edited: a <b and\n{text}\nx > y");
        let one_line = text.replace('\n', " ");
        for text in [&text, &html, &paragraphs, &stray, &one_line] {
            assert_eq!(ticket_marker(text).as_deref(), Some(MARKER), "{text}");
            assert!(has_note(text, NOTE), "{text}");
        }
        for text in [
            format!("> Reference: {MARKER}\n> Ref {NOTE}"),
            format!("&gt; Reference: {MARKER}"),
            format!("Reference: {MARKER}-X"),
            format!("Ref {NOTE}0"),
            MARKER.to_owned(),
            NOTE.to_owned(),
        ] {
            assert_eq!((ticket_marker(&text), has_note(&text, NOTE)), (None, false), "{text}");
        }
    }

    #[test]
    fn a_long_title_is_cut_and_a_short_one_is_not() {
        assert_eq!(title(" a\n b "), (String::from("a b"), None));
        let (cut, whole) = title(&"é".repeat(300));
        assert_eq!((cut.chars().count(), whole), (TITLE_CHARS, Some("é".repeat(300))));
    }

    proptest! {
        #[test]
        fn no_words_of_others_become_markup_or_a_mark_of_ours(
            body in "(Reference: PSAGW-FORGEDFORGED|Ref PSAGW-N-x|<b>|</p>|<!--|&nbsp;|\\n|\\PC){0,12}",
        ) {
            let text = with_note(&description(Some(&body), &body, MARKER), "now", &body, NOTE);
            prop_assert_eq!(ticket_marker(&text), Some(MARKER.to_owned()));
            prop_assert!(has_note(&text, NOTE) && !has_note(&text, "PSAGW-N-x"));
            let chars: Vec<char> = text.chars().collect();
            prop_assert!(!chars.windows(2).any(|two| two[0] == '<' && (two[1].is_ascii_alphabetic() || "/!?".contains(two[1]))));
        }

        #[test]
        fn reading_any_text_ends_without_panic(text in "[<>/a&;: \n]{0,60}|\\PC{0,60}") {
            let _ = (ticket_marker(&text), has_note(&text, NOTE), plain(&text));
        }
    }
}
