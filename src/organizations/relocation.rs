//! Bringing an organization to another shard: to another PostgreSQL database of the same installation.
//!
//! First it is marked as on its way (`moving_to`), and its work is taken from the workers for good: from then on nobody
//! serves it, and senders are told to come again. Who had begun something before ends it meanwhile. Then all its rows are
//! copied from one snapshot, in one transaction; the copy is marked as on its way, too. Then the rows are removed where they
//! were, in the transaction of that snapshot: where anybody has changed any of them since, nothing is removed. Only then the
//! copy is served.
//!
//! So at no moment two databases serve it, and at each moment at least one has all of it. Whatever breaks off can be done
//! again, and goes on: a copy that is not served yet is thrown away, unless the original is gone.
//!
//! What stays is a row that says where the organization lives, and its audit log, which nobody can remove and which goes on
//! there.
#![expect(clippy::disallowed_methods, reason = "names the organization in every query")]

use std::time::Duration;

use entity::{Timestamp, lane, organization, policy};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _,
    QueryFilter as _, QuerySelect as _, Set,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::{
    moving::{Selection, take},
    viewer::Viewer,
};
use crate::{
    audit::{self, Change},
    db::{
        freight::Freight,
        news::{self, Happened, What},
    },
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

/// How long nobody works for an organization that is on its way, in seconds: until it has arrived, or somebody brings it
/// there at last.
const FENCED_SECS: i64 = 10 * 365 * 86_400;
/// The log of what was changed, its heads and its entries: it is added to and never removed from, here as there.
const LOG: [&str; 2] = ["audit_head", "audit_entry"];
/// What is counted by triggers as rows come and go; brought over as it is when that is over.
const COUNTED: [&str; 2] = ["tally", "tally_delta"];

/// One of an installation's databases.
#[derive(Clone, Debug)]
pub struct Shard {
    /// What it is called.
    pub name: String,
    /// What works with it.
    pub ground: Ground,
}

/// How long is waited while nobody serves the organization.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// Until everybody has ended what they had begun for it where it was.
    pub ending: Duration,
    /// Until nobody takes it for unknown where it goes to, before it is unknown where it was.
    pub arriving: Duration,
}

impl Default for Pauses {
    /// A request takes up to ten seconds (`request_timeout_secs`); what was looked up of an endpoint is good for five.
    fn default() -> Self {
        Self { ending: Duration::from_secs(12), arriving: Duration::from_secs(6) }
    }
}

/// Brings an organization to another shard. `tell` hears how far it is. For operators of the installation.
///
/// # Errors
///
/// Where it cannot be done nothing has changed, or it is on its way and the same call goes on.
pub async fn relocate(
    viewer: &Viewer,
    (from, to): (&Shard, &Shard),
    slug: &str,
    pauses: Pauses,
    tell: &mut (dyn FnMut(String) + Send),
) -> Result<(), Error> {
    viewer.may_operate_installation()?;
    for side in [from, to] {
        if side.ground.db.is_sqlite() {
            let message = format!(
                "the database {} is SQLite; organizations move between PostgreSQL databases",
                side.name
            );
            return Err(Problem::of("to", ProblemCode::Invalid, message).into());
        }
    }
    let row = check(viewer, from, to, slug).await?;
    if row.moved_at.is_none() {
        if row.moving_to.is_none() {
            depart(viewer, from, to, row.id).await?;
            tell(format!("{slug} is on its way: nobody serves it, and senders are told to come again"));
        }
        if is_left(from, row.id).await? {
            tell(format!("all of {slug} was there already"));
        } else {
            tokio::time::sleep(pauses.ending).await;
            bring(from, to, row.id, pauses.arriving, tell).await?;
        }
        leave(from, row.id).await?;
        tell(format!("{} has nothing of {slug} any more but its log", from.name));
    }
    arrive(to, row.id).await?;
    tell(format!("{slug} lives in {} now", to.name));
    tracing::info!(organization.id = %row.id, from = from.name, to = to.name, by = viewer.name, "an organization was moved");
    Ok(())
}

/// The organization, where nothing stands in its way.
async fn check(viewer: &Viewer, from: &Shard, to: &Shard, slug: &str) -> Result<organization::Model, Error> {
    let refuse = |code, message: String| Error::from(Problem::of("organization", code, message));
    let row =
        super::organization::by_slug(viewer, &from.ground, slug).await.map_err(|error| match error {
            Error::NotFound => refuse(ProblemCode::NotFound, format!("there is no organization {slug}")),
            other => other,
        })?;
    if row.merged_into_id.is_some() {
        let message = format!("{slug} was merged into another organization; move that one");
        return Err(refuse(ProblemCode::WrongState, message));
    }
    if row.moving_to.as_ref().is_some_and(|there| *there != to.name) {
        let there = row.moving_to.as_deref().unwrap_or_default();
        let message = match row.moved_at {
            Some(_) => format!("{slug} lives in {there}; move it from there"),
            None => format!("{slug} is on its way to {there}; have it arrive there first"),
        };
        return Err(refuse(ProblemCode::WrongState, message));
    }
    let namesake = organization::Entity::find()
        .filter(organization::Column::Slug.eq(slug))
        .one(to.ground.db.reader())
        .await?;
    match namesake {
        Some(other) if other.id != row.id => {
            let message = format!(
                "another organization of {} is called {slug}; they cannot live in one database",
                to.name
            );
            Err(refuse(ProblemCode::Taken, message))
        }
        Some(there) if row.moving_to.is_none() && there.moving_to.is_none() => {
            let message =
                format!("{slug} is in both databases; one of them is not of this installation, or a back-up");
            Err(refuse(ProblemCode::WrongState, message))
        }
        _ => Ok(row),
    }
}

