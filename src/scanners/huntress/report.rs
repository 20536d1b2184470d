//! One record of Huntress, as an event for one organization.

use crate::{
    decisions::event::{Asset, CloseReason, Event, Reading, Unreadable},
    scanners::reading::{key, place::Place, start},
};

/// How many sorts of indicators become counts.
const MAX_INDICATORS: usize = 20;

/// What an event does to its record.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    Open,
    Update,
    Fixed,
    Dismissed,
    Reopened,
    /// Something was added to a record that is closed already.
    Late,
}

/// A record and what is said of it.
pub(super) struct Report<'a> {
    pub(super) happened: &'a str,
    pub(super) sort: &'a str,
    pub(super) kind: &'static str,
    pub(super) category: &'static str,
    pub(super) stage: Option<Stage>,
    pub(super) record: &'a Place<'a>,
}

impl Report<'_> {
    /// The event for one of the record's organizations.
    pub(super) fn of(&self, organization: &Place<'_>) -> Reading {
        self.event(organization).map_or_else(Reading::from, Reading::from)
    }

    fn event(&self, organization: &Place<'_>) -> Result<Event, Unreadable> {
        let record = self.record;
        let id = record.at("id").key().map_err(|refused| Unreadable {
            problem: format!(
                "{}; without an id no ticket can be kept for it: look it up in the Huntress portal",
                refused.problem
            ),
            kind: Some(self.happened.to_owned()),
            ..refused
        })?;
        let subject = record.at("subject").line().or_else(|| record.at("title").line());
        let (host, title) = subject.as_deref().map_or((None, None), |subject| {
            let (host, title) = parted(subject);
            (host, Some(title))
        });
        let title = title.unwrap_or_else(|| self.sort.replace('_', " "));
        let mut event = start::event(self.kind, "huntress", key::joined(&[self.sort, &id]), title)?;
        self.category.clone_into(&mut event.category);
        if matches!(self.stage, Some(Stage::Dismissed)) && event.close_reason.is_some() {
            event.close_reason = Some(CloseReason::Dismissed);
        }
        event.client_ref = self.customer(organization);
        (event.severity, event.severity_raw) = record.at("severity").severity();
        event.occurred_at = self.occurred();
        let updated = record.at("updated_at");
        event.sequence = updated.time().and_then(|_| updated.line());
        event.asset = self.asset(host);
        event.evidence_url = ["portal_url", "html_url", "url"].iter().find_map(|name| record.at(name).line());
        event.body_md = self.words();
        self.dress(&mut event, organization);
        Ok(event)
    }

    /// The organization's name; else its id; else, where none is concerned, the account.
    fn customer(&self, organization: &Place<'_>) -> Option<String> {
        let named = |place: &Place<'_>| place.at("name").key().or_else(|_| place.at("id").key()).ok();
        named(organization)
            .or_else(|| self.record.at("organization_id").key().ok())
            .or_else(|| named(&self.record.at("account")))
    }

    fn occurred(&self) -> Option<entity::Timestamp> {
        let names: &[&str] = match self.stage {
            Some(Stage::Open) | None => &["sent_at", "created_at"],
            Some(Stage::Fixed | Stage::Dismissed) => {
                &["closed_at", "resolved_at", "status_updated_at", "updated_at"]
            }
            Some(_) => &["updated_at"],
        };
        names.iter().find_map(|name| self.record.at(name).time())
    }

    fn asset(&self, host: Option<String>) -> Option<Asset> {
        let uid = self.record.at("agent_id").key().ok();
        if uid.is_none() && host.is_none() {
            return None;
        }
        let os = self.record.at("platform").line();
        Some(Asset { uid, name: host, kind: Some("host".to_owned()), os, ..Asset::default() })
    }

    fn words(&self) -> String {
        let record = self.record;
        match self.stage {
            Some(Stage::Fixed | Stage::Dismissed) => {
                let status = record.at("status").line().map(|status| format!("Status in Huntress: {status}"));
                start::paragraphs([status])
            }
            Some(Stage::Update | Stage::Late) => {
                let comment = record.at("comment");
                let text = comment.lines().or_else(|| comment.at("body").lines());
                let overdue = self.happened.ends_with(".overdue");
                let overdue = overdue.then(|| "Huntress still waits for an answer.".to_owned());
                start::paragraphs([overdue, text])
            }
            _ => {
                let text = ["summary", "body", "message", "description"];
                start::paragraphs([text.iter().find_map(|name| record.at(name).lines())])
            }
        }
    }

    fn dress(&self, event: &mut Event, organization: &Place<'_>) {
        let record = self.record;
        start::label(event, "event", Some(self.happened.to_owned()));
        for name in ["status", "platform", "type"] {
            start::label(event, name, start::word(&record.at(name)));
        }
        start::label(event, "organization", organization.at("name").line());
        let counts = record.at("indicator_counts").entries();
        let counts = counts.into_iter().take(MAX_INDICATORS).filter_map(|(name, count)| {
            let count = count.value().and_then(serde_json::Value::as_u64).filter(|count| *count > 0)?;
            Some((start::short(name), count))
        });
        event.counts.extend(counts);
        let sorts: Vec<&str> = event.counts.keys().map(String::as_str).collect();
        let sorts = Some(sorts.join(", ")).filter(|sorts| !sorts.is_empty());
        start::label(event, "indicators", sorts);
    }
}

/// The host that a subject names, and the subject without its severity: "CRITICAL - Incident on HOST (ORGANIZATION)"
/// (support article "Parsing Huntress Incident Alerts").
fn parted(subject: &str) -> (Option<String>, String) {
    let rest = ["CRITICAL - ", "HIGH - ", "LOW - "].iter().find_map(|word| subject.strip_prefix(word));
    let rest = rest.unwrap_or(subject);
    let host = rest.strip_prefix("Incident on ").and_then(|named| {
        let (host, organization) = named.split_once(" (")?;
        organization.ends_with(')').then(|| host.trim().to_owned()).filter(|host| !host.is_empty())
    });
    (host, rest.to_owned())
}
