//! What deserves a ticket.

use async_graphql::{Context, ID, Object, Result};
use entity::{organization, policy, ticket_profile};

use super::{Organization, Severity, TicketProfile};
use crate::graphql::{Asking as _, ids, scalars::DateTime};

/// What deserves a ticket: every opened finding at or above a severity, grouped by finding, at once;
/// closed when it is resolved.
pub struct Policy(pub policy::Model);

impl From<policy::Model> for Policy {
    fn from(row: policy::Model) -> Self {
        Self(row)
    }
}

/// What deserves a ticket: every opened finding at or above a severity, grouped by finding, at once;
/// closed when it is resolved.
#[Object]
impl Policy {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<policy::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it opens tickets at all.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// Findings below this severity open no ticket; those of unknown severity always do.
    async fn minimum_severity(&self) -> Severity {
        self.0.minimum_severity.into()
    }

    /// The ticket profile to use; null for the organization's default.
    async fn ticket_profile(&self, ctx: &Context<'_>) -> Result<Option<TicketProfile>> {
        let Some(id) = self.0.ticket_profile_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<ticket_profile::Entity>(id).await?.map(TicketProfile))
    }

    /// How long after its close a ticket is reopened rather than followed by a new one, in seconds.
    async fn reopen_window_seconds(&self) -> i64 {
        self.0.reopen_window_secs
    }

    /// At most one note about repetitions in this time, in seconds.
    async fn note_interval_seconds(&self) -> i64 {
        self.0.note_interval_secs
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Counts changes by people, from 1: what an update takes as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}
