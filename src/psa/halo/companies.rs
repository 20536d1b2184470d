//! Halo's clients: what we call companies.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Connection, paging::Place, wire};
use crate::{
    psa::PsaError,
    sync::remote::{CompanyDraft, CompanyFilter, PickItem, RemoteCompany},
    tickets::remote::RemotePage,
};

/// The built-in client "Unknown", where tickets without a client lie (django-psa-connector, dotMARC).
const UNKNOWN_CLIENT: i64 = 1;

/// How many pages are looked through for the types in use.
const TYPE_PAGES: usize = 5;

impl Connection {
    pub(super) async fn company_page(
        &self,
        filter: &CompanyFilter,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteCompany>, PsaError> {
        let wants_inactive = filter.include_inactive || filter.status.as_deref() == Some("inactive");
        let mut query = vec![("includeinactive", wants_inactive.to_string())];
        let search = filter.search.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if let Some(search) = search {
            query.push(("search", search.to_owned()));
        }
        let rows = self.page("/Client", "clients", &query, Place::read(page)).await?;
        if rows.is_stuck {
            let detail = String::from("Halo does not give all pages of its clients");
            return Err(PsaError::Unavailable { detail });
        }
        let items = rows.items.iter().filter_map(company).filter(|company| keeps(filter, company)).collect();
        Ok(RemotePage { items, next: rows.next.map(|place| place.word()), total: rows.total })
    }

    /// A name alone is not enough: Halo wants the organisation that it hangs under and a first site
    /// (n8n#12560). It goes where the first client that can be seen is.
    pub(super) async fn new_company(&self, draft: &CompanyDraft) -> Result<RemoteCompany, PsaError> {
        let rows = self.page("/Client", "clients", &[], Place::START).await?;
        let mut above = rows.items.iter().filter(|row| wire::id(row, "id") != Some(UNKNOWN_CLIENT));
        let mut item = json!({ "name": draft.name, "newclient_sitename": "Main" });
        if let Some(fields) = item.as_object_mut() {
            if let Some(id) = above.find_map(|row| wire::id(row, "toplevel_id")) {
                fields.insert("toplevel_id".into(), json!(id));
            }
            if let Some(kind) = draft.company_type.as_deref().and_then(|kind| kind.trim().parse::<i64>().ok())
            {
                fields.insert("customertype".into(), json!(kind));
            }
            if draft.status.as_deref() == Some("inactive") {
                fields.insert("inactive".into(), json!(true));
            }
            if let Some(phone) = &draft.phone {
                fields.insert("main_phonenumber".into(), json!(phone));
            }
        }
        let answer = self.api.post("/Client", item).await?;
        wire::record(answer).and_then(|row| company(&row)).ok_or_else(|| PsaError::Unknown {
            detail: String::from("Halo took the client and answered without its id"),
        })
    }

    /// The types in use among the first pages of clients: no source names a list of them.
    pub(super) async fn company_types(&self) -> Result<Vec<PickItem>, PsaError> {
        let mut types = BTreeSet::new();
        let mut place = Some(Place::START);
        for _ in 0..TYPE_PAGES {
            let Some(at) = place.take() else { break };
            let query = [("includeinactive", String::from("true"))];
            let rows = self.page("/Client", "clients", &query, at).await?;
            types.extend(rows.items.iter().filter_map(|row| wire::id(row, "customertype")));
            place = rows.next;
        }
        let item = |number: i64| PickItem {
            value: number.to_string(),
            label: format!("Type {number}"),
            ..PickItem::default()
        };
        Ok(types.into_iter().map(item).collect())
    }
}

fn company(row: &Value) -> Option<RemoteCompany> {
    let id = wire::id(row, "id").filter(|id| *id != UNKNOWN_CLIENT)?;
    let is_active = !wire::is(row, "inactive").unwrap_or(false);
    let company = RemoteCompany {
        external_id: id.to_string(),
        name: wire::text(row, "name").map_or_else(|| format!("Client {id}"), ToOwned::to_owned),
        company_type: wire::id(row, "customertype").map(|number| number.to_string()),
        status: Some(String::from(if is_active { "active" } else { "inactive" })),
        is_active,
        // No source tells the address of a client's page.
        url: None,
        ..RemoteCompany::default()
    };
    let status = company.status.clone();
    Some(
        company
            .with_value("company_type", wire::id(row, "customertype").map(|number| number.to_string()))
            .with_value("company_status", status)
            .with_address(wire::text(row, "accountsemailaddress"))
            .with_address(wire::text(row, "website")),
    )
}

/// Looks at everything again, because a filter that a build does not know is ignored.
fn keeps(filter: &CompanyFilter, company: &RemoteCompany) -> bool {
    let search = filter.search.as_deref().map(|text| text.trim().to_lowercase()).unwrap_or_default();
    let status = filter.status.as_deref();
    (search.is_empty() || company.name.to_lowercase().contains(&search))
        && (filter.company_type.is_none() || filter.company_type == company.company_type)
        && status.is_none_or(|status| company.status.as_deref() == Some(status))
        && (company.is_active || filter.include_inactive || status == Some("inactive"))
}
