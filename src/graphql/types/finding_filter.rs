//! Which findings, in which order.

use async_graphql::InputObject;
use entity::company;

use super::{
    DateTimeFilter, FindingState, OrderDirection, ReferenceFilter, SeverityFilter, TextFilter, all,
    filters::ordering,
};
use crate::{error::Error, findings::read};

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
    /// What they are about, e.g. `vulnerability`.
    pub category: Option<TextFilter>,
    /// The kind of the newest event about them, e.g. `finding.opened`.
    pub kind: Option<TextFilter>,
    /// When they were first seen.
    pub first_seen_at: Option<DateTimeFilter>,
    /// When they were last seen.
    pub last_seen_at: Option<DateTimeFilter>,
    /// Learned in an endpoint's baseline mode and as they were then, or not.
    pub is_baseline: Option<bool>,
    /// Part of the title, or of the name, address or id of the asset, in upper or lower case: looks through the
    /// 50,000 findings seen last that the rest of the filter leaves. The whole key is found whatever their age.
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
            categories: TextFilter::read(self.category),
            kinds: TextFilter::read(self.kind),
            first_seen: DateTimeFilter::read(self.first_seen_at),
            last_seen: DateTimeFilter::read(self.last_seen_at),
            is_baseline: self.is_baseline,
            text: self.query,
        })
    }
}

ordering! {
    /// The order of findings; those that are equal stand in the order of their ids.
    FindingOrder, FindingOrderField of finding, Desc, [
        /// When they were last seen.
        #[default]
        LastSeenAt,
        /// When they were first seen.
        FirstSeenAt,
        /// How bad they are.
        Severity,
    ]
}
