//! What is held, and for what.

use std::collections::HashMap;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject, dataloader::Loader};
use entity::{company, event};
use uuid::Uuid;

use super::{Company, ReferenceFilter, TextFilter};
use crate::{
    decisions::{events::EventFilter, held},
    error::Error,
    graphql::{
        Asking as _,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
};

/// Which held events; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct HeldEventFilter {
    /// For which reason, e.g. `unmapped_company`.
    pub reason: Option<TextFilter>,
    /// The sender's own name or id for the customer.
    pub client_ref: Option<TextFilter>,
    /// Whether they name a customer at all.
    pub has_client_ref: Option<bool>,
    /// Which product said them.
    pub source: Option<TextFilter>,
    /// About which company, where it is known who is meant.
    pub company: Option<ReferenceFilter>,
    /// Part of the title or of the sender's name for the customer, in upper or lower case: looks through the 50,000
    /// newest events that the rest of the filter leaves.
    pub query: Option<String>,
}

impl HeldEventFilter {
    /// The domain's filter.
    pub fn read(self) -> Result<EventFilter, Error> {
        Ok(EventFilter {
            outcomes: Some(vec![event::Outcome::Held]),
            reasons: TextFilter::read(self.reason),
            client_refs: TextFilter::read(self.client_ref),
            names_customer: self.has_client_ref,
            sources: TextFilter::read(self.source),
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            text: self.query,
            ..EventFilter::default()
        })
    }
}

/// What is held, by what it waits for.
#[derive(SimpleObject)]
pub struct HeldEventCounts {
    /// Held events that wait for the same thing, the largest group first; 100 groups at the most.
    pub groups: Vec<HeldEventGroup>,
    /// Whether all of it was counted and every group is among `groups`. Otherwise there is more than 50,000 events,
    /// of which the newest were counted, or more than 100 groups.
    pub is_complete: bool,
}

impl HeldEventCounts {
    pub(super) async fn of(ctx: &Context<'_>, organization_id: Uuid) -> Result<Self> {
        let found = ctx.loaders()?.get(HeldCountsOf(organization_id)).await?.unwrap_or_default();
        let groups = found.groups.into_iter().map(HeldEventGroup).collect();
        Ok(Self { groups, is_complete: found.is_complete })
    }
}

/// Held events that wait for the same thing.
pub struct HeldEventGroup(held::Group);

/// Held events that wait for the same thing.
#[Object]
impl HeldEventGroup {
    /// Stable name of the reason, e.g. `unmapped_company`; new ones may be added.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Which product said them.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// The sender's own name or id for the customer; null where it names none.
    async fn client_ref(&self) -> Option<&str> {
        self.0.client_ref.as_deref()
    }

    /// The company, where it is known who is meant; null where that is what they wait for.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let Some(id) = self.0.company_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<company::Entity>(id).await?.map(Company))
    }

    /// How many.
    async fn count(&self) -> i32 {
        i32::try_from(self.0.count).unwrap_or(i32::MAX)
    }

    /// When the oldest was read.
    async fn oldest_at(&self) -> DateTime {
        self.0.oldest_at.into()
    }

    /// When the newest was read.
    async fn newest_at(&self) -> DateTime {
        self.0.newest_at.into()
    }

    /// The title of one of them.
    async fn sample_title(&self) -> &str {
        &self.0.sample_title
    }

    /// What to do, for people.
    async fn next_step(&self) -> String {
        self.0.next_step()
    }
}

/// What is held in an organization.
#[derive(Clone, PartialEq, Eq, Hash)]
struct HeldCountsOf(Uuid);

impl Loader<HeldCountsOf> for Fetch {
    type Value = held::Counts;
    type Error = Shared;

    async fn load(&self, keys: &[HeldCountsOf]) -> Result<HashMap<HeldCountsOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = held::counts(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, counts)| (HeldCountsOf(id), counts)).collect())
    }
}
