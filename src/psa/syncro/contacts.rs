//! Contacts of customers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Connection, paging::Place, wire};
use crate::{
    psa::PsaError,
    sync::contacts::remote::{
        CUSTOM, ContactAbilities, ContactCatalogue, ContactQuery, RemoteContact, field_text,
    },
    tickets::remote::RemotePage,
};

const PATH: &str = "/contacts";
const KEY: &str = "contacts";
/// The property in which Syncro itself keeps what somebody is at the customer.
const TITLE: &str = "title";

/// Fields of every contact (the vendor's document).
const OWN: [(&str, &str); 7] = [
    ("mobile", "Mobile"),
    ("extension", "Extension"),
    ("address1", "Address"),
    ("city", "City"),
    ("state", "State"),
    ("zip", "Zip"),
    ("notes", "Notes"),
];

/// What every account has.
pub(super) fn offered() -> (ContactAbilities, ContactCatalogue) {
    // A contact is there, or is deleted.
    let abilities = ContactAbilities { types: false, inactive: false, custom_fields: true };
    (abilities, ContactCatalogue { is_sampled: true, ..ContactCatalogue::of(&OWN) })
}

impl Connection {
    /// Fields that people have made are seen in rows.
    pub(super) async fn contacts_offered(&self) -> Result<ContactCatalogue, PsaError> {
        let mut catalogue = offered().1;
        let rows = self.page(PATH, KEY, &[], Place::START).await?;
        let made: BTreeSet<String> =
            rows.items.iter().flat_map(|row| properties(row).map(|(name, _)| name.clone())).collect();
        catalogue.add_made(made.into_iter().filter(|name| name != TITLE));
        Ok(catalogue)
    }

    pub(super) async fn contact_page(
        &self,
        query: &ContactQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteContact>, PsaError> {
        let rows = self.page(PATH, KEY, &[], Place::read(page)).await?;
        let items = rows.items.iter().filter_map(|row| self.contact(row, query)).collect();
        Ok(RemotePage { items, next: rows.next.map(|place| place.word()), total: rows.total })
    }

    fn contact(&self, row: &Value, query: &ContactQuery) -> Option<RemoteContact> {
        let id = wire::id(row, "id")?;
        let customer = wire::id(row, "customer_id").map(|id| id.to_string());
        let text = |key: &str| wire::text(row, key).map(ToOwned::to_owned);
        let own = OWN.iter().filter_map(|(key, _)| Some(((*key).to_owned(), field_text(row.get(*key)?)?)));
        let made =
            properties(row).filter_map(|(name, value)| Some((format!("{CUSTOM}{name}"), field_text(value)?)));
        let url = customer.as_ref().and_then(|customer| self.api.page(&format!("customers/{customer}")));
        Some(RemoteContact {
            external_id: id.to_string(),
            name: text("name").unwrap_or_default(),
            emails: text("email").into_iter().collect(),
            phone: text("phone").or_else(|| text("mobile")),
            job_title: properties(row)
                .find(|(name, _)| *name == TITLE)
                .and_then(|(_, value)| field_text(value)),
            types: Vec::new(),
            is_active: true,
            // Contacts have no page of their own: their customer's shows them.
            url,
            company_external_id: customer,
            fields: own.chain(made).filter(|(key, _)| query.has(key)).collect(),
        })
    }
}

fn properties(row: &Value) -> impl Iterator<Item = (&String, &Value)> {
    row.get("properties").and_then(Value::as_object).into_iter().flatten()
}
