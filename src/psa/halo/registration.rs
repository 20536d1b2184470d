//! The gateway's own webhook in Halo: registering it, looking at it, mending it.
//!
//! Two kinds of record, as django-psa-connector makes them: the webhook (address and signature), and for each
//! event a notification that is bound to it. Nothing in Halo marks either as ours but its name.

use std::{collections::BTreeMap, fmt};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Connection, wire};
use crate::psa::{PsaError, WebhookKept, WebhookWanted};

const WEBHOOKS: &str = "/Webhook";
const NOTIFICATIONS: &str = "/Notification";

/// What we are told of: 61 from django-psa-connector, 39 from a template named "Closed" (halocli). The number
/// of "ticket status changed" is not recorded; a change of status is an update too.
const EVENTS: [(i64, &str); 2] = [(61, "ticket updated"), (39, "ticket closed")];

/// What makes a notification one that goes to a webhook (django-psa-connector, halocli).
const TO_WEBHOOK: [(&str, i64); 2] = [("type", -2), ("delivery_method", 6)];

/// How a webhook of ours is set up: outbound, by POST, signed with HMAC-SHA256 (django-psa-connector).
const NUMBERS: [(&str, i64); 4] = [("type", 0), ("method", 0), ("authentication_type", 3), ("algorithm", 0)];
/// The header of the signature.
const HEADER: &str = "Token";

/// The longest name sent. No source gives a limit: the one place to change.
const NAME_CHARS: usize = 90;

impl Connection {
    pub(super) async fn keep_registered(&self, wanted: &WebhookWanted) -> Result<WebhookKept, PsaError> {
        let wish = Wish::read(wanted)?;
        let kept = self.keep(&wish, &Registered::read(wanted.external_id.as_deref())).await;
        kept.map_err(|error| wish.without_secret(error))
    }

    async fn keep(&self, wish: &Wish<'_>, known: &Registered) -> Result<WebhookKept, PsaError> {
        let (row, is_new) = match self.own_webhook(wish, known).await? {
            Some(row) => (row, false),
            None => self.new_webhook(wish, known).await?,
        };
        let id = guid(&row, "id").ok_or_else(|| PsaError::Unavailable {
            detail: String::from("Halo shows the webhook without its id"),
        })?;
        let mut mended = Vec::new();
        let mut stays_off = is_new && is_off(&row);
        if !is_new {
            // Each time, because Halo does not show the secret: a new one of ours must reach it.
            let (item, words) = wish.repair(&row, id);
            let answer = self.api.post(WEBHOOKS, item).await?;
            mended.extend(words.into_iter().map(str::to_owned));
            stays_off = wire::record(answer).is_some_and(|row| is_off(&row));
        }
        let mut registered = Registered { webhook: Some(id), notifications: BTreeMap::new() };
        let bound = if is_new { BTreeMap::new() } else { self.bound(wish, id, known).await? };
        for (event, name) in EVENTS {
            let notification = if let Some(notification) = bound.get(&event) {
                *notification
            } else {
                if !is_new {
                    mended.push(format!("it was not told of \"{name}\""));
                }
                let answer = self.api.post(NOTIFICATIONS, wish.binding(id, event, name)).await?;
                wire::record(answer).and_then(|row| wire::id(&row, "id"))
            };
            if let Some(notification) = notification {
                registered.notifications.insert(event, notification);
            }
        }
        let problem = stays_off.then(|| {
            String::from(
                "Halo does not keep it switched on; look at its Deliveries (Configuration > Integrations > Webhooks)",
            )
        });
        Ok(WebhookKept {
            external_id: registered.to_string(),
            mended: (!mended.is_empty()).then(|| mended.join("; ")),
            problem,
        })
    }

    /// Registers it, unless somebody was faster.
    async fn new_webhook(&self, wish: &Wish<'_>, known: &Registered) -> Result<(Value, bool), PsaError> {
        let refused = match self.api.post(WEBHOOKS, Value::Object(wish.item())).await {
            Ok(answer) => match wire::record(answer).filter(|row| guid(row, "id").is_some()) {
                Some(row) => return Ok((row, true)),
                None => PsaError::Unknown {
                    detail: String::from("Halo took the webhook and answered without its id"),
                },
            },
            Err(error @ PsaError::Rejected { .. }) => error,
            Err(error) => return Err(error),
        };
        match self.own_webhook(wish, known).await? {
            Some(row) => Ok((row, false)),
            None => Err(refused),
        }
    }

    /// Ours: best the one with our address, then the one with our name, then the one that we registered.
    async fn own_webhook(&self, wish: &Wish<'_>, known: &Registered) -> Result<Option<Value>, PsaError> {
        let answer = self.api.get(WEBHOOKS, &[("type", String::from("0"))]).await?;
        let (rows, total) = wire::rows(answer, "webhooks").ok_or_else(no_list)?;
        let is_whole = total.is_none_or(|total| u64::try_from(rows.len()).is_ok_and(|shown| shown >= total));
        let fit = |row: &Value| {
            if wire::text(row, "url") == Some(&wish.wanted.url) {
                3
            } else if wire::text(row, "name") == Some(&wish.name) {
                2
            } else {
                u8::from(known.webhook.is_some() && known.webhook == guid(row, "id"))
            }
        };
        let best = rows.into_iter().filter(|row| fit(row) > 0).max_by_key(fit);
        if best.is_none() && !is_whole {
            // Registering now could make a second one.
            return Err(PsaError::Unavailable { detail: String::from("Halo does not show all webhooks") });
        }
        Ok(best)
    }

