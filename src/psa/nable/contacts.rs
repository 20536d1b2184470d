//! Contacts of customers: names, an address and a telephone number. No client was seen reading more, and the vendor's
//! pages name neither types nor fields that people make, nor who is inactive.

use serde_json::Value;

use super::{
    Connection,
    paging::{List, Place},
    wire,
};
use crate::{
    psa::PsaError,
    sync::contacts::remote::{ContactAbilities, ContactCatalogue, RemoteContact, full_name},
    tickets::remote::RemotePage,
};

/// How many contacts are asked for at once.
const SIZE: u64 = 500;

const ALL: List<'static> = List { path: "contacts", id: "ContactId", filter: None, size: SIZE };

/// What every account has.
pub(super) fn offered() -> (ContactAbilities, ContactCatalogue) {
    (ContactAbilities::default(), ContactCatalogue::default())
}

impl Connection {
    pub(super) async fn contact_page(
        &self,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteContact>, PsaError> {
        let page = self.page(ALL, &Place::read(page)).await?;
        let items = page.items.iter().filter_map(contact).collect();
        Ok(RemotePage { items, next: page.next.map(|place| place.word()), total: page.total })
    }
}

fn contact(row: &Value) -> Option<RemoteContact> {
    let text = |key: &str| wire::text(row, key).map(ToOwned::to_owned);
    let name = full_name(&[wire::text(row, "FirstName"), wire::text(row, "LastName")]);
    Some(RemoteContact {
        external_id: wire::guid(row, "ContactId")?,
        name: name.unwrap_or_default(),
        company_external_id: wire::guid(row, "CustomerId"),
        emails: text("EmailAddress").into_iter().collect(),
        phone: text("PhoneMobile"),
        is_active: !wire::is_out_of_use(row),
        // No source tells the address of a contact's page.
        url: None,
        ..RemoteContact::default()
    })
}
