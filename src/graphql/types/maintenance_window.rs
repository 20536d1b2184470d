//! A time in which findings get no new tickets.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{Timestamp, company, maintenance_window, organization};

use super::{Company, OrderDirection, Organization, ReferenceFilter, filters::ordering};
use crate::{
    error::Error,
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    organizations::lists::WindowList,
};

/// A time in which findings of a company, or of all, get no new tickets. Open tickets are noted and closed all the
/// same.
pub struct MaintenanceWindow(pub maintenance_window::Model);

impl From<maintenance_window::Model> for MaintenanceWindow {
    fn from(row: maintenance_window::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of maintenance windows, the latest to begin first.
    MaintenanceWindowConnection, MaintenanceWindowEdge, MaintenanceWindow, WindowList
}

/// Which maintenance windows; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MaintenanceWindowFilter {
    /// Open now, or not.
    pub is_open: Option<bool>,
    /// Over, or open now and to come.
    pub is_over: Option<bool>,
    /// For which company; those for every company are not among them.
    pub company: Option<ReferenceFilter>,
    /// Part of the name, in upper or lower case.
    pub query: Option<String>,
}

impl MaintenanceWindowFilter {
    /// The domain's list, by this time.
    pub fn read(self, now: Timestamp, order_by: Option<MaintenanceWindowOrder>) -> Result<WindowList, Error> {
        Ok(WindowList {
            is_open: self.is_open.map(|is_open| (is_open, now)),
            is_over: self.is_over.map(|is_over| (is_over, now)),
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            text: self.query,
            order: order_by.map(Into::into),
        })
    }
}

ordering! {
    /// The order of maintenance windows; those that are equal stand in the order of their ids.
    MaintenanceWindowOrder, MaintenanceWindowOrderField of maintenance_window, Desc, [
        /// When they begin.
        #[default]
        StartsAt,
        /// When they end.
        EndsAt,
    ]
}

/// A time in which findings of a company, or of all, get no new tickets. Open tickets are noted and closed all the
/// same.
#[Object]
impl MaintenanceWindow {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<maintenance_window::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// The company it is for; null for every company.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let Some(id) = self.0.company_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<company::Entity>(id).await?.map(Company))
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// From when on.
    async fn starts_at(&self) -> DateTime {
        self.0.starts_at.into()
    }

    /// Until when; at this moment it is over.
    async fn ends_at(&self) -> DateTime {
        self.0.ends_at.into()
    }

    /// Whether it is open now.
    async fn is_open(&self, ctx: &Context<'_>) -> Result<bool> {
        let now = ctx.ground()?.clock.now();
        Ok(self.0.starts_at <= now && now < self.0.ends_at)
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