    /// The events that are bound to it, with the notifications' ids where they are shown. Asked for in every
    /// way there is, because one that is missed would be bound a second time.
    async fn bound(
        &self,
        wish: &Wish<'_>,
        id: Uuid,
        known: &Registered,
    ) -> Result<BTreeMap<i64, Option<i64>>, PsaError> {
        let is_all =
            |bound: &BTreeMap<i64, Option<i64>>| EVENTS.iter().all(|(event, _)| bound.contains_key(event));
        let mut bound = BTreeMap::new();
        let query = [("includedetails", String::from("true"))];
        if let Some(webhook) = self.api.get_some(&format!("{WEBHOOKS}/{id}"), &query).await? {
            let events = webhook.get("events").and_then(Value::as_array);
            let rows = events.into_iter().flatten();
            bound.extend(
                rows.filter(|row| guid(row, "webhook_id").is_none_or(|of| of == id)).filter_map(binds),
            );
        }
        if is_all(&bound) {
            return Ok(bound);
        }
        let rows = self.notifications(id).await?;
        let is_ours = |row: &&Value| match guid(row, "webhook_id") {
            Some(of) => of == id,
            None => EVENTS.iter().any(|(_, name)| wire::text(row, "name") == Some(&wish.binding_name(name))),
        };
        bound.extend(rows.iter().filter(is_ours).filter_map(binds));
        for (event, notification) in &known.notifications {
            if !bound.contains_key(event)
                && let Some(row) =
                    self.api.get_record(&format!("{NOTIFICATIONS}/{notification}"), &[]).await?
                && binds(&row).is_some_and(|(bound, _)| bound == *event)
                && guid(&row, "webhook_id").is_none_or(|of| of == id)
            {
                bound.insert(*event, Some(*notification));
            }
        }
        Ok(bound)
    }

    async fn notifications(&self, webhook: Uuid) -> Result<Vec<Value>, PsaError> {
        let answer = self.api.get(NOTIFICATIONS, &[("webhook_id", webhook.to_string())]).await?;
        wire::rows(answer, "notifications").map(|(rows, _)| rows).ok_or_else(no_list)
    }

    pub(super) async fn unregister(&self, external_id: &str) -> Result<(), PsaError> {
        let Some(id) = Registered::read(Some(external_id)).webhook else {
            let reason = String::from("it was not registered as a webhook of Halo");
            return Err(PsaError::Rejected { field: None, reason });
        };
        // No source says that they go with their webhook.
        let rows = match self.notifications(id).await {
            Err(PsaError::Rejected { .. }) => Vec::new(),
            rows => rows?,
        };
        for row in rows.iter().filter(|row| guid(row, "webhook_id") == Some(id)) {
            if let Some(notification) = wire::id(row, "id") {
                self.api.delete(&format!("{NOTIFICATIONS}/{notification}")).await?;
            }
        }
        self.api.delete(&format!("{WEBHOOKS}/{id}")).await
    }
}

/// The registration as it should be.
struct Wish<'a> {
    wanted: &'a WebhookWanted,
    secret: &'a SecretString,
    /// Names must be unique in Halo ("Name must be unique"), and another gateway may use the same for people.
    name: String,
}

impl<'a> Wish<'a> {
    fn read(wanted: &'a WebhookWanted) -> Result<Self, PsaError> {
        let refused = |reason: &str| PsaError::Rejected { field: None, reason: reason.to_owned() };
        if wanted.scheme != "halo_hmac" {
            return Err(refused(
                "only webhooks with an HMAC signature are registered; enter others by hand in Halo",
            ));
        }
        let secret = wanted.secret.as_ref().filter(|secret| !secret.expose_secret().is_empty());
        let secret = secret.ok_or_else(|| refused("the webhook has no secret to be signed with"))?;
        let digest = Sha256::digest(wanted.url.as_bytes());
        let tag = digest.iter().take(4).fold(0_u32, |tag, byte| tag << 8 | u32::from(*byte));
        let name: String = wanted.name.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
        Ok(Self { wanted, secret, name: format!("{} ({tag:08x})", name.trim()) })
    }

    fn item(&self) -> Map<String, Value> {
        let mut item = Map::new();
        item.insert("name".into(), json!(self.name));
        item.insert("note".into(), json!("Registered by the gateway, which looks after it."));
        item.insert("url".into(), json!(self.wanted.url));
        item.insert("active".into(), json!(true));
        item.insert("content_type".into(), json!("application/json"));
        for (key, value) in NUMBERS {
            item.insert(key.into(), json!(value));
        }
        item.insert("authentication_header".into(), json!(HEADER));
        item.insert("basic_password".into(), json!(self.secret.expose_secret()));
        item
    }

