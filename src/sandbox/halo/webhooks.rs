//! Registering webhooks: a webhook, and one notification per event bound to it.
//!
//! Two calls, as topleft-team/django-psa-connector `callbacks.py` makes them.

use serde_json::{Map, Value, json};

use super::{
    access::{fixed_guid, random_guid},
    binding::{self, Fields, Kind, Reads, Record},
    delivery::Payload,
    errors, listing,
    query::ReadsQuery as _,
    world::HaloWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// An address that is told of events.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    /// A GUID.
    pub(super) id: String,
    pub(super) fields: Record,
}

/// One event bound to a webhook.
#[derive(Clone, Debug)]
pub(super) struct Notification {
    pub(super) id: i64,
    pub(super) fields: Record,
}

/// All of them, and what was sent.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    pub(super) webhooks: Vec<Webhook>,
    pub(super) notifications: Vec<Notification>,
    /// As `GET /WebhookEvent` lists them.
    pub(super) sent: Vec<Value>,
    last_notification: i64,
}

const WEBHOOK_FIELDS: Fields = &[
    ("id", Kind::Guid),
    ("name", Kind::Text),
    ("note", Kind::Text),
    ("url", Kind::Text),
    ("active", Kind::Flag),
    ("disabled", Kind::Flag),
    ("type", Kind::Int),
    ("method", Kind::Int),
    ("content_type", Kind::Text),
    ("authentication_type", Kind::Int),
    ("authentication_header", Kind::Text),
    ("basic_username", Kind::Text),
    ("basic_password", Kind::Text),
    ("algorithm", Kind::Int),
    ("digest", Kind::Int),
    ("signature_prefix", Kind::Text),
    ("payload_type", Kind::Int),
];

const NOTIFICATION_FIELDS: Fields = &[
    ("id", Kind::Int),
    ("guid", Kind::Guid),
    ("name", Kind::Text),
    ("webhook_id", Kind::Guid),
    ("eventno", Kind::Int),
    ("type", Kind::Int),
    ("delivery_method", Kind::Int),
    ("agent_id", Kind::Int),
    ("filter_type", Kind::Int),
    ("conditions", Kind::List),
];

impl Webhook {
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.text(name).unwrap_or_default()
    }

    pub(super) fn int(&self, name: &str) -> i64 {
        self.fields.int(name).unwrap_or(0)
    }

    /// 0 is what the sandbox is set to; the numbers of the other choices are not recorded.
    pub(super) fn payload(&self, usual: Payload) -> Payload {
        match self.int("payload_type") {
            1 => Payload::Small,
            2 => Payload::EventOnly,
            _ => usual,
        }
    }

    /// Outbound (0) with POST (0), and switched on.
    fn is_sending(&self) -> bool {
        self.fields.flag("active").unwrap_or(false)
            && !self.fields.flag("disabled").unwrap_or(false)
            && self.int("type") == 0
            && self.int("method") == 0
    }

    fn json(&self) -> Value {
        let mut json = self.fields.clone();
        // The secret is written, never read.
        json.remove("basic_password");
        json.insert("id".to_owned(), self.id.clone().into());
        json.insert("events".to_owned(), json!([]));
        Value::Object(json)
    }
}

impl Notification {
    fn json(&self) -> Value {
        let mut json = self.fields.clone();
        let conditions = json.get("conditions").and_then(Value::as_array).map_or(0, Vec::len);
        json.insert("id".to_owned(), self.id.into());
        json.insert("guid".to_owned(), fixed_guid(0x4e4f, self.id).into());
        json.insert("condition_count".to_owned(), conditions.into());
        Value::Object(json)
    }
}

impl Subscriptions {
    /// The webhooks to send for an event, with the notification that binds them.
    /// Only a notification of type -2 with delivery method 6 is one of a webhook.
    pub(super) fn bound_to(&self, event: i64) -> Vec<(&Webhook, i64)> {
        let bound = self.notifications.iter().filter(|notification| {
            let is = |name: &str, value: i64| notification.fields.int(name) == Some(value);
            is("eventno", event) && is("type", -2) && is("delivery_method", 6)
        });
        bound
            .filter_map(|notification| {
                let webhook = self.webhook(notification.fields.text("webhook_id")?)?;
                webhook.is_sending().then_some((webhook, notification.id))
            })
            .collect()
    }

    pub(super) fn webhook(&self, id: &str) -> Option<&Webhook> {
        self.webhooks.iter().find(|webhook| webhook.id.eq_ignore_ascii_case(id))
    }
}

impl HaloWorld {
    pub(super) fn post_webhooks(&mut self, call: &Call) -> Result<Reply, Reply> {
        let records = binding::records(call, "Webhook", WEBHOOK_FIELDS)?;
        listing::posted(&call.query(), self.write_webhooks(records)?)
    }

    pub(super) fn write_webhooks(&mut self, records: Vec<Record>) -> Result<Vec<Value>, Reply> {
        let mut written = Vec::new();
        for mut record in records {
            let known = record.remove("id").and_then(|id| id.as_str().map(str::to_owned));
            let taken = self.subscriptions.webhooks.iter().any(|webhook| {
                Some(webhook.text("name")) == record.text("name") && Some(&webhook.id) != known.as_ref()
            });
            if taken {
                return Err(errors::exception("Name must be unique"));
            }
            if let Some(id) = known {
                let webhook = self.subscriptions.webhooks.iter_mut().find(|webhook| webhook.id == id);
                let webhook = webhook.ok_or_else(|| errors::exception("Record not found"))?;
                webhook.fields.extend(record);
                written.push(webhook.json());
                continue;
            }
            for (name, said) in [("name", "A Name"), ("url", "A URL")] {
                if record.text(name).is_none_or(|text| text.trim().is_empty()) {
                    return Err(errors::exception(&format!("{said} must be entered")));
                }
            }
            let url = record.text("url").and_then(|text| url::Url::parse(text).ok());
            if !url.is_some_and(|url| ["http", "https"].contains(&url.scheme())) {
                return Err(errors::exception("The URL is not valid"));
            }
            let webhook = Webhook { id: random_guid(&self.ground.chance), fields: record };
            written.push(webhook.json());
            self.subscriptions.webhooks.push(webhook);
        }
        Ok(written)
    }

