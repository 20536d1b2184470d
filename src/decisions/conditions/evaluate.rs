//! Holding conditions against what is known.

use entity::Severity;

use super::{
    Condition, Facts, NumberIs, SeverityIs, TextField, TextIs, explain,
    explain::{called, name, shown},
    explain_test,
    facts::Texts,
};

/// What became of a condition, with its reason in words, or without where nobody asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<Why = String> {
    /// It is true.
    Holds,
    /// It is not true: the test that failed, in words.
    Fails(Why),
    /// Something that decides is not known: what, in words.
    Unknown(Why),
}

/// How a verdict keeps its reason.
trait Reason: Sized {
    fn of(words: impl FnOnce() -> String) -> Self;
    fn of_all(reasons: Vec<Self>) -> Self;
    /// With words before it.
    fn after(self, words: impl FnOnce() -> String) -> Self;
}

impl Reason for String {
    fn of(words: impl FnOnce() -> String) -> Self {
        words()
    }

    fn of_all(reasons: Vec<Self>) -> Self {
        if reasons.is_empty() { "nothing is allowed".to_owned() } else { reasons.join(", and ") }
    }

    fn after(self, words: impl FnOnce() -> String) -> Self {
        words() + &self
    }
}

impl Reason for () {
    fn of(_words: impl FnOnce() -> String) -> Self {}

    fn of_all(_reasons: Vec<Self>) -> Self {}

    fn after(self, _words: impl FnOnce() -> String) -> Self {}
}

/// Holds a condition against what is known.
pub fn evaluate(condition: &Condition, facts: &Facts) -> Verdict {
    weigh(condition, facts)
}

/// Whether a condition is true of what is known: the same, without the words.
pub fn holds(condition: &Condition, facts: &Facts) -> bool {
    weigh::<()>(condition, facts) == Verdict::Holds
}

fn weigh<Why: Reason>(condition: &Condition, facts: &Facts) -> Verdict<Why> {
    match condition {
        Condition::All(parts) => all(parts, facts),
        Condition::Any(parts) => any(parts, facts),
        Condition::Not(inner) => match weigh::<Why>(inner, facts) {
            Verdict::Holds => Verdict::Fails(Why::of(|| format!("must not be: {}", explain(inner)))),
            Verdict::Fails(_) => Verdict::Holds,
            unknown @ Verdict::Unknown(_) => unknown,
        },
        test => one(test, facts),
    }
}

fn all<Why: Reason>(parts: &[Condition], facts: &Facts) -> Verdict<Why> {
    let mut unknown = None;
    for part in parts {
        match weigh(part, facts) {
            Verdict::Holds => {}
            fails @ Verdict::Fails(_) => return fails,
            not_known @ Verdict::Unknown(_) => unknown = unknown.or(Some(not_known)),
        }
    }
    unknown.unwrap_or(Verdict::Holds)
}

fn any<Why: Reason>(parts: &[Condition], facts: &Facts) -> Verdict<Why> {
    let (mut reasons, mut is_known) = (Vec::new(), true);
    for part in parts {
        match weigh(part, facts) {
            Verdict::Holds => return Verdict::Holds,
            Verdict::Fails(reason) => reasons.push(reason),
            Verdict::Unknown(reason) => {
                is_known = false;
                reasons.push(reason);
            }
        }
    }
    let reason = Why::of_all(reasons);
    if is_known { Verdict::Fails(reason) } else { Verdict::Unknown(reason) }
}

/// What a single test finds.
enum Found<Why> {
    Holds,
    /// This is what there is instead.
    Is(Why),
    /// The sender did not say.
    NotKnown(Why),
}

impl<Why: Reason> Found<Why> {
    fn is(words: impl FnOnce() -> String) -> Self {
        Self::Is(Why::of(words))
    }

    fn not_known(words: impl FnOnce() -> String) -> Self {
        Self::NotKnown(Why::of(words))
    }
}

