//! How webhooks leave: what proves that it is Halo, and the log of deliveries.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{access::random_guid, dates, webhooks::Webhook, world::HaloWorld};
use crate::sandbox::frame::{Letter, PostAnswer};

/// How many deliveries `GET /WebhookEvent` remembers.
const REMEMBERED: usize = 5_000;

/// What a webhook's body carries besides the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// The whole ticket.
    #[default]
    Full,
    /// A few of its fields.
    Small,
    /// Nothing: "event information only".
    EventOnly,
}

impl HaloWorld {
    /// Joins the letter with the others of its batch, and writes address and headers on it; a webhook that
    /// is gone has no address.
    pub(super) fn seal(&mut self, letter: &mut Letter) {
        if self.batched {
            let mut bodies = vec![letter.body.clone()];
            bodies.extend(self.post.take_more(&letter.subscription).into_iter().map(|more| more.body));
            letter.body = [&b"["[..], &bodies.join(&b','), &b"]"[..]].concat();
        }
        letter.headers = vec![
            ("content-type".to_owned(), "application/json; charset=utf-8".to_owned()),
            ("app".to_owned(), "Halo PSA".to_owned()),
            ("request-id".to_owned(), random_guid(&self.ground.chance)),
        ];
        let webhook = self.subscriptions.webhook(&letter.subscription);
        letter.headers.extend(webhook.and_then(|webhook| proof(webhook, &letter.body)));
        letter.url = webhook.map_or_else(String::new, |webhook| webhook.text("url").to_owned());
    }

    /// Writes down what `GET /WebhookEvent` lists.
    pub(super) fn log_delivery(&mut self, letter: &Letter, answer: &PostAnswer) {
        let headers: Map<String, Value> =
            letter.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let millis = u32::try_from(self.now().millis_since(answer.at)).unwrap_or(0);
        let event = json!({
            "id": random_guid(&self.ground.chance),
            "webhook_id": letter.subscription,
            "notification_id": notification_of(&letter.body),
            "timestamp": dates::zoneless(answer.at),
            "status": i32::from(answer.is_fine()),
            "duration": f64::from(millis) / 1000.0,
            "requestheaders": Value::Object(headers).to_string(),
            "requestbody": String::from_utf8_lossy(&letter.body),
            "responsestatus": answer.status.unwrap_or(0),
            "responsebody": answer.text.chars().take(2_000).collect::<String>(),
            "error": !answer.is_fine(),
        });
        let sent = &mut self.subscriptions.sent;
        if sent.len() >= REMEMBERED {
            sent.remove(0);
        }
        sent.push(event);
    }
}

/// The notification that caused a delivery, or the first of a batch.
fn notification_of(body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let found = body.pointer("/notification_id").or_else(|| body.pointer("/0/notification_id"));
    found.cloned().unwrap_or_default()
}

/// How the receiver can tell that it is Halo. Types 0, 1 and 3 are recorded
/// (django-psa-connector `views.py`); 2 is a guess of a community node.
fn proof(webhook: &Webhook, body: &[u8]) -> Option<(String, String)> {
    let password = webhook.text("basic_password");
    let authorization = |value: String| Some(("authorization".to_owned(), value));
    match webhook.int("authentication_type") {
        1 => {
            let pair = format!("{}:{password}", webhook.text("basic_username"));
            authorization(format!("Basic {}", STANDARD.encode(pair)))
        }
        2 => authorization(format!("Bearer {password}")),
        3 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(password.as_bytes()).ok()?;
            mac.update(body);
            let sum = mac.finalize().into_bytes();
            let text = if webhook.int("digest") == 1 { hex(&sum) } else { STANDARD.encode(sum) };
            let header = webhook.text("authentication_header").to_owned();
            Some((header, format!("{}{text}", webhook.text("signature_prefix"))))
        }
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
