//! Tickets, their operations and attempts, for those who look at them.

use entity::{attempt, psa_connection, ticket, ticket_finding, ticket_operation};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, JoinType, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, Select,
    sea_query::{ColumnRef, Expr, IntoColumnRef as _},
};
use uuid::Uuid;

use super::kept;
use crate::{
    db::{
        filter::{Severities, Span, any_of},
        page::{Kept, Order, Search},
    },
    error::Error,
    ground::Ground,
    organizations::{
        reach::{self, List},
        viewer::Viewer,
    },
};

/// Below what tickets are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TicketsOf {
    /// All of an organization.
    Organization,
    /// Those of a company.
    Company,
    /// Those of a connection.
    PsaConnection,
    /// Those a finding was on.
    Finding,
}

/// Which tickets; everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TicketFilter {
    /// In one of these states.
    pub states: Option<Vec<ticket::TicketState>>,
    /// Of these severities.
    pub severities: Severities,
    /// Of one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// On one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// For one of these companies of the PSA.
    pub psa_company_ids: Option<Vec<Uuid>>,
    /// On a connection to one of these platforms.
    pub platforms: Option<Vec<String>>,
    /// Planned in this time.
    pub created: Span,
    /// Last changed in this time.
    pub updated: Span,
    /// Closed in this time.
    pub closed: Span,
    /// Test tickets, or none of them.
    pub is_test: Option<bool>,
    /// Part of the title or of the PSA's number, or its id.
    pub text: Option<String>,
}

/// A list of tickets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TicketList {
    /// Below what.
    pub of: TicketsOf,
    /// Which.
    pub filter: TicketFilter,
    /// In which order.
    pub order: Order<ticket::Entity>,
}

impl List for TicketList {
    type Entity = ticket::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<ticket::Entity> {
        let filter = &self.filter;
        let rows = reach::rows::<ticket::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(ticket::Column::State, filter.states.as_deref()))
                .add(filter.severities.hold(ticket::Column::Severity))
                .add(any_of(ticket::Column::CompanyId, filter.company_ids.as_deref()))
                .add(any_of(ticket::Column::PsaConnectionId, filter.psa_connection_ids.as_deref()))
                .add(any_of(ticket::Column::PsaCompanyId, filter.psa_company_ids.as_deref()))
                .add_option(filter.platforms.as_deref().map(|platforms| {
                    let connections = reach::rows::<psa_connection::Entity>(viewer)
                        .filter(psa_connection::Column::Platform.is_in(platforms))
                        .select_only()
                        .column(psa_connection::Column::Id);
                    ticket::Column::PsaConnectionId.in_subquery(connections.into_query())
                }))
                .add(filter.created.holds(ticket::Column::CreatedAt))
                .add(filter.updated.holds(ticket::Column::UpdatedAt))
                .add(filter.closed.holds(ticket::Column::ClosedAt))
                .add_option(filter.is_test.map(|is_test| ticket::Column::IsTest.eq(is_test)))
                .add_option(
                    self.order
                        .is_by(ticket::Column::ClosedAt)
                        .then(|| ticket::Column::ClosedAt.is_not_null()),
                ),
        );
        if self.of != TicketsOf::Finding {
            return rows;
        }
        let member = ticket_finding::Entity::belongs_to(ticket::Entity)
            .from(ticket_finding::Column::TicketId)
            .to(ticket::Column::Id);
        rows.join_rev(JoinType::InnerJoin, member.into())
    }

    fn parent(&self) -> ColumnRef {
        match self.of {
            TicketsOf::Organization => ticket::Column::OrganizationId.as_column_ref().into_column_ref(),
            TicketsOf::Company => ticket::Column::CompanyId.as_column_ref().into_column_ref(),
            TicketsOf::PsaConnection => ticket::Column::PsaConnectionId.as_column_ref().into_column_ref(),
            TicketsOf::Finding => ticket_finding::Column::FindingId.as_column_ref().into_column_ref(),
        }
    }

    fn order(&self) -> Order<ticket::Entity> {
        self.order
    }

    fn search(&self, _viewer: &Viewer) -> Option<Search<ticket::Entity>> {
        use ticket::Column as C;
        let search = Search::new(self.filter.text.as_deref(), C::CreatedAt)?;
        let search = search.within(Expr::col(C::Title.as_column_ref()));
        let search = search.within(Expr::col(C::ExternalNumber.as_column_ref()));
        Some(search.exactly(C::ExternalNumber).exactly(C::ExternalId))
    }

    fn kept(&self, viewer: &Viewer) -> Option<Vec<Kept>> {
        kept::length(viewer, self)
    }
}

/// The ticket that a PSA knows by this id.
pub async fn by_external_id(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    external_id: &str,
) -> Result<Option<ticket::Model>, Error> {
    let rows = reach::rows::<ticket::Entity>(viewer)
        .filter(ticket::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(ticket::Column::ExternalId.eq(external_id));
    Ok(rows.one(ground.db.reader()).await?)
}

/// The tickets that a PSA knows by these ids.
pub async fn by_external_ids(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    external_ids: &[&str],
) -> Result<Vec<ticket::Model>, Error> {
    let rows = reach::rows::<ticket::Entity>(viewer)
        .filter(ticket::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(ticket::Column::ExternalId.is_in(external_ids.iter().copied()));
    Ok(rows.all(ground.db.reader()).await?)
}

/// Below what operations are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationsOf {
    /// All of an organization.
    Organization,
    /// Those of a ticket.
    Ticket,
}

/// Which operations; everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OperationFilter {
    /// In one of these states.
    pub states: Option<Vec<ticket_operation::OperationState>>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<ticket_operation::OperationKind>>,
    /// On one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// Planned in this time.
    pub created: Span,
    /// To be tried in this time, as last planned.
    pub due: Span,
    /// Still to be done, or not.
    pub is_waiting: Option<bool>,
}

/// A list of operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OperationList {
    /// Below what.
    pub of: OperationsOf,
    /// Which.
    pub filter: OperationFilter,
    /// In which order.
    pub order: Order<ticket_operation::Entity>,
}

impl List for OperationList {
    type Entity = ticket_operation::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<ticket_operation::Entity> {
        let filter = &self.filter;
        reach::rows::<ticket_operation::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(ticket_operation::Column::State, filter.states.as_deref()))
                .add(any_of(ticket_operation::Column::Kind, filter.kinds.as_deref()))
                .add(any_of(ticket_operation::Column::PsaConnectionId, filter.psa_connection_ids.as_deref()))
                .add(filter.created.holds(ticket_operation::Column::CreatedAt))
                .add(filter.due.holds(ticket_operation::Column::RunAt))
                .add_option(filter.is_waiting.map(|is_waiting| {
                    let ready = ticket_operation::OperationState::Ready;
                    if is_waiting {
                        ticket_operation::Column::State.eq(ready)
                    } else {
                        ticket_operation::Column::State.ne(ready)
                    }
                })),
        )
    }

    fn parent(&self) -> ColumnRef {
        let column = match self.of {
            OperationsOf::Organization => ticket_operation::Column::OrganizationId,
            OperationsOf::Ticket => ticket_operation::Column::TicketId,
        };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<ticket_operation::Entity> {
        self.order
    }
}

/// The attempts at an operation, the first one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptList;

impl List for AttemptList {
    type Entity = attempt::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<attempt::Entity> {
        reach::rows(viewer)
    }

    fn parent(&self) -> ColumnRef {
        attempt::Column::TicketOperationId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<attempt::Entity> {
        Order::ascending(attempt::Column::Number)
    }
}
