//! When the runs of a connection come by themselves, and how old what they have read is.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Result, dataloader::Loader};
use entity::{psa_connection, sync_run, sync_run::SyncKind as Kind, sync_schedule};
use uuid::Uuid;

use super::{PsaConnection, SyncKind, SyncRun, Weekday};
use crate::{
    decisions::cadence::{self, Cadence},
    graphql::{
        Asking as _, ids,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    sync::schedules,
};

/// When the runs of a kind come by themselves.
pub struct SyncSchedule(pub sync_schedule::Model);

impl From<sync_schedule::Model> for SyncSchedule {
    fn from(row: sync_schedule::Model) -> Self {
        Self(row)
    }
}

/// When the runs of a kind come by themselves.
#[Object]
impl SyncSchedule {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<sync_schedule::Entity>(self.0.id)
    }

    /// Through which connection.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// Which runs.
    async fn kind(&self) -> SyncKind {
        self.0.kind.into()
    }

    /// Whether they come.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// At this minute of each hour; null where they do not come each hour.
    async fn minute(&self) -> Option<i32> {
        match schedules::cadence(&self.0) {
            Cadence::Hourly { minute } => Some(i32::from(minute)),
            _ => None,
        }
    }

    /// At this time of the day, as in `07:30`; null where they come each hour.
    async fn time(&self) -> Option<String> {
        match schedules::cadence(&self.0) {
            Cadence::Daily { at, .. } | Cadence::Weekly { at, .. } => Some(cadence::clock(at)),
            _ => None,
        }
    }

    /// On this day of the week; null where they come more often.
    async fn day(&self) -> Option<Weekday> {
        match schedules::cadence(&self.0) {
            Cadence::Weekly { day, .. } => Weekday::of(day),
            _ => None,
        }
    }

    /// On the clocks of this time zone; null where they come each hour.
    async fn time_zone(&self) -> Option<String> {
        match schedules::cadence(&self.0) {
            Cadence::Daily { time_zone, .. } | Cadence::Weekly { time_zone, .. } => Some(time_zone),
            _ => None,
        }
    }

    /// In words.
    async fn explanation(&self) -> String {
        schedules::cadence(&self.0).words()
    }

    /// When the next one comes; null where it is off.
    async fn next_run_at(&self) -> Option<DateTime> {
        self.0.next_at.map(DateTime)
    }

    /// The last run of this kind, whoever asked for it.
    async fn last_run(&self, ctx: &Context<'_>) -> Result<Option<SyncRun>> {
        let key = LastRunOf(self.0.psa_connection_id, self.0.kind);
        Ok(ctx.loaders()?.get(key).await?.map(SyncRun))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Counts changes by people, from 1.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}

/// The schedules of a connection.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct SchedulesOf(pub(super) Uuid);

impl Loader<SchedulesOf> for Fetch {
    type Value = Vec<sync_schedule::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[SchedulesOf]) -> Result<HashMap<SchedulesOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = schedules::of_connections(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (SchedulesOf(id), rows)).collect())
    }
}

/// The last run of a kind.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct LastRunOf(pub(super) Uuid, pub(super) Kind);

impl Loader<LastRunOf> for Fetch {
    type Value = sync_run::Model;
    type Error = Shared;

    async fn load(&self, keys: &[LastRunOf]) -> Result<HashMap<LastRunOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = schedules::last_runs(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|((id, kind), row)| (LastRunOf(id, kind), row)).collect())
    }
}
