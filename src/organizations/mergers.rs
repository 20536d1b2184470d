//! Merging one organization into another: MSPs are bought.
//!
//! All that the source has becomes the target's, under the ids that it has: links, keys of tickets, marks in the PSA and
//! addresses of endpoints go on working, so that a finding which is sent again meets its ticket. What somebody could reach
//! the target with (tokens, members, subscribers) is withdrawn, and listed. What is left of the source is a row that says
//! where it went, and its audit log, which is a chain of its own.
//!
//! It is planned first, and carried out only as it was shown: who asks names the plan's digest.
//!
//! First the source's work is taken from the workers, in a transaction of its own: whoever is calling a PSA in
//! that moment cannot write down what came of it, and the next to hold the lane finds an attempt that never ended, and looks
//! before it repeats. All else is one transaction: a half of an organization is nobody's. It costs what its rows cost, and
//! the one writer of an embedded database meanwhile serves nobody else; on PostgreSQL only webhooks of the source wait, and
//! only for its last part.
#![expect(clippy::disallowed_methods, reason = "names both organizations in every query")]

mod conflicts;
mod moving;
mod plan;
mod settling;

use entity::{Timestamp, lane, organization, psa_connection, subscriber_lane, webhook_delivery};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QuerySelect as _,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::{organization as organizations, viewer::Viewer};
use crate::{
    audit::{self, Change},
    db::references,
    decisions::held,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

pub use plan::{Conflict, ConflictCode, Count, Plan, Reach, Rename, Withdrawn};

/// How long the source's work is kept from workers before the merge begins, in seconds. Where it never begins, they go on
/// after that.
const FENCED_SECS: i64 = 60;
/// How often it is begun again where it and somebody else stand in each other's way.
const TRIES: usize = 3;
/// Who holds a lane whose organization is being merged.
const HOLDER: &str = "a merge";

/// Which instance of a PSA a connection leads to: two that lead to the same one would do everything twice.
pub type InstanceOf = fn(&psa_connection::Model) -> String;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Merging {
    /// What is merged.
    pub source_id: Uuid,
    /// Into what.
    pub target_id: Uuid,
    /// Whether it is only planned.
    pub is_dry_run: bool,
    /// The digest of the plan that was shown.
    pub expected_plan: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Merged {
    /// What was done, or would be.
    pub plan: Plan,
    /// The target.
    pub target: organization::Model,
}

/// Merges an organization into another one, or tells what that would do. For operators of the installation.
pub async fn merge(
    viewer: &Viewer,
    ground: &Ground,
    asked: Merging,
    instance_of: InstanceOf,
) -> Result<Merged, Error> {
    viewer.may_operate_installation()?;
    let source = named(viewer, ground, asked.source_id, "sourceId").await?;
    let target = named(viewer, ground, asked.target_id, "targetId").await?;
    check(&source, &target)?;
    let plan = plan::make(ground.db.reader(), &source, &target, instance_of).await?;
    if asked.is_dry_run {
        return Ok(Merged { plan, target });
    }
    expected(&plan, asked.expected_plan.as_deref())?;
    let mut tries = 0;
    loop {
        tries += 1;
        fence(ground, source.id).await?;
        match carry_out(viewer, ground, &asked, instance_of).await {
            // Somebody of the source was in the middle of something.
            Err(Error::Unavailable(error)) if tries < TRIES => {
                tracing::warn!(%error, "a merge was in somebody's way; it begins again");
            }
            Err(error) => return Err(error),
            Ok(merged) => {
                ground.endpoints.forget();
                ground.tokens.forget();
                ground.wake.inbox();
                ground.wake.outbox();
                tracing::info!(
                    organization.id = %target.id, source.id = %source.id, by = viewer.name,
                    "an organization was merged into another one"
                );
                return Ok(merged);
            }
        }
    }
}

async fn named(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    field: &str,
) -> Result<organization::Model, Error> {
    organizations::by_id(viewer, ground, id).await.map_err(|error| match error {
        Error::NotFound => Problem::of(
            field,
            ProblemCode::NotFound,
            "there is no such organization; look at `organizations`",
        )
        .into(),
        other => other,
    })
}

fn check(source: &organization::Model, target: &organization::Model) -> Result<(), Error> {
    if source.id == target.id {
        let message = "an organization cannot be merged into itself; name another one";
        return Err(Problem::of("targetId", ProblemCode::Invalid, message).into());
    }
    let merged = [(source, "sourceId"), (target, "targetId")];
    let problems: Vec<_> =
        merged.iter().filter_map(|(row, field)| organizations::was_merged(row, field)).collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

/// Whether nothing stands in its way, and it is what was shown.
fn expected(plan: &Plan, digest: Option<&str>) -> Result<(), Error> {
    const FIELD: &str = "expectedPlan";
    if !plan.conflicts.is_empty() {
        let problem =
            |conflict: &Conflict| Problem::of("sourceId", ProblemCode::InUse, conflict.message.clone());
        return Err(Error::Invalid(plan.conflicts.iter().map(problem).collect()));
    }
    match digest {
        Some(digest) if digest == plan.digest => Ok(()),
        Some(_) => {
            let message = "what would be done is not what you were shown any more; look again with `isDryRun: true`, \
                           then name the digest that it gives";
            Err(Problem::of(FIELD, ProblemCode::Stale, message).into())
        }
        None => {
            let message =
                "look first, with `isDryRun: true`, then name the digest of the plan that you were shown";
            Err(Problem::of(FIELD, ProblemCode::Required, message).into())
        }
    }
}

/// Takes the source's work from the workers, for a while.
async fn fence(ground: &Ground, source_id: Uuid) -> Result<(), Error> {
    let until = ground.clock.now().plus_secs(FENCED_SECS);
    ground.db.write(move |tx| Box::pin(async move { take(tx, source_id, until).await })).await?;
    Ok(())
}

/// Nobody else holds the lanes and deliveries of the source, up to a time.
pub(super) async fn take(tx: &DatabaseTransaction, source_id: Uuid, until: Timestamp) -> Result<(), DbErr> {
    use {lane::Column as L, subscriber_lane::Column as S, webhook_delivery::Column as D};
    let holder = (until > Timestamp(0)).then(|| HOLDER.to_owned());
    webhook_delivery::Entity::update_many()
        .col_expr(D::Fence, Expr::col(D::Fence).add(1))
        .col_expr(D::LeaseUntil, Expr::value(until))
        .filter(D::OrganizationId.eq(source_id))
        .filter(D::RunAt.is_not_null())
        .exec(tx)
        .await?;
    lane::Entity::update_many()
        .col_expr(L::Fence, Expr::col(L::Fence).add(1))
        .col_expr(L::LeaseUntil, Expr::value(until))
        .col_expr(L::Holder, Expr::value(holder.clone()))
        .filter(L::OrganizationId.eq(source_id))
        .exec(tx)
        .await?;
    subscriber_lane::Entity::update_many()
        .col_expr(S::Fence, Expr::col(S::Fence).add(1))
        .col_expr(S::LeaseUntil, Expr::value(until))
        .col_expr(S::Holder, Expr::value(holder))
        .filter(S::OrganizationId.eq(source_id))
        .exec(tx)
        .await?;
    Ok(())
}

async fn carry_out(
    viewer: &Viewer,
    ground: &Ground,
    asked: &Merging,
    instance_of: InstanceOf,
) -> Result<Merged, Error> {
    let (ground_of, by, asked) = (ground.clone(), viewer.clone(), asked.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let (source, target) = locked(tx, &asked).await?;
                check(&source, &target)?;
                let plan = plan::make(tx, &source, &target, instance_of).await?;
                expected(&plan, asked.expected_plan.as_deref())?;
                let now = ground_of.clock.now();
                references::look_at_the_end(tx).await?;
                ground_of.vault.hand_over(tx, source.id, target.id).await?;
                settling::settle(tx, &source, &target, &plan, now).await?;
                moving::move_all(tx, source.id, target.id).await?;
                let withdrawn = settling::withdraw(tx, source.id, now).await?;
                let left = settling::leave(tx, &source, target.id, now).await?;
                lane::Entity::update_many()
                    .col_expr(lane::Column::NextAt, Expr::value(now))
                    .filter(lane::Column::OrganizationId.eq(target.id))
                    .exec(tx)
                    .await?;
                // Who nobody at the source was known as may be one of the target's companies.
                held::release(tx, target.id, now).await?;
                audit::record_all(tx, &ground_of, &by, changes(&source, &left, &target, &plan, withdrawn))
                    .await?;
                Ok::<_, Error>(Merged { plan, target })
            })
        })
        .await
}

