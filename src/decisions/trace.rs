//! The way of a delivery, from its bytes to the PSA's ticket, with every reason.

use std::collections::{HashMap, HashSet};

use entity::{Timestamp, attempt, event, policy_snapshot, ticket, ticket_operation, webhook_delivery};
use sea_orm::{ColumnTrait as _, QueryFilter as _, QueryOrder as _};
use uuid::Uuid;

use super::{events::EventList, rules};
use crate::{
    db::page::{Page, Slice},
    error::Error,
    ground::Ground,
    organizations::{reach, viewer::Viewer},
    queue::trim,
};

/// How many events of a delivery are followed; the others stand in its list of events.
pub const MAX_EVENTS: u64 = 200;

/// Where on the way something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The bytes came in and were stored.
    Received,
    /// The sender is known.
    Verified,
    /// An event was read, or could not be.
    Read,
    /// The company was looked for.
    Company,
    /// The finding was looked for.
    Finding,
    /// Policies were asked.
    Policy,
    /// The ticket profile was chosen.
    Profile,
    /// The company's mapping was looked for.
    Mapping,
    /// Whether it has to wait for its time: a settle time, a digest, the end of a maintenance window.
    Cadence,
    /// Which findings it shares a ticket with.
    Group,
    /// What it means for a ticket was decided, or how the ticket stands.
    Ticket,
    /// Something worth knowing.
    Remark,
    /// What became of the event.
    Outcome,
    /// Something was to be done at the PSA.
    Operation,
    /// It was tried.
    Attempt,
}

impl Stage {
    fn of_step(name: &str) -> Self {
        match name {
            "company" => Self::Company,
            "finding" => Self::Finding,
            "policy" => Self::Policy,
            "profile" => Self::Profile,
            "mapping" => Self::Mapping,
            "cadence" => Self::Cadence,
            "group" => Self::Group,
            "ticket" => Self::Ticket,
            _ => Self::Remark,
        }
    }
}

/// What a step is about.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "most are tickets and what belongs to them")]
pub enum Subject {
    /// The delivery.
    Delivery(webhook_delivery::Model),
    /// One of its events.
    Event(event::Model),
    /// A ticket.
    Ticket(ticket::Model),
    /// An operation on it.
    Operation(ticket_operation::Model),
}

/// One step of the way.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub stage: Stage,
    /// About what.
    pub subject: Subject,
    /// What it gave, in a word where there is one.
    pub result: String,
    /// In words, where there is more to say.
    pub explanation: Option<String>,
}

