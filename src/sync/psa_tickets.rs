//! The copy of a PSA's own tickets, whoever made them, with their notes: for those who look, never written back.

mod notes;
pub mod remote;
mod settings;
mod store;

use entity::{company_mapping, psa_ticket, psa_ticket_note};
use sea_orm::{
    ColumnTrait as _, Condition, QueryFilter as _, Select,
    sea_query::{ColumnRef, IntoColumnRef as _, Query},
};
use uuid::Uuid;

pub use notes::{next_due, read_now, store_notes};
pub use settings::{Settings, SettingsChange, all_read, of_connection, of_connections, set, since};
pub use store::{Plan, Stored, remove_unmapped, store_tickets};

use crate::{
    db::{
        filter::{Span, any_of, contains},
        page::Order,
    },
    organizations::{
        reach::{self, List},
        sight::{self, TicketField},
        viewer::Viewer,
    },
};

/// Which tickets to show. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PsaTicketFilter {
    /// Part of the summary or the number, or the PSA's id, in any case.
    pub text: Option<String>,
    /// Of one of these companies of ours.
    pub company_ids: Option<Vec<Uuid>>,
    /// On one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// On one of these boards, by the PSA's values.
    pub boards: Option<Vec<String>>,
    /// In one of these statuses, by the PSA's values.
    pub statuses: Option<Vec<String>>,
    /// Closed, or open.
    pub is_closed: Option<bool>,
    /// Made in this time.
    pub opened: Span,
    /// Last changed in this time.
    pub updated: Span,
}

/// Below what tickets are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PsaTicketsOf {
    /// An organization.
    #[default]
    Organization,
    /// A connection.
    PsaConnection,
    /// A company of the PSA.
    PsaCompany,
}

/// Tickets of PSAs, the one that changed last first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PsaTicketList {
    /// Below what.
    pub of: PsaTicketsOf,
    /// Which.
    pub filter: PsaTicketFilter,
    /// Another order.
    pub order: Option<Order<psa_ticket::Entity>>,
}

impl List for PsaTicketList {
    type Entity = psa_ticket::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<psa_ticket::Entity> {
        use psa_ticket::Column as C;
        let filter = &self.filter;
        let of_companies = filter.company_ids.as_ref().map(|ids| {
            let mapped = Query::select()
                .column(company_mapping::Column::PsaCompanyId)
                .from(company_mapping::Entity)
                .and_where(company_mapping::Column::CompanyId.is_in(ids.iter().copied()))
                .take();
            C::PsaCompanyId.in_subquery(mapped)
        });
        // What is kept from somebody must not be found by looking for it either.
        let of_text = filter.text.as_deref().filter(|text| !text.trim().is_empty()).map(|text| {
            let secret = sight::hidden_on(viewer, TicketField::Summary);
            let in_summary = Condition::all()
                .add(contains(&[C::Summary], Some(text)))
                .add_option((!secret.is_empty()).then(|| C::PsaConnectionId.is_not_in(secret)));
            Condition::any().add(contains(&[C::Number, C::ExternalId], Some(text))).add(in_summary)
        });
        reach::rows::<psa_ticket::Entity>(viewer).filter(
            Condition::all()
                .add_option(of_text)
                .add_option(of_companies)
                .add(any_of(C::PsaConnectionId, filter.psa_connection_ids.as_deref()))
                .add(any_of(C::Board, filter.boards.as_deref()))
                .add(any_of(C::Status, filter.statuses.as_deref()))
                .add_option(filter.is_closed.map(|is_closed| C::IsClosed.eq(is_closed)))
                .add(filter.opened.holds(C::OpenedAt))
                .add(filter.updated.holds(C::UpdatedAt)),
        )
    }

    fn parent(&self) -> ColumnRef {
        use psa_ticket::Column as C;
        let column = match self.of {
            PsaTicketsOf::Organization => C::OrganizationId,
            PsaTicketsOf::PsaConnection => C::PsaConnectionId,
            PsaTicketsOf::PsaCompany => C::PsaCompanyId,
        };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<psa_ticket::Entity> {
        self.order.unwrap_or(Order::descending(psa_ticket::Column::UpdatedAt))
    }
}

/// The notes of a ticket of a PSA, in the order in which they were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PsaTicketNoteList;

impl List for PsaTicketNoteList {
    type Entity = psa_ticket_note::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<psa_ticket_note::Entity> {
        reach::rows::<psa_ticket_note::Entity>(viewer)
    }

    fn parent(&self) -> ColumnRef {
        psa_ticket_note::Column::PsaTicketId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<psa_ticket_note::Entity> {
        Order::ascending(psa_ticket_note::Column::WrittenAt)
    }
}
