//! Configurations, which Autotask calls configuration items (older: installed products).

use std::collections::BTreeSet;

use async_trait::async_trait;
use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Connection,
    api::{PAGE_SIZE, Query, condition},
    fields::Fields,
    verify::may,
    wire,
};
use crate::{
    psa::{Configurations, PsaError},
    sync::remote::{
        CUSTOM, ConfigurationCatalogue, ConfigurationDraft, ConfigurationField, ConfigurationQuery,
        ConfigurationTarget as Target, PickItem, RemoteConfiguration, field_text, usual_target,
    },
    tickets::remote::RemotePage,
};

const ENTITY: &str = "ConfigurationItems";
const TYPE: &str = "configurationItemType";
/// The product's id stands for its maker until the catalogue of products has been asked.
const MAKER: &str = "product.manufacturerName";

/// Fields of every tenant. There is no day of purchase: that of installation stands in.
const OWN: [(&str, &str, Option<Target>); 12] = [
    ("serialNumber", "Serial Number", Some(Target::SerialNumber)),
    ("installDate", "Install Date", Some(Target::PurchaseDate)),
    ("warrantyExpirationDate", "Warranty Expiration Date", Some(Target::ExpirationDate)),
    ("rmmDeviceAuditMemoryBytes", "RMM Memory (bytes)", Some(Target::Ram)),
    ("rmmDeviceAuditOperatingSystem", "RMM Operating System", Some(Target::OsType)),
    (MAKER, "Product Manufacturer", Some(Target::Manufacturer)),
    ("referenceNumber", "Reference Number", None),
    ("rmmDeviceAuditHostname", "RMM Hostname", None),
    ("rmmDeviceAuditIPAddress", "RMM IP Address", None),
    ("rmmDeviceAuditMacAddress", "RMM MAC Address", None),
    ("location", "Location", None),
    ("notes", "Notes", None),
];

/// What every tenant has.
pub(super) fn offered() -> ConfigurationCatalogue {
    let fields = OWN.iter().map(|(key, label, usual)| ConfigurationField::new(key, label, *usual));
    ConfigurationCatalogue { fields: fields.collect(), ..ConfigurationCatalogue::default() }
}

#[async_trait]
impl Configurations for Connection {
    async fn catalogue(&self) -> Result<ConfigurationCatalogue, PsaError> {
        // Who may not see them is shown an empty list, as if there were none.
        let rights = self.rights(ENTITY).await?;
        if !may(&rights, "canQuery", "userAccessForQuery") {
            let missing = String::from("Configuration Items (view) in the security level of the API user");
            return Err(PsaError::Forbidden { missing });
        }
        let mut catalogue = offered();
        let known = self.fields_of(ENTITY).await?;
        for field in &mut catalogue.fields {
            if field.key != MAKER && known.get(&field.key).is_none() {
                field.blocked = Some(String::from(
                    "this login does not see it in Autotask; give its security level the right to view the field",
                ));
            }
        }
        let choices = known.choices(TYPE).iter().filter(|choice| choice.is_active);
        catalogue.types = choices.map(|choice| pick(&choice.value, &choice.label)).collect();
        catalogue.statuses = vec![pick("active", "Active"), pick("inactive", "Inactive")];
        let answer = self.api.get(&format!("{ENTITY}/entityInformation/userDefinedFields")).await?;
        let made = wire::get(&answer, "fields").and_then(Value::as_array);
        let names: Vec<&str> =
            made.into_iter().flatten().filter_map(|field| wire::text(field, "name")).collect();
        let hidden = if names.is_empty() { BTreeSet::new() } else { self.hidden_fields().await? };
        for name in names {
            let mut field = ConfigurationField::new(&format!("{CUSTOM}{name}"), name, usual_target(name));
            if hidden.contains(name) {
                field.blocked = Some(String::from(
                    "it is marked Protected in Autotask; let the API user's security level view protected data, or take \
                     the mark away",
                ));
            }
            catalogue.fields.push(field);
        }
        Ok(catalogue)
    }

