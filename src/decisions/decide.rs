//! From what was read in a delivery to tickets planned: company, finding, policy, profile, mapping, ticket.
//!
//! All of it runs in the transaction that ends the delivery. An event that was decided once stays decided:
//! deciding a delivery again takes up only what was held or could not be read.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::HashMap;

use entity::{
    Severity, Timestamp, event,
    event::Outcome::{
        self, Closed, Duplicate, Held, Ignored, Invalid, Noted, Opened, Reopened, Stale, Suppressed,
    },
    finding, policy, ticket, ticket_finding, webhook_delivery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
};
use serde_json::Value;

use super::{
    catalogue::Action,
    choose,
    event::{Event, Reading},
    trail::{Decision, Trail},
};
use crate::{
    findings::record::{self, About, Change},
    ground::Ground,
    organizations::companies,
    tickets::{
        plan::{self, Opening},
        template, text,
    },
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
        (place, *position)
    });
    let (mut outcomes, mut touched) = (Vec::new(), Vec::new());
    for (position, reading) in numbered {
        let before = known.get(&position);
        let is_open =
            |row: &event::Model| matches!(row.outcome, Held | Invalid) || row.reason == "unknown_kind";
        if before.is_some_and(|row| !is_open(row)) {
            continue;
        }
        let (outcome, ticket_id) = one(tx, ground, delivery, position, reading, before).await?;
        outcomes.push(outcome);
        touched.extend(ticket_id);
    }
    plan::wake_lanes(tx, ground, delivery.organization_id, touched).await?;
    Ok(outcomes)
}

