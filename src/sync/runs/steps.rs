//! How a run goes on: begun once, step after step, ended once. What a step did and where the next one goes on stand in
//! the transaction of what the step wrote, so that a run that was cut off goes on where it stopped.
#![expect(clippy::disallowed_methods, reason = "what the holder of a connection's lane does to its runs")]

use entity::{
    Timestamp, sync_error,
    sync_run::{self, SyncKind, SyncStatus},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    ExprTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _, sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    db::news::{self, Happened, What},
    error::Error,
    ground::Ground,
    sync::imports,
};

/// How many errors of one run are kept; the others are counted.
pub const KEPT_ERRORS: u64 = 200;
/// The longest message of an error that is kept, in characters.
const MAX_MESSAGE: usize = 1_000;

/// What became of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New here.
    pub created: u64,
    /// Other than they were.
    pub updated: u64,
    /// As they were.
    pub unchanged: u64,
    /// Not taken over.
    pub failed: u64,
}

/// A record that could not be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The PSA's id of it, where it has one.
    pub external_id: Option<String>,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// What one step of a run has done.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Where the next step goes on; none where there is none.
    pub cursor: Option<String>,
    /// How many records it was.
    pub read: u64,
    /// How many there are in all, where that is known.
    pub total: Option<u64>,
    /// What became of them.
    pub counts: Counts,
    /// Those that could not be taken over.
    pub failures: Vec<Failure>,
}

/// The connection's run to be carried out next: one that was begun, then the one that has waited longest. One of them is
/// carried out at a time.
pub async fn next_run(
    db: &impl ConnectionTrait,
    psa_connection_id: Uuid,
) -> Result<Option<sync_run::Model>, DbErr> {
    for status in [SyncStatus::Running, SyncStatus::Queued] {
        let run = sync_run::Entity::find()
            .filter(sync_run::Column::PsaConnectionId.eq(psa_connection_id))
            .filter(sync_run::Column::Status.eq(status))
            // It needs no PSA: see `imports::applying`.
            .filter(sync_run::Column::Kind.ne(SyncKind::CompanyImportFinish))
            .order_by_asc(sync_run::Column::Id)
            .one(db)
            .await?;
        if run.is_some() {
            return Ok(run);
        }
    }
    Ok(None)
}

/// Whether a run goes on where it stopped; else it begins.
pub fn goes_on(run: &sync_run::Model) -> bool {
    run.status == SyncStatus::Running && run.cursor.is_some()
}

/// A run begins, or begins anew. [`Error::NotFound`] where it was stopped meanwhile.
pub async fn begin(tx: &impl ConnectionTrait, run_id: Uuid, now: Timestamp) -> Result<(), Error> {
    use sync_run::Column as C;
    let begun = sync_run::Entity::update_many()
        .col_expr(C::Status, Expr::value(SyncStatus::Running))
        .col_expr(C::StartedAt, Expr::value(now))
        .col_expr(C::DueAt, Expr::value(None::<Timestamp>))
        .col_expr(C::Cursor, Expr::value(None::<String>))
        .col_expr(C::PageCount, Expr::value(0))
        .col_expr(C::DoneCount, Expr::value(0_i64))
        .col_expr(C::CreatedCount, Expr::value(0_i64))
        .col_expr(C::UpdatedCount, Expr::value(0_i64))
        .col_expr(C::UnchangedCount, Expr::value(0_i64))
        .col_expr(C::FailedCount, Expr::value(0_i64))
        .filter(C::Id.eq(run_id))
        .filter(C::Status.is_in([SyncStatus::Queued, SyncStatus::Running]))
        .exec_with_returning(tx)
        .await?;
    sync_error::Entity::delete_many().filter(sync_error::Column::SyncRunId.eq(run_id)).exec(tx).await?;
    told(&begun, now)
}

