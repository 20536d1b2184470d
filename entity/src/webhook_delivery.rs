//! One received webhook, raw: the inbox.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum DeliveryState {
    /// Stored, not yet worked on.
    Received,
    /// Its events are decided, held ones included.
    Understood,
    /// It could not be read, or deciding it failed again and again; redrive it after mending.
    Dead,
}

/// A row of `webhook_delivery`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_delivery")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Where it came in.
    pub webhook_endpoint_id: Uuid,
    /// What repetitions are recognised by, unique in the endpoint.
    pub message_id: String,
    /// The id of the request that brought it, for the logs.
    pub request_id: String,
    /// How it was authenticated, e.g. `standard_webhooks.v1`.
    pub verified_by: String,
    /// Which secret matched.
    pub webhook_secret_id: Option<Uuid>,
    /// Headers as sent, without those that carry secrets.
    pub headers: Json,
    /// Raw bytes as sent.
    pub body: Vec<u8>,
    /// When it came in.
    pub received_at: Timestamp,
    /// How often it came again.
    pub duplicate_count: i32,
    /// What became of it.
    pub state: DeliveryState,
    /// Why it is dead.
    pub problem: Option<String>,
    /// When it is to be worked on; none when it is done.
    pub run_at: Option<Timestamp>,
    /// How often it was worked on.
    pub attempts: i32,
    /// Whose work it is until then.
    pub lease_until: Timestamp,
    /// Counts the leases: work of an older one is void.
    pub fence: i64,
    /// When it was understood or given up.
    pub decided_at: Option<Timestamp>,
    /// The trace it came with, as a `traceparent` header says it; none where traces are not sent.
    pub trace_context: Option<String>,
    /// When its headers and body were removed for their age; none while they are there.
    pub body_removed_at: Option<Timestamp>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
