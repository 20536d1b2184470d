//! One thing that a subscriber is told: the outbox of signed webhooks.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// What a subscriber can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))")]
pub enum NotificationKind {
    /// A ticket is there in the PSA.
    #[sea_orm(string_value = "ticket.opened")]
    TicketOpened,
    /// The gateway has put a note on a ticket.
    #[sea_orm(string_value = "ticket.noted")]
    TicketNoted,
    /// A ticket was closed, by a person in the PSA or by the gateway.
    #[sea_orm(string_value = "ticket.closed")]
    TicketClosed,
    /// A closed ticket was opened again.
    #[sea_orm(string_value = "ticket.reopened")]
    TicketReopened,
    /// A problem is there of which a policy wants subscribers told, and no ticket.
    #[sea_orm(string_value = "finding.matched")]
    FindingMatched,
    /// A problem of which subscribers were told so is over.
    #[sea_orm(string_value = "finding.resolved")]
    FindingResolved,
    /// Events are held until somebody mends the reason.
    #[sea_orm(string_value = "event.held")]
    EventHeld,
    /// A PSA is no longer reached in a way that passes by itself.
    #[sea_orm(string_value = "connection.broken")]
    ConnectionBroken,
    /// It is reached again.
    #[sea_orm(string_value = "connection.recovered")]
    ConnectionRecovered,
    /// A person wants to see whether it arrives.
    #[sea_orm(string_value = "webhook.test")]
    WebhookTest,
}

/// Where a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum NotificationState {
    /// To be sent, at its time and in its turn.
    Ready,
    /// It arrived.
    Done,
    /// Given up until somebody redrives it.
    Failed,
}

/// A row of `notification`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notification")]
pub struct Model {
    /// Version 7 UUID; what is sent as `webhook-id`, in every try.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Who is told.
    pub webhook_subscriber_id: Uuid,
    /// Its place among what the subscriber is told, from 1.
    pub number: i64,
    /// What has happened.
    pub kind: NotificationKind,
    /// Where it stands.
    pub state: NotificationState,
    /// The body, letter by letter as it is sent: JSON.
    pub payload: String,
    /// What it is about: what is told of one subject arrives in its order.
    pub subject_id: Uuid,
    /// The ticket, where it is about one.
    pub ticket_id: Option<Uuid>,
    /// The connection, where it is about one, or about a ticket there.
    pub psa_connection_id: Option<Uuid>,
    /// The event, where it is about one; the first of several.
    pub event_id: Option<Uuid>,
    /// The policy that opened the ticket, or wants it told.
    pub policy_id: Option<Uuid>,
    /// When to try next.
    pub run_at: Timestamp,
    /// How often it was tried.
    pub attempts: i32,
    /// How many tries failed since it was made or redriven.
    pub failures: i32,
    /// HTTP status of the last answer.
    pub last_status: Option<i32>,
    /// What went wrong last, in words.
    pub last_error: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it arrived or was given up.
    pub finished_at: Option<Timestamp>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
