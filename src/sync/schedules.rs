//! Runs that come by themselves: when, on the clocks of which time zone.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization or connection")]

use std::collections::HashMap;

use entity::{Timestamp, psa_connection, sync_run, sync_run::SyncKind, sync_schedule};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    ModelTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockType, Query},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    remote::CompanyFilter,
    runs::{self, Wanted},
};
use crate::{
    audit::{self, Change},
    decisions::cadence::Cadence,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
    queue::lanes,
};

/// A schedule to be set.
#[derive(Clone, Debug)]
pub struct NewSchedule {
    /// Through which connection.
    pub psa_connection_id: Uuid,
    /// Which runs.
    pub kind: SyncKind,
    /// How often; none leaves it as it is.
    pub cadence: Option<Cadence>,
    /// Whether they come; none leaves it as it is, on for a new one.
    pub is_enabled: Option<bool>,
}

/// How often the runs of a schedule come.
pub fn cadence(row: &sync_schedule::Model) -> Cadence {
    serde_json::from_value(row.cadence.clone()).unwrap_or_default()
}

/// What the scheduled runs of a kind read; none where a kind has none.
fn wanted(kind: SyncKind) -> Option<Wanted> {
    match kind {
        // Inactive ones too: a company that has become inactive is to be seen as that, not as missing.
        SyncKind::Companies => {
            Some(Wanted::Companies(CompanyFilter { include_inactive: true, ..CompanyFilter::default() }))
        }
        SyncKind::PickLists => Some(Wanted::PickLists),
        SyncKind::Contacts => Some(Wanted::Contacts),
        SyncKind::Configurations => Some(Wanted::Configurations),
        SyncKind::Assets => Some(Wanted::Assets),
        SyncKind::Tickets => Some(Wanted::Tickets),
        SyncKind::CompanyImport | SyncKind::CompanyImportFinish => None,
    }
}

/// Sets when a connection's runs of a kind come.
pub async fn set(viewer: &Viewer, ground: &Ground, new: NewSchedule) -> Result<sync_schedule::Model, Error> {
    let connection = reach::by_id::<psa_connection::Entity>(viewer, ground, new.psa_connection_id).await?;
    viewer.may(Permission::ManageIntegrations, connection.organization_id)?;
    if wanted(new.kind).is_none() {
        let message = "runs of this kind do not come by themselves; choose another kind";
        return Err(Problem::of("kind", ProblemCode::Invalid, message).into());
    }
    if let Some(wrong) = new.cadence.as_ref().and_then(Cadence::problem) {
        return Err(Problem::of("cadence", ProblemCode::Invalid, wrong).into());
    }
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let row = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use sync_schedule::Column as C;
                let now = ground_of.clock.now();
                // Two that set the same at once queue here.
                psa_connection::Entity::find_by_id(connection.id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let old = sync_schedule::Entity::find()
                    .filter(C::OrganizationId.eq(connection.organization_id))
                    .filter(C::PsaConnectionId.eq(connection.id))
                    .filter(C::Kind.eq(new.kind))
                    .one(tx)
                    .await?;
                let cadence = new.cadence.or_else(|| old.as_ref().map(cadence)).ok_or_else(|| {
                    Problem::of("cadence", ProblemCode::Required, "say how often the runs are to come")
                })?;
                let is_enabled =
                    new.is_enabled.unwrap_or_else(|| old.as_ref().is_none_or(|old| old.is_enabled));
                let row = sync_schedule::Model {
                    id: old.as_ref().map_or_else(|| ground_of.chance.id(now), |old| old.id),
                    organization_id: connection.organization_id,
                    psa_connection_id: connection.id,
                    kind: new.kind,
                    cadence: json!(cadence),
                    is_enabled,
                    next_at: if is_enabled { cadence.next(now) } else { None },
                    version: old.as_ref().map_or(1, |old| old.version + 1),
                    created_at: old.as_ref().map_or(now, |old| old.created_at),
                    updated_at: now,
                };
                let active = row.clone().into_active_model().reset_all();
                if old.is_some() {
                    active.update(tx).await?
                } else {
                    active.insert(tx).await?
                };
                if let Some(at) = row.next_at {
                    lanes::wake(tx, connection.id, at).await?;
                }
                let change =
                    Change::of("syncScheduleSet", &connection).is("kind", audit::facts::word(&row.kind));
                let change = change.is("cadence", cadence.words()).is("isEnabled", is_enabled);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(row)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(row)
}

/// Removes a schedule: its runs come no more. Gives the connection's id.
pub async fn remove(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<Uuid, Error> {
    let row = reach::by_id::<sync_schedule::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::ManageIntegrations, row.organization_id)?;
    let connection = reach::by_id::<psa_connection::Entity>(viewer, ground, row.psa_connection_id).await?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let connection_id = connection.id;
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let change = Change::of("syncScheduleRemove", &connection)
                    .was("kind", audit::facts::word(&row.kind))
                    .was("cadence", cadence(&row).words());
                if row.delete(tx).await?.rows_affected == 0 {
                    return Err(Error::NotFound);
                }
                audit::record(tx, &ground_of, &by, change).await
            })
        })
        .await?;
    Ok(connection_id)
}

