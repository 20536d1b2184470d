//! Closed sets of words.

use async_graphql::Enum;

/// How bad something is, least first. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::Severity")]
pub enum Severity {
    /// The sender did not say. Never treated as low: a policy decides about it by name.
    Unknown,
    /// For information only.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical (OCSF's Fatal too).
    Critical,
}

/// Where a ticket stands. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::ticket::TicketState")]
pub enum TicketState {
    /// To be created.
    Planned,
    /// The PSA is being asked.
    Creating,
    /// The PSA was asked and it is not known whether it did it; we look before asking again.
    Unknown,
    /// It is open in the PSA.
    Open,
    /// To be closed.
    Closing,
    /// It is closed in the PSA.
    Closed,
    /// To be opened again.
    Reopening,
    /// The PSA said no; mend the reason and retry the operation.
    Failed,
}

/// Whether a problem is there. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::finding::FindingState")]
pub enum FindingState {
    /// It is there.
    Open,
    /// It is gone.
    Resolved,
    /// Somebody decided that it does not matter; seeing it again does not reopen it.
    Dismissed,
}

/// What became of an event. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::event::Outcome")]
pub enum EventOutcome {
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

/// What became of a delivery. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::webhook_delivery::DeliveryState")]
pub enum WebhookDeliveryState {
    /// Stored, not yet worked on.
    Received,
    /// Its events are decided, held ones included.
    Understood,
    /// It could not be read, or deciding it failed again and again; redrive it after mending.
    Dead,
}

/// What to do at a PSA. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::ticket_operation::OperationKind")]
pub enum TicketOperationKind {
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

/// Where an operation stands. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::ticket_operation::OperationState")]
pub enum TicketOperationState {
    /// To be done, at its time and in its turn.
    Ready,
    /// Done.
    Done,
    /// Given up until somebody retries it; what comes after it on the ticket waits.
    Failed,
    /// No longer wanted.
    Cancelled,
}

/// Who is told what becomes of a policy's tickets, besides the PSA. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::policy::Notifies")]
pub enum PolicyNotifies {
    /// Every subscriber of the organization that wants to know.
    All,
    /// Nobody: the ticket is all there is.
    Nobody,
}

/// What a subscriber can be told of; in what is sent, `TICKET_OPENED` is `ticket.opened`. New values may be added: have
/// a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::notification::NotificationKind")]
pub enum NotificationKind {
    /// A ticket is there in the PSA.
    TicketOpened,
    /// The gateway has put a note on a ticket.
    TicketNoted,
    /// A ticket was closed, by a person in the PSA or by the gateway: it says by whom.
    TicketClosed,
    /// A closed ticket was opened again.
    TicketReopened,
    /// A problem is there of which a policy wants subscribers told, and no ticket: `Policy.opensTickets`.
    FindingMatched,
    /// A problem of which `FINDING_MATCHED` told is over.
    FindingResolved,
    /// Events of a delivery are held until somebody mends the reason.
    EventHeld,
    /// A PSA is no longer reached in a way that passes by itself.
    ConnectionBroken,
    /// A PSA that was said to be broken is reached again.
    ConnectionRecovered,
    /// `webhookSubscriberSendTest` sends it; it cannot be chosen.
    WebhookTest,
}

/// Where a notification stands. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::notification::NotificationState")]
pub enum NotificationState {
    /// To be sent, at its time and in its turn.
    Ready,
    /// It arrived: the subscriber answered 2xx.
    Done,
    /// Given up; `notificationRedrive` sends it again.
    Failed,
}

/// Why the gateway has switched a subscriber off. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::webhook_subscriber::DisabledBecause")]
pub enum WebhookSubscriberDisabledReason {
    /// It answered 410: gone for good.
    Gone,
    /// Nothing arrived there for five days.
    Failing,
}

/// How a subscriber takes what it is told. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WebhookSubscriberStatus {
    /// It was told nothing yet.
    Untried,
    /// What was sent last arrived.
    Healthy,
    /// What was sent last did not arrive; it is tried again.
    Failing,
    /// It is switched off.
    Disabled,
}
