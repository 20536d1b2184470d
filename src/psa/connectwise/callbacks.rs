//! Our callback in ConnectWise: registering it, and seeing to it that it stays in force. ConnectWise
//! switches one off after three days of failures and tells nobody (Developer Guide).

use serde_json::{Value, json};

use super::{
    Connection,
    conditions::Conditions,
    errors::Act,
    wire::{self, chosen},
};
use crate::psa::{PsaError, WebhookKept, WebhookWanted};

const PATH: &str = "/system/callbacks";
/// The longest description (vendor's document).
const DESCRIPTION_CHARS: usize = 100;
/// Pages of callbacks looked through at most.
const PAGES: usize = 20;

impl Connection {
    pub(super) async fn keep_callback(&self, wanted: &WebhookWanted) -> Result<WebhookKept, PsaError> {
        let url = address(&wanted.url);
        if let Some(row) = self.own_callback(wanted, &url).await? {
            return self.mend(&row, &url).await;
        }
        match self.api.post(Act::Add, PATH, &registration(wanted, &url)).await {
            Ok(row) => {
                let id = wire::id(&row, "id").ok_or_else(|| PsaError::Unknown {
                    detail: String::from("ConnectWise took the callback and answered without its id"),
                })?;
                Ok(WebhookKept { external_id: id.to_string(), mended: None, problem: problem(&row) })
            }
            // Somebody was faster, or the list was read before it came.
            Err(PsaError::Rejected { field, reason }) => match self.own_callback(wanted, &url).await? {
                Some(row) => self.mend(&row, &url).await,
                None => Err(PsaError::Rejected { field, reason }),
            },
            Err(error) => Err(error),
        }
    }

    pub(super) async fn remove_callback(&self, external_id: &str) -> Result<(), PsaError> {
        let id = chosen("external_id", external_id)?;
        self.api.delete(&format!("{PATH}/{id}")).await
    }

    /// Ours: the one with our address, best as it should be, else the one that we registered before our address
    /// changed. The address is compared here, because it is no word for a filter.
    async fn own_callback(&self, wanted: &WebhookWanted, url: &str) -> Result<Option<Value>, PsaError> {
        let registered = wanted.external_id.as_deref().and_then(|id| id.trim().parse::<i64>().ok());
        let mut found: Option<(u8, Value)> = None;
        let mut next = Some(0);
        for _ in 0..PAGES {
            let Some(after) = next else { break };
            let page = self.page_after(PATH, Conditions::default(), &[], after).await?;
            next = page.next;
            for row in page.items {
                let has = wire::text(&row, "url").unwrap_or_default();
                let fit = if has == url || has == wanted.url {
                    2 + u8::from(changes(&row, url).is_empty())
                } else {
                    u8::from(registered.is_some() && registered == wire::id(&row, "id"))
                };
                if fit > 0 && found.as_ref().is_none_or(|(best, _)| fit > *best) {
                    found = Some((fit, row));
                }
            }
        }
        if found.is_none() && next.is_some() {
            // Registering now could make a second one.
            let detail = String::from("ConnectWise does not show all callbacks");
            return Err(PsaError::Unavailable { detail });
        }
        Ok(found.map(|(_, row)| row))
    }

    async fn mend(&self, row: &Value, url: &str) -> Result<WebhookKept, PsaError> {
        let external_id = wire::id(row, "id").map(|id| id.to_string()).unwrap_or_default();
        let wrong = changes(row, url);
        if wrong.is_empty() {
            return Ok(WebhookKept { external_id, mended: None, problem: None });
        }
        let words: Vec<_> = wrong.iter().filter_map(|(_, _, words)| *words).collect();
        let operations: Vec<_> = wrong.iter().map(|(field, value, _)| (*field, value.clone())).collect();
        match self.api.patch(Act::Edit, &format!("{PATH}/{external_id}"), &operations).await {
            Ok(row) => {
                let mended = (!words.is_empty()).then(|| words.join("; "));
                Ok(WebhookKept { external_id, mended, problem: problem(&row) })
            }
            Err(PsaError::Rejected { reason, .. }) => {
                let problem = format!(
                    "{}, and ConnectWise refuses to change it ({reason}): remove this callback there, and it is registered anew",
                    if words.is_empty() { "it is not as it should be".to_owned() } else { words.join("; ") }
                );
                Ok(WebhookKept { external_id, mended: None, problem: Some(problem) })
            }
            Err(error) => Err(error),
        }
    }
}

/// ConnectWise writes the id of the record behind the address, and the action after it; without the name of
/// a parameter at its end that would spoil the address (Developer Guide).
fn address(url: &str) -> String {
    format!("{url}{}recordId=", if url.contains('?') { '&' } else { '?' })
}

/// All tickets, and nothing that our own API member does: it knows that already.
fn registration(wanted: &WebhookWanted, url: &str) -> Value {
    json!({
        "url": url,
        "objectId": 0, // stored as 1, which stands for all
        "type": "ticket",
        "level": "owner",
        "description": wanted.name.chars().take(DESCRIPTION_CHARS).collect::<String>(),
        "payloadVersion": "3.0.0",
        "inactiveFlag": false,
        "isSelfSuppressedFlag": true,
    })
}

type Change = (&'static str, Value, Option<&'static str>);

/// What is wrong with a registration: field, what it should be, and in words where people should know. What
/// ConnectWise does not show is taken to be right.
fn changes(row: &Value, url: &str) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    if wire::is(row, "inactiveFlag") == Some(true) {
        changes.push(("inactiveFlag", json!(false), Some("it was switched off in ConnectWise")));
    }
    if wire::text(row, "url").is_some_and(|has| has != url) {
        changes.push(("url", json!(url), Some("it had another address in ConnectWise")));
    }
    let differs =
        |key: &str, value: &str| wire::text(row, key).is_some_and(|has| !has.eq_ignore_ascii_case(value));
    if differs("type", "ticket") {
        changes.push(("type", json!("ticket"), Some("it was not about tickets in ConnectWise")));
    }
    if differs("level", "owner") {
        changes.push(("level", json!("owner"), Some("it was not about all tickets in ConnectWise")));
        changes.push(("objectId", json!(1), None));
    }
    if wire::is(row, "isSelfSuppressedFlag") == Some(false) {
        changes.push(("isSelfSuppressedFlag", json!(true), None));
    }
    changes
}

/// What is still wrong with an answered registration.
fn problem(row: &Value) -> Option<String> {
    (wire::is(row, "inactiveFlag") == Some(true)).then(|| {
        String::from("it stays switched off in ConnectWise: look at System > Setup Tables > Callbacks")
    })
}
