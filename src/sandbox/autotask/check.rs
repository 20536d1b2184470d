//! Validation that every entity has in common: what is required, how long, from which list, to whom it refers.

use serde_json::Value;

use super::{
    model::{Entity, Field, Kind, Reads, Row, Spec},
    world::AutotaskWorld,
};

impl AutotaskWorld {
    /// How long a text may be.
    pub(super) fn length(&self, spec: &Spec, field: &Field) -> usize {
        match field.kind {
            Kind::Text(_) if spec.entity == Entity::TicketNotes && field.name == "description" => {
                self.options.note_length
            }
            Kind::Text(length) => length,
            _ => 0,
        }
    }

    /// What is wrong with the fields that are looked at. Words of lengths are our own, all others were seen.
    pub(super) fn complaints(
        &self,
        spec: &Spec,
        row: &Row,
        is_looked_at: impl Fn(&Field) -> bool,
    ) -> Vec<String> {
        let fields = spec.fields.iter().filter(|field| !field.is_read_only && is_looked_at(field));
        fields.filter_map(|field| self.complaint(spec, row, field)).collect()
    }

    fn complaint(&self, spec: &Spec, row: &Row, field: &Field) -> Option<String> {
        let (name, value) = (field.name, row.get(field.name)?);
        let is_blank = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        if is_blank {
            let text = format!("Value does not exist for the required field {name}");
            return field.is_required.then_some(text);
        }
        if let Some(text) = value.as_str() {
            let longest = self.length(spec, field);
            let is_long = matches!(field.kind, Kind::Text(_)) && text.chars().count() > longest;
            return is_long.then(|| format!("The value of {name} exceeds the maximum length of {longest}."));
        }
        let number = value.as_i64()?;
        if let Some(picks) = field.picks {
            let parent = field.parent.map(|parent| row.int(parent));
            let fits = picks.iter().any(|pick| {
                pick.value == number && pick.is_active && parent.is_none_or(|parent| pick.parent == parent)
            });
            return match field.parent {
                _ if fits => None,
                Some(_) => Some(format!("Value does not exist for child picklist: {name}")),
                None => Some(format!("Picklist value [{number}] does not exist for {name}.")),
            };
        }
        let target = field.refers?;
        match Spec::named(target).and_then(|spec| self.store.get(spec.entity, number)) {
            None => Some(format!("Value does not reference an existing entity for {name} . ")),
            Some(row) if is_active(row) => None,
            Some(_) => Some(format!(
                "Reference value on field: {name} of type: {target} does not exist or is invalid."
            )),
        }
    }
}

/// Whether new records may refer to this one; entities without the flag are always active.
fn is_active(row: &Row) -> bool {
    match row.get("isActive") {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        _ => true,
    }
}
