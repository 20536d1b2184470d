//! From what was read in a delivery to tickets planned: company, finding, policy, profile, mapping, ticket.
//!
//! All of it runs in the transaction that ends the delivery. An event that was decided once stays decided:
//! deciding a delivery again takes up only what was held or could not be read.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::HashMap;

use entity::{
    Severity, Timestamp, event,
    event::Outcome::{self, Duplicate, Held, Ignored, Invalid, Stale, Suppressed},
    finding, waiting_finding, webhook_delivery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    catalogue::Action,
    event::{Event, Reading},
    quiet::Quiet,
    rules::Rules,
    trail::{Decision, Trail},
    whose::{Whose, whose},
};
use crate::{
    findings::record::{self, About, Change},
    ground::Ground,
    notifications::happenings,
    tickets::plan,
};

/// How far a sender's clock may run ahead before its time is not believed, in seconds.
const AHEAD_SECS: i64 = 300;

/// Decides what was read in a delivery, each reading with its place there. A long delivery may be decided
/// in several transactions, one after the other. Gives what became of each.
pub async fn decide(
    tx: &DatabaseTransaction,
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    mut numbered: Vec<(i32, Reading)>,
) -> Result<Vec<Outcome>, DbErr> {
    if numbered.is_empty() {
        return Ok(Vec::new());
    }
    let known: HashMap<i32, event::Model> = event::Entity::find()
        .filter(event::Column::OrganizationId.eq(delivery.organization_id))
        .filter(event::Column::WebhookDeliveryId.eq(delivery.id))
        .filter(event::Column::Position.is_in(numbered.iter().map(|(position, _)| *position)))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| (row.position, row))
        .collect();
    // Findings are locked in one order in every transaction, so that no two wait for each other.
    numbered.sort_by_cached_key(|(position, reading)| {
        let place = reading
            .event
            .as_ref()
            .ok()
            .map(|event| (event.client_ref.clone(), event.source.clone(), event.finding_key.clone()));
        // What a delivery names comes before the snapshot that ends the rest.
        let is_sweep = reading.event.as_ref().is_ok_and(|event| event.kind.action == Action::Sweep);
        (is_sweep, place, *position)
    });
    let positions: Vec<i32> = numbered.iter().map(|(position, _)| *position).collect();
    let rules = Rules::load(tx, delivery.organization_id).await?;
    let now = ground.clock.now();
    let quiet = Quiet::load(tx, delivery.organization_id, Some(delivery), now).await?;
    let (mut outcomes, mut touched) = (Vec::new(), Vec::new());
    for (position, reading) in numbered {
        let before = known.get(&position);
        let is_open =
            |row: &event::Model| matches!(row.outcome, Held | Invalid) || row.reason == "unknown_kind";
        if before.is_some_and(|row| !is_open(row)) {
            continue;
        }
        let (outcome, ticket_ids) =
            Box::pin(one(tx, ground, (delivery, &rules, &quiet), (position, reading), before)).await?;
        outcomes.push(outcome);
        touched.extend(ticket_ids);
    }
    if outcomes.contains(&Held) {
        happenings::held(tx, ground, delivery, &positions, &known).await?;
    }
    plan::wake_lanes(tx, ground, delivery.organization_id, touched).await?;
    Ok(outcomes)
}

async fn one(
    tx: &DatabaseTransaction,
    ground: &Ground,
    (delivery, rules, quiet): (&webhook_delivery::Model, &Rules, &Quiet),
    (position, reading): (i32, Reading),
    before: Option<&event::Model>,
) -> Result<(Outcome, Vec<Uuid>), DbErr> {
    let now = ground.clock.now();
    let mut trail = Trail::default();
    for remark in &reading.remarks {
        trail.step("remark", remark);
    }
    let mut row = event::Model {
        id: before.map_or_else(|| ground.chance.id(now), |row| row.id),
        organization_id: delivery.organization_id,
        webhook_delivery_id: delivery.id,
        position,
        kind: String::new(),
        source: String::new(),
        client_ref: None,
        company_id: None,
        severity: Severity::Unknown,
        title: String::new(),
        finding_key: None,
        occurred_at: delivery.received_at,
        outcome: Invalid,
        reason: String::new(),
        explanation: String::new(),
        steps: Value::Null,
        finding_id: before.and_then(|row| row.finding_id),
        ticket_id: None,
        created_at: before.map_or(now, |row| row.created_at),
        decided_at: now,
    };
    let decision = match &reading.event {
        Err(unreadable) => {
            row.kind = unreadable.kind.clone().unwrap_or_default().chars().take(100).collect();
            let place = if unreadable.pointer.is_empty() { "the body" } else { &unreadable.pointer };
            let outcome = if unreadable.code == "unknown_kind" { Ignored } else { Invalid };
            Decision::new(outcome, unreadable.code, format!("at {place}: {}", unreadable.problem))
        }
        Ok(event) => {
            event.kind.name.clone_into(&mut row.kind);
            row.source.clone_from(&event.source);
            row.client_ref.clone_from(&event.client_ref);
            row.severity = event.severity;
            row.title.clone_from(&event.title);
            row.finding_key = Some(event.finding_key.clone());
            row.occurred_at = believed(event, delivery.received_at, &mut trail);
            // The row stands before the ticket's operations that name it.
            let was_recorded = row.finding_id.is_some();
            let row = &row;
            Deciding { tx, ground, rules, quiet, event, row, was_recorded, waited: None }
                .decide(&mut trail)
                .await?
        }
    };
    row.outcome = decision.outcome;
    decision.reason.clone_into(&mut row.reason);
    row.explanation = decision.explanation;
    row.company_id = decision.company_id;
    row.finding_id = decision.finding_id.or(row.finding_id);
    row.ticket_id = decision.ticket_id;
    row.steps = trail.into_json();
    let row = row.into_active_model();
    if before.is_some() {
        row.reset_all().update(tx).await?;
    } else {
        row.insert(tx).await?;
    }
    let mut tickets = decision.further_tickets;
    tickets.extend(decision.ticket_id);
    Ok((decision.outcome, tickets))
}

