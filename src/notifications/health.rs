//! How subscribers take what they are told, and when the gateway stops telling them.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{Timestamp, notification, webhook_subscriber, webhook_subscriber::DisabledBecause};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _, sea_query::LockType,
};

use crate::{audit::Change, queue::notifications::hurry};

/// How long nothing may arrive at a subscriber before it is switched off, in seconds: five days.
pub const PATIENCE_SECS: i64 = 5 * 86_400;

/// How a subscriber took what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It did.
    Took,
    /// It is gone for good, and says so.
    Gone(String),
    /// It did not, for this reason.
    Failed(String),
}

/// Whether a subscriber that nothing has reached since then is given up.
fn is_given_up(failing_since: Timestamp, now: Timestamp) -> bool {
    failing_since.plus_secs(PATIENCE_SECS) <= now
}

/// Keeps how a subscriber took a notification. Switches it off where it is gone for good, or was not reached for days:
/// then gives what is to stand in the audit log. Call it with the subscriber's lane locked.
pub async fn record(
    tx: &DatabaseTransaction,
    now: Timestamp,
    told: &notification::Model,
    seen: Seen,
) -> Result<Option<Change>, DbErr> {
    let old = webhook_subscriber::Entity::find_by_id(told.webhook_subscriber_id)
        .filter(webhook_subscriber::Column::OrganizationId.eq(told.organization_id))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    let Some(old) = old else { return Ok(None) };
    let mut new = old.clone();
    let because = match seen {
        Seen::Took => {
            new.failures = 0;
            new.failing_since = None;
            new.last_success_at = Some(now);
            if old.failing_since.is_some() {
                hurry(tx, old.id, now).await?;
            }
            None
        }
        Seen::Gone(why) => {
            failed(&mut new, now, why);
            Some(DisabledBecause::Gone)
        }
        Seen::Failed(why) => {
            let since = failed(&mut new, now, why);
            is_given_up(since, now).then_some(DisabledBecause::Failing)
        }
    };
    if let Some(because) = because.filter(|_| old.is_enabled) {
        new.is_enabled = false;
        new.disabled_at = Some(now);
        new.disabled_because = Some(because);
        new.updated_at = now;
    }
    let new = new.into_active_model().reset_all().update(tx).await?;
    let is_switched_off = old.is_enabled && !new.is_enabled;
    if is_switched_off {
        tracing::warn!(webhook_subscriber.id = %new.id, because = ?new.disabled_because, "a subscriber was switched off");
    }
    Ok(is_switched_off.then(|| Change::between("webhookSubscriberUpdate", &old, &new)))
}

/// Since when nothing arrives.
fn failed(row: &mut webhook_subscriber::Model, now: Timestamp, why: String) -> Timestamp {
    row.failures = row.failures.saturating_add(1);
    row.last_failure_at = Some(now);
    row.last_failure = Some(why);
    *row.failing_since.get_or_insert(now)
}
