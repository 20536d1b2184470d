//! Telling subscribers again because a person asks for it.

use std::collections::{BTreeMap, HashMap};

use entity::{
    Timestamp,
    notification::{self, NotificationState},
    webhook_subscriber,
};
use sea_orm::{ColumnTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        once::Done,
        reach,
        viewer::{Permission, Viewer},
    },
    queue::{notifications, subscriber_lanes},
};

/// How many are sent again at once.
pub const MOST: usize = 1_000;

/// What is to be sent again.
#[derive(Clone, Debug)]
pub enum Again {
    /// These, whatever became of them.
    These(Vec<Uuid>),
    /// What was given up at a subscriber since a moment, the oldest first.
    Failed {
        /// Which subscriber.
        webhook_subscriber_id: Uuid,
        /// What happened since then.
        since: Timestamp,
    },
}

/// What is sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redriven {
    /// Their ids.
    pub ids: Vec<Uuid>,
    /// Whether there is more to be sent again: at most [`MOST`] are at once.
    pub has_more: bool,
}

/// Sends notifications again, with the ids that they had: who has seen one recognises it. At least one id must be
/// given, each of a notification in reach, and its subscriber must be switched on.
pub async fn redrive(viewer: &Viewer, ground: &Ground, again: Again) -> Result<Redriven, Error> {
    let (rows, has_more) = wanted(viewer, ground, again).await?;
    let mut by_subscriber: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for row in &rows {
        by_subscriber.entry(row.webhook_subscriber_id).or_default().push(row.id);
    }
    let known: Vec<Uuid> = by_subscriber.keys().copied().collect();
    let subscribers = reach::by_ids::<webhook_subscriber::Entity>(viewer, ground, &known).await?;
    may_be_told(&subscribers)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let (ground_of, by, once, done) = (ground.clone(), viewer.clone(), viewer.once(), ids.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let now = ground_of.clock.now();
                for id in by_subscriber.keys() {
                    subscriber_lanes::resume(tx, *id, now).await?;
                }
                notifications::again(tx, &done, now).await?;
                let outcomes: Vec<Result<Uuid, Vec<Problem>>> = done.iter().copied().map(Ok).collect();
                let until = has_more.then_some(now);
                let done = Done { until, ..Done::rows(&outcomes, |id| *id) };
                once.finish(tx, &ground_of, &done).await?;
                let changes = by_subscriber.iter().filter_map(|(id, told)| {
                    let change = Change::of("notificationRedrive", subscribers.get(id)?);
                    Some(change.is("notificationCount", told.len()))
                });
                audit::record_all(tx, &ground_of, &by, changes.collect()).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    tracing::info!(count = ids.len(), viewer = viewer.name, "notifications are sent again");
    Ok(Redriven { ids, has_more })
}

async fn wanted(
    viewer: &Viewer,
    ground: &Ground,
    again: Again,
) -> Result<(Vec<notification::Model>, bool), Error> {
    use notification::Column as C;
    if !viewer.holds(Permission::Operate) {
        return Err(Permission::Operate.is_lacking());
    }
    match again {
        Again::These(ids) => {
            if ids.is_empty() || ids.len() > MOST {
                let message = format!("give 1 to {MOST} ids; there are {}", ids.len());
                return Err(Problem::at(&["of", "ids"], ProblemCode::Invalid, message).into());
            }
            let found = reach::by_ids::<notification::Entity>(viewer, ground, &ids).await?;
            let missing = ids.iter().enumerate().filter(|(_, id)| !found.contains_key(id));
            let missing: Vec<Problem> = missing
                .map(|(index, _)| {
                    let message = "there is no such notification; take the id from a list of them";
                    Problem::at(&["of", "ids", &index.to_string()], ProblemCode::NotFound, message)
                })
                .collect();
            if !missing.is_empty() {
                return Err(Error::Invalid(missing));
            }
            let mut rows: Vec<_> = found.into_values().collect();
            rows.sort_by_key(|row| (row.webhook_subscriber_id, row.number));
            Ok((rows, false))
        }
        Again::Failed { webhook_subscriber_id, since } => {
            reach::by_id::<webhook_subscriber::Entity>(viewer, ground, webhook_subscriber_id).await?;
            let mut rows = reach::rows::<notification::Entity>(viewer)
                .filter(C::WebhookSubscriberId.eq(webhook_subscriber_id))
                .filter(C::State.eq(NotificationState::Failed))
                .filter(C::CreatedAt.gte(since))
                .order_by_asc(C::Number)
                .limit(MOST as u64 + 1)
                .all(ground.db.reader())
                .await?;
            let has_more = rows.len() > MOST;
            rows.truncate(MOST);
            Ok((rows, has_more))
        }
    }
}

/// A subscriber that is switched off is told nothing: better to say so than to let people wait.
fn may_be_told(subscribers: &HashMap<Uuid, webhook_subscriber::Model>) -> Result<(), Error> {
    let Some(off) = subscribers.values().find(|subscriber| !subscriber.is_enabled) else { return Ok(()) };
    let message = format!("the subscriber {} is switched off; switch it on, then repeat", off.name);
    Err(Problem::of("of", ProblemCode::WrongState, message).into())
}
