//! Our record of one PSA ticket.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use entity::{
    company, event, finding, psa_company, psa_connection, ticket, ticket_operation, ticket_profile,
};

use super::{
    Company, EventConnection, FindingConnection, PsaCompany, PsaConnection, Severity,
    TicketOperationConnection, TicketProfile, TicketState,
};
use crate::{
    db::page::{Order, PageArgs},
    decisions::events::{EventFilter, EventList, EventsOf},
    findings::read::{FindingFilter, FindingList, FindingsOf},
    graphql::{
        Asking as _,
        connection::connection,
        ids, plain,
        scalars::{DateTime, Url},
    },
    organizations::sight::{self, TicketField},
    tickets::read::{OperationFilter, OperationList, OperationsOf, TicketList},
};

/// Why something is as it is.
#[derive(Clone, Debug, SimpleObject)]
pub struct Reason {
    /// Stable, for programs; new ones may be added.
    pub code: String,
    /// For people, with the next step; may change.
    pub message: String,
}

impl Reason {
    /// Where there is one.
    pub fn of(code: Option<&String>, message: Option<&String>) -> Option<Self> {
        let code = code?.clone();
        Some(Self { message: message.unwrap_or(&code).clone(), code })
    }
}

/// Our record of one PSA ticket.
pub struct Ticket(pub ticket::Model);

impl From<ticket::Model> for Ticket {
    fn from(row: ticket::Model) -> Self {
        Self(row)
    }
}

impl Ticket {
    fn may_see(&self, ctx: &Context<'_>, field: TicketField) -> Result<()> {
        Ok(sight::may_see(ctx.viewer()?, &self.0, field)?)
    }
}

connection! {
    /// A list of tickets.
    TicketConnection, TicketEdge, Ticket, TicketList, plain ticket {
        "id": Id as plain::id::<ticket::Entity>,
        "state": State as plain::one_of::<ticket::TicketState, TicketState>,
        "marker": Marker as plain::text,
        "externalId": ExternalId as plain::maybe_text,
        "externalNumber": ExternalNumber as plain::maybe_text,
        "externalStatus": ExternalStatus as plain::maybe_text,
        "board": Board as plain::maybe_text,
        "title": Title as plain::text,
        "severity": Severity as plain::one_of::<entity::Severity, Severity>,
        "isTest": IsTest as plain::flag,
        "openedAt": OpenedAt as plain::maybe_time,
        "closedAt": ClosedAt as plain::maybe_time,
        "isTouched": IsTouched as plain::flag,
        "closeDueAt": CloseDueAt as plain::maybe_time,
        "noteDueAt": NoteDueAt as plain::maybe_time,
        "createdAt": CreatedAt as plain::time,
        "updatedAt": UpdatedAt as plain::time,
    }
}

/// Our record of one PSA ticket.
#[Object]
impl Ticket {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<ticket::Entity>(self.0.id)
    }

    /// Where it stands.
    async fn state(&self) -> TicketState {
        self.0.state.into()
    }

    /// Why it stands there, where that is not plain. Ticket permissions may keep it from you.
    async fn reason(&self, ctx: &Context<'_>) -> Result<Option<Reason>> {
        self.may_see(ctx, TicketField::Reason)?;
        Ok(Reason::of(self.0.state_reason.as_ref(), self.0.state_message.as_ref()))
    }

    /// Our mark on the PSA's ticket, by which it is found again.
    async fn marker(&self) -> &str {
        &self.0.marker
    }

    /// The PSA's id; null until it is created.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// The number people see in the PSA, where it has one.
    async fn external_number(&self) -> Option<&str> {
        self.0.external_number.as_deref()
    }

    /// Where a person opens it in the PSA. Ticket permissions may keep it from you.
    async fn external_url(&self, ctx: &Context<'_>) -> Result<Option<Url>> {
        self.may_see(ctx, TicketField::ExternalUrl)?;
        Ok(self.0.external_url.clone().map(Url))
    }

    /// Its status in the PSA, as a value of the pick list `status`.
    async fn external_status(&self) -> Option<&str> {
        self.0.external_status.as_deref()
    }

    /// The board it is on, as a value of the platform's profile field that `isBoard`: its profile's until the PSA
    /// says otherwise; null where the platform has no boards.
    async fn board(&self) -> Option<&str> {
        self.0.board.as_deref()
    }

    /// One line for people.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// The highest severity among its findings.
    async fn severity(&self) -> Severity {
        self.0.severity.into()
    }

    /// For which company it is.
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Ok(ctx.loaders()?.named::<company::Entity>(self.0.company_id).await?.into())
    }

    /// On which connection it is.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// For which company of the PSA it is.
    async fn psa_company(&self, ctx: &Context<'_>) -> Result<PsaCompany> {
        Ok(ctx.loaders()?.named::<psa_company::Entity>(self.0.psa_company_id).await?.into())
    }

    /// How it is made and closed.
    async fn ticket_profile(&self, ctx: &Context<'_>) -> Result<TicketProfile> {
        Ok(ctx.loaders()?.named::<ticket_profile::Entity>(self.0.ticket_profile_id).await?.into())
    }

    /// The closed ticket that this one follows.
    async fn previous_ticket(&self, ctx: &Context<'_>) -> Result<Option<Self>> {
        let Some(id) = self.0.previous_ticket_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<ticket::Entity>(id).await?.map(Self))
    }

    /// Whether `ticketSendTest` made it.
    async fn is_test(&self) -> bool {
        self.0.is_test
    }

    /// When the PSA's ticket was opened.
    async fn opened_at(&self) -> Option<DateTime> {
        self.0.opened_at.map(DateTime)
    }

    /// When it was closed.
    async fn closed_at(&self) -> Option<DateTime> {
        self.0.closed_at.map(DateTime)
    }

    /// Who closed it: a person's name as the PSA gives it, or `PSA Gateway`. Ticket permissions may keep it from
    /// you.
    async fn closed_by(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.may_see(ctx, TicketField::ClosedBy)?;
        Ok(self.0.closed_by.as_deref())
    }

    /// Whether somebody has worked on it in the PSA: its status was changed there.
    async fn is_touched(&self) -> bool {
        self.0.is_touched
    }

    /// When it is to be closed, where nothing on it is open by then; null where no close is due.
    async fn close_due_at(&self) -> Option<DateTime> {
        self.0.close_due_at.map(Into::into)
    }

    /// When the next note about its findings is due; null where none is.
    async fn note_due_at(&self) -> Option<DateTime> {
        self.0.note_due_at.map(Into::into)
    }

    /// When it was planned.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// The findings on it, the latest seen first. Ticket permissions may keep them from you.
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Option<FindingConnection>> {
        self.may_see(ctx, TicketField::Findings)?;
        let wanted = FindingList {
            of: FindingsOf::Ticket,
            filter: FindingFilter::default(),
            order: Order::descending(finding::Column::LastSeenAt),
        };
        Ok(Some(FindingConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?))
    }

    /// What was and is to be done with it at the PSA, in this order.
    async fn operations(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<TicketOperationConnection> {
        let wanted = OperationList {
            of: OperationsOf::Ticket,
            filter: OperationFilter::default(),
            order: Order::ascending(ticket_operation::Column::Position),
        };
        Ok(TicketOperationConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The events that touched it, the newest first. Ticket permissions may keep them from you.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Option<EventConnection>> {
        self.may_see(ctx, TicketField::Events)?;
        let wanted = EventList {
            of: EventsOf::Ticket,
            filter: EventFilter::default(),
            order: Order::descending(event::Column::CreatedAt),
        };
        Ok(Some(EventConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?))
    }
}
