//! Companies and pick lists as a PSA shows them, in no platform's own words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A company as the PSA knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteCompany {
    /// The PSA's id.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// Its type in words, where the platform has types.
    pub company_type: Option<String>,
    /// Its status in words: `active` or `inactive` where the platform has no others.
    pub status: Option<String>,
    /// Whether the PSA still works for it.
    pub is_active: bool,
    /// Where a person opens it.
    pub url: Option<String>,
    /// A short name that people type, where the platform has one.
    pub code: Option<String>,
    /// Its market in words, where the platform has markets.
    pub market: Option<String>,
    /// Domains of its e-mail and web addresses, where the platform gives them: see [`super::names::domain`].
    pub email_domains: Vec<String>,
    /// Its types, status and market as values of the pick lists `company_type`, `company_status` and
    /// `company_market`.
    pub value_ids: BTreeMap<String, Vec<String>>,
}

impl RemoteCompany {
    /// With a value of one of the pick lists of companies, where it has one.
    #[must_use]
    pub fn with_value(mut self, list: &str, value: Option<String>) -> Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.value_ids.entry(list.to_owned()).or_default().push(value);
        }
        self
    }

    /// With the domain of an address, where it has one that says something.
    #[must_use]
    pub fn with_address(mut self, address: Option<&str>) -> Self {
        if let Some(domain) = address.and_then(super::names::domain)
            && !self.email_domains.contains(&domain)
        {
            self.email_domains.push(domain);
        }
        self
    }
}

/// A company to be created in the PSA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyDraft {
    /// Its name.
    pub name: String,
    /// Its type, as a value of the pick list `company_type`; the platform's ordinary customer where none is
    /// given.
    pub company_type: Option<String>,
    /// Its status, as a value of the pick list `company_status`; an active one where none is given.
    pub status: Option<String>,
    /// Telephone number; some platforms cannot do without one.
    pub phone: Option<String>,
}

/// Which companies to load. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyFilter {
    /// Part of the name, in any case.
    pub search: Option<String>,
    /// A type, as a value of the pick list `company_type`.
    pub company_type: Option<String>,
    /// A status, as a value of the pick list `company_status`.
    pub status: Option<String>,
    /// A market, as a value of the pick list `company_market`, where the platform has markets.
    #[serde(default)]
    pub market: Option<String>,
    /// Inactive ones too.
    pub include_inactive: bool,
}

/// One of the PSA's own lists of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePickList {
    /// Which list, e.g. `status`, `priority`, `category_1`.
    pub key: String,
    /// Its values, in the PSA's order.
    pub items: Vec<PickItem>,
    /// Why the list could not be loaded, for people. Its items are empty then, and the copy from
    /// before is worth keeping.
    pub problem: Option<String>,
}

/// One value of a pick list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickItem {
    /// What is sent to the PSA.
    pub value: String,
    /// What people see.
    pub label: String,
    /// What it hangs on: for each other list's key, the values under which this one may be used.
    /// A key that is absent sets no limit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parents: BTreeMap<String, Vec<String>>,
    /// For statuses: whether a ticket in it is closed, where the PSA tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<bool>,
}

/// What a configuration is known by here, in no platform's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigurationTarget {
    /// Its serial number.
    SerialNumber,
    /// The day on which it was bought.
    PurchaseDate,
    /// The day on which its warranty ends.
    ExpirationDate,
    /// Its memory.
    Ram,
    /// Its operating system.
    OsType,
    /// Who made it.
    Manufacturer,
}

impl ConfigurationTarget {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SerialNumber,
        Self::PurchaseDate,
        Self::ExpirationDate,
        Self::Ram,
        Self::OsType,
        Self::Manufacturer,
    ];
}

/// A field of configurations that the PSA has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationField {
    /// Its key in the PSA; `custom:` before it where people have made it there.
    pub key: String,
    /// As the PSA's own pages call it.
    pub label: String,
    /// What it usually says; the first of those that say the same goes before the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<ConfigurationTarget>,
    /// Why it cannot be read, and how to mend that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
}

impl ConfigurationField {
    /// A field that can be read.
    pub fn new(key: &str, label: &str, usual: Option<ConfigurationTarget>) -> Self {
        Self { key: key.to_owned(), label: label.to_owned(), usual, blocked: None }
    }
}

/// What a PSA has of configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationCatalogue {
    /// Their fields, in the PSA's order.
    pub fields: Vec<ConfigurationField>,
    /// Their types.
    pub types: Vec<PickItem>,
    /// Their statuses.
    pub statuses: Vec<PickItem>,
}

