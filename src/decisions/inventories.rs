//! Devices that an inventory's webhook tells of: each becomes an asset of its company. What cannot be taken in stands among
//! the delivery's events with the reason; what waits for a company's alias goes on by itself.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::HashMap;

use entity::{
    Severity, event,
    event::Outcome::{self, Held, Ignored, Invalid},
    webhook_delivery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _,
};
use serde_json::json;

use super::whose::Customers;
use crate::{
    db::portions,
    ground::Ground,
    notifications::happenings,
    queue::notifications,
    sync::assets::{
        self, Said,
        reported::{AssetReading, Reported},
    },
};

/// What an inventory says, as the events of its delivery call it.
const KIND: &str = "asset.reported";
/// The reason of a body in which nothing could be read.
const UNREADABLE: &str = "unreadable";

/// Takes in what a webhook tells of devices, each with its place; the same delivery may come again. Gives what became of
/// those that were not taken in.
pub async fn take_in(
    tx: &DatabaseTransaction,
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    mut readings: Vec<(i32, AssetReading)>,
) -> Result<Vec<Outcome>, DbErr> {
    use event::Column as C;
    let organization_id = delivery.organization_id;
    let positions: Vec<i32> = readings.iter().map(|(position, _)| *position).collect();
    let looked_at = positions.iter().copied().chain([0]);
    let mut before: HashMap<i32, event::Model> = event::Entity::find()
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::WebhookDeliveryId.eq(delivery.id))
        .filter(C::Position.is_in(portions::filled(looked_at)))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| (row.position, row))
        .collect();
    let known = before.clone();
    let was_read = known.get(&0).is_none_or(|row| row.reason != UNREADABLE);
    if delivery.decided_at.is_some() && was_read {
        // Newer words may have been taken in since: only what was not is taken up.
        let is_open = |row: &event::Model| matches!(row.outcome, Held | Invalid);
        readings.retain(|(position, _)| known.get(position).is_some_and(is_open));
    }
    let named: Vec<(&str, Option<&str>)> = readings
        .iter()
        .filter_map(|(_, reading)| reading.said.as_ref().ok())
        .map(|reported| (reported.source.as_str(), Some(reported.client_ref.as_str())))
        .collect();
    let customers = Customers::of(tx, organization_id, &named).await?;
    let whose = |reported: &Reported| {
        let company = customers.find(&reported.source, &reported.client_ref)?;
        Some(Said { company_id: company.id, ..reported.said.clone() })
    };
    // What nobody is known as has no problem of its own.
    let rows: Vec<_> = readings
        .iter()
        .map(|(_, reading)| reading.said.as_ref().ok().and_then(whose).ok_or_else(Vec::new))
        .collect();
    let taken = assets::take_all(tx, ground, organization_id, rows).await?;
    let (mut new, mut outcomes) = (Vec::new(), Vec::new());
    for ((position, reading), taken) in readings.into_iter().zip(taken) {
        let at = if reading.pointer.is_empty() { "the body".to_owned() } else { reading.pointer.clone() };
        let (outcome, reason, explanation) = match (&reading.said, taken) {
            (Err(problem), _) => {
                let reason = if reading.pointer.is_empty() { UNREADABLE } else { "invalid_field" };
                (Invalid, reason, format!("at {at}: {problem}"))
            }
            (Ok(_), Ok(_)) => (Ignored, "asset_taken_in", "the device is an asset of its company".to_owned()),
            (Ok(reported), Err(problems)) if problems.is_empty() => {
                let words = format!(
                    "no company is known as \"{}\" to {}; give one this alias, then this goes on by itself",
                    reported.client_ref, reported.source
                );
                (Held, "unknown_company", words)
            }
            (Ok(_), Err(problems)) => {
                let words: Vec<_> = problems
                    .into_iter()
                    .map(|problem| format!("{}: {}", problem.field.join("."), problem.message))
                    .collect();
                (Invalid, "invalid_field", format!("at {at}: {}", words.join("; ")))
            }
        };
        let old = before.remove(&position);
        if outcome == Ignored && old.is_none() {
            continue;
        }
        if outcome != Ignored {
            outcomes.push(outcome);
        }
        let is_known = old.is_some();
        let row = row(ground, delivery, position, &reading, old, (outcome, reason, explanation));
        if is_known {
            row.into_active_model().reset_all().update(tx).await?;
        } else {
            new.push(row);
        }
    }
    for rows in portions::of(&new, 256) {
        let rows = rows.iter().map(|row| row.clone().into_active_model().reset_all());
        event::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    if outcomes.contains(&Held) {
        let news = happenings::held(tx, ground, delivery, &positions, &known).await?;
        notifications::enqueue(tx, ground, news).await?;
    }
    Ok(outcomes)
}

/// A device as an event of its delivery.
fn row(
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    position: i32,
    reading: &AssetReading,
    old: Option<event::Model>,
    (outcome, reason, explanation): (Outcome, &str, String),
) -> event::Model {
    let now = ground.clock.now();
    let reported = reading.said.as_ref().ok();
    event::Model {
        id: old.as_ref().map_or_else(|| ground.chance.id(now), |row| row.id),
        organization_id: delivery.organization_id,
        webhook_delivery_id: delivery.id,
        position,
        kind: KIND.to_owned(),
        source: reported.map(|reported| reported.source.clone()).unwrap_or_default(),
        client_ref: reported.map(|reported| reported.client_ref.clone()),
        company_id: None,
        severity: Severity::Unknown,
        title: reported.map(|reported| reported.said.name.chars().take(200).collect()).unwrap_or_default(),
        finding_key: None,
        occurred_at: delivery.received_at,
        outcome,
        reason: reason.to_owned(),
        explanation,
        steps: json!([]),
        finding_id: None,
        ticket_id: None,
        created_at: old.map_or(now, |row| row.created_at),
        decided_at: now,
    }
}
