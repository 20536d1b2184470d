//! Whether a profile's values are the PSA's own, and go together.

use std::collections::BTreeMap;

use entity::ticket_profile;

use crate::{
    error::{Problem, ProblemCode},
    sync::{pick_lists::LoadedList, remote::PickItem},
};

/// What a platform says of one field of its profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileFieldRule {
    /// Key of the field.
    pub key: String,
    /// As people know it.
    pub label: String,
    /// The pick list its values come from; free text where there is none.
    pub pick_list: Option<String>,
    /// Keys of other fields that decide which values may be used.
    pub depends_on: Vec<String>,
    /// No profile without it.
    pub is_required: bool,
    /// Free text that must be a whole number.
    pub is_whole_number: bool,
    /// It is the board, by which people are let in.
    pub is_board: bool,
}

/// What tickets of a profile get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileValues {
    /// Values by key of the platform's profile field.
    pub fields: BTreeMap<String, String>,
    /// The status a ticket is created in.
    pub status_on_create: Option<String>,
    /// The status that closes it.
    pub status_on_close: String,
}

impl ProfileValues {
    /// Those of a row.
    pub fn of(row: &ticket_profile::Model) -> Self {
        Self {
            fields: serde_json::from_value(row.fields.clone()).unwrap_or_default(),
            status_on_create: row.status_on_create.clone(),
            status_on_close: row.status_on_close.clone(),
        }
    }

    /// The value of the field that is the board.
    pub(super) fn board(&self, rules: &[ProfileFieldRule]) -> Option<String> {
        rules.iter().find(|rule| rule.is_board).and_then(|rule| self.fields.get(&rule.key)).cloned()
    }

    /// Without white space around values, and without empty ones.
    pub(super) fn tidied(self) -> Self {
        let tidy = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Self {
            fields: self.fields.into_iter().filter_map(|(key, value)| Some((key, tidy(value)?))).collect(),
            status_on_create: self.status_on_create.and_then(tidy),
            status_on_close: self.status_on_close.trim().to_owned(),
        }
    }
}

/// What is wrong with a profile's values, by the platform's rules and the lists as they were last loaded.
/// Fields are `["fields", key]`, `["statusOnCreate"]` and `["statusOnClose"]`.
pub fn problems(
    rules: &[ProfileFieldRule],
    lists: &BTreeMap<String, LoadedList>,
    values: &ProfileValues,
) -> Vec<Problem> {
    let check = Check { rules, lists, values };
    let mut problems = Vec::new();
    for key in values.fields.keys().filter(|key| !rules.iter().any(|rule| rule.key == **key)) {
        let known: Vec<_> = rules.iter().map(|rule| rule.key.as_str()).collect();
        let message = format!("this platform has no such field; it has {}", known.join(", "));
        problems.push(Problem::at(&["fields", key], ProblemCode::Invalid, message));
    }
    for rule in rules {
        problems.extend(check.field(rule));
    }
    problems.extend(check.statuses());
    problems
}

struct Check<'a> {
    rules: &'a [ProfileFieldRule],
    lists: &'a BTreeMap<String, LoadedList>,
    values: &'a ProfileValues,
}

impl<'a> Check<'a> {
    fn field(&self, rule: &ProfileFieldRule) -> Option<Problem> {
        let path = ["fields", rule.key.as_str()];
        let Some(value) = self.values.fields.get(&rule.key) else {
            return rule.is_required.then(|| {
                let message = format!("{} must be given: tickets cannot be made without it", rule.label);
                Problem::at(&path, ProblemCode::Required, message)
            });
        };
        if rule.is_whole_number && value.parse::<i64>().is_err() {
            let message = format!("{} must be a whole number, such as 15", rule.label);
            return Some(Problem::at(&path, ProblemCode::Invalid, message));
        }
        self.value(&path, &rule.label, rule.pick_list.as_deref()?, value).err()
    }