/// A run has done a step. [`Error::NotFound`] where it was stopped meanwhile: then the step must not be written.
pub async fn step(tx: &impl ConnectionTrait, ground: &Ground, run_id: Uuid, step: Step) -> Result<(), Error> {
    use sync_run::Column as C;
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let more = |column: C, number: u64| Expr::col(column).add(count(number));
    let now = ground.clock.now();
    let Step { cursor, read, total, counts, failures } = step;
    let mut update = sync_run::Entity::update_many()
        .col_expr(C::Cursor, Expr::value(cursor))
        .col_expr(C::DueAt, Expr::value(None::<Timestamp>))
        .col_expr(C::PageCount, Expr::col(C::PageCount).add(1))
        .col_expr(C::DoneCount, more(C::DoneCount, read))
        .col_expr(C::CreatedCount, more(C::CreatedCount, counts.created))
        .col_expr(C::UpdatedCount, more(C::UpdatedCount, counts.updated))
        .col_expr(C::UnchangedCount, more(C::UnchangedCount, counts.unchanged))
        .col_expr(C::FailedCount, more(C::FailedCount, counts.failed));
    if let Some(total) = total {
        update = update.col_expr(C::TotalCount, Expr::value(Some(count(total))));
    }
    let run = update
        .filter(C::Id.eq(run_id))
        .filter(C::Status.eq(SyncStatus::Running))
        .exec_with_returning(tx)
        .await?;
    if let Some(run) = run.first() {
        keep(tx, ground, run, counts.failed, failures).await?;
    }
    told(&run, now)
}

/// Keeps the first errors of a run.
async fn keep(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    run: &sync_run::Model,
    failed: u64,
    failures: Vec<Failure>,
) -> Result<(), DbErr> {
    let before = u64::try_from(run.failed_count).unwrap_or_default().saturating_sub(failed);
    let room = usize::try_from(KEPT_ERRORS.saturating_sub(before)).unwrap_or_default();
    let now = ground.clock.now();
    let short = |text: String, most: usize| text.replace('\0', "").chars().take(most).collect::<String>();
    let row = |failure: Failure| {
        sync_error::Model {
            id: ground.chance.id(now),
            organization_id: run.organization_id,
            sync_run_id: run.id,
            external_id: failure.external_id.map(|text| short(text, 255)),
            name: failure.name.map(|text| short(text, 255)),
            message: short(failure.message, MAX_MESSAGE),
            created_at: now,
        }
        .into_active_model()
        .reset_all()
    };
    let rows: Vec<_> = failures.into_iter().take(room).map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sync_error::Entity::insert_many(rows).exec_without_returning(tx).await.map(|_| ())
}

/// Nothing of a connection's runs goes on before a time: what they may spend of its calls is spent.
pub async fn put_off(
    tx: &impl ConnectionTrait,
    psa_connection_id: Uuid,
    until: Timestamp,
) -> Result<(), DbErr> {
    use sync_run::Column as C;
    sync_run::Entity::update_many()
        .col_expr(C::DueAt, Expr::value(Some(until)))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::Status.is_in([SyncStatus::Queued, SyncStatus::Running]))
        .filter(Condition::any().add(C::DueAt.is_null()).add(C::DueAt.lt(until)))
        .exec(tx)
        .await
        .map(|_| ())
}

/// A run is done: what was read is all there is.
pub async fn finish(tx: &impl ConnectionTrait, run_id: Uuid, now: Timestamp) -> Result<(), Error> {
    use sync_run::Column as C;
    sync_run::Entity::update_many()
        .col_expr(C::TotalCount, Expr::col(C::DoneCount))
        .filter(C::Id.eq(run_id))
        .filter(C::Status.eq(SyncStatus::Running))
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
) -> Result<(), Error> {
    end(tx, run_id, SyncStatus::Failed, Some(problem.replace('\0', "")), now).await
}

/// Ends a run that has not ended; [`Error::NotFound`] where it has.
pub(in crate::sync) async fn end(
    tx: &impl ConnectionTrait,
    run_id: Uuid,
    status: SyncStatus,
    problem: Option<String>,
    now: Timestamp,
) -> Result<(), Error> {
    use sync_run::Column as C;
    let ended = sync_run::Entity::update_many()
        .col_expr(C::Status, Expr::value(status))
        .col_expr(C::Problem, Expr::value(problem))
        .col_expr(C::FinishedAt, Expr::value(now))
        .filter(C::Id.eq(run_id))
        .filter(C::Status.is_in([SyncStatus::Queued, SyncStatus::Running]))
        .exec_with_returning(tx)
        .await?;
    for run in &ended {
        imports::run_ended(tx, run, now).await?;
    }
    told(&ended, now)
}

/// Tells those who watch; a run that was not there to be changed is not found.
fn told(runs: &[sync_run::Model], at: Timestamp) -> Result<(), Error> {
    for run in runs {
        let (organization_id, id) = (run.organization_id, run.id);
        news::tell(Happened { what: What::SyncRunProgressed, organization_id, id, at });
    }
    if runs.is_empty() { Err(Error::NotFound) } else { Ok(()) }
}
