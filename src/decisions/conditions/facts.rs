//! What conditions look at.

use std::collections::BTreeMap;

use entity::{Severity, Timestamp, finding};
use serde::{Deserialize, Serialize};

use super::{FlagField, NumberField, TextField};
use crate::decisions::{
    catalogue,
    event::{Event, Vuln},
};

/// Kinds that an event may be of because of what is known of it.
const SHOWN: [&str; 3] =
    ["vulnerability.critical_found", "vulnerability.kev_found", "vulnerability.ransomware_found"];

/// What is known of an event and its finding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// How bad; none where the sender did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The highest CVSS score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cvss: Option<f64>,
    /// The highest EPSS probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
    /// Whether it is known to be exploited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kev: Option<bool>,
    /// Whether ransomware is known to use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ransomware: Option<bool>,
    /// Key of its category.
    pub category: String,
    /// Its kind, and kinds that it is of because of what is known of it.
    pub kinds: Vec<String>,
    /// Names of the product.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub product: Vec<String>,
    /// Names of the asset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asset_name: Vec<String>,
    /// The kind of asset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asset_type: Vec<String>,
    /// Names of the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<String>,
    /// Its title.
    pub title: String,
    /// Its labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How long ago it was first seen, in seconds.
    pub first_seen_age_secs: i64,
    /// How often it was seen.
    pub seen_count: i64,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Texts<'a> {
    /// These; empty where it is known that there is none.
    Known(Vec<&'a str>),
    /// The sender did not say.
    Unknown,
}

impl Facts {
    /// Of an event and of what is known of its finding by now.
    pub fn of(event: &Event, finding: &finding::Model, now: Timestamp) -> Self {
        let given = |texts: &[Option<&String>]| -> Vec<String> {
            texts.iter().flatten().filter(|text| !text.is_empty()).map(|&text| text.clone()).collect()
        };
        let (asset, product, user) = (event.asset.as_ref(), event.product.as_ref(), event.user.as_ref());
        let mut products =
            product.map(|of| given(&[of.name.as_ref(), of.vendor.as_ref()])).unwrap_or_default();
        if let [name, vendor] = products.as_slice() {
            let both = format!("{vendor} {name}");
            products.push(both);
        }
        let (kev, ransomware) = exploited(event);
        Self {
            severity: Some(finding.severity).filter(|severity| *severity != Severity::Unknown),
            cvss: highest(event.vulns.iter().flat_map(|vuln| &vuln.cvss).filter_map(|cvss| cvss.score)),
            epss: highest(event.vulns.iter().filter_map(|vuln| vuln.epss.as_ref()?.score)),
            kev,
            ransomware,
            category: event.category.clone(),
            kinds: Self::kinds_of(event),
            product: products,
            asset_name: asset.map(|of| given(&[of.name.as_ref(), of.fqdn.as_ref()])).unwrap_or_default(),
            asset_type: asset.map(|of| given(&[of.kind.as_ref()])).unwrap_or_default(),
            user: user
                .map(|of| given(&[of.name.as_ref(), of.email.as_ref(), of.uid.as_ref()]))
                .unwrap_or_default(),
            title: event.title.clone(),
            labels: event.labels.clone(),
            first_seen_age_secs: (now.millis_since(finding.first_seen_at) / 1_000).max(0),
            seen_count: finding.seen_count,
        }
    }

    /// The kinds an event is of: its own, and what it shows.
    pub fn kinds_of(event: &Event) -> Vec<String> {
        let kinds = SHOWN.iter().filter(|name| catalogue::is_of_kind(event, name)).copied();
        let mut kinds: Vec<String> = kinds.map(str::to_owned).collect();
        if !kinds.iter().any(|kind| kind == event.kind.name) {
            kinds.insert(0, event.kind.name.to_owned());
        }
        kinds
    }

    /// A number, where it is known.
    #[expect(clippy::cast_precision_loss, reason = "seconds and counts are far below 2^53")]
    pub(super) fn number(&self, field: NumberField) -> Option<f64> {
        match field {
            NumberField::Cvss => self.cvss,
            NumberField::Epss => self.epss,
            NumberField::FirstSeenAgeSeconds => Some(self.first_seen_age_secs as f64),
            NumberField::SeenCount => Some(self.seen_count as f64),
        }
    }

    /// A flag, where it is known.
    pub(super) fn flag(&self, field: FlagField) -> Option<bool> {
        match field {
            FlagField::Kev => self.kev,
            FlagField::Ransomware => self.ransomware,
        }
    }

    /// Texts, where they are known.
    pub(super) fn texts(&self, field: &TextField) -> Texts<'_> {
        let list = match field {
            TextField::Category => return Texts::Known(vec![&self.category]),
            TextField::Title => return Texts::Known(vec![&self.title]),
            TextField::Label(name) => {
                return Texts::Known(self.labels.get(name).map(String::as_str).into_iter().collect());
            }
            TextField::Kind => &self.kinds,
            TextField::Product => &self.product,
            TextField::AssetName => &self.asset_name,
            TextField::AssetType => &self.asset_type,
            TextField::User => &self.user,
        };
        if list.is_empty() { Texts::Unknown } else { Texts::Known(list.iter().map(String::as_str).collect()) }
    }
}

fn highest(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    numbers.filter(|number| number.is_finite()).reduce(f64::max)
}

/// Whether it is in CISA's catalogue, and whether ransomware is known to use it.
///
/// Senders name an entry where there is one; where they name none it is only known that there is none if they
/// say that no exploit is known. `Unknown` in the catalogue's column of ransomware means that no such use is
/// known: <https://www.cisa.gov/known-exploited-vulnerabilities-catalog>.
fn exploited(event: &Event) -> (Option<bool>, Option<bool>) {
    let entries: Vec<_> = event.vulns.iter().filter_map(|vuln| vuln.kev.as_ref()).collect();
    if entries.is_empty() {
        let says_none = |vuln: &Vuln| vuln.exploit_known == Some(false);
        let none = !event.vulns.is_empty() && event.vulns.iter().all(says_none);
        let known = none.then_some(false);
        return (known, known);
    }
    let words: Vec<_> = entries.iter().filter_map(|kev| kev.ransomware.as_deref()).collect();
    let is_used = words.iter().any(|word| word.eq_ignore_ascii_case("known"));
    (Some(true), (!words.is_empty()).then_some(is_used))
}
