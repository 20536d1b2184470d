//! Contacts. Whether one is active is a number, not a yes.

use serde_json::Value;

use super::{
    Connection,
    api::{PAGE_SIZE, Query, condition},
    verify::may,
    wire,
};
use crate::{
    psa::PsaError,
    sync::contacts::remote::{
        CUSTOM, ContactAbilities, ContactCatalogue, ContactQuery, RemoteContact, field_text, full_name,
    },
    tickets::remote::RemotePage,
};

const ENTITY: &str = "Contacts";
/// What is read of each whatever is asked for.
const FIELDS: [&str; 11] = [
    "id",
    "companyID",
    "firstName",
    "lastName",
    "emailAddress",
    "emailAddress2",
    "emailAddress3",
    "phone",
    "mobilePhone",
    "title",
    "isActive",
];

/// Fields of every tenant.
const OWN: [(&str, &str); 10] = [
    ("mobilePhone", "Mobile Phone"),
    ("alternatePhone", "Alternate Phone"),
    ("extension", "Extension"),
    ("addressLine", "Address"),
    ("city", "City"),
    ("state", "State"),
    ("zipCode", "Zip Code"),
    ("primaryContact", "Primary Contact"),
    ("externalID", "External ID"),
    ("note", "Note"),
];

/// What every tenant has.
pub(super) fn offered() -> (ContactAbilities, ContactCatalogue) {
    // Contact groups are made for mails; the API shows no contact's groups.
    let abilities = ContactAbilities { types: false, inactive: true, custom_fields: true };
    (abilities, ContactCatalogue::of(&OWN))
}

impl Connection {
    pub(super) async fn contacts_offered(&self) -> Result<ContactCatalogue, PsaError> {
        // Who may not see them is shown an empty list, as if there were none.
        let rights = self.rights(ENTITY).await?;
        if !may(&rights, "canQuery", "userAccessForQuery") {
            let missing = String::from("Contacts (view) in the security level of the API user");
            return Err(PsaError::Forbidden { missing });
        }
        let mut catalogue = offered().1;
        let answer = self.api.get(&format!("{ENTITY}/entityInformation/userDefinedFields")).await?;
        let made = wire::get(&answer, "fields").and_then(Value::as_array).into_iter().flatten();
        catalogue.add_made(made.filter_map(|field| wire::text(field, "name").map(ToOwned::to_owned)));
        Ok(catalogue)
    }

    pub(super) async fn contact_page(
        &self,
        query: &ContactQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteContact>, PsaError> {
        let after = page.map(|word| wire::number("page", word)).transpose()?;
        let mut fields = FIELDS.to_vec();
        for (key, _) in OWN {
            if query.has(key) && !fields.contains(&key) {
                fields.push(key);
            }
        }
        if query.has_made() {
            fields.push("userDefinedFields");
        }
        let mut filter = Vec::new();
        if !query.include_inactive {
            filter.push(condition("eq", "isActive", 1));
        }
        let rows =
            self.api.page(&Query { entity: ENTITY, fields: &fields, filter }, after, PAGE_SIZE).await?;
        let items = rows.rows.iter().filter_map(|row| contact(row, query)).collect();
        Ok(RemotePage { items, next: rows.next.map(|id| id.to_string()), total: None })
    }
}

fn contact(row: &Value, query: &ContactQuery) -> Option<RemoteContact> {
    let id = wire::id(row, "id")?;
    let text = |key: &str| wire::text(row, key).map(ToOwned::to_owned);
    let own = OWN.iter().filter_map(|(key, _)| Some(((*key).to_owned(), field_text(wire::get(row, key)?)?)));
    let made = wire::get(row, "userDefinedFields").and_then(Value::as_array).into_iter().flatten();
    let made = made.filter_map(|field| {
        Some((format!("{CUSTOM}{}", wire::text(field, "name")?), field_text(wire::get(field, "value")?)?))
    });
    let name = full_name(&[wire::text(row, "firstName"), wire::text(row, "lastName")]);
    Some(RemoteContact {
        external_id: id.to_string(),
        name: name.unwrap_or_default(),
        company_external_id: wire::int(row, "companyID").map(|id| id.to_string()),
        emails: ["emailAddress", "emailAddress2", "emailAddress3"].into_iter().filter_map(text).collect(),
        phone: text("phone").or_else(|| text("mobilePhone")),
        job_title: text("title"),
        types: Vec::new(),
        is_active: wire::is(row, "isActive") != Some(false),
        // No source tells the address of a contact's page.
        url: None,
        fields: own.chain(made).filter(|(key, _)| query.has(key)).collect(),
    })
}
