//! Conditions of lists, as the domain's filters share them.

use entity::{Severity, Timestamp};
use sea_orm::{
    ColumnTrait, Condition, ExprTrait as _, Value,
    sea_query::{BinOper, Expr, Func, LikeExpr, SelectStatement},
};

/// Nothing is found. Asked for one row after the other, as far as rows are read: of `NOT EXISTS` PostgreSQL makes a join,
/// which reads all that waits to find the first.
pub fn none_is_found(mut of: SelectStatement) -> Condition {
    of.limit(1);
    Condition::all().add(Expr::SubQuery(None, Box::new(of.into())).is_null())
}

/// From a moment (included) until another (not included).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

impl Span {
    /// A column holds a moment inside.
    pub fn holds(&self, column: impl ColumnTrait) -> Condition {
        Condition::all()
            .add_option(self.from.map(|from| column.gte(from)))
            .add_option(self.until.map(|until| column.lt(until)))
    }
}

/// Some severities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Severities {
    /// This or worse.
    pub at_least: Option<Severity>,
    /// One of these.
    pub any_of: Option<Vec<Severity>>,
}

impl Severities {
    /// A column holds one of them.
    pub fn hold(&self, column: impl ColumnTrait) -> Condition {
        Condition::all()
            .add_option(self.at_least.map(|least| column.gte(least)))
            .add(any_of(column, self.any_of.as_deref()))
    }
}

/// A column holds one of these values; anything where there is no list, nothing where it is empty.
pub fn any_of<T: Clone + Into<Value>>(column: impl ColumnTrait, values: Option<&[T]>) -> Condition {
    Condition::all().add_option(values.map(|values| column.is_in(values.iter().cloned())))
}

/// One of the columns has this text somewhere in it, in upper or lower case. White space around it does
/// not count; an empty text is in everything.
pub fn contains<C: ColumnTrait>(columns: &[C], text: Option<&str>) -> Condition {
    holds(columns.iter().map(|column| Expr::col(column.as_column_ref())), text)
}

/// The same of any texts.
pub fn holds(texts: impl IntoIterator<Item = Expr>, text: Option<&str>) -> Condition {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Condition::all();
    };
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    texts.into_iter().fold(Condition::any(), |any, text| {
        let value = Expr::expr(Func::lower(text));
        any.add(value.like(LikeExpr::new(pattern.clone()).escape('\\')))
    })
}

/// The text behind a key of a JSON object: `key` is a plain word of ours.
pub fn json_text(column: impl ColumnTrait, key: &'static str) -> Expr {
    // Both databases have this operator (SQLite since 3.38).
    Expr::col(column.as_column_ref()).binary(BinOper::Custom("->>"), Expr::cust(format!("'{key}'")))
}