/// The ways of several deliveries, in five statements, or six where many policies were asked.
pub async fn of_deliveries(
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Step>>, Error> {
    let db = ground.db.reader();
    let deliveries = reach::by_ids::<webhook_delivery::Entity>(viewer, ground, ids).await?;
    let page = Page::first(MAX_EVENTS);
    let mut events = reach::slices(viewer, ground, &EventList::of_deliveries(), ids, &page).await?;
    let all = || events.values().flat_map(|slice| &slice.rows);
    let event_ids: HashSet<Uuid> = all().map(|event| event.id).collect();
    let ticket_ids: HashSet<Uuid> = all().filter_map(|event| event.ticket_id).collect();
    let snapshot_ids: Vec<Uuid> = rules::snapshots_of(all()).into_iter().collect();
    let mut ways = Ways::default();
    if !snapshot_ids.is_empty() {
        ways.snapshots = reach::by_ids::<policy_snapshot::Entity>(viewer, ground, &snapshot_ids).await?;
    }
    if !ticket_ids.is_empty() {
        let ids: Vec<Uuid> = ticket_ids.into_iter().collect();
        ways.tickets = reach::by_ids::<ticket::Entity>(viewer, ground, &ids).await?;
        let operations = reach::rows::<ticket_operation::Entity>(viewer)
            .filter(ticket_operation::Column::TicketId.is_in(ids))
            .filter(ticket_operation::Column::EventId.is_in(event_ids))
            .order_by_asc(ticket_operation::Column::Position)
            .all(db)
            .await?;
        let attempts = reach::rows::<attempt::Entity>(viewer)
            .filter(attempt::Column::TicketOperationId.is_in(operations.iter().map(|row| row.id)))
            .order_by_asc(attempt::Column::Number)
            .all(db)
            .await?;
        for row in attempts {
            ways.attempts.entry(row.ticket_operation_id).or_default().push(row);
        }
        for row in operations {
            if let Some(event_id) = row.event_id {
                ways.operations.entry(event_id).or_default().push(row);
            }
        }
    }
    Ok(deliveries
        .into_iter()
        .map(|(id, delivery)| {
            let events = events.remove(&id).unwrap_or(Slice {
                rows: Vec::new(),
                has_next: false,
                has_previous: false,
            });
            (id, ways.of(delivery, events))
        })
        .collect())
}

#[derive(Default)]
struct Ways {
    /// Policies as they stood.
    snapshots: rules::Snapshots,
    tickets: HashMap<Uuid, ticket::Model>,
    /// By the event that asked for them.
    operations: HashMap<Uuid, Vec<ticket_operation::Model>>,
    /// By their operation.
    attempts: HashMap<Uuid, Vec<attempt::Model>>,
}

impl Ways {
    fn of(&self, delivery: webhook_delivery::Model, events: Slice<event::Model>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut on_delivery = |at, stage, result: String, explanation| {
            let subject = Subject::Delivery(delivery.clone());
            steps.push(Step { at, stage, subject, result, explanation });
        };
        let repeated = match delivery.duplicate_count {
            0 => None,
            1 => Some("it was sent once more and known again".to_owned()),
            n => Some(format!("it was sent {n} times more and known again")),
        };
        on_delivery(delivery.received_at, Stage::Received, delivery.message_id.clone(), repeated);
        on_delivery(delivery.received_at, Stage::Verified, delivery.verified_by.clone(), None);
        if let Some(removed_at) = delivery.body_removed_at {
            let why = trim::why_no_body(&delivery);
            on_delivery(removed_at, Stage::Remark, "body removed".to_owned(), why);
        }
        match delivery.state {
            webhook_delivery::DeliveryState::Received => on_delivery(
                delivery.received_at,
                Stage::Read,
                "waiting".to_owned(),
                delivery.problem.clone().or_else(|| Some("its turn has not come yet".to_owned())),
            ),
            webhook_delivery::DeliveryState::Dead => on_delivery(
                delivery.decided_at.unwrap_or(delivery.received_at),
                Stage::Read,
                "dead".to_owned(),
                delivery.problem.clone(),
            ),
            webhook_delivery::DeliveryState::Understood if events.rows.is_empty() => on_delivery(
                delivery.decided_at.unwrap_or(delivery.received_at),
                Stage::Read,
                "empty".to_owned(),
                Some(match delivery.body_removed_at {
                    None => "it holds no event".to_owned(),
                    Some(_) => {
                        "it held no event, or they were removed for their age (`keep_events_days`)".to_owned()
                    }
                }),
            ),
            webhook_delivery::DeliveryState::Understood => {}
        }
        for event in events.rows {
            self.follow(&event, &mut steps);
        }
        if events.has_next {
            steps.push(Step {
                at: delivery.received_at,
                stage: Stage::Remark,
                subject: Subject::Delivery(delivery),
                result: "more".to_owned(),
                explanation: Some(format!(
                    "its events after the first {MAX_EVENTS} stand in its list of events"
                )),
            });
        }
        steps
    }

    fn follow(&self, event: &event::Model, steps: &mut Vec<Step>) {
        let mut on_event = |at, stage, result: String, explanation| {
            let subject = Subject::Event(event.clone());
            steps.push(Step { at, stage, subject, result, explanation });
        };
        on_event(event.created_at, Stage::Read, event.kind.clone(), Some(event.title.clone()));
        for (name, result) in rules::steps(&event.steps, &self.snapshots) {
            on_event(event.decided_at, Stage::of_step(&name), result, None);
        }
        let outcome = format!("{}: {}", word(&event.outcome), event.reason);
        on_event(event.decided_at, Stage::Outcome, outcome, Some(event.explanation.clone()));
        for operation in self.operations.get(&event.id).into_iter().flatten() {
            steps.push(Step {
                at: operation.created_at,
                stage: Stage::Operation,
                subject: Subject::Operation(operation.clone()),
                result: format!("{}: {}", word(&operation.kind), word(&operation.state)),
                explanation: operation.last_error.clone(),
            });
            let attempts = self.attempts.get(&operation.id).map(Vec::as_slice).unwrap_or_default();
            if let Some(done_at) =
                operation.finished_at.filter(|_| attempts.is_empty() && operation.attempts > 0)
            {
                let made = operation.attempts;
                steps.push(Step {
                    at: done_at,
                    stage: Stage::Remark,
                    subject: Subject::Operation(operation.clone()),
                    result: "attempts removed".to_owned(),
                    explanation: Some(format!(
                        "its attempts ({made}) are kept for a while only (`keep_attempts_days`)"
                    )),
                });
            }
            for attempt in attempts {
                steps.push(Step {
                    at: attempt.started_at,
                    stage: Stage::Attempt,
                    subject: Subject::Operation(operation.clone()),
                    result: attempt.outcome.clone().unwrap_or_else(|| "running".to_owned()),
                    explanation: attempt.message.clone(),
                });
            }
        }
        if let Some(ticket) = event.ticket_id.and_then(|id| self.tickets.get(&id)) {
            let number = ticket.external_number.as_ref().or(ticket.external_id.as_ref());
            steps.push(Step {
                at: ticket.updated_at,
                stage: Stage::Ticket,
                subject: Subject::Ticket(ticket.clone()),
                result: word(&ticket.state),
                explanation: ticket
                    .state_message
                    .clone()
                    .or_else(|| number.map(|number| format!("number {number} in the PSA"))),
            });
        }
    }
}

fn word<T: sea_orm::ActiveEnum<Value = String>>(value: &T) -> String {
    value.to_value()
}