/// Marks it as on its way, and takes its work from the workers.
async fn depart(viewer: &Viewer, from: &Shard, to: &Shard, id: Uuid) -> Result<(), Error> {
    let (ground, by, there, here) = (from.ground.clone(), viewer.clone(), to.name.clone(), from.name.clone());
    let now = ground.clock.now();
    from.ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let found = organization::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let old = found.ok_or(Error::NotFound)?;
                let mut row = old.clone().into_active_model();
                row.moving_to = Set(Some(there.clone()));
                row.moved_at = Set(None);
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let new = row.update(tx).await?;
                take(tx, &Selection::all(id, None), now.plus_secs(FENCED_SECS)).await?;
                // Known tokens are looked at again, on every node.
                news::tell(Happened { what: What::AccessChanged, organization_id: id, id, at: now });
                let change = || {
                    Change::of("organizationMove", &new)
                        .was("shard", here.as_str())
                        .is("shard", there.as_str())
                };
                audit::record_all(tx, &ground, &by, vec![change(), change().in_installation()]).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    from.ground.endpoints.forget();
    from.ground.tokens.forget();
    Ok(())
}

/// Whether its rows were removed already: no organization is without its built-in policy.
async fn is_left(from: &Shard, id: Uuid) -> Result<bool, Error> {
    let policies = policy::Entity::find().filter(policy::Column::OrganizationId.eq(id));
    Ok(policies.count(from.ground.db.reader()).await? == 0)
}

/// Copies everything, and removes it where it was.
async fn bring(
    from: &Shard,
    to: &Shard,
    id: Uuid,
    arriving: Duration,
    tell: &mut (dyn FnMut(String) + Send),
) -> Result<(), Error> {
    let until = from.ground.clock.now().plus_secs(FENCED_SECS);
    // Lanes and deliveries that came to be since.
    from.ground
        .db
        .write(move |tx| Box::pin(async move { take(tx, &Selection::all(id, None), until).await }))
        .await?;
    let mut freight = Freight::begin(&from.ground.db, &to.ground.db).await?;
    let owner = ("organization_id", id);
    // Who is referred to before who refers.
    let mut tables = freight.tables_with(owner.0).await?;
    tables.retain(|name| !LOG.contains(&name.as_str()) && !COUNTED.contains(&name.as_str()));
    freight.bring_instead("organization", ("id", id)).await?;
    // What is there was broken off, and was never served.
    for table in tables.iter().rev().map(String::as_str).chain(COUNTED) {
        freight.clear(table, owner).await?;
    }
    freight.bring_log(LOG, id).await?;
    let mut count = 0;
    for table in &tables {
        let rows = freight.bring(table, owner, false).await?;
        if rows > 0 {
            tell(format!("{rows:>10}  {table}"));
        }
        count += rows;
    }
    for table in COUNTED {
        freight.clear(table, owner).await?;
        freight.bring(table, owner, false).await?;
    }
    freight.arrive().await?;
    // From now on nobody can say anything for it there; what was remembered to be unknown there is forgotten meanwhile.
    tokio::time::sleep(arriving).await;
    for table in tables.iter().rev().map(String::as_str).chain(COUNTED) {
        freight.take_away(table, owner).await?;
    }
    freight.leave().await.map_err(|error| {
        let words = "somebody changed something of it meanwhile; it is on its way: run the same again";
        Error::Internal(anyhow::Error::from(error).context(words))
    })?;
    tell(format!("{count:>10}  rows in all"));
    Ok(())
}

/// What is left of it says where it lives.
async fn leave(from: &Shard, id: Uuid) -> Result<(), Error> {
    let now = from.ground.clock.now();
    from.ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                organization::Entity::update_many()
                    .col_expr(organization::Column::MovedAt, Expr::value(now))
                    .col_expr(organization::Column::CatchAllCompanyId, Expr::value(Option::<Uuid>::None))
                    .filter(organization::Column::Id.eq(id))
                    .exec(tx)
                    .await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// From now on it is served where it has come to.
async fn arrive(to: &Shard, id: Uuid) -> Result<(), Error> {
    let now = to.ground.clock.now();
    to.ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let found = organization::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let old = found.ok_or(Error::NotFound)?;
                if old.moving_to.is_none() {
                    return Ok(());
                }
                let mut row = old.into_active_model();
                row.moving_to = Set(None);
                row.moved_at = Set(None);
                row.updated_at = Set(now);
                row.update(tx).await?;
                take(tx, &Selection::all(id, None), Timestamp(0)).await?;
                lane::Entity::update_many()
                    .col_expr(lane::Column::NextAt, Expr::value(now))
                    .filter(lane::Column::OrganizationId.eq(id))
                    .exec(tx)
                    .await?;
                news::tell(Happened { what: What::AccessChanged, organization_id: id, id, at: now });
                Ok::<_, Error>(())
            })
        })
        .await?;
    to.ground.endpoints.forget();
    to.ground.wake.inbox();
    to.ground.wake.outbox();
    Ok(())
}
