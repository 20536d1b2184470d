//! Readings of a PSA's companies or pick lists: asked for by people, carried out by the worker that holds
//! the connection's lane.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{
    Timestamp, psa_connection,
    sync_run::{self, SyncKind, SyncStatus},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Set,
    sea_query::{ColumnRef, Expr, IntoColumnRef as _, LockType},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::remote::CompanyFilter;
use crate::{
    audit::{self, Change},
    db::{
        filter::{Span, any_of},
        news::{self, Happened, What},
        page::Order,
    },
    error::{Error, Problem, ProblemCode},
    global_id,
    ground::Ground,
    organizations::{
        once::{Done, Once},
        reach::{self, List},
        viewer::{Permission, Viewer},
    },
    queue::lanes,
};

/// What is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Companies, these.
    Companies(CompanyFilter),
    /// All pick lists.
    PickLists,
}

/// Asks for the pick lists on behalf of nobody: their time has come.
pub async fn request_lists(
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
) -> Result<sync_run::Model, Error> {
    enqueue(ground, Once::default(), organization_id, psa_connection_id, Wanted::PickLists, None).await
}

/// Asks for a reading. Where the same one waits already, that is given.
pub async fn request(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    wanted: Wanted,
) -> Result<sync_run::Model, Error> {
    let found = psa_connection::Entity::find_by_id(psa_connection_id).one(ground.db.reader()).await?;
    let connection = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::CheckIntegrations, connection.organization_id)?;
    if !connection.is_enabled {
        let message = "the connection is switched off; switch it on first";
        return Err(Problem::of("id", ProblemCode::WrongState, message).into());
    }
    let by = Some((viewer.clone(), connection.clone()));
    enqueue(ground, viewer.once(), connection.organization_id, connection.id, wanted, by).await
}

async fn enqueue(
    ground: &Ground,
    once: Once,
    organization_id: Uuid,
    connection_id: Uuid,
    wanted: Wanted,
    by: Option<(Viewer, psa_connection::Model)>,
) -> Result<sync_run::Model, Error> {
    let (kind, filter, action) = match wanted {
        Wanted::Companies(filter) => {
            (SyncKind::Companies, json!(tidied(filter)), "psaConnectionSyncCompanies")
        }
        Wanted::PickLists => (SyncKind::PickLists, json!({}), "psaConnectionSyncPickLists"),
    };
    let now = ground.clock.now();
    let row = sync_run::ActiveModel {
        id: Set(ground.chance.id(now)),
        organization_id: Set(organization_id),
        psa_connection_id: Set(connection_id),
        kind: Set(kind),
        filter: Set(filter.clone()),
        status: Set(SyncStatus::Queued),
        done_count: Set(0),
        total_count: Set(None),
        problem: Set(None),
        created_at: Set(now),
        started_at: Set(None),
        finished_at: Set(None),
    };
    let ground_of = ground.clone();
    let run = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                // Two that ask for the same at once queue here.
                psa_connection::Entity::find_by_id(connection_id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let waiting = sync_run::Entity::find()
                    .filter(sync_run::Column::OrganizationId.eq(organization_id))
                    .filter(sync_run::Column::PsaConnectionId.eq(connection_id))
                    .filter(sync_run::Column::Status.eq(SyncStatus::Queued))
                    .filter(sync_run::Column::Kind.eq(kind))
                    .order_by_asc(sync_run::Column::Id)
                    .all(tx)
                    .await?;
                if let Some(same) = waiting.into_iter().find(|run| run.filter == filter) {
                    once.finish(tx, &ground_of, &Done::row(same.id)).await?;
                    return Ok(same);
                }
                let run = row.insert(tx).await?;
                lanes::wake(tx, connection_id, now).await?;
                once.finish(tx, &ground_of, &Done::row(run.id)).await?;
                if let Some((viewer, connection)) = by {
                    let mut change =
                        Change::of(action, &connection).is("syncRunId", global_id::encode("SyncRun", run.id));
                    let chosen: Map<String, Value> = run
                        .filter
                        .as_object()
                        .into_iter()
                        .flatten()
                        .filter(|(_, value)| !value.is_null() && **value != Value::Bool(false))
                        .map(|(name, value)| (name.clone(), value.clone()))
                        .collect();
                    if !chosen.is_empty() {
                        change = change.is("filter", chosen);
                    }
                    audit::record(tx, &ground_of, &viewer, change).await?;
                }
                Ok::<_, Error>(run)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(run)
}

fn tidied(filter: CompanyFilter) -> CompanyFilter {
    let tidy = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    CompanyFilter {
        search: tidy(filter.search),
        company_type: tidy(filter.company_type),
        status: tidy(filter.status),
        market: tidy(filter.market),
        include_inactive: filter.include_inactive,
    }
}

/// Readings, the newest first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RunList {
    /// Of an organization, rather than of a connection.
    pub of_organization: bool,
    /// In one of these states.
    pub statuses: Option<Vec<SyncStatus>>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<SyncKind>>,
    /// Through one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// Asked for in this time.
    pub created: Span,
    /// Another order.
    pub order: Option<Order<sync_run::Entity>>,
}

