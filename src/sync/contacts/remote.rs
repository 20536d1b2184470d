//! Contacts as a PSA shows them, in no platform's own words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sync::remote::PickItem;

/// What stands before the keys of fields that people have made in a PSA.
pub const CUSTOM: &str = "custom:";

/// What a platform says of its contacts, beside their names and addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContactAbilities {
    /// Contacts have types.
    pub types: bool,
    /// It says who is inactive.
    pub inactive: bool,
    /// People can make fields of their own there.
    pub custom_fields: bool,
}

/// A field of contacts that the PSA has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactField {
    /// Its key in the PSA; [`CUSTOM`] before it where people have made it there.
    pub key: String,
    /// As the PSA's own pages call it.
    pub label: String,
}

/// What a PSA has of contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCatalogue {
    /// Their fields beside name, e-mail, telephone and job title, in the PSA's order.
    pub fields: Vec<ContactField>,
    /// Their types.
    pub types: Vec<PickItem>,
    /// Fields that people have made were seen in some rows: there may be others.
    #[serde(default)]
    pub is_sampled: bool,
}

impl ContactCatalogue {
    /// With these fields of every tenant.
    pub fn of(fields: &[(&str, &str)]) -> Self {
        let field =
            |(key, label): &(&str, &str)| ContactField { key: (*key).to_owned(), label: (*label).to_owned() };
        Self { fields: fields.iter().map(field).collect(), ..Self::default() }
    }

    /// With fields, by their names, that people have made.
    pub fn add_made(&mut self, names: impl IntoIterator<Item = String>) {
        let made = names.into_iter().map(|label| ContactField { key: format!("{CUSTOM}{label}"), label });
        self.fields.extend(made);
    }

    /// With fields that were seen before, where not all of them need to show in the rows that were looked at now.
    pub fn remember(&mut self, before: &Self) {
        if self.is_sampled {
            let is_missed =
                |field: &&ContactField| field.key.starts_with(CUSTOM) && self.field(&field.key).is_none();
            let missed: Vec<_> = before.fields.iter().filter(is_missed).cloned().collect();
            self.fields.extend(missed);
        }
    }

    /// The field of that key.
    pub fn field(&self, key: &str) -> Option<&ContactField> {
        self.fields.iter().find(|field| field.key == key)
    }
}

/// A condition on a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldCondition {
    /// The key of the field.
    pub key: String,
    /// It says one of these, in any case; anything where it is none.
    #[serde(default)]
    pub values: Option<Vec<String>>,
    /// Whether it says anything at all.
    #[serde(default)]
    pub is_known: Option<bool>,
}

impl FieldCondition {
    fn holds(&self, said: Option<&str>) -> bool {
        let is_one = |values: &Vec<String>| {
            said.is_some_and(|said| {
                values.iter().any(|value| value.trim().to_lowercase() == said.to_lowercase())
            })
        };
        self.values.as_ref().is_none_or(is_one)
            && self.is_known.is_none_or(|is_known| is_known == said.is_some())
    }
}

/// Which contacts to read, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactQuery {
    /// The keys of the fields.
    pub fields: Vec<String>,
    /// Of one of these types only, as values of the catalogue.
    pub types: Option<Vec<String>>,
    /// What their fields must say.
    pub conditions: Vec<FieldCondition>,
    /// Inactive ones too.
    pub include_inactive: bool,
}

impl ContactQuery {
    /// Whether a field is asked for.
    pub fn has(&self, key: &str) -> bool {
        self.fields.iter().any(|wanted| wanted == key)
    }

    /// Whether a field that people have made is asked for.
    pub fn has_made(&self) -> bool {
        self.fields.iter().any(|key| key.starts_with(CUSTOM))
    }

    /// Whether a contact is one of them: a PSA may ignore a filter.
    pub fn keeps(&self, contact: &RemoteContact) -> bool {
        let is_of = |types: &Vec<String>| contact.types.iter().any(|kind| types.contains(&kind.value));
        let holds = |condition: &FieldCondition| {
            condition.holds(contact.fields.get(&condition.key).map(String::as_str))
        };
        (self.include_inactive || contact.is_active)
            && self.types.as_ref().is_none_or(is_of)
            && self.conditions.iter().all(holds)
    }
}

/// A contact as the PSA knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteContact {
    /// The PSA's id.
    pub external_id: String,
    /// Their name.
    pub name: String,
    /// The PSA's id of the company whose contact it is.
    pub company_external_id: Option<String>,
    /// Their e-mail addresses, the main one first.
    pub emails: Vec<String>,
    /// Their telephone number.
    pub phone: Option<String>,
    /// What they are at the customer.
    pub job_title: Option<String>,
    /// Their types, as those of the catalogue.
    pub types: Vec<PickItem>,
    /// Whether the PSA lists them as active.
    pub is_active: bool,
    /// Where a person opens them.
    pub url: Option<String>,
    /// What else is known, by the keys of fields that were asked for; what is empty is left out.
    pub fields: BTreeMap<String, String>,
}

/// A name from its parts; none where there is none.
pub fn full_name(parts: &[Option<&str>]) -> Option<String> {
    let parts: Vec<&str> =
        parts.iter().flatten().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Text of a field as a PSA writes it, whatever its type; none where it says nothing.
pub fn field_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        Value::Object(object) => {
            ["name", "label", "value", "id"].iter().find_map(|key| field_text(object.get(*key)?))?
        }
        Value::Array(values) => values.iter().filter_map(field_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_on_a_field_holds_for_what_it_says_in_any_case() {
        let mut contact = RemoteContact { is_active: true, ..RemoteContact::default() };
        contact.fields.insert("custom:VIP".to_owned(), "Yes".to_owned());
        let keeps = |condition: FieldCondition| {
            ContactQuery { conditions: vec![condition], ..ContactQuery::default() }.keeps(&contact)
        };
        let of = |key: &str, values: &[&str]| FieldCondition {
            key: key.to_owned(),
            values: Some(values.iter().map(ToString::to_string).collect()),
            is_known: None,
        };
        assert!(keeps(of("custom:VIP", &["no", " yes "])));
        assert!(!keeps(of("custom:VIP", &["no"])));
        assert!(!keeps(of("custom:Floor", &["2"])));
        let known = |key: &str, is_known| FieldCondition {
            key: key.to_owned(),
            values: None,
            is_known: Some(is_known),
        };
        assert!(keeps(known("custom:VIP", true)) && keeps(known("custom:Floor", false)));
        assert!(!keeps(known("custom:Floor", true)));
    }
}
