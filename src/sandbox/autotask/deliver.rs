//! Delivering what webhooks tell: the signature, the second tries, the end after too many failures.
//!
//! Rules of the vendor's page on webhook errors: five tries within about two minutes, 30 seconds apart, in
//! order; after 25 callouts in a row that failed the webhook is off and its deactivation URL is called.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use super::{
    dates,
    model::{Entity, Reads},
    store::Store,
    world::AutotaskWorld,
};
use crate::sandbox::frame::{Letter, PostAnswer};

const TRIES: u32 = 5;
const SECONDS_BETWEEN: i64 = 30;
const FAILURES_IN_A_ROW: u32 = 25;
const SIGNATURE: &str = "X-Hook-Signature";

impl AutotaskWorld {
    /// Signs a letter just before it goes, with the secret of now. What tells of the end of a webhook is not
    /// signed.
    pub(super) fn sign(&mut self, letter: &mut Letter) {
        let Some(id) = webhook_of(letter) else { return };
        let webhook = self.store.get(Entity::TicketWebhooks, id).filter(|row| row.flag("isActive"));
        let Some(webhook) = webhook else {
            letter.url.clear();
            return;
        };
        let message = net_escaped(&String::from_utf8_lossy(&letter.body));
        letter.headers.retain(|(name, _)| name != SIGNATURE);
        if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(webhook.text("secretKey").as_bytes()) {
            mac.update(message.as_bytes());
            let sum = STANDARD.encode(mac.finalize().into_bytes());
            letter.headers.push((SIGNATURE.to_owned(), format!("sha1={sum}")));
        }
    }

    /// What a callout's answer leads to; the letter comes back where it is tried again.
    pub(super) fn called_out(&mut self, letter: Letter, answer: &PostAnswer) -> Option<Letter> {
        let id = webhook_of(&letter)?;
        let hook = self.hooks.get_mut(&id)?;
        if letter.url.is_empty() {
            return None;
        }
        if answer.is_fine() {
            hook.failures = 0;
            return None;
        }
        hook.failures += 1;
        let is_over = hook.failures >= FAILURES_IN_A_ROW;
        if is_over {
            self.switch_off(id);
        }
        if is_over || letter.tries >= TRIES {
            self.log(&letter, answer);
            return None;
        }
        Some(Letter { due: self.ground.clock.now().plus_secs(SECONDS_BETWEEN), ..letter })
    }

    /// The webhook is off, and its deactivation URL is called, once. What is sent there is not documented.
    fn switch_off(&mut self, id: i64) {
        let Some(webhook) = self.store.get_mut(Entity::TicketWebhooks, id) else { return };
        webhook.insert("isActive".to_owned(), false.into());
        let body = json!({
            "Action": "Deactivated",
            "Guid": webhook.text("webhookGUID"),
            "EntityType": "Ticket",
            "Id": id,
        });
        let letter = Letter {
            subscription: "deactivation".to_owned(),
            url: webhook.text("deactivationUrl").to_owned(),
            headers: vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())],
            body: body.to_string().into_bytes(),
            due: self.ground.clock.now(),
            tries: 0,
        };
        self.post.put(letter);
    }

    /// A payload that is given up; no column says which ticket webhook it was.
    fn log(&mut self, letter: &Letter, answer: &PostAnswer) {
        let Some(spec) = Entity::WebhookEventErrorLogs.spec() else { return };
        let now = self.ground.clock.now();
        let said = answer.status.map_or_else(|| answer.text.clone(), |status| format!("HTTP {status}"));
        let told: Value = serde_json::from_slice(&letter.body).unwrap_or_default();
        let sequence = told.get("SequenceNumber").cloned().unwrap_or_default();
        let mut row = Store::blank(spec);
        row.insert("createDateTime".to_owned(), dates::zoneless(now).into());
        row.insert("errorMessage".to_owned(), said.into());
        row.insert("payload".to_owned(), String::from_utf8_lossy(&letter.body).into());
        row.insert("sequenceNumber".to_owned(), sequence);
        let id = self.store.next_id(spec);
        self.store.put(spec.entity, id, row, now);
    }
}

/// The webhook that a letter belongs to; none for what tells of its end.
fn webhook_of(letter: &Letter) -> Option<i64> {
    letter.subscription.split_once('/')?.0.parse().ok()
}

/// JSON as .NET's encoder writes it by default: inside texts `& < > ' " ` +` and everything that is not ASCII
/// stand as `\uXXXX`, in capitals and by UTF-16 units (msoukhomlinov/n8n-nodes-autotask). Text that is written
/// so already stays as it is.
pub(super) fn net_escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    let mut inside = false;
    let mut letters = json.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                inside = !inside;
                escaped.push('"');
            }
            '\\' => match letters.next() {
                Some('"') => escaped.push_str("\\u0022"),
                Some('u') => {
                    let digits: String = letters.by_ref().take(4).collect();
                    escaped.push_str("\\u");
                    escaped.push_str(&digits.to_ascii_uppercase());
                }
                Some(other) => escaped.extend(['\\', other]),
                None => escaped.push('\\'),
            },
            '&' | '<' | '>' | '\'' | '`' | '+' | '\u{7f}'.. if inside => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    escaped.extend(format!("\\u{unit:04X}").chars());
                }
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}
