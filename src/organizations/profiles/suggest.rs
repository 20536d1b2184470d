//! Values to begin a profile with: what the platform demands, as far as its lists give something that goes together.

use std::collections::BTreeMap;

use super::rules::{ProfileFieldRule, ProfileValues};
use crate::sync::{pick_lists::LoadedList, remote::PickItem};

/// The first values that go together, of the fields that must be given and of the statuses. What is missing from the
/// lists is left open.
pub fn suggest(rules: &[ProfileFieldRule], lists: &BTreeMap<String, LoadedList>) -> ProfileValues {
    let mut values = ProfileValues::default();
    for rule in rules.iter().filter(|rule| rule.is_required) {
        let Some(list) = rule.pick_list.as_deref() else { continue };
        if let Some(value) = first(rules, lists, &values.fields, list, |_| true) {
            values.fields.insert(rule.key.clone(), value);
        }
    }
    let closing = first(rules, lists, &values.fields, "status", |item| item.closes == Some(true));
    values.status_on_create = open_status(rules, lists, &values.fields);
    values.status_on_close = closing.unwrap_or_default();
    values
}

/// The first status that leaves a ticket open and goes with these values.
pub fn open_status(
    rules: &[ProfileFieldRule],
    lists: &BTreeMap<String, LoadedList>,
    fields: &BTreeMap<String, String>,
) -> Option<String> {
    first(rules, lists, fields, "status", |item| item.closes == Some(false))
}

fn first(
    rules: &[ProfileFieldRule],
    lists: &BTreeMap<String, LoadedList>,
    chosen: &BTreeMap<String, String>,
    list: &str,
    fits: impl Fn(&PickItem) -> bool,
) -> Option<String> {
    let goes = |item: &PickItem| {
        item.parents.iter().all(|(parent, allowed)| {
            let rule = rules
                .iter()
                .find(|rule| rule.pick_list.as_deref() == Some(parent.as_str()) || rule.key == *parent);
            rule.and_then(|rule| chosen.get(&rule.key)).is_none_or(|value| allowed.contains(value))
        })
    };
    let items = lists.get(list)?.items.iter();
    items.filter(|item| goes(item)).find(|item| fits(item)).map(|item| item.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(value: &str, parents: &[(&str, &str)], closes: Option<bool>) -> PickItem {
        PickItem {
            value: value.to_owned(),
            label: value.to_owned(),
            parents: parents
                .iter()
                .map(|(list, value)| ((*list).to_owned(), vec![(*value).to_owned()]))
                .collect(),
            closes,
        }
    }

    fn rule(key: &str) -> ProfileFieldRule {
        ProfileFieldRule {
            key: key.to_owned(),
            label: key.to_owned(),
            pick_list: Some(key.to_owned()),
            depends_on: Vec::new(),
            is_required: true,
            is_whole_number: false,
            is_board: false,
        }
    }

    #[test]
    fn values_go_together() {
        let list = |items: Vec<PickItem>| LoadedList { items, problem: None };
        let lists = BTreeMap::from([
            ("board".to_owned(), list(vec![item("2", &[], None), item("1", &[], None)])),
            (
                "type".to_owned(),
                list(vec![item("a", &[("board", "1")], None), item("b", &[("board", "2")], None)]),
            ),
            (
                "status".to_owned(),
                list(vec![
                    item("10", &[("board", "1")], Some(true)),
                    item("20", &[("board", "2")], Some(false)),
                    item("21", &[("board", "2")], Some(true)),
                ]),
            ),
        ]);
        let values = suggest(&[rule("board"), rule("type"), rule("nothing")], &lists);
        let fields: Vec<_> =
            values.fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("board", "2"), ("type", "b")]);
        assert_eq!((values.status_on_create.as_deref(), &*values.status_on_close), (Some("20"), "21"));
    }
}
