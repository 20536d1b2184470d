//! What waits, since when, and for whom.
#![expect(clippy::disallowed_methods, reason = "the doctor looks at the whole installation")]

use std::collections::BTreeMap;

use entity::{
    Timestamp, event, lane, notification, notification::NotificationState, psa_connection, ticket_operation,
    ticket_operation::OperationState,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait as _, DatabaseConnection, EntityTrait, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
    sea_query::{Asterisk, Expr, Func, Query},
};

use super::{Check, ago, slugs};
use crate::{
    error::Error,
    ground::Ground,
    organizations::viewer::Viewer,
    queue::{
        inbox,
        restored::{self, LOOKS_FOR_SECS, Restored},
    },
    statistics::backlog::{self, BOUND, Queue, Waiting},
};

/// From so many seconds on waiting work is late …
const LATE_SECS: i64 = 60;
/// … and from so many on nobody does it.
const STUCK_SECS: i64 = 600;
/// How long a ticket's fate may be unknown, in seconds: looking for it takes a few minutes.
const UNKNOWN_SECS: i64 = 1_800;
/// How many organizations one statement counts for.
const ORGANIZATIONS: usize = 500;

/// What waits in the whole installation.
#[derive(Clone, Debug, Default)]
pub struct WorkFacts {
    /// Since when the oldest delivery waits whose time has come.
    pub oldest_delivery: Option<Timestamp>,
    /// Since when the oldest operation waits whose connection could be called.
    pub oldest_operation: Option<Timestamp>,
    /// What waits for somebody, all organizations together.
    pub backlog: BTreeMap<&'static str, Queue>,
    /// How many events are held, by the reason.
    pub held: BTreeMap<String, u64>,
    /// Notifications whose time has come.
    pub notifications: Queue,
    /// Notifications that were given up.
    pub failed_notifications: Queue,
    /// A back-up was put back in the last weeks.
    pub restored: Option<Restored>,
}

/// Reads what waits.
pub async fn look(ground: &Ground) -> Result<WorkFacts, Error> {
    let (db, now) = (ground.db.reader(), ground.clock.now());
    let mut backlog: BTreeMap<&'static str, Queue> = BTreeMap::new();
    let organizations: Vec<_> = slugs(db).await?.into_keys().collect();
    for some in organizations.chunks(ORGANIZATIONS) {
        for (waiting, queue) in backlog::of(&Viewer::gateway(), ground, some).await?.into_values().flatten() {
            let sum = backlog.entry(name(waiting)).or_default();
            sum.count += queue.count;
            sum.oldest_at = [sum.oldest_at, queue.oldest_at].into_iter().flatten().min();
        }
    }
    let due =
        notification::Column::State.eq(NotificationState::Ready).and(notification::Column::RunAt.lte(now));
    let failed = notification::Column::State.eq(NotificationState::Failed);
    Ok(WorkFacts {
        oldest_delivery: inbox::oldest_due(ground).await?,
        oldest_operation: oldest_operation(db, now).await?,
        held: if backlog.get(name(Waiting::HeldEvents)).is_some_and(|held| held.count > 0) {
            held(db).await?
        } else {
            BTreeMap::new()
        },
        backlog,
        notifications: queue::<notification::Entity>(db, due, notification::Column::RunAt).await?,
        failed_notifications: queue::<notification::Entity>(db, failed, notification::Column::CreatedAt)
            .await?,
        restored: restored::in_force(db, now).await?,
    })
}

const fn name(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting::HeldEvents => "held",
        Waiting::UndecidedDeliveries => "undecided",
        Waiting::DeadDeliveries => "dead",
        Waiting::DueOperations => "due",
        Waiting::FailedOperations => "failed",
        Waiting::UnknownTickets => "unknown",
        Waiting::FailedTickets => "refused",
    }
}

/// Since when an operation waits though its connection is on and does not rest.
async fn oldest_operation(db: &DatabaseConnection, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    use ticket_operation::Column as C;
    let callable = lane::Entity::find()
        .select_only()
        .column(lane::Column::Id)
        .filter(lane::Column::PausedUntil.lte(now))
        .filter(lane::Column::NextAt.lte(now))
        .filter(
            lane::Column::Id.in_subquery(
                psa_connection::Entity::find()
                    .select_only()
                    .column(psa_connection::Column::Id)
                    .filter(psa_connection::Column::IsEnabled.eq(true))
                    .into_query(),
            ),
        )
        .into_query();
    let oldest: Option<Option<i64>> = ticket_operation::Entity::find()
        .select_only()
        .column_as(C::RunAt.min(), "oldest")
        .filter(C::State.eq(OperationState::Ready))
        .filter(C::RunAt.lte(now))
        .filter(C::PsaConnectionId.in_subquery(callable))
        .into_tuple()
        .one(db)
        .await?;
    Ok(oldest.flatten().map(Timestamp))
}

