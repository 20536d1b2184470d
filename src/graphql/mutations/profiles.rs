//! What can be done with ticket profiles.

use std::collections::BTreeMap;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{psa_connection, ticket_profile};

use super::once::{Asked, Earlier};
use crate::{
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{TicketProfile, profile_rules},
    },
    ground::Ground,
    organizations::{
        connections,
        profiles::{self, NewProfile, ProfileChange, ProfileFieldRule, ProfileValues, Templates},
        viewer::Viewer,
    },
};

/// The value of one of the platform's profile fields.
#[derive(Debug, InputObject)]
pub struct ProfileFieldInput {
    /// Key of the platform's profile field, e.g. `priority`.
    pub key: String,
    /// A value of the field's pick list, or free text where it has none; null or empty for none.
    pub value: Option<String>,
}

/// A ticket profile to be made.
#[derive(Debug, InputObject)]
pub struct TicketProfileCreateInput {
    /// On which connection; its pick lists must have been loaded.
    pub psa_connection_id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: String,
    /// Whether it is used where neither mapping nor policy names one. Takes that from another profile.
    #[graphql(default)]
    pub is_default: bool,
    /// Values of the platform's profile fields.
    #[graphql(default)]
    pub fields: Vec<ProfileFieldInput>,
    /// The status a ticket is created in, as a value of the pick list `status`; absent leaves it to the PSA.
    pub status_on_create: Option<String>,
    /// The status that closes a ticket, as a value of the pick list `status`.
    pub status_on_close: String,
    /// Template of a new ticket's title, at most 4,000 characters; ours where it is absent. See
    /// `ticketTemplateVariables`.
    pub title_template: Option<String>,
    /// Template of its body, at most 4,000 characters; ours where it is absent.
    pub body_template: Option<String>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `ticketProfileCreate` answers.
    TicketProfileCreatePayload, TicketProfileCreateUserError {
        /// The new profile.
        ticket_profile: TicketProfile,
    }
}

/// What to change of a ticket profile; what is absent stays.
#[derive(Debug, InputObject)]
pub struct TicketProfileUpdateInput {
    /// The profile.
    pub id: ID,
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: Option<String>,
    /// Whether it is used where neither mapping nor policy names one. `true` takes that from another profile.
    pub is_default: Option<bool>,
    /// All values of the platform's profile fields anew.
    pub fields: Option<Vec<ProfileFieldInput>>,
    /// The status a ticket is created in; null leaves it to the PSA.
    pub status_on_create: MaybeUndefined<String>,
    /// The status that closes a ticket.
    pub status_on_close: Option<String>,
    /// Template of a new ticket's title; null for ours.
    pub title_template: MaybeUndefined<String>,
    /// Template of its body; null for ours.
    pub body_template: MaybeUndefined<String>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `ticketProfileUpdate` answers.
    TicketProfileUpdatePayload, TicketProfileUpdateUserError {
        /// The profile, changed.
        ticket_profile: TicketProfile,
    }
}

/// Which ticket profile to remove.
#[derive(Debug, InputObject)]
pub struct TicketProfileDeleteInput {
    /// The profile.
    pub id: ID,
}

payload! {
    /// What `ticketProfileDelete` answers.
    TicketProfileDeletePayload, TicketProfileDeleteUserError {
        /// Id of the profile that was removed.
        deleted_ticket_profile_id: ID,
    }
}

/// What can be done with ticket profiles.
#[derive(Default)]
pub struct TicketProfileMutation;

#[Object]
impl TicketProfileMutation {
    /// Makes a ticket profile; its values must be in the PSA's pick lists and go together. Held events are decided
    /// again. Needs `MANAGE_INTEGRATIONS`.
    async fn ticket_profile_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The profile.")] input: TicketProfileCreateInput,
    ) -> Result<Option<TicketProfileCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let psa_connection_id =
                ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let rules = match rules(viewer, ground, psa_connection_id).await {
                // The domain says which field is wrong.
                Err(Error::NotFound) => Vec::new(),
                rules => rules?,
            };
            let values = ProfileValues {
                fields: fields(input.fields)?,
                status_on_create: input.status_on_create,
                status_on_close: input.status_on_close,
            };
            let new = NewProfile {
                psa_connection_id,
                name: input.name,
                is_default: input.is_default,
                values,
                templates: Templates { title: input.title_template, body: input.body_template },
            };
            Ok(TicketProfileCreatePayload::done(profiles::create(viewer, ground, &rules, new).await?.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let ticket_profile = earlier.row::<ticket_profile::Entity>().await?.map(Into::into);
            Ok(TicketProfileCreatePayload { ticket_profile, user_errors: Vec::new() })
        };
        TicketProfileCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Changes a ticket profile; its values must be in the PSA's pick lists and go together. Held events are
    /// decided again. Needs `MANAGE_INTEGRATIONS`.
    async fn ticket_profile_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: TicketProfileUpdateInput,
    ) -> Result<Option<TicketProfileUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<ticket_profile::Entity>(&input.id, &["id"])?;
            let row = profiles::by_id(viewer, ground, id).await?;
            let rules = rules(viewer, ground, row.psa_connection_id).await?;
            let change = ProfileChange {
                name: input.name,
                is_default: input.is_default,
                fields: input.fields.map(fields).transpose()?,
                status_on_create: change_of(input.status_on_create),
                title_template: change_of(input.title_template),
                body_template: change_of(input.body_template),
                status_on_close: input.status_on_close,
                expected_version: input.expected_version,
            };
            let changed = profiles::update(viewer, ground, &rules, id, change).await?;
            Ok(TicketProfileUpdatePayload::done(changed.into()))
        };
        TicketProfileUpdatePayload::answer(work.await)
    }

    /// Removes a ticket profile that nothing uses. Needs `MANAGE_INTEGRATIONS`.
    async fn ticket_profile_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which profile.")] input: TicketProfileDeleteInput,
    ) -> Result<Option<TicketProfileDeletePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<ticket_profile::Entity>(&input.id, &["id"])?;
            profiles::delete(viewer, ground, id).await?;
            Ok(TicketProfileDeletePayload::done(input.id.clone()))
        };
        TicketProfileDeletePayload::answer(work.await)
    }
}

/// None where nothing is said, and a value or none where something is.
#[expect(clippy::option_option, reason = "outside: whether it changes; inside: to what")]
fn change_of(typed: MaybeUndefined<String>) -> Option<Option<String>> {
    match typed {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(text) => Some(Some(text)),
    }
}

async fn rules(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: uuid::Uuid,
) -> Result<Vec<ProfileFieldRule>, Error> {
    Ok(profile_rules(&connections::by_id(viewer, ground, psa_connection_id).await?.platform))
}

fn fields(typed: Vec<ProfileFieldInput>) -> Result<BTreeMap<String, String>, Error> {
    let (mut fields, mut problems) = (BTreeMap::new(), Vec::new());
    for ProfileFieldInput { key, value } in typed {
        if fields.contains_key(&key) {
            let message = "the field is given twice; give it once";
            problems.push(Problem::at(&["fields", &key], ProblemCode::Invalid, message));
        }
        fields.insert(key, value.unwrap_or_default());
    }
    if problems.is_empty() { Ok(fields) } else { Err(Error::Invalid(problems)) }
}
