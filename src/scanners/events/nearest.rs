//! Which known name somebody may have meant.

/// Names that other formats use for what we call otherwise.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("type", "kind"),
    ("event", "kind"),
    ("event_type", "kind"),
    ("timestamp", "occurred_at"),
    ("time", "occurred_at"),
    ("description", "body_md"),
    ("body", "body_md"),
    ("message", "title"),
    ("summary", "title"),
    ("host", "asset"),
    ("device", "asset"),
    ("url", "evidence_url"),
    ("link", "evidence_url"),
    ("key", "finding_key"),
    ("fingerprint", "finding_key"),
    ("client", "client_ref"),
    ("customer", "client_ref"),
    ("company", "client_ref"),
    ("tenant", "client_ref"),
    ("tags", "labels"),
    ("vulnerabilities", "vulns"),
];

/// The known name nearest to `name`, where one is near enough to be meant.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if name.len() > 64 {
        return None;
    }
    let name = snake_case(name);
    let meant = OTHER_WORDS.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours);
    let close = |candidate: &&str| distance(&name, candidate) <= 1 + candidate.len() / 5;
    let known: Vec<&str> = known.into_iter().collect();
    known
        .iter()
        .copied()
        .find(|candidate| Some(*candidate) == meant || *candidate == name)
        .or_else(|| known.into_iter().filter(close).min_by_key(|candidate| distance(&name, candidate)))
}

/// `findingKey`, `finding-key` and `Finding Key` are all `finding_key`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() && !snake.ends_with(['_', '.']) {
            snake.push('_');
        }
        match letter {
            '-' | ' ' | '_' if !snake.ends_with('_') => snake.push('_'),
            '-' | ' ' | '_' => {}
            letter => snake.push(letter.to_ascii_lowercase()),
        }
    }
    snake
}

/// How many letters to change, add or take away (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, left) in a.chars().enumerate() {
        let mut line = vec![row + 1];
        for ((right, over), diagonal) in b.iter().zip(above.iter().skip(1)).zip(&above) {
            let before = line.last().copied().unwrap_or_default();
            let changed = diagonal + usize::from(left != *right);
            line.push(changed.min(over + 1).min(before + 1));
        }
        above = line;
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_other_spellings_and_other_words_are_recognised() {
        let known = ["kind", "severity", "finding_key", "occurred_at", "asset"];
        for (name, meant) in [
            ("severty", Some("severity")),
            ("findingKey", Some("finding_key")),
            ("Occurred-At", Some("occurred_at")),
            ("type", Some("kind")),
            ("timestamp", Some("occurred_at")),
            ("kinds", Some("kind")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
        assert_eq!(nearest("finding.open", ["finding.opened", "asset.offline"]), Some("finding.opened"));
    }
}
