//! A finding, or a group of findings, of which nobody wants to hear until a date.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, Result, dataloader::Loader};
use entity::{Timestamp, finding, mute, organization};
use uuid::Uuid;

use super::{Finding, OrderDirection, Organization, ReferenceFilter, filters::ordering};
use crate::{
    error::Error,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    organizations::{lists::MuteList, mutes},
};

/// A finding, or a group of findings, of which nobody wants to hear until a date: it opens no ticket, and an open
/// ticket gets no notes that it is still there. What closes the ticket still does.
pub struct Mute(pub mute::Model);

impl From<mute::Model> for Mute {
    fn from(row: mute::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of mutes, the newest first.
    MuteConnection, MuteEdge, Mute, MuteList
}

/// Which mutes; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MuteFilter {
    /// Those that hold now, or those that are over.
    pub is_active: Option<bool>,
    /// Of which finding; those of groups are not among them.
    pub finding: Option<ReferenceFilter>,
    /// Part of the reason, or of who muted, in upper or lower case.
    pub query: Option<String>,
}

impl MuteFilter {
    /// The domain's list, by this time.
    pub fn read(self, now: Timestamp, order_by: Option<MuteOrder>) -> Result<MuteList, Error> {
        Ok(MuteList {
            is_active: self.is_active.map(|is_active| (is_active, now)),
            finding_ids: ReferenceFilter::read::<finding::Entity>(self.finding.as_ref(), "finding")?,
            text: self.query,
            order: order_by.map(Into::into),
        })
    }
}

ordering! {
    /// The order of mutes; those that are equal stand in the order of their ids.
    MuteOrder, MuteOrderField of mute, Desc, [
        /// When they were first made.
        #[default]
        CreatedAt,
        /// When they end.
        Until,
    ]
}

/// A finding, or a group of findings, of which nobody wants to hear until a date: it opens no ticket, and an open
/// ticket gets no notes that it is still there. What closes the ticket still does.
#[Object]
impl Mute {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<mute::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// The finding that is muted; null where a group is.
    async fn finding(&self, ctx: &Context<'_>) -> Result<Option<Finding>> {
        let Some(id) = self.0.finding_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<finding::Entity>(id).await?.map(Finding))
    }

    /// The key of the group that is muted, as `policyPreview` shows it; null where one finding is.
    async fn group_key(&self) -> Option<&str> {
        self.0.group_key.as_deref()
    }

    /// Until when; at this moment it is over.
    async fn until(&self) -> DateTime {
        self.0.until.into()
    }

    /// Whether it holds now.
    async fn is_active(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.ground()?.clock.now() < self.0.until)
    }

    /// Why, in a person's words.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Who muted it last: the name they had then.
    async fn muted_by(&self) -> &str {
        &self.0.muted_by
    }

    /// When it was first made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last made anew.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// The mute of a finding itself that holds now.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct MuteOf(pub(super) Uuid);

impl Loader<MuteOf> for Fetch {
    type Value = mute::Model;
    type Error = Shared;

    async fn load(&self, keys: &[MuteOf]) -> Result<HashMap<MuteOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = mutes::of_findings(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (MuteOf(id), row)).collect())
    }
}
