//! How an adapter begins an event.

use super::{place::Place, text};
use crate::decisions::{
    catalogue,
    event::{Event, Unreadable},
};

/// An event of the kind of that name, which says nothing else yet.
pub(in crate::scanners) fn event(
    kind: &str,
    source: &str,
    finding_key: impl Into<String>,
    title: impl Into<String>,
) -> Result<Event, Unreadable> {
    let known = catalogue::find(kind).ok_or_else(|| {
        Unreadable::unknown_kind("", kind, "the catalogue of this version does not have this kind")
    })?;
    Ok(Event::new(known, source, finding_key, title))
}

/// A statement of a kind that this version does not know; `place` holds the sender's word for it.
pub(in crate::scanners) fn unknown(place: &Place<'_>, problem: &str) -> Unreadable {
    match place.line() {
        Some(word) => Unreadable::unknown_kind(place.pointer(), word, problem),
        None => Unreadable::missing(place.pointer(), problem),
    }
}

/// The sender's own word for what happened: cleaned, short, in lower case.
pub(in crate::scanners) fn word(place: &Place<'_>) -> Option<String> {
    place.line().map(|sent| short(&sent).to_ascii_lowercase())
}

/// A sender's word, short enough to be shown as a kind.
pub(in crate::scanners) fn short(sent: &str) -> String {
    let sent = text::line(sent);
    text::cut_chars(&sent, 100).unwrap_or(sent)
}

/// Adds a label where there is something to say.
pub(in crate::scanners) fn label(event: &mut Event, name: &str, value: Option<String>) {
    if let Some(value) = value {
        event.labels.insert(name.to_owned(), value);
    }
}

/// Paragraphs of those texts that are there.
pub(in crate::scanners) fn paragraphs(texts: impl IntoIterator<Item = Option<String>>) -> String {
    texts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}
