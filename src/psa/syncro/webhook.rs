//! Syncro's own webhooks: what do they say?
//!
//! They are not signed and carry no secret of any kind; the address is all there is. So nothing in them is
//! believed: they name a ticket, and the ticket is read.

use serde_json::{Map, Value};

use super::{errors::short, tickets::marker_of, wire};
use crate::{
    psa::{WebhookRefused, WebhookScheme},
    queue::received::Proof,
    tickets::remote::TicketHint,
};

/// The one way, with the names of Syncro's own form.
pub(super) const SCHEMES: &[WebhookScheme] = &[WebhookScheme {
    key: "syncro_address",
    label: "Secret address",
    help: "In Syncro: Admin > Notification Center > New Notification Set. Enter this endpoint's address as its webhook URL and tick Webhook for \"Ticket - created (for anyone)\", \"Ticket - Status was changed\" and \"Ticket - Someone replied to any ticket\". Syncro signs nothing: the address itself is the secret, so keep it to yourself and take a new endpoint if it got out. Its webhooks cannot be set up by the gateway.",
}];

/// A batch longer than this is not Syncro's.
const MAX_HINTS: usize = 1_000;

/// Longest text of an event that is kept.
const EVENT_CHARS: usize = 120;

/// Whoever knew the address reached us, and that is all there is to check.
pub(super) fn verify(scheme: &str) -> Result<Proof, WebhookRefused> {
    if scheme != "syncro_address" {
        return Err(WebhookRefused(format!("Syncro has no way of authentication named {scheme}")));
    }
    Ok(Proof { message_id: None, scheme: "syncro_address.unproven", secret_id: None })
}

/// What a delivery says: `text`, `html`, `link` and the record under `attributes` (three receivers read it so:
/// n8nsyncro and two of PagerDuty's), as JSON or as a form. Events about other things name no ticket.
pub(super) fn read(body: &[u8]) -> Result<Vec<TicketHint>, String> {
    let body = parse(body).ok_or("the body is neither JSON nor a form")?;
    let events: &[Value] = match &body {
        Value::Array(events) => events,
        event => std::slice::from_ref(event),
    };
    let (mut hints, mut is_understood) = (Vec::new(), false);
    for event in events.iter().take(MAX_HINTS) {
        match about(event) {
            About::Ticket(hint) => hints.push(*hint),
            About::Other => is_understood = true,
            About::Nothing => {}
        }
    }
    if hints.is_empty() && !is_understood {
        return Err(String::from(
            "no ticket is named in it: it is not a webhook of a notification set in Syncro",
        ));
    }
    Ok(hints)
}

enum About {
    Ticket(Box<TicketHint>),
    /// Something else that Syncro tells of, such as an alert or an invoice.
    Other,
    Nothing,
}

fn about(event: &Value) -> About {
    let record = ["attributes", "ticket", "comment"]
        .iter()
        .find_map(|name| field(event, name).filter(|record| record.is_object()))
        .unwrap_or(event);
    let link = text(event, "link").or_else(|| text(record, "link"));
    let of_comment = int(record, "ticket_id");
    let nested = field(record, "ticket").filter(|ticket| ticket.is_object());
    let ticket = nested.or_else(|| (of_comment.is_none() && is_ticket(record, link)).then_some(record));
    let id = of_comment
        .or_else(|| ticket.and_then(|ticket| int(ticket, "id")))
        .or_else(|| link.and_then(ticket_in));
    let Some(id) = id else {
        let is_known = link.is_some() || int(record, "id").is_some();
        return if is_known { About::Other } else { About::Nothing };
    };
    let words: String = text(event, "text").unwrap_or("ticket").chars().take(EVENT_CHARS).collect();
    let occurred_at = ["updated_at", "created_at"]
        .iter()
        .find_map(|name| text(record, name).and_then(wire::parse_time))
        .filter(|at| at.0 > 0);
    About::Ticket(Box::new(TicketHint {
        external_id: id.to_string(),
        event: short(&words),
        occurred_at,
        status: ticket.and_then(|ticket| text(ticket, "status")).map(short),
        // A ticket's own user is whom it is assigned to; a comment's wrote it.
        actor_id: of_comment.and_then(|_| int(record, "user_id")).map(|id| id.to_string()),
        marker: ticket.and_then(marker_of),
    }))
}

/// Whether the record is a ticket, so that its id is a ticket's. Alerts have a status too, and invoices a
/// number; the link tells best.
fn is_ticket(record: &Value, link: Option<&str>) -> bool {
    let has = |name: &str| field(record, name).is_some();
    if has("computer_name") || has("formatted_output") {
        return false;
    }
    match link {
        Some(link) if ticket_in(link).is_some() => true,
        Some(link) if link.contains("://") && !link.contains("/tickets") => false,
        _ => has("status") || has("problem_type") || (has("subject") && has("number")),
    }
}

/// The ticket that a link leads to.
fn ticket_in(link: &str) -> Option<i64> {
    let (_, rest) = link.split_once("/tickets/")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|id| *id > 0)
}

/// A field by its name, whatever its case and underscores.
fn field<'a>(row: &'a Value, name: &str) -> Option<&'a Value> {
    let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let row = row.as_object()?;
    row.get(name).or_else(|| {
        let wanted = plain(name);
        row.iter().find(|(key, _)| plain(key) == wanted).map(|(_, value)| value)
    })
}

fn text<'a>(row: &'a Value, name: &str) -> Option<&'a str> {
    field(row, name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn int(row: &Value, name: &str) -> Option<i64> {
    wire::whole(field(row, name)?).filter(|id| *id > 0)
}

/// JSON, or a form: with the JSON as one of its values, or with a value for each field
/// (`attributes[id]=7`).
fn parse(body: &[u8]) -> Option<Value> {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return (value.is_object() || value.is_array()).then_some(value);
    }
    let mut event = Map::new();
    for (key, value) in url::form_urlencoded::parse(std::str::from_utf8(body).ok()?.as_bytes()) {
        let (name, inner) = match key.split_once('[') {
            Some((name, inner)) => (name, Some(inner.trim_end_matches(']'))),
            None => (key.as_ref(), None),
        };
        let json = serde_json::from_str::<Value>(&value).ok().filter(Value::is_object);
        match (inner, json) {
            (None, Some(json)) if matches!(name, "payload" | "data" | "body") => return Some(json),
            (None, json) => {
                event.insert(name.to_owned(), json.unwrap_or_else(|| Value::from(value.as_ref())));
            }
            (Some(inner), _) => {
                let record = event.entry(name).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(record) = record {
                    record.insert(inner.to_owned(), Value::from(value.as_ref()));
                }
            }
        }
    }
    ["attributes", "link", "text", "html"]
        .iter()
        .any(|name| event.contains_key(*name))
        .then_some(Value::Object(event))
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
