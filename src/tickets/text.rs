//! What people read on a ticket. Plain text: a sender's words never become markup or a template.

use entity::{Severity, Timestamp, finding};

use crate::decisions::event::{Asset, Event};

/// Title and body of a new ticket.
pub fn opening(event: &Event, finding: &finding::Model, company_name: &str) -> (String, String) {
    let title = format!("[{}] {}", event.severity.word(), event.title);
    let mut body = Paragraphs::default();
    body.push(&event.body_md);
    let mut facts = Lines::default();
    facts.push("Company", Some(company_name));
    facts.push("Severity", Some(severity_words(event).as_str()));
    facts.push("Asset", event.asset.as_ref().map(asset_words).as_deref());
    facts.push("Software", event.product.as_ref().map(product_words).as_deref());
    facts.push("Vulnerabilities", Some(vulnerabilities(event).as_str()));
    facts.push("User", event.user.as_ref().and_then(|user| user.name.as_deref().or(user.email.as_deref())));
    facts.push("More", event.evidence_url.as_deref());
    facts.push("Found by", Some(event.source.as_str()));
    facts.push("First seen", Some(finding.first_seen_at.rfc3339().as_str()));
    body.push(&facts.0);
    if let Some(remediation) = &event.remediation {
        let mut lines = Lines::default();
        lines.push("What to do", remediation.title.as_deref());
        lines.push("Fixed in", remediation.fixed_version.as_deref());
        lines.push("Due", remediation.due_at.as_deref());
        lines.push("Read more", remediation.url.as_deref());
        body.push(&lines.0);
        body.push(remediation.text.as_deref().unwrap_or_default());
    }
    (title, body.0)
}

/// Title and body of a new ticket for what many findings have in common; the list of them follows the body when the
/// PSA gets it.
pub fn opening_of_group(event: &Event, what: &str, company_name: &str) -> (String, String) {
    let title = format!("[{}] {what}", event.severity.word());
    let mut facts = Lines::default();
    facts.push("Company", Some(company_name));
    facts.push("Found by", Some(event.source.as_str()));
    facts.push("This ticket is for", Some(what));
    (title, facts.0)
}

/// The note that says it was seen again.
pub fn seen_again(event: &Event, finding: &finding::Model, is_worse: bool) -> String {
    let mut text = Paragraphs::default();
    if is_worse {
        text.push(&format!("It got worse: the severity is now {}.", event.severity.word()));
    }
    text.push(&format!(
        "{} reports it again: seen {} times, last at {}.",
        event.source, finding.seen_count, finding.last_seen_at
    ));
    if event.kind.name == "finding.updated" {
        text.push(&event.body_md);
    }
    text.0
}

/// The note before a close.
pub fn ended(event: &Event, occurred_at: Timestamp) -> String {
    let reason = event.close_reason.map(super::super::findings::record::close_reason_word);
    let reason = reason.map(|word| format!(" ({})", word.replace('_', " "))).unwrap_or_default();
    let mut text = Paragraphs::default();
    text.push(&format!("{} reports it as over{reason} at {occurred_at}.", event.source));
    text.push(&event.body_md);
    text.0
}

/// The note before a close of a ticket of many findings, of which the last is over.
pub fn last_ended(event: &Event, occurred_at: Timestamp) -> String {
    format!(
        "The last finding that was open on this ticket is over: {}\n\n{}",
        event.title,
        ended(event, occurred_at)
    )
}

/// The note about a finding that a snapshot no longer names.
pub fn gone(event: &Event, title: &str, occurred_at: Timestamp) -> String {
    format!("{} no longer sees this, as of {occurred_at}: {title}", event.source)
}

/// The note before a close that had to wait.
pub fn stayed_over(at: Timestamp) -> String {
    format!("Nothing on this ticket is open any more, and it has stayed so until {at}.")
}

/// The note about a finding that nobody has seen for long.
pub fn not_seen(finding: &finding::Model) -> String {
    format!(
        "{} has not reported this since {}, so that it is taken to be over: {}",
        finding.source, finding.last_seen_at, finding.title
    )
}

/// The note on a ticket of many findings that is opened again because one more belongs on it.
pub fn joins(event: &Event, occurred_at: Timestamp) -> String {
    format!(
        "{} reports one more that belongs on this ticket, at {occurred_at}: {}",
        event.source, event.title
    )
}

/// The note on a ticket that is opened again.
pub fn came_back(event: &Event, finding: &finding::Model, occurred_at: Timestamp) -> String {
    let mut text = Paragraphs::default();
    text.push(&format!(
        "{} reports it again at {occurred_at}, after it was closed. It has come back {} times.",
        event.source, finding.reopened_count
    ));
    text.push(&event.body_md);
    text.0
}

#[derive(Default)]
struct Paragraphs(String);

impl Paragraphs {
    fn push(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            if !self.0.is_empty() {
                self.0.push_str("\n\n");
            }
            self.0.push_str(text);
        }
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn push(&mut self, label: &str, value: Option<&str>) {
        let value = value.map(str::trim).unwrap_or_default();
        if !value.is_empty() {
            if !self.0.is_empty() {
                self.0.push('\n');
            }
            self.0.push_str(label);
            self.0.push_str(": ");
            // One line each, whatever a sender puts into it.
            self.0.extend(value.chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
    }
}

fn severity_words(event: &Event) -> String {
    match (&event.severity_raw, event.severity) {
        (Some(raw), Severity::Unknown) => format!("unknown (sent as \"{raw}\")"),
        (_, severity) => severity.word().to_owned(),
    }
}

fn asset_words(asset: &Asset) -> String {
    let name = asset.name.as_deref().or(asset.fqdn.as_deref()).or(asset.uid.as_deref()).unwrap_or_default();
    let more: Vec<&str> =
        [asset.ip.as_deref(), asset.os.as_deref(), asset.kind.as_deref()].into_iter().flatten().collect();
    if more.is_empty() { name.to_owned() } else { format!("{name} ({})", more.join(", ")) }
}

fn product_words(product: &crate::decisions::event::Product) -> String {
    [&product.vendor, &product.name, &product.version]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

fn vulnerabilities(event: &Event) -> String {
    let words = event.vulns.iter().filter_map(|vuln| {
        let id = vuln.cve.as_deref().or(vuln.alt_ids.first().map(String::as_str))?;
        let score = vuln
            .cvss
            .iter()
            .filter_map(|cvss| cvss.score)
            .fold(None, |top: Option<f64>, score| Some(top.map_or(score, |top| top.max(score))));
        let score = score.map(|score| format!(", CVSS {score:.1}")).unwrap_or_default();
        let known = if vuln.kev.is_some() { ", known to be exploited" } else { "" };
        Some(format!("{id}{score}{known}"))
    });
    words.collect::<Vec<_>>().join("; ")
}
