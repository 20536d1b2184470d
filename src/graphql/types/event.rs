//! One statement read from a delivery, and what became of it.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use entity::{company, event, finding, policy_snapshot, ticket, webhook_delivery};

use super::{Company, EventOutcome, Finding, Severity, Ticket, WebhookDelivery};
use crate::{
    decisions::{events::EventList, rules},
    graphql::{Asking as _, connection::connection, ids, plain, scalars::DateTime},
};

/// One step on the way to a decision.
#[derive(Clone, Debug, SimpleObject)]
pub struct EventStep {
    /// What was looked at: `company`, `device`, `finding`, `policy`, `profile`, `mapping`, `contact`, `configuration`,
    /// `ticket` or `remark`. New ones may be added.
    pub step: String,
    /// What it gave, in words.
    pub result: String,
}

/// One statement read from a delivery, and what became of it.
pub struct Event(pub event::Model);

impl From<event::Model> for Event {
    fn from(row: event::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of events.
    EventConnection, EventEdge, Event, EventList, bounded, plain event {
        "id": Id as plain::id::<event::Entity>,
        "position": Position as plain::whole,
        "kind": Kind as plain::text,
        "source": Source as plain::text,
        "clientRef": ClientRef as plain::maybe_text,
        "severity": Severity as plain::one_of::<entity::Severity, Severity>,
        "title": Title as plain::text,
        "findingKey": FindingKey as plain::maybe_text,
        "occurredAt": OccurredAt as plain::time,
        "outcome": Outcome as plain::one_of::<event::Outcome, EventOutcome>,
        "reason": Reason as plain::text,
        "explanation": Explanation as plain::text,
        "createdAt": CreatedAt as plain::time,
        "decidedAt": DecidedAt as plain::time,
    }
}

/// One statement read from a delivery, and what became of it.
#[Object]
impl Event {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<event::Entity>(self.0.id)
    }

    /// Its place in the delivery, from 0.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// Dotted name from the catalogue, e.g. `finding.opened`; as it was sent where it is not known.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Which product said it, e.g. `acme-scanner`.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// The sender's own name or id for the customer.
    async fn client_ref(&self) -> Option<&str> {
        self.0.client_ref.as_deref()
    }

    /// How bad it is.
    async fn severity(&self) -> Severity {
        self.0.severity.into()
    }

    /// One line for people.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Identity of the problem in the sender.
    async fn finding_key(&self) -> Option<&str> {
        self.0.finding_key.as_deref()
    }

    /// When it was so, as the sender says; when it was received where it does not say.
    async fn occurred_at(&self) -> DateTime {
        self.0.occurred_at.into()
    }

    /// What became of it.
    async fn outcome(&self) -> EventOutcome {
        self.0.outcome.into()
    }

    /// Stable name of the reason, e.g. `unmapped_company`; new ones may be added.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The reason in words, with the next step.
    async fn explanation(&self) -> &str {
        &self.0.explanation
    }

    /// The way to the decision.
    async fn steps(&self, ctx: &Context<'_>) -> Result<Vec<EventStep>> {
        let mut snapshots = rules::Snapshots::new();
        for id in rules::snapshots_of([&self.0]) {
            let found = ctx.loaders()?.row::<policy_snapshot::Entity>(id).await?;
            snapshots.extend(found.map(|snapshot| (id, snapshot)));
        }
        let steps = rules::steps(&self.0.steps, &snapshots).into_iter();
        Ok(steps.map(|(step, result)| EventStep { step, result }).collect())
    }

    /// When it was read.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last decided.
    async fn decided_at(&self) -> DateTime {
        self.0.decided_at.into()
    }

    /// Whose problem it is; null while that is not known.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let Some(id) = self.0.company_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<company::Entity>(id).await?.map(Company))
    }

    /// The finding it speaks of.
    async fn finding(&self, ctx: &Context<'_>) -> Result<Option<Finding>> {
        let Some(id) = self.0.finding_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<finding::Entity>(id).await?.map(Finding))
    }

    /// The ticket it touched.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        let Some(id) = self.0.ticket_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<ticket::Entity>(id).await?.map(Ticket))
    }

    /// Where it was read.
    async fn webhook_delivery(&self, ctx: &Context<'_>) -> Result<WebhookDelivery> {
        Ok(ctx.loaders()?.named::<webhook_delivery::Entity>(self.0.webhook_delivery_id).await?.into())
    }
}
