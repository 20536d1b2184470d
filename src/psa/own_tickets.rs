//! A PSA's own tickets, whoever made them, with their notes: read, never written.

use async_trait::async_trait;
use entity::Timestamp;

use super::PsaError;
use crate::{
    sync::psa_tickets::remote::{RemoteNotes, RemotePsaTicket},
    tickets::remote::RemotePage,
};

/// How many notes of one ticket are read.
pub(super) const MOST_NOTES: usize = 1_000;

/// A PSA's own tickets. What each platform says of them, [`super::Platform::own_tickets`] tells.
#[async_trait]
pub trait OwnTickets: Send + Sync {
    /// One page of the tickets that changed at or after `since`, in any order; `page` is the `next` of the page before.
    /// None is missed that did not change meanwhile; one may come twice.
    async fn own_tickets(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemotePsaTicket>, PsaError>;

    /// The notes of a ticket, so many as are read at the most.
    async fn own_notes(&self, external_id: &str) -> Result<RemoteNotes, PsaError>;
}
