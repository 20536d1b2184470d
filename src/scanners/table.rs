//! The senders at a glance, as the README has them.

use std::fmt::Write as _;

use super::{Sender, senders};
use crate::decisions::catalogue::{self, Action, KINDS};

/// A line for each sender: how it is authenticated, what opens tickets, and what closes them.
pub fn table() -> String {
    let mut text =
        String::from("| sender | authenticated by | opens by | closes by |\n| --- | --- | --- | --- |\n");
    for sender in senders() {
        let schemes: Vec<_> = sender.schemes().iter().map(|scheme| format!("`{}`", scheme.key())).collect();
        let opens = kinds(*sender, &[Action::Open, Action::Reopen]);
        let closes = kinds(*sender, &[Action::Close, Action::Sweep]);
        let closes = if closes.is_empty() { "a technician, or `ageSeconds`".to_owned() } else { closes };
        let (opens, closes) = if sender.speaks_of_usage() {
            ("nothing: it counts what is billed".to_owned(), String::new())
        } else if sender.speaks_of_assets() {
            ("nothing: it tells of devices".to_owned(), String::new())
        } else {
            (opens, closes)
        };
        let (key, label) = (sender.key(), sender.label());
        let _ = writeln!(text, "| {label} `{key}` | {} | {opens} | {closes} |", schemes.join(" "));
    }
    text
}

/// The kinds of a sender that do one of these.
fn kinds(sender: &dyn Sender, actions: &[Action]) -> String {
    let all = KINDS.iter().filter(|kind| actions.contains(&kind.action)).count();
    let names = sender.kinds();
    let found =
        names.iter().filter_map(|name| catalogue::find(name)).filter(|kind| actions.contains(&kind.action));
    let names: Vec<_> = found.map(|kind| format!("`{}`", kind.name)).collect();
    if names.len() == all { "every kind that does".to_owned() } else { names.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_prints_the_table() {
        let readme = include_str!("../../README.md");
        assert!(
            readme.contains(&table()),
            "put what `psa-gateway senders` prints into the README:\n{}",
            table()
        );
    }

    #[test]
    fn every_sender_opens_something_and_says_how_it_is_set_up() {
        for sender in senders() {
            let opens = !kinds(*sender, &[Action::Open, Action::Reopen]).is_empty();
            assert_ne!(opens, sender.speaks_of_usage() || sender.speaks_of_assets(), "{}", sender.key());
            assert!(!sender.schemes().is_empty(), "{}", sender.key());
            assert!(sender.set_up().lines().count() > 1, "{}", sender.key());
        }
    }
}
