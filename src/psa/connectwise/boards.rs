//! What belongs to a board: statuses, types, subtypes, items, teams, and which of them go together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Connection, wire};
use crate::{psa::PsaError, sync::remote::PickItem};

/// The lists of one board, by key; those that could not be read say why.
pub(super) type OfBoard = Vec<(&'static str, Result<Vec<PickItem>, PsaError>)>;

impl Connection {
    pub(super) async fn lists_of_board(&self, board: i64) -> OfBoard {
        let statuses = self.of_board(board, "statuses").await;
        let types = self.of_board(board, "types").await;
        let subtypes = self.of_board(board, "subtypes").await;
        let items = self.of_board(board, "items").await;
        let teams = self.of_board(board, "teams").await;
        // What may be combined; without it the choice is wider, and ConnectWise refuses what does not go together.
        let triples = match &items {
            Ok(_) => self.of_board(board, "typeSubTypeItemAssociations").await,
            Err(error) => Err(error.clone()),
        };
        let triples: Vec<_> = triples.unwrap_or_default().iter().filter_map(Triple::read).collect();
        vec![
            ("status", statuses.map(|rows| self::statuses(&rows, board))),
            ("ticket_type", types.map(|rows| plain(&rows, board))),
            ("subtype", subtypes.map(|rows| self::subtypes(&rows, board, &triples))),
            ("item", items.map(|rows| self::items(&rows, board, &triples))),
            ("team", teams.map(|rows| plain(&rows, board))),
        ]
    }

    pub(super) async fn of_board(&self, board: i64, list: &str) -> Result<Vec<Value>, PsaError> {
        let path = format!("/service/boards/{board}/{list}");
        // The twins that show less and want fewer rights.
        let has_twin = matches!(list, "statuses" | "subtypes" | "teams");
        let twin = if has_twin { format!("{path}/info") } else { String::new() };
        self.either(&path, &twin).await
    }
}

/// A type, subtype and item that may stand together; the item is missing where none belongs to it.
struct Triple {
    kind: i64,
    subtype: i64,
    item: Option<i64>,
}

impl Triple {
    fn read(row: &Value) -> Option<Self> {
        Some(Self {
            kind: wire::reference(row, "type")?,
            subtype: wire::reference(row, "subType")?,
            item: wire::reference(row, "item"),
        })
    }
}

/// A row by id and name; none where it is no longer in use. (Statuses say `inactive`, the others
/// `inactiveFlag`.)
pub(super) fn item(row: &Value) -> Option<PickItem> {
    let is_out = ["inactive", "inactiveFlag"].iter().any(|key| wire::is(row, key) == Some(true));
    let id = wire::id(row, "id").filter(|_| !is_out)?.to_string();
    let label = wire::text(row, "name").unwrap_or(&id).to_owned();
    Some(PickItem { value: id, label, ..PickItem::default() })
}

/// Rows as ConnectWise sorts them for people.
pub(super) fn in_order(rows: &[Value]) -> Vec<&Value> {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|row| wire::int(row, "sortOrder").unwrap_or(i64::MAX));
    rows
}

fn under(board: i64, item: PickItem) -> PickItem {
    let mut parents = item.parents;
    parents.insert(String::from("board"), vec![board.to_string()]);
    PickItem { parents, ..item }
}

fn plain(rows: &[Value], board: i64) -> Vec<PickItem> {
    rows.iter().filter_map(item).map(|item| under(board, item)).collect()
}

/// Whether a status closes tickets; the light twin of the list calls it otherwise.
pub(super) fn closes(row: &Value) -> Option<bool> {
    wire::is(row, "closedStatus").or_else(|| wire::is(row, "closedFlag"))
}

fn statuses(rows: &[Value], board: i64) -> Vec<PickItem> {
    let status = |row: &Value| Some(PickItem { closes: closes(row), ..under(board, item(row)?) });
    in_order(rows).into_iter().filter_map(status).collect()
}

fn subtypes(rows: &[Value], board: i64, triples: &[Triple]) -> Vec<PickItem> {
    let subtype = |row: &Value| {
        let mut item = under(board, item(row)?);
        let id = wire::id(row, "id")?;
        let named = wire::field(row, "typeAssociationIds").and_then(Value::as_array);
        let mut types: BTreeSet<_> = named.into_iter().flatten().filter_map(wire::whole).collect();
        types.extend(triples.iter().filter(|triple| triple.subtype == id).map(|triple| triple.kind));
        if named.is_some() || !types.is_empty() {
            item.parents.insert(String::from("ticket_type"), texts(&types));
        }
        Some(item)
    };
    rows.iter().filter_map(subtype).collect()
}

