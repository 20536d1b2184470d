//! Configurations, which Halo calls assets. What one says hangs on its type: serial number, maker and memory are fields
//! of types, told apart by their names.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use super::{Connection, paging::Place, wire};
use crate::{
    psa::{Configurations, PsaError},
    sync::remote::{
        CUSTOM, ConfigurationCatalogue, ConfigurationField, ConfigurationQuery,
        ConfigurationTarget as Target, PickItem, RemoteConfiguration, field_text, usual_target,
    },
    tickets::remote::RemotePage,
};

const PATH: &str = "/Asset";
const KEY: &str = "assets";

/// Fields of every asset (the vendor's document).
const OWN: [(&str, &str, Option<Target>); 10] = [
    ("supplier_purchasedate", "Purchase Date", Some(Target::PurchaseDate)),
    ("commissiondate", "Commission Date", Some(Target::PurchaseDate)),
    ("warranty_end", "Warranty End", Some(Target::ExpirationDate)),
    ("warranty_start", "Warranty Start", None),
    ("physicalMemoryInBytes", "Physical Memory", Some(Target::Ram)),
    ("os_override", "Operating System", Some(Target::OsType)),
    ("key_field", "Key Field", None),
    ("key_field2", "Key Field 2", None),
    ("key_field3", "Key Field 3", None),
    ("username", "User", None),
];

/// What every tenant has.
pub(super) fn offered() -> ConfigurationCatalogue {
    let fields = OWN.iter().map(|(key, label, usual)| ConfigurationField::new(key, label, *usual));
    ConfigurationCatalogue { fields: fields.collect(), ..ConfigurationCatalogue::default() }
}

#[async_trait]
impl Configurations for Connection {
    /// Fields of types, and statuses, are seen in rows: a call for each type would cost more than they are worth.
    async fn catalogue(&self) -> Result<ConfigurationCatalogue, PsaError> {
        let mut catalogue = offered();
        let types = self.api.get("/AssetType", &[]).await?;
        let types = wire::rows(types, "assettypes").map(|(rows, _)| rows).unwrap_or_default();
        let item = |row: &Value, id: &str, name: &str| {
            let label = wire::text(row, name)?.to_owned();
            Some(PickItem { value: wire::id(row, id)?.to_string(), label, ..PickItem::default() })
        };
        catalogue.types = types.iter().filter_map(|row| item(row, "id", "name")).collect();
        let query = [("includeassetfields", "true".to_owned()), ("includeinactive", "true".to_owned())];
        let rows = self.page(PATH, KEY, &query, Place::START).await?;
        let (mut made, mut statuses) = (BTreeMap::new(), BTreeMap::new());
        for row in &rows.items {
            made.extend(made_of(row).map(|(key, name, _)| (key, name)));
            if let Some(status) = item(row, "status_id", "status_name") {
                statuses.insert(status.value.clone(), status);
            }
        }
        catalogue.statuses = statuses.into_values().collect();
        let made =
            made.into_iter().map(|(key, name)| ConfigurationField::new(&key, &name, usual_target(&name)));
        catalogue.fields.extend(made);
        Ok(catalogue)
    }

    async fn read_page(
        &self,
        query: &ConfigurationQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteConfiguration>, PsaError> {
        let mut asked = vec![("includeinactive", query.include_inactive.to_string())];
        if let Some(company) = &query.company {
            asked.push(("client_id", company.clone()));
        }
        if query.fields.iter().any(|key| key.starts_with(CUSTOM)) {
            asked.push(("includeassetfields", "true".to_owned()));
        }
        let rows = self.page(PATH, KEY, &asked, Place::read(page)).await?;
        if rows.is_stuck {
            let detail = String::from("Halo does not give all pages of its assets");
            return Err(PsaError::Unavailable { detail });
        }
        let items = rows.items.iter().filter_map(|row| configuration(row, query)).collect();
        Ok(RemotePage { items, next: rows.next.map(|place| place.word()), total: rows.total })
    }
}

fn configuration(row: &Value, query: &ConfigurationQuery) -> Option<RemoteConfiguration> {
    let id = wire::id(row, "id")?;
    let pick = |id: &str, name: &str| {
        let value = wire::id(row, id)?.to_string();
        let label = wire::text(row, name).map_or_else(|| value.clone(), ToOwned::to_owned);
        Some(PickItem { value, label, ..PickItem::default() })
    };
    let own = OWN.iter().filter_map(|(key, ..)| Some(((*key).to_owned(), field_text(row.get(*key)?)?)));
    let made = made_of(row).filter_map(|(key, _, value)| Some((key, value?)));
    let fields = own.chain(made).filter(|(key, _)| query.fields.contains(key)).collect();
    // The tag is what people see; an asset need not have one.
    let name = ["inventory_number", "key_field"].iter().find_map(|key| wire::text(row, key));
    Some(RemoteConfiguration {
        external_id: id.to_string(),
        name: name.map_or_else(|| format!("Asset {id}"), ToOwned::to_owned),
        company_external_id: wire::id(row, "client_id").map(|id| id.to_string()),
        configuration_type: pick("assettype_id", "assettype_name"),
        status: pick("status_id", "status_name"),
        is_active: wire::is(row, "inactive") != Some(true),
        // No source tells the address of an asset's page.
        url: None,
        fields,
    })
}

/// Fields of its type, and those that people have made: keys, names and what they say.
fn made_of(row: &Value) -> impl Iterator<Item = (String, String, Option<String>)> {
    let list = |key: &str| row.get(key).and_then(Value::as_array).into_iter().flatten();
    list("fields").chain(list("customfields")).filter_map(|field| {
        let name = wire::text(field, "name").or_else(|| wire::text(field, "label"))?;
        let said = ["display", "value"].iter().find_map(|key| field_text(field.get(*key)?));
        Some((format!("{CUSTOM}{name}"), name.to_owned(), said))
    })
}
