//! What an entity tells about itself: rights, fields, picklists.

use serde_json::{Value, json};

use super::{
    answers::{Answer, no_such_path, no_such_verb},
    model::{Entity, Field, Kind, Pick, Spec, Verb},
    picks, seed,
    world::AutotaskWorld,
};
use crate::sandbox::frame::{Call, Reply};

impl AutotaskWorld {
    /// `/Tickets/entityInformation` and below. Needs no right of the entity.
    pub(super) fn information(&self, call: &Call, spec: &'static Spec, deeper: &[&str]) -> Answer {
        let answer = match deeper {
            [] => json!({ "info": self.entity_info(spec) }),
            [word] if word.eq_ignore_ascii_case("fields") => {
                let fields = spec.fields.iter().filter(|field| field.kind != Kind::Udfs);
                let fields: Vec<_> = fields.map(|field| self.field_info(spec, field)).collect();
                json!({ "fields": fields })
            }
            [word] if word.eq_ignore_ascii_case("userDefinedFields") => {
                let names: &[&str] = match spec.entity {
                    Entity::Tickets => seed::TICKET_UDFS,
                    Entity::Contacts => seed::CONTACT_UDFS,
                    _ => &[],
                };
                json!({ "fields": names.iter().map(|name| udf_info(name)).collect::<Vec<_>>() })
            }
            _ => return Err(no_such_path(call)),
        };
        if call.method == "GET" { Ok(Reply::ok(&answer)) } else { Err(no_such_verb(call)) }
    }

    fn entity_info(&self, spec: &Spec) -> Value {
        let access = |verb: Verb| {
            let may = spec.offers(verb) && self.may(spec.entity, verb);
            if may { "All" } else { "None" }
        };
        json!({
            "name": spec.name,
            "canCreate": spec.offers(Verb::Create),
            "canDelete": spec.offers(Verb::Delete),
            "canQuery": spec.offers(Verb::Query),
            "canUpdate": spec.offers(Verb::Update),
            "userAccessForCreate": access(Verb::Create),
            "userAccessForDelete": access(Verb::Delete),
            "userAccessForQuery": access(Verb::Query),
            "userAccessForUpdate": access(Verb::Update),
            "hasUserDefinedFields": spec.has_udfs(),
            "supportsWebhookCallouts": spec.has_webhooks,
        })
    }

    fn field_info(&self, spec: &Spec, field: &Field) -> Value {
        let picks = field.picks.map(|picks| {
            let rows = picks.iter().zip(1..).map(|(pick, order)| pick_info(pick, order));
            rows.collect::<Vec<_>>()
        });
        let in_webhooks = spec.entity == Entity::Tickets
            && picks::TICKET_WEBHOOK_FIELD.iter().any(|pick| pick.label.eq_ignore_ascii_case(field.name));
        json!({
            "name": field.name,
            "dataType": field.kind.name(),
            "length": self.length(spec, field),
            "isRequired": field.is_required,
            "isReadOnly": field.is_read_only,
            "isQueryable": field.is_queryable,
            "isReference": field.refers.is_some(),
            "referenceEntityType": field.refers.unwrap_or_default(),
            "isPickList": field.picks.is_some(),
            "picklistValues": picks,
            "picklistParentValueField": field.parent.unwrap_or_default(),
            "isSupportedWebhookField": in_webhooks,
        })
    }
}

/// Here a value is a text, in records it is a number.
fn pick_info(pick: &Pick, order: i32) -> Value {
    json!({
        "value": pick.value.to_string(),
        "label": pick.label,
        "isDefaultValue": pick.is_default,
        "sortOrder": order,
        "parentValue": pick.parent.map(|parent| parent.to_string()).unwrap_or_default(),
        "isActive": pick.is_active,
        "isSystem": pick.is_system,
    })
}

fn udf_info(name: &str) -> Value {
    json!({
        "name": name,
        "label": name,
        "type": "string",
        "dataType": "string",
        "length": 500,
        "isRequired": false,
        "isReadOnly": false,
        "isQueryable": true,
        "isPickList": false,
        "picklistValues": null,
    })
}
