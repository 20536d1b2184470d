//! Numbers for Prometheus, in the OpenMetrics text format.
//!
//! Labels have few values that are known beforehand. No label names an organization, a connection or an
//! endpoint: their number has no bound, and a customer's name has no place in a monitoring system.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use entity::{event::Outcome, notification::NotificationKind, ticket_operation};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use sea_orm::ActiveEnum as _;

/// The media type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What became of a webhook at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Received {
    /// Stored.
    Accepted,
    /// Stored before.
    Repeated,
    /// A sender asked something before it sends, and was answered.
    Greeted,
    /// Its authentication failed.
    Unauthorized,
    /// It came from an address that its endpoint does not take webhooks from.
    AddressRefused,
    /// Too many of its endpoint, or too many failures of its address.
    Throttled,
    /// There is no such endpoint.
    UnknownEndpoint,
    /// Its body was too long.
    TooLarge,
    /// Its body was compressed.
    Unsupported,
    /// Its body did not arrive in time, or was cut off.
    Timeout,
    /// Too many were waiting to be stored.
    Busy,
    /// The database was away.
    Unavailable,
}

impl Received {
    /// Its stable name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Repeated => "repeated",
            Self::Greeted => "greeted",
            Self::Unauthorized => "unauthorized",
            Self::AddressRefused => "address_refused",
            Self::Throttled => "throttled",
            Self::UnknownEndpoint => "unknown_endpoint",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}

impl EncodeLabelValue for Received {
    fn encode(&self, encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&self.key(), encoder)
    }
}

/// What is kept for a while only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trimmed {
    /// Headers and bodies of deliveries.
    DeliveryBodies,
    /// Deliveries of which no event is left.
    Deliveries,
    /// Events.
    Events,
    /// Attempts at a PSA.
    Attempts,
    /// Readings of companies or pick lists.
    SyncRuns,
    /// Policies as they stood.
    PolicySnapshots,
    /// Keys under which a mutation was asked for.
    IdempotencyKeys,
    /// What subscribers were told.
    Notifications,
}