    async fn read_page(
        &self,
        query: &ConfigurationQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteConfiguration>, PsaError> {
        let after = page.map(|word| wire::number("page", word)).transpose()?;
        let mut fields = vec!["id", "companyID", TYPE, "isActive", "referenceTitle", "productID"];
        let own = OWN.iter().map(|(key, ..)| *key).filter(|key| *key != MAKER);
        fields.extend(own.filter(|key| query.fields.iter().any(|wanted| wanted == key)));
        if query.fields.iter().any(|key| key.starts_with(CUSTOM)) {
            fields.push("userDefinedFields");
        }
        let mut filter = Vec::new();
        if !query.include_inactive {
            filter.push(condition("eq", "isActive", true));
        }
        if let Some(company) = &query.company {
            filter.push(condition("eq", "companyID", wire::number("company", company)?));
        }
        let types: Option<Vec<i64>> =
            query.types.as_ref().and_then(|types| types.iter().map(|value| value.parse().ok()).collect());
        // What is too much is left out here, too.
        if let Some(types) = types.filter(|types| (1..=PAGE_SIZE).contains(&types.len())) {
            filter.push(condition("in", TYPE, types));
        }
        let asked = Query { entity: ENTITY, fields: &fields, filter };
        // How far a run has come is worth a call, not a failure.
        let is_first = after.is_none() && query.company.is_none();
        let total = if is_first { self.api.count(&asked).await.ok().flatten() } else { None };
        let rows = self.api.page(&asked, after, PAGE_SIZE).await?;
        let known = self.fields_of(ENTITY).await.ok();
        let makers = if query.fields.iter().any(|key| key == MAKER) {
            self.makers(&rows.rows).await?
        } else {
            Vec::new()
        };
        let items =
            rows.rows.iter().filter_map(|row| configuration(row, query, known.as_deref(), &makers)).collect();
        Ok(RemotePage { items, next: rows.next.map(|id| id.to_string()), total })
    }

    async fn create(&self, draft: &ConfigurationDraft) -> Result<RemoteConfiguration, PsaError> {
        if draft.product.is_empty() {
            let reason = "Autotask makes no configuration item without a product; choose one (configurationSyncSet with \
                          writtenProduct: its id in Autotask)";
            return Err(PsaError::Rejected {
                field: Some("productID".to_owned()),
                reason: reason.to_owned(),
            });
        }
        let mut item = Map::new();
        for (field, value) in [
            ("companyID", &draft.company_external_id),
            (TYPE, &draft.configuration_type),
            ("productID", &draft.product),
        ] {
            item.insert(field.into(), json!(wire::number(field, value)?));
        }
        item.insert("isActive".into(), json!(true));
        // There is no day of purchase, and none may be missing.
        item.insert("installDate".into(), json!(wire::written_time(self.api.http.clock.now())));
        item.extend(told(draft));
        // Autotask answers with the id alone.
        let id = self.api.create(ENTITY, &Value::Object(item)).await?;
        Ok(RemoteConfiguration {
            external_id: id.to_string(),
            name: draft.name.clone(),
            company_external_id: Some(draft.company_external_id.clone()),
            configuration_type: Some(pick(&draft.configuration_type, &draft.configuration_type)),
            is_active: true,
            ..RemoteConfiguration::default()
        })
    }

    async fn update(
        &self,
        external_id: &str,
        draft: &ConfigurationDraft,
    ) -> Result<Option<RemoteConfiguration>, PsaError> {
        let id = wire::record_id("id", external_id)?;
        let there = self.api.get_item(ENTITY, id).await?;
        let there = there.and_then(|row| configuration(&row, &ConfigurationQuery::default(), None, &[]));
        let Some(there) = there else { return Ok(None) };
        if !draft.speaks_of(&there) {
            return Ok(Some(there));
        }
        let mut item = told(draft);
        item.insert("id".into(), json!(id));
        self.api.patch(ENTITY, &Value::Object(item)).await?;
        Ok(Some(RemoteConfiguration { name: draft.name.clone(), ..there }))
    }
}

/// What Autotask is told. Memory, operating system and maker are what audits of RMM products write there.
fn told(draft: &ConfigurationDraft) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("referenceTitle".into(), json!(draft.name));
    if !draft.serial_number.is_empty() {
        told.insert("serialNumber".into(), json!(draft.serial_number));
    }
    for (field, day) in [("installDate", &draft.purchased_on), ("warrantyExpirationDate", &draft.expires_on)]
    {
        if let Some(at) = Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")) {
            told.insert(field.into(), json!(wire::written_time(at)));
        }
    }
    told
}

