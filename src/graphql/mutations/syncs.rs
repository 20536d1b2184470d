//! What can be done with runs of a sync and their schedules.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{psa_connection, sync_run, sync_schedule};

use super::policy_handling::Clocks;
use crate::{
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{PsaConnection, SyncKind, SyncRun, SyncSchedule, Weekday},
    },
    organizations::reach,
    sync::{
        runs,
        schedules::{self, NewSchedule},
    },
};

/// Which run to stop.
#[derive(Debug, InputObject)]
pub struct SyncRunCancelInput {
    /// The run.
    pub id: ID,
}

payload! {
    /// What `syncRunCancel` answers.
    SyncRunCancelPayload, SyncRunCancelUserError {
        /// The run, stopped.
        sync_run: SyncRun,
    }
}

/// How often runs come: give exactly one.
#[derive(Debug, InputObject)]
pub struct SyncCadenceInput {
    /// Every hour at this minute, 0 to 59.
    pub hourly_at_minute: Option<i32>,
    /// Every day at this time, as in `07:30`.
    pub daily_at: Option<String>,
    /// Every week at this time of `day`, as in `07:30`.
    pub weekly_at: Option<String>,
    /// The day of the week, with `weeklyAt`.
    pub day: Option<Weekday>,
    /// On the clocks of this time zone, by its name in the IANA database, as in `Europe/Berlin`. Where clocks are put
    /// forward over the time, the run comes right after; where the time comes twice, it comes once.
    #[graphql(default_with = r#""UTC".to_owned()"#)]
    pub time_zone: String,
}

/// When the runs of a kind are to come by themselves; what is absent stays.
#[derive(Debug, InputObject)]
pub struct SyncScheduleSetInput {
    /// Through which connection.
    pub psa_connection_id: ID,
    /// Which runs.
    pub kind: SyncKind,
    /// How often; needed for a new schedule.
    pub cadence: Option<SyncCadenceInput>,
    /// Whether they come; a new schedule is on.
    pub is_enabled: Option<bool>,
}

payload! {
    /// What `syncScheduleSet` answers.
    SyncScheduleSetPayload, SyncScheduleSetUserError {
        /// The schedule, new or changed.
        sync_schedule: SyncSchedule,
    }
}

/// Which schedule to remove.
#[derive(Debug, InputObject)]
pub struct SyncScheduleRemoveInput {
    /// The schedule.
    pub id: ID,
}

payload! {
    /// What `syncScheduleRemove` answers.
    SyncScheduleRemovePayload, SyncScheduleRemoveUserError {
        /// Id of the schedule that was removed.
        deleted_sync_schedule_id: ID,
        /// The connection it was of.
        psa_connection: PsaConnection,
    }
}

/// What can be done with runs of a sync and their schedules.
#[derive(Default)]
pub struct SyncMutation;

#[Object]
impl SyncMutation {
    /// Stops a run that waits or is under way; what it has done stays. Needs `CHECK_INTEGRATIONS`.
    async fn sync_run_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which run.")] input: SyncRunCancelInput,
    ) -> Result<Option<SyncRunCancelPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<sync_run::Entity>(&input.id, &["id"])?;
            Ok(SyncRunCancelPayload::done(runs::cancel(viewer, ground, id).await?.into()))
        };
        SyncRunCancelPayload::answer(work.await)
    }

    /// Sets when the runs of a kind come by themselves: one schedule a connection and kind. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn sync_schedule_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The schedule.")] input: SyncScheduleSetInput,
    ) -> Result<Option<SyncScheduleSetPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let psa_connection_id =
                ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let cadence = input.cadence.map(|cadence| {
                let clocks = Clocks {
                    hourly_at_minute: cadence.hourly_at_minute,
                    daily_at: cadence.daily_at,
                    weekly_at: cadence.weekly_at,
                    day: cadence.day,
                    time_zone: cadence.time_zone,
                };
                clocks.read(&["cadence"])
            });
            let new = NewSchedule {
                psa_connection_id,
                kind: input.kind.into(),
                cadence: cadence.transpose()?,
                is_enabled: input.is_enabled,
            };
            Ok(SyncScheduleSetPayload::done(schedules::set(viewer, ground, new).await?.into()))
        };
        SyncScheduleSetPayload::answer(work.await)
    }

    /// Removes a schedule: its runs come only when somebody asks. Needs `MANAGE_INTEGRATIONS`.
    async fn sync_schedule_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which schedule.")] input: SyncScheduleRemoveInput,
    ) -> Result<Option<SyncScheduleRemovePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<sync_schedule::Entity>(&input.id, &["id"])?;
            let connection_id = schedules::remove(viewer, ground, id).await?;
            let connection = reach::by_id::<psa_connection::Entity>(viewer, ground, connection_id).await?;
            Ok(SyncScheduleRemovePayload::done(input.id.clone(), connection.into()))
        };
        SyncScheduleRemovePayload::answer(work.await)
    }
}
