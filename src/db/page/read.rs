//! The statements that read pages and lengths of lists.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, ExprTrait as _, FromQueryResult as _,
    Iterable as _, QueryTrait as _, Select,
    sea_query::{Asterisk, ColumnRef, Expr, Func, JoinType, Query, SelectStatement, UnionType},
};
use uuid::Uuid;

use super::{Order, Page, Search, id_column};

const PARENT: &str = "page_parent";
const PARENTS: &str = "page_parents";
/// How both databases call the only column of `VALUES`.
const ONLY: &str = "column1";
const ROWS: &str = "page_rows";
const COUNT: &str = "page_count";

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

impl<M> Default for Slice<M> {
    fn default() -> Self {
        Self { rows: Vec::new(), has_next: false, has_previous: false }
    }
}

/// What a list holds.
#[derive(Clone, Debug)]
pub struct Wanted<E: EntityTrait> {
    /// The rows, with their joins and conditions.
    pub rows: Select<E>,
    /// Rows of that kind as such, with the same columns and nothing else.
    pub bare: Select<E>,
    /// The column that says below which parent a row stands.
    pub parent: ColumnRef,
    /// What is looked for in them.
    pub search: Option<Search<E>>,
    /// What the list's length adds up to, where that is known without counting it.
    pub kept: Option<Vec<Kept>>,
}

/// A part of a list's length.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Whole numbers that add up to it, in a column called [`Self::NUMBER`].
    pub rows: SelectStatement,
    /// The column that says below which parent a number stands.
    pub parent: ColumnRef,
}

impl Kept {
    /// What the column of numbers is called.
    pub const NUMBER: &str = "number";

    fn below(&self, parent: &Expr) -> SelectStatement {
        let mut rows = self.rows.clone();
        rows.and_where(Expr::col(self.parent.clone()).eq(parent.clone())).take()
    }
}

/// Reads the same page of a list below each of `parents`, in one statement.
pub async fn slices<E: EntityTrait>(
    db: &impl ConnectionTrait,
    wanted: &Wanted<E>,
    parents: &[Uuid],
    order: Order<E>,
    page: &Page,
) -> Result<HashMap<Uuid, Slice<E::Model>>, DbErr> {
    let Some(statement) = statement::<E>(db.get_database_backend(), wanted, parents, order, page, None)
    else {
        return Ok(HashMap::new());
    };
    let mut found: HashMap<Uuid, Vec<E::Model>> = parents.iter().map(|id| (*id, Vec::new())).collect();
    for row in db.query_all(&statement).await? {
        let model = E::Model::from_query_result(&row, "")?;
        found.entry(row.try_get("", PARENT)?).or_default().push(model);
    }
    Ok(found.into_iter().map(|(parent, rows)| (parent, cut(rows, page))).collect())
}

/// A page of what was read for it, which is one row more where there is one.
pub(super) fn cut<M>(mut rows: Vec<M>, page: &Page) -> Slice<M> {
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    if page.backward {
        rows.reverse();
    }
    let (ahead, behind) = (page.before.is_some(), page.after.is_some());
    let (has_next, has_previous) =
        if page.backward { (ahead, more || behind) } else { (more || ahead, behind) };
    Slice { rows, has_next, has_previous }
}

impl<E: EntityTrait> Wanted<E> {
    /// The rows below a parent.
    fn below(&self, parent: &Expr) -> SelectStatement {
        let is_below = || Expr::col(self.parent.clone()).eq(parent.clone());
        let mut rows = self.rows.clone().into_query();
        rows.and_where(is_below());
        if let (Some(search), Some(id)) = (&self.search, id_column::<E>()) {
            let mut all = self.rows.clone().into_query();
            all.and_where(is_below());
            rows.and_where(id.in_subquery(search.matches(&all, id)));
        }
        rows
    }
}