/// Both rows, which nobody changes until the transaction ends: in the order of their ids, so that of two merges that name
/// each other's one waits.
async fn locked(
    tx: &DatabaseTransaction,
    asked: &Merging,
) -> Result<(organization::Model, organization::Model), Error> {
    let mut ids = [asked.source_id, asked.target_id];
    ids.sort_unstable();
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        rows.extend(organization::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?);
    }
    let find = |id: Uuid| rows.iter().find(|row| row.id == id).cloned().ok_or(Error::NotFound);
    Ok((find(asked.source_id)?, find(asked.target_id)?))
}

/// What stands in the logs: all of it in the installation's, and in both organizations' what became of them.
fn changes(
    source: &organization::Model,
    left: &organization::Model,
    target: &organization::Model,
    plan: &Plan,
    withdrawn: Vec<Change>,
) -> Vec<Change> {
    const ACTION: &str = "organizationMerge";
    let told = |change: Change| {
        change
            .is("sourceSlug", source.slug.clone())
            .is("targetSlug", target.slug.clone())
            .is("plan", plan.digest.clone())
            .is("counts", plan.counts_as_json())
            .is("renames", plan.renames_as_json())
            .is("changes", plan.changes.clone())
    };
    let mut changes = withdrawn;
    changes.push(Change::between(ACTION, source, left).is("targetSlug", target.slug.clone()));
    changes.push(told(Change::of(ACTION, target)));
    changes.push(told(Change::of(ACTION, source)).in_installation());
    changes
}
