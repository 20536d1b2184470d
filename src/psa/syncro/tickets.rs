//! Tickets: opening, reading, moving.

use serde_json::{Map, Value, json};

use super::{Connection, pick_lists, profile, wire};
use crate::{
    clock::Clock,
    psa::PsaError,
    tickets::remote::{RemoteTicket, TicketDraft},
};

/// The longest subject sent. The vendor's document names no limit; longer ones are cut at a place of our
/// choice rather than Syncro's. The one place to change.
const SUBJECT_CHARS: usize = 255;

/// The longest comment sent, in bytes: what a text column of its kind of database holds, with room to spare.
/// The vendor's document names no limit. The one place to change.
const COMMENT_BYTES: usize = 60_000;

/// The subject of the comment that is a ticket's description (the form of Syncro's own pages, and Haley).
const DESCRIPTION: &str = "Initial Issue";

/// No due date lies further ahead than ten years.
const DUE_DAYS: i64 = 3_650;

impl Connection {
    pub(super) async fn open(&self, draft: &TicketDraft) -> Result<RemoteTicket, PsaError> {
        let answer = self.api.post("/tickets", &new_ticket(draft, &self.api.http.clock)?).await?;
        let ticket = wire::record(answer, "ticket").and_then(|row| self.ticket(&row));
        ticket.ok_or_else(|| PsaError::Unknown {
            detail: String::from("Syncro took the ticket and answered without its id"),
        })
    }

