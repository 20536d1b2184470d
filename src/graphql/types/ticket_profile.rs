//! How tickets are made and closed on one connection.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::{organization, psa_connection, ticket_profile};

use super::{
    OrderDirection, Organization, PsaConnection, ReferenceFilter, Setting, filters::ordering,
    pick_list::PickListsOf,
};
use crate::{
    error::{Error, Problem},
    graphql::{
        Asking as _,
        connection::connection,
        errors::{UserErrorCode, field_path},
        ids, plain,
        scalars::DateTime,
    },
    organizations::{
        lists::ProfileList,
        profiles::{self, ProfileFieldRule, ProfileValues},
    },
    psa,
    sync::pick_lists::LoadedList,
};

/// How tickets are made and closed on one connection.
pub struct TicketProfile(pub ticket_profile::Model);

impl From<ticket_profile::Model> for TicketProfile {
    fn from(row: ticket_profile::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of ticket profiles, by name.
    TicketProfileConnection, TicketProfileEdge, TicketProfile, ProfileList, plain ticket_profile {
        "id": Id as plain::id::<ticket_profile::Entity>,
        "name": Name as plain::text,
        "isDefault": IsDefault as plain::flag,
        "statusOnCreate": StatusOnCreate as plain::maybe_text,
        "statusOnClose": StatusOnClose as plain::text,
        "titleTemplate": TitleTemplate as plain::maybe_text,
        "bodyTemplate": BodyTemplate as plain::maybe_text,
        "createdAt": CreatedAt as plain::time,
        "version": Version as plain::whole,
        "updatedAt": UpdatedAt as plain::time,
    }
}

/// Which ticket profiles; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketProfileFilter {
    /// On which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// The default one, or the others.
    pub is_default: Option<bool>,
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
}

ordering! {
    /// The order of ticket profiles; those that are equal stand in the order of their ids.
    TicketProfileOrder, TicketProfileOrderField of ticket_profile, Asc, [
        /// Their names.
        #[default]
        Name,
        /// When they were made.
        CreatedAt,
    ]
}

impl TicketProfileFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<TicketProfileOrder>) -> Result<ProfileList, Error> {
        Ok(ProfileList {
            of_connection: false,
            psa_connection_ids: ReferenceFilter::read::<psa_connection::Entity>(
                self.psa_connection.as_ref(),
                "psaConnection",
            )?,
            is_default: self.is_default,
            text: self.query,
            order: order_by.map(Into::into),
        })
    }
}

/// A platform's profile fields, as the rules that profiles are held against.
pub fn profile_rules(platform: &str) -> Vec<ProfileFieldRule> {
    psa::platform(platform).map(psa::profile_rules).unwrap_or_default()
}

/// What is wrong with a profile by now.
pub struct TicketProfileProblem(Problem);

/// What is wrong with a profile by now: the PSA's lists may have changed since it was saved.
#[Object]
impl TicketProfileProblem {
    /// Stable, for programs.
    async fn code(&self) -> UserErrorCode {
        self.0.code.into()
    }

    /// The path of the value, as in the input that sets it: e.g. `["input", "fields", "priority"]`.
    async fn field(&self) -> Option<Vec<String>> {
        field_path(&self.0.field)
    }

    /// For people: what is wrong and what to do. May change.
    async fn message(&self) -> &str {
        &self.0.message
    }
}

/// How tickets are made and closed on one connection.
#[Object]
impl TicketProfile {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<ticket_profile::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// On which connection.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// Name for people; unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it is used where neither mapping nor policy names one; one an organization at the most.
    async fn is_default(&self) -> bool {
        self.0.is_default
    }

    /// Values by key of the platform's profile field.
    async fn fields(&self) -> Vec<Setting> {
        let fields = ProfileValues::of(&self.0).fields;
        fields.into_iter().map(|(key, value)| Setting { key, value }).collect()
    }

    /// The status a ticket is created in, as a value of the pick list `status`; null leaves it to the PSA.
    async fn status_on_create(&self) -> Option<&str> {
        self.0.status_on_create.as_deref()
    }

    /// The status that closes a ticket, as a value of the pick list `status`.
    async fn status_on_close(&self) -> &str {
        &self.0.status_on_close
    }

    /// Template of a new ticket's title; null where ours is used.
    async fn title_template(&self) -> Option<&str> {
        self.0.title_template.as_deref()
    }

    /// Template of its body; null where ours is used.
    async fn body_template(&self) -> Option<&str> {
        self.0.body_template.as_deref()
    }

    /// What is wrong with it by the pick lists as they were last loaded; empty where all is well.
    async fn problems(&self, ctx: &Context<'_>) -> Result<Vec<TicketProfileProblem>> {
        let (loaders, id) = (ctx.loaders()?, self.0.psa_connection_id);
        let connection = loaders.named::<psa_connection::Entity>(id).await?;
        let lists = loaders.get(PickListsOf(id)).await?.unwrap_or_default();
        let lists = lists.into_iter().map(|row| (row.key.clone(), LoadedList::of(&row))).collect();
        let problems =
            profiles::problems(&profile_rules(&connection.platform), &lists, &ProfileValues::of(&self.0));
        Ok(problems.into_iter().map(TicketProfileProblem).collect())
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

/// Something that a profile's templates can say.
#[derive(Clone, Debug, SimpleObject)]
pub struct TicketTemplateVariable {
    /// As it is written: `{{ name }}`.
    pub name: String,
    /// What it stands for.
    pub description: String,
}

/// Values to begin a ticket profile with.
#[derive(Clone, Debug, SimpleObject)]
pub struct SuggestedTicketProfile {
    /// Values by key of the platform's profile field.
    pub fields: Vec<Setting>,
    /// A status that leaves a ticket open.
    pub status_on_create: Option<String>,
    /// A status that closes it; null where the lists name none.
    pub status_on_close: Option<String>,
}
