//! Pages of lists by keyset: every list of the API, at the root or below other things.
//!
//! A list stands below parents (tickets below a company, attempts below an operation). One statement
//! reads the same page of it for any number of parents. A page starts behind a row and not at a number,
//! so that rows added meanwhile move nothing, and a far page costs what the first one costs.

mod lean;
mod read;
mod search;

use std::hash::Hash;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::{
    ColumnTrait as _, EntityTrait, ExprTrait as _, IdenStatic as _, Iterable as _, ModelTrait as _,
    Order as Direction, Value,
    sea_query::{Expr, SelectStatement},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use lean::{Bound, Columns, Lean, lean};
pub use read::{Kept, Slice, Wanted, count_by_parent, slices};
pub use search::Search;

use crate::error::{Error, Problem, ProblemCode};

/// How many rows a page has where nobody says.
pub const DEFAULT_SIZE: u64 = 20;
/// How many it may have.
pub const MAX_SIZE: u64 = 100;

/// Which part of a list, as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageArgs {
    /// The first so many rows, 1 to 100.
    pub first: Option<i32>,
    /// … behind this cursor.
    pub after: Option<String>,
    /// The last so many rows, 1 to 100.
    pub last: Option<i32>,
    /// … before this cursor.
    pub before: Option<String>,
}

/// What a list is ordered by: a column that is never null and holds text or whole numbers (a time, too),
/// then the id.
#[derive(Clone, Copy, Debug)]
pub struct Order<E: EntityTrait> {
    column: E::Column,
    descending: bool,
}

impl<E: EntityTrait> PartialEq for Order<E> {
    fn eq(&self, other: &Self) -> bool {
        self.column.as_str() == other.column.as_str() && self.descending == other.descending
    }
}

impl<E: EntityTrait> Eq for Order<E> {}

impl<E: EntityTrait> Hash for Order<E> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.column.as_str().hash(state);
        self.descending.hash(state);
    }
}

impl<E: EntityTrait> Order<E> {
    /// Smallest (or earliest) first.
    pub const fn ascending(column: E::Column) -> Self {
        Self { column, descending: false }
    }

    /// Greatest (or newest) first.
    pub const fn descending(column: E::Column) -> Self {
        Self { column, descending: true }
    }

    /// Where a row stands in this order, as an opaque text.
    pub fn cursor(&self, row: &E::Model) -> String {
        let value = match row.get(self.column) {
            Value::BigInt(Some(number)) => MarkValue::Number(number),
            Value::Int(Some(number)) => MarkValue::Number(number.into()),
            Value::SmallInt(Some(number)) => MarkValue::Number(number.into()),
            Value::String(Some(text)) => MarkValue::Text(text),
            _ => MarkValue::Number(0),
        };
        self.mark(&value, id_of::<E>(row))
    }

    fn mark(&self, value: &MarkValue, id: Uuid) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::json!([self.name(), value, id]).to_string())
    }

    /// Whether it goes by this column.
    pub fn is_by(&self, column: E::Column) -> bool {
        self.column.as_str() == column.as_str()
    }

    /// Orders a statement, and keeps what lies between the marks of a page, as far as it has any.
    fn apply(self, statement: &mut SelectStatement, page: &Page) {
        let by = Expr::col(self.column.as_column_ref());
        let Some(id) = id_column::<E>().map(|id| Expr::col(id.as_column_ref())) else { return };
        for (mark, behind) in [(&page.after, true), (&page.before, false)] {
            let Some(mark) = mark else { continue };
            let value = match &mark.value {
                MarkValue::Number(number) => Expr::value(*number),
                MarkValue::Text(text) => Expr::value(text.as_str()),
            };
            let row = Expr::tuple([by.clone(), id.clone()]);
            let mark = Expr::tuple([value, Expr::value(mark.id)]);
            statement.and_where(if behind == self.descending { row.lt(mark) } else { row.gt(mark) });
        }
        let direction = if self.descending == page.backward { Direction::Asc } else { Direction::Desc };
        statement.order_by_expr(by, direction.clone()).order_by_expr(id, direction);
    }

    fn name(self) -> String {
        let direction = if self.descending { "desc" } else { "asc" };
        format!("{}.{}.{direction}", E::default().table_name(), self.column.as_str())
    }

    fn read(self, cursor: Option<&str>, field: &str) -> Result<Option<Mark>, Problem> {
        let Some(cursor) = cursor else { return Ok(None) };
        let wrong = |message: &str| Problem::of(field, ProblemCode::Invalid, message);
        let (name, value, id) = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|text| serde_json::from_slice::<(String, MarkValue, Uuid)>(&text).ok())
            .ok_or_else(|| wrong("is no cursor: take one from `pageInfo` or `edges`"))?;
        if name == self.name() {
            Ok(Some(Mark { value, id }))
        } else {
            Err(wrong("is a cursor of another list or order: take one from this list, in this order"))
        }
    }
}

/// The id of a row.
pub fn id_of<E: EntityTrait>(row: &E::Model) -> Uuid {
    match id_column::<E>().map(|column| row.get(column)) {
        Some(Value::Uuid(Some(id))) => id,
        _ => Uuid::nil(),
    }
}

/// The column of the id: every table of ours has one.
pub fn id_column<E: EntityTrait>() -> Option<E::Column> {
    E::PrimaryKey::iter().next().map(sea_orm::PrimaryKeyToColumn::into_column)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
enum MarkValue {
    Number(i64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Mark {
    value: MarkValue,
    id: Uuid,
}

/// A part of a list that can be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    size: u64,
    backward: bool,
    after: Option<Mark>,
    before: Option<Mark>,
}

impl Page {
    /// The first so many rows, for our own reading.
    pub const fn first(size: u64) -> Self {
        Self { size, backward: false, after: None, before: None }
    }

    /// Checks what was asked for.
    pub fn new<E: EntityTrait>(args: &PageArgs, order: Order<E>) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let mut size = |count: Option<i32>, field| {
            let count = count?;
            let size = u64::try_from(count).ok().filter(|size| (1..=MAX_SIZE).contains(size));
            if size.is_none() {
                let message = format!("`{field}` is {count}: a page has 1 to {MAX_SIZE} items");
                problems.push(Problem::of(field, ProblemCode::Invalid, message));
            }
            size
        };
        let (first, last) = (size(args.first, "first"), size(args.last, "last"));
        if args.first.is_some() && args.last.is_some() {
            problems.push(Problem::of("last", ProblemCode::Invalid, "give `first` or `last`, not both"));
        }
        let mut mark = |cursor: &Option<String>, field| {
            order.read(cursor.as_deref(), field).unwrap_or_else(|problem| {
                let message = format!("`{field}` {}", problem.message);
                problems.push(Problem { message, ..problem });
                None
            })
        };
        let (after, before) = (mark(&args.after, "after"), mark(&args.before, "before"));
        if problems.is_empty() {
            let size = first.or(last).unwrap_or(DEFAULT_SIZE);
            Ok(Self { size, backward: last.is_some(), after, before })
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

#[cfg(test)]
mod plans;
#[cfg(test)]
mod tests;
