//! Registering webhooks of tickets.

use super::{
    events::Hook,
    model::{Entity, Reads, Row},
    seed,
    world::AutotaskWorld,
    write::Complaints,
};

impl AutotaskWorld {
    /// The rules of a webhook, and what the server sets on it.
    pub(super) fn webhook_rules(&self, before: Option<&Row>, row: &mut Row) -> Complaints {
        let mut complaints = Vec::new();
        for name in ["webhookUrl", "deactivationUrl"] {
            let address = row.text(name);
            if !address.is_empty() && !is_callable(address) {
                complaints.push(format!("The {name} must be a valid URL that begins with https."));
            }
        }
        let mail = row.text("notificationEmailAddress");
        if row.flag("sendThresholdExceededNotification") && !mail.contains('@') {
            complaints
                .push("Value does not exist for the required field notificationEmailAddress".to_owned());
        }
        if before.is_none() {
            if self.store.rows(Entity::TicketWebhooks).count() >= self.options.most_webhooks {
                let most = self.options.most_webhooks;
                complaints.push(format!("The maximum number of webhooks [{most}] has been reached."));
            }
            let guid = uuid::Builder::from_random_bytes(self.ground.chance.bytes()).into_uuid();
            row.insert("webhookGUID".to_owned(), guid.to_string().into());
            row.insert("ownerResourceID".to_owned(), seed::API_USER.into());
        }
        if complaints.is_empty() { Ok(()) } else { Err(complaints) }
    }

    /// A field or a person is named once per webhook.
    pub(super) fn webhook_part_rules(&self, entity: Entity, before: Option<&Row>, row: &Row) -> Complaints {
        let what = if entity == Entity::TicketWebhookFields { "fieldID" } else { "resourceID" };
        let own = before.and_then(|row| row.int("id"));
        let is_named_already = self.store.rows(entity).any(|(id, other)| {
            Some(id) != own
                && other.int("webhookID") == row.int("webhookID")
                && other.int(what) == row.int(what)
        });
        if is_named_already {
            return Err(vec![format!("The {what} exists for this webhook already.")]);
        }
        Ok(())
    }

    /// A new webhook is not ready at once; one that is switched on again has a clean slate.
    pub(super) fn webhook_written(&mut self, id: i64, before: Option<&Row>) {
        let ready_at = self.ground.clock.now().plus_millis(self.options.webhook_ready_ms);
        let hook = self.hooks.entry(id).or_insert(Hook { ready_at, failures: 0, sequence: 0 });
        let is_active = self.store.get(Entity::TicketWebhooks, id).is_some_and(|row| row.flag("isActive"));
        if is_active && before.is_some_and(|row| !row.flag("isActive")) {
            hook.failures = 0;
        }
    }

    /// What hangs on a webhook goes with it; letters on their way are not sent.
    pub(super) fn forget_webhook(&mut self, id: i64) {
        self.hooks.remove(&id);
        for entity in [Entity::TicketWebhookFields, Entity::TicketWebhookExcludedResources] {
            let parts = self.store.rows(entity).filter(|(_, row)| row.int("webhookID") == Some(id));
            let parts: Vec<i64> = parts.map(|(part, _)| part).collect();
            for part in parts {
                self.store.delete(entity, part);
            }
        }
    }
}

/// The vendor calls nothing but https; this machine's own receivers may do without.
fn is_callable(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| {
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        url.scheme() == "https" || (url.scheme() == "http" && is_here)
    })
}
