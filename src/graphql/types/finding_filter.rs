//! Which findings, in which order.

use async_graphql::{Enum, InputObject};
use entity::{company, finding};

use super::{DateTimeFilter, FindingState, OrderDirection, ReferenceFilter, SeverityFilter, TextFilter, all};
use crate::{db::page::Order, error::Error, findings::read};

/// The state of a finding.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FindingStateFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<FindingState>>,
}

/// Which findings; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FindingFilter {
    /// Whether they are there.
    pub state: Option<FindingStateFilter>,
    /// How bad they are.
    pub severity: Option<SeverityFilter>,
    /// Of which company.
    pub company: Option<ReferenceFilter>,
    /// Found by which product.
    pub source: Option<TextFilter>,
    /// When they were first seen.
    pub first_seen_at: Option<DateTimeFilter>,
    /// When they were last seen.
    pub last_seen_at: Option<DateTimeFilter>,
    /// Part of the title, in upper or lower case.
    pub query: Option<String>,
}

impl FindingFilter {
    /// The domain's filter.
    pub fn read(self) -> Result<read::FindingFilter, Error> {
        Ok(read::FindingFilter {
            states: all(self.state.and_then(|state| state.any_of)),
            severities: SeverityFilter::read(self.severity),
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            sources: TextFilter::read(self.source),
            first_seen: DateTimeFilter::read(self.first_seen_at),
            last_seen: DateTimeFilter::read(self.last_seen_at),
            text: self.query,
        })
    }
}

/// What findings are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum FindingOrderField {
    /// When they were last seen.
    #[default]
    LastSeenAt,
    /// When they were first seen.
    FirstSeenAt,
    /// How bad they are.
    Severity,
}

/// The order of findings; those that are equal stand in the order of their ids.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct FindingOrder {
    /// By what.
    pub field: FindingOrderField,
    /// Which way.
    #[graphql(default)]
    pub direction: OrderDirection,
}

impl From<FindingOrder> for Order<finding::Entity> {
    fn from(order: FindingOrder) -> Self {
        order.direction.of(match order.field {
            FindingOrderField::LastSeenAt => finding::Column::LastSeenAt,
            FindingOrderField::FirstSeenAt => finding::Column::FirstSeenAt,
            FindingOrderField::Severity => finding::Column::Severity,
        })
    }
}