/// How many events are held, by the reason; the newest are counted where there are very many.
async fn held(db: &DatabaseConnection) -> Result<BTreeMap<String, u64>, Error> {
    let rows = event::Entity::find()
        .select_only()
        .column(event::Column::Reason)
        .filter(event::Column::Outcome.eq(event::Outcome::Held))
        .limit(BOUND)
        .into_query();
    let mut counts = Query::select();
    counts
        .column(("held", "reason"))
        .expr_as(Func::count(Expr::col(Asterisk)), "how_many")
        .from_subquery(rows, "held")
        .group_by_col(("held", "reason"));
    let mut held = BTreeMap::new();
    for row in db.query_all(&counts).await? {
        let count: i64 = row.try_get("", "how_many")?;
        held.insert(row.try_get("", "reason")?, u64::try_from(count).unwrap_or_default());
    }
    Ok(held)
}

async fn queue<E: EntityTrait>(
    db: &DatabaseConnection,
    is_so: Expr,
    since: E::Column,
) -> Result<Queue, Error> {
    let rows = E::find()
        .select_only()
        .column_as(since, "since")
        .filter(is_so)
        .order_by_asc(since)
        .limit(BOUND)
        .into_query();
    let mut counts = Query::select();
    counts
        .expr_as(Func::count(Expr::col(Asterisk)), "how_many")
        .expr_as(Expr::col(("waiting", "since")).min(), "oldest")
        .from_subquery(rows, "waiting");
    let Some(row) = db.query_one(&counts).await? else { return Ok(Queue::default()) };
    let count: i64 = row.try_get("", "how_many")?;
    Ok(Queue {
        count: u64::try_from(count).unwrap_or_default(),
        oldest_at: row.try_get::<Option<i64>>("", "oldest")?.map(Timestamp),
    })
}

/// What to make of it.
pub fn judge(facts: &WorkFacts, now: Timestamp) -> Vec<Check> {
    let mut checks = vec![
        late("work.deliveries", "delivery", facts.oldest_delivery, now),
        late("work.operations", "operation at a PSA", facts.oldest_operation, now),
    ];
    let count = |of: Waiting| facts.backlog.get(name(of)).copied().unwrap_or_default();
    for (name, what, queue, next) in [
        (
            "work.dead",
            "deliveries could not be read",
            count(Waiting::DeadDeliveries),
            "see why with webhookDeliveries(filter: { state: DEAD }), mend it, then webhookDeliveryRedriveMany",
        ),
        (
            "work.given_up",
            "operations were given up",
            count(Waiting::FailedOperations),
            "their tickets say why; mend it, then ticketOperationRetryMany",
        ),
        (
            "notifications.given_up",
            "notifications were given up",
            facts.failed_notifications,
            "notificationRedrive sends them again",
        ),
    ] {
        if queue.count > 0 {
            checks.push(Check::look(name, waiting(what, queue, now), next));
        }
    }
    let unknown = count(Waiting::UnknownTickets);
    if unknown.oldest_at.is_some_and(|at| at.plus_secs(UNKNOWN_SECS) < now) {
        let seen = waiting("tickets are of unknown fate", unknown, now);
        checks.push(Check::look(
            "work.unknown",
            seen,
            "is their connection well? They are looked for as soon as it is",
        ));
    }
    for (reason, count) in &facts.held {
        let next = match reason.as_str() {
            "unmapped_company" => {
                "map the companies (companyMappingSet) or give them their senders' names (companyAliasAdd)"
            }
            "unknown_company" => {
                "give the companies the names that the inventory has for them (companyAliasAdd)"
            }
            "no_profile" => "make a ticket profile the connection's default (ticketProfileCreate)",
            _ => "events(filter: { outcome: HELD }) says what each waits for",
        };
        let seen =
            format!("{}{count} events are held: {reason}", if *count >= BOUND { "at least " } else { "" });
        checks.push(Check::look("work.held", seen, format!("{next}; then they go on by themselves")));
    }
    if facts.notifications.oldest_at.is_some_and(|at| at.plus_secs(STUCK_SECS) < now) {
        let seen = waiting("notifications wait", facts.notifications, now);
        checks.push(Check::look(
            "notifications.waiting",
            seen,
            "is their subscriber well, and a gateway with workers running?",
        ));
    }
    if let Some(restored) = facts.restored {
        checks.push(Check::ok(
            "work.restored",
            format!(
                "put back {} ago as it was at {}: until {} a ticket is looked for in the PSA before it is made",
                ago(restored.at, now),
                restored.state_of,
                restored.at.plus_secs(LOOKS_FOR_SECS)
            ),
        ));
    }
    checks
}

fn late(name: &'static str, what: &str, oldest: Option<Timestamp>, now: Timestamp) -> Check {
    let Some(at) = oldest.filter(|at| at.plus_secs(LATE_SECS) < now) else {
        return Check::ok(name, format!("no {what} waits for long"));
    };
    let seen = format!("the oldest {what} has waited for {}", ago(at, now));
    if at.plus_secs(STUCK_SECS) < now {
        let next = "nobody does it: is a gateway running, and not only with --only web? Its log says more";
        Check::bad(name, seen, next)
    } else {
        Check::look(name, seen, "is the gateway busy or just started? Look again in a few minutes")
    }
}

fn waiting(what: &str, queue: Queue, now: Timestamp) -> String {
    let least = if queue.count >= BOUND { "at least " } else { "" };
    let since =
        queue.oldest_at.map(|at| format!(", the oldest since {} ago", ago(at, now))).unwrap_or_default();
    format!("{least}{} {what}{since}", queue.count)
}
