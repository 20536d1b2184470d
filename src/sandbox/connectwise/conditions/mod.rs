//! The little language of `conditions`, `childConditions` and `customFieldConditions`, as the vendor's
//! Developer Guide describes it: `= != < <= > >= contains like in not`, `and`, `or`, parentheses, quoted
//! texts, `[datetimes]`, bare numbers, `True`, `False` and `null`, and paths such as `board/id`.

mod lexer;
mod parser;
mod pattern;

use std::cmp::Ordering;

use entity::Timestamp;
use serde_json::Value;

use self::pattern::Pattern;
use super::{resources::Member, row::Row};

/// The fields that a condition may name.
#[derive(Debug)]
pub(super) struct Scope<'s> {
    fields: &'s [Member],
    /// About members of the record's arrays.
    is_children: bool,
}

/// A condition that was understood.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    expression: Expression,
    /// The array, of whose members one must match.
    array: Option<String>,
}

#[derive(Clone, Debug)]
enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Test(Test),
}

#[derive(Clone, Debug)]
struct Test {
    path: Vec<String>,
    operator: Operator,
    is_negated: bool,
}

#[derive(Clone, Debug)]
enum Operator {
    Is(Compare, Literal),
    In(Vec<Literal>),
    Matches(Pattern),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(String),
    Number(f64),
    Flag(bool),
    Time(Timestamp),
    Null,
}

impl Condition {
    /// Reads a condition, or tells what is wrong with it.
    pub(super) fn read(text: &str, scope: &Scope) -> Result<Self, String> {
        let (expression, array) = parser::parse(text, scope)?;
        Ok(Self { expression, array })
    }

    /// A condition on the members of a given array, which the paths do not name.
    pub(super) fn about(array: &str, text: &str, members: &[Member]) -> Result<Self, String> {
        let (expression, _) = parser::parse(text, &Scope::record(members))?;
        Ok(Self { expression, array: Some(array.to_owned()) })
    }

    pub(super) fn matches(&self, row: &Row) -> bool {
        let Some(array) = &self.array else { return self.expression.matches(row) };
        let members = row.get(array).and_then(Value::as_array);
        members
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .any(|member| self.expression.matches(member))
    }
}

impl Expression {
    fn matches(&self, row: &Row) -> bool {
        match self {
            Self::And(one, other) => one.matches(row) && other.matches(row),
            Self::Or(one, other) => one.matches(row) || other.matches(row),
            Self::Test(test) => test.matches(row),
        }
    }
}

impl Test {
    /// A value that is not there matches nothing but null, negated or not, as in SQL.
    fn matches(&self, row: &Row) -> bool {
        let value = self
            .path
            .split_first()
            .and_then(|(first, rest)| rest.iter().try_fold(row.get(first)?, |value, part| value.get(part)));
        let value = value.filter(|value| !value.is_null());
        match (&self.operator, value) {
            (Operator::Is(compare, Literal::Null), value) => match compare {
                Compare::Unequal => value.is_some(),
                _ => value.is_none(),
            },
            (_, None) => false,
            (Operator::Is(compare, literal), Some(value)) => {
                literal.order(value).is_some_and(|order| compare.allows(order))
            }
            (Operator::In(list), Some(value)) => {
                list.iter().any(|literal| literal.order(value) == Some(Ordering::Equal)) != self.is_negated
            }
            (Operator::Matches(pattern), Some(value)) => {
                value.as_str().is_some_and(|text| pattern.matches(text) != self.is_negated)
            }
        }
    }
}

impl Compare {
    fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

impl Literal {
    /// How a record's value compares with this; nothing where the two cannot be compared.
    fn order(&self, value: &Value) -> Option<Ordering> {
        match self {
            // SQL Server's usual collation does not mind case.
            Self::Text(text) => Some(compare_texts(value.as_str()?, text)),
            Self::Number(number) => value.as_f64()?.partial_cmp(number),
            Self::Flag(flag) => Some(value.as_bool()?.cmp(flag)),
            Self::Time(at) => Some(Timestamp::parse_rfc3339(value.as_str()?)?.cmp(at)),
            Self::Null => None,
        }
    }
}

fn compare_texts(one: &str, other: &str) -> Ordering {
    if one.eq_ignore_ascii_case(other) {
        return Ordering::Equal;
    }
    one.to_lowercase().cmp(&other.to_lowercase())
}
