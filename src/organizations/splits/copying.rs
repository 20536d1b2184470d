//! What both need: the new organization gets one like it, and what went refers to that.

use entity::{Timestamp, billing_calendar, company_value, event_set, maintenance_window, policy};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    ExprTrait as _, IntoActiveModel as _, Set,
    sea_query::{Alias, Expr, Func, Query},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    plan::Plan,
    policies::{Fate, Fated},
};
use crate::{ground::Ground, organizations::moving::Selection};

/// Columns that name an event set, and types, statuses and markets of companies.
const EVENT_SET: &[(&str, &str)] = &[("company_mapping", "event_set_id")];
const COMPANY_VALUE: &[(&str, &str)] = &[
    ("company", "company_type_id"),
    ("company", "company_status_id"),
    ("company", "company_market_id"),
    ("company_value_mapping", "company_value_id"),
];
/// The same for a policy. Groups of findings have it in their keys, see below.
const POLICY: &[(&str, &str)] =
    &[("ticket", "policy_id"), ("waiting_finding", "policy_id"), ("told_finding", "policy_id")];
/// Keys of groups, which name their policy.
const GROUP_KEYS: &[(&str, &str)] =
    &[("ticket", "group_key"), ("ticket", "open_group_key"), ("mute", "group_key")];

/// Stores a row like that of an id, under another one, for another organization.
macro_rules! store_like {
    ($table:ident, $id:expr, $copy_id:expr, $target_id:expr, $now:expr, $tx:expr) => {
        if let Some(old) = $table::Entity::find_by_id($id).one($tx).await? {
            let new = $table::Model {
                id: $copy_id,
                organization_id: $target_id,
                version: 1,
                created_at: $now,
                updated_at: $now,
                ..old
            };
            new.into_active_model().reset_all().insert($tx).await?;
        }
    };
}

/// Makes the copies. Call it when what goes is the new organization's.
pub(super) async fn copy_all(
    tx: &DatabaseTransaction,
    ground: &Ground,
    selection: &Selection,
    plan: &mut Plan,
    target_id: Uuid,
) -> Result<(), DbErr> {
    let now = ground.clock.now();
    for copy in &mut plan.copies {
        let (id, copy_id) = (copy.id, ground.chance.id(now));
        let columns = match copy.table {
            "event_set" => {
                store_like!(event_set, id, copy_id, target_id, now, tx);
                EVENT_SET
            }
            "company_value" => {
                store_like!(company_value, id, copy_id, target_id, now, tx);
                COMPANY_VALUE
            }
            "maintenance_window" => {
                store_like!(maintenance_window, id, copy_id, target_id, now, tx);
                &[]
            }
            "billing_calendar" => {
                store_like!(billing_calendar, id, copy_id, target_id, now, tx);
                &[]
            }
            // Policies come behind the event sets that they name, endpoints behind the webhooks.
            _ => continue,
        };
        for column in columns {
            point(tx, *column, target_id, (id, copy_id)).await?;
        }
        copy.copy_id = Some(copy_id);
    }
    for fated in plan.policies.clone() {
        policy(tx, ground, &fated, plan, (selection.source_id, target_id), now).await?;
    }
    Ok(())
}

/// What went and named the source's names the new organization's.
async fn point(
    tx: &DatabaseTransaction,
    (table, column): (&'static str, &'static str),
    target_id: Uuid,
    (old, new): (Uuid, Uuid),
) -> Result<(), DbErr> {
    let update = Query::update()
        .table(Alias::new(table))
        .value(column, new)
        .and_where(Expr::col("organization_id").eq(target_id))
        .and_where(Expr::col(column).eq(old))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}

/// Puts a policy where it is wanted, for those who are there, with what it names there.
async fn policy(
    tx: &DatabaseTransaction,
    ground: &Ground,
    fated: &Fated,
    plan: &mut Plan,
    (source_id, target_id): (Uuid, Uuid),
    now: Timestamp,
) -> Result<(), DbErr> {
    let old = &fated.policy;
    let event_set_id = old.event_set_id.and_then(|id| plan.copy_of("event_set", id));
    if fated.fate.is_at_source() {
        let scope = match &fated.fate {
            Fate::Parted { staying, .. } => Some(json!(staying)),
            _ => old.company_ids.clone(),
        };
        let profile_id = fated.profile_id(false);
        if scope != old.company_ids || profile_id != old.ticket_profile_id {
            let mut row = old.clone().into_active_model();
            row.organization_id = Set(source_id);
            row.company_ids = Set(scope);
            row.ticket_profile_id = Set(profile_id);
            row.version = Set(old.version + 1);
            row.updated_at = Set(now);
            row.update(tx).await?;
        }
    }
    if fated.fate == Fate::Goes {
        let mut row = policy::Model { organization_id: target_id, ..old.clone() }.into_active_model();
        row.event_set_id = Set(event_set_id);
        row.ticket_profile_id = Set(fated.profile_id(true));
        row.version = Set(old.version + 1);
        row.updated_at = Set(now);
        row.update(tx).await?;
    }
    if fated.fate.is_copied() {
        let copy_id = ground.chance.id(now);
        let company_ids = match &fated.fate {
            Fate::Parted { going, .. } => Some(json!(going)),
            _ => old.company_ids.clone(),
        };
        let new = policy::Model {
            id: copy_id,
            organization_id: target_id,
            event_set_id,
            company_ids,
            ticket_profile_id: fated.profile_id(true),
            version: 1,
            created_at: now,
            updated_at: now,
            ..old.clone()
        };
        new.into_active_model().reset_all().insert(tx).await?;
        for column in POLICY {
            point(tx, *column, target_id, (old.id, copy_id)).await?;
        }
        for column in GROUP_KEYS {
            rename(tx, *column, target_id, (old.id, copy_id)).await?;
        }
        plan.made("policy", old.id, &old.name, copy_id);
    }
    Ok(())
}

/// The key of a group names its policy: what is found later belongs to the same group, and so on the same ticket.
async fn rename(
    tx: &DatabaseTransaction,
    (table, column): (&'static str, &'static str),
    target_id: Uuid,
    (old, new): (Uuid, Uuid),
) -> Result<(), DbErr> {
    let part = |id: Uuid| format!(":{id}:");
    let renamed = Func::cust("replace").arg(Expr::col(column)).arg(part(old)).arg(part(new));
    let update = Query::update()
        .table(Alias::new(table))
        .value(column, Expr::from(renamed))
        .and_where(Expr::col("organization_id").eq(target_id))
        .and_where(Expr::col(column).like(format!("%{}%", part(old))))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}
