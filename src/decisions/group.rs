//! Which findings share a ticket: the group key.
//!
//! A key names what its findings have in common, within a policy and a company: no group reaches over companies. A
//! finding that stands on an open ticket stays there, whatever key it would get today, so that another grouping or
//! another version of the key takes effect as tickets close.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{Timestamp, company, finding, policy};
use sha2::{Digest as _, Sha256};

use super::{
    event::Event,
    handling::{Grouping, Handling},
    rules::Rules,
};

/// Which ticket a finding goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The key; `finding:` and the finding's id for one by itself.
    pub key: String,
    /// What its findings have in common, for people; none for a finding by itself.
    pub what: Option<String>,
}

impl Group {
    /// A finding by itself.
    pub fn alone(finding: &finding::Model) -> Self {
        Self { key: format!("finding:{}", finding.id), what: None }
    }

    /// What the group is in every life of the database: a finding's id is given by chance, and another one where the
    /// finding is learned anew after a back-up was put back.
    pub fn identity<'a>(&'a self, finding: &'a finding::Model, company_id: &'a str) -> Vec<&'a str> {
        match &self.what {
            Some(_) => vec!["group", &self.key],
            None => vec!["finding", company_id, &finding.source, &finding.key],
        }
    }

    /// That of a digest.
    pub fn of_digest(policy: &policy::Model, company: &company::Model, due_at: Timestamp) -> Self {
        Self {
            key: format!("digest:{}:{}:{}", policy.id, company.id, due_at.as_secs()),
            what: Some(format!("{}, up to {due_at}", policy.name)),
        }
    }

    /// What is more than a policy may open within an hour.
    pub fn of_storm(policy: &policy::Model, company: &company::Model) -> Self {
        Self {
            key: format!("storm:{}:{}", policy.id, company.id),
            what: Some(format!("Many findings at once ({})", policy.name)),
        }
    }

    /// That of a finding by a policy. One that names no asset (or no product) where that is what counts is by itself.
    pub fn of(
        (policy, handling): (&policy::Model, &Handling),
        rules: &Rules,
        company: &company::Model,
        event: &Event,
        finding: &finding::Model,
    ) -> Self {
        let grouping = handling.grouping.unwrap_or_else(|| {
            let grain = (event.category == "remediation").then(|| rules.remediation_grain(policy)).flatten();
            grain.map_or(Grouping::Finding, Grouping::from)
        });
        let shared = match grouping {
            Grouping::Finding => None,
            Grouping::Asset => {
                asset(event).map(|(id, name)| ("asset", vec![id], format!("Findings on {name}")))
            }
            Grouping::Product => {
                product(event).map(|(id, name)| ("product", vec![id], format!("Findings in {name}")))
            }
            Grouping::AssetAndProduct => {
                asset(event).zip(product(event)).map(|((id, name), (product, label))| {
                    ("asset_and_product", vec![id, product], format!("Findings in {label} on {name}"))
                })
            }
            Grouping::Company => {
                Some(("company", Vec::new(), format!("{} at {}", policy.name, company.name)))
            }
        };
        let Some((word, parts, what)) = shared else { return Self::alone(finding) };
        let ending = if parts.is_empty() { String::new() } else { format!(":{}", digest(&parts)) };
        let key = format!("{word}:{}:{}{ending}", policy.id, company.id);
        Self { key, what: Some(what) }
    }
}

/// An asset's identity and its name for people. The sender's stable id counts where it gives one, so that a machine
/// that is renamed stays one; within its source, because ids of two products have nothing to do with each other.
fn asset(event: &Event) -> Option<(String, String)> {
    let asset = event.asset.as_ref()?;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let name = given(&asset.name).or_else(|| given(&asset.fqdn)).or_else(|| given(&asset.ip));
    let id = match given(&asset.uid) {
        Some(uid) => format!("{}\u{1f}{uid}", event.source),
        None => name.as_ref()?.trim().to_lowercase(),
    };
    let name = name.or_else(|| given(&asset.uid))?;
    Some((id, name))
}

/// A product's identity, without its version: an update must not make another product of it.
fn product(event: &Event) -> Option<(String, String)> {
    let product = event.product.as_ref()?;
    let name = product.name.as_deref().map(str::trim).filter(|name| !name.is_empty())?;
    let vendor = product.vendor.as_deref().map(str::trim).unwrap_or_default();
    let id = format!("{}\u{1f}{}", vendor.to_lowercase(), name.to_lowercase());
    Some((id, [vendor, name].join(" ").trim().to_owned()))
}

/// 128 bits are enough to tell a company's assets and products apart; each part goes in with its length.
fn digest(parts: &[String]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let bytes: Vec<u8> = hash.finalize().iter().take(16).copied().collect();
    URL_SAFE_NO_PAD.encode(bytes)
}