async fn one(
    tx: &DatabaseTransaction,
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    position: i32,
    reading: Reading,
    before: Option<&event::Model>,
) -> Result<(Outcome, Option<uuid::Uuid>), DbErr> {
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
            Deciding { tx, ground, delivery, event, row: &row, was_recorded: row.finding_id.is_some() }
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
    Ok((decision.outcome, decision.ticket_id))
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

struct Deciding<'a> {
    tx: &'a DatabaseTransaction,
    ground: &'a Ground,
    delivery: &'a webhook_delivery::Model,
    event: &'a Event,
    row: &'a event::Model,
    /// The event was held before, after its finding had been written down.
    was_recorded: bool,
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
        let Some(client_ref) = event.client_ref.as_deref() else {
            trail.step("company", "the event names none");
            return Ok(Decision::new(
                Held,
                "unmapped_company",
                "the event names no company (client_ref); let the sender name one, then redrive the delivery",
            ));
        };
        let organization_id = self.delivery.organization_id;
        let Some(company) =
            companies::find_by_ref(self.tx, organization_id, &event.source, client_ref).await?
        else {
            trail.step("company", format!("none is known as \"{client_ref}\" to {}", event.source));
            return Ok(Decision::new(
                Held,
                "unmapped_company",
                format!(
                    "no company is known as \"{client_ref}\" to {}; give one this alias, then this goes on by itself",
                    event.source
                ),
            ));
        };
        trail.step("company", format!("\"{}\"", company.name));
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

    /// The problem is over: its tickets close, once nothing else on them is open.
    async fn ended(&self, finding: &finding::Model, trail: &mut Trail) -> Result<Decision, DbErr> {
        let tickets = plan::open_tickets_of(self.tx, finding.organization_id, finding.id).await?;
        let mut decision = Decision::new(Ignored, "no_open_ticket", "it has no open ticket");
        for ticket in tickets {
            let id = ticket.id;
            let left = self.others_open(&ticket, finding).await?;
            let why = text::ended(self.event, self.row.occurred_at);
            decision = if left > 0 {
                plan::note(self.tx, self.ground, ticket, why, Some(self.row.id)).await?;
                trail.step("ticket", format!("{left} other findings on it are open: noted"));
                Decision::new(
                    Noted,
                    "others_open",
                    format!("{left} other findings on the ticket are still open"),
                )
            } else {
                let (ticket, is_planned) =
                    plan::close(self.tx, self.ground, ticket, why, Some(self.row.id)).await?;
                if is_planned {
                    trail.step("ticket", "nothing on it is open: to be closed");
                    Decision::new(Closed, "resolved", "nothing on the ticket is open any more")
                } else {
                    trail.step("ticket", format!("it is {:?} already", ticket.state));
                    Decision::new(Duplicate, "closing_already", "the ticket is being closed already")
                }
            }
            .ticket(id);
        }
        if decision.ticket_id.is_none() {
            trail.step("ticket", "none is open");
        }
        Ok(decision)
    }

    /// The problem is there: on its open ticket, on the one it had, or on a new one.
    async fn there(
        &self,
        company: entity::company::Model,
        finding: &finding::Model,
        change: Change,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let open = plan::open_tickets_of(self.tx, finding.organization_id, finding.id).await?;
        if let Some(ticket) = open.into_iter().next() {
            return self.on_open(ticket, finding, change, trail).await;
        }
        let policy = match choose::policy(self.tx, &company, finding.severity, trail).await? {
            Ok(policy) => policy,
            Err(decision) => return Ok(decision),
        };
        let place = match choose::place(self.tx, company, &policy, trail).await? {
            Ok(place) => place,
            Err(decision) => return Ok(decision),
        };
        let group_key = format!("finding:{}", finding.id);
        let connection_id = place.profile.psa_connection_id;
        let last = plan::last_closed(self.tx, finding.organization_id, connection_id, &group_key).await?;
        if let Some(last) = &last {
            let closed_at = last.closed_at.unwrap_or(last.updated_at);
            // What the gateway closed, it closed for an older statement than this one.
            let by_person = last.closed_by.as_deref() != Some(plan::GATEWAY);
            if by_person && self.row.occurred_at <= closed_at {
                let by = last.closed_by.clone().unwrap_or_default();
                trail.step("ticket", format!("closed by {by} at {closed_at}, after this was so"));
                return Ok(Decision::new(
                    Stale,
                    "closed_since",
                    format!("the ticket was closed by {by} at {closed_at}, after what this event reports"),
                )
                .ticket(last.id));
            }
            let is_same_customer = last.psa_company_id == place.mapping.psa_company_id;
            if is_same_customer && self.row.occurred_at <= closed_at.plus_secs(policy.reopen_window_secs) {
                let why = text::came_back(self.event, finding, self.row.occurred_at);
                let (ticket, is_planned) =
                    plan::reopen(self.tx, self.ground, last.clone(), why, Some(self.row.id)).await?;
                if is_planned {
                    trail.step(
                        "ticket",
                        format!("closed at {closed_at}, inside the reopen window: opened again"),
                    );
                    return Ok(Decision::new(Reopened, "came_back", "it came back inside the reopen window")
                        .ticket(ticket.id));
                }
            }
        }
        self.open(place, &policy, finding, group_key, last, trail).await
    }

    async fn open(
        &self,
        place: plan::Place,
        policy: &policy::Model,
        finding: &finding::Model,
        group_key: String,
        last: Option<ticket::Model>,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let (title, body) = self.words(&place, finding, trail);
        let opening = Opening {
            group_key,
            policy_id: Some(policy.id),
            title,
            body,
            severity: finding.severity,
            is_test: false,
            previous_ticket_id: last.as_ref().map(|ticket| ticket.id),
            event_id: Some(self.row.id),
        };
        let (ticket, is_first) = plan::open(self.tx, self.ground, &place, opening).await?;
        plan::add_finding(self.tx, self.ground, &ticket, finding.id).await?;
        if !is_first {
            trail.step("ticket", "its group has an open one: put on it");
            return self.on_open(ticket, finding, Change::SeenAgain { is_worse: false }, trail).await;
        }
        let words = if last.is_some() { "it came back after the reopen window" } else { "it has none yet" };
        trail.step("ticket", format!("{words}: to be opened"));
        Ok(Decision::new(Opened, "new_ticket", "a ticket is opened").ticket(ticket.id))
    }

    /// Title and body of a new ticket, by the profile's templates where it has some. One that fails costs no
    /// ticket: ours stands in, and the trace says why.
    fn words(&self, place: &plan::Place, finding: &finding::Model, trail: &mut Trail) -> (String, String) {
        let company = &place.company.name;
        let (title, body) = text::opening(self.event, finding, company);
        let profile = &place.profile;
        if profile.title_template.is_none() && profile.body_template.is_none() {
            return (title, body);
        }
        let values = template::values(self.event, finding, company, &title, &body);
        let mut take = |what, rendered: Option<Result<String, String>>, ours: String| match rendered {
            None => ours,
            Some(Ok(text)) => text,
            Some(Err(problem)) => {
                trail.step("template", format!("the profile's {what} failed, ours stands in: {problem}"));
                ours
            }
        };
        let title = take(
            "title template",
            profile.title_template.as_ref().map(|text| template::title(text, &values)),
            title,
        );
        let body = take(
            "body template",
            profile.body_template.as_ref().map(|text| template::body(text, &values)),
            body,
        );
        (title, body)
    }

    async fn on_open(
        &self,
        ticket: ticket::Model,
        finding: &finding::Model,
        change: Change,
        trail: &mut Trail,
    ) -> Result<Decision, DbErr> {
        let id = ticket.id;
        if change == Change::CameBack {
            let why = text::came_back(self.event, finding, self.row.occurred_at);
            let (ticket, is_planned) =
                plan::reopen(self.tx, self.ground, ticket, why.clone(), Some(self.row.id)).await?;
            if is_planned {
                trail.step("ticket", "it is being closed: to be opened again");
                return Ok(Decision::new(
                    Reopened,
                    "came_back",
                    "it came back while its ticket was being closed",
                )
                .ticket(id));
            }
            plan::note(self.tx, self.ground, ticket, why, Some(self.row.id)).await?;
            trail.step("ticket", "open: noted");
            return Ok(Decision::new(Noted, "came_back", "it came back; its ticket is open").ticket(id));
        }
        let is_worse = change == (Change::SeenAgain { is_worse: true });
        let interval = self.note_interval(&ticket).await?;
        let quiet_until = ticket.noted_at.map(|at| at.plus_secs(interval));
        if !is_worse && let Some(until) = quiet_until.filter(|until| self.ground.clock.now() < *until) {
            trail.step("ticket", format!("open; no further note before {until}"));
            return Ok(Decision::new(
                Duplicate,
                "note_interval",
                format!(
                    "seen again; the ticket had a note a short while ago, the next one not before {until}"
                ),
            )
            .ticket(id));
        }
        let note = text::seen_again(self.event, finding, is_worse);
        let mut ticket = ticket;
        ticket.severity = ticket.severity.max(finding.severity);
        plan::note(self.tx, self.ground, ticket, note, Some(self.row.id)).await?;
        trail.step("ticket", "open: noted");
        let reason = if is_worse { "worse" } else { "seen_again" };
        Ok(Decision::new(Noted, reason, "seen again; a note is added to its ticket").ticket(id))
    }

    async fn note_interval(&self, ticket: &ticket::Model) -> Result<i64, DbErr> {
        let Some(policy_id) = ticket.policy_id else { return Ok(0) };
        let policy = policy::Entity::find_by_id(policy_id)
            .filter(policy::Column::OrganizationId.eq(ticket.organization_id))
            .one(self.tx)
            .await?;
        Ok(policy.map_or(0, |policy| policy.note_interval_secs))
    }

    async fn others_open(&self, ticket: &ticket::Model, finding: &finding::Model) -> Result<u64, DbErr> {
        let members = ticket_finding::Entity::find()
            .select_only()
            .column(ticket_finding::Column::FindingId)
            .filter(ticket_finding::Column::TicketId.eq(ticket.id))
            .into_query();
        finding::Entity::find()
            .filter(finding::Column::OrganizationId.eq(ticket.organization_id))
            .filter(finding::Column::Id.in_subquery(members))
            .filter(finding::Column::Id.ne(finding.id))
            .filter(finding::Column::State.eq(finding::FindingState::Open))
            .count(self.tx)
            .await
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
