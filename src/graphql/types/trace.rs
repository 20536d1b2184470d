//! The way of a delivery, step by step.

use async_graphql::{Enum, SimpleObject};

use crate::{
    decisions::trace::{Stage, Step, Subject},
    graphql::{node::Node, scalars::DateTime},
};

/// Where on the way something happened. New stages may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Stage")]
pub enum TraceStage {
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

/// One step of a delivery's way.
#[derive(SimpleObject)]
pub struct TraceStep {
    /// When.
    pub at: DateTime,
    /// Where on the way.
    pub stage: TraceStage,
    /// About what: the delivery, one of its events, a ticket or an operation.
    pub subject: Node,
    /// What it gave.
    pub result: String,
    /// In words, where there is more to say.
    pub explanation: Option<String>,
}

impl From<Step> for TraceStep {
    fn from(step: Step) -> Self {
        let subject = match step.subject {
            Subject::Delivery(row) => Node::WebhookDelivery(row.into()),
            Subject::Event(row) => Node::Event(row.into()),
            Subject::Ticket(row) => Node::Ticket(row.into()),
            Subject::Operation(row) => Node::TicketOperation(row.into()),
        };
        Self {
            at: step.at.into(),
            stage: step.stage.into(),
            subject,
            result: step.result,
            explanation: step.explanation,
        }
    }
}
