//! What can be done with event sets.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{event_set, organization};

use super::once::{Asked, Earlier};
use crate::{
    decisions::event_sets::Choice,
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{EventSet, RemediationGrain},
    },
    organizations::event_sets::{self, EventSetChange, NewEventSet},
};

/// What of a category is to be in an event set.
#[derive(Debug, InputObject)]
pub struct EventSetChoiceInput {
    /// Key of the category, from `eventCatalogue`; each once.
    pub category: String,
    /// Names of kinds of the category; absent or null for every kind, those that later versions add too.
    pub kinds: Option<Vec<String>>,
}

/// An event set to be made.
#[derive(Debug, InputObject)]
pub struct EventSetCreateInput {
    /// For which organization.
    pub organization_id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: String,
    /// Whether new policies take it where they name none. Takes that from another set.
    #[graphql(default)]
    pub is_default: bool,
    /// How what is to be mended is put together into tickets.
    #[graphql(default_with = "RemediationGrain::Company")]
    pub remediation_grain: RemediationGrain,
    /// What is in it, one choice for each category.
    pub choices: Vec<EventSetChoiceInput>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `eventSetCreate` answers.
    EventSetCreatePayload, EventSetCreateUserError {
        /// The new event set.
        event_set: EventSet,
    }
}

/// What to change of an event set; what is absent stays.
#[derive(Debug, InputObject)]
pub struct EventSetUpdateInput {
    /// The event set.
    pub id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: Option<String>,
    /// Whether new policies take it where they name none. `true` takes that from another set.
    pub is_default: Option<bool>,
    /// How what is to be mended is put together into tickets.
    pub remediation_grain: Option<RemediationGrain>,
    /// All that is in it, anew.
    pub choices: Option<Vec<EventSetChoiceInput>>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `eventSetUpdate` answers.
    EventSetUpdatePayload, EventSetUpdateUserError {
        /// The event set, changed.
        event_set: EventSet,
    }
}

/// Which event set to remove.
#[derive(Debug, InputObject)]
pub struct EventSetDeleteInput {
    /// The event set.
    pub id: ID,
}

payload! {
    /// What `eventSetDelete` answers.
    EventSetDeletePayload, EventSetDeleteUserError {
        /// Id of the event set that was removed.
        deleted_event_set_id: ID,
    }
}

/// Which event set to copy.
#[derive(Debug, InputObject)]
pub struct EventSetCopyInput {
    /// The event set.
    pub id: ID,
    /// Name of the copy, at most 200 characters; "Copy of …" where it is absent.
    pub name: Option<String>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `eventSetCopy` answers.
    EventSetCopyPayload, EventSetCopyUserError {
        /// The copy.
        event_set: EventSet,
    }
}

/// What can be done with event sets.
#[derive(Default)]
pub struct EventSetMutation;

#[Object]
impl EventSetMutation {
    /// Makes an event set of what `eventCatalogue` has. Needs `MANAGE_POLICIES`.
    async fn event_set_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event set.")] input: EventSetCreateInput,
    ) -> Result<Option<EventSetCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let new = NewEventSet {
                organization_id: ids::parse::<organization::Entity>(
                    &input.organization_id,
                    &["organizationId"],
                )?,
                name: input.name,
                is_default: input.is_default,
                remediation_grain: input.remediation_grain.into(),
                choices: choices(input.choices),
            };
            Ok(EventSetCreatePayload::done(event_sets::create(viewer, ground, new).await?.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let event_set = earlier.row::<event_set::Entity>().await?.map(Into::into);
            Ok(EventSetCreatePayload { event_set, user_errors: Vec::new() })
        };
        EventSetCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Changes an event set, for all policies that use it. Held events are decided again. Needs `MANAGE_POLICIES`.
    async fn event_set_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: EventSetUpdateInput,
    ) -> Result<Option<EventSetUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<event_set::Entity>(&input.id, &["id"])?;
            let change = EventSetChange {
                name: input.name,
                is_default: input.is_default,
                remediation_grain: input.remediation_grain.map(Into::into),
                choices: input.choices.map(choices),
                expected_version: input.expected_version,
            };
            Ok(EventSetUpdatePayload::done(event_sets::update(viewer, ground, id, change).await?.into()))
        };
        EventSetUpdatePayload::answer(work.await)
    }

    /// Removes an event set that no policy uses. Needs `MANAGE_POLICIES`.
    async fn event_set_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which event set.")] input: EventSetDeleteInput,
    ) -> Result<Option<EventSetDeletePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<event_set::Entity>(&input.id, &["id"])?;
            event_sets::delete(viewer, ground, id).await?;
            Ok(EventSetDeletePayload::done(input.id.clone()))
        };
        EventSetDeletePayload::answer(work.await)
    }

    /// Makes an event set with the same choices as another one; it is not the default. Needs `MANAGE_POLICIES`.
    async fn event_set_copy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which event set.")] input: EventSetCopyInput,
    ) -> Result<Option<EventSetCopyPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<event_set::Entity>(&input.id, &["id"])?;
            let copy = event_sets::copy(viewer, ground, id, input.name.as_deref()).await?;
            Ok(EventSetCopyPayload::done(copy.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let event_set = earlier.row::<event_set::Entity>().await?.map(Into::into);
            Ok(EventSetCopyPayload { event_set, user_errors: Vec::new() })
        };
        EventSetCopyPayload::answer(asked.answer(work, again).await)
    }
}

fn choices(typed: Vec<EventSetChoiceInput>) -> Vec<Choice> {
    typed.into_iter().map(|choice| Choice { category: choice.category, kinds: choice.kinds }).collect()
}
