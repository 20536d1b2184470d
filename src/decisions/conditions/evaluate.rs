//! Holding conditions against what is known.

use entity::Severity;

use super::{
    Condition, Facts, NumberIs, SeverityIs, TextField, TextIs, explain,
    explain::{called, name, shown},
    explain_test,
    facts::Texts,
};

/// What became of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is true.
    Holds,
    /// It is not true: the test that failed, in words.
    Fails(String),
    /// Something that decides is not known: what, in words.
    Unknown(String),
}

/// Holds a condition against what is known.
pub fn evaluate(condition: &Condition, facts: &Facts) -> Verdict {
    match condition {
        Condition::All(parts) => all(parts, facts),
        Condition::Any(parts) => any(parts, facts),
        Condition::Not(inner) => match evaluate(inner, facts) {
            Verdict::Holds => Verdict::Fails(format!("must not be: {}", explain(inner))),
            Verdict::Fails(_) => Verdict::Holds,
            unknown @ Verdict::Unknown(_) => unknown,
        },
        test => one(test, facts),
    }
}

fn all(parts: &[Condition], facts: &Facts) -> Verdict {
    let mut unknown = None;
    for part in parts {
        match evaluate(part, facts) {
            Verdict::Holds => {}
            fails @ Verdict::Fails(_) => return fails,
            not_known @ Verdict::Unknown(_) => unknown = unknown.or(Some(not_known)),
        }
    }
    unknown.unwrap_or(Verdict::Holds)
}

fn any(parts: &[Condition], facts: &Facts) -> Verdict {
    let (mut reasons, mut is_known) = (Vec::new(), true);
    for part in parts {
        match evaluate(part, facts) {
            Verdict::Holds => return Verdict::Holds,
            Verdict::Fails(reason) => reasons.push(reason),
            Verdict::Unknown(reason) => {
                is_known = false;
                reasons.push(reason);
            }
        }
    }
    let words = if reasons.is_empty() { "nothing is allowed".to_owned() } else { reasons.join(", and ") };
    if is_known { Verdict::Fails(words) } else { Verdict::Unknown(words) }
}

/// What a single test finds.
enum Found {
    Holds,
    /// This is what there is instead.
    Is(String),
    /// The sender did not say.
    NotKnown(String),
}

fn one(test: &Condition, facts: &Facts) -> Verdict {
    let (found, or_unknown) = match test {
        Condition::Severity(test) => (severity(&test.is, facts.severity), test.or_unknown),
        Condition::Number(test) => {
            let number = facts.number(test.field);
            let is = |holds, number| {
                if holds { Found::Holds } else { Found::Is(format!("this is {}", shown(test.field, number))) }
            };
            let found = match (&test.is, number) {
                (NumberIs::Known(wanted), number) => known(*wanted, number.is_some(), name(test.field)),
                (_, None) => Found::NotKnown(format!("its {} is not known", name(test.field))),
                (NumberIs::AtLeast(least), Some(number)) => is(number >= *least, number),
                (NumberIs::AtMost(most), Some(number)) => is(number <= *most, number),
            };
            (found, test.or_unknown)
        }
        Condition::Flag(test) => {
            let found = match facts.flag(test.field) {
                None => Found::NotKnown("the sender does not say".to_owned()),
                Some(is) if is == test.is => Found::Holds,
                Some(true) => Found::Is("this is one".to_owned()),
                Some(false) => Found::Is("this is none".to_owned()),
            };
            (found, test.or_unknown)
        }
        Condition::Text(test) => (text(&test.field, &test.is, facts), test.or_unknown),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => return evaluate(test, facts),
    };
    match found {
        Found::Holds => Verdict::Holds,
        Found::NotKnown(_) if or_unknown => Verdict::Holds,
        Found::Is(is) => Verdict::Fails(format!("wants {}; {is}", explain_test(test))),
        Found::NotKnown(why) => Verdict::Unknown(format!("wants {}; {why}", explain_test(test))),
    }
}

fn known(wanted: bool, is_known: bool, what: &str) -> Found {
    match (wanted, is_known) {
        (true, true) | (false, false) => Found::Holds,
        (true, false) => Found::Is(format!("its {what} is not known")),
        (false, true) => Found::Is(format!("its {what} is known")),
    }
}

fn severity(is: &SeverityIs, severity: Option<Severity>) -> Found {
    let holds = match (is, severity) {
        (SeverityIs::Known(wanted), severity) => return known(*wanted, severity.is_some(), "severity"),
        (_, None) => return Found::NotKnown("its severity is not known".to_owned()),
        (SeverityIs::AtLeast(least), Some(severity)) => severity >= *least,
        (SeverityIs::AtMost(most), Some(severity)) => severity <= *most,
        (SeverityIs::OneOf(some), Some(severity)) => some.contains(&severity),
    };
    let word = severity.map_or("unknown", Severity::word);
    if holds { Found::Holds } else { Found::Is(format!("this is {word}")) }
}

fn text(field: &TextField, is: &TextIs, facts: &Facts) -> Found {
    let texts = match (facts.texts(field), is) {
        (Texts::Unknown, TextIs::Known(wanted)) => return known(*wanted, false, &called(field)),
        (Texts::Unknown, _) => return Found::NotKnown(format!("its {} is not known", called(field))),
        (Texts::Known(texts), TextIs::Known(wanted)) => {
            return known(*wanted, !texts.is_empty(), &called(field));
        }
        (Texts::Known(texts), _) => texts,
    };
    let holds = match is {
        TextIs::OneOf(wanted) => {
            let wanted: Vec<_> = wanted.iter().map(|text| text.trim().to_lowercase()).collect();
            texts.iter().any(|text| wanted.contains(&text.trim().to_lowercase()))
        }
        TextIs::Contains(wanted) => {
            let wanted = wanted.to_lowercase();
            texts.iter().any(|text| text.to_lowercase().contains(&wanted))
        }
        TextIs::Known(_) => true,
    };
    if holds {
        return Found::Holds;
    }
    Found::Is(match texts.as_slice() {
        [] => format!("it has no {}", called(field)),
        [first, ..] => {
            let first: String = first.chars().take(80).collect();
            format!("this is \"{first}\"")
        }
    })
}