impl Connection {
    /// Fields that are marked Protected and of which this login is shown nothing.
    async fn hidden_fields(&self) -> Result<BTreeSet<String>, PsaError> {
        let query = Query {
            entity: "UserDefinedFieldDefinitions",
            fields: &["id", "name", "isProtected"],
            filter: Vec::new(),
        };
        let rows = match self.api.all(&query).await {
            Ok(rows) => rows,
            // Without the right to see definitions nothing is known of marks.
            Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => return Ok(BTreeSet::new()),
            Err(error) => return Err(error),
        };
        let is_marked = |row: &&Value| wire::is(row, "isProtected") == Some(true);
        let names = rows.iter().filter(is_marked).filter_map(|row| wire::text(row, "name"));
        let mut hidden: BTreeSet<String> = names.map(ToOwned::to_owned).collect();
        if hidden.is_empty() {
            return Ok(hidden);
        }
        let query = Query { entity: ENTITY, fields: &["id", "userDefinedFields"], filter: Vec::new() };
        let rows = self.api.page(&query, None, PAGE_SIZE).await?;
        let shown = rows.rows.iter().flat_map(made_of).filter(|(_, value)| field_text(value).is_some());
        for (key, _) in shown {
            hidden.remove(key.trim_start_matches(CUSTOM));
        }
        Ok(hidden)
    }

    /// Who made the products of a page.
    async fn makers(&self, rows: &[Value]) -> Result<Vec<(i64, String)>, PsaError> {
        let ids: BTreeSet<i64> = rows.iter().filter_map(|row| wire::id(row, "productID")).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = ids.into_iter().collect();
        let filter = vec![condition("in", "id", ids)];
        let query = Query { entity: "Products", fields: &["id", "manufacturerName"], filter };
        let rows = match self.api.page(&query, None, PAGE_SIZE).await {
            Ok(page) => page.rows,
            // Who made it is worth a call, not a failure.
            Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let maker =
            |row: &Value| Some((wire::id(row, "id")?, wire::text(row, "manufacturerName")?.to_owned()));
        Ok(rows.iter().filter_map(maker).collect())
    }
}

fn configuration(
    row: &Value,
    query: &ConfigurationQuery,
    known: Option<&Fields>,
    makers: &[(i64, String)],
) -> Option<RemoteConfiguration> {
    let id = wire::id(row, "id")?;
    let is_active = wire::is(row, "isActive") != Some(false);
    let own = OWN.iter().filter_map(|(key, ..)| Some(((*key).to_owned(), field_text(wire::get(row, key)?)?)));
    let product = wire::id(row, "productID");
    let maker = makers.iter().find(|(id, _)| Some(*id) == product);
    let maker = maker.map(|(_, name)| (MAKER.to_owned(), name.clone()));
    let made = made_of(row).filter_map(|(key, value)| Some((key, field_text(value)?)));
    let fields = own.chain(maker).chain(made).filter(|(key, _)| query.fields.contains(key)).collect();
    let kind = wire::int(row, TYPE).map(|value| {
        let value = value.to_string();
        let label = known.and_then(|known| known.label(TYPE, &value)).unwrap_or_else(|| value.clone());
        pick(&value, &label)
    });
    let name = wire::text(row, "referenceTitle").or_else(|| wire::text(row, "serialNumber"));
    Some(RemoteConfiguration {
        external_id: id.to_string(),
        name: name.map_or_else(|| format!("Configuration item {id}"), ToOwned::to_owned),
        company_external_id: wire::int(row, "companyID").map(|id| id.to_string()),
        configuration_type: kind,
        status: Some(if is_active { pick("active", "Active") } else { pick("inactive", "Inactive") }),
        is_active,
        // No source tells the address of a configuration item's page.
        url: None,
        fields,
    })
}

fn pick(value: &str, label: &str) -> PickItem {
    PickItem { value: value.to_owned(), label: label.to_owned(), ..PickItem::default() }
}

/// What fields say that people have made.
fn made_of(row: &Value) -> impl Iterator<Item = (String, &Value)> {
    let list = wire::get(row, "userDefinedFields").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|field| {
        Some((format!("{CUSTOM}{}", wire::text(field, "name")?), wire::get(field, "value")?))
    })
}
