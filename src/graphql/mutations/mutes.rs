//! Muting findings and groups of them.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};
use entity::{finding, mute, ticket};

use crate::{
    graphql::{Asking as _, errors::payload, ids, scalars::DateTime, types::Mute},
    organizations::mutes::{self, Muting, NewMute},
};

/// What is to be muted: one of these.
#[derive(Debug, OneofObject)]
pub enum MuteTargetInput {
    /// One finding.
    FindingId(ID),
    /// Every finding of the group that this ticket is for, those that are found later too.
    TicketId(ID),
}

/// What is to be muted, until when and why.
#[derive(Debug, InputObject)]
pub struct FindingMuteInput {
    /// What; a mute that it has already is made anew.
    pub of: MuteTargetInput,
    /// Until when: at most 400 days from now. Nothing is muted for good.
    pub until: DateTime,
    /// Why, on one line of at most 500 characters; it stands in the trace of every event that it keeps quiet.
    pub reason: String,
}

payload! {
    /// What `findingMute` answers.
    FindingMutePayload, FindingMuteUserError {
        /// The mute, new or made anew.
        mute: Mute,
    }
}

/// Which mute to take away.
#[derive(Debug, InputObject)]
pub struct FindingUnmuteInput {
    /// The mute.
    pub id: ID,
}

payload! {
    /// What `findingUnmute` answers.
    FindingUnmutePayload, FindingUnmuteUserError {
        /// Id of the mute that was taken away.
        deleted_mute_id: ID,
    }
}

/// Muting findings and groups of them.
#[derive(Default)]
pub struct MuteMutation;

#[Object]
impl MuteMutation {
    /// Mutes a finding, or a group of findings, until a date: it opens no ticket, and an open ticket gets no notes that it
    /// is still there. What closes the ticket still does. What is still there at the end gets its ticket by itself. Needs
    /// `OPERATE`.
    async fn finding_mute(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What, until when and why.")] input: FindingMuteInput,
    ) -> Result<Option<FindingMutePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let of = match &input.of {
                MuteTargetInput::FindingId(id) => {
                    Muting::Finding(ids::parse::<finding::Entity>(id, &["of", "findingId"])?)
                }
                MuteTargetInput::TicketId(id) => {
                    Muting::GroupOf(ids::parse::<ticket::Entity>(id, &["of", "ticketId"])?)
                }
            };
            let new = NewMute { of, until: input.until.0, reason: input.reason };
            Ok(FindingMutePayload::done(mutes::mute(viewer, ground, new).await?.into()))
        };
        FindingMutePayload::answer(work.await)
    }

    /// Takes a mute away before its date: what it kept quiet and is still there gets its ticket by itself. Needs
    /// `OPERATE`.
    async fn finding_unmute(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which mute.")] input: FindingUnmuteInput,
    ) -> Result<Option<FindingUnmutePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<mute::Entity>(&input.id, &["id"])?;
            mutes::unmute(viewer, ground, id).await?;
            Ok(FindingUnmutePayload::done(input.id.clone()))
        };
        FindingUnmutePayload::answer(work.await)
    }
}
