//! Whose problem an event speaks of.
//!
//! By a company's alias. What names nobody, or nobody known, is held: no guess, and no default company, unless the
//! organization chose a catch-all. A company that is known but not mapped never goes to the catch-all: that would be
//! another customer's ticket.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
};

use entity::{company, company_alias, event::Outcome::Held, organization};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    event::Event,
    trail::{Decision, Trail},
};
use crate::{db::portions, organizations::companies::ANY_SOURCE};

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

/// The companies that events name, and the one that takes what names nobody known.
#[derive(Debug, Default)]
pub(super) struct Customers {
    /// By source, or [`ANY_SOURCE`], and the sender's name for it.
    by_alias: HashMap<String, HashMap<String, company::Model>>,
    /// Chosen by the organization.
    catch_all: Option<company::Model>,
}

impl Customers {
    /// Those that events name.
    pub(super) async fn load(
        db: &impl ConnectionTrait,
        organization_id: Uuid,
        events: impl Iterator<Item = &Event>,
    ) -> Result<Self, DbErr> {
        let said: Vec<_> = events.map(|event| (event.source.as_str(), event.client_ref.as_deref())).collect();
        Self::of(db, organization_id, &said).await
    }

    /// Those that sources name.
    pub(super) async fn of(
        db: &impl ConnectionTrait,
        organization_id: Uuid,
        said: &[(&str, Option<&str>)],
    ) -> Result<Self, DbErr> {
        use company_alias::Column as A;
        let (mut names, mut sources) = (BTreeSet::new(), BTreeSet::from([ANY_SOURCE]));
        for (source, client_ref) in said {
            sources.insert(*source);
            names.extend(*client_ref);
        }
        let aliases = company_alias::Entity::find()
            .filter(A::OrganizationId.eq(organization_id))
            .filter(A::Value.is_in(portions::filled(names)))
            .filter(A::Source.is_in(portions::filled(sources)))
            .all(db)
            .await?;
        let organization = organization::Entity::find_by_id(organization_id).one(db).await?;
        let catch_all = organization.and_then(|row| row.catch_all_company_id);
        let ids = aliases.iter().map(|alias| alias.company_id).chain(catch_all).collect::<BTreeSet<_>>();
        let companies: HashMap<Uuid, company::Model> = company::Entity::find()
            .filter(company::Column::OrganizationId.eq(organization_id))
            .filter(company::Column::Id.is_in(portions::filled(ids)))
            .all(db)
            .await?
            .into_iter()
            .map(|company| (company.id, company))
            .collect();
        let mut customers =
            Self { catch_all: catch_all.and_then(|id| companies.get(&id).cloned()), ..Self::default() };
        for alias in aliases {
            if let Some(company) = companies.get(&alias.company_id) {
                customers.by_alias.entry(alias.source).or_default().insert(alias.value, company.clone());
            }
        }
        Ok(customers)
    }

    /// The company that a source knows by a name.
    pub(super) fn find(&self, source: &str, client_ref: &str) -> Option<&company::Model> {
        let known_to = |source: &str| self.by_alias.get(source)?.get(client_ref);
        known_to(source).or_else(|| known_to(ANY_SOURCE))
    }

    /// The company that an event speaks of, or the decision to hold it.
    pub(super) fn whose(&self, event: &Event, trail: &mut Trail) -> Result<Whose, Box<Decision>> {
        let client_ref = event.client_ref.as_deref();
        if let Some(company) = client_ref.and_then(|client_ref| self.find(&event.source, client_ref)) {
            trail.step("company", format!("\"{}\"", company.name));
            return Ok(Whose { company: company.clone(), as_caught: None });
        }
        let nobody = client_ref.map_or_else(
            || "the event names none".to_owned(),
            |client_ref| format!("none is known as \"{client_ref}\" to {}", event.source),
        );
        if let Some(company) = &self.catch_all {
            trail.step("company", format!("{nobody}: the catch-all \"{}\" takes it", company.name));
            return Ok(Whose { company: company.clone(), as_caught: Some(caught(event)) });
        }
        trail.step("company", nobody);
        let words = client_ref.map_or_else(
            || {
                "the event names no company (client_ref); let the sender name one, then redrive the delivery"
                    .to_owned()
            },
            |client_ref| {
                format!(
                    "no company is known as \"{client_ref}\" to {}; give one this alias, then this goes on by itself",
                    event.source
                )
            },
        );
        Err(Decision::new(Held, "unmapped_company", words).into())
    }
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
    caught.former_keys = event.former_keys.iter().map(|key| apart(key)).collect();
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
    use crate::{decisions::catalogue, organizations::companies, testing};

    fn event(client_ref: &str, key: &str) -> Event {
        let mut event = Event::new(catalogue::find("finding.opened").unwrap(), "scanner", key, "title");
        event.client_ref = Some(client_ref.to_owned());
        event
    }

    #[tokio::test]
    async fn a_name_of_exactly_that_source_goes_before_one_of_any_and_reaches_no_neighbour() {
        let ground = testing::ground().await;
        let (acme, admin) = ground.organization("acme").await;
        let (globex, _) = ground.organization("globex").await;
        let bakery = companies::create(&admin, &ground, acme.id, "Bakery").await.unwrap();
        let mill = companies::create(&admin, &ground, acme.id, "Mill").await.unwrap();
        for (company_id, source, value) in [(bakery.id, None, "c-1"), (mill.id, Some("trivy"), " c-1 ")] {
            let source = source.map(str::to_owned);
            let alias = companies::NewAlias { company_id, source, value: value.to_owned() };
            companies::add_alias(&admin, &ground, alias).await.unwrap();
        }
        let known = [("trivy", "c-1"), ("nessus", "c-1"), ("nessus", "C-1")].map(|(source, client_ref)| {
            let mut event = event(client_ref, "CVE-1");
            source.clone_into(&mut event.source);
            event
        });
        let names = async |organization_id| {
            let customers = Customers::load(ground.db.reader(), organization_id, known.iter()).await.unwrap();
            known.each_ref().map(|event| {
                customers
                    .whose(event, &mut Trail::default())
                    .map(|whose| whose.company.name)
                    .unwrap_or_default()
            })
        };
        assert_eq!(names(acme.id).await, ["Mill", "Bakery", ""]);
        assert_eq!(names(globex.id).await, ["", "", ""]);
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
