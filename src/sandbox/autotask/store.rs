//! Everything that an instance remembers of its entities.

use std::collections::BTreeMap;

use entity::Timestamp;
use serde_json::Value;

use super::model::{Entity, Kind, Row, Spec};

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) row: Row,
    /// From when on queries find it; it can be had by its id before.
    pub(super) seen_from: Timestamp,
    /// Gone for everybody but the ledger.
    pub(super) is_deleted: bool,
}

/// All records, by id.
#[derive(Debug, Default)]
pub(super) struct Store {
    tables: BTreeMap<Entity, BTreeMap<i64, Record>>,
}

impl Store {
    /// An empty record: every field is there, and null.
    pub(super) fn blank(spec: &Spec) -> Row {
        let empty = |kind| if kind == Kind::Udfs { Value::Array(Vec::new()) } else { Value::Null };
        spec.fields.iter().map(|field| (field.name.to_owned(), empty(field.kind))).collect()
    }

    /// One record that is not deleted.
    pub(super) fn get(&self, entity: Entity, id: i64) -> Option<&Row> {
        let record = self.tables.get(&entity)?.get(&id)?;
        (!record.is_deleted).then_some(&record.row)
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, entity: Entity, id: i64) -> Option<&mut Row> {
        let record = self.tables.get_mut(&entity)?.get_mut(&id)?;
        (!record.is_deleted).then_some(&mut record.row)
    }

    /// All that are not deleted, by id.
    pub(super) fn rows(&self, entity: Entity) -> impl Iterator<Item = (i64, &Row)> {
        self.records(entity).filter(|(_, record)| !record.is_deleted).map(|(id, record)| (id, &record.row))
    }

    /// All of them, by id.
    pub(super) fn records(&self, entity: Entity) -> impl Iterator<Item = (i64, &Record)> {
        self.tables.get(&entity).into_iter().flatten().map(|(id, record)| (*id, record))
    }

    /// The id that the next record gets.
    pub(super) fn next_id(&self, spec: &Spec) -> i64 {
        let last = self.tables.get(&spec.entity).and_then(|table| table.last_key_value());
        last.map_or(spec.first_id, |(id, _)| spec.first_id.max(id + 1))
    }

    /// Adds a record under an id of its own, which it is given.
    pub(super) fn put(&mut self, entity: Entity, id: i64, mut row: Row, seen_from: Timestamp) {
        row.insert("id".to_owned(), id.into());
        let record = Record { row, seen_from, is_deleted: false };
        self.tables.entry(entity).or_default().insert(id, record);
    }

    /// Marks one as deleted; false where there is none.
    pub(super) fn delete(&mut self, entity: Entity, id: i64) -> bool {
        let record = self.tables.get_mut(&entity).and_then(|table| table.get_mut(&id));
        record.is_some_and(|record| !std::mem::replace(&mut record.is_deleted, true))
    }
}