    fn statuses(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let values = self.values;
        if let Some(status) = &values.status_on_create {
            let path = ["statusOnCreate"];
            match self.value(&path, "the status on create", "status", status) {
                Err(problem) => problems.push(problem),
                Ok(items) if items.iter().any(|item| item.closes == Some(true)) => {
                    let message = format!(
                        "{} closes tickets; choose a status that leaves them open",
                        quoted(items.first().copied(), status)
                    );
                    problems.push(Problem::at(&path, ProblemCode::Invalid, message));
                }
                Ok(_) if *status == values.status_on_close => {
                    let message = "it is the status on close, too; choose one that leaves tickets open";
                    problems.push(Problem::at(&path, ProblemCode::Invalid, message));
                }
                Ok(_) => {}
            }
        }
        let path = ["statusOnClose"];
        if values.status_on_close.is_empty() {
            let message = "say which status closes a ticket";
            problems.push(Problem::at(&path, ProblemCode::Required, message));
        } else {
            problems
                .extend(self.value(&path, "the status on close", "status", &values.status_on_close).err());
        }
        problems
    }

    /// The list's items of that value that go with the other fields; there may be several, as one number
    /// may mean something under one parent and something else under another.
    fn value(
        &self,
        path: &[&str],
        label: &str,
        list: &str,
        value: &str,
    ) -> Result<Vec<&'a PickItem>, Problem> {
        let not_loaded = |message: String| Err(Problem::at(path, ProblemCode::WrongState, message));
        let Some(loaded) = self.lists.get(list) else {
            return not_loaded(format!(
                "the pick list {list} of this connection is not loaded yet; load the pick lists first"
            ));
        };
        if let (true, Some(problem)) = (loaded.items.is_empty(), &loaded.problem) {
            return not_loaded(format!(
                "the pick list {list} could not be loaded: {problem}; mend that and load the pick lists again"
            ));
        }
        let same: Vec<_> = loaded.items.iter().filter(|item| item.value == value).collect();
        if same.is_empty() {
            let message = format!(
                "{value} is not in the pick list {list} of the PSA; choose one of its values, or load the pick \
                 lists again if it is new"
            );
            return Err(Problem::at(path, ProblemCode::NotInPickList, message));
        }
        let (fitting, others): (Vec<_>, Vec<_>) =
            same.into_iter().partition(|item| self.parent_against(item).is_none());
        if !fitting.is_empty() {
            return Ok(fitting);
        }
        let against = others.first().and_then(|item| Some((*item, self.parent_against(item)?)));
        let message = match against {
            Some((item, (parent, chosen))) => format!(
                "{label} cannot be {} where {parent} is {chosen}; choose a value that goes with it, or change {parent}",
                quoted(Some(item), value)
            ),
            None => format!("{label} cannot be {value} together with the other values"),
        };
        Err(Problem::at(path, ProblemCode::NotInPickList, message))
    }

    /// The field that rules an item out, and what is chosen there, in words. A field that is left to the PSA rules
    /// nothing out.
    fn parent_against(&self, item: &PickItem) -> Option<(String, String)> {
        item.parents.iter().find_map(|(parent, allowed)| {
            let rule = self
                .rules
                .iter()
                .find(|rule| rule.pick_list.as_deref() == Some(parent.as_str()) || rule.key == *parent)?;
            let chosen = self.values.fields.get(&rule.key)?;
            if allowed.contains(chosen) {
                return None;
            }
            let items = self.lists.get(parent).map(|list| list.items.as_slice()).unwrap_or_default();
            let named = items.iter().find(|item| item.value == *chosen);
            Some((rule.label.clone(), quoted(named, chosen)))
        })
    }
}

/// A value as people know it.
fn quoted(item: Option<&PickItem>, value: &str) -> String {
    item.filter(|item| !item.label.is_empty())
        .map_or_else(|| value.to_owned(), |item| format!("\"{}\" ({value})", item.label))
}
