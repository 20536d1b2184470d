//! A new ticket as Autotask wants it.

use serde_json::{Map, Value, json};

use super::{Connection, pick_lists, profile, wire};
use crate::{psa::PsaError, tickets::remote::TicketDraft};

/// Lengths that are safe where Autotask does not say more: the vendor's pages give 255 and 8,000, which
/// could not be checked against a live instance.
const TITLE: usize = 255;
const DESCRIPTION: usize = 8_000;

/// The longest due date a profile may ask for.
const MOST_DUE_DAYS: i64 = 3_650;

/// What stands at the end of a text that did not fit.
const GOES_ON: &str = "\n… (continues in a note)";

impl Connection {
    /// The ticket, and what of its text did not fit.
    pub(super) async fn new_ticket(&self, draft: &TicketDraft) -> Result<(Value, String), PsaError> {
        let mut item = Map::new();
        item.insert("companyID".into(), json!(company_id(&draft.company_external_id)?));

        let title = wire::one_line(&draft.title);
        let (short_title, cut) = wire::split(&title, TITLE);
        item.insert("title".into(), json!(short_title.trim_end()));
        let whole_title = if cut.is_empty() { String::new() } else { format!("{title}\n\n") };
        let text = format!("{whole_title}{}", wire::clean(&draft.body).trim());
        let room = self.room("Tickets", "description", &text, DESCRIPTION).await;
        let (description, rest) = cut_at(&text, room);
        item.insert("description".into(), json!(description));

        item.insert("externalID".into(), json!(draft.marker));
        let status = match draft.status.as_deref().map(str::trim).filter(|status| !status.is_empty()) {
            Some(status) => wire::number("status", status)?,
            None => pick_lists::NEW,
        };
        item.insert("status".into(), json!(status));
        // Whether Autotask demands it depends on the category and the agreement, so it is always there.
        let days = due_days(draft)?;
        let due = self.api.http.clock.now().plus_secs(days.saturating_mul(86_400));
        item.insert("dueDateTime".into(), json!(wire::written_time(due)));
        for (ours, theirs) in profile::INTEGERS {
            if let Some(value) = field(draft, ours) {
                item.insert((*theirs).into(), json!(wire::number(ours, value)?));
            }
        }
        for (one, other) in profile::NEEDS {
            if field(draft, one).is_some() && field(draft, other).is_none() {
                return Err(PsaError::Rejected {
                    field: Some((*other).to_owned()),
                    reason: format!(
                        "Autotask takes {one} only together with {other}; set both in the ticket profile, or neither"
                    ),
                });
            }
        }
        Ok((Value::Object(item), rest))
    }
}

/// A company's number; 0 is the MSP's own.
pub(super) fn company_id(external_id: &str) -> Result<i64, PsaError> {
    wire::number("companyID", external_id).and_then(|id| {
        let refused = || PsaError::Rejected {
            field: Some(String::from("companyID")),
            reason: String::from("companyID must not be below zero"),
        };
        (id >= 0).then_some(id).ok_or_else(refused)
    })
}

fn field<'a>(draft: &'a TicketDraft, key: &str) -> Option<&'a str> {
    draft.fields.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

fn due_days(draft: &TicketDraft) -> Result<i64, PsaError> {
    let Some(text) = field(draft, "due_days") else { return Ok(1) };
    let days = wire::number("due_days", text)?;
    if (0..=MOST_DUE_DAYS).contains(&days) {
        return Ok(days);
    }
    Err(PsaError::Rejected {
        field: Some(String::from("due_days")),
        reason: format!("due_days must be from 0 to {MOST_DUE_DAYS}"),
    })
}

/// A text that fits, saying so where it does not end there, and what is left of it.
pub(super) fn cut_at(text: &str, room: usize) -> (String, String) {
    if wire::length(text) <= room {
        return (text.to_owned(), String::new());
    }
    let (start, _) = wire::split(text, room.saturating_sub(wire::length(GOES_ON)));
    // Between words where one ends nearby.
    let end = start.rfind(char::is_whitespace).filter(|at| start.len() - at < 200).unwrap_or(start.len());
    let (start, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (format!("{start}{GOES_ON}"), rest.trim_start().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_cut_says_so_and_loses_nothing() {
        let text = "one two three ".repeat(50);
        let (start, rest) = cut_at(&text, 100);
        assert!(wire::length(&start) <= 100 && start.ends_with("(continues in a note)"), "{start}");
        let joined = format!("{} {rest}", start.strip_suffix(GOES_ON).unwrap());
        assert_eq!(joined, text);
        assert_eq!(cut_at("short", 100), ("short".to_owned(), String::new()));
        let (start, rest) = cut_at(&"é".repeat(300), 100);
        assert_eq!(start.matches('é').count() + rest.matches('é').count(), 300);
    }
}
