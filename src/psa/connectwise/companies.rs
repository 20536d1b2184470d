//! Companies: reading and creating them.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Connection,
    conditions::Conditions,
    errors::Act,
    site,
    wire::{self, chosen},
};
use crate::{
    psa::PsaError,
    sync::remote::{CompanyDraft, CompanyFilter, RemoteCompany},
    tickets::remote::RemotePage,
};

const PATH: &str = "/company/companies";
const FIELDS: &str = "id,identifier,name,status,types,market,website,deletedFlag";
/// The longest identifier that the forms of ConnectWise take; its API takes longer ones.
const IDENTIFIER_CHARS: usize = 25;
/// The longest telephone number (vendor's document).
const PHONE_CHARS: usize = 30;

impl Connection {
    /// What somebody searches for is compared here: typed text does not go into filters.
    pub(super) async fn company_page(
        &self,
        filter: &CompanyFilter,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteCompany>, PsaError> {
        let wanted = Wanted::read(filter)?;
        let after = page.and_then(|word| word.parse().ok()).unwrap_or(0);
        let mut query = vec![("fields", FIELDS.to_owned())];
        if let Some(id) = wanted.company_type {
            query.push(("childConditions", Conditions::default().is("types/id", id).text()));
        }
        let rows = match self.page_after(PATH, wanted.conditions(), &query, after).await {
            // A version that cannot filter by type: every row is looked at anyhow.
            Err(PsaError::Rejected { .. }) if wanted.company_type.is_some() => {
                query.truncate(1);
                self.page_after(PATH, wanted.conditions(), &query, after).await?
            }
            rows => rows?,
        };
        let kept = rows.items.iter().filter(|row| wanted.keeps(row));
        let items = kept.filter_map(|row| self.company(row)).collect();
        Ok(RemotePage { items, next: rows.next.map(|id| id.to_string()), total: None })
    }

    fn company(&self, row: &Value) -> Option<RemoteCompany> {
        let id = wire::id(row, "id")?;
        let names: Vec<_> = types(row).into_iter().filter_map(|kind| wire::text(kind, "name")).collect();
        let name = wire::text(row, "name").or_else(|| wire::text(row, "identifier"));
        let company = RemoteCompany {
            external_id: id.to_string(),
            name: name.map_or_else(|| format!("Company {id}"), ToOwned::to_owned),
            company_type: (!names.is_empty()).then(|| names.join(", ")),
            status: wire::name(row, "status").map(ToOwned::to_owned),
            is_active: is_active(row),
            url: site::company_page(&self.api.login.site, &self.api.login.company_id, id),
            code: wire::text(row, "identifier").map(ToOwned::to_owned),
            market: wire::name(row, "market").map(ToOwned::to_owned),
            ..RemoteCompany::default()
        };
        let id_of =
            |value: Option<&Value>| value.and_then(|value| wire::id(value, "id")).map(|id| id.to_string());
        let company = types(row)
            .into_iter()
            .fold(company, |company, kind| company.with_value("company_type", id_of(Some(kind))));
        Some(
            company
                .with_value("company_status", id_of(wire::field(row, "status")))
                .with_value("company_market", id_of(wire::field(row, "market")))
                .with_address(wire::text(row, "website")),
        )
    }

    /// A name alone is not enough: ConnectWise wants an identifier of its own, and in practice a type, a status
    /// and a first site. The identifier follows from the name, so the same company twice is refused.
    pub(super) async fn new_company(&self, draft: &CompanyDraft) -> Result<RemoteCompany, PsaError> {
        let name = draft.name.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut item = Map::new();
        item.insert("identifier".into(), json!(identifier(&name)));
        item.insert("name".into(), json!(name));
        item.insert("site".into(), json!({ "name": "Main" }));
        // Some tenants demand an address; which fields they want is not documented.
        item.insert("addressLine1".into(), json!(NO_ADDRESS));
        let kind = match &draft.company_type {
            Some(kind) => Some(chosen("company_type", kind)?),
            None => self.usual_row("/company/companies/types", &["customer", "client"]).await?,
        };
        if let Some(id) = kind {
            item.insert("types".into(), json!([{ "id": id }]));
        }
        let status = match &draft.status {
            Some(status) => Some(chosen("company_status", status)?),
            None => self.usual_row("/company/companies/statuses", &["active"]).await?,
        };
        if let Some(id) = status {
            item.insert("status".into(), json!({ "id": id }));
        }
        if let Some(phone) = draft.phone.as_deref().map(str::trim).filter(|phone| !phone.is_empty()) {
            item.insert("phoneNumber".into(), json!(phone.chars().take(PHONE_CHARS).collect::<String>()));
        }
        let answer = self.api.post(Act::Add, PATH, &Value::Object(item)).await?;
        self.company(&answer).ok_or_else(|| PsaError::Unknown {
            detail: String::from("ConnectWise took the company and answered without its id"),
        })
    }

    /// The row of that name, else the one that ConnectWise marks as its default. A list that may not be read
    /// leaves the choice to ConnectWise.
    async fn usual_row(&self, path: &str, names: &[&str]) -> Result<Option<i64>, PsaError> {
        let rows = match self.all_rows(path, &[]).await {
            Ok(rows) => rows,
            Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_named = |row: &&Value| {
            wire::text(row, "name")
                .is_some_and(|name| names.iter().any(|usual| name.eq_ignore_ascii_case(usual)))
        };
        let found = rows
            .iter()
            .find(is_named)
            .or_else(|| rows.iter().find(|row| wire::is(row, "defaultFlag") == Some(true)));
        Ok(found.and_then(|row| wire::id(row, "id")))
    }
}

/// Stands where a tenant wants an address and none is known.
const NO_ADDRESS: &str = "-";

/// A filter whose values are numbers.
struct Wanted {
    search: String,
    company_type: Option<i64>,
    status: Option<i64>,
    market: Option<i64>,
    with_inactive: bool,
}

impl Wanted {
    fn read(filter: &CompanyFilter) -> Result<Self, PsaError> {
        let number =
            |key: &str, value: &Option<String>| value.as_deref().map(|value| chosen(key, value)).transpose();
        Ok(Self {
            search: filter.search.as_deref().map(|text| text.trim().to_lowercase()).unwrap_or_default(),
            company_type: number("company_type", &filter.company_type)?,
            status: number("company_status", &filter.status)?,
            market: number("company_market", &filter.market)?,
            with_inactive: filter.include_inactive,
        })
    }

    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::default();
        if !self.with_inactive {
            conditions = conditions.flag("deletedFlag", false);
        }
        if let Some(id) = self.status {
            conditions = conditions.is("status/id", id);
        }
        if let Some(id) = self.market {
            conditions = conditions.is("market/id", id);
        }
        conditions
    }

    /// Looks at everything again: a filter may be ignored.
    fn keeps(&self, row: &Value) -> bool {
        let name = wire::text(row, "name").unwrap_or_default().to_lowercase();
        let is =
            |wanted: Option<i64>, key: &str| wanted.is_none_or(|id| wire::reference(row, key) == Some(id));
        let has_type = |id: i64| types(row).into_iter().any(|kind| wire::id(kind, "id") == Some(id));
        let is_deleted = wire::is(row, "deletedFlag") == Some(true);
        (self.search.is_empty() || name.contains(&self.search))
            && self.company_type.is_none_or(has_type)
            && is(self.status, "status")
            && is(self.market, "market")
            // Who asks for a status by name means it, also where its companies are no longer worked for.
            && (self.with_inactive || is_active(row) || (self.status.is_some() && !is_deleted))
    }
}

/// Types of a company; older versions knew one only.
fn types(row: &Value) -> Vec<&Value> {
    let many = wire::field(row, "types").and_then(Value::as_array);
    many.map_or_else(|| wire::field(row, "type").into_iter().collect(), |many| many.iter().collect())
}

/// Whether the MSP still works for a company. ConnectWise has no flag for it but that of deletion: statuses
/// are the MSP's own, and the one it comes with is called Inactive. The one place to change.
fn is_active(row: &Value) -> bool {
    let status = wire::name(row, "status").unwrap_or_default().to_lowercase();
    wire::is(row, "deletedFlag") != Some(true) && !status.contains("inactive")
}

/// A short code from a name: the same for the same name. What does not fit, or is written in other letters,
/// is told apart by a digest.
fn identifier(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let has_others = name.chars().any(|c| c.is_alphanumeric() && !c.is_ascii());
    if !plain.is_empty() && plain.len() <= IDENTIFIER_CHARS && !has_others {
        return plain;
    }
    let digest = Sha256::digest(name.to_lowercase().as_bytes());
    let digest = digest.iter().take(4).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let start: String = plain.chars().take(IDENTIFIER_CHARS - 9).collect();
    if start.is_empty() { format!("C{digest}") } else { format!("{start}-{digest}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn identifiers_are_short_plain_and_tell_names_apart() {
        assert_eq!(identifier("Acme GmbH"), "AcmeGmbH");
        assert_ne!(identifier("Müller AG"), identifier("Moller AG"));
        assert_ne!(identifier(&"a".repeat(30)), identifier(&"a".repeat(31)));
        assert!(identifier("株式会社").starts_with('C'));
    }

    proptest! {
        #[test]
        fn every_name_gives_an_identifier_that_fits(name in "\\PC{0,60}") {
            let id = identifier(&name);
            prop_assert!(!id.is_empty() && id.len() <= IDENTIFIER_CHARS);
            prop_assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        }
    }
}
