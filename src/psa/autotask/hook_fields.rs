//! Which fields of a ticket the gateway's webhook watches and carries.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Connection,
    api::{Query, condition},
    wire,
};
use crate::psa::PsaError;

/// A field that the webhook needs.
struct Watched {
    /// Its names in the list of fields, without regard to case, spaces and signs: the list gives labels, and
    /// no source says which ones.
    names: &'static [&'static str],
    /// A change of it is told.
    is_subscribed: bool,
    /// It stands in every message.
    is_shown: bool,
}

/// A change of the status or of the time of completion is what matters. The rest spares a look: which of our
/// tickets it is about.
const WATCHED: [Watched; 4] = [
    Watched { names: &["status"], is_subscribed: true, is_shown: true },
    Watched {
        names: &["completeddate", "completedate", "datecompleted", "completeddatetime"],
        is_subscribed: true,
        is_shown: false,
    },
    Watched { names: &["externalid"], is_subscribed: false, is_shown: true },
    Watched { names: &["ticketnumber", "number"], is_subscribed: false, is_shown: true },
];

/// How the fields of a registration stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FieldsKept {
    /// Fields that were missing or not watched, by name.
    pub(super) mended: Vec<&'static str>,
    /// The status is not among the fields that may be watched.
    pub(super) is_blind: bool,
}

impl Connection {
    /// Adds what is missing, one after the other: added at once, some went missing (n8n-nodes-autotask#4).
    pub(super) async fn keep_fields(&self, webhook: i64) -> Result<FieldsKept, PsaError> {
        let fields = self.fields_of("TicketWebhookFields").await?;
        let numbers: BTreeMap<String, i64> = fields
            .choices("fieldID")
            .iter()
            .filter_map(|choice| Some((plain(&choice.label), choice.value.parse().ok()?)))
            .collect();
        let query = Query {
            entity: "TicketWebhookFields",
            fields: &[],
            filter: vec![condition("eq", "webhookID", webhook)],
        };
        let mut rows = self.api.all(&query).await?;
        rows.retain(|row| wire::int(row, "webhookID").is_none_or(|id| id == webhook));
        let mut kept = FieldsKept::default();
        for watched in &WATCHED {
            let number = watched.names.iter().find_map(|name| numbers.get(*name).copied());
            let (Some(number), Some(name)) = (number, watched.names.first()) else {
                kept.is_blind |= watched.is_subscribed && watched.is_shown;
                continue;
            };
            if self.keep_field(webhook, number, watched, &rows).await? {
                kept.mended.push(name);
            }
        }
        Ok(kept)
    }

    /// True where something had to be done.
    async fn keep_field(
        &self,
        webhook: i64,
        number: i64,
        watched: &Watched,
        rows: &[Value],
    ) -> Result<bool, PsaError> {
        let path = format!("TicketWebhooks/{webhook}/Fields");
        let row = rows.iter().find(|row| wire::int(row, "fieldID") == Some(number));
        let is = |key: &str| row.and_then(|row| wire::is(row, key)).unwrap_or(false);
        // What somebody added is left as it is.
        let subscribed = watched.is_subscribed || is("isSubscribedField");
        let shown = watched.is_shown || is("isDisplayAlwaysField");
        let Some(row) = row else {
            let item = json!({
                "webhookID": webhook, "fieldID": number,
                "isSubscribedField": subscribed, "isDisplayAlwaysField": shown,
            });
            self.api.create(&path, &item).await?;
            return Ok(true);
        };
        if is("isSubscribedField") == subscribed && is("isDisplayAlwaysField") == shown {
            return Ok(false);
        }
        let id = wire::id(row, "id");
        let item = json!({ "id": id, "isSubscribedField": subscribed, "isDisplayAlwaysField": shown });
        self.api.patch(&path, &item).await?;
        Ok(true)
    }

    /// Keeps our own changes out of the webhook, where our own number can be told: they would come back to us.
    /// Without it the webhook works as well, so only what stops every call goes up.
    pub(super) async fn exclude_ourselves(&self, webhook: i64) -> Result<(), PsaError> {
        let result = async {
            let Some(own) = self.own_resource().await? else { return Ok(()) };
            let query = Query {
                entity: "TicketWebhookExcludedResources",
                fields: &[],
                filter: vec![condition("eq", "webhookID", webhook)],
            };
            let is_there = |row: &Value| {
                wire::int(row, "resourceID") == Some(own)
                    && wire::int(row, "webhookID").is_none_or(|id| id == webhook)
            };
            if self.api.all(&query).await?.iter().any(is_there) {
                return Ok(());
            }
            let item = json!({ "webhookID": webhook, "resourceID": own });
            self.api.create(&format!("TicketWebhooks/{webhook}/ExcludedResources"), &item).await?;
            Ok(())
        }
        .await;
        match result {
            Err(error @ (PsaError::Forbidden { .. } | PsaError::Rejected { .. })) => {
                tracing::debug!(%error, "our own changes stay in the webhook");
                Ok(())
            }
            other => other,
        }
    }

    /// The number of our own API user: exactly one resource that goes by the login's name. Where none or
    /// several do, somebody else's changes could go unheard, so nobody is excluded. Whether `userName` holds
    /// the whole key or what stands before the `@` is not documented.
    async fn own_resource(&self) -> Result<Option<i64>, PsaError> {
        let user = self.api.login.username.as_str();
        let start = user.split('@').next().unwrap_or(user);
        let conditions = [
            condition("eq", "email", user),
            condition("eq", "userName", user),
            condition("eq", "userName", start),
        ];
        let query = Query {
            entity: "Resources",
            fields: &["id", "email", "userName"],
            filter: vec![json!({ "op": "or", "items": conditions })],
        };
        let is_ours = |row: &&Value| {
            ["email", "userName"]
                .iter()
                .filter_map(|key| wire::text(row, key))
                .any(|text| text.eq_ignore_ascii_case(user) || text.eq_ignore_ascii_case(start))
        };
        let rows = self.api.all(&query).await?;
        let mut ours = rows.iter().filter(is_ours).filter_map(|row| wire::id(row, "id"));
        let first = ours.next().filter(|id| *id > 0);
        Ok(if ours.next().is_none() { first } else { None })
    }
}

fn plain(label: &str) -> String {
    label.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