fn one<Why: Reason>(test: &Condition, facts: &Facts) -> Verdict<Why> {
    let (found, or_unknown) = match test {
        Condition::Severity(test) => (severity(&test.is, facts.severity), test.or_unknown),
        Condition::Number(test) => {
            let number = facts.number(test.field);
            let is = |holds, number| {
                if holds {
                    Found::Holds
                } else {
                    Found::is(|| format!("this is {}", shown(test.field, number)))
                }
            };
            let found = match (&test.is, number) {
                (NumberIs::Known(wanted), number) => {
                    known(*wanted, number.is_some(), || name(test.field).to_owned())
                }
                (_, None) => Found::not_known(|| format!("its {} is not known", name(test.field))),
                (NumberIs::AtLeast(least), Some(number)) => is(number >= *least, number),
                (NumberIs::AtMost(most), Some(number)) => is(number <= *most, number),
            };
            (found, test.or_unknown)
        }
        Condition::Flag(test) => {
            let found = match facts.flag(test.field) {
                None => Found::not_known(|| "the sender does not say".to_owned()),
                Some(is) if is == test.is => Found::Holds,
                Some(true) => Found::is(|| "this is one".to_owned()),
                Some(false) => Found::is(|| "this is none".to_owned()),
            };
            (found, test.or_unknown)
        }
        Condition::Text(test) => (text(&test.field, &test.is, facts), test.or_unknown),
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) => return weigh(test, facts),
    };
    let wants = |instead: Why| instead.after(|| format!("wants {}; ", explain_test(test)));
    match found {
        Found::Holds => Verdict::Holds,
        Found::NotKnown(_) if or_unknown => Verdict::Holds,
        Found::Is(instead) => Verdict::Fails(wants(instead)),
        Found::NotKnown(why) => Verdict::Unknown(wants(why)),
    }
}

fn known<Why: Reason>(wanted: bool, is_known: bool, what: impl FnOnce() -> String) -> Found<Why> {
    match (wanted, is_known) {
        (true, true) | (false, false) => Found::Holds,
        (true, false) => Found::is(|| format!("its {} is not known", what())),
        (false, true) => Found::is(|| format!("its {} is known", what())),
    }
}

fn severity<Why: Reason>(is: &SeverityIs, severity: Option<Severity>) -> Found<Why> {
    let holds = match (is, severity) {
        (SeverityIs::Known(wanted), severity) => {
            return known(*wanted, severity.is_some(), || "severity".to_owned());
        }
        (_, None) => return Found::not_known(|| "its severity is not known".to_owned()),
        (SeverityIs::AtLeast(least), Some(severity)) => severity >= *least,
        (SeverityIs::AtMost(most), Some(severity)) => severity <= *most,
        (SeverityIs::OneOf(some), Some(severity)) => some.contains(&severity),
    };
    let word = severity.map_or("unknown", Severity::word);
    if holds { Found::Holds } else { Found::is(|| format!("this is {word}")) }
}

fn text<Why: Reason>(field: &TextField, is: &TextIs, facts: &Facts) -> Found<Why> {
    let texts = match (facts.texts(field), is) {
        (Texts::Unknown, TextIs::Known(wanted)) => return known(*wanted, false, || called(field)),
        (Texts::Unknown, _) => return Found::not_known(|| format!("its {} is not known", called(field))),
        (Texts::Known(texts), TextIs::Known(wanted)) => {
            return known(*wanted, !texts.is_empty(), || called(field));
        }
        (Texts::Known(texts), _) => texts,
    };
    let holds = match is {
        TextIs::OneOf(wanted) => wanted.iter().any(|wanted| texts.iter().any(|text| is_same(text, wanted))),
        TextIs::Contains(wanted) => texts.iter().any(|text| contains(text, wanted)),
        TextIs::Known(_) => true,
    };
    if holds {
        return Found::Holds;
    }
    Found::is(|| match texts.as_slice() {
        [] => format!("it has no {}", called(field)),
        [first, ..] => {
            let first: String = first.chars().take(80).collect();
            format!("this is \"{first}\"")
        }
    })
}

/// In upper or lower case, and whatever stands around it.
fn is_same(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.trim(), wanted.trim());
    if text.is_ascii() && wanted.is_ascii() {
        return text.eq_ignore_ascii_case(wanted);
    }
    text.to_lowercase() == wanted.to_lowercase()
}

/// In upper or lower case.
fn contains(text: &str, wanted: &str) -> bool {
    if text.is_ascii() && wanted.is_ascii() {
        let wanted = wanted.as_bytes();
        return wanted.is_empty()
            || text.as_bytes().windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted));
    }
    text.to_lowercase().contains(&wanted.to_lowercase())
}
