//! The body of a write.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::{
    cell::{Cell, Columns},
    options::NableOptions,
    refusal::Refusal,
};
use crate::sandbox::frame::Call;

/// What was sent, by the column's name; names are read in any case.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    cells: BTreeMap<&'static str, Cell>,
    /// What is wrong with it so far.
    pub(super) wrong: Vec<(String, String)>,
}

/// What a body may hold.
pub(super) struct Shape {
    /// What the record is called in errors.
    pub(super) record: &'static str,
    /// All properties.
    pub(super) columns: Columns,
    /// Those that the server keeps.
    pub(super) read_only: &'static [&'static str],
}

impl Body {
    pub(super) fn read(call: &Call, shape: &Shape, options: &NableOptions) -> Result<Self, Refusal> {
        if !call.is_json() {
            let words = format!(
                "The request entity's media type '{}' is not supported for this resource.",
                call.header("content-type")
            );
            return Err(Refusal::Message(415, words));
        }
        let record = shape.record;
        let sent = call.json().map_err(|words| Refusal::Model(vec![(record.to_owned(), words)]))?;
        let Value::Object(sent) = sent else {
            return Err(Refusal::Model(vec![(record.to_owned(), "An object was expected.".to_owned())]));
        };
        let mut body = Self::default();
        for (name, value) in sent {
            // Notes to the reader, such as `@odata.type`.
            if name.contains('@') {
                continue;
            }
            let column = shape.columns.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
            let Some((known, kind)) = column else {
                if options.unknown_properties_are_refused.holds() {
                    let words = format!("The property '{name}' does not exist on type '{record}'.");
                    body.wrong.push((format!("{record}.{name}"), words));
                }
                continue;
            };
            if shape.read_only.contains(known) {
                if options.read_only_properties_are_refused.holds() {
                    let words = format!("The property '{known}' is read-only.");
                    body.wrong.push((format!("{record}.{known}"), words));
                }
                continue;
            }
            if let Some(value) = Cell::read(&value, *kind) {
                body.cells.insert(known, value);
            } else {
                let words = format!("Cannot convert the value to {}.", kind.edm());
                body.wrong.push((format!("{record}.{known}"), words));
            }
        }
        Ok(body)
    }

    /// Complains unless every one of them was sent, and holds something.
    pub(super) fn require(&mut self, record: &str, names: &[&str]) {
        for name in names {
            let is_wrong_already = self.wrong.iter().any(|(at, _)| at == &format!("{record}.{name}"));
            let is_empty = match self.cells.get(name) {
                None | Some(Cell::Null) => true,
                Some(Cell::Text(text)) => text.trim().is_empty(),
                Some(_) => false,
            };
            if is_empty && !is_wrong_already {
                self.wrong.push(Refusal::required(record, name));
            }
        }
    }

    /// Complains about a property.
    pub(super) fn complain(&mut self, record: &str, name: &str, words: &str) {
        self.wrong.push((format!("{record}.{name}"), words.to_owned()));
    }

    /// The body, unless something is wrong with it.
    pub(super) fn accepted(self) -> Result<Self, Refusal> {
        if self.wrong.is_empty() { Ok(self) } else { Err(Refusal::Model(self.wrong)) }
    }

    /// Fills in what was not sent.
    pub(super) fn fill(&mut self, columns: Columns, row: &[Cell], but: &[&str]) {
        for ((name, _), cell) in columns.iter().zip(row) {
            if !but.contains(name) {
                self.cells.entry(name).or_insert_with(|| cell.clone());
            }
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.cells.contains_key(name)
    }

    pub(super) fn cell(&self, name: &str) -> Cell {
        self.cells.get(name).cloned().unwrap_or(Cell::Null)
    }

    /// Empty where it was not sent.
    pub(super) fn text(&self, name: &str) -> &str {
        if let Some(Cell::Text(text)) = self.cells.get(name) { text } else { "" }
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        if let Some(Cell::Int(number)) = self.cells.get(name) { Some(*number) } else { None }
    }

    pub(super) fn guid(&self, name: &str) -> Option<Uuid> {
        if let Some(Cell::Guid(id)) = self.cells.get(name) { Some(*id) } else { None }
    }

    /// False where it was not sent.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.cells.get(name) == Some(&Cell::Flag(true))
    }
}