impl List for RunList {
    type Entity = sync_run::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<sync_run::Entity> {
        use sync_run::Column as C;
        reach::rows::<sync_run::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::Status, self.statuses.as_deref()))
                .add(any_of(C::Kind, self.kinds.as_deref()))
                .add(any_of(C::PsaConnectionId, self.psa_connection_ids.as_deref()))
                .add(self.created.holds(C::CreatedAt)),
        )
    }

    fn parent(&self) -> ColumnRef {
        use sync_run::Column as C;
        let column = if self.of_organization { C::OrganizationId } else { C::PsaConnectionId };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<sync_run::Entity> {
        self.order.unwrap_or(Order::descending(sync_run::Column::CreatedAt))
    }
}

/// The companies a run is to read.
pub fn company_filter(run: &sync_run::Model) -> CompanyFilter {
    serde_json::from_value(run.filter.clone()).unwrap_or_default()
}

/// The connection's run to be carried out next: one that was begun and left behind, then the one that has
/// waited longest.
pub async fn next_run(
    db: &impl ConnectionTrait,
    psa_connection_id: Uuid,
) -> Result<Option<sync_run::Model>, DbErr> {
    for status in [SyncStatus::Running, SyncStatus::Queued] {
        let run = sync_run::Entity::find()
            .filter(sync_run::Column::PsaConnectionId.eq(psa_connection_id))
            .filter(sync_run::Column::Status.eq(status))
            .order_by_asc(sync_run::Column::Id)
            .one(db)
            .await?;
        if run.is_some() {
            return Ok(run);
        }
    }
    Ok(None)
}

/// A run begins, or begins anew.
pub async fn begin(tx: &impl ConnectionTrait, run_id: Uuid, now: Timestamp) -> Result<(), DbErr> {
    use sync_run::Column as C;
    let begun = sync_run::Entity::update_many()
        .col_expr(C::Status, Expr::value(SyncStatus::Running))
        .col_expr(C::StartedAt, Expr::value(now))
        .col_expr(C::DoneCount, Expr::value(0_i64))
        .filter(C::Id.eq(run_id))
        .exec_with_returning(tx)
        .await?;
    progressed(&begun, now);
    Ok(())
}

/// How far a run is: so many read in all, of so many where the PSA says so.
pub async fn progress(
    tx: &impl ConnectionTrait,
    run_id: Uuid,
    done: u64,
    total: Option<u64>,
    now: Timestamp,
) -> Result<(), DbErr> {
    use sync_run::Column as C;
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let run = sync_run::Entity::update_many()
        .col_expr(C::DoneCount, Expr::value(count(done)))
        .col_expr(C::TotalCount, Expr::value(total.map(count)))
        .filter(C::Id.eq(run_id))
        .exec_with_returning(tx)
        .await?;
    progressed(&run, now);
    Ok(())
}

/// A run is done: what was read is all there is.
pub async fn finish(tx: &impl ConnectionTrait, run_id: Uuid, now: Timestamp) -> Result<(), DbErr> {
    use sync_run::Column as C;
    sync_run::Entity::update_many()
        .col_expr(C::TotalCount, Expr::col(C::DoneCount))
        .filter(C::Id.eq(run_id))
        .exec(tx)
        .await?;
    end(tx, run_id, SyncStatus::Succeeded, None, now).await
}

/// A run is given up; `problem` says why and what to do.
pub async fn fail(
    tx: &impl ConnectionTrait,
    run_id: Uuid,
    problem: &str,
    now: Timestamp,
) -> Result<(), DbErr> {
    end(tx, run_id, SyncStatus::Failed, Some(problem.replace('\0', "")), now).await
}

async fn end(
    tx: &impl ConnectionTrait,
    run_id: Uuid,
    status: SyncStatus,
    problem: Option<String>,
    now: Timestamp,
) -> Result<(), DbErr> {
    use sync_run::Column as C;
    let ended = sync_run::Entity::update_many()
        .col_expr(C::Status, Expr::value(status))
        .col_expr(C::Problem, Expr::value(problem))
        .col_expr(C::FinishedAt, Expr::value(now))
        .filter(C::Id.eq(run_id))
        .exec_with_returning(tx)
        .await?;
    progressed(&ended, now);
    Ok(())
}

/// Tells those who watch.
fn progressed(runs: &[sync_run::Model], at: Timestamp) {
    for run in runs {
        let (organization_id, id) = (run.organization_id, run.id);
        news::tell(Happened { what: What::SyncRunProgressed, organization_id, id, at });
    }
}

#[cfg(test)]
mod tests;
