//! Parts of filters and orders that lists share.

use async_graphql::{Enum, ID, InputObject};
use sea_orm::EntityTrait;
use uuid::Uuid;

use super::Severity;
use crate::{
    db::{
        filter::{Severities, Span},
        page::Order,
    },
    error::Problem,
    graphql::{
        ids::{self, Identified},
        scalars::DateTime,
    },
};

/// Which way a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest, earliest or least first.
    Asc,
    /// Greatest, latest or most first.
    #[default]
    Desc,
}

impl OrderDirection {
    /// A column in this direction.
    pub fn of<E: EntityTrait>(self, column: E::Column) -> Order<E> {
        match self {
            Self::Asc => Order::ascending(column),
            Self::Desc => Order::descending(column),
        }
    }
}

/// Things by their ids.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IdFilter {
    /// This one.
    pub eq: Option<ID>,
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<ID>>,
}

/// A thing that another one refers to.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ReferenceFilter {
    /// By its id.
    pub id: Option<IdFilter>,
}

impl ReferenceFilter {
    /// The rows meant; none where nothing is said. `field` is where the filter stands.
    pub fn read<E: Identified>(filter: Option<&Self>, field: &str) -> Result<Option<Vec<Uuid>>, Problem> {
        let Some(filter) = filter.and_then(|filter| filter.id.as_ref()) else { return Ok(None) };
        let eq = ids::parse_option::<E>(filter.eq.as_ref(), &["filter", field, "id", "eq"])?;
        let any_of = filter
            .any_of
            .as_ref()
            .map(|any_of| {
                any_of.iter().map(|id| ids::parse::<E>(id, &["filter", field, "id", "in"])).collect()
            })
            .transpose()?;
        Ok(match (eq, any_of) {
            (Some(eq), None) => Some(vec![eq]),
            (Some(eq), Some(any_of)) => {
                let any_of: Vec<Uuid> = any_of;
                Some(any_of.into_iter().filter(|id| *id == eq).collect())
            }
            (None, any_of) => any_of,
        })
    }
}

/// A time.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct DateTimeFilter {
    /// Not before this.
    pub gte: Option<DateTime>,
    /// Before this.
    pub lt: Option<DateTime>,
}

impl DateTimeFilter {
    /// The span meant.
    pub fn read(filter: Option<Self>) -> Span {
        let filter = filter.unwrap_or_default();
        Span { from: filter.gte.map(|at| at.0), until: filter.lt.map(|at| at.0) }
    }
}

/// A severity.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SeverityFilter {
    /// This one or a worse one. UNKNOWN is below INFO.
    pub gte: Option<Severity>,
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<Severity>>,
}

impl SeverityFilter {
    /// The severities meant.
    pub fn read(filter: Option<Self>) -> Severities {
        let filter = filter.unwrap_or_default();
        Severities { at_least: filter.gte.map(Into::into), any_of: all(filter.any_of) }
    }
}

/// A text, exactly.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TextFilter {
    /// This one.
    pub eq: Option<String>,
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<String>>,
}

impl TextFilter {
    /// The texts meant; none where nothing is said.
    pub fn read(filter: Option<Self>) -> Option<Vec<String>> {
        let filter = filter?;
        match (filter.eq, filter.any_of) {
            (Some(eq), None) => Some(vec![eq]),
            (Some(eq), Some(any_of)) => Some(any_of.into_iter().filter(|text| *text == eq).collect()),
            (None, any_of) => any_of,
        }
    }
}

/// The domain's values of an `in`.
pub fn all<T, U: From<T>>(values: Option<Vec<T>>) -> Option<Vec<U>> {
    values.map(|values| values.into_iter().map(U::from).collect())
}
