//! The event catalogue: every kind of event, its category and what it does to a finding.

use serde::{Deserialize, Serialize};

/// What an event does to the finding it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The problem is there.
    Open,
    /// More is known of a problem that is there.
    Update,
    /// The problem is gone, or somebody decided that it does not matter.
    Close,
    /// The problem is there again, said expressly (overrides a dismissal).
    Reopen,
    /// Says nothing of a finding; kept for the record.
    Ignore,
}

/// One kind of event.
#[derive(Debug, PartialEq, Eq)]
pub struct EventKind {
    /// Dotted name, e.g. `finding.opened`.
    pub name: &'static str,
    /// What it is about, e.g. `vulnerability`; the default where an event names no category itself.
    pub category: &'static str,
    /// What it does to its finding.
    pub action: Action,
    /// What the kinds of one problem have in common (`asset.offline` and `asset.online` are one problem).
    pub family: &'static str,
    /// One sentence for people.
    pub description: &'static str,
}

const fn kind(
    name: &'static str,
    category: &'static str,
    action: Action,
    family: &'static str,
    description: &'static str,
) -> EventKind {
    EventKind { name, category, action, family, description }
}

/// Every kind there is, sorted by name.
pub static KINDS: &[EventKind] = &[
    kind("agent.not_reporting", "agent", Action::Open, "agent.reporting", "An agent has stopped reporting."),
    kind("agent.reporting", "agent", Action::Close, "agent.reporting", "An agent reports again."),
    kind("asset.offline", "asset", Action::Open, "asset.online", "An asset is offline."),
    kind("asset.online", "asset", Action::Close, "asset.online", "An asset is online again."),
    kind(
        "finding.dismissed",
        "vulnerability",
        Action::Close,
        "finding",
        "Somebody decided that a finding does not matter.",
    ),
    kind(
        "finding.opened",
        "vulnerability",
        Action::Open,
        "finding",
        "A problem was found, or is still there.",
    ),
    kind(
        "finding.reopened",
        "vulnerability",
        Action::Reopen,
        "finding",
        "A problem that was closed is there again.",
    ),
    kind("finding.resolved", "vulnerability", Action::Close, "finding", "A problem is gone."),
    kind("finding.updated", "vulnerability", Action::Update, "finding", "More is known of a problem."),
    kind("identity.user_locked_out", "identity", Action::Open, "identity.lockout", "A user was locked out."),
    kind("identity.user_unlocked", "identity", Action::Close, "identity.lockout", "A user was unlocked."),
    kind("scan.failed", "scan", Action::Ignore, "scan", "A scan failed."),
    kind("scan.finished", "scan", Action::Ignore, "scan", "A scan finished."),
    kind("scan.started", "scan", Action::Ignore, "scan", "A scan started."),
];

/// Everything an event can be about.
pub static CATEGORIES: &[&str] = &[
    "agent",
    "asset",
    "certificate",
    "compliance",
    "detection",
    "identity",
    "misconfiguration",
    "network_port",
    "scan",
    "secret",
    "system",
    "vulnerability",
];

/// The kind of that name.
pub fn find(name: &str) -> Option<&'static EventKind> {
    KINDS.iter().find(|kind| kind.name == name)
}
