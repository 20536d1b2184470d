//! A ticket as the PSA keeps it, whoever made it: a copy, with its notes.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, Result, dataloader::Loader};
use entity::{company, psa_company, psa_connection, psa_ticket, psa_ticket_note, ticket};
use uuid::Uuid;

use super::{
    DateTimeFilter, OrderDirection, PsaCompany, PsaConnection, ReferenceFilter, Ticket, filters::ordering,
};
use crate::{
    db::page::PageArgs,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::{DateTime, Url},
    },
    organizations::sight::{self, TicketField},
    sync::psa_tickets::{self, PsaTicketList, PsaTicketNoteList, PsaTicketsOf},
    tickets::read,
};

/// A ticket as the PSA keeps it, whoever made it: a copy.
pub struct PsaTicket(pub psa_ticket::Model);

impl From<psa_ticket::Model> for PsaTicket {
    fn from(row: psa_ticket::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of PSAs' own tickets, the one that changed last first unless ordered otherwise: the copy that was read last.
    PsaTicketConnection, PsaTicketEdge, PsaTicket, PsaTicketList
}

/// A note on a ticket as the PSA keeps it: a copy.
pub struct PsaTicketNote(pub psa_ticket_note::Model);

impl From<psa_ticket_note::Model> for PsaTicketNote {
    fn from(row: psa_ticket_note::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// The notes of a PSA's own ticket, the first one first.
    PsaTicketNoteConnection, PsaTicketNoteEdge, PsaTicketNote, PsaTicketNoteList
}

/// Which tickets; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PsaTicketFilter {
    /// Part of the summary or the number, or of the PSA's id, in upper or lower case. A summary that ticket permissions
    /// keep from you is not looked into.
    pub query: Option<String>,
    /// Of one of these companies of yours.
    pub company: Option<ReferenceFilter>,
    /// On one of these connections.
    pub psa_connection: Option<ReferenceFilter>,
    /// On one of these boards, by the PSA's values.
    pub board_in: Option<Vec<String>>,
    /// In one of these statuses, by the PSA's values.
    pub status_in: Option<Vec<String>>,
    /// Closed, or open.
    pub is_closed: Option<bool>,
    /// Made in the PSA in this time.
    pub opened_at: Option<DateTimeFilter>,
    /// Last changed in the PSA in this time.
    pub updated_at: Option<DateTimeFilter>,
}

ordering! {
    /// The order of PSAs' own tickets; those that are equal stand in the order of their ids.
    PsaTicketOrder, PsaTicketOrderField of psa_ticket, Desc, [
        /// When they were last changed in the PSA.
        #[default]
        UpdatedAt,
        /// When they were made in the PSA.
        OpenedAt,
        /// Their numbers, as texts.
        Number,
    ]
}

impl PsaTicketFilter {
    /// The domain's list.
    pub fn read(self, of: PsaTicketsOf, order_by: Option<PsaTicketOrder>) -> Result<PsaTicketList> {
        let company_ids = ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company");
        let connections =
            ReferenceFilter::read::<psa_connection::Entity>(self.psa_connection.as_ref(), "psaConnection");
        Ok(PsaTicketList {
            of,
            filter: psa_tickets::PsaTicketFilter {
                text: self.query,
                company_ids: company_ids.map_err(crate::error::Error::from)?,
                psa_connection_ids: connections.map_err(crate::error::Error::from)?,
                boards: self.board_in,
                statuses: self.status_in,
                is_closed: self.is_closed,
                opened: DateTimeFilter::read(self.opened_at),
                updated: DateTimeFilter::read(self.updated_at),
            },
            order: order_by.map(Into::into),
        })
    }
}

/// A time that the PSA says; zero is none.
fn said(at: entity::Timestamp) -> Option<DateTime> {
    (at.as_secs() != 0).then(|| at.into())
}

impl PsaTicket {
    fn may_see(&self, ctx: &Context<'_>, field: TicketField) -> Result<()> {
        Ok(sight::may_see_on(ctx.viewer()?, self.0.psa_connection_id, field)?)
    }
}

/// A ticket as the PSA keeps it, whoever made it: a copy, read only. Ticket permissions say who sees which.
#[Object]
impl PsaTicket {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<psa_ticket::Entity>(self.0.id)
    }

    /// Through which connection it was read.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// The PSA's company whose ticket it is; its `mappings` name yours.
    async fn psa_company(&self, ctx: &Context<'_>) -> Result<PsaCompany> {
        Ok(ctx.loaders()?.named::<psa_company::Entity>(self.0.psa_company_id).await?.into())
    }

