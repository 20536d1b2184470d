//! The instance's records, and references from one to another.

use entity::Timestamp;
use serde_json::{Value, json};

use super::{
    errors::Problem,
    resources::{Kind, Table},
    row::{self, Row},
    world::ConnectWiseWorld,
};

/// Links between records; the host is invented.
const HREF_BASE: &str = "https://api-na.psa.example/v4_6_release/apis/3.0";

impl ConnectWiseWorld {
    pub(super) fn now(&self) -> Timestamp {
        self.ground.clock.now()
    }

    pub(super) fn rows(&self, table: Table) -> &[Row] {
        self.tables.get(&table).map_or(&[], Vec::as_slice)
    }

    pub(super) fn find(&self, table: Table, id: i64) -> Option<&Row> {
        self.rows(table).iter().find(|row| row::id(row) == id)
    }

    pub(super) fn find_mut(&mut self, table: Table, id: i64) -> Option<&mut Row> {
        self.tables.get_mut(&table)?.iter_mut().find(|row| row::id(row) == id)
    }

    /// An id that no record of the kind ever had.
    pub(super) fn next_id(&mut self, table: Table) -> i64 {
        let highest = self.rows(table).iter().map(row::id).max().unwrap_or(0);
        let last = self.last_ids.entry(table).or_insert(0);
        *last = highest.max(*last) + 1;
        *last
    }

    /// Keeps a record, with its references expanded.
    pub(super) fn keep(&mut self, table: Table, mut row: Row) {
        for (name, kind) in table.resource().fields {
            let Kind::Ref(target) = kind else { continue };
            let found = row::int(&row, &format!("{name}/id")).and_then(|id| self.find(*target, id));
            if let Some(found) = found {
                let reference = reference(*target, found);
                row.insert((*name).to_owned(), reference);
            }
        }
        row.retain(|_, value| !value.is_null());
        self.tables.entry(table).or_default().push(row);
    }

    /// Notes who wrote a record, and when.
    pub(super) fn stamp(&self, row: &mut Row, who: &str) {
        stamp(row, who, self.now());
    }

    /// The record that was meant by `{"id": 1}` or by its name, as a reference shows it. `owner` is the board
    /// or the company that it must belong to.
    pub(super) fn resolve(
        &self,
        table: Table,
        field: &str,
        given: &Value,
        owner: Option<i64>,
    ) -> Result<Value, Problem> {
        let resource = table.resource();
        let mut members = resource.reference.iter().map(|(name, _)| *name);
        let (by, wanted) = members
            .find_map(|name| Some((name, given.get(name).filter(|value| !value.is_null())?)))
            .ok_or_else(|| Problem::missing(&format!("{field}/id")))?;
        let path = format!("{field}/{by}");
        let is_wanted = |row: &Row| match (by, wanted) {
            ("id", wanted) => wanted.as_i64() == Some(row::id(row)),
            (_, Value::String(text)) => title(table, row, by).eq_ignore_ascii_case(text.trim()),
            _ => false,
        };
        if by == "id" && !wanted.is_i64() {
            return Err(Problem::invalid(&path, format!("The field {path} must be an integer.")));
        }
        let belongs = |row: &Row| match (table.parent(), owner) {
            (Some((parent, _)), Some(owner)) => row::int(row, &format!("{parent}/id")) == Some(owner),
            _ => true,
        };
        let found = self.rows(table).iter().find(|row| is_wanted(row) && belongs(row) && is_active(row));
        found.map(|row| reference(table, row)).ok_or_else(|| {
            let spoken = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
            let mut message = format!("{} {spoken} not found", resource.label);
            if let (Some((_, parent)), Some(owner)) = (table.parent(), owner) {
                message = format!("{message} for {} {owner}", parent.resource().label);
            }
            Problem::not_found(&path, message)
        })
    }
}

pub(super) fn stamp(row: &mut Row, who: &str, now: Timestamp) {
    let now = row::time(now);
    let info = row.entry("_info").or_insert_with(|| json!({ "dateEntered": now, "enteredBy": who }));
    if let Value::Object(info) = info {
        info.insert("lastUpdated".to_owned(), now.into());
        info.insert("updatedBy".to_owned(), who.into());
    }
}

fn is_active(row: &Row) -> bool {
    !["inactive", "inactiveFlag", "deletedFlag"].iter().any(|name| row::flag(row, name))
}

/// `{id, name, _info}`, or what else a reference to such a record shows.
pub(super) fn reference(table: Table, found: &Row) -> Value {
    let resource = table.resource();
    let mut shown = Row::new();
    for (name, _) in resource.reference {
        let value = match *name {
            "id" => row::id(found).into(),
            name => Value::String(title(table, found, name)),
        };
        if value != Value::String(String::new()) {
            shown.insert((*name).to_owned(), value);
        }
    }
    let (path, link) = resource.link;
    shown.insert(
        "_info".to_owned(),
        json!({ format!("{link}_href"): format!("{HREF_BASE}/{path}/{}", row::id(found)) }),
    );
    Value::Object(shown)
}

/// The text of a reference's field; people's names are made of two, and one table has a description.
fn title(table: Table, found: &Row, name: &str) -> String {
    let text = |name: &str| row::text(found, name).unwrap_or_default();
    match (table, name) {
        (Table::Members | Table::Contacts, "name") => {
            format!("{} {}", text("firstName"), text("lastName")).trim().to_owned()
        }
        (Table::ConfigurationStatuses, "name") => text("description").to_owned(),
        _ => text(name).to_owned(),
    }
}
