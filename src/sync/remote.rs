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
