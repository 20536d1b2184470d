//! Splitting an organization: a part of it leaves and becomes a new one. MSPs sell branches.
//!
//! What was chosen, and all that hangs on it, becomes the new organization's under the ids that it has: links, keys of
//! tickets, marks in the PSA and addresses of endpoints go on working, so that a finding which is sent again meets its ticket.
//! What both need is copied: policies, event sets, types of companies, and endpoints that one sender uses for companies of both.
//! Nobody reaches the new organization by it: tokens, members and subscribers stay.
//!
//! It is planned first, and carried out only as it was shown. What would leave a company on one side and its PSA on the other
//! stops it. How rows change hands stands in `organizations::moving`.
#![expect(clippy::disallowed_methods, reason = "names the organizations in every query")]

mod asked;
mod conflicts;
mod copying;
mod plan;
mod policies;
mod settling;
mod shared;

use entity::{lane, organization};
use futures_util::future::BoxFuture;
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::{
    moving,
    organization::{self as organizations, NewOrganization},
    viewer::Viewer,
};
use crate::{
    audit::{self, Change},
    db::references,
    decisions::held,
    error::Error,
    ground::Ground,
};

pub use super::moving::Count;
pub use asked::{MAX_COMPANIES, MAX_CONNECTIONS, MAX_ENDPOINTS};
pub use plan::{Conflict, ConflictCode, Copy, Plan};

use asked::Asked;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Splitting {
    /// What is split.
    pub source_id: Uuid,
    /// The organization to be made.
    pub new: NewOrganization,
    /// The companies that go.
    pub company_ids: Vec<Uuid>,
    /// The connections that go.
    pub psa_connection_ids: Vec<Uuid>,
    /// The endpoints that go; those that speak for connections that go do so, too.
    pub webhook_endpoint_ids: Vec<Uuid>,
    /// Whether it is only planned.
    pub is_dry_run: bool,
    /// The digest of the plan that was shown.
    pub expected_plan: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Split {
    /// What was done, or would be.
    pub plan: Plan,
    /// The new organization; none where it is only planned.
    pub organization: Option<organization::Model>,
}

/// Makes a part of an organization a new one, or tells what that would do. For operators of the installation.
pub async fn split(viewer: &Viewer, ground: &Ground, splitting: Splitting) -> Result<Split, Error> {
    viewer.may_operate_installation()?;
    let source = organizations::named(viewer, ground, splitting.source_id, "sourceId").await?;
    let db = ground.db.reader();
    let asked = asked::check(db, ground, &source, &splitting).await?;
    let plan = plan::make(db, &source, &asked).await?;
    if splitting.is_dry_run {
        return Ok(Split { plan, organization: None });
    }
    expected(&plan, &splitting)?;
    let carry_out = || -> BoxFuture<'_, _> { Box::pin(carry_out(viewer, ground, &splitting)) };
    let (plan, made) = moving::fenced(ground, &asked.selection, carry_out).await?;
    ground.endpoints.forget();
    ground.tokens.forget();
    ground.wake.inbox();
    ground.wake.outbox();
    tracing::info!(
        organization.id = %made.id, source.id = %source.id, by = viewer.name,
        "a part of an organization became a new one"
    );
    Ok(Split { plan, organization: Some(made) })
}

/// Whether nothing stands in its way, and it is what was shown.
fn expected(plan: &Plan, splitting: &Splitting) -> Result<(), Error> {
    let conflicts = plan.conflicts.iter().map(|conflict| conflict.message.as_str());
    moving::expected((&plan.digest, conflicts), splitting.expected_plan.as_deref())
}

async fn carry_out(
    viewer: &Viewer,
    ground: &Ground,
    splitting: &Splitting,
) -> Result<(Plan, organization::Model), Error> {
    let (ground_of, by, splitting) = (ground.clone(), viewer.clone(), splitting.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move { Box::pin(carry_out_in(tx, &ground_of, &by, &splitting)).await })
        })
        .await
}

async fn carry_out_in(
    tx: &DatabaseTransaction,
    ground: &Ground,
    by: &Viewer,
    splitting: &Splitting,
) -> Result<(Plan, organization::Model), Error> {
    let source = organization::Entity::find_by_id(splitting.source_id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or(Error::NotFound)?;
    let mut asked = asked::check(tx, ground, &source, splitting).await?;
    let mut plan = plan::make(tx, &source, &asked).await?;
    expected(&plan, splitting)?;
    let now = ground.clock.now();
    let made = organizations::insert(tx, asked.made.clone()).await?;
    asked.selection.target_id = Some(made.id);
    let selection = &plan.completed(&asked);
    references::look_at_the_end(tx).await?;
    let rows = |table| selection.rows(table);
    ground.vault.hand_over(tx, (source.id, made.id), rows).await?;
    settling::before(tx, selection).await?;
    moving::move_most(tx, selection, made.id).await?;
    copying::copy_all(tx, ground, selection, &mut plan, made.id).await?;
    moving::move_last(tx, selection, made.id).await?;
    shared::follow(tx, ground, &mut plan, (source.id, made.id)).await?;
    let left = settling::leave(tx, &source, selection, now).await?;
    lane::Entity::update_many()
        .col_expr(lane::Column::NextAt, Expr::value(now))
        .filter(lane::Column::OrganizationId.eq(made.id))
        .exec(tx)
        .await?;
    held::release(tx, made.id, now).await?;
    audit::record_all(tx, ground, by, changes(&source, &left, &made, &plan, &asked)).await?;
    Ok((plan, made))
}

/// What stands in the logs: all of it in the installation's and in the new organization's, and in the source's what went.
fn changes(
    source: &organization::Model,
    left: &organization::Model,
    made: &organization::Model,
    plan: &Plan,
    asked: &Asked,
) -> Vec<Change> {
    const ACTION: &str = "organizationSplit";
    let told = |change: Change| {
        change
            .is("sourceSlug", source.slug.clone())
            .is("newSlug", made.slug.clone())
            .is("plan", plan.digest.clone())
            .is("chosen", asked.chosen_as_json())
            .is("counts", moving::as_json(&plan.counts))
            .is("copies", plan.copies_as_json())
            .is("changes", plan.changes.clone())
    };
    vec![
        told(Change::between(ACTION, source, left)),
        told(Change::made(ACTION, made)),
        told(Change::of(ACTION, source)).in_installation(),
    ]
}
