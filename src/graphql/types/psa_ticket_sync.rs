//! How the copy of a connection's own tickets is kept in step.

use std::collections::HashMap;

use async_graphql::{Context, Result, SimpleObject, dataloader::Loader};
use entity::{psa_connection, psa_ticket_setup};
use uuid::Uuid;

use crate::{
    graphql::{
        Asking as _,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    psa,
    sync::psa_tickets::{self, Settings, remote::TicketAbilities},
};

/// What a platform says of its own tickets, beside number, status, priority, summary and times.
#[derive(Clone, Copy, Debug, SimpleObject)]
#[expect(clippy::struct_excessive_bools, reason = "each says yes or no to one thing that a platform says")]
pub struct PsaTicketCapabilities {
    /// Whether they are on boards (or queues, or are of kinds), by which ticket permissions let people in.
    pub has_boards: bool,
    /// Whether it says by id for which contact each is; otherwise by name at most.
    pub has_contacts: bool,
    /// Whether it says who asked for it.
    pub has_requesters: bool,
    /// Whether it says which notes customers see; otherwise all count as internal.
    pub has_public_notes: bool,
    /// Whether its lists are sure to tell every change. Otherwise, should the PSA refuse to list tickets by their last
    /// change, changes of tickets that are older than 30 days are missed.
    pub has_all_changes: bool,
}

impl From<TicketAbilities> for PsaTicketCapabilities {
    fn from(abilities: TicketAbilities) -> Self {
        Self {
            has_boards: abilities.boards,
            has_contacts: abilities.contacts,
            has_requesters: abilities.requesters,
            has_public_notes: abilities.public_notes,
            has_all_changes: abilities.all_changes,
        }
    }
}

/// How the copy of a connection's own tickets is kept in step.
#[derive(SimpleObject)]
pub struct PsaTicketSync {
    /// Whether the platform shows its own tickets at all; `capabilities` says what it says of them.
    pub is_offered: bool,
    /// Whether those of mapped companies are copied.
    pub is_enabled: bool,
    /// Those that changed within so many days are copied; older ones when they change.
    pub days: i32,
    /// Whether their notes are copied, too.
    pub has_notes: bool,
    /// How old the copy is: up to when all changes were read; null where they are still to be read, as far back as `days`.
    pub synced_at: Option<DateTime>,
}

/// How the copy of a connection's own tickets is kept in step.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PsaTicketSetupOf(Uuid);

impl Loader<PsaTicketSetupOf> for Fetch {
    type Value = psa_ticket_setup::Model;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[PsaTicketSetupOf],
    ) -> std::result::Result<HashMap<PsaTicketSetupOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = psa_tickets::of_connections(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (PsaTicketSetupOf(id), row)).collect())
    }
}

pub(super) async fn psa_ticket_sync(
    ctx: &Context<'_>,
    connection: &psa_connection::Model,
) -> Result<PsaTicketSync> {
    let row = ctx.loaders()?.get(PsaTicketSetupOf(connection.id)).await?;
    let settings = row.as_ref().map(Settings::of).unwrap_or_default();
    let offered = psa::platform(&connection.platform).and_then(psa::Platform::own_tickets);
    Ok(PsaTicketSync {
        is_offered: offered.is_some(),
        is_enabled: row.as_ref().is_some_and(|row| row.is_enabled),
        days: i32::try_from(settings.days).unwrap_or(i32::MAX),
        has_notes: settings.includes_notes,
        synced_at: row.and_then(|row| row.synced_at).map(DateTime),
    })
}