    /// The gateway's own ticket, where the gateway made this one.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        let key = OursOf(self.0.psa_connection_id, self.0.external_id.clone());
        Ok(ctx.loaders()?.get(key).await?.map(Ticket))
    }

    /// The PSA's id.
    async fn external_id(&self) -> &str {
        &self.0.external_id
    }

    /// The number people see in the PSA.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// The board it is on (or the queue, or the kind of ticket), as a value of the platform's profile field that
    /// `isBoard`; null where the platform has no boards.
    async fn board(&self) -> Option<&str> {
        self.0.board.as_deref()
    }

    /// The board in words.
    async fn board_label(&self) -> Option<&str> {
        self.0.board_label.as_deref()
    }

    /// Its status, as a value of the pick list `status`.
    async fn status(&self) -> Option<&str> {
        self.0.status.as_deref()
    }

    /// Its status in words.
    async fn status_label(&self) -> Option<&str> {
        self.0.status_label.as_deref()
    }

    /// Whether it is closed.
    async fn is_closed(&self) -> bool {
        self.0.is_closed
    }

    /// Its priority, as the PSA's value.
    async fn priority(&self) -> Option<&str> {
        self.0.priority.as_deref()
    }

    /// Its priority in words.
    async fn priority_label(&self) -> Option<&str> {
        self.0.priority_label.as_deref()
    }

    /// Its type in words.
    async fn ticket_type(&self) -> Option<&str> {
        self.0.ticket_type.as_deref()
    }

    /// One line for people. Ticket permissions may keep it from you.
    async fn summary(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.may_see(ctx, TicketField::Summary)?;
        Ok(Some(&self.0.summary))
    }

    /// The PSA's id of the contact that it is for; see `Contact.externalId`. Ticket permissions may keep it from you.
    async fn contact_external_id(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.may_see(ctx, TicketField::Contact)?;
        Ok(self.0.contact_external_id.as_deref())
    }

    /// The name of the contact that it is for. Ticket permissions may keep it from you.
    async fn contact_name(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.may_see(ctx, TicketField::Contact)?;
        Ok(self.0.contact_name.as_deref())
    }

    /// Who asked for it, in the PSA's words: a name or an address. Ticket permissions may keep it from you.
    async fn requester(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.may_see(ctx, TicketField::Requester)?;
        Ok(self.0.requester.as_deref())
    }

    /// Where a person opens it in the PSA. Ticket permissions may keep it from you.
    async fn external_url(&self, ctx: &Context<'_>) -> Result<Option<Url>> {
        self.may_see(ctx, TicketField::ExternalUrl)?;
        Ok(self.0.external_url.clone().map(Url))
    }

    /// When it was made in the PSA.
    async fn opened_at(&self) -> Option<DateTime> {
        said(self.0.opened_at)
    }

    /// When it was last changed in the PSA.
    async fn updated_at(&self) -> Option<DateTime> {
        said(self.0.updated_at)
    }

    /// When it was closed in the PSA; null while it is open.
    async fn closed_at(&self) -> Option<DateTime> {
        self.0.closed_at.map(DateTime)
    }

    /// Its notes that you may see, the first one first: the copy that was read last.
    async fn notes(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<PsaTicketNoteConnection> {
        let args = PageArgs { first, after, last, before };
        Ok(PsaTicketNoteConnection::new(self.0.id, PsaTicketNoteList, &args)?)
    }

    /// When its notes were read last; null where they are still to be.
    async fn notes_synced_at(&self) -> Option<DateTime> {
        self.0.notes_read_at.map(DateTime)
    }

    /// When something of it was other than at the reading before, last; null where nothing was.
    async fn changed_at(&self) -> Option<DateTime> {
        self.0.changed_at.map(DateTime)
    }

    /// When it was last read as something new or changed; `PsaTicketSync.syncedAt` says when all were read.
    async fn synced_at(&self) -> DateTime {
        self.0.synced_at.into()
    }
}

/// A note on a ticket as the PSA keeps it: a copy, read only.
#[Object]
impl PsaTicketNote {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<psa_ticket_note::Entity>(self.0.id)
    }

    /// The PSA's id, unique among the notes of the ticket.
    async fn external_id(&self) -> &str {
        &self.0.external_id
    }

    /// What it says, plain.
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// Who wrote it, in the PSA's words.
    async fn author(&self) -> Option<&str> {
        self.0.author.as_deref()
    }

    /// Whether customers do not see it; true, too, where the PSA does not say (`hasPublicNotes`).
    async fn is_internal(&self) -> bool {
        self.0.is_internal
    }

    /// When it was written.
    async fn written_at(&self) -> Option<DateTime> {
        said(self.0.written_at)
    }
}

/// The gateway's own ticket behind one of a PSA's, by its connection and the PSA's id.
#[derive(Clone, PartialEq, Eq, Hash)]
struct OursOf(Uuid, String);

impl Loader<OursOf> for Fetch {
    type Value = ticket::Model;
    type Error = Shared;

    async fn load(&self, keys: &[OursOf]) -> std::result::Result<HashMap<OursOf, Self::Value>, Shared> {
        let mut wanted: HashMap<Uuid, Vec<&str>> = HashMap::new();
        for OursOf(connection, external_id) in keys {
            wanted.entry(*connection).or_default().push(external_id);
        }
        let mut found = HashMap::new();
        for (connection, external_ids) in wanted {
            let rows = read::by_external_ids(&self.viewer, &self.ground, connection, &external_ids).await?;
            found.extend(rows.into_iter().filter_map(|row| {
                let external_id = row.external_id.clone()?;
                Some((OursOf(connection, external_id), row))
            }));
        }
        Ok(found)
    }
}
