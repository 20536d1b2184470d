//! What webhooks tell of tickets.

use std::{borrow::Cow, fmt};

use entity::Timestamp;
use serde_json::Value;

use super::{
    dates,
    deliver::net_escaped,
    model::{Entity, Reads, Row},
    picks,
    world::AutotaskWorld,
};
use crate::sandbox::frame::{Letter, Right};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Update,
    Delete,
}

impl Action {
    /// The field of a webhook that subscribes to it.
    const fn subscription(self) -> &'static str {
        match self {
            Self::Create => "isSubscribedToCreateEvents",
            Self::Update => "isSubscribedToUpdateEvents",
            Self::Delete => "isSubscribedToDeleteEvents",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What is known of a webhook besides its record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hook {
    pub(super) ready_at: Timestamp,
    /// Callouts in a row that failed.
    pub(super) failures: u32,
    /// Of the last event.
    pub(super) sequence: i64,
}

/// One field that a webhook names.
struct Named {
    label: &'static str,
    is_subscribed: bool,
    is_always_told: bool,
}

impl AutotaskWorld {
    /// A record as the API shows it: whether a webhook is ready depends on the time, and its secret is written,
    /// never read (the stricter reading: whether it is shown is not known).
    pub(super) fn shown<'a>(&self, entity: Entity, row: &'a Row) -> Cow<'a, Row> {
        if entity != Entity::TicketWebhooks {
            return Cow::Borrowed(row);
        }
        let mut shown = row.clone();
        let is_ready = row.int("id").is_some_and(|id| self.is_ready(id, row));
        shown.insert("isReady".to_owned(), is_ready.into());
        shown.insert("secretKey".to_owned(), Value::Null);
        Cow::Owned(shown)
    }

    /// Some time after its creation, and not without a subscribed field where it is to tell of creations or
    /// updates.
    fn is_ready(&self, id: i64, row: &Row) -> bool {
        let is_due = self.hooks.get(&id).is_some_and(|hook| hook.ready_at <= self.ground.clock.now());
        let needs_field =
            [Action::Create, Action::Update].iter().any(|action| row.flag(action.subscription()));
        is_due && (!needs_field || self.named(id).iter().any(|named| named.is_subscribed))
    }

    fn named(&self, webhook: i64) -> Vec<Named> {
        let rows = self.store.rows(Entity::TicketWebhookFields);
        let mut named: Vec<_> = rows
            .filter(|(_, row)| row.int("webhookID") == Some(webhook))
            .filter_map(|(_, row)| {
                let field = row.int("fieldID")?;
                let pick = picks::TICKET_WEBHOOK_FIELD.iter().find(|pick| pick.value == field)?;
                Some((
                    pick.value,
                    Named {
                        label: pick.label,
                        is_subscribed: row.flag("isSubscribedField"),
                        is_always_told: row.flag("isDisplayAlwaysField"),
                    },
                ))
            })
            .collect();
        named.sort_by_key(|(field, _)| *field);
        named.into_iter().map(|(_, named)| named).collect()
    }

    /// Calls the webhooks that want to know. Nothing fires where the login cannot read tickets.
    pub(super) fn tell(&mut self, action: Action, ticket: i64, before: Option<&Row>, person: i64) {
        let Some(row) = self.store.get(Entity::Tickets, ticket) else { return };
        if self.access.denied.contains(&Right::ReadTickets) {
            return;
        }
        let wants = |row: &Row| row.flag(action.subscription());
        let all: Vec<(i64, &Row)> = self.store.rows(Entity::TicketWebhooks).collect();
        let mut letters = Vec::new();
        for (id, webhook) in all.iter().filter(|(_, webhook)| webhook.flag("isActive") && wants(webhook)) {
            let url = webhook.text("webhookUrl");
            // Of those that are alike only the oldest counts, be it active or not.
            let has_older_twin = all.iter().any(|(other, row)| {
                other < id && wants(row) && row.text("webhookUrl").eq_ignore_ascii_case(url)
            });
            let is_excluded = self
                .store
                .rows(Entity::TicketWebhookExcludedResources)
                .any(|(_, row)| row.int("webhookID") == Some(*id) && row.int("resourceID") == Some(person));
            if has_older_twin || is_excluded || !self.is_ready(*id, webhook) {
                continue;
            }
            if let Some(fields) = self.told_fields(*id, action, before, row) {
                letters.push((*id, url.to_owned(), webhook.text("webhookGUID").to_owned(), fields));
            }
        }
        let now = self.ground.clock.now();
        for (id, url, guid, fields) in letters {
            let Some(hook) = self.hooks.get_mut(&id) else { continue };
            hook.sequence += 1;
            let time = dates::zoneless(Timestamp::from_secs(now.as_secs()));
            let zone = if self.options.event_time_with_zone { "Z" } else { "" };
            let person_key = if self.options.person_id_in_capitals { "PersonID" } else { "PersonId" };
            let text = format!(
                r#"{{"Action":"{action}","Guid":"{guid}","EntityType":"Ticket","Id":{ticket},{fields}"EventTime":"{time}{zone}","SequenceNumber":{},"{person_key}":{person}}}"#,
                hook.sequence
            );
            let body = if self.options.plain_payload { text } else { net_escaped(&text) };
            self.post.put(Letter {
                subscription: format!("{id}/{action}"),
                url,
                headers: vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())],
                body: body.into_bytes(),
                due: now,
                tries: 0,
            });
        }
    }

    /// The member `Fields` with its comma; none where nothing happened that was subscribed to. Deletions have
    /// no such member.
    fn told_fields(&self, webhook: i64, action: Action, before: Option<&Row>, row: &Row) -> Option<String> {
        if action == Action::Delete {
            return Some(String::new());
        }
        let named = self.named(webhook);
        let value = |row: &Row, label: &str| {
            row.iter().find(|(name, _)| name.eq_ignore_ascii_case(label)).map(|(_, value)| value.clone())
        };
        let has_changed = |named: &Named| {
            let now = value(row, named.label);
            match before {
                Some(before) => now != value(before, named.label),
                None => now.is_some_and(|value| !value.is_null()),
            }
        };
        if !named.iter().any(|named| named.is_subscribed && has_changed(named)) {
            return None;
        }
        let told =
            named.iter().filter(|named| named.is_always_told || (named.is_subscribed && has_changed(named)));
        let members: Vec<String> = told
            .map(|named| {
                let text = match value(row, named.label) {
                    None | Some(Value::Null) => Value::Null,
                    Some(Value::String(text)) => Value::String(text),
                    // Numbers of picklists are texts here.
                    Some(other) => Value::String(other.to_string()),
                };
                format!(r#""{}":{text}"#, named.label)
            })
            .collect();
        Some(format!(r#""Fields":{{{}}},"#, members.join(",")))
    }
}
