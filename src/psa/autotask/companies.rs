//! Companies. Number 0 is the MSP's own.

use serde_json::{Map, Value, json};

use super::{
    Connection,
    api::{PAGE_SIZE, Query, condition},
    fields::Fields,
    wire,
};
use crate::{
    psa::PsaError,
    sync::remote::{CompanyDraft, CompanyFilter, RemoteCompany},
    tickets::remote::RemotePage,
};

/// The built-in type "Customer" (the vendor's own examples).
const CUSTOMER: i64 = 1;
/// The longest name and telephone number, where Autotask does not say. From memory.
const NAME_CHARS: usize = 100;
const PHONE_CHARS: usize = 25;

impl Connection {
    pub(super) async fn company_page(
        &self,
        filter: &CompanyFilter,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteCompany>, PsaError> {
        let after = page.map(|word| wire::number("page", word)).transpose()?;
        let wanted = Wanted::read(filter)?;
        let query = Query {
            entity: "Companies",
            fields: &["id", "companyName", "companyType", "isActive", "marketSegmentID"],
            filter: wanted.conditions(),
        };
        let rows = self.api.page(&query, after, PAGE_SIZE).await?;
        // Types in words are worth a call, not a failure.
        let fields = self.fields_of("Companies").await.ok();
        let kept = rows.rows.iter().filter(|row| wanted.keeps(row));
        let items = kept.filter_map(|row| company(row, fields.as_deref())).collect();
        Ok(RemotePage { items, next: rows.next.map(|id| id.to_string()), total: None })
    }

    pub(super) async fn new_company(&self, draft: &CompanyDraft) -> Result<RemoteCompany, PsaError> {
        let fields = self.fields_of("Companies").await?;
        let name = wire::one_line(&draft.name);
        let phone = draft.phone.as_deref().map(wire::one_line).filter(|phone| !phone.is_empty());
        let length = |field: &str, usual| fields.get(field).and_then(|field| field.length).unwrap_or(usual);
        let too_long = |field: &str, text: &str, most: usize| {
            if wire::length(text) <= most {
                return Ok(());
            }
            let reason = format!("{field} is longer than the {most} characters that Autotask takes");
            Err(PsaError::Rejected { field: Some(field.to_owned()), reason })
        };
        too_long("companyName", &name, length("companyName", NAME_CHARS))?;
        too_long("phone", phone.as_deref().unwrap_or_default(), length("phone", PHONE_CHARS))?;
        if phone.is_none() && fields.get("phone").is_some_and(|field| field.is_required) {
            return Err(PsaError::Rejected {
                field: Some(String::from("phone")),
                reason: String::from("Autotask takes no company without a telephone number"),
            });
        }
        let kind = match given(draft.company_type.as_deref()) {
            Some(kind) => wire::number("companyType", kind)?,
            None => CUSTOMER,
        };
        let is_active = draft.status.as_deref() != Some("inactive");
        let mut item = Map::new();
        item.insert("companyName".into(), json!(name));
        item.insert("companyType".into(), json!(kind));
        item.insert("isActive".into(), json!(is_active));
        item.insert("ownerResourceID".into(), json!(self.owner().await?));
        if let Some(phone) = phone {
            item.insert("phone".into(), json!(phone));
        }
        let id = self.api.create("Companies", &Value::Object(item)).await?;
        let row = json!({ "id": id, "companyName": name, "companyType": kind, "isActive": is_active });
        company(&row, Some(&fields)).ok_or_else(|| PsaError::Unknown {
            detail: String::from("Autotask took the company and its answer cannot be read"),
        })
    }

    /// Whose the new company is to be: Autotask demands an owner, and who owns the MSP's own company is
    /// there in every tenant. No source names a better choice.
    async fn owner(&self) -> Result<i64, PsaError> {
        let own = self.api.get_item("Companies", 0).await?;
        own.as_ref().and_then(|row| wire::id(row, "ownerResourceID")).filter(|id| *id > 0).ok_or_else(|| {
            PsaError::Rejected {
                field: Some(String::from("ownerResourceID")),
                reason: String::from(
                    "Autotask demands an account manager, and your own company (number 0) shows none to take over",
                ),
            }
        })
    }
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// A filter, its values read.
struct Wanted {
    search: Option<String>,
    kind: Option<i64>,
    market: Option<i64>,
    is_active: Option<bool>,
    /// A status that Autotask has not got: nothing has it.
    is_nothing: bool,
}

impl Wanted {
    fn read(filter: &CompanyFilter) -> Result<Self, PsaError> {
        let number = |field: &str, value: &Option<String>| {
            given(value.as_deref()).map(|value| wire::number(field, value)).transpose()
        };
        let status = given(filter.status.as_deref());
        Ok(Self {
            search: given(filter.search.as_deref()).map(ToOwned::to_owned),
            kind: number("companyType", &filter.company_type)?,
            market: number("marketSegmentID", &filter.market)?,
            is_active: match status {
                Some(status) => Some(status != "inactive"),
                None => (!filter.include_inactive).then_some(true),
            },
            is_nothing: status.is_some_and(|status| !matches!(status, "active" | "inactive")),
        })
    }

    fn conditions(&self) -> Vec<Value> {
        let search = self.search.as_deref().map(|text| condition("contains", "companyName", text));
        let kind = self.kind.map(|kind| condition("eq", "companyType", kind));
        let market = self.market.map(|market| condition("eq", "marketSegmentID", market));
        let active = self.is_active.map(|is_active| condition("eq", "isActive", is_active));
        [search, kind, market, active].into_iter().flatten().collect()
    }

    fn keeps(&self, row: &Value) -> bool {
        let name = wire::text(row, "companyName").unwrap_or_default().to_lowercase();
        !self.is_nothing
            && self.search.as_deref().is_none_or(|search| name.contains(&search.to_lowercase()))
            && self.kind.is_none_or(|kind| wire::int(row, "companyType") == Some(kind))
            && self.market.is_none_or(|market| wire::int(row, "marketSegmentID") == Some(market))
            && self.is_active.is_none_or(|wanted| is_active(row) == wanted)
    }
}

fn is_active(row: &Value) -> bool {
    wire::is(row, "isActive").unwrap_or(true)
}

fn company(row: &Value, fields: Option<&Fields>) -> Option<RemoteCompany> {
    let id = wire::id(row, "id")?;
    let kind = wire::int(row, "companyType").map(|kind| kind.to_string());
    let type_id = kind.clone();
    let company = RemoteCompany {
        external_id: id.to_string(),
        name: wire::text(row, "companyName").map_or_else(|| format!("Company {id}"), ToOwned::to_owned),
        company_type: kind.map(|kind| fields.and_then(|f| f.label("companyType", &kind)).unwrap_or(kind)),
        status: Some(String::from(if is_active(row) { "active" } else { "inactive" })),
        is_active: is_active(row),
        // No source tells the address of a company's page.
        url: None,
        ..RemoteCompany::default()
    };
    let status = company.status.clone();
    let market = wire::int(row, "marketSegmentID").map(|market| market.to_string());
    Some(
        company
            .with_value("company_type", type_id)
            .with_value("company_status", status)
            .with_value("company_market", market),
    )
}
