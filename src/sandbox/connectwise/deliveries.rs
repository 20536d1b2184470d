//! Callbacks on their way: the message, its signature, and when the vendor tries again.
//!
//! The message's keys are those that amp-labs/connectors recorded in 2026; the signature is that of the
//! vendor's Developer Guide, which four clients agree with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    callbacks::{self, Object},
    deeds::API_MEMBER,
    login,
    options::Payload,
    resources::Table,
    row::{self, Row},
    world::ConnectWiseWorld,
};
use crate::sandbox::frame::{Letter, PostAnswer};

/// Receivers that fail for so long lose their callback.
const PATIENCE_MILLIS: i64 = 3 * 24 * 60 * 60 * 1_000;

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Added,
    Updated,
    Deleted,
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

impl ConnectWiseWorld {
    /// Tells every callback that the record concerns.
    pub(super) fn emit(&mut self, kind: &str, action: Action, record: &Row, member: i64) {
        let id = row::id(record);
        let concerned = self.rows(Table::Callbacks).iter().filter(|callback| {
            let is_own = member == API_MEMBER && row::flag(callback, "isSelfSuppressedFlag");
            !row::flag(callback, "inactiveFlag") && !is_own && self.concerns(callback, kind, record)
        });
        let letters: Vec<Letter> = concerned
            .map(|callback| {
                let body = self.message(callback, kind, action, record, member).to_string().into_bytes();
                let headers = vec![
                    ("content-type".to_owned(), "application/json".to_owned()),
                    ("x-content-signature".to_owned(), signature(&self.login.signing.1, &body)),
                ];
                Letter {
                    subscription: row::id(callback).to_string(),
                    url: address(row::text(callback, "url").unwrap_or_default(), id, action),
                    headers,
                    body,
                    due: self.now(),
                    tries: 0,
                }
            })
            .collect();
        for letter in letters {
            self.post.put(letter);
        }
    }

    fn concerns(&self, callback: &Row, kind: &str, record: &Row) -> bool {
        let text = |name: &str| row::text(callback, name).unwrap_or_default();
        let wanted = row::int(callback, "objectId");
        if !text("type").eq_ignore_ascii_case(kind) {
            return false;
        }
        match callbacks::level(kind, text("level")) {
            None => false,
            Some((_, Object::All)) => true,
            Some(("integratorTags", _)) => {
                let tag = wanted
                    .and_then(|id| self.find(Table::IntegratorTags, id))
                    .and_then(|tag| tag.get("text"));
                let tags = record.get("integratorTags").and_then(Value::as_array);
                tag.is_some_and(|tag| tags.is_some_and(|tags| tags.contains(tag)))
            }
            Some(("types", _)) => {
                let types = record.get("types").and_then(Value::as_array).into_iter().flatten();
                let mut ids = types.map(|kind| kind.get("id").and_then(Value::as_i64));
                ids.any(|id| id == wanted)
            }
            Some((path, _)) => row::int(record, path) == wanted,
        }
    }

    fn message(&self, callback: &Row, kind: &str, action: Action, record: &Row, member: i64) -> Value {
        let entity = (action != Action::Deleted).then(|| self.entity(kind, record).to_string());
        let codebase = self.options.codebase.trim_end_matches('/');
        let (company, host) = (&self.login.company_id, &self.host);
        let key_url = format!(
            "http://{host}/{codebase}//system/callbackkey/index.rails?companyName={company}&id={}",
            self.login.signing.0
        );
        let mut message = json!({
            "Action": action.word(),
            "CompanyId": company,
            "Entity": entity,
            "FromUrl": host,
            "ID": row::id(record),
            "MemberId": self.member_name(member),
            "Metadata": { "key_url": key_url },
            "Type": kind,
        });
        if let Some(message) = message.as_object_mut().filter(|_| self.options.payload != Payload::Old) {
            message.extend(row::row(json!({
                "CallbackObjectRecId": row::id(callback),
                "MessageId": login::guid(&self.ground),
                "PartnerId": self.login.instance.0,
                "ProductInstanceId": self.login.instance.1,
            })));
        }
        message
    }

    /// A summary of the record, without the fields that have no value.
    fn entity(&self, kind: &str, record: &Row) -> Value {
        let text = |path: &str| row::text(record, path);
        match self.options.payload {
            Payload::Record => {
                let mut entity = record.clone();
                entity.remove("customFields");
                entity.into()
            }
            Payload::Sparse => {
                json!({ "id": row::id(record), "summary": text("summary").or_else(|| text("name")) })
            }
            Payload::Old if kind == "ticket" => json!({
                "Id": row::id(record),
                "Summary": text("summary"),
                "BoardName": text("board/name"),
                "StatusName": text("status/name"),
                "CompanyName": text("company/name"),
                "ClosedFlag": row::flag(record, "closedFlag"),
            }),
            Payload::Old => json!({ "Id": row::id(record), "Name": text("name") }),
        }
    }

    /// A letter whose callback was deleted or switched off goes nowhere.
    pub(super) fn dress_letter(&self, letter: &mut Letter) {
        let callback = letter.subscription.parse().ok().and_then(|id| self.find(Table::Callbacks, id));
        if callback.is_none_or(|callback| row::flag(callback, "inactiveFlag")) {
            letter.url.clear();
        }
    }

    /// Only 404, 409, 419 and 429 are tried again: after 2 seconds, then after 4 more. All else is lost.
    pub(super) fn letter_posted(&mut self, letter: Letter, answer: &PostAnswer) -> Option<Letter> {
        let id = letter.subscription.parse().ok()?;
        if letter.url.is_empty() {
            return None;
        }
        if answer.is_fine() {
            self.failing_since.remove(&id);
            return None;
        }
        let since = *self.failing_since.entry(id).or_insert(answer.at);
        if answer.at.millis_since(since) >= PATIENCE_MILLIS {
            if let Some(callback) = self.find_mut(Table::Callbacks, id) {
                callback.insert("inactiveFlag".to_owned(), true.into());
            }
            return None;
        }
        let wait = match (answer.status, letter.tries) {
            (Some(404 | 409 | 419 | 429), 1) => 2,
            (Some(404 | 409 | 419 | 429), 2) => 4,
            _ => return None,
        };
        Some(Letter { due: answer.at.plus_secs(wait), ..letter })
    }
}

/// The record's id and the action are appended to what was registered, which is why it should end with
/// `recordId=`.
fn address(registered: &str, id: i64, action: Action) -> String {
    let action = action.word();
    match registered {
        prepared if prepared.ends_with('=') => format!("{prepared}{id}&action={action}"),
        query if query.contains('?') => format!("{query}&id={id}&action={action}"),
        plain => format!("{plain}?id={id}&action={action}"),
    }
}

/// Base64 of the HMAC-SHA256 of the bytes, keyed with the SHA-256 of the signing key.
fn signature(key: &str, body: &[u8]) -> String {
    let key = Sha256::digest(key.as_bytes());
    // Any length of key is good for HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}
