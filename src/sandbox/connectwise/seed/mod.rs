//! What an instance has on its first day. All names are invented.

mod customers;
mod desk;

use serde_json::{Value, json};

use super::{resources::Table, row, ticket::Ticket, world::ConnectWiseWorld};

/// The board of a ticket that names none.
pub(super) const DEFAULT_BOARD: i64 = 1;
/// The user-defined field of tickets that the administrator has set up.
pub(super) const CUSTOM_FIELD: i64 = 12;
/// Two tickets of projects are older than everything.
pub(super) const LAST_TICKET: i64 = 4241;

/// Fills an instance.
pub(super) fn fill(world: &mut ConnectWiseWorld) {
    desk::fill(world);
    customers::fill(world);
    for (id, summary) in [(4240, "Move to the new office"), (LAST_TICKET, "Order the racks")] {
        let now = world.now();
        let reference =
            |table: Table, id: i64| world.find(table, id).map(|found| super::store::reference(table, found));
        let mut row = row::row(json!({
            "id": id, "summary": summary, "recordType": "ProjectTicket", "closedFlag": false,
            "board": reference(Table::Boards, 20), "status": reference(Table::Statuses, 620),
            "company": reference(Table::Companies, 19), "priority": reference(Table::Priorities, 8),
        }));
        super::store::stamp(&mut row, "slee", now);
        world.tickets.push(Ticket {
            row,
            notes: Vec::new(),
            first_note: None,
            configurations: Vec::new(),
            created_at: now,
            closed_at: None,
            is_deleted: false,
            listed_from: now,
        });
    }
}

/// A ticket's user-defined field.
pub(super) fn custom_field(value: Option<Value>) -> Value {
    let mut field = json!({
        "id": CUSTOM_FIELD, "caption": "Reference", "type": "Text", "entryMethod": "EntryField",
        "numberOfDecimals": 0,
    });
    if let (Some(field), Some(value)) = (field.as_object_mut(), value.filter(|value| !value.is_null())) {
        field.insert("value".to_owned(), value);
    }
    field
}

/// Keeps records that somebody entered long ago.
fn put(world: &mut ConnectWiseWorld, table: Table, rows: Vec<Value>) {
    for row in rows {
        let mut row = row::row(row);
        world.stamp(&mut row, "admin1");
        world.keep(table, row);
    }
}