    pub(super) async fn read(
        &self,
        external_id: &str,
        with_closer: bool,
    ) -> Result<Option<RemoteTicket>, PsaError> {
        let Some(row) = self.raw_ticket(ticket_id(external_id)?).await? else { return Ok(None) };
        let mut ticket = self.ticket(&row).ok_or_else(|| PsaError::Unavailable { detail: not_shown() })?;
        let is_closed = ticket.status.as_deref().is_some_and(pick_lists::closes);
        if with_closer
            && is_closed
            && let Some(at) = ticket.closed_at
        {
            // Who closed it is worth a look, not a failure.
            match self.closing_comment(&ticket.external_id, at).await {
                Ok(who) => ticket.closed_by = who,
                Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(ticket))
    }

    /// Moves a ticket. Nothing but the status goes out: an update of other records was seen to set booleans
    /// that were left out (a live test of the API), so what is not meant is not touched.
    pub(super) async fn change_status(
        &self,
        external_id: &str,
        status: &str,
    ) -> Result<RemoteTicket, PsaError> {
        let (id, wanted) = (ticket_id(external_id)?, status.trim());
        if wanted.is_empty() {
            return Err(rejected("status", "a ticket in Syncro needs a status"));
        }
        let Some(row) = self.raw_ticket(id).await? else {
            return Err(PsaError::Rejected {
                field: None,
                reason: String::from("Syncro has no such ticket"),
            });
        };
        let current = self.ticket(&row).ok_or_else(|| PsaError::Unavailable { detail: not_shown() })?;
        if current.status.as_deref() == Some(wanted) {
            return Ok(current);
        }
        let answer = self.api.put(&format!("/tickets/{id}"), &json!({ "status": wanted })).await?;
        let ticket = wire::record(answer, "ticket").and_then(|row| self.ticket(&row));
        if let Some(ticket) = ticket.filter(|ticket| ticket.status.as_deref() == Some(wanted)) {
            return Ok(ticket);
        }
        // The answer does not show the change: only the ticket itself tells whether a rule undid it.
        match self.raw_ticket(id).await {
            Ok(row) => {
                row.and_then(|row| self.ticket(&row)).ok_or_else(|| PsaError::Unknown { detail: not_shown() })
            }
            Err(error) => Err(PsaError::Unknown { detail: error.to_string() }),
        }
    }

    /// A ticket with its comments, by the id that stands in addresses (people quote the number).
    pub(super) async fn raw_ticket(&self, id: i64) -> Result<Option<Value>, PsaError> {
        let row = self.api.get_record(&format!("/tickets/{id}"), "ticket").await?;
        match row.as_ref().and_then(|row| wire::id(row, "id")) {
            Some(shown) if shown != id => Err(PsaError::Unavailable { detail: not_shown() }),
            _ => Ok(row),
        }
    }

    /// Our picture of a row.
    pub(super) fn ticket(&self, row: &Value) -> Option<RemoteTicket> {
        let id = wire::id(row, "id")?;
        let status = wire::text(row, "status").map(ToOwned::to_owned);
        Some(RemoteTicket {
            external_id: id.to_string(),
            number: wire::int(row, "number")
                .map(|number| number.to_string())
                .or_else(|| wire::text(row, "number").map(ToOwned::to_owned)),
            url: self.api.page(&format!("tickets/{id}")),
            company_external_id: wire::id(row, "customer_id").map(|id| id.to_string()),
            status: status.clone(),
            status_label: status,
            board: None,
            marker: marker_of(row),
            updated_at: wire::time(row, "updated_at"),
            closed_at: wire::time(row, "resolved_at"),
            closed_by: None,
        })
    }
}

/// Our mark on a ticket: among its tags, else on the last line of its first comment.
pub(super) fn marker_of(row: &Value) -> Option<String> {
    let tag = wire::tags(row).and_then(|tags| tags.into_iter().find(|tag| wire::is_marker(tag)));
    tag.map(ToOwned::to_owned)
        .or_else(|| wire::last_reference(wire::text(wire::first_comment(row)?, "body")?))
}

/// A ticket as Syncro wants it. It has no description of its own: that is the first comment, which the
/// customer may read in the portal and is sent no mail about.
fn new_ticket(draft: &TicketDraft, clock: &Clock) -> Result<Value, PsaError> {
    let mut item = Map::new();
    let title = one_line(&draft.title);
    let subject: String = title.chars().take(SUBJECT_CHARS).collect();
    let whole_title = if subject == title { String::new() } else { format!("{title}\n\n") };
    let text = format!("{whole_title}{}", clean(&draft.body));
    item.insert("customer_id".into(), json!(integer("customer_id", &draft.company_external_id)?));
    item.insert("subject".into(), json!(subject));
    // Not to be searched for, but shown in every list, and kept where somebody edits the description.
    item.insert("tag_list".into(), json!([draft.marker]));
    item.insert(
        "comments_attributes".into(),
        json!([{
            "subject": DESCRIPTION,
            "body": signed(&text, &draft.marker),
            "hidden": false,
            "do_not_email": true,
        }]),
    );
    let field = |key: &str| draft.fields.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
    for (ours, theirs) in profile::INTEGERS {
        if let Some(value) = field(ours) {
            item.insert((*theirs).into(), json!(integer(ours, value)?));
        }
    }
    for key in profile::TEXTS {
        if let Some(value) = field(key) {
            item.insert((*key).into(), json!(value));
        }
    }
    if let Some(value) = field("configuration") {
        item.insert("asset_ids".into(), json!([integer("configuration", value)?]));
    }
    if let Some(value) = field("due_days") {
        let days = integer("due_days", value)?;
        if !(0..=DUE_DAYS).contains(&days) {
            return Err(rejected("due_days", &format!("due_days must lie between 0 and {DUE_DAYS}")));
        }
        // The document says "date"; its examples, and what the API answers, are whole times.
        item.insert("due_date".into(), json!(wire::sent_time(clock.now().plus_secs(days * 86_400))));
    }
    if let Some(status) = draft.status.as_deref().map(str::trim).filter(|status| !status.is_empty()) {
        item.insert("status".into(), json!(status));
    }
    Ok(Value::Object(item))
}

/// A comment's text with our reference at its end, in as many bytes as a comment holds.
pub(super) fn signed(text: &str, marker: &str) -> String {
    const CUT: &str = "\n\n… (cut here: it is longer than a comment in Syncro holds)";
    let text = clean(text);
    let text = text.trim();
    let end = format!("\n\n{}", wire::reference_line(marker));
    if text.len() + end.len() <= COMMENT_BYTES {
        return format!("{text}{end}").trim_start().to_owned();
    }
    let room = COMMENT_BYTES.saturating_sub(CUT.len() + end.len());
    let kept = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
    format!("{}{CUT}{end}", kept.trim_end())
}

fn not_shown() -> String {
    String::from("Syncro's answer does not show the ticket")
}

fn rejected(field: &str, reason: &str) -> PsaError {
    PsaError::Rejected { field: Some(field.to_owned()), reason: reason.to_owned() }
}

/// An id or number, checked before it goes into a body or an address.
pub(super) fn integer(field: &str, value: &str) -> Result<i64, PsaError> {
    value
        .trim()
        .parse()
        .ok()
        .filter(|number| *number >= 0)
        .ok_or_else(|| rejected(field, &format!("{field} must be a whole number in Syncro")))
}

pub(super) fn ticket_id(external_id: &str) -> Result<i64, PsaError> {
    integer("id", external_id)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect()
}

/// Without control characters other than line ends and tabs.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}