/// An item goes with pairs of type and subtype. Where any of its types goes with any of its subtypes it
/// stands once, else once for each subtype, because two lists of values cannot say which pairs are meant.
fn items(rows: &[Value], board: i64, triples: &[Triple]) -> Vec<PickItem> {
    let knows_items = triples.iter().any(|triple| triple.item.is_some());
    let mut found = Vec::new();
    for row in rows {
        let Some(item) = item(row).map(|item| under(board, item)) else { continue };
        let id = wire::id(row, "id");
        let mut types_of = BTreeMap::<i64, BTreeSet<i64>>::new();
        for triple in triples.iter().filter(|triple| triple.item.is_some() && triple.item == id) {
            types_of.entry(triple.subtype).or_default().insert(triple.kind);
        }
        let is_same = |types: &BTreeSet<i64>| types_of.values().all(|others| others == types);
        match types_of.values().next() {
            None if knows_items => {} // it goes with nothing
            None => found.push(item),
            Some(types) if is_same(types) => {
                found.push(with(item, &types_of.keys().copied().collect(), types));
            }
            Some(_) => found.extend(
                types_of
                    .iter()
                    .map(|(subtype, types)| with(item.clone(), &BTreeSet::from([*subtype]), types)),
            ),
        }
    }
    found
}

fn with(mut item: PickItem, subtypes: &BTreeSet<i64>, types: &BTreeSet<i64>) -> PickItem {
    item.parents.insert(String::from("subtype"), texts(subtypes));
    item.parents.insert(String::from("ticket_type"), texts(types));
    item
}

fn texts(ids: &BTreeSet<i64>) -> Vec<String> {
    ids.iter().map(i64::to_string).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn triple(kind: i64, subtype: i64, item: Option<i64>) -> Triple {
        Triple { kind, subtype, item }
    }

    #[test]
    fn an_item_stands_once_per_subtype_only_where_its_types_differ() {
        let rows = [
            json!({"id": 7, "name": "Disk"}),
            json!({"id": 8, "name": "Fan"}),
            json!({"id": 9, "name": "Lost"}),
        ];
        let triples = [
            triple(1, 3, Some(7)),
            triple(1, 4, Some(7)),
            triple(1, 3, Some(8)),
            triple(2, 4, Some(8)),
            triple(2, 5, None),
        ];
        let seen: Vec<_> = items(&rows, 12, &triples)
            .into_iter()
            .map(|i| (i.value, i.parents["subtype"].join(","), i.parents["ticket_type"].join(",")))
            .collect();
        let wanted = [("7", "3,4", "1"), ("8", "3", "1"), ("8", "4", "2")];
        assert_eq!(seen, wanted.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
        assert_eq!(items(&rows, 12, &[]).len(), 3, "without the associations everything may be chosen");
    }

    #[test]
    fn a_status_says_whether_it_closes_and_the_inactive_are_left_out() {
        let rows = [
            json!({"id": 2, "name": "Closed", "closedStatus": true, "sortOrder": 9}),
            json!({"id": 1, "name": "New", "closedStatus": false, "sortOrder": 1}),
            json!({"id": 3, "name": "Old", "closedStatus": false, "inactive": true}),
        ];
        let seen: Vec<_> = statuses(&rows, 12).into_iter().map(|i| (i.label, i.closes)).collect();
        assert_eq!(seen, [("New".to_owned(), Some(false)), ("Closed".to_owned(), Some(true))]);
    }

    #[test]
    fn a_subtype_hangs_on_the_types_that_either_list_names() {
        let rows = [json!({"id": 3, "name": "A", "typeAssociationIds": [1]}), json!({"id": 4, "name": "B"})];
        let found = subtypes(&rows, 12, &[triple(2, 3, Some(7))]);
        assert_eq!(found[0].parents["ticket_type"], ["1", "2"]);
        assert_eq!(
            (found[1].parents.get("ticket_type"), &found[1].parents["board"]),
            (None, &vec!["12".to_owned()])
        );
    }
}
