//! From what was read in a delivery to tickets planned: company, finding, policy, profile, mapping, ticket.
//!
//! All of it runs in the transaction that ends the delivery. An event that was decided once stays decided:
//! deciding a delivery again takes up only what was held or could not be read.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{BTreeSet, HashMap};

use entity::{
    Severity, event,
    event::Outcome::{self, Duplicate, Held, Ignored, Invalid, Stale, Suppressed},
    finding, waiting_finding, webhook_delivery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _,
};
use serde_json::Value;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::{
    catalogue::Action,
    desk::Desk,
    event::{Event, Reading},
    trail::{Decision, Trail},
    whose::Whose,
};
use crate::{
    db::portions,
    findings::record::{About, Change},
    ground::Ground,
    notifications::happenings,
    queue::notifications::{self, NewNotification},
    tickets::plan,
};

/// A delivery and what was read in it.
#[derive(Debug)]
pub struct Read {
    /// The delivery.
    pub delivery: webhook_delivery::Model,
    /// Each reading with its place.
    pub readings: Vec<(i32, Reading)>,
    /// What is done for it belongs to this trace.
    pub span: Span,
}

/// The events of deliveries, as they were decided before, by their places.
type Before = HashMap<Uuid, HashMap<i32, event::Model>>;

/// Decides what was read in deliveries of one organization, in their order. A long delivery may be decided in several
/// transactions, one after the other. Gives, for each delivery, what became of its events.
pub async fn decide(
    tx: &DatabaseTransaction,
    ground: &Ground,
    batch: &[Read],
) -> Result<Vec<Vec<Outcome>>, DbErr> {
    let Some(organization_id) = batch.first().map(|read| read.delivery.organization_id) else {
        return Ok(Vec::new());
    };
    let before = before(tx, organization_id, batch).await?;
    let open: Vec<Vec<&(i32, Reading)>> =
        batch.iter().map(|read| still_open(read, before.get(&read.delivery.id))).collect();
    let said: Vec<_> = batch
        .iter()
        .zip(&open)
        .flat_map(|(read, open)| open.iter().map(|(_, reading)| (&read.delivery, reading)))
        .collect();
    if said.is_empty() {
        return Ok(batch.iter().map(|_| Vec::new()).collect());
    }
    let desk = Desk::for_events(tx, ground, organization_id, &said).await?;
    let (mut outcomes, mut all) = (Vec::with_capacity(batch.len()), Became::default());
    for (read, open) in batch.iter().zip(&open) {
        let decided = of_delivery(&desk, &read.delivery, open, before.get(&read.delivery.id));
        let became = decided.instrument(read.span.clone()).await?;
        outcomes.push(became.outcomes);
        all.touched.extend(became.touched);
        all.news.extend(became.news);
    }
    desk.write().await?;
    for (read, became) in batch.iter().zip(&outcomes) {
        if became.contains(&Held) {
            let positions: Vec<i32> = read.readings.iter().map(|(position, _)| *position).collect();
            let known = before.get(&read.delivery.id).cloned().unwrap_or_default();
            all.news.extend(happenings::held(tx, ground, &read.delivery, &positions, &known).await?);
        }
    }
    notifications::enqueue(tx, ground, all.news).await?;
    desk.keep_devices().await?;
    plan::wake_lanes(tx, ground, organization_id, all.touched).await?;
    Ok(outcomes)
}

/// What of a delivery is to be decided, in the order to do it.
fn still_open<'a>(read: &'a Read, before: Option<&HashMap<i32, event::Model>>) -> Vec<&'a (i32, Reading)> {
    let known = |position: &i32| before.and_then(|rows| rows.get(position));
    let mut open: Vec<_> =
        read.readings.iter().filter(|(position, _)| known(position).is_none_or(is_open)).collect();
    // What a delivery names comes before the snapshot that ends the rest.
    open.sort_by_key(|(position, reading)| {
        let is_sweep = reading.event.as_ref().is_ok_and(|event| event.kind.action == Action::Sweep);
        (is_sweep, *position)
    });
    open
}

/// Whether an event is taken up when its delivery is decided again.
fn is_open(row: &event::Model) -> bool {
    matches!(row.outcome, Held | Invalid) || row.reason == "unknown_kind"
}

async fn before(tx: &DatabaseTransaction, organization_id: Uuid, batch: &[Read]) -> Result<Before, DbErr> {
    use event::Column as C;
    let positions: BTreeSet<i32> =
        batch.iter().flat_map(|read| read.readings.iter().map(|(position, _)| *position)).collect();
    let rows = event::Entity::find()
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::WebhookDeliveryId.is_in(portions::filled(batch.iter().map(|read| read.delivery.id))))
        .filter(C::Position.is_in(portions::filled(positions)))
        .all(tx)
        .await?;
    let mut before = Before::new();
    for row in rows {
        before.entry(row.webhook_delivery_id).or_default().insert(row.position, row);
    }
    Ok(before)
}

/// What became of deliveries.
#[derive(Default)]
struct Became {
    outcomes: Vec<Outcome>,
    /// The tickets that were touched.
    touched: Vec<Uuid>,
    /// What subscribers are to be told.
    news: Vec<NewNotification>,
}

async fn of_delivery(
    desk: &Desk<'_>,
    delivery: &webhook_delivery::Model,
    readings: &[&(i32, Reading)],
    before: Option<&HashMap<i32, event::Model>>,
) -> Result<Became, DbErr> {
    let mut all = Became::default();
    for (position, reading) in readings {
        let before = before.and_then(|rows| rows.get(position));
        let decision = Box::pin(one(desk, delivery, (*position, reading), before)).await?;
        all.outcomes.push(decision.outcome);
        all.touched.extend(decision.further_tickets);
        all.touched.extend(decision.ticket_id.filter(|_| !decision.leaves_ticket));
        all.news.extend(decision.news);
    }
    Ok(all)
}

async fn one(
    desk: &Desk<'_>,
    delivery: &webhook_delivery::Model,
    (position, reading): (i32, &Reading),
    before: Option<&event::Model>,
) -> Result<Decision, DbErr> {
    let ground = desk.ground;
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
            row.occurred_at = event.believed_at(delivery.received_at);
            if let Some(at) = event.occurred_at.filter(|at| *at != row.occurred_at) {
                let words = format!("occurred_at {at} lies in the future; the time of receipt is used");
                trail.step("remark", words);
            }
            if let Some(why) = desk.turned_away(event) {
                trail.step("device", why);
            }
            let was_recorded = row.finding_id.is_some();
            let (row, delivery) = (&row, Some(delivery));
            let deciding = Deciding { desk, delivery, event, row, was_recorded, waited: None };
            Box::pin(deciding.decide(&mut trail)).await?
        }
    };
    row.outcome = decision.outcome;
    decision.reason.clone_into(&mut row.reason);
    row.explanation.clone_from(&decision.explanation);
    row.company_id = decision.company_id;
    row.finding_id = decision.finding_id.or(row.finding_id);
    row.ticket_id = decision.ticket_id;
    row.steps = trail.into_json();
    if before.is_some() {
        row.into_active_model().reset_all().update(desk.tx).await?;
    } else {
        desk.decided(row);
    }
    Ok(decision)
}

/// An event that is being decided.
pub(super) struct Deciding<'a> {
    pub(super) desk: &'a Desk<'a>,
    /// The delivery that it came in with; none where the time alone has it decided.
    pub(super) delivery: Option<&'a webhook_delivery::Model>,
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
        match self.desk.customers.whose(event, trail) {
            Err(decision) => Ok(*decision),
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
        let (finding, change) = self.desk.record(about, event).await?;
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
