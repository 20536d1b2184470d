//! What Autotask says about the fields of an entity in this tenant: lengths, and the values of pick lists.

use std::{collections::BTreeMap, sync::Arc};

use entity::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{Connection, wire};
use crate::psa::PsaError;

/// How long they are believed: an administrator may change a list at any time.
const KEPT_SECS: i64 = 3_600;

/// One value of a pick list: a number, written as text here and as a number in records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    /// The value of the list above it under which it may be used.
    pub(super) parent: Option<String>,
    pub(super) is_active: bool,
    pub(super) is_system: bool,
    pub(super) is_default: bool,
    pub(super) order: i64,
}

/// One field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) length: Option<usize>,
    pub(super) is_required: bool,
    /// In the order of Autotask's own forms.
    pub(super) choices: Vec<Choice>,
}

/// The fields of an entity.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<Field>);

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The values of a pick list; none where there is no such list.
    pub(super) fn choices(&self, name: &str) -> &[Choice] {
        self.get(name).map(|field| field.choices.as_slice()).unwrap_or_default()
    }

    /// A value in words.
    pub(super) fn label(&self, name: &str, value: &str) -> Option<String> {
        self.choices(name).iter().find(|choice| choice.value == value).map(|choice| choice.label.clone())
    }
}

/// What was read, by entity, and when.
#[derive(Default)]
pub(super) struct Known(Mutex<BTreeMap<String, (Timestamp, Arc<Fields>)>>);

impl Connection {
    /// The fields of an entity, read once an hour.
    pub(super) async fn fields_of(&self, entity: &str) -> Result<Arc<Fields>, PsaError> {
        let now = self.api.http.clock.now();
        if let Some((at, fields)) = self.fields.0.lock().await.get(entity)
            && now < at.plus_secs(KEPT_SECS)
        {
            return Ok(Arc::clone(fields));
        }
        let path = format!("{entity}/entityInformation/fields");
        let answer = self.api.get(&path).await?;
        let rows = wire::get(&answer, "fields").and_then(Value::as_array).ok_or_else(|| {
            PsaError::Unavailable { detail: format!("Autotask's answer to {path} holds no fields") }
        })?;
        let fields = Arc::new(Fields(rows.iter().filter_map(field).collect()));
        self.fields.0.lock().await.insert(entity.to_owned(), (now, Arc::clone(&fields)));
        Ok(fields)
    }

    /// The fields of an entity where they were read before; no call is made for them.
    pub(super) async fn known_fields_of(&self, entity: &str) -> Option<Arc<Fields>> {
        self.fields.0.lock().await.get(entity).map(|(_, fields)| Arc::clone(fields))
    }

    /// How long a text may be. Autotask is asked only where the text is longer than what is safe anyway.
    pub(super) async fn room(&self, entity: &str, field: &str, text: &str, safe: usize) -> usize {
        if wire::length(text) <= safe {
            return safe;
        }
        match self.fields_of(entity).await {
            Ok(fields) => fields.get(field).and_then(|field| field.length).unwrap_or(safe).max(safe),
            Err(_) => safe,
        }
    }
}

fn field(row: &Value) -> Option<Field> {
    let mut choices: Vec<_> = wire::get(row, "picklistValues")
        .and_then(Value::as_array)
        .map(|rows| rows.iter().filter_map(choice).collect())
        .unwrap_or_default();
    choices.sort_by_key(|choice: &Choice| choice.order);
    Some(Field {
        name: wire::text(row, "name")?.to_owned(),
        length: wire::int(row, "length").and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0),
        is_required: wire::is(row, "isRequired").unwrap_or(false),
        choices,
    })
}

fn choice(row: &Value) -> Option<Choice> {
    let value = wire::int(row, "value")?.to_string();
    let parent = wire::get(row, "parentValue").and_then(wire::whole).filter(|parent| *parent > 0);
    Some(Choice {
        label: wire::text(row, "label").unwrap_or(&value).to_owned(),
        parent: parent.map(|parent| parent.to_string()),
        is_active: wire::is(row, "isActive").unwrap_or(true),
        is_system: wire::is(row, "isSystem").unwrap_or(false),
        is_default: wire::is(row, "isDefaultValue").unwrap_or(false),
        order: wire::int(row, "sortOrder").unwrap_or_default(),
        value,
    })
}
