//! Pages of lists by keyset: every list of the API, at the root or below other things.
//!
//! A list stands below parents (tickets below a company, attempts below an operation). One statement
//! reads the same page of it for any number of parents. A page starts behind a row and not at a number,
//! so that rows added meanwhile move nothing, and a far page costs what the first one costs.

use std::{collections::HashMap, hash::Hash};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, FromQueryResult as _,
    IdenStatic as _, Iterable as _, ModelTrait as _, Order as Direction, QueryTrait as _, Select, Value,
    sea_query::{Asterisk, ColumnRef, Expr, Func, Query, SelectStatement, WindowStatement},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Problem, ProblemCode};

/// How many rows a page has where nobody says.
pub const DEFAULT_SIZE: u64 = 20;
/// How many it may have.
pub const MAX_SIZE: u64 = 100;

const PARENT: &str = "page_parent";
const RANK: &str = "page_rank";
const RANKED: &str = "ranked";
const COUNT: &str = "page_count";

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
        let id = id_of::<E>(row);
        URL_SAFE_NO_PAD.encode(serde_json::json!([self.name(), value, id]).to_string())
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

/// One page of rows, in the list's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<M> {
    /// The rows.
    pub rows: Vec<M>,
    /// Whether there are more behind them.
    pub has_next: bool,
    /// Whether there are more before them.
    pub has_previous: bool,
}

/// Reads the same page of a list below each of `parents`, in one statement.
///
/// `rows` is the list with its joins and conditions; `parent` is the column that says below which
/// parent a row stands.
pub async fn slices<E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    parent: ColumnRef,
    parents: &[Uuid],
    order: Order<E>,
    page: &Page,
) -> Result<HashMap<Uuid, Slice<E::Model>>, DbErr> {
    let Some(statement) = statement::<E>(rows, parent, parents, order, page) else {
        return Ok(HashMap::new());
    };
    let mut found: HashMap<Uuid, Vec<E::Model>> = parents.iter().map(|id| (*id, Vec::new())).collect();
    for row in db.query_all(&statement).await? {
        let model = E::Model::from_query_result(&row, "")?;
        found.entry(row.try_get("", PARENT)?).or_default().push(model);
    }
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    Ok(found
        .into_iter()
        .map(|(parent, mut rows)| {
            let more = rows.len() > size;
            rows.truncate(size);
            if page.backward {
                rows.reverse();
            }
            let (ahead, behind) = (page.before.is_some(), page.after.is_some());
            let (has_next, has_previous) =
                if page.backward { (ahead, more || behind) } else { (more || ahead, behind) };
            (parent, Slice { rows, has_next, has_previous })
        })
        .collect())
}

fn statement<E: EntityTrait>(
    rows: Select<E>,
    parent: ColumnRef,
    parents: &[Uuid],
    order: Order<E>,
    page: &Page,
) -> Option<SelectStatement> {
    let by = Expr::col(order.column.as_column_ref());
    let id = Expr::col(id_column::<E>()?.as_column_ref());
    let mut inner = rows.into_query();
    inner.expr_as(Expr::col(parent.clone()), PARENT);
    for (mark, behind) in [(&page.after, true), (&page.before, false)] {
        let Some(mark) = mark else { continue };
        let value = match &mark.value {
            MarkValue::Number(number) => Expr::value(*number),
            MarkValue::Text(text) => Expr::value(text.as_str()),
        };
        let row = Expr::tuple([by.clone(), id.clone()]);
        let mark = Expr::tuple([value, Expr::value(mark.id)]);
        inner.and_where(if behind == order.descending { row.lt(mark) } else { row.gt(mark) });
    }
    let direction = if order.descending == page.backward { Direction::Asc } else { Direction::Desc };
    if let [one] = parents {
        // The plain form, which an index on parent, order and id answers without sorting.
        inner.and_where(Expr::col(parent).eq(*one));
        inner.order_by_expr(by, direction.clone()).order_by_expr(id, direction).limit(page.size + 1);
        return Some(inner);
    }
    if parents.is_empty() {
        return None;
    }
    inner.and_where(Expr::col(parent.clone()).is_in(parents.iter().copied()));
    let mut within = WindowStatement::partition_by(parent);
    within.order_by_expr(by, direction.clone()).order_by_expr(id, direction);
    inner.expr_window_as(Func::cust("ROW_NUMBER"), within, RANK);
    let mut outer = Query::select();
    for column in E::Column::iter() {
        outer.column((RANKED, column));
    }
    outer
        .column((RANKED, PARENT))
        .from_subquery(inner, RANKED)
        .and_where(Expr::col((RANKED, RANK)).lte(i64::try_from(page.size).unwrap_or(i64::MAX) + 1))
        .order_by((RANKED, RANK), Direction::Asc);
    Some(outer)
}

/// How many rows a list has below each of `parents`, in one statement. Below one parent it stops at
/// `bound`, where there is one: counting a log of millions for a number on a page is dear.
pub async fn count_by_parent<E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    parent: ColumnRef,
    parents: &[Uuid],
    bound: Option<u64>,
) -> Result<HashMap<Uuid, u64>, DbErr> {
    if parents.is_empty() {
        return Ok(HashMap::new());
    }
    let mut inner = rows.into_query();
    inner.clear_selects().expr_as(Expr::col(parent.clone()), PARENT);
    if let [one] = parents {
        inner.and_where(Expr::col(parent).eq(*one));
        if let Some(bound) = bound {
            inner.limit(bound);
        }
    } else {
        inner.and_where(Expr::col(parent).is_in(parents.iter().copied()));
    }
    let mut outer = Query::select();
    outer
        .column((RANKED, PARENT))
        .expr_as(Func::count(Expr::col(Asterisk)), COUNT)
        .from_subquery(inner, RANKED)
        .group_by_col((RANKED, PARENT));
    let mut counts: HashMap<Uuid, u64> = parents.iter().map(|id| (*id, 0)).collect();
    for row in db.query_all(&outer).await? {
        let count: i64 = row.try_get("", COUNT)?;
        counts.insert(row.try_get("", PARENT)?, u64::try_from(count).unwrap_or_default());
    }
    Ok(counts)
}

#[cfg(test)]
mod tests;
