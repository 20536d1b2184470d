//! What can be done with maintenance windows.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{company, maintenance_window, organization};

use super::once::{Asked, Earlier};
use crate::{
    decisions::{cadence::minute_of, weekly::Weekly},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        scalars::DateTime,
        types::{MaintenanceWindow, Weekday},
    },
    organizations::maintenance_windows::{self, NewWindow, WindowChange},
};

/// How a maintenance window comes back every week.
#[derive(Debug, InputObject)]
pub struct MaintenanceWeeklyInput {
    /// It begins on these days, one at least.
    pub days: Vec<Weekday>,
    /// At this time, as in `22:30`.
    pub from: String,
    /// Until this time, as in `06:00`; of the next day where it is not later than `from`.
    pub until: String,
    /// On the clocks of this time zone, by its name in the IANA database, as in `Europe/Berlin`.
    #[graphql(default_with = r#""UTC".to_owned()"#)]
    pub time_zone: String,
}

impl From<MaintenanceWeeklyInput> for Weekly {
    fn from(typed: MaintenanceWeeklyInput) -> Self {
        // What is no time of day is refused with all else that is wrong.
        let minute = |text: &str| minute_of(text).unwrap_or(u16::MAX);
        Self {
            days: typed.days.iter().map(|day| day.number()).collect(),
            from: minute(&typed.from),
            until: minute(&typed.until),
            time_zone: typed.time_zone,
        }
    }
}

/// A maintenance window to be made.
#[derive(Debug, InputObject)]
pub struct MaintenanceWindowCreateInput {
    /// For which organization.
    pub organization_id: ID,
    /// The company it is for; absent or null for every company.
    pub company_id: Option<ID>,
    /// Name for people, at most 200 characters.
    pub name: String,
    /// From when on; it may have begun already.
    pub starts_at: DateTime,
    /// Until when: at most 31 days later unless it is weekly, and at most 400 days from now.
    pub ends_at: DateTime,
    /// How it comes back every week in between; absent or null: it is open all the time.
    pub weekly: Option<MaintenanceWeeklyInput>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `maintenanceWindowCreate` answers.
    MaintenanceWindowCreatePayload, MaintenanceWindowCreateUserError {
        /// The new maintenance window.
        maintenance_window: MaintenanceWindow,
    }
}

/// What to change of a maintenance window; what is absent stays.
#[derive(Debug, InputObject)]
pub struct MaintenanceWindowUpdateInput {
    /// The maintenance window.
    pub id: ID,
    /// The company it is for; null for every company.
    pub company_id: MaybeUndefined<ID>,
    /// Name for people, at most 200 characters.
    pub name: Option<String>,
    /// From when on.
    pub starts_at: Option<DateTime>,
    /// Until when: at most 31 days after its beginning unless it is weekly. A moment that has passed ends a window that
    /// is open.
    pub ends_at: Option<DateTime>,
    /// How it comes back every week in between, all anew; null: it is open all the time.
    pub weekly: MaybeUndefined<MaintenanceWeeklyInput>,
    /// The version that you have seen: where it is another by now nothing is changed, and the error is `STALE`.
    pub expected_version: Option<i32>,
}

payload! {
    /// What `maintenanceWindowUpdate` answers.
    MaintenanceWindowUpdatePayload, MaintenanceWindowUpdateUserError {
        /// The maintenance window, changed.
        maintenance_window: MaintenanceWindow,
    }
}

/// Which maintenance window to remove.
#[derive(Debug, InputObject)]
pub struct MaintenanceWindowDeleteInput {
    /// The maintenance window.
    pub id: ID,
}

payload! {
    /// What `maintenanceWindowDelete` answers.
    MaintenanceWindowDeletePayload, MaintenanceWindowDeleteUserError {
        /// Id of the maintenance window that was removed.
        deleted_maintenance_window_id: ID,
    }
}

/// What can be done with maintenance windows.
#[derive(Default)]
pub struct MaintenanceWindowMutation;

#[Object]
impl MaintenanceWindowMutation {
    /// Makes a time in which findings of a company, or of all, get no new tickets, once or every week. Open tickets are
    /// noted and closed all the same; what is still there afterwards gets its ticket by itself. Needs `MANAGE_POLICIES`.
    async fn maintenance_window_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The maintenance window.")] input: MaintenanceWindowCreateInput,
    ) -> Result<Option<MaintenanceWindowCreatePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let new = NewWindow {
                organization_id: ids::parse::<organization::Entity>(
                    &input.organization_id,
                    &["organizationId"],
                )?,
                company_id: ids::parse_option::<company::Entity>(input.company_id.as_ref(), &["companyId"])?,
                name: input.name,
                starts_at: input.starts_at.0,
                ends_at: input.ends_at.0,
                weekly: input.weekly.map(Into::into),
            };
            let made = maintenance_windows::create(viewer, ground, new).await?;
            Ok(MaintenanceWindowCreatePayload::done(made.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let maintenance_window = earlier.row::<maintenance_window::Entity>().await?.map(Into::into);
            Ok(MaintenanceWindowCreatePayload { maintenance_window, user_errors: Vec::new() })
        };
        MaintenanceWindowCreatePayload::answer(asked.answer(work, again).await)
    }

    /// Changes a maintenance window, or ends it. Needs `MANAGE_POLICIES`.
    async fn maintenance_window_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: MaintenanceWindowUpdateInput,
    ) -> Result<Option<MaintenanceWindowUpdatePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<maintenance_window::Entity>(&input.id, &["id"])?;
            let change = WindowChange {
                company_id: ids::parse_undefined::<company::Entity>(input.company_id, &["companyId"])?,
                name: input.name,
                starts_at: input.starts_at.map(|at| at.0),
                ends_at: input.ends_at.map(|at| at.0),
                weekly: match input.weekly {
                    MaybeUndefined::Undefined => None,
                    MaybeUndefined::Null => Some(None),
                    MaybeUndefined::Value(typed) => Some(Some(typed.into())),
                },
                expected_version: input.expected_version,
            };
            let changed = maintenance_windows::update(viewer, ground, id, change).await?;
            Ok(MaintenanceWindowUpdatePayload::done(changed.into()))
        };
        MaintenanceWindowUpdatePayload::answer(work.await)
    }

    /// Removes a maintenance window; one that is open ends by that. Needs `MANAGE_POLICIES`.
    async fn maintenance_window_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which maintenance window.")] input: MaintenanceWindowDeleteInput,
    ) -> Result<Option<MaintenanceWindowDeletePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<maintenance_window::Entity>(&input.id, &["id"])?;
            maintenance_windows::delete(viewer, ground, id).await?;
            Ok(MaintenanceWindowDeletePayload::done(input.id.clone()))
        };
        MaintenanceWindowDeletePayload::answer(work.await)
    }
}