/// The statement; with `only`, of these columns alone, each of which is named once.
pub(super) fn statement<E: EntityTrait>(
    backend: DbBackend,
    wanted: &Wanted<E>,
    parents: &[Uuid],
    order: Order<E>,
    page: &Page,
    only: Option<&[E::Column]>,
) -> Option<SelectStatement> {
    let one_more = page.size.saturating_add(1);
    if let [one] = parents {
        // The plain form, which an index on parent, order and id answers without sorting.
        let mut rows = wanted.below(&Expr::value(*one));
        choose::<E>(&mut rows, only);
        rows.expr_as(Expr::value(*one), PARENT);
        order.apply(&mut rows, page);
        return Some(rows.limit(one_more).take());
    }
    if parents.is_empty() {
        return None;
    }
    // The same for each of many: no parent's rows are read further than its page goes.
    let parent = || Expr::col((PARENTS, ONLY));
    let mut rows = wanted.below(&parent());
    order.apply(&mut rows, page);
    rows.limit(one_more);
    let parents = parents.iter().copied();
    if backend == DbBackend::Postgres {
        choose::<E>(&mut rows, only);
        let mut outer = Query::select();
        match only {
            Some(only) => outer.columns(only.iter().map(|column| (ROWS, *column))),
            None => outer.columns(E::Column::iter().map(|column| (ROWS, column))),
        };
        outer.expr_as(parent(), PARENT).from_values(parents, PARENTS).join_lateral(
            JoinType::InnerJoin,
            rows,
            ROWS,
            Expr::value(true),
        );
        // Rows of one parent come in its order; the order of parents does not matter.
        return Some(outer);
    }
    // SQLite has no LATERAL; it looks up the ids of each parent's page instead.
    let id = id_column::<E>()?;
    rows.clear_selects().expr(Expr::col(id.as_column_ref()));
    let mut outer = wanted.bare.clone().into_query();
    choose::<E>(&mut outer, only);
    let of_page = id.in_subquery(rows);
    outer.expr_as(parent(), PARENT).from_clear().from_values(parents, PARENTS);
    // SQLite reads what stands left of a CROSS JOIN first.
    outer.cross_join(E::default().table_ref()).and_where(of_page);
    order.apply(&mut outer, &Page { after: None, before: None, ..page.clone() });
    Some(outer)
}

fn choose<E: EntityTrait>(rows: &mut SelectStatement, only: Option<&[E::Column]>) {
    if let Some(only) = only {
        rows.clear_selects().columns(only.iter().map(ColumnTrait::as_column_ref));
    }
}

/// How many rows there are below a parent, up to a bound.
fn counted<E: EntityTrait>(wanted: &Wanted<E>, parent: &Expr, bound: Option<u64>) -> Expr {
    if let (Some([first, others @ ..]), None) = (wanted.kept.as_deref(), bound) {
        let mut rows = first.below(parent);
        for part in others {
            rows.union(UnionType::All, part.below(parent));
        }
        // None is 0, and PostgreSQL adds whole numbers up to a decimal.
        let number = Func::coalesce([Expr::col(Kept::NUMBER).sum(), Expr::value(0_i64)]);
        let mut sum = Query::select();
        sum.expr(Expr::from(number).cast_as("BIGINT")).from_subquery(rows, ROWS);
        return sum.into();
    }
    let mut rows = wanted.below(parent);
    rows.clear_selects().expr_as(Expr::value(1), "one");
    if let Some(bound) = bound {
        rows.limit(bound);
    }
    let mut count = Query::select();
    count.expr(Func::count(Expr::col(Asterisk))).from_subquery(rows, ROWS);
    count.into()
}

/// Has each row of a page of one parent's say how many rows there are below it, behind its other columns.
pub(super) fn count_too<E: EntityTrait>(
    page: &mut SelectStatement,
    wanted: &Wanted<E>,
    parent: Uuid,
    bound: Option<u64>,
) {
    page.expr_as(counted(wanted, &Expr::value(parent), bound), COUNT);
}

/// How many rows a list has below each of `parents`, in one statement. It stops at `bound`, where there is
/// one: counting a log of millions for a number on a page is dear.
pub async fn count_by_parent<E: EntityTrait>(
    db: &impl ConnectionTrait,
    wanted: &Wanted<E>,
    parents: &[Uuid],
    bound: Option<u64>,
) -> Result<HashMap<Uuid, u64>, DbErr> {
    if parents.is_empty() {
        return Ok(HashMap::new());
    }
    let parent = || Expr::col((PARENTS, ONLY));
    let mut outer = Query::select();
    outer
        .expr_as(parent(), PARENT)
        .expr_as(counted(wanted, &parent(), bound), COUNT)
        .from_values(parents.iter().copied(), PARENTS);
    let mut counts: HashMap<Uuid, u64> = parents.iter().map(|id| (*id, 0)).collect();
    for row in db.query_all(&outer).await? {
        let count: i64 = row.try_get("", COUNT)?;
        counts.insert(row.try_get("", PARENT)?, u64::try_from(count).unwrap_or_default());
    }
    Ok(counts)
}
