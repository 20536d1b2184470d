//! Look-ups by other keys than the global id, and what this version knows of deciding.

use async_graphql::{Context, ID, Object, OneofObject, Result};
use entity::{policy, psa_connection};

use super::{
    Asking as _, ids,
    mutations::policies::PolicyCreateInput,
    scalars::DateTime,
    types::{EventCatalogue, PolicyPreset, PolicyPreview, Ticket, read_again},
};
use crate::{decisions::preview, error::Error, organizations::policies, tickets::read};

/// Tickets by the PSA's id.
#[derive(Default)]
pub(super) struct TicketQuery;

#[Object]
impl TicketQuery {
    /// The ticket that a PSA knows by this id; null where there is none, or none of yours.
    async fn ticket_by_external_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On which connection.")] psa_connection_id: ID,
        #[graphql(desc = "The PSA's id.")] external_id: String,
    ) -> Result<Option<Ticket>> {
        let connection = ids::parse::<psa_connection::Entity>(&psa_connection_id, &["psaConnectionId"])
            .map_err(Error::from)?;
        let found = read::by_external_id(ctx.viewer()?, ctx.ground()?, connection, &external_id).await?;
        Ok(found.map(Ticket))
    }
}

/// A policy whose doing is to be seen: one of these.
#[derive(Debug, OneofObject)]
pub(super) enum PolicyPreviewOfInput {
    /// One that is there, at its place.
    Id(ID),
    /// One that could be made, at the place that it names; nothing is made.
    Input(Box<PolicyCreateInput>),
}

/// What this version knows of deciding, and what policies would do.
#[derive(Default)]
pub(super) struct DecidingQuery;

#[Object]
impl DecidingQuery {
    /// Everything that senders can tell of: what event sets choose from.
    async fn event_catalogue(&self) -> Option<EventCatalogue> {
        Some(EventCatalogue::known())
    }

    /// Policies to begin with.
    async fn policy_presets(&self) -> Vec<PolicyPreset> {
        PolicyPreset::all()
    }

    /// What a policy would do: the code that decides, run over what came in before, and nothing written. At most the
    /// newest 500 events that speak of a finding are looked at. Needs `MANAGE_POLICIES`.
    async fn policy_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which policy.")] of: PolicyPreviewOfInput,
        #[graphql(desc = "Events that came in since this moment.")] since: DateTime,
    ) -> Result<Option<PolicyPreview>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let candidate = match of {
            PolicyPreviewOfInput::Id(id) => {
                let id = ids::parse::<policy::Entity>(&id, &["of", "id"]).map_err(Error::from)?;
                (policies::by_id(viewer, ground, id).await?, None)
            }
            PolicyPreviewOfInput::Input(input) => {
                let new = input.read()?;
                let place = new.place;
                (policies::prepared(viewer, ground, new).await?, place)
            }
        };
        Ok(Some(preview::preview(viewer, ground, candidate, since.0, read_again).await?.into()))
    }
}
