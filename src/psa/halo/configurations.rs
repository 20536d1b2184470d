//! Configurations, which Halo calls assets. What one says hangs on its type: serial number, maker and memory are fields
//! of types, told apart by their names.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{Connection, paging::Place, tickets::integer, wire};
use crate::{
    psa::{Configurations, PsaError},
    sync::remote::{
        CUSTOM, ConfigurationCatalogue, ConfigurationDraft, ConfigurationField, ConfigurationQuery,
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

    async fn create(&self, draft: &ConfigurationDraft) -> Result<RemoteConfiguration, PsaError> {
        let client = integer("client_id", &draft.company_external_id)?;
        let kind = integer("assettype_id", &draft.configuration_type)?;
        let mut item = told(draft);
        item.insert("client_id".into(), json!(client));
        item.insert("assettype_id".into(), json!(kind));
        let found = self.api.get_record(&format!("/Client/{client}"), &[]).await?;
        if let Some(site) = found.as_ref().and_then(|client| wire::id(client, "main_site_id")) {
            item.insert("site_id".into(), json!(site));
        }
        let fields = self.fields_told(kind, draft, &[]).await?;
        item.insert("fields".into(), json!(fields));
        let answer = self.api.post(PATH, Value::Object(item)).await?;
        let made = wire::record(answer).and_then(|row| configuration(&row, &ConfigurationQuery::default()));
        made.ok_or_else(|| PsaError::Unknown {
            detail: String::from("Halo took the asset and answered without its id"),
        })
    }

    async fn update(
        &self,
        external_id: &str,
        draft: &ConfigurationDraft,
    ) -> Result<Option<RemoteConfiguration>, PsaError> {
        let id = integer("id", external_id)?;
        let query = [("includedetails", String::from("true"))];
        let Some(there) = self.api.get_record(&format!("{PATH}/{id}"), &query).await? else {
            return Ok(None);
        };
        let shown = configuration(&there, &ConfigurationQuery::default());
        if let Some(shown) = shown.filter(|shown| !draft.speaks_of(shown)) {
            return Ok(Some(shown));
        }
        let mut item = told(draft);
        item.insert("id".into(), json!(id));
        for key in ["client_id", "site_id", "assettype_id"] {
            if let Some(value) = wire::id(&there, key) {
                item.insert(key.into(), json!(value));
            }
        }
        let known = there.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if let Some(kind) = wire::id(&there, "assettype_id") {
            let fields = self.fields_told(kind, draft, known).await?;
            item.insert("fields".into(), json!(fields));
        }
        let answer = self.api.post(PATH, Value::Object(item)).await?;
        let changed =
            wire::record(answer).and_then(|row| configuration(&row, &ConfigurationQuery::default()));
        changed.map(Some).ok_or_else(|| PsaError::Unknown {
            detail: String::from("Halo changed the asset and answered without its id"),
        })
    }
}

impl Connection {
    /// The fields of an asset's type as they are to be: what is told of them by their names, and what is there already.
    /// Whether a list that is sent takes the place of the one that is there is not documented: it holds all of it.
    async fn fields_told(
        &self,
        kind: i64,
        draft: &ConfigurationDraft,
        known: &[Value],
    ) -> Result<Vec<Value>, PsaError> {
        let query = [("includedetails", String::from("true"))];
        let found = self.api.get_record(&format!("/AssetType/{kind}"), &query).await?;
        let Some(found) = found else {
            let reason = format!("Halo has no type of assets {kind}; choose another one to write");
            return Err(PsaError::Rejected { field: Some(String::from("assettype_id")), reason });
        };
        let mut fields: BTreeMap<i64, Value> = BTreeMap::new();
        for field in known {
            if let Some((id, value)) = wire::id(field, "id").zip(field.get("value")) {
                fields.insert(id, value.clone());
            }
        }
        for (id, (name, is_text)) in fields_of_type(&found) {
            // Nobody chooses serial numbers from a list, whether Halo says so or not.
            let said = match (usual_target(name), is_text) {
                (Some(Target::SerialNumber), None | Some(true)) => &draft.serial_number,
                (Some(Target::Ram), Some(true)) => &draft.ram,
                (Some(Target::OsType), Some(true)) => &draft.os_type,
                (Some(Target::Manufacturer), Some(true)) => &draft.manufacturer,
                _ => continue,
            };
            if !said.is_empty() {
                fields.insert(id, json!(said));
            }
        }
        Ok(fields.into_iter().map(|(id, value)| json!({ "id": id, "value": value })).collect())
    }
}

/// The fields of a type of assets, by their ids: what each is called, and whether it takes text; none where that is not
/// told. A type has them twice: `field_list` says what each is, `fields` where each stands.
fn fields_of_type(found: &Value) -> BTreeMap<i64, (&str, Option<bool>)> {
    let list = |key: &str| found.get(key).and_then(Value::as_array).into_iter().flatten();
    let what = list("field_list").filter_map(|field| {
        // What is chosen from a list is not text.
        let is_text = wire::int(field, "lookup").map(|lookup| lookup == 0);
        Some((wire::id(field, "id")?, (wire::text(field, "name")?, is_text)))
    });
    let mut all: BTreeMap<i64, (&str, Option<bool>)> = what.collect();
    for field in list("fields") {
        let named = wire::id(field, "field_id").zip(wire::text(field, "field_name"));
        if let Some((id, name)) = named {
            all.entry(id).or_insert((name, None));
        }
    }
    all
}

/// What Halo is told of an asset, beside the fields of its type. The tag is what people see.
fn told(draft: &ConfigurationDraft) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("inventory_number".into(), json!(draft.name));
    for (field, day) in [("supplier_purchasedate", &draft.purchased_on), ("warranty_end", &draft.expires_on)]
    {
        if !day.is_empty() {
            told.insert(field.into(), json!(format!("{day}T00:00:00")));
        }
    }
    if !draft.os_type.is_empty() {
        told.insert("os_override".into(), json!(draft.os_type));
    }
    // Fields that the type demands of people must not keep a machine's asset out.
    told.insert("_donotvalidate".into(), json!(true));
    told
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
