//! Configurations: reading them, and what there is of fields, types and statuses.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Connection, conditions::Conditions, errors::Act, site, wire};
use crate::{
    psa::{Configurations, PsaError},
    sync::remote::{
        CUSTOM, ConfigurationCatalogue, ConfigurationDraft, ConfigurationField, ConfigurationQuery,
        ConfigurationTarget as Target, PickItem, RemoteConfiguration, field_text, usual_target,
    },
    tickets::remote::RemotePage,
};

/// How many types or statuses ConnectWise is asked for by their ids.
const MAX_CHOSEN: usize = 50;
const PATH: &str = "/company/configurations";
/// What is read of each whatever is asked for.
const FIELDS: &str = "id,name,type,status,company,activeFlag";
/// What stands before the keys of the questions of a configuration's type.
const QUESTION: &str = "question:";

/// Fields of every tenant (the vendor's document).
const OWN: [(&str, &str, Option<Target>); 21] = [
    ("serialNumber", "Serial Number", Some(Target::SerialNumber)),
    ("purchaseDate", "Purchase Date", Some(Target::PurchaseDate)),
    ("installationDate", "Install Date", Some(Target::PurchaseDate)),
    ("warrantyExpirationDate", "Expiration Date", Some(Target::ExpirationDate)),
    ("ram", "RAM", Some(Target::Ram)),
    ("osType", "OS Type", Some(Target::OsType)),
    ("manufacturer", "Manufacturer Name", Some(Target::Manufacturer)),
    ("deviceIdentifier", "Device Identifier", None),
    ("modelNumber", "Model Number", None),
    ("tagNumber", "Tag Number", None),
    ("osInfo", "OS Info", None),
    ("cpuSpeed", "CPU Speed", None),
    ("localHardDrives", "Local Hard Drives", None),
    ("macAddress", "MAC Address", None),
    ("ipAddress", "IP Address", None),
    ("defaultGateway", "Default Gateway", None),
    ("lastLoginName", "Last Login", None),
    ("manufacturerPartNumber", "Manufacturer Part Number", None),
    ("vendor", "Vendor", None),
    ("contact", "Contact", None),
    ("site", "Site", None),
];

/// What every tenant has.
pub(super) fn offered() -> ConfigurationCatalogue {
    let fields = OWN.iter().map(|(key, label, usual)| ConfigurationField::new(key, label, *usual));
    ConfigurationCatalogue { fields: fields.collect(), ..ConfigurationCatalogue::default() }
}

#[async_trait]
impl Configurations for Connection {
    /// Fields that people have made are seen in rows: no list of ConnectWise says which of them are configurations'.
    async fn catalogue(&self) -> Result<ConfigurationCatalogue, PsaError> {
        let mut catalogue = offered();
        let item = |row: &Value, name: &str| {
            let label = wire::text(row, name).or_else(|| wire::text(row, "name"))?.to_owned();
            Some(PickItem { value: wire::id(row, "id")?.to_string(), label, ..PickItem::default() })
        };
        let types = self.all_rows("/company/configurations/types", &[]).await?;
        catalogue.types = types.iter().filter_map(|row| item(row, "name")).collect();
        let statuses = self.all_rows("/company/configurations/statuses", &[]).await?;
        // The name of a status is in its description.
        catalogue.statuses = statuses.iter().filter_map(|row| item(row, "description")).collect();
        let fields = vec![("fields", "id,customFields,questions".to_owned())];
        let rows = self.page_after(PATH, Conditions::default(), &fields, 0).await?;
        let mut made: BTreeMap<String, String> = BTreeMap::new();
        for (key, label) in rows.items.iter().flat_map(|row| made_of(row).map(|(key, label, _)| (key, label)))
        {
            made.entry(key).or_insert(label);
        }
        let made =
            made.into_iter().map(|(key, label)| ConfigurationField::new(&key, &label, usual_target(&label)));
        catalogue.fields.extend(made);
        Ok(catalogue)
    }

