//! One statement read from a delivery, and what became of it.

use sea_orm::entity::prelude::*;

use crate::{Severity, Timestamp};

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum Outcome {
    /// A ticket is opened for it.
    Opened,
    /// A note is added to the ticket.
    Noted,
    /// The ticket is closed for it.
    Closed,
    /// The closed ticket is opened again for it.
    Reopened,
    /// It says nothing new.
    Duplicate,
    /// Something newer is known of its finding already.
    Stale,
    /// It waits until somebody mends the reason; then it goes on by itself.
    Held,
    /// It waits for its time: a settle time, a digest, the end of a maintenance window; then it goes on by itself.
    Waiting,
    /// Subscribers are told of it: its policy wants no ticket.
    Told,
    /// A setting or a decision of a person says that it gets no ticket.
    Suppressed,
    /// There is nothing to do for an event of this kind, or none of ours is concerned.
    Ignored,
    /// It could not be read.
    Invalid,
    /// A PSA says that a ticket of ours has changed; the ticket is read again.
    Followed,
    /// A PSA tells of what we did ourselves.
    Echo,
}

/// A row of `event`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Where it was read.
    pub webhook_delivery_id: Uuid,
    /// Its place in the delivery, from 0.
    pub position: i32,
    /// Dotted name, e.g. `finding.opened`; as sent where it is not known.
    pub kind: String,
    /// Which product said it.
    pub source: String,
    /// The sender's name or id for the customer.
    pub client_ref: Option<String>,
    /// Whose problem it is, once known.
    pub company_id: Option<Uuid>,
    /// How bad.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// Identity of the problem in the sender.
    pub finding_key: Option<String>,
    /// When, as the sender says; when it was received where it does not.
    pub occurred_at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// Stable name of the reason, e.g. `unmapped_company`.
    pub reason: String,
    /// The reason in words, with the next step.
    pub explanation: String,
    /// The way to the decision: a list of `{step, result}`.
    pub steps: Json,
    /// The finding it speaks of.
    pub finding_id: Option<Uuid>,
    /// The ticket it touched.
    pub ticket_id: Option<Uuid>,
    /// When it was read.
    pub created_at: Timestamp,
    /// When it was last decided.
    pub decided_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