    /// The whole registration once more, and what of it people should know was wrong. What Halo does not show
    /// is taken to be right.
    fn repair(&self, row: &Value, id: Uuid) -> (Value, Vec<&'static str>) {
        let mut item = self.item();
        item.insert("id".into(), json!(id));
        let mut words = Vec::new();
        if is_off(row) {
            words.push("it was switched off in Halo");
            if wire::is(row, "disabled") == Some(true) {
                item.insert("disabled".into(), json!(false));
            }
        }
        if wire::text(row, "url").is_some_and(|url| url != self.wanted.url) {
            words.push("it had another address in Halo");
        }
        let header = wire::text(row, "authentication_header");
        if NUMBERS.iter().any(|(key, value)| wire::int(row, key).is_some_and(|has| has != *value))
            || header.is_some_and(|header| !header.eq_ignore_ascii_case(HEADER))
        {
            words.push("it was sent or signed in another way");
        }
        if wire::is(row, "custom_payload") == Some(true) {
            item.insert("custom_payload".into(), json!(false));
            words.push("it had a payload of its own");
        }
        (Value::Object(item), words)
    }

    fn binding_name(&self, event: &str) -> String {
        format!("{}: {event}", self.name)
    }

    fn binding(&self, webhook: Uuid, event: i64, name: &str) -> Value {
        let mut item = Map::new();
        // Never one that exists: it would take over that row (halocli).
        item.insert("guid".into(), Value::Null);
        item.insert("webhook_id".into(), json!(webhook));
        item.insert("eventno".into(), json!(event));
        for (key, value) in TO_WEBHOOK {
            item.insert(key.into(), json!(value));
        }
        item.insert("agent_id".into(), json!(0));
        item.insert("name".into(), json!(self.binding_name(name)));
        item.insert("filter_type".into(), json!(2));
        // An update wants a condition, so it gets one that always holds, as django-psa-connector's does: the
        // summary (`symptom`) is not (1) a text that nobody writes.
        let always = json!({
            "tablename": "faults", "fieldname": "symptom", "value_type": "string", "type": 1,
            "value_string": "no ticket has this summary",
        });
        item.insert("conditions".into(), json!([always]));
        Value::Object(item)
    }

    /// Halo quotes values in its refusals.
    fn without_secret(&self, error: PsaError) -> PsaError {
        let clean = |text: String| text.replace(self.secret.expose_secret(), "…");
        match error {
            PsaError::Rejected { field, reason } => PsaError::Rejected { field, reason: clean(reason) },
            PsaError::Unknown { detail } => PsaError::Unknown { detail: clean(detail) },
            PsaError::Forbidden { missing } => PsaError::Forbidden { missing: clean(missing) },
            other => other,
        }
    }
}

/// What a webhook is registered as: its id, and the ids of the notifications that are bound to it, by event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Registered {
    webhook: Option<Uuid>,
    notifications: BTreeMap<i64, i64>,
}

impl Registered {
    /// As [`fmt::Display`] wrote it; nothing where it did not.
    fn read(text: Option<&str>) -> Self {
        let mut parts = text.unwrap_or_default().split(';');
        let webhook = parts.next().and_then(|id| Uuid::try_parse(id.trim()).ok());
        let pair = |part: &str| {
            let (event, id) = part.split_once('=')?;
            Some((event.parse().ok()?, id.parse().ok().filter(|id| *id > 0)?))
        };
        Self { webhook, notifications: parts.filter_map(pair).collect() }
    }
}

impl fmt::Display for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.webhook.unwrap_or_default())?;
        self.notifications.iter().try_for_each(|(event, id)| write!(f, ";{event}={id}"))
    }
}

fn guid(row: &Value, key: &str) -> Option<Uuid> {
    Uuid::try_parse(wire::text(row, key)?).ok().filter(|id| !id.is_nil())
}

fn is_off(row: &Value) -> bool {
    wire::is(row, "active") == Some(false) || wire::is(row, "disabled") == Some(true)
}

/// The event that a notification sends to a webhook, and the notification's id.
fn binds(row: &Value) -> Option<(i64, Option<i64>)> {
    let sends = TO_WEBHOOK.iter().all(|(key, value)| wire::int(row, key).is_none_or(|has| has == *value));
    sends.then_some((wire::int(row, "eventno")?, wire::id(row, "id")))
}

fn no_list() -> PsaError {
    PsaError::Unavailable { detail: String::from("Halo's answer on webhooks holds no list") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_it_is_registered_as_survives_being_written_and_read(
            id in any::<u128>(), notifications in proptest::collection::btree_map(any::<i64>(), 1..i64::MAX, 0..4),
        ) {
            let registered = Registered { webhook: Some(Uuid::from_u128(id)), notifications };
            prop_assert_eq!(Registered::read(Some(&registered.to_string())), registered);
        }

        #[test]
        fn nonsense_is_nothing_registered(text in "[^0-9a-fA-F]*") {
            prop_assert_eq!(Registered::read(Some(&text)).webhook, None);
        }
    }
}
