//! What a sample would give at an endpoint.

use async_graphql::{Object, SimpleObject};

use super::{Asset, EventAction, Severity};
use crate::{
    decisions::{
        self,
        event::{Event, Reading, Unreadable},
    },
    findings::record::close_reason_word,
    graphql::scalars::{DateTime, Url},
};

/// How many entries are shown.
const SHOWN: usize = 200;

/// What a sample gives: exactly what a delivery with this body and these headers would, before anything is decided.
#[derive(SimpleObject)]
pub struct WebhookReading {
    /// What is wrong with the settings, and what to do; then nothing is read. Null where they hold.
    pub settings_problem: Option<String>,
    /// What was read, in the order of the sample; 200 at the most.
    pub entries: Vec<WebhookReadingEntry>,
    /// How many entries there are in all.
    pub entry_count: i32,
    /// How many of them could be read as events.
    pub event_count: i32,
}

impl WebhookReading {
    /// Nothing was read, because the settings do not hold.
    pub fn refused(problem: String) -> Self {
        Self { settings_problem: Some(problem), entries: Vec::new(), entry_count: 0, event_count: 0 }
    }
}

impl From<Vec<Reading>> for WebhookReading {
    fn from(readings: Vec<Reading>) -> Self {
        let int = |count| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            settings_problem: None,
            entry_count: int(readings.len()),
            event_count: int(readings.iter().filter(|reading| reading.event.is_ok()).count()),
            entries: readings.into_iter().take(SHOWN).map(Into::into).collect(),
        }
    }
}

/// What was read at one place of a sample.
#[derive(SimpleObject)]
pub struct WebhookReadingEntry {
    /// The event; null where none could be read.
    pub event: Option<WebhookReadingEvent>,
    /// Why none could be read; null where one was.
    pub problem: Option<WebhookReadingProblem>,
    /// What is worth knowing, e.g. fields that were not understood.
    pub remarks: Vec<String>,
}

impl From<Reading> for WebhookReadingEntry {
    fn from(reading: Reading) -> Self {
        let (event, problem) = match reading.event {
            Ok(event) => (Some(WebhookReadingEvent(event)), None),
            Err(unreadable) => (None, Some(WebhookReadingProblem(unreadable))),
        };
        Self { event, problem, remarks: reading.remarks }
    }
}

/// An event as it would be read.
pub struct WebhookReadingEvent(Event);

/// An event as it would be read.
#[Object]
impl WebhookReadingEvent {
    /// Dotted name from the catalogue, e.g. `finding.opened`.
    async fn kind(&self) -> &str {
        self.0.kind.name
    }

    /// What it does to the finding that it speaks of.
    async fn action(&self) -> EventAction {
        self.0.kind.action.into()
    }

    /// Which product says it: company aliases belong to a source.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// The sender's own name or id for the customer; null where it names none.
    async fn client_ref(&self) -> Option<&str> {
        self.0.client_ref.as_deref()
    }

    /// Identity of the problem: what opens and what closes must give the same.
    async fn finding_key(&self) -> &str {
        &self.0.finding_key
    }

    /// The scan or snapshot it belongs to.
    async fn scope_key(&self) -> Option<&str> {
        self.0.scope_key.as_deref()
    }

    /// What it is about, e.g. `vulnerability`.
    async fn category(&self) -> &str {
        &self.0.category
    }

    /// How bad it is.
    async fn severity(&self) -> Severity {
        self.0.severity.into()
    }

    /// One line for people.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// More for people: Markdown as the sender wrote it. Clean it before you show it as HTML.
    async fn body(&self) -> &str {
        &self.0.body_md
    }

    /// When it was so, as the sender says; null where it does not.
    async fn occurred_at(&self) -> Option<DateTime> {
        self.0.occurred_at.map(DateTime)
    }

    /// Why the problem is over, e.g. `fixed`, `accepted_risk`; null where it is not.
    async fn close_reason(&self) -> Option<String> {
        self.0.close_reason.map(close_reason_word)
    }

    /// Where it is.
    async fn asset(&self) -> Option<Asset> {
        let decisions::event::Asset { uid, name, kind, ip, fqdn, os, url, serial_number } =
            self.0.asset.clone()?;
        Some(Asset { uid, name, kind, ip, fqdn, os, url, serial_number })
    }

    /// Where to see more, as the sender says.
    async fn evidence_url(&self) -> Option<Url> {
        self.0.evidence_url.clone().map(Url)
    }
}

/// Why no event could be read.
pub struct WebhookReadingProblem(Unreadable);

/// Why no event could be read.
#[Object]
impl WebhookReadingProblem {
    /// Stable, for programs: `unknown_kind`, `invalid_json`, `invalid_field` or `missing_field`. New ones may be added.
    async fn code(&self) -> &str {
        self.0.code
    }

    /// Where, as a JSON Pointer (RFC 6901) into the body; empty for the whole.
    async fn pointer(&self) -> &str {
        &self.0.pointer
    }

    /// For people: what is wrong and what to do.
    async fn message(&self) -> &str {
        &self.0.problem
    }

    /// The kind as sent, where there was one.
    async fn kind(&self) -> Option<&str> {
        self.0.kind.as_deref()
    }
}
