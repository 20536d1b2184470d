//! Pages of which only some columns are read.

use std::{collections::HashMap, sync::Arc};

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, IdenStatic as _, Iterable as _, QueryResult, TryGetable};
use uuid::Uuid;

use super::{
    MarkValue, Order, Page, id_column,
    read::{Slice, Wanted, count_by_parent, count_too, cut, statement},
};

/// Names of columns.
pub type Columns = Arc<[&'static str]>;

/// A page of rows with some of their columns, which stand in each row in the order in which they were asked for.
#[derive(Debug, Default)]
pub struct Lean {
    page: Slice<QueryResult>,
    /// Where in a row the column of the list's order stands, and the id.
    order: usize,
    id: usize,
    count: Option<u64>,
}

/// Up to how many rows a list is counted; none where to its end.
#[derive(Clone, Copy, Debug)]
pub struct Bound(pub Option<u64>);

impl Lean {
    /// The rows.
    pub fn rows(&self) -> &[QueryResult] {
        &self.page.rows
    }

    /// Whether there are more rows behind them.
    pub fn has_next(&self) -> bool {
        self.page.has_next
    }

    /// Whether there are more rows before them.
    pub fn has_previous(&self) -> bool {
        self.page.has_previous
    }

    /// How long the list is, where that was asked for and is known.
    pub fn count(&self) -> Option<u64> {
        self.count
    }

    /// The cursor of a row in the order in which the page was read.
    pub fn cursor<E: EntityTrait>(&self, order: Order<E>, row: &QueryResult) -> Result<String, DbErr> {
        let number = |found: Option<i64>| found.map(MarkValue::Number);
        let mark = number(get(row, self.order))
            .or_else(|| number(get::<i32>(row, self.order).map(i64::from)))
            .or_else(|| number(get::<i16>(row, self.order).map(i64::from)));
        let mark = match mark {
            Some(mark) => mark,
            None => MarkValue::Text(row.try_get_by_index(self.order)?),
        };
        Ok(order.mark(&mark, row.try_get_by_index(self.id)?))
    }
}

fn get<T: TryGetable>(row: &QueryResult, at: usize) -> Option<T> {
    row.try_get_by_index(at).ok()
}

/// Reads the same page of a list below each of `parents`, in one statement, with these columns of its rows; with a
/// bound it also counts the list, of one parent in the same statement.
pub async fn lean<E: EntityTrait>(
    db: &impl ConnectionTrait,
    wanted: &Wanted<E>,
    parents: &[Uuid],
    order: Order<E>,
    page: &Page,
    columns: &Columns,
    count: Option<Bound>,
) -> Result<HashMap<Uuid, Arc<Lean>>, DbErr> {
    let Some(id) = id_column::<E>() else { return Ok(HashMap::new()) };
    let named = |name: &str| E::Column::iter().find(|column| column.as_str() == name);
    let mut only: Vec<E::Column> = columns.iter().filter_map(|name| named(name)).collect();
    let mut place = |wanted: E::Column| {
        only.iter().position(|column| column.as_str() == wanted.as_str()).unwrap_or_else(|| {
            only.push(wanted);
            only.len() - 1
        })
    };
    let (by, id) = (place(order.column), place(id));
    let Some(mut statement) =
        statement::<E>(db.get_database_backend(), wanted, parents, order, page, Some(&only))
    else {
        return Ok(HashMap::new());
    };
    let mut counts = HashMap::new();
    match (count, parents) {
        (Some(bound), [one]) => count_too(&mut statement, wanted, *one, bound.0),
        (Some(bound), _) => counts = count_by_parent(db, wanted, parents, bound.0).await?,
        (None, _) => {}
    }
    let is_counted_too = count.is_some() && parents.len() == 1;
    let mut found: HashMap<Uuid, Vec<QueryResult>> = parents.iter().map(|id| (*id, Vec::new())).collect();
    for row in db.query_all(&statement).await? {
        found.entry(row.try_get_by_index(only.len())?).or_default().push(row);
    }
    let mut pages = HashMap::with_capacity(found.len());
    for (parent, rows) in found {
        let count = match rows.first() {
            Some(first) if is_counted_too => {
                let count: i64 = first.try_get_by_index(only.len() + 1)?;
                Some(u64::try_from(count).unwrap_or_default())
            }
            // Nothing is behind no cursor.
            None if is_counted_too && page.after.is_none() && page.before.is_none() => Some(0),
            _ => counts.get(&parent).copied(),
        };
        pages.insert(parent, Arc::new(Lean { page: cut(rows, page), order: by, id, count }));
    }
    Ok(pages)
}
