//! Whether a tree of conditions is within its bounds and speaks of things that there are.

use entity::Severity;

use super::{
    Condition, MAX_DEPTH, MAX_NODES, MAX_TEXT, MAX_TEXTS, MAX_VALUES, NumberField, NumberIs, SeverityIs,
    TextField, TextIs,
};
use crate::{
    decisions::catalogue,
    error::{Problem, ProblemCode},
};

/// The longest age that can be tested, in seconds: a hundred years.
const MAX_AGE_SECS: f64 = 3_155_760_000.0;
/// The longest name of a label, in characters; senders' labels are no longer.
const MAX_LABEL: usize = 128;

/// What is wrong with a tree, each with the path to it; nothing where it can be stored. `field` is where the
/// tree stands in the input.
pub fn check(condition: &Condition, field: &str) -> Vec<Problem> {
    let mut checking = Checking { path: vec![field.to_owned()], problems: Vec::new(), nodes: 0, bytes: 0 };
    checking.node(condition, 1);
    if checking.nodes > MAX_NODES {
        let message = format!("there are more than {MAX_NODES} conditions; make several policies of them");
        return vec![Problem::of(field, ProblemCode::TooLong, message)];
    }
    if checking.bytes > MAX_TEXTS {
        let message = format!("its texts have {} bytes together; {MAX_TEXTS} are allowed", checking.bytes);
        checking.problems.push(Problem::of(field, ProblemCode::TooLong, message));
    }
    checking.problems
}

struct Checking {
    path: Vec<String>,
    problems: Vec<Problem>,
    nodes: usize,
    bytes: usize,
}

impl Checking {
    fn node(&mut self, condition: &Condition, depth: usize) {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return;
        }
        if depth > MAX_DEPTH {
            self.add(ProblemCode::TooLong, format!("conditions are nested deeper than {MAX_DEPTH} levels"));
            return;
        }
        match condition {
            Condition::All(parts) => self.parts("all", parts, depth),
            Condition::Any(parts) => self.parts("any", parts, depth),
            Condition::Not(inner) => self.within("not", |this| this.node(inner, depth + 1)),
            Condition::Severity(test) => {
                self.within("severity", |this| this.within("is", |this| this.severity(&test.is)));
            }
            Condition::Number(test) => {
                self.within("number", |this| this.within("is", |this| this.number(test.field, &test.is)));
            }
            Condition::Flag(_) => {}
            Condition::Text(test) => self.within("text", |this| {
                if let TextField::Label(name) = &test.field {
                    this.within("field", |this| this.within("label", |this| this.text(name, MAX_LABEL)));
                }
                this.within("is", |this| this.texts(&test.field, &test.is));
            }),
        }
    }

    fn parts(&mut self, name: &str, parts: &[Condition], depth: usize) {
        self.within(name, |this| {
            if parts.is_empty() {
                this.add(ProblemCode::Required, "it is empty; give one condition at least, or leave it out");
            }
            for (index, part) in parts.iter().enumerate() {
                if this.nodes > MAX_NODES {
                    return;
                }
                this.within(&index.to_string(), |this| this.node(part, depth + 1));
            }
        });
    }

    fn severity(&mut self, is: &SeverityIs) {
        let (name, given) = match is {
            SeverityIs::AtLeast(one) => ("atLeast", std::slice::from_ref(one)),
            SeverityIs::AtMost(one) => ("atMost", std::slice::from_ref(one)),
            SeverityIs::OneOf(some) => ("oneOf", some.as_slice()),
            SeverityIs::Known(_) => return,
        };
        self.within(name, |this| {
            this.count(given.len());
            if given.contains(&Severity::Unknown) {
                let message = "what is not known is neither more nor less than anything; test `known`, or set `orUnknown`";
                this.add(ProblemCode::Invalid, message);
            }
        });
    }

    fn number(&mut self, field: NumberField, is: &NumberIs) {
        let (name, given) = match is {
            NumberIs::AtLeast(given) => ("atLeast", *given),
            NumberIs::AtMost(given) => ("atMost", *given),
            NumberIs::Known(_) => return,
        };
        let most = match field {
            NumberField::Cvss => 10.0,
            NumberField::Epss => 1.0,
            NumberField::FirstSeenAgeSeconds => MAX_AGE_SECS,
            NumberField::SeenCount => 1_000_000_000.0,
        };
        if !(0.0..=most).contains(&given) {
            let message = format!("{given} is out of bounds; give 0 to {most}");
            self.within(name, |this| this.add(ProblemCode::Invalid, message));
        }
    }

    fn texts(&mut self, field: &TextField, is: &TextIs) {
        match is {
            TextIs::Known(_) => {}
            TextIs::Contains(text) => self.within("contains", |this| this.text(text, MAX_TEXT)),
            TextIs::OneOf(texts) => self.within("oneOf", |this| {
                this.count(texts.len());
                for text in texts.iter().take(MAX_VALUES) {
                    this.text(text, MAX_TEXT);
                    this.is_there(field, text);
                }
            }),
        }
    }

    /// Categories and kinds are of the catalogue.
    fn is_there(&mut self, field: &TextField, text: &str) {
        let (is_there, what) = match field {
            TextField::Category => (catalogue::category(text).is_some(), "category"),
            TextField::Kind => (catalogue::find(text).is_some(), "kind"),
            _ => return,
        };
        if !is_there {
            let shown: String = text.chars().take(60).collect();
            let message = format!("there is no {what} {shown}; take one from `eventCatalogue`");
            self.add(ProblemCode::NotFound, message);
        }
    }

    fn count(&mut self, count: usize) {
        if count == 0 {
            self.add(ProblemCode::Required, "it is empty; give one value at least");
        } else if count > MAX_VALUES {
            self.add(ProblemCode::TooLong, format!("it has {count} values; {MAX_VALUES} are allowed"));
        }
    }

    fn text(&mut self, text: &str, most: usize) {
        self.bytes += text.len();
        let count = text.chars().count();
        if text.trim().is_empty() {
            self.add(ProblemCode::Required, "give it; it may not be empty");
        } else if count > most {
            self.add(ProblemCode::TooLong, format!("it has {count} characters; {most} are allowed"));
        } else if text.chars().any(char::is_control) {
            self.add(ProblemCode::Invalid, "it holds line breaks or other control characters");
        }
    }

    fn within(&mut self, name: &str, look: impl FnOnce(&mut Self)) {
        self.path.push(name.to_owned());
        look(self);
        self.path.pop();
    }

    fn add(&mut self, code: ProblemCode, message: impl Into<String>) {
        self.problems.push(Problem { field: self.path.clone(), code, message: message.into() });
    }
}
