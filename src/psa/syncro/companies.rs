//! Companies, which Syncro calls customers: businesses and single people.

use serde_json::{Value, json};

use super::{Connection, errors::short, paging::Place, wire};
use crate::{
    psa::PsaError,
    sync::remote::{CompanyDraft, CompanyFilter, RemoteCompany},
    tickets::remote::RemotePage,
};

const ACTIVE: &str = "active";
const INACTIVE: &str = "inactive";

/// The statuses there are: Syncro knows `disabled` and nothing else.
pub(super) const STATUSES: [(&str, &str); 2] = [(ACTIVE, "Active"), (INACTIVE, "Inactive")];

impl Connection {
    /// Names are searched here: Syncro's `query` is a full-text search of unknown reach, and `business_name`
    /// leaves out people, so either could hide a customer.
    pub(super) async fn company_page(
        &self,
        filter: &CompanyFilter,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteCompany>, PsaError> {
        for (field, value) in [("company_type", &filter.company_type), ("company_market", &filter.market)] {
            if value.as_deref().is_some_and(|value| !value.trim().is_empty()) {
                let reason = String::from("customers in Syncro have neither types nor markets");
                return Err(PsaError::Rejected { field: Some(field.to_owned()), reason });
            }
        }
        let status = filter.status.as_deref().map(str::trim).filter(|status| !status.is_empty());
        let wants_inactive =
            filter.include_inactive || status.is_some_and(|status| status.eq_ignore_ascii_case(INACTIVE));
        // The one order that is documented; names change seldom, so that little moves between pages.
        let mut query = vec![("sort", String::from("business_name ASC"))];
        if wants_inactive {
            query.push(("include_disabled", String::from("true")));
        }
        let rows = self.page("/customers", "customers", &query, Place::read(page)).await?;
        let search = filter.search.as_deref().map(|text| text.trim().to_lowercase()).unwrap_or_default();
        let items = rows.items.iter().filter_map(|row| self.company(row)).filter(|company| {
            (wants_inactive || company.is_active)
                && status.is_none_or(|status| {
                    company.status.as_deref().is_some_and(|is| is.eq_ignore_ascii_case(status))
                })
                && company.name.to_lowercase().contains(&search)
        });
        Ok(RemotePage {
            items: items.collect(),
            next: rows.next.map(|place| place.word()),
            total: rows.total,
        })
    }

    /// Creates one with a name, as Syncro demands no more.
    pub(super) async fn new_company(&self, draft: &CompanyDraft) -> Result<RemoteCompany, PsaError> {
        let refuse = |field: &str, reason: &str| {
            Err(PsaError::Rejected { field: Some(field.to_owned()), reason: reason.to_owned() })
        };
        let given = |value: &Option<String>| {
            value.as_deref().map(str::trim).filter(|value| !value.is_empty()).map(ToOwned::to_owned)
        };
        let name = draft.name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return refuse("business_name", "a customer needs a name");
        }
        if given(&draft.company_type).is_some() {
            return refuse("company_type", "customers in Syncro have no types");
        }
        if given(&draft.status).is_some_and(|status| !status.eq_ignore_ascii_case(ACTIVE)) {
            return refuse("status", "Syncro creates active customers only");
        }
        let mut body = json!({ "business_name": name });
        if let (Some(phone), Some(body)) = (given(&draft.phone), body.as_object_mut()) {
            body.insert("phone".into(), json!(phone));
        }
        let answer = self.api.post("/customers", &body).await?;
        let made = wire::record(answer, "customer").and_then(|row| self.company(&row));
        made.ok_or_else(|| PsaError::Unknown {
            detail: String::from("Syncro took the customer and answered without its id and name"),
        })
    }

    /// A row holds more than is taken here, such as an address into the portal with a key in it.
    fn company(&self, row: &Value) -> Option<RemoteCompany> {
        let id = wire::id(row, "id")?;
        let names = ["business_name", "fullname", "business_then_name", "business_and_full_name"];
        let is_active = wire::is(row, "disabled") != Some(true);
        let company = RemoteCompany {
            external_id: id.to_string(),
            name: short(names.iter().find_map(|key| wire::text(row, key))?),
            company_type: None,
            status: Some(String::from(if is_active { ACTIVE } else { INACTIVE })),
            is_active,
            url: self.api.page(&format!("customers/{id}")),
            ..RemoteCompany::default()
        };
        let status = company.status.clone();
        Some(company.with_value("company_status", status).with_address(wire::text(row, "email")))
    }
}
