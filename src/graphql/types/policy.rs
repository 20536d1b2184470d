//! What deserves a ticket.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, dataloader::Loader};
use entity::{company, event_set, organization, policy, ticket_profile};
use uuid::Uuid;

use super::{
    Company, EventCategory, EventKind, EventSet, Organization, PolicyCondition, PolicyHandling,
    PolicyNotifies, ReferenceFilter, Severity, TicketProfile,
};
use crate::{
    decisions::{
        catalogue,
        conditions::{self, Condition},
        event_sets,
        handling::Handling,
        presets, rules,
    },
    error::Error,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    organizations::{lists::PolicyList, policies},
};

/// What deserves a ticket. The policies of an organization are asked in their order, and the first that matches
/// decides: it is switched on, the company is in its scope, the event in its event set, the severity high enough,
/// and its conditions hold.
pub struct Policy(pub policy::Model);

impl From<policy::Model> for Policy {
    fn from(row: policy::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of policies, in the order in which they are asked.
    PolicyConnection, PolicyEdge, Policy, PolicyList
}

/// Which policies; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PolicyFilter {
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// For which event set.
    pub event_set: Option<ReferenceFilter>,
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
}

impl PolicyFilter {
    /// The domain's list.
    pub fn read(self) -> Result<PolicyList, Error> {
        Ok(PolicyList {
            is_enabled: self.is_enabled,
            event_set_ids: ReferenceFilter::read::<event_set::Entity>(self.event_set.as_ref(), "eventSet")?,
            text: self.query,
        })
    }
}

impl Policy {
    async fn events(&self, ctx: &Context<'_>) -> Result<Option<event_set::Model>> {
        let Some(id) = self.0.event_set_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<event_set::Entity>(id).await?)
    }

    async fn profile(&self, ctx: &Context<'_>) -> Result<Option<ticket_profile::Model>> {
        let Some(id) = self.0.ticket_profile_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<ticket_profile::Entity>(id).await?)
    }
}

/// What deserves a ticket. The policies of an organization are asked in their order, and the first that matches
/// decides: it is switched on, the company is in its scope, the event in its event set, the severity high enough,
/// and its conditions hold.
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

    /// Name for people; unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is for, in a person's words; may be empty.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Grows with its place in the order: the policy with the least is asked first. Numbers may be left out.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// Whether it is asked at all.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// The events it is for; null for every event.
    async fn event_set(&self, ctx: &Context<'_>) -> Result<Option<EventSet>> {
        Ok(self.events(ctx).await?.map(EventSet))
    }

    /// The companies it is for; null for every mapped company. Empty where those it was for are gone: then it is for
    /// none.
    async fn companies(&self, ctx: &Context<'_>) -> Result<Option<Vec<Company>>> {
        let Some(scope) = rules::scope(&self.0) else { return Ok(None) };
        let loaders = ctx.loaders()?;
        let rows = scope.into_iter().map(|id| loaders.row::<company::Entity>(id));
        let rows: Vec<_> =
            futures_util::future::join_all(rows).await.into_iter().collect::<Result<_, _>>()?;
        Ok(Some(rows.into_iter().flatten().map(Company).collect()))
    }

    /// What must be true besides, as a list: each condition before those below it. Empty where nothing must, or where a
    /// newer version wrote them.
    async fn conditions(&self) -> Vec<PolicyCondition> {
        let root = self.0.conditions.as_ref().and_then(Condition::read);
        root.map(|root| PolicyCondition::list(&root)).unwrap_or_default()
    }

    /// The whole policy in words.
    async fn explanation(&self, ctx: &Context<'_>) -> Result<String> {
        let (events, profile) = futures_util::future::try_join(self.events(ctx), self.profile(ctx)).await?;
        let profile = profile.as_ref().map(|profile| profile.name.as_str());
        Ok(rules::explain(&self.0, events.as_ref(), profile))
    }

    /// Findings below this severity open no ticket; those of unknown severity always do. UNKNOWN for no limit.
    async fn minimum_severity(&self) -> Severity {
        self.0.minimum_severity.into()
    }

    /// The ticket profile to use; null for the organization's default.
    async fn ticket_profile(&self, ctx: &Context<'_>) -> Result<Option<TicketProfile>> {
        Ok(self.profile(ctx).await?.map(TicketProfile))
    }

    /// How long after its close a ticket is reopened rather than followed by a new one, in seconds.
    async fn reopen_window_seconds(&self) -> i64 {
        self.0.reopen_window_secs
    }

    /// At most one note about repetitions in this time, in seconds.
    async fn note_interval_seconds(&self) -> i64 {
        self.0.note_interval_secs
    }

    /// What becomes of what it wants: grouping, digests, closing.
    async fn handling(&self) -> PolicyHandling {
        Handling::of(&self.0).into()
    }

    /// Whether what it wants gets a ticket; where not, subscribers are told once when a problem is there and once when it
    /// is over.
    async fn opens_tickets(&self) -> bool {
        self.0.opens_tickets
    }

    /// Who is told what becomes of its tickets, besides the PSA.
    async fn notifies(&self) -> PolicyNotifies {
        self.0.notifies.into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Counts changes by people, from 1: what an update takes as `expectedVersion`. Its place in the order does not
    /// count.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// What of a category a preset's event set has.
#[derive(SimpleObject)]
pub struct PolicyPresetEvents {
    /// The category.
    pub category: EventCategory,
    /// The kinds.
    pub kinds: Vec<EventKind>,
}

/// A policy to begin with: `policyCreateFromPreset` makes it.
#[derive(SimpleObject)]
pub struct PolicyPreset {
    /// Stable name, e.g. `jumpcloud_alerts`.
    pub key: String,
    /// For people; the policy gets this name.
    pub label: String,
    /// What it does.
    pub description: String,
    /// What its event set has; empty where it is for every event and needs none.
    pub events: Vec<PolicyPresetEvents>,
    /// Its conditions in words; null where it has none.
    pub conditions_explanation: Option<String>,
    /// Whether what it wants gets a ticket, or subscribers are told and that is all.
    pub opens_tickets: bool,
}

impl PolicyPreset {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let preset = |preset: presets::Preset| Self {
            key: preset.key.to_owned(),
            label: preset.label.to_owned(),
            description: preset.description.to_owned(),
            events: preset.events.iter().flat_map(|events| &events.choices).filter_map(events).collect(),
            conditions_explanation: preset.conditions.as_ref().map(conditions::explain),
            opens_tickets: preset.opens_tickets,
        };
        presets::presets().into_iter().map(preset).collect()
    }
}

fn events(choice: &event_sets::Choice) -> Option<PolicyPresetEvents> {
    let category = catalogue::category(&choice.category)?;
    let kinds = match &choice.kinds {
        None => event_sets::kinds_of(category).map(EventKind).collect(),
        Some(names) => names.iter().filter_map(|name| catalogue::find(name)).map(EventKind).collect(),
    };
    Some(PolicyPresetEvents { category: EventCategory(category), kinds })
}

/// The first policy of an organization.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PolicyOf(pub(super) Uuid);

impl Loader<PolicyOf> for Fetch {
    type Value = policy::Model;
    type Error = Shared;

    async fn load(&self, keys: &[PolicyOf]) -> Result<HashMap<PolicyOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = policies::of_organizations(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (PolicyOf(id), row)).collect())
    }
}
