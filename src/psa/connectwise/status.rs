//! Moving tickets. Closing is a status of the board that closes; there is no other verb for it.

use serde_json::{Value, json};

use super::{
    Connection,
    errors::Act,
    tickets::ticket_id,
    wire::{self, chosen},
};
use crate::{
    psa::PsaError,
    tickets::remote::{RemoteTicket, StatusChange},
};

impl Connection {
    /// Sends the status alone. A PATCH may answer 200 and change nothing (Developer Guide), so what comes back
    /// is looked at, and the ticket is read again where it does not show the change.
    pub(super) async fn change_status(&self, change: &StatusChange) -> Result<RemoteTicket, PsaError> {
        let wanted = chosen("status", &change.status)?;
        let id = ticket_id(&change.external_id)?;
        let Some(row) = self.raw_ticket(id).await? else {
            let reason =
                String::from("ConnectWise has no such service ticket, or does not show it to this login");
            return Err(PsaError::Rejected { field: None, reason });
        };
        if wire::reference(&row, "status") == Some(wanted) {
            return self.ticket(&row).ok_or_else(unreadable);
        }
        let act = if change.is_close { Act::Close } else { Act::Edit };
        let path = format!("/service/tickets/{id}");
        let answer = self.api.patch(act, &path, &[("status", json!({ "id": wanted }))]).await;
        let answer = answer.map_err(|error| with_board(error, &row))?;
        if wire::id(&answer, "id") == Some(id) && wire::reference(&answer, "status") == Some(wanted) {
            return self.ticket(&answer).ok_or_else(unreadable);
        }
        match self.raw_ticket(id).await {
            Ok(Some(row)) => self.ticket(&row).ok_or_else(unreadable),
            Ok(None) => Err(unreadable()),
            Err(error) => Err(PsaError::Unknown { detail: error.to_string() }),
        }
    }
}

/// Statuses belong to boards, and people move tickets between boards.
fn with_board(error: PsaError, row: &Value) -> PsaError {
    match (error, wire::name(row, "board")) {
        (PsaError::Rejected { field, reason }, Some(board)) => {
            let board = super::errors::short(board);
            let reason = format!(
                "{reason} (the ticket is on the board {board}; the status must be one of that board's)"
            );
            PsaError::Rejected { field, reason }
        }
        (error, _) => error,
    }
}

fn unreadable() -> PsaError {
    PsaError::Unknown { detail: String::from("ConnectWise's answer does not show the ticket") }
}
