//! `$filter`, once it is understood.

use std::cmp::Ordering;

use super::cell::{Cell, Row};

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    pub(super) fn read(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "lt" => Self::Lt,
            "le" => Self::Le,
            _ => return None,
        })
    }

    /// Whether it asks for an order, and not only for sameness.
    pub(super) fn orders(self) -> bool {
        !matches!(self, Self::Eq | Self::Ne)
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
        }
    }
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// The number of a column.
    Column(usize),
    Literal(Cell),
}

/// A condition on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Or(Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare(Operand, Operator, Operand),
    Contains(Operand, Operand),
    /// A column of flags by itself.
    Flag(usize),
}

impl Condition {
    /// Whether the row meets it; with `mind_case`, texts are compared letter by letter.
    pub(super) fn takes(&self, row: &Row, mind_case: bool) -> bool {
        match self {
            Self::Or(a, b) => a.takes(row, mind_case) || b.takes(row, mind_case),
            Self::And(a, b) => a.takes(row, mind_case) && b.takes(row, mind_case),
            Self::Not(condition) => !condition.takes(row, mind_case),
            Self::Compare(a, operator, b) => {
                let (a, b) = (value(a, row, mind_case), value(b, row, mind_case));
                // Null is neither before nor after anything.
                let is_known = !operator.orders() || (a != Cell::Null && b != Cell::Null);
                is_known && a.order(&b).is_some_and(|order| operator.holds(order))
            }
            Self::Contains(text, part) => match (value(text, row, mind_case), value(part, row, mind_case)) {
                (Cell::Text(text), Cell::Text(part)) => text.contains(&part),
                _ => false,
            },
            Self::Flag(column) => row.get(*column) == Some(&Cell::Flag(true)),
        }
    }
}

fn value(operand: &Operand, row: &Row, mind_case: bool) -> Cell {
    let cell = match operand {
        Operand::Column(column) => row.get(*column).cloned().unwrap_or(Cell::Null),
        Operand::Literal(cell) => cell.clone(),
    };
    match cell {
        Cell::Text(text) if !mind_case => Cell::Text(text.to_lowercase()),
        cell => cell,
    }
}
