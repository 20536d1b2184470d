//! Whose problem an event speaks of.
//!
//! By a company's alias. What names nobody, or nobody known, is held: no guess, and no default company, unless the
//! organization chose a catch-all. A company that is known but not mapped never goes to the catch-all: that would be
//! another customer's ticket.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::fmt::Write as _;

use entity::{company, event::Outcome::Held, organization};
use sea_orm::{ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    event::Event,
    trail::{Decision, Trail},
};
use crate::organizations::companies;

/// The longest key of a finding, in bytes.
const MAX_KEY: usize = 255;

/// Whose an event is.
#[derive(Debug)]
pub(super) struct Whose {
    /// The company.
    pub(super) company: company::Model,
    /// The event as the catch-all takes it, where that is the company.
    pub(super) as_caught: Option<Event>,
}

/// The company that an event speaks of, or the decision to hold it.
pub(super) async fn whose(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    event: &Event,
    trail: &mut Trail,
) -> Result<Result<Whose, Decision>, DbErr> {
    let client_ref = event.client_ref.as_deref();
    if let Some(client_ref) = client_ref
        && let Some(company) = companies::find_by_ref(tx, organization_id, &event.source, client_ref).await?
    {
        trail.step("company", format!("\"{}\"", company.name));
        return Ok(Ok(Whose { company, as_caught: None }));
    }
    let nobody = client_ref.map_or_else(
        || "the event names none".to_owned(),
        |client_ref| format!("none is known as \"{client_ref}\" to {}", event.source),
    );
    if let Some(company) = catch_all(tx, organization_id).await? {
        trail.step("company", format!("{nobody}: the catch-all \"{}\" takes it", company.name));
        return Ok(Ok(Whose { company, as_caught: Some(caught(event)) }));
    }
    trail.step("company", nobody);
    let words = client_ref.map_or_else(
        || {
            "the event names no company (client_ref); let the sender name one, then redrive the delivery".to_owned()
        },
        |client_ref| {
            format!(
                "no company is known as \"{client_ref}\" to {}; give one this alias, then this goes on by itself",
                event.source
            )
        },
    );
    Ok(Err(Decision::new(Held, "unmapped_company", words)))
}

/// The company that the organization chose by name for everything that names nobody known.
async fn catch_all(tx: &DatabaseTransaction, organization_id: Uuid) -> Result<Option<company::Model>, DbErr> {
    let organization = organization::Entity::find_by_id(organization_id).one(tx).await?;
    let Some(id) = organization.and_then(|row| row.catch_all_company_id) else { return Ok(None) };
    company::Entity::find_by_id(id).filter(company::Column::OrganizationId.eq(organization_id)).one(tx).await
}

/// The event as the catch-all takes it. Two customers whom nobody knows may use the same keys for problems of their
/// own, so the name that the sender has for each goes before its keys; and people are told that name.
fn caught(event: &Event) -> Event {
    let mut caught = event.clone();
    let Some(client_ref) = event.client_ref.as_deref() else { return caught };
    let apart = |key: &str| {
        // The length goes first, so that no two pairs are written alike.
        let whole = format!("{}:{client_ref}/{key}", client_ref.len());
        if whole.len() <= MAX_KEY { whole } else { digest(client_ref, key) }
    };
    caught.finding_key = apart(&event.finding_key);
    caught.scope_key = event.scope_key.as_deref().map(apart);
    caught.present = event.present.iter().map(|key| apart(key)).collect();
    let told = format!("{} names the customer \"{client_ref}\", whom nobody here is known as.", event.source);
    caught.body_md = if event.body_md.is_empty() { told } else { format!("{told}\n\n{}", event.body_md) };
    caught
}

/// In place of a key that is too long.
fn digest(client_ref: &str, key: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(client_ref.len().to_be_bytes());
    hash.update(client_ref);
    hash.update(key);
    hash.finalize().iter().fold(String::from("sha256:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::catalogue;

    fn event(client_ref: &str, key: &str) -> Event {
        let mut event = Event::new(catalogue::find("finding.opened").unwrap(), "scanner", key, "title");
        event.client_ref = Some(client_ref.to_owned());
        event
    }

    #[test]
    fn the_same_key_of_two_unknown_customers_is_two_problems_and_stays_short_enough() {
        let long = "k".repeat(250);
        let mut keys = std::collections::HashSet::new();
        for client_ref in ["a", "a/b", "long-enough-to-be-too-long"] {
            for key in ["CVE-1", "b/CVE-1", long.as_str()] {
                let caught = caught(&event(client_ref, key));
                assert!(caught.finding_key.len() <= MAX_KEY, "{}", caught.finding_key);
                assert!(keys.insert(caught.finding_key), "{client_ref} and {key}");
                assert!(caught.body_md.contains(client_ref));
            }
        }
        let mut snapshot = event("a", "web");
        (snapshot.scope_key, snapshot.present) = (Some("web".to_owned()), vec!["CVE-1".to_owned()]);
        let snapshot = caught(&snapshot);
        assert_eq!(snapshot.present, [caught(&event("a", "CVE-1")).finding_key]);
        assert_eq!(snapshot.scope_key.as_deref(), Some("1:a/web"));
    }

    #[test]
    fn a_sender_that_names_no_customers_keeps_its_keys() {
        let mut nobody = event("x", "CVE-1");
        nobody.client_ref = None;
        let caught = caught(&nobody);
        assert_eq!((caught.finding_key.as_str(), caught.body_md.as_str()), ("CVE-1", ""));
    }
}
