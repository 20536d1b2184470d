//! What came of an operation at a PSA, and what that means for the attempt, the operation and the ticket.

use entity::{Timestamp, ticket_operation, ticket_operation::OperationKind};

use super::left_out::LeftOut;
use crate::{
    psa::{NextStep, PsaError},
    queue::outbox::{After, Ended},
    tickets::{delivered::Delivered, remote::RemoteTicket},
};

/// What was done at the PSA.
pub(super) enum Done {
    Created {
        ticket: RemoteTicket,
        was_found: bool,
        /// What it was made without.
        left_out: Vec<LeftOut>,
    },
    Noted {
        was_found: bool,
    },
    Linked(RemoteTicket),
    StatusSet(RemoteTicket),
    Read(RemoteTicket),
    /// Not found yet, and it may still come.
    Waiting(Timestamp),
    /// Whether it is there cannot be told.
    Untold {
        until: Timestamp,
        why: String,
    },
}

/// What went wrong, and whether an earlier attempt is still of unknown fate.
pub(super) struct Failed {
    pub(super) error: PsaError,
    pub(super) uncertain_since: Option<Timestamp>,
}

/// Whether the PSA said no to this for good. A login that may do everything but close is no reason to leave
/// its other tickets alone.
pub(super) fn is_refused(kind: OperationKind, error: &PsaError) -> bool {
    let is_status = matches!(kind, OperationKind::Close | OperationKind::Reopen);
    error.next_step() == NextStep::GiveUp || (is_status && matches!(error, PsaError::Forbidden { .. }))
}

/// What a result means for the attempt, the operation and the ticket.
pub(super) fn weigh(
    operation: &ticket_operation::Model,
    result: Result<Done, Failed>,
    now: Timestamp,
) -> (Ended, After, Delivered) {
    let kind = operation.kind;
    let ended = |outcome, message: Option<String>| Ended { outcome, message, ..Ended::default() };
    match result {
        Ok(Done::Created { ticket, was_found, .. }) => {
            let (outcome, words) = if was_found {
                ("found", "found by its marker: the PSA had done it")
            } else {
                ("done", "created")
            };
            let message =
                format!("{words}; ticket {}", ticket.number.as_deref().unwrap_or(&ticket.external_id));
            (ended(outcome, Some(message)), After::Done, Delivered::Created(ticket))
        }
        Ok(Done::Linked(ticket)) => {
            let number = ticket.number.as_deref().unwrap_or(&ticket.external_id);
            (
                ended("done", Some(format!("ticket {number} is linked"))),
                After::Done,
                Delivered::Created(ticket),
            )
        }
        Ok(Done::Noted { was_found }) => {
            (ended(if was_found { "found" } else { "done" }, None), After::Done, Delivered::Noted)
        }
        Ok(Done::StatusSet(ticket)) => (ended("done", None), After::Done, Delivered::StatusSet(ticket)),
        Ok(Done::Read(ticket)) => {
            let message = format!(
                "read back: ticket {}, status {}",
                ticket.number.as_deref().unwrap_or(&ticket.external_id),
                ticket.status_label.as_deref().or(ticket.status.as_deref()).unwrap_or("not shown")
            );
            (ended("done", Some(message)), After::Done, Delivered::Read(ticket))
        }
        Ok(Done::Waiting(until)) => {
            let message =
                format!("not found at the PSA yet; looked again at {until} before anything is repeated");
            let after = After::Again { run_at: until, uncertain_since: operation.uncertain_since };
            (ended("waiting", Some(message)), after, Delivered::StillUncertain)
        }
        Ok(Done::Untold { until, why }) => {
            let why = format!("it cannot be told whether the ticket is there: {why}");
            let after = After::Again { run_at: until, uncertain_since: operation.uncertain_since };
            (ended("waiting", Some(format!("{why}; looked again at {until}"))), after, Delivered::Untold(why))
        }
        Err(Failed { error, uncertain_since }) => {
            let message = error.to_string();
            let code = error.code();
            match error.next_step() {
                _ if is_refused(kind, &error) => (
                    ended(code, Some(message.clone())),
                    After::Failed,
                    Delivered::Refused {
                        code,
                        message: format!("{message}; mend it, then retry the operation"),
                    },
                ),
                NextStep::LookBeforeRepeating
                    if matches!(kind, OperationKind::Create | OperationKind::Note) =>
                {
                    let since = uncertain_since.or(Some(now));
                    (
                        ended(code, Some(message)),
                        After::Again { run_at: now, uncertain_since: since },
                        Delivered::Uncertain,
                    )
                }
                // Setting a status twice is setting it once: it may simply be done again.
                NextStep::LookBeforeRepeating
                | NextStep::RetryLater { .. }
                | NextStep::PauseConnection
                | NextStep::GiveUp => {
                    let what = if uncertain_since.is_some() {
                        Delivered::StillUncertain
                    } else {
                        Delivered::Delayed
                    };
                    (ended(code, Some(message)), After::Again { run_at: now, uncertain_since }, what)
                }
            }
        }
    }
}
