//! Contacts, which Halo calls users.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Connection, paging::Place, wire};
use crate::{
    psa::PsaError,
    sync::contacts::remote::{
        CUSTOM, ContactAbilities, ContactCatalogue, ContactQuery, RemoteContact, field_text, full_name,
    },
    tickets::remote::RemotePage,
};

const PATH: &str = "/Users";
const KEY: &str = "users";
/// Every site has one, who is nobody: tickets without a user belong to it.
const NOBODY: &str = "General User";

/// Fields of every user that lists show (the vendor's document).
const OWN: [(&str, &str); 9] = [
    ("mobilenumber2", "Mobile Number"),
    ("homenumber", "Home Number"),
    ("site_name", "Site"),
    ("isimportantcontact", "Important Contact"),
    ("login", "Login"),
    ("notes", "Notes"),
    ("other1", "Other 1"),
    ("other2", "Other 2"),
    ("other3", "Other 3"),
];

/// What every instance has.
pub(super) fn offered() -> (ContactAbilities, ContactCatalogue) {
    // Users have roles in their own pages; lists do not show them.
    let abilities = ContactAbilities { types: false, inactive: true, custom_fields: true };
    (abilities, ContactCatalogue { is_sampled: true, ..ContactCatalogue::of(&OWN) })
}

impl Connection {
    /// Fields that people have made are seen in rows.
    pub(super) async fn contacts_offered(&self) -> Result<ContactCatalogue, PsaError> {
        let mut catalogue = offered().1;
        let rows = self.page(PATH, KEY, &asked(true), Place::START).await?;
        let made: BTreeSet<String> =
            rows.items.iter().flat_map(|row| made_of(row).map(|(name, _)| name)).collect();
        catalogue.add_made(made);
        Ok(catalogue)
    }

    pub(super) async fn contact_page(
        &self,
        query: &ContactQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteContact>, PsaError> {
        let rows = self.page(PATH, KEY, &asked(query.include_inactive), Place::read(page)).await?;
        if rows.is_stuck {
            let detail = String::from("Halo does not give all pages of its users");
            return Err(PsaError::Unavailable { detail });
        }
        let items = rows.items.iter().filter_map(|row| contact(row, query)).collect();
        Ok(RemotePage { items, next: rows.next.map(|place| place.word()), total: rows.total })
    }
}

fn asked(with_inactive: bool) -> [(&'static str, String); 2] {
    [("includeinactive", with_inactive.to_string()), ("exclude_generaluser", String::from("true"))]
}

fn contact(row: &Value, query: &ContactQuery) -> Option<RemoteContact> {
    let id = wire::id(row, "id")?;
    let text = |key: &str| wire::text(row, key).map(ToOwned::to_owned);
    let name =
        text("name").or_else(|| full_name(&[wire::text(row, "firstname"), wire::text(row, "surname")]));
    let emails: Vec<String> = ["emailaddress", "email2", "email3"].into_iter().filter_map(text).collect();
    // A build may not know the filter.
    if emails.is_empty() && name.as_deref() == Some(NOBODY) {
        return None;
    }
    let own = OWN.iter().filter_map(|(key, _)| Some(((*key).to_owned(), field_text(row.get(*key)?)?)));
    let made = made_of(row).filter_map(|(name, value)| Some((format!("{CUSTOM}{name}"), value?)));
    Some(RemoteContact {
        external_id: id.to_string(),
        name: name.unwrap_or_default(),
        company_external_id: wire::id(row, "client_id").map(|id| id.to_string()),
        emails,
        phone: ["phonenumber", "mobilenumber2", "homenumber"].into_iter().find_map(text),
        job_title: text("title"),
        types: Vec::new(),
        is_active: wire::is(row, "inactive") != Some(true),
        // No source tells the address of a user's page.
        url: None,
        fields: own.chain(made).filter(|(key, _)| query.has(key)).collect(),
    })
}

/// Fields that people have made: their names and what they say.
fn made_of(row: &Value) -> impl Iterator<Item = (String, Option<String>)> {
    let list = row.get("customfields").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|field| {
        let name = wire::text(field, "label").or_else(|| wire::text(field, "name"))?;
        let said = ["display", "value"].iter().find_map(|key| field_text(field.get(*key)?));
        Some((name.to_owned(), said))
    })
}