/// A time far in the future would make everything after it stale: the time of receipt is taken instead.
fn believed(event: &Event, received_at: Timestamp, trail: &mut Trail) -> Timestamp {
    match event.occurred_at {
        Some(at) if at > received_at.plus_secs(AHEAD_SECS) => {
            trail.step("remark", format!("occurred_at {at} lies in the future; the time of receipt is used"));
            received_at
        }
        Some(at) => at,
        None => received_at,
    }
}

/// An event that is being decided.
pub(super) struct Deciding<'a> {
    pub(super) tx: &'a DatabaseTransaction,
    pub(super) ground: &'a Ground,
    pub(super) rules: &'a Rules,
    pub(super) quiet: &'a Quiet,
    pub(super) event: &'a Event,
    pub(super) row: &'a event::Model,
    /// The event was held before, after its finding had been written down.
    pub(super) was_recorded: bool,
    /// What it has waited for.
    pub(super) waited: Option<&'a waiting_finding::Model>,
}

impl Deciding<'_> {
    async fn decide(&self, trail: &mut Trail) -> Result<Decision, DbErr> {
        let event = self.event;
        if event.kind.action == Action::Ignore {
            return Ok(Decision::new(
                Ignored,
                "no_finding",
                format!("{} says nothing of a finding", event.kind.name),
            ));
        }
        match whose(self.tx, self.row.organization_id, event, trail).await? {
            Err(decision) => Ok(decision),
            Ok(Whose { company, as_caught }) => {
                let event = as_caught.as_ref().unwrap_or(event);
                Deciding { event, ..*self }.about(company, trail).await
            }
        }
    }

    /// The event is this company's.
    async fn about(&self, company: entity::company::Model, trail: &mut Trail) -> Result<Decision, DbErr> {
        let (event, organization_id) = (self.event, self.row.organization_id);
        if event.kind.action == Action::Sweep {
            let scope = event.scope_key.as_deref().unwrap_or_default();
            return Ok(self.sweep(&company, scope, trail).await?.company(company.id));
        }
        let about = About { organization_id, company_id: company.id, occurred_at: self.row.occurred_at };
        let (finding, change) = record::record(self.tx, self.ground, about, event).await?;
        // Written down before it was held: not a repetition now.
        let change = if self.was_recorded && change == Change::Repeated {
            match finding.state {
                finding::FindingState::Open => Change::New,
                _ => Change::Ended,
            }
        } else {
            change
        };
        trail.step("finding", finding_words(&finding, change));
        let company_id = company.id;
        let decision = match change {
            Change::Stale => Decision::new(
                Stale,
                "newer_known",
                format!("something newer is known of this finding, of {}", finding.last_occurred_at),
            ),
            Change::Repeated => {
                Decision::new(Duplicate, "same_statement", "the same statement was taken in before")
            }
            Change::StillDismissed => Decision::new(
                Suppressed,
                "dismissed",
                format!(
                    "it was dismissed ({}) and is not taken up by being seen again",
                    finding.close_reason.clone().unwrap_or_default()
                ),
            ),
            Change::Ended | Change::EndedBefore => self.ended(&finding, trail).await?,
            Change::New | Change::CameBack | Change::SeenAgain { .. } => {
                self.there(company, &finding, change, trail).await?
            }
        };
        Ok(decision.company(company_id).finding(finding.id))
    }
}

fn finding_words(finding: &finding::Model, change: Change) -> String {
    match change {
        Change::New => "new".to_owned(),
        Change::SeenAgain { is_worse: true } => {
            format!("seen {} times, worse than before", finding.seen_count)
        }
        Change::SeenAgain { is_worse: false } => format!("seen {} times", finding.seen_count),
        Change::Repeated => "the same statement again".to_owned(),
        Change::CameBack => format!("back again, for the {}. time", finding.reopened_count),
        Change::Ended => "over".to_owned(),
        Change::EndedBefore => "over already, or never seen".to_owned(),
        Change::StillDismissed => "dismissed".to_owned(),
        Change::Stale => format!("older than what is known of {}", finding.last_occurred_at),
    }
}
