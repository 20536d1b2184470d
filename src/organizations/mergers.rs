//! Merging one organization into another: MSPs are bought.
//!
//! All that the source has becomes the target's, under the ids that it has: links, keys of tickets, marks in the PSA and
//! addresses of endpoints go on working, so that a finding which is sent again meets its ticket. What somebody could reach
//! the target with (tokens, members, subscribers) is withdrawn, and listed. What is left of the source is a row that says
//! where it went, and its audit log, which is a chain of its own.
//!
//! It is planned first, and carried out only as it was shown: who asks names the plan's digest.
//!
//! How rows change hands stands in `organizations::moving`.
#![expect(clippy::disallowed_methods, reason = "names both organizations in every query")]

mod conflicts;
mod plan;
mod settling;

use entity::{lane, organization, psa_connection};
use futures_util::future::BoxFuture;
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::{
    moving::{self, Selection},
    organization as organizations,
    viewer::Viewer,
};
use crate::{
    audit::{self, Change},
    db::references,
    decisions::held,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

pub use super::moving::Count;
pub use plan::{Conflict, ConflictCode, Plan, Reach, Rename, Withdrawn};

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
    let source = organizations::named(viewer, ground, asked.source_id, "sourceId").await?;
    let target = organizations::named(viewer, ground, asked.target_id, "targetId").await?;
    check(&source, &target)?;
    let plan = plan::make(ground.db.reader(), &source, &target, instance_of).await?;
    if asked.is_dry_run {
        return Ok(Merged { plan, target });
    }
    expected(&plan, &asked)?;
    let selection = Selection::all(source.id, Some(target.id));
    let carry_out = || -> BoxFuture<'_, _> { Box::pin(carry_out(viewer, ground, &asked, instance_of)) };
    let merged = moving::fenced(ground, &selection, carry_out).await?;
    ground.endpoints.forget();
    ground.tokens.forget();
    ground.wake.inbox();
    ground.wake.outbox();
    tracing::info!(
        organization.id = %target.id, source.id = %source.id, by = viewer.name,
        "an organization was merged into another one"
    );
    Ok(merged)
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
fn expected(plan: &Plan, asked: &Merging) -> Result<(), Error> {
    let conflicts = plan.conflicts.iter().map(|conflict| conflict.message.as_str());
    moving::expected((&plan.digest, conflicts), asked.expected_plan.as_deref())
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
                expected(&plan, &asked)?;
                let selection = Selection::all(source.id, Some(target.id));
                let now = ground_of.clock.now();
                references::look_at_the_end(tx).await?;
                let rows = |table| selection.rows(table);
                ground_of.vault.hand_over(tx, (source.id, target.id), rows).await?;
                settling::settle(tx, &source, &target, &plan, now).await?;
                moving::move_most(tx, &selection, target.id).await?;
                moving::move_last(tx, &selection, target.id).await?;
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
            .is("counts", moving::as_json(&plan.counts))
            .is("renames", plan.renames_as_json())
            .is("changes", plan.changes.clone())
    };
    let mut changes = withdrawn;
    changes.push(Change::between(ACTION, source, left).is("targetSlug", target.slug.clone()));
    changes.push(told(Change::of(ACTION, target)));
    changes.push(told(Change::of(ACTION, source)).in_installation());
    changes
}
