//! Other products' words for how bad something is.

use entity::Severity;

/// Our word for theirs, in any case; `None` where it is not known or says
/// different things in different products (`major`, `error`, `severe`).
pub(in crate::scanners) fn from_word(word: &str) -> Option<Severity> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "unknown" | "undefined" | "unassigned" | "unspecified" => Severity::Unknown,
        "info" | "informational" | "information" | "informative" | "none" | "notice" | "negligible" => {
            Severity::Info
        }
        "low" | "minor" => Severity::Low,
        "medium" | "moderate" | "med" | "warning" | "warn" => Severity::Medium,
        "high" | "important" => Severity::High,
        "critical" | "crit" | "fatal" | "emergency" | "blocker" => Severity::Critical,
        _ => return None,
    })
}

/// Every word of ours, least first.
pub(in crate::scanners) const WORDS: &[&str] = &["unknown", "info", "low", "medium", "high", "critical"];