impl ConfigurationCatalogue {
    /// The field of that key.
    pub fn field(&self, key: &str) -> Option<&ConfigurationField> {
        self.fields.iter().find(|field| field.key == key)
    }
}

/// Which configurations to read, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationQuery {
    /// The keys of the fields.
    pub fields: Vec<String>,
    /// Of one of these types only, as values of the catalogue.
    pub types: Option<Vec<String>>,
    /// In one of these statuses only, as values of the catalogue.
    pub statuses: Option<Vec<String>>,
    /// Inactive ones too.
    pub include_inactive: bool,
    /// Of the company of this id in the PSA only.
    pub company: Option<String>,
}

impl ConfigurationQuery {
    /// Whether a configuration is one of them: a PSA may ignore a filter.
    pub fn keeps(&self, configuration: &RemoteConfiguration) -> bool {
        let is_of = |wanted: &Option<Vec<String>>, value: &Option<PickItem>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| value.as_ref().is_some_and(|value| wanted.contains(&value.value)))
        };
        (self.include_inactive || configuration.is_active)
            && is_of(&self.types, &configuration.configuration_type)
            && is_of(&self.statuses, &configuration.status)
    }
}

/// A configuration as the PSA knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteConfiguration {
    /// The PSA's id.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// The PSA's id of the company whose it is.
    pub company_external_id: Option<String>,
    /// Its type, as one of the catalogue's.
    pub configuration_type: Option<PickItem>,
    /// Its status, as one of the catalogue's.
    pub status: Option<PickItem>,
    /// Whether it is in use.
    pub is_active: bool,
    /// Where a person opens it.
    pub url: Option<String>,
    /// What it says, by the keys of fields that were asked for; what is empty is left out.
    pub fields: BTreeMap<String, String>,
}

/// What a PSA is to be told of a device; what is empty is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConfigurationDraft {
    /// Its name.
    pub name: String,
    /// The PSA's id of the company whose it is.
    pub company_external_id: String,
    /// Its type, as one of the catalogue's values.
    pub configuration_type: String,
    /// Its serial number.
    pub serial_number: String,
    /// The day on which it was bought, as in `2026-01-31`.
    pub purchased_on: String,
    /// The day on which its warranty ends, as in `2026-01-31`.
    pub expires_on: String,
    /// Its memory.
    pub ram: String,
    /// Its operating system.
    pub os_type: String,
    /// Who made it.
    pub manufacturer: String,
    /// The PSA's id of the product that a new one is of, where its platform wants one.
    #[serde(skip)]
    pub product: String,
    /// The types that the gateway speaks of: a configuration of another one is the PSA's own, and stays as it is.
    #[serde(skip)]
    pub own_types: Vec<String>,
}

impl ConfigurationDraft {
    /// Whether a configuration that is there is the gateway's to change.
    pub fn speaks_of(&self, there: &RemoteConfiguration) -> bool {
        there.configuration_type.as_ref().is_some_and(|kind| self.own_types.contains(&kind.value))
    }
}

/// What a field that people have made in a PSA says by its name, where that is one of the usual ones.
pub fn usual_target(label: &str) -> Option<ConfigurationTarget> {
    let name: String = label.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    Some(match name.as_str() {
        "serial" | "serialnumber" | "serialno" => ConfigurationTarget::SerialNumber,
        "purchasedate" | "datepurchased" | "dateofpurchase" | "purchased" => {
            ConfigurationTarget::PurchaseDate
        }
        "warrantyexpiration"
        | "warrantyexpirationdate"
        | "warrantyexpires"
        | "warrantyexpiry"
        | "warrantyend"
        | "warrantyenddate"
        | "expirationdate"
        | "expirydate" => ConfigurationTarget::ExpirationDate,
        "ram" | "memory" | "totalmemory" | "physicalmemory" => ConfigurationTarget::Ram,
        "os" | "ostype" | "operatingsystem" => ConfigurationTarget::OsType,
        "manufacturer" | "make" | "vendor" | "manufacturername" => ConfigurationTarget::Manufacturer,
        _ => return None,
    })
}

/// What stands before the keys of fields that people have made in a PSA.
pub const CUSTOM: &str = "custom:";

/// Text of a field as a PSA writes it, whatever its type; none where it says nothing.
pub fn field_text(value: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        Value::Object(object) => ["name", "label", "identifier", "value", "id"]
            .iter()
            .find_map(|key| field_text(object.get(*key)?))?,
        Value::Array(values) => values.iter().filter_map(field_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}
