//! Which entry is of which kind.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::settings::Pointer;
use crate::{
    decisions::{
        catalogue::{self, Action, EventKind},
        event::CloseReason,
    },
    scanners::reading::place::Place,
};

/// The word for entries that say nothing.
const IGNORE: &str = "ignore";

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default)]
    when: BTreeMap<Pointer, Vec<Value>>,
    kind: String,
    pub(super) close_reason: Option<CloseReason>,
}

impl Rule {
    /// The kind; `None` where the entry says nothing.
    pub(super) fn kind(&self) -> Option<&'static EventKind> {
        catalogue::find(&self.kind)
    }

    pub(super) fn opens(&self) -> bool {
        self.kind().is_some_and(|kind| matches!(kind.action, Action::Open | Action::Reopen))
    }

    pub(super) fn fits(&self, root: &Place<'_>, item: &Place<'_>) -> bool {
        holds(&self.when, root, item)
    }

    /// `Err` names the field and says what to do.
    pub(super) fn check(&self, field: &str) -> Result<(), String> {
        check_when(&self.when, field)?;
        let kind = self.kind();
        if self.kind != IGNORE && kind.is_none() {
            return Err(format!("{field}/kind: the catalogue has no kind {}", self.kind));
        }
        if kind.is_some_and(|kind| kind.action == Action::Sweep) {
            return Err(format!(
                "{field}/kind: a snapshot is described by the field snapshot, not by a rule"
            ));
        }
        if self.close_reason.is_some() && kind.is_none_or(|kind| kind.action != Action::Close) {
            return Err(format!("{field}/close_reason: {} closes nothing; leave it out", self.kind));
        }
        Ok(())
    }
}

/// Whether every pointer has one of its values.
pub(super) fn holds(when: &BTreeMap<Pointer, Vec<Value>>, root: &Place<'_>, item: &Place<'_>) -> bool {
    when.iter().all(|(pointer, wanted)| {
        let place = pointer.of(root, item);
        let said = place.scalar();
        wanted.iter().any(|wanted| match (wanted, &said) {
            (Value::Null, _) => !place.is_there(),
            (Value::String(any), _) if any == "*" => place.is_there(),
            (Value::String(word), Some(said)) => word.eq_ignore_ascii_case(said),
            (Value::Bool(wanted), Some(said)) => said == if *wanted { "true" } else { "false" },
            (wanted, Some(said)) => {
                let written = wanted.to_string();
                written == *said
            }
            (_, None) => false,
        })
    })
}

/// `Err` names the field and says what to do.
fn check_when(when: &BTreeMap<Pointer, Vec<Value>>, field: &str) -> Result<(), String> {
    if when.len() > 20 || when.values().any(|values| values.len() > 100) {
        return Err(format!("{field}/when: at most 20 pointers with 100 values each fit"));
    }
    for (pointer, values) in when {
        pointer.check(&format!("{field}/when"))?;
        if values.is_empty() || values.iter().any(|value| value.is_object() || value.is_array()) {
            return Err(format!(
                "{field}/when: give each pointer a list of texts, numbers, true, false or null, e.g. [\"open\"]"
            ));
        }
    }
    Ok(())
}
