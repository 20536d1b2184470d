//! The way to a decision, kept with the event so that every "why (no) ticket?" has an answer.

use entity::event::Outcome;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rules::Asked;
use crate::queue::notifications::NewNotification;

/// What was looked at so far, step by step.
#[derive(Clone, Debug, Default)]
pub struct Trail(Vec<Value>);

impl Trail {
    /// One step: `company`, `device`, `finding`, `policy`, `profile`, `mapping`, `contact`, `configuration`, `cadence`,
    /// `group`, `ticket` or `remark`, and what it gave.
    pub fn step(&mut self, step: &str, result: impl AsRef<str>) {
        self.0.push(json!({ "step": step, "result": result.as_ref() }));
    }

    /// Many policies want no ticket.
    pub(super) fn asked(&mut self, asked: &Asked) {
        self.0.push(json!({ "step": "policy", "asked": asked }));
    }

    /// All steps.
    pub fn into_json(self) -> Value {
        Value::Array(self.0)
    }
}

/// What became of an event, and why.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What became of it.
    pub outcome: Outcome,
    /// Stable name of the reason.
    pub reason: &'static str,
    /// The reason in words, with the next step.
    pub explanation: String,
    /// The company it is about.
    pub company_id: Option<Uuid>,
    /// The finding it speaks of.
    pub finding_id: Option<Uuid>,
    /// The ticket it touched; the first of several.
    pub ticket_id: Option<Uuid>,
    /// The others that it touched, where it was a snapshot.
    pub further_tickets: Vec<Uuid>,
    /// It changed nothing of them.
    pub leaves_ticket: bool,
    /// What subscribers are to be told, at the end of the transaction.
    pub news: Vec<NewNotification>,
}

impl Decision {
    /// A decision without company, finding or ticket.
    pub fn new(outcome: Outcome, reason: &'static str, explanation: impl Into<String>) -> Self {
        Self {
            outcome,
            reason,
            explanation: explanation.into(),
            company_id: None,
            finding_id: None,
            ticket_id: None,
            further_tickets: Vec::new(),
            leaves_ticket: false,
            news: Vec::new(),
        }
    }

    /// About this company.
    #[must_use]
    pub fn company(mut self, id: Uuid) -> Self {
        self.company_id = Some(id);
        self
    }

    /// About this finding.
    #[must_use]
    pub fn finding(mut self, id: Uuid) -> Self {
        self.finding_id = Some(id);
        self
    }

    /// With something that subscribers are to be told.
    #[must_use]
    pub fn telling(mut self, news: Vec<NewNotification>) -> Self {
        self.news.extend(news);
        self
    }

    /// Touching these tickets.
    #[must_use]
    pub fn tickets(mut self, ids: Vec<Uuid>) -> Self {
        let mut ids = ids.into_iter();
        self.ticket_id = ids.next();
        self.further_tickets = ids.collect();
        self
    }

    /// Speaking of this ticket, which stays as it was.
    #[must_use]
    pub fn beside(mut self, id: Uuid) -> Self {
        self.ticket_id = Some(id);
        self.leaves_ticket = true;
        self
    }

    /// Touching this ticket.
    #[must_use]
    pub fn ticket(mut self, id: Uuid) -> Self {
        self.ticket_id = Some(id);
        self
    }
}
