//! What a role or a member sees of a connection's tickets.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, Object, Result, dataloader::Loader};
use entity::{psa_connection, ticket_permission};
use uuid::Uuid;

use super::{PsaConnection, Role};
use crate::{
    global_id,
    graphql::{
        Asking as _, ids,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    organizations::{sight, ticket_permissions},
};

/// The type of members' ids.
pub(crate) const MEMBER: &str = "Member";

/// A part of a ticket that can be kept from people. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "sight::TicketField")]
pub enum TicketField {
    /// The findings on it, with their texts.
    Findings,
    /// The events that touched it.
    Events,
    /// Why it stands as it stands, in the PSA's words too.
    Reason,
    /// Who closed it.
    ClosedBy,
    /// Where a person opens it in the PSA.
    ExternalUrl,
    /// The one line that says what a ticket of the PSA's own is about; it is not found by looking for it either.
    Summary,
    /// The contact that a ticket of the PSA's own is for.
    Contact,
    /// Who asked for a ticket of the PSA's own.
    Requester,
}

/// What a role or a member sees of a connection's tickets. Without a rule they see all of them; a member's own
/// rule takes the place of their role's. Owners and administrators always see everything, and a token of all the
/// installation that has a lesser role sees no tickets of a connection with a rule for that role.
pub struct TicketPermission(pub ticket_permission::Model);

impl From<ticket_permission::Model> for TicketPermission {
    fn from(row: ticket_permission::Model) -> Self {
        Self(row)
    }
}

/// What a role or a member sees of a connection's tickets. Without a rule they see all of them; a member's own
/// rule takes the place of their role's. Owners and administrators always see everything, and a token of all the
/// installation that has a lesser role sees no tickets of a connection with a rule for that role.
#[Object]
impl TicketPermission {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<ticket_permission::Entity>(self.0.id)
    }

    /// For tickets of this connection.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// The role that it is for; null where it is for a member.
    async fn role(&self) -> Option<Role> {
        self.0.role.map(Into::into)
    }

    /// Id of the member that it is for; null where it is for a role.
    async fn member_id(&self) -> Option<ID> {
        self.0.member_id.map(|id| ID(global_id::encode(MEMBER, id)))
    }

    /// The boards whose tickets are seen, as values of the platform's profile field that `isBoard`; null where all
    /// are, empty where none is. A ticket whose board is not known is not seen where boards are named.
    async fn boards(&self) -> Option<Vec<String>> {
        ticket_permissions::boards(&self.0)
    }

    /// What of a ticket is not seen: asked for all the same, it is null with the error `FORBIDDEN`.
    async fn hidden_fields(&self) -> Vec<TicketField> {
        ticket_permissions::hidden(&self.0).into_iter().map(Into::into).collect()
    }

    /// Whether notes are seen; where not, operations of the kind NOTE and notes of the PSA's own tickets are left out.
    async fn shows_notes(&self) -> bool {
        self.0.shows_notes
    }

    /// Whether notes that customers do not see are among them; those that the gateway itself writes are such.
    async fn shows_internal_notes(&self) -> bool {
        self.0.shows_internal_notes
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// The rules of a connection.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct TicketPermissionsOf(pub(super) Uuid);

impl Loader<TicketPermissionsOf> for Fetch {
    type Value = Vec<ticket_permission::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[TicketPermissionsOf],
    ) -> std::result::Result<HashMap<TicketPermissionsOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = ticket_permissions::of_connections(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (TicketPermissionsOf(id), rows)).collect())
    }
}