    pub(super) fn post_notifications(&mut self, call: &Call) -> Result<Reply, Reply> {
        let records = binding::records(call, "UnameNotification", NOTIFICATION_FIELDS)?;
        listing::posted(&call.query(), self.write_notifications(records)?)
    }

    pub(super) fn write_notifications(&mut self, records: Vec<Record>) -> Result<Vec<Value>, Reply> {
        let mut written = Vec::new();
        for mut record in records {
            if record.text("webhook_id").is_some_and(|id| self.subscriptions.webhook(id).is_none()) {
                return Err(errors::exception("Webhook not found"));
            }
            // Event 61 wants a condition, if only one that is always true: inferred from
            // the dummy condition in django-psa-connector `callbacks.py`.
            let conditions = record.get("conditions").and_then(Value::as_array).map_or(0, Vec::len);
            let known = record.remove("id").and_then(|id| id.as_i64()).filter(|id| *id > 0);
            if known.is_none() && record.int("eventno") == Some(61) && conditions == 0 {
                return Err(errors::exception("At least one condition must be entered"));
            }
            // A guid that exists means that row, which is taken over.
            let guid = record.remove("guid").and_then(|guid| guid.as_str().map(str::to_owned));
            let subscriptions = &mut self.subscriptions;
            let existing = subscriptions.notifications.iter_mut().find(|notification| {
                Some(notification.id) == known || guid == Some(fixed_guid(0x4e4f, notification.id))
            });
            match existing {
                Some(notification) => {
                    notification.fields.extend(record);
                    written.push(notification.json());
                }
                None if known.is_some() => return Err(errors::exception("Record not found")),
                None if record.int("eventno").is_none() => {
                    return Err(errors::exception("An Event must be selected"));
                }
                None => {
                    subscriptions.last_notification += 1;
                    let notification =
                        Notification { id: 200 + subscriptions.last_notification, fields: record };
                    written.push(notification.json());
                    subscriptions.notifications.push(notification);
                }
            }
        }
        Ok(written)
    }

    pub(super) fn list_webhooks(&self, call: &Call) -> Result<Reply, Reply> {
        let kind = call.query().int("type")?;
        let found = self.subscriptions.webhooks.iter();
        let found = found.filter(|webhook| kind.is_none_or(|kind| webhook.int("type") == kind));
        Ok(Reply::ok(&found.map(Webhook::json).collect()))
    }

    /// One webhook, with its events.
    pub(super) fn get_webhook(&self, id: &str) -> Result<Reply, Reply> {
        let webhook = self.subscriptions.webhook(id).ok_or_else(errors::not_found)?;
        let mut json = webhook.json();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("events".to_owned(), self.notifications_of(Some(&webhook.id)));
        }
        Ok(Reply::ok(&json))
    }

    pub(super) fn list_notifications(&self, call: &Call) -> Reply {
        Reply::ok(&self.notifications_of(call.query().text("webhook_id")))
    }

    fn notifications_of(&self, webhook: Option<&str>) -> Value {
        let found = self.subscriptions.notifications.iter().filter(|notification| {
            webhook.is_none_or(|id| {
                notification.fields.text("webhook_id").is_some_and(|of| of.eq_ignore_ascii_case(id))
            })
        });
        found.map(Notification::json).collect()
    }

    pub(super) fn get_notification(&self, id: i64) -> Result<Reply, Reply> {
        let found = self.subscriptions.notifications.iter().find(|notification| notification.id == id);
        errors::found(found.map(Notification::json))
    }

    pub(super) fn delete_webhook(&mut self, id: &str) -> Result<Reply, Reply> {
        let id = self.subscriptions.webhook(id).ok_or_else(errors::not_found)?.id.clone();
        self.subscriptions.webhooks.retain(|webhook| webhook.id != id);
        let bound = |notification: &Notification| notification.fields.text("webhook_id") == Some(id.as_str());
        self.subscriptions.notifications.retain(|notification| !bound(notification));
        Ok(Reply::ok(&Value::Object(Map::new())))
    }

    pub(super) fn delete_notification(&mut self, id: i64) -> Result<Reply, Reply> {
        let before = self.subscriptions.notifications.len();
        self.subscriptions.notifications.retain(|notification| notification.id != id);
        if self.subscriptions.notifications.len() == before {
            return Err(errors::not_found());
        }
        Ok(Reply::ok(&Value::Object(Map::new())))
    }

    /// `GET /WebhookEvent`, newest first; a bare array, as for the webhooks themselves.
    pub(super) fn list_webhook_events(&self, call: &Call) -> Result<Reply, Reply> {
        let query = call.query();
        let webhook = query.text("webhook_id");
        let count = query.int("count")?.and_then(|count| usize::try_from(count).ok());
        let found = self.subscriptions.sent.iter().rev().filter(|event| {
            webhook.is_none_or(|id| event.get("webhook_id").and_then(Value::as_str) == Some(id))
        });
        let cap = count.unwrap_or(self.options.page_cap).min(self.options.page_cap);
        Ok(Reply::ok(&found.take(cap).cloned().collect()))
    }
}
