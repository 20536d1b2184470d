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

/// Makes the two types of an order: `ordering! { /// What. ThingOrder, ThingOrderField of thing, Desc, [/// The field. #[default] CreatedAt] }`.
/// The fields are columns of the table; the direction is the one meant where none is said.
macro_rules! ordering {
    ($(#[$doc:meta])* $order:ident, $field:ident of $table:ident, Asc, [$($fields:tt)+]) => {
        ordering!(@types $(#[$doc])* $order, $field of $table, Asc, "OrderDirection::Asc", [$($fields)+]);
    };
    ($(#[$doc:meta])* $order:ident, $field:ident of $table:ident, Desc, [$($fields:tt)+]) => {
        ordering!(@types $(#[$doc])* $order, $field of $table, Desc, "OrderDirection::Desc", [$($fields)+]);
    };
    (@types $(#[$doc:meta])* $order:ident, $field:ident of $table:ident, $direction:ident, $default:literal,
     [$($(#[$about:meta])* $column:ident),+ $(,)?]) => {
        /// What they are ordered by. New values may be added.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ::async_graphql::Enum)]
        pub enum $field {
            $($(#[$about])* $column,)+
        }

        $(#[$doc])*
        #[derive(Clone, Copy, Debug, ::async_graphql::InputObject)]
        pub struct $order {
            /// By what.
            pub field: $field,
            /// Which way.
            #[graphql(default_with = $default)]
            pub direction: $crate::graphql::types::OrderDirection,
        }

        impl Default for $order {
            fn default() -> Self {
                let direction = $crate::graphql::types::OrderDirection::$direction;
                Self { field: $field::default(), direction }
            }
        }

        impl From<$order> for $crate::db::page::Order<::entity::$table::Entity> {
            fn from(order: $order) -> Self {
                order.direction.of(match order.field {
                    $($field::$column => ::entity::$table::Column::$column,)+
                })
            }
        }
    };
}

pub(super) use ordering;
