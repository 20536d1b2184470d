//! Which tickets, in which order.

use async_graphql::InputObject;
use entity::{company, psa_company, psa_connection};

use super::{
    DateTimeFilter, OrderDirection, ReferenceFilter, SeverityFilter, TextFilter, TicketState, all,
    filters::ordering,
};
use crate::{error::Error, tickets::read};

/// The state of a ticket.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketStateFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<TicketState>>,
}

/// Which tickets; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketFilter {
    /// Where they stand.
    pub state: Option<TicketStateFilter>,
    /// How bad they are.
    pub severity: Option<SeverityFilter>,
    /// For which company.
    pub company: Option<ReferenceFilter>,
    /// On which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// For which company of the PSA.
    pub psa_company: Option<ReferenceFilter>,
    /// On a connection to which platform, by its key.
    pub platform: Option<TextFilter>,
    /// When they were planned.
    pub created_at: Option<DateTimeFilter>,
    /// When they were last changed.
    pub updated_at: Option<DateTimeFilter>,
    /// When they were closed; open ones never were.
    pub closed_at: Option<DateTimeFilter>,
    /// Test tickets only, or none of them.
    pub is_test: Option<bool>,
    /// Part of the title or of the PSA's number, in upper or lower case: looks through the 50,000 newest tickets that
    /// the rest of the filter leaves. The whole number or id in the PSA is found whatever the ticket's age.
    pub query: Option<String>,
}

impl TicketFilter {
    /// The domain's filter.
    pub fn read(self) -> Result<read::TicketFilter, Error> {
        Ok(read::TicketFilter {
            states: all(self.state.and_then(|state| state.any_of)),
            severities: SeverityFilter::read(self.severity),
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            psa_connection_ids: ReferenceFilter::read::<psa_connection::Entity>(
                self.psa_connection.as_ref(),
                "psaConnection",
            )?,
            psa_company_ids: ReferenceFilter::read::<psa_company::Entity>(
                self.psa_company.as_ref(),
                "psaCompany",
            )?,
            platforms: TextFilter::read(self.platform),
            created: DateTimeFilter::read(self.created_at),
            updated: DateTimeFilter::read(self.updated_at),
            closed: DateTimeFilter::read(self.closed_at),
            is_test: self.is_test,
            text: self.query,
        })
    }
}

ordering! {
    /// The order of tickets; those that are equal stand in the order of their ids.
    TicketOrder, TicketOrderField of ticket, Desc, [
        /// When they were planned.
        #[default]
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
        /// When they were closed; those that are not are left out.
        ClosedAt,
        /// How bad they are.
        Severity,
    ]
}
