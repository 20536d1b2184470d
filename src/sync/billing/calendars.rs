//! Organizations' billing calendars, as people set them.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{Timestamp, billing_calendar, organization};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, LockType, OnConflict},
};
use uuid::Uuid;

use super::{
    calendar::{Calendar, PUSH_MINUTE},
    usage,
};
use crate::{
    audit::{self, Change},
    decisions::cadence::{DAY_MINUTES, zone_problem},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        form::Form,
        versions,
        viewer::{Permission, Viewer},
    },
};

/// What is to be changed of a calendar; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct CalendarChange {
    /// Another day on which months begin.
    pub start_day: Option<i32>,
    /// Another time zone.
    pub time_zone: Option<String>,
    /// Another time of day to push at, as a minute of the day; `u16::MAX` for what is no time of day.
    pub push_minute: Option<u16>,
    /// Whether quantities are pushed by themselves.
    pub is_push_enabled: Option<bool>,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

/// An organization's calendar; the ordinary one where nobody has set any.
pub async fn of(db: &impl ConnectionTrait, organization_id: Uuid) -> Result<Calendar, DbErr> {
    let row = row(db, organization_id).await?;
    Ok(row.as_ref().map(Calendar::of).unwrap_or_default())
}

/// Its row, where there is one.
pub async fn row(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
) -> Result<Option<billing_calendar::Model>, DbErr> {
    billing_calendar::Entity::find()
        .filter(billing_calendar::Column::OrganizationId.eq(organization_id))
        .one(db)
        .await
}

/// The row of an organization that begins to bill: made with what is usual where there is none.
pub async fn begin(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
) -> Result<billing_calendar::Model, Error> {
    let (usual, now) = (Calendar::default(), ground.clock.now());
    let new = billing_calendar::Model {
        id: ground.chance.id(now),
        organization_id,
        start_day: i32::from(usual.start_day),
        time_zone: usual.time_zone.clone(),
        push_minute: i32::from(PUSH_MINUTE),
        is_push_enabled: usual.is_push_enabled,
        next_push_at: usual.next_push(now),
        last_push_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let known = OnConflict::column(billing_calendar::Column::OrganizationId).do_nothing().to_owned();
    let made = billing_calendar::Entity::insert(new.into_active_model()).on_conflict(known);
    match made.exec_without_returning(tx).await {
        Ok(_) | Err(DbErr::RecordNotInserted) => {}
        Err(error) => return Err(error.into()),
    }
    let found = billing_calendar::Entity::find()
        .filter(billing_calendar::Column::OrganizationId.eq(organization_id))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    found.ok_or(Error::NotFound)
}

/// Sets an organization's calendar. The month that is under way by it is counted anew from what was reported.
pub async fn set(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    change: CalendarChange,
) -> Result<billing_calendar::Model, Error> {
    viewer.may(Permission::ManageBilling, organization_id)?;
    let mut form = Form::default();
    form.within("startDay", change.start_day.map(i64::from), 1, 31);
    if let Some(message) = change.time_zone.as_deref().and_then(zone_problem) {
        form.add(Problem::of("timeZone", ProblemCode::Invalid, message));
    }
    if change.push_minute.is_some_and(|minute| minute >= DAY_MINUTES) {
        form.add(Problem::of("pushAt", ProblemCode::Invalid, "give a time of day, as in 12:00"));
    }
    form.finish()?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                if organization::Entity::find_by_id(organization_id).one(tx).await?.is_none() {
                    return Err(Error::NotFound);
                }
                let old = begin(tx, &ground_of, organization_id).await?;
                versions::expect(change.expected_version, old.version)?;
                let mut new = old.clone();
                new.start_day = change.start_day.unwrap_or(old.start_day);
                new.time_zone = change.time_zone.unwrap_or_else(|| old.time_zone.clone());
                new.push_minute = change.push_minute.map_or(old.push_minute, i32::from);
                new.is_push_enabled = change.is_push_enabled.unwrap_or(old.is_push_enabled);
                let calendar = Calendar::of(&new);
                new.next_push_at = calendar.next_push(now);
                new.version = old.version + 1;
                new.updated_at = now;
                let row = new.clone().into_active_model().reset_all();
                billing_calendar::Entity::update(row).exec(tx).await?;
                let (was, is) = (Calendar::of(&old).period(now), calendar.period(now));
                if was != is {
                    usage::recount(tx, &ground_of, organization_id, &is).await?;
                }
                let change = Change::between("billingCalendarSet", &old, &new);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(new)
            })
        })
        .await?;
    ground.wake.one(crate::ground::Work::Timed);
    Ok(changed)
}

/// Organizations whose time to push has come, the longest waiting first.
pub async fn due(db: &impl ConnectionTrait, now: Timestamp, most: u64) -> Result<Vec<Uuid>, DbErr> {
    use billing_calendar::Column as C;
    use sea_orm::QueryOrder as _;
    billing_calendar::Entity::find()
        .select_only()
        .column(C::OrganizationId)
        .filter(C::NextPushAt.is_not_null())
        .filter(C::NextPushAt.lte(now))
        .order_by_asc(C::NextPushAt)
        .limit(most)
        .into_tuple()
        .all(db)
        .await
}

/// All of an organization's lines were looked through: the next time is tomorrow's.
pub async fn pushed(ground: &Ground, organization_id: Uuid) -> Result<(), Error> {
    use billing_calendar::Column as C;
    let now = ground.clock.now();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let next = of(tx, organization_id).await?.next_push(now);
                billing_calendar::Entity::update_many()
                    .col_expr(C::NextPushAt, Expr::value(next))
                    .col_expr(C::LastPushAt, Expr::value(Some(now)))
                    .filter(C::OrganizationId.eq(organization_id))
                    .filter(C::NextPushAt.lte(now))
                    .exec(tx)
                    .await?;
                Ok::<_, Error>(())
            })
        })
        .await
}
