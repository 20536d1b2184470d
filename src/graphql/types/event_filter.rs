//! Which events, in which order.

use async_graphql::InputObject;
use entity::company;

use super::{
    DateTimeFilter, EventOutcome, OrderDirection, ReferenceFilter, SeverityFilter, TextFilter, all,
    filters::ordering,
};
use crate::{decisions::events, error::Error};

/// The outcome of an event.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EventOutcomeFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<EventOutcome>>,
}

/// Which events; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EventFilter {
    /// What became of them.
    pub outcome: Option<EventOutcomeFilter>,
    /// Why, by the stable name of the reason.
    pub reason: Option<TextFilter>,
    /// Of which kind, e.g. `finding.opened`.
    pub kind: Option<TextFilter>,
    /// Which product said them.
    pub source: Option<TextFilter>,
    /// The sender's own name or id for the customer.
    pub client_ref: Option<TextFilter>,
    /// Whether they name a customer at all.
    pub has_client_ref: Option<bool>,
    /// How bad they are.
    pub severity: Option<SeverityFilter>,
    /// About which company.
    pub company: Option<ReferenceFilter>,
    /// When they were read.
    pub created_at: Option<DateTimeFilter>,
    /// When they were so, as the sender says.
    pub occurred_at: Option<DateTimeFilter>,
    /// Part of the title or of the sender's name for the customer, in upper or lower case: looks through the 50,000
    /// newest events that the rest of the filter leaves.
    pub query: Option<String>,
}

impl EventFilter {
    /// The domain's filter.
    pub fn read(self) -> Result<events::EventFilter, Error> {
        Ok(events::EventFilter {
            outcomes: all(self.outcome.and_then(|outcome| outcome.any_of)),
            reasons: TextFilter::read(self.reason),
            kinds: TextFilter::read(self.kind),
            severities: SeverityFilter::read(self.severity),
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            sources: TextFilter::read(self.source),
            client_refs: TextFilter::read(self.client_ref),
            names_customer: self.has_client_ref,
            created: DateTimeFilter::read(self.created_at),
            occurred: DateTimeFilter::read(self.occurred_at),
            text: self.query,
        })
    }
}

ordering! {
    /// The order of events; those that are equal stand in the order of their ids.
    EventOrder, EventOrderField of event, Desc, [
        /// When they were read.
        #[default]
        CreatedAt,
        /// When they were so, as the sender says.
        OccurredAt,
    ]
}