    async fn read_page(
        &self,
        query: &ConfigurationQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteConfiguration>, PsaError> {
        let after = page.and_then(|word| word.parse().ok()).unwrap_or(0);
        let mut fields = FIELDS.to_owned();
        for (key, ..) in OWN.iter().filter(|(key, ..)| query.fields.iter().any(|wanted| wanted == key)) {
            fields.push(',');
            fields.push_str(key);
        }
        for (kind, list) in [(CUSTOM, ",customFields"), (QUESTION, ",questions")] {
            if query.fields.iter().any(|key| key.starts_with(kind)) {
                fields.push_str(list);
            }
        }
        let mut conditions = Conditions::default();
        if !query.include_inactive {
            conditions = conditions.flag("activeFlag", true);
        }
        if let Some(company) = &query.company {
            conditions = conditions.is("company/id", number("company", company)?);
        }
        for (field, chosen) in [("type/id", &query.types), ("status/id", &query.statuses)] {
            let ids: Option<Vec<i64>> =
                chosen.as_ref().and_then(|chosen| chosen.iter().map(|value| value.parse().ok()).collect());
            // More would make the address too long; what is too much is left out here, too.
            if let Some(ids) = ids.filter(|ids| (1..=MAX_CHOSEN).contains(&ids.len())) {
                conditions = conditions.among(field, &ids);
            }
        }
        // How far a run has come is worth a call, not a failure.
        let is_first = page.is_none() && query.company.is_none();
        let total = if is_first { self.configuration_count(&conditions).await.ok().flatten() } else { None };
        let rows = self.page_after(PATH, conditions, &[("fields", fields)], after).await?;
        let items = rows.items.iter().filter_map(|row| self.configuration(row, query)).collect();
        Ok(RemotePage { items, next: rows.next.map(|id| id.to_string()), total })
    }

    async fn create(&self, draft: &ConfigurationDraft) -> Result<RemoteConfiguration, PsaError> {
        let mut item = serde_json::Map::new();
        for (field, text) in [("company", &draft.company_external_id), ("type", &draft.configuration_type)] {
            item.insert(field.into(), json!({ "id": number(field, text)? }));
        }
        item.extend(told(draft).into_iter().map(|(field, value)| (field.to_owned(), value)));
        let made = self.api.post(Act::Add, PATH, &Value::Object(item)).await?;
        self.configuration(&made, &ConfigurationQuery::default()).ok_or_else(|| PsaError::Unknown {
            detail: String::from("ConnectWise took the configuration and answered without its id"),
        })
    }

    async fn update(
        &self,
        external_id: &str,
        draft: &ConfigurationDraft,
    ) -> Result<Option<RemoteConfiguration>, PsaError> {
        let path = format!("{PATH}/{}", number("configuration", external_id)?);
        let there = self.api.record(&path, &[("fields", "id,name,company,type".to_owned())]).await?;
        let there = there.and_then(|row| self.configuration(&row, &ConfigurationQuery::default()));
        let Some(there) = there else { return Ok(None) };
        if !draft.speaks_of(&there) {
            return Ok(Some(there));
        }
        let changed = self.api.patch(Act::Edit, &path, &told(draft)).await?;
        let changed = self.configuration(&changed, &ConfigurationQuery::default());
        changed.map(Some).ok_or_else(|| PsaError::Unknown {
            detail: String::from("ConnectWise changed the configuration and answered without its id"),
        })
    }

    async fn attach(&self, ticket: &str, external_id: &str) -> Result<(), PsaError> {
        self.attach_configuration(ticket, external_id).await
    }
}

impl Connection {
    async fn configuration_count(&self, conditions: &Conditions) -> Result<Option<u64>, PsaError> {
        let text = conditions.text();
        let query = if text.is_empty() { Vec::new() } else { vec![("conditions", text)] };
        let answer = self.api.get(&format!("{PATH}/count"), &query).await?;
        Ok(wire::field(&answer, "count").and_then(Value::as_u64))
    }

    fn configuration(&self, row: &Value, query: &ConfigurationQuery) -> Option<RemoteConfiguration> {
        let id = wire::id(row, "id")?;
        let reference = |key: &str| {
            let value = wire::reference(row, key)?.to_string();
            let label = wire::name(row, key).map_or_else(|| value.clone(), ToOwned::to_owned);
            Some(PickItem { value, label, ..PickItem::default() })
        };
        let own =
            OWN.iter().filter_map(|(key, ..)| Some(((*key).to_owned(), field_text(wire::field(row, key)?)?)));
        let made = made_of(row).filter_map(|(key, _, value)| Some((key, field_text(value?)?)));
        let fields = own.chain(made).filter(|(key, _)| query.fields.contains(key)).collect();
        Some(RemoteConfiguration {
            external_id: id.to_string(),
            name: wire::text(row, "name").map_or_else(|| format!("Configuration {id}"), ToOwned::to_owned),
            company_external_id: wire::reference(row, "company").map(|id| id.to_string()),
            configuration_type: reference("type"),
            status: reference("status"),
            is_active: wire::is(row, "activeFlag") != Some(false),
            url: site::configuration_page(&self.api.login.site, &self.api.login.company_id, id),
            fields,
        })
    }
}

/// What ConnectWise is told. Makers are records of its own there, which the gateway does not make.
fn told(draft: &ConfigurationDraft) -> Vec<(&'static str, Value)> {
    let mut told = vec![("name", json!(draft.name))];
    for (field, text) in
        [("serialNumber", &draft.serial_number), ("ram", &draft.ram), ("osType", &draft.os_type)]
    {
        if !text.is_empty() {
            told.push((field, json!(text)));
        }
    }
    for (field, day) in [("purchaseDate", &draft.purchased_on), ("warrantyExpirationDate", &draft.expires_on)]
    {
        if !day.is_empty() {
            told.push((field, json!(format!("{day}T00:00:00Z"))));
        }
    }
    told
}

/// Fields that people have made: their keys, captions and what they say.
fn made_of(row: &Value) -> impl Iterator<Item = (String, String, Option<&Value>)> {
    let list = |key: &str| wire::field(row, key).and_then(Value::as_array).into_iter().flatten();
    let custom = list("customFields").filter_map(|field| {
        let caption = wire::text(field, "caption")?;
        Some((format!("{CUSTOM}{caption}"), caption.to_owned(), wire::field(field, "value")))
    });
    let questions = list("questions").filter_map(|field| {
        let question = wire::text(field, "question")?;
        Some((format!("{QUESTION}{question}"), question.to_owned(), wire::field(field, "answer")))
    });
    custom.chain(questions)
}

fn number(field: &str, text: &str) -> Result<i64, PsaError> {
    text.parse().map_err(|_| PsaError::Rejected {
        field: Some(field.to_owned()),
        reason: format!("{text} is no id of ConnectWise's"),
    })
}
