//! What a policy would do, as it is shown.

use async_graphql::SimpleObject;
use entity::{webhook_delivery, webhook_endpoint};

use super::{Company, Event, Severity, TicketProfile};
use crate::{
    decisions::{event::Reading, preview},
    graphql::scalars::DateTime,
    scanners,
};

/// What a policy would do.
#[derive(SimpleObject)]
pub struct PolicyPreview {
    /// The tickets that it would open, the newest first.
    pub tickets: Vec<PolicyPreviewTicket>,
    /// Events that would get none by it, the newest first, each with its reason.
    pub skips: Vec<PolicyPreviewSkip>,
    /// Of how many findings subscribers would be told, where the policy wants no ticket: their events stand among the
    /// skips, with the reason `told`.
    pub told_finding_count: i32,
    /// How many events were looked at.
    pub event_count: i32,
    /// All events since this moment were looked at: so far back the answer holds.
    pub holds_since: DateTime,
    /// Whether older events, that you asked for, were not looked at because there are too many.
    pub is_cut: bool,
}

/// A ticket that would be opened.
#[derive(SimpleObject)]
pub struct PolicyPreviewTicket {
    /// For whom.
    pub company: Company,
    /// How: its connection and its values.
    pub ticket_profile: TicketProfile,
    /// Which findings belong on it: events with the same key share a ticket.
    pub key: String,
    /// One line.
    pub title: String,
    /// More.
    pub body: String,
    /// How bad.
    pub severity: Severity,
    /// The newest event that asks for it.
    pub event: Event,
    /// How many events ask for it.
    pub event_count: i32,
    /// When it would have been opened, where the policy collects findings or lets them settle; null for at once.
    pub due_at: Option<DateTime>,
}

/// An event that would get no ticket by the policy.
#[derive(SimpleObject)]
pub struct PolicyPreviewSkip {
    /// The event.
    pub event: Event,
    /// Stable, for programs: `does_not_match`, `another_policy`, `opens_nothing`, `no_profile`, `muted`, `maintenance`,
    /// `over_before_due` (it had to settle), `storm`, `told` … New values may be added.
    pub reason: String,
    /// For people.
    pub explanation: String,
}

impl From<preview::Preview> for PolicyPreview {
    fn from(found: preview::Preview) -> Self {
        let ticket = |ticket: preview::WouldBeTicket| PolicyPreviewTicket {
            company: Company(ticket.place.company),
            ticket_profile: TicketProfile(ticket.place.profile),
            key: ticket.key,
            title: ticket.title,
            body: ticket.body,
            severity: ticket.severity.into(),
            event: Event(ticket.event),
            event_count: count(ticket.event_count),
            due_at: ticket.due_at.map(Into::into),
        };
        let skip = |skip: preview::Skip| PolicyPreviewSkip {
            event: Event(skip.event),
            reason: skip.reason.to_owned(),
            explanation: skip.explanation,
        };
        Self {
            tickets: found.tickets.into_iter().map(ticket).collect(),
            skips: found.skips.into_iter().map(skip).collect(),
            told_finding_count: count(found.told_findings),
            event_count: count(found.events),
            holds_since: found.holds_since.into(),
            is_cut: found.is_cut,
        }
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// What a stored delivery says, read as its sender's adapter reads it now.
pub fn read_again(endpoint: &webhook_endpoint::Model, delivery: &webhook_delivery::Model) -> Vec<Reading> {
    let Some(sender) = scanners::sender(&endpoint.sender) else { return Vec::new() };
    scanners::read_stored(sender, endpoint, delivery)
}
