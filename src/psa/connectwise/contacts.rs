//! Contacts: reading them, and what there is of fields and types.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Connection, conditions::Conditions, site, wire};
use crate::{
    psa::PsaError,
    sync::{
        contacts::remote::{
            CUSTOM, ContactAbilities, ContactCatalogue, ContactQuery, RemoteContact, field_text, full_name,
        },
        remote::PickItem,
    },
    tickets::remote::RemotePage,
};

const PATH: &str = "/company/contacts";
/// What is read of each whatever is asked for. Addresses of mail are among the communication items.
const FIELDS: &str =
    "id,firstName,lastName,company,title,types,defaultPhoneNbr,inactiveFlag,communicationItems";

/// Fields of every tenant (the vendor's document).
const OWN: [(&str, &str); 12] = [
    ("department", "Department"),
    ("relationship", "Relationship"),
    ("site", "Site"),
    ("nickName", "Nickname"),
    ("managerContact", "Manager"),
    ("addressLine1", "Address Line 1"),
    ("addressLine2", "Address Line 2"),
    ("city", "City"),
    ("state", "State"),
    ("zip", "Zip"),
    ("country", "Country"),
    ("defaultFlag", "Default Contact"),
];

/// What every tenant has.
pub(super) fn offered() -> (ContactAbilities, ContactCatalogue) {
    let abilities = ContactAbilities { types: true, inactive: true, custom_fields: true };
    (abilities, ContactCatalogue { is_sampled: true, ..ContactCatalogue::of(&OWN) })
}

impl Connection {
    /// Fields that people have made are seen in rows: no list of ConnectWise says which of them are contacts'.
    pub(super) async fn contacts_offered(&self) -> Result<ContactCatalogue, PsaError> {
        let mut catalogue = offered().1;
        let types = self.all_rows("/company/contacts/types", &[]).await?;
        // The name of a type is in its description.
        let item = |row: &Value| {
            let label = wire::text(row, "description").or_else(|| wire::text(row, "name"))?.to_owned();
            Some(PickItem { value: wire::id(row, "id")?.to_string(), label, ..PickItem::default() })
        };
        catalogue.types = types.iter().filter_map(item).collect();
        let fields = [("fields", "id,customFields".to_owned())];
        let rows = self.page_after(PATH, Conditions::default(), &fields, 0).await?;
        let made: BTreeSet<String> =
            rows.items.iter().flat_map(|row| made_of(row).map(|(caption, _)| caption)).collect();
        catalogue.add_made(made);
        Ok(catalogue)
    }

    pub(super) async fn contact_page(
        &self,
        query: &ContactQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteContact>, PsaError> {
        let after = page.and_then(|word| word.parse().ok()).unwrap_or(0);
        let mut fields = FIELDS.to_owned();
        for (key, _) in OWN.iter().filter(|(key, _)| query.has(key)) {
            fields.push(',');
            fields.push_str(key);
        }
        if query.has_made() {
            fields.push_str(",customFields");
        }
        let mut conditions = Conditions::default();
        if !query.include_inactive {
            conditions = conditions.flag("inactiveFlag", false);
        }
        let rows = self.page_after(PATH, conditions, &[("fields", fields)], after).await?;
        let items = rows.items.iter().filter_map(|row| self.contact(row, query)).collect();
        Ok(RemotePage { items, next: rows.next.map(|id| id.to_string()), total: None })
    }

    fn contact(&self, row: &Value, query: &ContactQuery) -> Option<RemoteContact> {
        let id = wire::id(row, "id")?;
        let name = full_name(&[wire::text(row, "firstName"), wire::text(row, "lastName")]);
        let own =
            OWN.iter().filter_map(|(key, _)| Some(((*key).to_owned(), field_text(wire::field(row, key)?)?)));
        let made = made_of(row)
            .filter_map(|(caption, value)| Some((format!("{CUSTOM}{caption}"), field_text(value?)?)));
        let list = |key: &str| wire::field(row, key).and_then(Value::as_array).into_iter().flatten();
        let kind = |kind: &Value| {
            let value = wire::id(kind, "id")?.to_string();
            let label = wire::text(kind, "name").map_or_else(|| value.clone(), ToOwned::to_owned);
            Some(PickItem { value, label, ..PickItem::default() })
        };
        let mut emails: Vec<(bool, String)> = list("communicationItems")
            .filter(|item| wire::text(item, "communicationType") == Some("Email"))
            .filter_map(|item| {
                let is_other = wire::is(item, "defaultFlag") != Some(true);
                Some((is_other, wire::text(item, "value")?.to_owned()))
            })
            .collect();
        emails.sort_by_key(|(is_other, _)| *is_other);
        Some(RemoteContact {
            external_id: id.to_string(),
            name: name.unwrap_or_default(),
            company_external_id: wire::reference(row, "company").map(|id| id.to_string()),
            emails: emails.into_iter().map(|(_, email)| email).collect(),
            phone: wire::text(row, "defaultPhoneNbr").map(ToOwned::to_owned),
            job_title: wire::text(row, "title").map(ToOwned::to_owned),
            types: list("types").filter_map(kind).collect(),
            is_active: wire::is(row, "inactiveFlag") != Some(true),
            url: site::contact_page(&self.api.login.site, &self.api.login.company_id, id),
            fields: own.chain(made).filter(|(key, _)| query.has(key)).collect(),
        })
    }
}

/// Fields that people have made: their captions and what they say.
fn made_of(row: &Value) -> impl Iterator<Item = (String, Option<&Value>)> {
    let list = wire::field(row, "customFields").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|field| Some((wire::text(field, "caption")?.to_owned(), wire::field(field, "value"))))
}
