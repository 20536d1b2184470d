//! The gateway's own webhook in Autotask: registering it, looking at it, mending it.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::{Connection, api::Query, webhook::DEACTIVATED, wire};
use crate::psa::{PsaError, WebhookKept, WebhookWanted};

/// What Autotask takes (developer help, REST_WebhooksEntity).
pub(super) const SECRET_CHARS: usize = 64;
const NAME_CHARS: usize = 50;
const URL_CHARS: usize = 500;

impl Connection {
    pub(super) async fn keep_registered(&self, wanted: &WebhookWanted) -> Result<WebhookKept, PsaError> {
        let refused =
            |field: &str, reason: String| PsaError::Rejected { field: Some(field.to_owned()), reason };
        let secret = wanted.secret.as_ref().filter(|secret| !secret.expose_secret().is_empty());
        let secret = secret.ok_or_else(|| {
            refused("secretKey", String::from("the webhook has no secret to be signed with"))
        })?;
        if secret.expose_secret().chars().count() > SECRET_CHARS {
            return Err(refused(
                "secretKey",
                format!("Autotask takes secrets of up to {SECRET_CHARS} characters"),
            ));
        }
        let wish = Wish { wanted, secret, off_url: deactivation_url(&wanted.url) };
        if wish.off_url.len() > URL_CHARS {
            return Err(refused(
                "webhookUrl",
                format!("Autotask takes addresses of up to {URL_CHARS} characters"),
            ));
        }

        let mut mended = Vec::new();
        let (id, is_new) = match self.registered(wanted).await? {
            None => (self.api.create("TicketWebhooks", &wish.registration()).await?, true),
            Some(row) => {
                let id = wire::id(&row, "id").ok_or_else(gone)?;
                let (item, words) = wish.repair(&row, id);
                mended.extend(words.map(str::to_owned));
                if let Some(item) = item {
                    self.api.patch("TicketWebhooks", &item).await?;
                }
                (id, false)
            }
        };
        let fields = self.keep_fields(id).await?;
        if !is_new && !fields.mended.is_empty() {
            mended.push(format!("it did not watch {}", fields.mended.join(", ")));
        }
        self.exclude_ourselves(id).await?;
        let (is_active, is_ready) = self.switched_on(id).await?;
        let problem = if fields.is_blind {
            Some(
                "Autotask offers no field named Status to be watched; look at the rights of the API user's security level for tickets",
            )
        } else if !is_active {
            Some(
                "Autotask does not keep it switched on; look at the webhook's error log and at whether its owner is active",
            )
        } else if !is_ready {
            Some("Autotask is still getting it ready; it is looked at again in a few minutes")
        } else {
            None
        };
        Ok(WebhookKept {
            external_id: id.to_string(),
            mended: (!mended.is_empty()).then(|| mended.join("; ")),
            problem: problem.map(ToOwned::to_owned),
        })
    }

    /// The registration there is: what it was registered as, else one with our address, whoever made it:
    /// a second one would not fire (developer help, Webhooks_Error_Handling).
    async fn registered(&self, wanted: &WebhookWanted) -> Result<Option<Value>, PsaError> {
        let known =
            wanted.external_id.as_deref().and_then(|id| id.trim().parse::<i64>().ok()).filter(|id| *id > 0);
        if let Some(id) = known
            && let Some(row) = self.api.get_item("TicketWebhooks", id).await?
        {
            return Ok(Some(row));
        }
        let query = Query { entity: "TicketWebhooks", fields: &[], filter: Vec::new() };
        let rows = self.api.all(&query).await?;
        Ok(rows.into_iter().find(|row| is_at(row, "webhookUrl", &wanted.url)))
    }

    /// Whether it is switched on and ready, after one try to switch it on.
    async fn switched_on(&self, id: i64) -> Result<(bool, bool), PsaError> {
        let mut row = self.api.get_item("TicketWebhooks", id).await?;
        if row.as_ref().is_some_and(|row| wire::is(row, "isActive") == Some(false)) {
            self.api.patch("TicketWebhooks", &json!({ "id": id, "isActive": true })).await?;
            row = self.api.get_item("TicketWebhooks", id).await?;
        }
        // One that was just made can be invisible for a moment, which is as good as not ready.
        let Some(row) = row else { return Ok((true, false)) };
        Ok((wire::is(&row, "isActive") != Some(false), wire::is(&row, "isReady") != Some(false)))
    }

    pub(super) async fn unregister(&self, external_id: &str) -> Result<(), PsaError> {
        let id = wire::record_id("id", external_id)?;
        // A record that is not there answers 500 to DELETE.
        if self.api.get_item("TicketWebhooks", id).await?.is_none() {
            return Ok(());
        }
        match self.api.delete(&format!("TicketWebhooks/{id}")).await {
            Ok(_) => Ok(()),
            Err(error @ (PsaError::Rejected { .. } | PsaError::Unknown { .. })) => {
                match self.api.get_item("TicketWebhooks", id).await {
                    Ok(None) => Ok(()),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// The registration as it should be.
struct Wish<'a> {
    wanted: &'a WebhookWanted,
    secret: &'a SecretString,
    off_url: String,
}

impl Wish<'_> {
    fn registration(&self) -> Value {
        json!({
            "name": wire::split(&self.wanted.name, NAME_CHARS).0.trim_end(),
            "webhookUrl": self.wanted.url,
            "deactivationUrl": self.off_url,
            "secretKey": self.secret.expose_secret(),
            "isActive": true,
            // Our own tickets are known to us; only what others do to them is news.
            "isSubscribedToCreateEvents": false,
            "isSubscribedToUpdateEvents": true,
            "isSubscribedToDeleteEvents": true,
            "sendThresholdExceededNotification": false,
        })
    }

    /// What has to be changed, and what of it people should know. The secret goes along each time, because
    /// no source says that Autotask shows it: a new one of ours must reach it.
    fn repair(&self, row: &Value, id: i64) -> (Option<Value>, impl Iterator<Item = &'static str>) {
        let mut item = Map::new();
        let mut words = Vec::new();
        let mut change = |key: &str, value: Value, why: &'static str| {
            item.insert(key.to_owned(), value);
            words.push(why);
        };
        if wire::is(row, "isActive") == Some(false) {
            change("isActive", json!(true), "it was switched off in Autotask");
        }
        if !is_at(row, "webhookUrl", &self.wanted.url) {
            change("webhookUrl", json!(self.wanted.url), "it had another address");
        }
        if !is_at(row, "deactivationUrl", &self.off_url) {
            change("deactivationUrl", json!(self.off_url), "it had another address for being switched off");
        }
        for key in ["isSubscribedToUpdateEvents", "isSubscribedToDeleteEvents"] {
            if wire::is(row, key) == Some(false) {
                change(key, json!(true), "it was not told of all changes");
            }
        }
        if wire::text(row, "secretKey") != Some(self.secret.expose_secret()) {
            item.insert("secretKey".into(), json!(self.secret.expose_secret()));
        }
        let item = (!item.is_empty()).then(|| {
            item.insert("id".into(), json!(id));
            Value::Object(item)
        });
        words.dedup();
        (item, words.into_iter())
    }
}

fn is_at(row: &Value, key: &str, url: &str) -> bool {
    wire::text(row, key) == Some(url)
}

fn deactivation_url(url: &str) -> String {
    format!("{url}{}{DEACTIVATED}=1", if url.contains('?') { '&' } else { '?' })
}

fn gone() -> PsaError {
    PsaError::Unavailable { detail: String::from("Autotask shows the webhook without its number") }
}