impl Trimmed {
    /// Its stable name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::DeliveryBodies => "delivery_bodies",
            Self::Deliveries => "deliveries",
            Self::Events => "events",
            Self::Attempts => "attempts",
            Self::SyncRuns => "sync_runs",
            Self::PolicySnapshots => "policy_snapshots",
            Self::IdempotencyKeys => "idempotency_keys",
            Self::Notifications => "notifications",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    result: Received,
    sender: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    kind: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotificationLabels {
    kind: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    platform: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GraphqlLabels {
    operation: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FieldLabels {
    field: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    door: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkLabels {
    work: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TrimmedLabels {
    what: &'static str,
}

/// What is measured when somebody looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Statements sent to the database so far.
    pub database_statements: u64,
    /// How long the oldest due delivery has waited, in seconds; 0 where none is due.
    pub oldest_delivery_secs: i64,
    /// How long the oldest due work at a PSA has waited, in seconds; 0 where none is due.
    pub oldest_operation_secs: i64,
}

/// Every number. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inside>);

struct Inside {
    registry: Registry,
    webhooks: Family<WebhookLabels, Counter>,
    accept: Histogram,
    events: Family<OutcomeLabels, Counter>,
    operations: Family<OperationLabels, Counter>,
    notifications: Family<NotificationLabels, Counter>,
    calls: Family<CallLabels, Counter>,
    pauses: Family<ReasonLabels, Counter>,
    graphql: Family<GraphqlLabels, Counter>,
    deprecated: Family<FieldLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    trimmed: Family<TrimmedLabels, Counter>,
    statements: Counter<u64, AtomicU64>,
    oldest: Family<WorkLabels, Gauge>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("psa_gateway");
        let webhooks = Family::default();
        registry.register("webhooks", "Webhooks by what became of them at the door", webhooks.clone());
        // Half a second is where senders begin to give up; a fsync of a disk is a few milliseconds.
        let accept = Histogram::new([0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5]);
        registry.register_with_unit(
            "webhook_accept_duration",
            "From a webhook's arrival until it is on disk",
            Unit::Seconds,
            accept.clone(),
        );
        let events = Family::default();
        registry.register("events", "Events by what became of them", events.clone());
        let operations = Family::default();
        registry.register("ticket_operations", "Attempts at a PSA by kind and result", operations.clone());
        let notifications = Family::default();
        registry.register(
            "notifications",
            "Attempts to tell a subscriber by kind and result",
            notifications.clone(),
        );
        let calls = Family::default();
        registry.register("psa_calls", "HTTP calls to PSAs by the answer's class", calls.clone());
        let pauses = Family::default();
        registry.register("lane_pauses", "Times a PSA connection was paused, by reason", pauses.clone());
        let graphql = Family::default();
        registry.register("graphql_operations", "GraphQL operations by result", graphql.clone());
        let deprecated = Family::default();
        registry.register(
            "graphql_deprecated_used",
            "GraphQL operations that use what is deprecated, by its name in the schema",
            deprecated.clone(),
        );
        let refusals = Family::default();
        registry.register("refusals", "Requests that were not let in, by door and reason", refusals.clone());
        let trimmed = Family::default();
        registry.register("trimmed", "What was removed because it was kept long enough", trimmed.clone());
        let statements = Counter::default();
        registry.register("database_statements", "Statements sent to the database", statements.clone());
        let oldest = Family::default();
        registry.register_with_unit(
            "oldest_due_work",
            "How long the oldest work that is due has waited",
            Unit::Seconds,
            oldest.clone(),
        );
        let inside = Inside {
            registry,
            webhooks,
            accept,
            events,
            operations,
            notifications,
            calls,
            pauses,
            graphql,
            deprecated,
            refusals,
            trimmed,
            statements,
            oldest,
        };
        Self(Arc::new(inside))
    }

    /// A webhook came, from a sender of that kind (`unknown` where that is not known).
    pub fn webhook(&self, result: Received, sender: &str) {
        self.0.webhooks.get_or_create(&WebhookLabels { result, sender: sender.to_owned() }).inc();
    }

    /// How long a webhook took until it was stored, in milliseconds.
    pub fn accept_latency(&self, millis: i64) {
        self.0.accept.observe(f64::from(i32::try_from(millis.max(0)).unwrap_or(i32::MAX)) / 1_000.0);
    }

    /// An event was decided.
    pub fn event(&self, outcome: Outcome) {
        self.0.events.get_or_create(&OutcomeLabels { outcome: outcome.to_value() }).inc();
    }

    /// An operation was tried: with the stable name of the error, or with success.
    pub fn operation(&self, operation: &ticket_operation::Model, error: Option<&'static str>) {
        let labels = OperationLabels { kind: operation.kind.to_value(), result: error.unwrap_or("done") };
        self.0.operations.get_or_create(&labels).inc();
    }

    /// A subscriber was told something: with the stable name of what went wrong, or `done`.
    pub fn notification(&self, kind: NotificationKind, result: &'static str) {
        self.0.notifications.get_or_create(&NotificationLabels { kind: kind.to_value(), result }).inc();
    }

    /// A PSA was called: the answer's status, none where there was no answer.
    pub fn psa_call(&self, platform: &'static str, status: Option<u16>) {
        let status = match status.map(|status| status / 100) {
            Some(1) => "1xx",
            Some(2) => "2xx",
            Some(3) => "3xx",
            Some(4) => "4xx",
            Some(5) => "5xx",
            Some(_) => "other",
            None => "none",
        };
        self.0.calls.get_or_create(&CallLabels { platform, status }).inc();
    }

    /// A connection was paused, because of an error of that stable name.
    pub fn lane_paused(&self, reason: &'static str) {
        self.0.pauses.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// A GraphQL operation (`query`, `mutation`, `subscription`) ended: `ok`, or an error's stable code.
    pub fn graphql(&self, operation: &'static str, result: &'static str) {
        self.0.graphql.get_or_create(&GraphqlLabels { operation, result }).inc();
    }

    /// A GraphQL operation used something deprecated: its name in the schema, e.g. `Ticket.number`.
    pub fn deprecated(&self, field: String) {
        self.0.deprecated.get_or_create(&FieldLabels { field }).inc();
    }

    /// Somebody was not let in at a door (`graphql`), for a reason (`unauthenticated`, `throttled`).
    pub fn refused(&self, door: &'static str, reason: &'static str) {
        self.0.refusals.get_or_create(&RefusalLabels { door, reason }).inc();
    }

    /// So much was removed because it was kept long enough.
    pub fn trimmed(&self, what: Trimmed, count: u64) {
        if count > 0 {
            self.0.trimmed.get_or_create(&TrimmedLabels { what: what.key() }).inc_by(count);
        }
    }

    /// Everything, for Prometheus.
    pub fn encode(&self, observed: Observed) -> String {
        self.0.statements.inner().store(observed.database_statements, Ordering::Relaxed);
        let oldest = |work, secs: i64| {
            self.0.oldest.get_or_create(&WorkLabels { work }).set(secs);
        };
        oldest("deliveries", observed.oldest_delivery_secs);
        oldest("operations", observed.oldest_operation_secs);
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_help_type_and_value_of_everything() {
        let metrics = Metrics::new();
        metrics.webhook(Received::Accepted, "events");
        metrics.clone().webhook(Received::Accepted, "events");
        metrics.webhook(Received::TooLarge, "unknown");
        metrics.accept_latency(7);
        metrics.event(Outcome::Opened);
        metrics.notification(NotificationKind::TicketOpened, "done");
        metrics.psa_call("halo", Some(429));
        metrics.psa_call("halo", None);
        metrics.lane_paused("rate_limited");
        metrics.graphql("query", "ok");
        metrics.trimmed(Trimmed::Attempts, 500);
        metrics.trimmed(Trimmed::Events, 0);
        let observed =
            Observed { database_statements: 42, oldest_delivery_secs: 3, oldest_operation_secs: 0 };
        let text = metrics.encode(observed);
        for line in [
            "# HELP psa_gateway_webhooks Webhooks by what became of them at the door.",
            "# TYPE psa_gateway_webhooks counter",
            "psa_gateway_webhooks_total{result=\"accepted\",sender=\"events\"} 2",
            "psa_gateway_webhooks_total{result=\"too_large\",sender=\"unknown\"} 1",
            "# TYPE psa_gateway_webhook_accept_duration_seconds histogram",
            "psa_gateway_webhook_accept_duration_seconds_bucket{le=\"0.01\"} 1",
            "psa_gateway_events_total{outcome=\"opened\"} 1",
            "psa_gateway_notifications_total{kind=\"ticket.opened\",result=\"done\"} 1",
            "psa_gateway_psa_calls_total{platform=\"halo\",status=\"4xx\"} 1",
            "psa_gateway_psa_calls_total{platform=\"halo\",status=\"none\"} 1",
            "psa_gateway_lane_pauses_total{reason=\"rate_limited\"} 1",
            "psa_gateway_graphql_operations_total{operation=\"query\",result=\"ok\"} 1",
            "psa_gateway_trimmed_total{what=\"attempts\"} 500",
            "psa_gateway_database_statements_total 42",
            "# TYPE psa_gateway_oldest_due_work_seconds gauge",
            "psa_gateway_oldest_due_work_seconds{work=\"deliveries\"} 3",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }
}