/// The schedules of several connections in reach, by kind.
pub async fn of_connections(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<sync_schedule::Model>>, Error> {
    let rows = reach::rows::<sync_schedule::Entity>(viewer)
        .filter(sync_schedule::Column::PsaConnectionId.is_in(psa_connection_ids.iter().copied()))
        .order_by_asc(sync_schedule::Column::Kind)
        .all(ground.db.reader())
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        found.entry(row.psa_connection_id).or_default().push(row);
    }
    Ok(found)
}

/// The last run of each kind of several connections in reach.
pub async fn last_runs(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_ids: &[Uuid],
) -> Result<HashMap<(Uuid, SyncKind), sync_run::Model>, Error> {
    use sync_run::Column as C;
    let mut newest = Query::select();
    newest
        .columns([C::PsaConnectionId, C::Kind])
        .expr(Expr::col(C::CreatedAt).max())
        .from(sync_run::Entity)
        .and_where(C::PsaConnectionId.is_in(psa_connection_ids.iter().copied()))
        .group_by_columns([C::PsaConnectionId, C::Kind]);
    let rows = reach::rows::<sync_run::Entity>(viewer)
        .filter(
            Expr::tuple([Expr::col(C::PsaConnectionId), Expr::col(C::Kind), Expr::col(C::CreatedAt)])
                .in_subquery(newest),
        )
        .order_by_asc(C::Id)
        .all(ground.db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| ((row.psa_connection_id, row.kind), row)).collect())
}

/// Asks for the runs of a connection that are due, and says when each comes next.
pub async fn ask_due(ground: &Ground, organization_id: Uuid, psa_connection_id: Uuid) -> Result<(), Error> {
    use sync_schedule::Column as C;
    let now = ground.clock.now();
    let due = sync_schedule::Entity::find()
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::IsEnabled.eq(true))
        .filter(C::NextAt.lte(now))
        .all(ground.db.reader())
        .await?;
    for row in due {
        let next: Option<Timestamp> = cadence(&row).next(now);
        // Asked for first: a crash in between asks again, and the same run waits only once.
        if let Some(wanted) = wanted(row.kind) {
            runs::request_scheduled(ground, organization_id, psa_connection_id, wanted).await?;
        }
        let (id, planned) = (row.id, row.next_at);
        ground
            .db
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    sync_schedule::Entity::update_many()
                        .col_expr(C::NextAt, Expr::value(next))
                        .filter(C::Id.eq(id))
                        .filter(C::NextAt.eq(planned))
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await?;
    }
    Ok(())
}
