//! A time in which findings get no new tickets.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::{Timestamp, company, maintenance_window, organization};

use super::{Company, OrderDirection, Organization, ReferenceFilter, Weekday, filters::ordering};
use crate::{
    decisions::{
        cadence::clock,
        weekly::{self, Weekly},
    },
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
            open_weekly: Vec::new(),
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

/// How a maintenance window comes back every week. Where clocks are put forward or back, it begins and ends by what they
/// show.
#[derive(Clone, Debug, SimpleObject)]
pub struct MaintenanceWeekly {
    /// It begins on these days.
    pub days: Vec<Weekday>,
    /// At this time, as in `22:30`.
    pub from: String,
    /// Until this time; of the next day where it is not later than `from`.
    pub until: String,
    /// On the clocks of this time zone, by its name in the IANA database.
    pub time_zone: String,
    /// In words.
    pub explanation: String,
}

impl From<Weekly> for MaintenanceWeekly {
    fn from(weekly: Weekly) -> Self {
        Self {
            days: weekly.days.iter().filter_map(|day| Weekday::of(*day)).collect(),
            from: clock(weekly.from),
            until: clock(weekly.until),
            explanation: weekly.words(),
            time_zone: weekly.time_zone,
        }
    }
}

/// A time in which a maintenance window is open.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct MaintenanceOccurrence {
    /// From when on.
    pub starts_at: DateTime,
    /// Until when; at this moment it is over.
    pub ends_at: DateTime,
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

    /// From when on; where it is weekly, from when on it comes back.
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
        Ok(weekly::occurrence(&self.0, now).is_some_and(|occurrence| occurrence.holds(now)))
    }

    /// How it comes back every week between its beginning and its end; null where it is open all the time in between.
    async fn weekly(&self) -> Option<MaintenanceWeekly> {
        weekly::of(&self.0).map(Into::into)
    }

    /// When it is open: now, or next; null where it is over.
    async fn next_occurrence(&self, ctx: &Context<'_>) -> Result<Option<MaintenanceOccurrence>> {
        let occurrence = weekly::occurrence(&self.0, ctx.ground()?.clock.now());
        Ok(occurrence.map(|occurrence| MaintenanceOccurrence {
            starts_at: occurrence.starts_at.into(),
            ends_at: occurrence.ends_at.into(),
        }))
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
