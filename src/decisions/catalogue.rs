//! The event catalogue: every kind of event, its category and what it does to a finding.

use serde::{Deserialize, Serialize};

use super::event::Event;
use entity::Severity;

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
    /// Names everything that a scope still has: findings of it that are not named are gone.
    Sweep,
    /// Says nothing of a finding; kept for the record.
    Ignore,
}

/// What an event can be about.
#[derive(Debug, PartialEq, Eq)]
pub struct Category {
    /// Its stable name, e.g. `vulnerability`.
    pub key: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// One sentence for people.
    pub description: &'static str,
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

impl EventKind {
    /// The kind that ends what this one begins, where the problem has a natural end.
    pub fn counterpart(&self) -> Option<&'static Self> {
        let begins = matches!(self.action, Open | Reopen);
        KINDS.iter().find(|kind| {
            begins && kind.family == self.family && kind.action == Close && kind.name != "finding.dismissed"
        })
    }

    /// Whether it is told by every category: `finding.opened` may speak of a secret as well as of a port.
    pub fn is_general(&self) -> bool {
        self.family == "finding" && self.name.starts_with("finding.")
    }
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

use Action::{Close, Ignore, Open, Reopen, Sweep, Update};

/// Every kind there is, sorted by name. Those without a counterpart tell of something that has no natural end:
/// a technician closes their tickets, or a rule by age does.
pub static KINDS: &[EventKind] = &[
    kind(
        "ad_audit.group_changed",
        "ad_audit",
        Open,
        "ad_audit.group",
        "Members of a privileged group of Active Directory changed.",
    ),
    kind(
        "ad_audit.policy_changed",
        "ad_audit",
        Open,
        "ad_audit.policy",
        "A policy of Active Directory changed.",
    ),
    kind(
        "ad_audit.stale_account",
        "ad_audit",
        Open,
        "ad_audit.stale",
        "An account of Active Directory is no longer used.",
    ),
    kind(
        "ad_audit.user_created",
        "ad_audit",
        Open,
        "ad_audit.created",
        "A user was made in Active Directory.",
    ),
    kind(
        "ad_audit.user_deleted",
        "ad_audit",
        Open,
        "ad_audit.deleted",
        "A user was deleted from Active Directory.",
    ),
    kind("agent.installed", "agent", Ignore, "agent.installed", "An agent was installed."),
    kind("agent.not_reporting", "agent", Open, "agent.reporting", "An agent has stopped reporting."),
    kind("agent.outdated", "agent", Open, "agent.version", "An agent runs an old version."),
    kind("agent.removed", "agent", Open, "agent.installed", "An agent was removed."),
    kind("agent.reporting", "agent", Close, "agent.reporting", "An agent reports again."),
    kind("agent.updated", "agent", Close, "agent.version", "An agent runs the current version again."),
    kind("asset.found", "asset", Open, "asset.found", "An asset was seen for the first time."),
    kind("asset.offline", "asset", Open, "asset.online", "An asset is offline."),
    kind("asset.online", "asset", Close, "asset.online", "An asset is online again."),
    kind("asset.removed", "asset", Ignore, "asset.removed", "An asset is gone for good."),
    kind("certificate.expired", "certificate", Open, "certificate", "A certificate has run out."),
    kind("certificate.expiring", "certificate", Open, "certificate", "A certificate runs out soon."),
    kind("certificate.renewed", "certificate", Close, "certificate", "A certificate was renewed."),
    kind("company.added", "company", Ignore, "company.added", "The sender knows a new company."),
    kind("company.removed", "company", Ignore, "company.removed", "The sender no longer knows a company."),
    kind(
        "compliance.failed",
        "compliance",
        Open,
        "compliance",
        "A rule of a compliance standard is not met.",
    ),
    kind(
        "compliance.passed",
        "compliance",
        Close,
        "compliance",
        "A rule of a compliance standard is met again.",
    ),
    kind("detection.closed", "detection", Close, "detection", "A detection is over, or somebody closed it."),
    kind("detection.opened", "detection", Open, "detection", "Something suspicious was detected."),
    kind("entra_id.error", "entra_id", Open, "entra_id.error", "Reading Entra ID failed."),
    kind("entra_id.error_cleared", "entra_id", Close, "entra_id.error", "Reading Entra ID works again."),
    kind(
        "entra_id.mfa_disabled",
        "entra_id",
        Open,
        "entra_id.mfa",
        "A user of Entra ID signs in without a second factor.",
    ),
    kind(
        "entra_id.mfa_enabled",
        "entra_id",
        Close,
        "entra_id.mfa",
        "A user of Entra ID has a second factor again.",
    ),
    kind(
        "entra_id.risky_sign_in",
        "entra_id",
        Open,
        "entra_id.sign_in",
        "Somebody signed in to Entra ID in a risky way.",
    ),
    kind(
        "entra_id.role_granted",
        "entra_id",
        Open,
        "entra_id.role",
        "A user of Entra ID was given an administrator's role.",
    ),
    kind(
        "entra_id.role_revoked",
        "entra_id",
        Close,
        "entra_id.role",
        "An administrator's role was taken back from a user of Entra ID.",
    ),
    kind(
        "finding.dismissed",
        "vulnerability",
        Close,
        "finding",
        "Somebody decided that a finding does not matter.",
    ),
    kind("finding.opened", "vulnerability", Open, "finding", "A problem was found, or is still there."),
    kind("finding.reopened", "vulnerability", Reopen, "finding", "A problem that was closed is there again."),
    kind("finding.resolved", "vulnerability", Close, "finding", "A problem is gone."),
    kind("finding.updated", "vulnerability", Update, "finding", "More is known of a problem."),
    kind(
        "identity.admin_granted",
        "identity",
        Open,
        "identity.admin",
        "A user was given administrator's rights.",
    ),
    kind(
        "identity.admin_revoked",
        "identity",
        Close,
        "identity.admin",
        "Administrator's rights were taken back from a user.",
    ),
    kind(
        "identity.disk_key_decrypted",
        "identity",
        Open,
        "identity.disk_key",
        "The key of an encrypted disk was shown to somebody.",
    ),
    kind(
        "identity.password_changed",
        "identity",
        Close,
        "identity.password",
        "A user whose password had run out has a new one.",
    ),
    kind(
        "identity.password_expired",
        "identity",
        Open,
        "identity.password",
        "A user's password has run out.",
    ),
    kind("identity.user_locked_out", "identity", Open, "identity.lockout", "A user was locked out."),
    kind("identity.user_unlocked", "identity", Close, "identity.lockout", "A user was unlocked."),
    kind("incident.closed", "detection", Close, "incident", "An incident is over."),
    kind("incident.opened", "detection", Open, "incident", "An incident was declared."),
    kind("incident.updated", "detection", Update, "incident", "More is known of an incident."),
    kind("port.closed", "network_port", Close, "port", "A network port is no longer open."),
    kind("port.opened", "network_port", Open, "port", "A network port is open that was not before."),
    kind(
        "remediation.done",
        "remediation",
        Close,
        "remediation",
        "What was to be done to mend a problem is done.",
    ),
    kind(
        "remediation.wanted",
        "remediation",
        Open,
        "remediation",
        "Something is to be done that mends one or more problems.",
    ),
    kind("scan.failed", "scan", Ignore, "scan", "A scan failed."),
    kind("scan.finished", "scan", Ignore, "scan", "A scan finished."),
    kind("scan.job_failed", "scan", Open, "scan.job", "A job keeps failing."),
    kind("scan.job_succeeded", "scan", Close, "scan.job", "A job that failed works again."),
    kind(
        "scan.snapshot",
        "scan",
        Sweep,
        "scan",
        "Everything that a scan still sees; what it no longer names is gone.",
    ),
    kind("scan.started", "scan", Ignore, "scan", "A scan started."),
    kind("secret.leaked", "secret", Open, "secret", "A secret was found where others can read it."),
    kind("secret.revoked", "secret", Close, "secret", "A secret that leaked was made useless."),
    kind("system.changed", "system", Open, "system.changed", "Something about a system changed."),
    kind("system.service_down", "system", Open, "system.service", "A probe, server or service is down."),
    kind("system.service_up", "system", Close, "system.service", "A probe, server or service is up again."),
    kind("system.software_installed", "system", Open, "system.software", "Software was installed."),
    kind("system.software_removed", "system", Close, "system.software", "Software was removed."),
    kind(
        "vulnerability.critical_found",
        "vulnerability",
        Open,
        "finding",
        "A vulnerability of critical severity was found.",
    ),
    kind(
        "vulnerability.kev_found",
        "vulnerability",
        Open,
        "finding",
        "A vulnerability that is known to be exploited was found (CISA's catalogue).",
    ),
    kind(
        "vulnerability.ransomware_found",
        "vulnerability",
        Open,
        "finding",
        "A vulnerability that ransomware is known to use was found.",
    ),
];

const fn category_of(key: &'static str, label: &'static str, description: &'static str) -> Category {
    Category { key, label, description }
}

/// Everything an event can be about.
pub static CATEGORIES: &[Category] = &[
    category_of("ad_audit", "AD Audit", "Changes in Active Directory."),
    category_of("agent", "Agent", "Agents that stop reporting, are outdated or go."),
    category_of("asset", "Asset", "Assets that appear, go offline or go."),
    category_of("certificate", "Certificate", "Certificates that run out."),
    category_of("company", "Company", "Companies that the sender knows."),
    category_of("compliance", "Compliance", "Rules of a standard that are not met."),
    category_of("detection", "Detection and incident", "Something suspicious is going on."),
    category_of(
        "entra_id",
        "Entra ID",
        "Sign-ins, roles and second factors in Microsoft Entra ID, and failures to read it.",
    ),
    category_of(
        "identity",
        "Identity",
        "Users: locked out, password run out, administrator's rights, disk keys shown.",
    ),
    category_of("misconfiguration", "Misconfiguration", "Settings that make a system weaker."),
    category_of("network_port", "Ports", "Open network ports."),
    category_of("remediation", "Remediation", "What is to be done to mend problems."),
    category_of("scan", "Job and scan", "Scans and jobs: begun, finished, failed."),
    category_of("secret", "Secret", "Passwords, keys and tokens that leaked."),
    category_of("system", "System changes", "Software, services and settings that changed."),
    category_of("vulnerability", "Problems", "Vulnerabilities: known exploited, critical, and all others."),
];

/// The kind of that name.
pub fn find(name: &str) -> Option<&'static EventKind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The category of that key.
pub fn category(key: &str) -> Option<&'static Category> {
    CATEGORIES.iter().find(|category| category.key == key)
}

/// Whether an event is of that kind: by its name, or because of what is known of it.
///
/// Scanners say `finding.opened` of everything; a choice of "known exploited only" must hold for them, too.
pub fn is_of_kind(event: &Event, name: &str) -> bool {
    if event.kind.name == name {
        return true;
    }
    let is_found = event.category == "vulnerability"
        && event.kind.family == "finding"
        && matches!(event.kind.action, Open | Reopen | Update);
    let kev = || event.vulns.iter().filter_map(|vuln| vuln.kev.as_ref());
    is_found
        && match name {
            "vulnerability.critical_found" => event.severity == Severity::Critical,
            "vulnerability.kev_found" => kev().next().is_some(),
            "vulnerability.ransomware_found" => kev()
                .any(|kev| kev.ransomware.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("known"))),
            _ => false,
        }
}
