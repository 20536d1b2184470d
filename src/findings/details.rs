//! What else is known of a finding beside its columns, and the event that says all of it again.

use std::collections::BTreeMap;

use entity::finding;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decisions::{
    catalogue,
    event::{Asset, Contact, Event, Product, Remediation, User, Vuln},
};

/// What is known of a finding beside its columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Which software has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation: Option<Remediation>,
    /// Known vulnerabilities behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vulns: Vec<Vuln>,
    /// Who it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// Whom at the customer its ticket is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Those of an event, as they are stored; none where it says nothing of the kind.
pub fn of(event: &Event) -> Option<Value> {
    let details = Details {
        product: event.product.clone(),
        remediation: event.remediation.clone(),
        vulns: event.vulns.clone(),
        user: event.user.clone(),
        contact: event.contact.clone(),
        labels: event.labels.clone(),
    };
    if details == Details::default() { None } else { serde_json::to_value(details).ok() }
}

/// Those of a finding.
pub fn read(finding: &finding::Model) -> Details {
    let stored = finding.details.as_ref();
    stored.and_then(|stored| Details::deserialize(stored).ok()).unwrap_or_default()
}

/// An event that says what is known of a finding: that the problem is there.
pub fn event_of(finding: &finding::Model) -> Option<Event> {
    let Details { product, remediation, vulns, user, contact, labels } = read(finding);
    // A kind that this version does not know any more says at least that the problem is there.
    let kind = catalogue::find(&finding.last_kind).or_else(|| catalogue::find("finding.opened"))?;
    Some(Event {
        category: finding.category.clone(),
        severity: finding.severity,
        occurred_at: Some(finding.last_occurred_at),
        sequence: finding.last_sequence.clone(),
        scope_key: finding.scope_key.clone(),
        asset: Option::<Asset>::deserialize(&finding.asset).ok().flatten(),
        product,
        remediation,
        vulns,
        user,
        contact,
        body_md: finding.body_md.clone(),
        evidence_url: finding.evidence_url.clone(),
        labels,
        close_reason: None,
        ..Event::new(kind, &finding.source, &finding.key, &finding.title)
    })
}
