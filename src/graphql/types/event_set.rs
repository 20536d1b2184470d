//! A named choice of event kinds.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use entity::{event_set, organization};

use super::{EventCategory, EventKind, OrderDirection, Organization, filters::ordering};
use crate::{
    decisions::{
        catalogue,
        event_sets::{self, Choice},
    },
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    organizations::lists::EventSetList,
};

/// How what is to be mended (category `remediation`) is put together into tickets. New values may be added: have a
/// default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "event_set::RemediationGrain")]
pub enum RemediationGrain {
    /// By company.
    Company,
    /// By asset.
    Asset,
    /// By product.
    Product,
    /// By asset and product.
    AssetAndProduct,
}

/// A named choice of event kinds, for policies.
pub struct EventSet(pub event_set::Model);

impl From<event_set::Model> for EventSet {
    fn from(row: event_set::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of event sets, by name.
    EventSetConnection, EventSetEdge, EventSet, EventSetList
}

/// Which event sets; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EventSetFilter {
    /// The default one, or the others.
    pub is_default: Option<bool>,
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
}

impl EventSetFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<EventSetOrder>) -> EventSetList {
        EventSetList { is_default: self.is_default, text: self.query, order: order_by.map(Into::into) }
    }
}

ordering! {
    /// The order of event sets; those that are equal stand in the order of their ids.
    EventSetOrder, EventSetOrderField of event_set, Asc, [
        /// Their names.
        #[default]
        Name,
        /// When they were made.
        CreatedAt,
    ]
}

/// What of a category is in an event set.
pub struct EventSetChoice(&'static catalogue::Category, Choice);

/// What of a category is in an event set.
#[Object]
impl EventSetChoice {
    /// The category.
    async fn category(&self) -> EventCategory {
        EventCategory(self.0)
    }

    /// Whether every kind of the category is in it, those that later versions add too.
    async fn is_every_kind(&self) -> bool {
        self.1.kinds.is_none()
    }

    /// The kinds that are in it.
    async fn kinds(&self) -> Vec<EventKind> {
        match &self.1.kinds {
            None => event_sets::kinds_of(self.0).map(EventKind).collect(),
            Some(names) => names.iter().filter_map(|name| catalogue::find(name)).map(EventKind).collect(),
        }
    }
}

/// A named choice of event kinds, for policies.
#[Object]
impl EventSet {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<event_set::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Name for people; unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether new policies take it where they name none; one an organization at the most.
    async fn is_default(&self) -> bool {
        self.0.is_default
    }

    /// How what is to be mended is put together into tickets.
    async fn remediation_grain(&self) -> RemediationGrain {
        self.0.remediation_grain.into()
    }

    /// What is in it, a choice for each category; what this version does not know is left out.
    async fn choices(&self) -> Vec<EventSetChoice> {
        let choices = event_sets::read(&self.0.choices).unwrap_or_default().into_iter();
        choices
            .filter_map(|choice| Some(EventSetChoice(catalogue::category(&choice.category)?, choice)))
            .collect()
    }

    /// Counts changes by people, from 1: what an update takes as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
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
