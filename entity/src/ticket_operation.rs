//! One thing to do at a PSA: the outbox.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// What to do at a PSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum OperationKind {
    /// Create the ticket.
    Create,
    /// Add a note.
    Note,
    /// Set the status that closes it.
    Close,
    /// Set the status that opens it again.
    Reopen,
    /// Read the ticket and compare: part of a test.
    ReadBack,
    /// Take over a ticket that is in the PSA already.
    Link,
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum OperationState {
    /// To be done, at its time and in its turn.
    Ready,
    /// Done.
    Done,
    /// Given up until somebody retries it; what comes after it on the ticket waits.
    Failed,
    /// No longer wanted.
    Cancelled,
}

/// A row of `ticket_operation`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket_operation")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// At which PSA: the lane.
    pub psa_connection_id: Uuid,
    /// To which ticket.
    pub ticket_id: Uuid,
    /// Its place among the ticket's operations, from 1; they are done in this order.
    pub position: i64,
    /// What to do.
    pub kind: OperationKind,
    /// Where it stands.
    pub state: OperationState,
    /// Title and text to send, as planned.
    pub payload: Json,
    /// When to try next.
    pub run_at: Timestamp,
    /// How often it was tried.
    pub attempts: i32,
    /// Since when it is not known whether an attempt was carried out; none where that is known.
    pub uncertain_since: Option<Timestamp>,
    /// Stable name of the last error.
    pub last_error_code: Option<String>,
    /// The last error in words.
    pub last_error: Option<String>,
    /// The event that asked for it.
    pub event_id: Option<Uuid>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it was done or given up.
    pub finished_at: Option<Timestamp>,
    /// The trace it was asked for in, as a `traceparent` header says it; none where traces are not sent.
    pub trace_context: Option<String>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
