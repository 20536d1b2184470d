//! MSP Manager's customers: what we call companies.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Connection,
    paging::{List, Place},
    wire,
};
use crate::{
    psa::PsaError,
    sync::remote::{CompanyDraft, CompanyFilter, PickItem, RemoteCompany},
    tickets::remote::RemotePage,
};

/// How many customers are asked for at once. Clients ask for a thousand, of a few columns each; all columns
/// are read here, because which of them an account has is not known.
const SIZE: u64 = 500;

/// How many parts are looked through for the statuses in use.
const STATUS_PARTS: usize = 5;

/// Where a customer's status stands in words, should an account show it.
const STATUS_NAMES: &[&str] = &["CustomerStatusName", "StatusName"];

const ALL: List<'static> = List { path: "customers", id: "CustomerId", filter: None, size: SIZE };

impl Connection {
    /// Nothing is filtered by the service: the values of its statuses are unknown, a user's text does not go
    /// into a filter, and all customers are a handful of calls.
    pub(super) async fn company_page(
        &self,
        filter: &CompanyFilter,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteCompany>, PsaError> {
        let page = self.page(ALL, &Place::read(page)).await?;
        let items = page.items.iter().filter_map(company).filter(|company| keeps(filter, company)).collect();
        Ok(RemotePage { items, next: page.next.map(|place| place.word()), total: page.total })
    }

    /// What is required beyond a name is not known; only what was asked for is sent.
    pub(super) async fn new_company(&self, draft: &CompanyDraft) -> Result<RemoteCompany, PsaError> {
        let mut item = Map::new();
        item.insert("CustomerName".into(), json!(draft.name.trim()));
        if let Some(phone) = draft.phone.as_deref().map(str::trim).filter(|phone| !phone.is_empty()) {
            item.insert("PhoneMain".into(), json!(phone));
        }
        if let Some(status) = draft.status.as_deref().map(str::trim).filter(|status| !status.is_empty()) {
            let number = status.parse::<i64>().map(Value::from);
            item.insert("CustomerStatusId".into(), number.unwrap_or_else(|_| json!(status)));
        }
        let answer = self.api.create("customers", &Value::Object(item)).await?;
        let unknown = || PsaError::Unknown {
            detail: String::from("MSP Manager took the customer and answered without its id"),
        };
        let row = wire::record(answer).ok_or_else(unknown)?;
        let created = company(&row).ok_or_else(unknown)?;
        // Some answers to a create hold the id alone.
        let name = wire::text(&row, "CustomerName").unwrap_or(draft.name.trim()).to_owned();
        Ok(RemoteCompany { name, ..created })
    }

    /// The statuses in use among the first customers: no list of them is known.
    pub(super) async fn company_statuses(&self) -> Result<Vec<PickItem>, PsaError> {
        let (rows, _) = self.pages(ALL, STATUS_PARTS).await?;
        let mut statuses = BTreeMap::new();
        for row in &rows {
            if let Some(value) = wire::word(row, "CustomerStatusId") {
                let name = wire::any_text(row, STATUS_NAMES);
                let label = name.map_or_else(|| format!("Status {value}"), ToOwned::to_owned);
                statuses.entry(value).or_insert(label);
            }
        }
        let item = |(value, label)| PickItem { value, label, ..PickItem::default() };
        Ok(statuses.into_iter().map(item).collect())
    }

    /// A customer's name; none where there is no such customer.
    pub(super) async fn customer_name(&self, id: &str) -> Result<Option<String>, PsaError> {
        let query = [("$filter", format!("CustomerId eq {id}")), ("$top", String::from("1"))];
        let rows = self.api.list("customers", &query).await?;
        Ok(rows
            .items
            .iter()
            .filter_map(company)
            .find(|company| company.external_id == id)
            .map(|found| found.name))
    }
}

fn company(row: &Value) -> Option<RemoteCompany> {
    let id = wire::guid(row, "CustomerId")?;
    let name = wire::any_text(row, &["CustomerName", "ShortName"]).map(ToOwned::to_owned);
    let status = wire::word(row, "CustomerStatusId");
    let company = RemoteCompany {
        name: name.unwrap_or_else(|| format!("Customer {id}")),
        external_id: id,
        company_type: None,
        is_active: is_active(row),
        status,
        // No source tells the address of a customer's page.
        url: None,
        ..RemoteCompany::default()
    };
    let status = company.status.clone();
    Some(company.with_value("company_status", status).with_address(wire::text(row, "EmailDomain")))
}

/// Which statuses are active ones is not known, so only a word for it counts. The one place to change.
fn is_active(row: &Value) -> bool {
    let word = wire::any_text(row, STATUS_NAMES).unwrap_or_default().to_ascii_lowercase();
    !wire::is_out_of_use(row) && !matches!(word.as_str(), "inactive" | "former" | "archived" | "deleted")
}

fn keeps(filter: &CompanyFilter, company: &RemoteCompany) -> bool {
    let search = filter.search.as_deref().map(|text| text.trim().to_lowercase()).unwrap_or_default();
    let status = filter.status.as_deref().map(str::trim);
    (search.is_empty() || company.name.to_lowercase().contains(&search))
        && (filter.company_type.is_none() || filter.company_type == company.company_type)
        && status.is_none_or(|status| company.status.as_deref() == Some(status))
        && (company.is_active || filter.include_inactive || status.is_some())
}
