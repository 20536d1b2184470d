//! Which events a watcher wants.

use async_graphql::InputObject;
use entity::{
    billing_entry, billing_line, company, organization, psa_connection, ticket, ticket_operation,
    webhook_delivery, webhook_endpoint,
};
use uuid::Uuid;

use super::hearing::Wanted;
use crate::{
    error::{Error, Problem},
    graphql::types::{
        BillingEntryStateFilter, PsaConnectionHealthFilter, ReferenceFilter, SeverityFilter,
        TicketOperationKindFilter, TicketOperationStateFilter, TicketStateFilter, all,
    },
};

type Chosen = Option<Vec<Uuid>>;

fn organizations(filter: Option<&ReferenceFilter>) -> Result<Chosen, Problem> {
    ReferenceFilter::read::<organization::Entity>(filter, "organization")
}

fn connections(filter: Option<&ReferenceFilter>) -> Result<Chosen, Problem> {
    ReferenceFilter::read::<psa_connection::Entity>(filter, "psaConnection")
}

/// Whether a value is among the chosen ones; every value is where nothing is chosen.
fn holds<T: PartialEq>(chosen: Option<&Vec<T>>, value: &T) -> bool {
    chosen.is_none_or(|chosen| chosen.contains(value))
}

/// Which tickets; everything given must be true of the ticket after the change.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketUpdatedFilter {
    /// Of which organization; operators of the installation see several.
    pub organization: Option<ReferenceFilter>,
    /// These tickets.
    pub ticket: Option<ReferenceFilter>,
    /// Where they stand.
    pub state: Option<TicketStateFilter>,
    /// How bad they are.
    pub severity: Option<SeverityFilter>,
    /// For which company.
    pub company: Option<ReferenceFilter>,
    /// On which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// Test tickets only, or none of them.
    pub is_test: Option<bool>,
}

impl TicketUpdatedFilter {
    pub(super) fn read(self) -> Result<Wanted<ticket::Entity>, Error> {
        let ids = ReferenceFilter::read::<ticket::Entity>(self.ticket.as_ref(), "ticket")?;
        let companies = ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?;
        let connections = connections(self.psa_connection.as_ref())?;
        let states = all(self.state.and_then(|state| state.any_of));
        let severities = SeverityFilter::read(self.severity);
        let is_test = self.is_test;
        Ok(Wanted {
            organization_ids: organizations(self.organization.as_ref())?,
            id: None,
            matches: Box::new(move |row: &ticket::Model| {
                holds(ids.as_ref(), &row.id)
                    && holds(companies.as_ref(), &row.company_id)
                    && holds(connections.as_ref(), &row.psa_connection_id)
                    && holds(states.as_ref(), &row.state)
                    && holds(severities.any_of.as_ref(), &row.severity)
                    && severities.at_least.is_none_or(|least| row.severity >= least)
                    && is_test.is_none_or(|is_test| row.is_test == is_test)
            }),
        })
    }
}

/// Which deliveries; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct WebhookDeliveryReceivedFilter {
    /// Of which organization; operators of the installation see several.
    pub organization: Option<ReferenceFilter>,
    /// Where they came in.
    pub webhook_endpoint: Option<ReferenceFilter>,
}

impl WebhookDeliveryReceivedFilter {
    pub(super) fn read(self) -> Result<Wanted<webhook_delivery::Entity>, Error> {
        let endpoints = ReferenceFilter::read::<webhook_endpoint::Entity>(
            self.webhook_endpoint.as_ref(),
            "webhookEndpoint",
        )?;
        Ok(Wanted {
            organization_ids: organizations(self.organization.as_ref())?,
            id: None,
            matches: Box::new(move |row: &webhook_delivery::Model| {
                holds(endpoints.as_ref(), &row.webhook_endpoint_id)
            }),
        })
    }
}

/// Which operations; everything given must be true of the operation after the attempt.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketOperationAttemptedFilter {
    /// Of which organization; operators of the installation see several.
    pub organization: Option<ReferenceFilter>,
    /// On which ticket.
    pub ticket: Option<ReferenceFilter>,
    /// On which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// What is to be done.
    pub kind: Option<TicketOperationKindFilter>,
    /// Where they stand.
    pub state: Option<TicketOperationStateFilter>,
}

impl TicketOperationAttemptedFilter {
    pub(super) fn read(self) -> Result<Wanted<ticket_operation::Entity>, Error> {
        let tickets = ReferenceFilter::read::<ticket::Entity>(self.ticket.as_ref(), "ticket")?;
        let connections = connections(self.psa_connection.as_ref())?;
        let kinds = all(self.kind.and_then(|kind| kind.any_of));
        let states = all(self.state.and_then(|state| state.any_of));
        Ok(Wanted {
            organization_ids: organizations(self.organization.as_ref())?,
            id: None,
            matches: Box::new(move |row: &ticket_operation::Model| {
                holds(tickets.as_ref(), &row.ticket_id)
                    && holds(connections.as_ref(), &row.psa_connection_id)
                    && holds(kinds.as_ref(), &row.kind)
                    && holds(states.as_ref(), &row.state)
            }),
        })
    }
}

/// Which entries; everything given must be true of the entry after the change.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BillingEntryChangedFilter {
    /// Of which organization; operators of the installation see several.
    pub organization: Option<ReferenceFilter>,
    /// Of which line.
    pub billing_line: Option<ReferenceFilter>,
    /// Where they stand.
    pub state: Option<BillingEntryStateFilter>,
}

impl BillingEntryChangedFilter {
    pub(super) fn read(self) -> Result<Wanted<billing_entry::Entity>, Error> {
        let lines = ReferenceFilter::read::<billing_line::Entity>(self.billing_line.as_ref(), "billingLine")?;
        let states = all(self.state.and_then(BillingEntryStateFilter::chosen));
        Ok(Wanted {
            organization_ids: organizations(self.organization.as_ref())?,
            id: None,
            matches: Box::new(move |row: &billing_entry::Model| {
                holds(lines.as_ref(), &row.billing_line_id) && holds(states.as_ref(), &row.state)
            }),
        })
    }
}

/// Which connections; everything given must be true of the connection after the change.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PsaConnectionHealthChangedFilter {
    /// Of which organization; operators of the installation see several.
    pub organization: Option<ReferenceFilter>,
    /// These connections.
    pub psa_connection: Option<ReferenceFilter>,
    /// How they are.
    pub status: Option<PsaConnectionHealthFilter>,
}

impl PsaConnectionHealthChangedFilter {
    pub(super) fn read(self) -> Result<Wanted<psa_connection::Entity>, Error> {
        let ids = connections(self.psa_connection.as_ref())?;
        let statuses = all(self.status.and_then(|status| status.any_of));
        Ok(Wanted {
            organization_ids: organizations(self.organization.as_ref())?,
            id: None,
            matches: Box::new(move |row: &psa_connection::Model| {
                holds(ids.as_ref(), &row.id) && holds(statuses.as_ref(), &row.health)
            }),
        })
    }
}
