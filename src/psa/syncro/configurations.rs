//! Configurations, which Syncro calls assets.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{Connection, paging::Place, wire};
use crate::{
    psa::{Configurations, PsaError},
    sync::remote::{
        CUSTOM, ConfigurationCatalogue, ConfigurationDraft, ConfigurationField, ConfigurationQuery,
        ConfigurationTarget as Target, PickItem, RemoteConfiguration, field_text, usual_target,
    },
    tickets::remote::RemotePage,
};

const PATH: &str = "/customer_assets";
const KEY: &str = "assets";

/// The serial number is the asset's own; the others are properties that Syncro's agent writes (the vendor's document).
const OWN: [(&str, &str, Option<Target>); 7] = [
    ("asset_serial", "Serial Number", Some(Target::SerialNumber)),
    ("manufacturer", "Manufacturer", Some(Target::Manufacturer)),
    ("model", "Model", None),
    ("os", "OS", Some(Target::OsType)),
    ("ram", "RAM", Some(Target::Ram)),
    ("cpu_name", "CPU", None),
    ("hdd", "HDD", None),
];

/// What every account has.
pub(super) fn offered() -> ConfigurationCatalogue {
    let fields = OWN.iter().map(|(key, label, usual)| ConfigurationField::new(key, label, *usual));
    ConfigurationCatalogue { fields: fields.collect(), ..ConfigurationCatalogue::default() }
}

#[async_trait]
impl Configurations for Connection {
    /// Purchase and warranty are fields that people have made, by their types' forms or in properties of assets.
    async fn catalogue(&self) -> Result<ConfigurationCatalogue, PsaError> {
        let mut catalogue = offered();
        let settings = self.api.get("/settings", &[]).await?;
        let list = |key: &str| settings.pointer(&format!("/assets/{key}")).and_then(Value::as_array);
        let names = |key: &str| list(key).into_iter().flatten().filter_map(|row| wire::text(row, "name"));
        // Assets show the name of their type and not its id.
        let item =
            |name: &str| PickItem { value: name.to_owned(), label: name.to_owned(), ..PickItem::default() };
        catalogue.types = names("asset_types").map(item).collect();
        let mut made: BTreeSet<String> = names("asset_type_fields").map(ToOwned::to_owned).collect();
        let rows = self.page(PATH, KEY, &[], Place::START).await?;
        made.extend(rows.items.iter().flat_map(properties).map(|(name, _)| name.clone()));
        let made = made.iter().filter(|name| !is_own(name));
        catalogue.fields.extend(
            made.map(|name| ConfigurationField::new(&format!("{CUSTOM}{name}"), name, usual_target(name))),
        );
        Ok(catalogue)
    }

    async fn read_page(
        &self,
        query: &ConfigurationQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteConfiguration>, PsaError> {
        let mut asked = Vec::new();
        if let Some(company) = &query.company {
            asked.push(("customer_id", company.clone()));
        }
        let rows = self.page(PATH, KEY, &asked, Place::read(page)).await?;
        let items = rows.items.iter().filter_map(|row| self.configuration(row, query)).collect();
        Ok(RemotePage { items, next: rows.next.map(|place| place.word()), total: rows.total })
    }

    /// Properties are passed over when an asset is made: they are set afterwards.
    async fn create(&self, draft: &ConfigurationDraft) -> Result<RemoteConfiguration, PsaError> {
        let mut item = json!({
            "name": draft.name, "customer_id": wire_id("customer_id", &draft.company_external_id)?,
            "asset_type_name": draft.configuration_type,
        });
        if let (false, Some(item)) = (draft.serial_number.is_empty(), item.as_object_mut()) {
            item.insert("asset_serial".into(), json!(draft.serial_number));
        }
        let answer = self.api.post(PATH, &item).await?;
        let unknown = || PsaError::Unknown {
            detail: String::from("Syncro took the asset and answered without its id"),
        };
        let made = wire::record(answer, "asset").ok_or_else(unknown)?;
        let made = self.configuration(&made, &ConfigurationQuery::default()).ok_or_else(unknown)?;
        if properties_told(draft).is_empty() {
            return Ok(made);
        }
        Ok(self.update(&made.external_id, draft).await?.unwrap_or(made))
    }

    async fn update(
        &self,
        external_id: &str,
        draft: &ConfigurationDraft,
    ) -> Result<Option<RemoteConfiguration>, PsaError> {
        let path = format!("{PATH}/{}", wire_id("asset", external_id)?);
        let Some(there) = self.api.get_record(&path, "asset").await? else { return Ok(None) };
        let known = self.configuration(&there, &ConfigurationQuery::default());
        if let Some(known) = known.filter(|known| !draft.speaks_of(known)) {
            return Ok(Some(known));
        }
        // Whether a list that is sent takes the place of the one that is there is not documented: it holds all of it.
        let mut all: Map<String, Value> =
            properties(&there).map(|(name, value)| (name.clone(), value.clone())).collect();
        all.extend(properties_told(draft));
        let mut item = json!({ "name": draft.name, "properties": all });
        if let (false, Some(item)) = (draft.serial_number.is_empty(), item.as_object_mut()) {
            item.insert("asset_serial".into(), json!(draft.serial_number));
        }
        let answer = self.api.put(&path, &item).await?;
        let changed = wire::record(answer, "asset");
        let changed = changed.and_then(|row| self.configuration(&row, &ConfigurationQuery::default()));
        changed.map(Some).ok_or_else(|| PsaError::Unknown {
            detail: String::from("Syncro changed the asset and answered without its id"),
        })
    }
}

impl Connection {
    fn configuration(&self, row: &Value, query: &ConfigurationQuery) -> Option<RemoteConfiguration> {
        let id = wire::id(row, "id")?;
        let serial =
            wire::text(row, "asset_serial").map(|serial| ("asset_serial".to_owned(), serial.to_owned()));
        let said = properties(row).filter_map(|(name, value)| {
            let key = if is_own(name) { name.clone() } else { format!("{CUSTOM}{name}") };
            Some((key, field_text(value)?))
        });
        let fields = said.chain(serial).filter(|(key, _)| query.fields.contains(key)).collect();
        let kind = wire::text(row, "asset_type").map(|name| PickItem {
            value: name.to_owned(),
            label: name.to_owned(),
            ..PickItem::default()
        });
        Some(RemoteConfiguration {
            external_id: id.to_string(),
            name: wire::text(row, "name").map_or_else(|| format!("Asset {id}"), ToOwned::to_owned),
            company_external_id: wire::id(row, "customer_id").map(|id| id.to_string()),
            configuration_type: kind,
            // Assets in Syncro have no status.
            status: None,
            is_active: true,
            url: self.api.page(&format!("customer_assets/{id}")),
            fields,
        })
    }
}

fn is_own(name: &str) -> bool {
    OWN.iter().any(|(key, ..)| *key == name)
}

fn properties(row: &Value) -> impl Iterator<Item = (&String, &Value)> {
    row.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// What Syncro is told in properties. Purchase and warranty are fields that each account makes for itself.
fn properties_told(draft: &ConfigurationDraft) -> Map<String, Value> {
    [("os", &draft.os_type), ("ram", &draft.ram), ("manufacturer", &draft.manufacturer)]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name.to_owned(), json!(text)))
        .collect()
}

/// An id, which goes into an address.
fn wire_id(field: &str, text: &str) -> Result<i64, PsaError> {
    text.parse().map_err(|_| PsaError::Rejected {
        field: Some(field.to_owned()),
        reason: format!("{text} is no id of Syncro's"),
    })
}
