//! Looking for a text in a list that may have millions of rows.
//!
//! No index finds a part of a text in both databases, so that looking costs what the rows looked at cost. The
//! number of these has a bound: the newest rows of the list, behind all its other conditions. What people know
//! by heart (a number, an id) is found by an index, however old it is.

use sea_orm::{
    ColumnTrait as _, EntityTrait, ExprTrait as _,
    sea_query::{Expr, Order, Query, SelectStatement, UnionType},
};

use crate::db::filter::holds;

/// How many of a list's newest rows are looked through: on both databases some tens of milliseconds.
pub(super) const NEWEST: u64 = 50_000;

const WINDOW: &str = "newest";

/// What is looked for in a list.
#[derive(Clone, Debug)]
pub struct Search<E: EntityTrait> {
    /// The text; not empty.
    pub text: String,
    /// Texts of which one has it somewhere in it, in upper or lower case.
    pub within: Vec<Expr>,
    /// Conditions that an index answers, any of which will do.
    pub exact: Vec<Expr>,
    /// The time that says which rows are the newest.
    pub newest: E::Column,
    /// How many of these are looked through.
    pub bound: u64,
}

impl<E: EntityTrait> Search<E> {
    /// Looks for a text, where there is one. White space around it does not count.
    pub fn new(text: Option<&str>, newest: E::Column) -> Option<Self> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?.to_owned();
        Some(Self { text, within: Vec::new(), exact: Vec::new(), newest, bound: NEWEST })
    }

    /// In this text, too.
    #[must_use]
    pub fn within(mut self, text: Expr) -> Self {
        self.within.push(text);
        self
    }

    /// Or where a column is just this text: there must be an index.
    #[must_use]
    pub fn exactly(mut self, column: E::Column) -> Self {
        self.exact.push(Expr::col(column.as_column_ref()).eq(self.text.clone()));
        self
    }

    /// The ids of the rows of `all` that have it.
    pub(super) fn matches(&self, all: &SelectStatement, id: E::Column) -> SelectStatement {
        let ids = || {
            let mut rows = all.clone();
            rows.clear_selects().expr_as(Expr::col(id.as_column_ref()), "id");
            rows
        };
        let mut newest = ids();
        let mut texts = Vec::new();
        for (at, text) in self.within.iter().enumerate() {
            let name = format!("text_{at}");
            newest.expr_as(text.clone(), name.clone());
            texts.push(Expr::col((WINDOW, name)));
        }
        let time = Expr::col(self.newest.as_column_ref());
        newest.order_by_expr(time, Order::Desc).limit(self.bound);
        let mut found = Query::select();
        found.column((WINDOW, "id")).from_subquery(newest, WINDOW).cond_where(holds(texts, Some(&self.text)));
        for condition in &self.exact {
            found.union(UnionType::All, ids().and_where(condition.clone()).take());
        }
        found
    }
}
