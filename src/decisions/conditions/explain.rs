//! Conditions in words that a technician understands.

use super::{Condition, FlagField, NumberField, NumberIs, SeverityIs, TextField, TextIs};
use crate::decisions::catalogue;

/// A condition in words: `severity high or worse and (CVSS at least 7 or a known exploited vulnerability)`.
pub fn explain(condition: &Condition) -> String {
    match condition {
        Condition::All(parts) => joined(parts, " and ", "anything"),
        Condition::Any(parts) => joined(parts, " or ", "nothing"),
        Condition::Not(inner) => format!("not ({})", explain(inner)),
        test => explain_test(test),
    }
}

fn joined(parts: &[Condition], with: &str, none: &str) -> String {
    match parts {
        [] => none.to_owned(),
        [one] => explain(one),
        _ => {
            let words = parts.iter().map(|part| match part {
                Condition::All(inner) | Condition::Any(inner) if inner.len() > 1 => {
                    format!("({})", explain(part))
                }
                // Its own "or" would be read as ours.
                Condition::Severity(_) | Condition::Text(_) => {
                    let words = explain(part);
                    if words.contains(" or ") && with == " and " { format!("({words})") } else { words }
                }
                _ => explain(part),
            });
            words.collect::<Vec<_>>().join(with)
        }
    }
}

/// A single test in words; a condition of conditions as [`explain`] has it.
pub fn explain_test(condition: &Condition) -> String {
    let (words, or_unknown) = match condition {
        Condition::Severity(test) => (severity(&test.is), test.or_unknown),
        Condition::Number(test) => (number(test.field, &test.is), test.or_unknown),
        Condition::Flag(test) => (flag(test.field, test.is).to_owned(), test.or_unknown),
        Condition::Text(test) => (text(&test.field, &test.is), test.or_unknown),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => return explain(condition),
    };
    if or_unknown { format!("{words} (or not known)") } else { words }
}

fn severity(is: &SeverityIs) -> String {
    match is {
        SeverityIs::AtLeast(least) => format!("severity {} or worse", least.word()),
        SeverityIs::AtMost(most) => format!("severity {} or less", most.word()),
        SeverityIs::OneOf(some) => {
            let words: Vec<_> = some.iter().map(|one| one.word().to_owned()).collect();
            format!("severity {}", either(&words))
        }
        SeverityIs::Known(true) => "a known severity".to_owned(),
        SeverityIs::Known(false) => "an unknown severity".to_owned(),
    }
}

fn number(field: NumberField, is: &NumberIs) -> String {
    let (bound, given) = match is {
        NumberIs::AtLeast(given) => ("at least", *given),
        NumberIs::AtMost(given) => ("at most", *given),
        NumberIs::Known(true) => return format!("a known {}", name(field)),
        NumberIs::Known(false) => return format!("no known {}", name(field)),
    };
    match field {
        NumberField::Cvss | NumberField::Epss => format!("{} {bound} {given}", name(field)),
        NumberField::FirstSeenAgeSeconds => format!("first seen {bound} {} ago", span_of(given)),
        NumberField::SeenCount => format!("seen {bound} {given} times"),
    }
}

/// What a number is called.
pub(super) fn name(field: NumberField) -> &'static str {
    match field {
        NumberField::Cvss => "CVSS",
        NumberField::Epss => "EPSS",
        NumberField::FirstSeenAgeSeconds => "time since it was first seen",
        NumberField::SeenCount => "number of times it was seen",
    }
}

/// A number as it stands in words.
pub(super) fn shown(field: NumberField, number: f64) -> String {
    match field {
        NumberField::FirstSeenAgeSeconds => span_of(number),
        _ => number.to_string(),
    }
}

/// Seconds in the greatest unit that says them whole.
pub(super) fn span_of(secs: f64) -> String {
    const UNITS: [(f64, &str); 4] =
        [(86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds")];
    let whole = UNITS.iter().find(|(unit, _)| secs >= *unit && secs % unit == 0.0);
    match whole {
        Some((unit, name)) if secs / unit <= 1.0 => format!("1 {}", name.trim_end_matches('s')),
        Some((unit, name)) => format!("{} {name}", secs / unit),
        None => format!("{secs} seconds"),
    }
}

fn flag(field: FlagField, is: bool) -> &'static str {
    match (field, is) {
        (FlagField::Kev, true) => "a known exploited vulnerability (KEV)",
        (FlagField::Kev, false) => "no known exploited vulnerability (KEV)",
        (FlagField::Ransomware, true) => "known use by ransomware",
        (FlagField::Ransomware, false) => "no known use by ransomware",
    }
}

/// What a text is called.
pub(super) fn called(field: &TextField) -> String {
    match field {
        TextField::Category => "category".to_owned(),
        TextField::Kind => "kind".to_owned(),
        TextField::Product => "product".to_owned(),
        TextField::AssetName => "asset".to_owned(),
        TextField::AssetType => "type of asset".to_owned(),
        TextField::User => "user".to_owned(),
        TextField::Title => "title".to_owned(),
        TextField::Label(name) => format!("label {name}"),
    }
}

fn text(field: &TextField, is: &TextIs) -> String {
    let name = called(field);
    match is {
        TextIs::OneOf(texts) => {
            let words: Vec<_> = texts
                .iter()
                .map(|text| match (field, catalogue::category(text)) {
                    (TextField::Category, Some(known)) => known.label.to_owned(),
                    (TextField::Kind, _) => text.clone(),
                    _ => format!("\"{text}\""),
                })
                .collect();
            format!("{name} {}", either(&words))
        }
        TextIs::Contains(text) => format!("{name} with \"{text}\" in it"),
        TextIs::Known(true) => format!("a {name}"),
        TextIs::Known(false) => format!("no {name}"),
    }
}

fn either(words: &[String]) -> String {
    match words {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
