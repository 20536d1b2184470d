//! Writing, the same for every entity: read, fill in, check, keep, tell.

use serde_json::Value;

use super::{
    access::Actor,
    answers::{Answer, refused, refused_for, written},
    bind::{self, Wanted},
    dates,
    events::Action,
    model::{Child, Entity, Kind, Reads, Row, Spec},
    store::Store,
    world::AutotaskWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// What is wrong with a record, if anything.
pub(super) type Complaints = Result<(), Vec<String>>;

impl AutotaskWorld {
    /// POST.
    pub(super) fn create(
        &mut self,
        call: &Call,
        spec: &'static Spec,
        parent: Option<(Child, i64)>,
        body: &Value,
        actor: Actor,
    ) -> Answer {
        let mut wanted = bind::read(spec, body)?;
        if wanted.id.is_some() {
            return Err(refused("The id of a new record cannot be chosen."));
        }
        place_below(&mut wanted, parent)?;
        let mut row = Store::blank(spec);
        refuse_read_only(spec, &row, &wanted.values)?;
        row.extend(wanted.values);
        fill_in(spec, &mut row);
        let mut complaints = self.complaints(spec, &row, |_| true);
        complaints.extend(self.rules(spec.entity, None, &mut row, actor).err().unwrap_or_default());
        if !complaints.is_empty() {
            return Err(refused_for(&complaints));
        }
        let now = self.ground.clock.now();
        self.stamp(spec, &mut row, actor, true);
        let id = self.store.next_id(spec);
        self.store.put(spec.entity, id, row, now.plus_millis(call.search_lag_ms));
        self.after_write(spec.entity, id, None, actor);
        Ok(written(id))
    }

    /// PATCH changes what is named; PUT empties what is not.
    pub(super) fn update(
        &mut self,
        spec: &'static Spec,
        parent: Option<(Child, i64)>,
        body: &Value,
        replaces: bool,
        actor: Actor,
    ) -> Answer {
        let mut wanted = bind::read(spec, body)?;
        let id = wanted.id.ok_or_else(|| refused("Value does not exist for the required field id"))?;
        if !self.is_below(spec.entity, id, parent) {
            return Err(no_such_record());
        }
        place_below(&mut wanted, parent)?;
        let before = self.store.get(spec.entity, id).cloned().ok_or_else(no_such_record)?;
        refuse_read_only(spec, &before, &wanted.values)?;
        let mut row = before.clone();
        let writable = spec.fields.iter().filter(|field| !field.is_read_only && field.kind != Kind::Udfs);
        for field in writable.filter(|_| replaces) {
            row.insert(field.name.to_owned(), Value::Null);
        }
        if let Some(udfs) = wanted.values.get_mut("userDefinedFields") {
            let known = before.get("userDefinedFields").unwrap_or(&Value::Null);
            *udfs = bind::merge_udfs(known, udfs);
        }
        let named: Vec<String> = wanted.values.keys().cloned().collect();
        row.extend(wanted.values);
        // What is sent is looked at again, changed or not: whole records fail for unrelated reasons
        // (Anteris-Dev/autotask-client#70).
        let is_named = |name: &str| replaces || named.iter().any(|named| named == name);
        let mut complaints =
            self.complaints(spec, &row, |field| is_named(field.name) || field.parent.is_some_and(&is_named));
        complaints.extend(self.rules(spec.entity, Some(&before), &mut row, actor).err().unwrap_or_default());
        if !complaints.is_empty() {
            return Err(refused_for(&complaints));
        }
        self.keep(spec, id, &before, row, actor);
        Ok(written(id))
    }

    /// Puts a changed record in the place of the old one, and tells who wants to know.
    pub(super) fn keep(&mut self, spec: &'static Spec, id: i64, before: &Row, mut row: Row, actor: Actor) {
        if row != *before {
            self.stamp(spec, &mut row, actor, false);
        }
        if let Some(kept) = self.store.get_mut(spec.entity, id) {
            *kept = row;
        }
        self.after_write(spec.entity, id, Some(before), actor);
    }

    /// DELETE; a record that is not there is a 500.
    pub(super) fn delete(&mut self, spec: &Spec, id: i64, parent: Option<(Child, i64)>) -> Answer {
        if !self.is_below(spec.entity, id, parent) || !self.store.delete(spec.entity, id) {
            return Err(refused(
                "No message. No matching records found. The logged in Resource may not have the required \
                 permissions to delete the data.",
            ));
        }
        if spec.entity == Entity::TicketWebhooks {
            self.forget_webhook(id);
        }
        Ok(written(id))
    }

    /// The rules of an entity, beyond what its fields say; fills in what the server sets.
    fn rules(&self, entity: Entity, before: Option<&Row>, row: &mut Row, actor: Actor) -> Complaints {
        match entity {
            Entity::Tickets => self.ticket_rules(before, row, actor),
            Entity::ConfigurationItems => self.same_company(row, "ConfigurationItem"),
            Entity::TicketWebhooks => self.webhook_rules(before, row),
            Entity::TicketWebhookFields | Entity::TicketWebhookExcludedResources => {
                self.webhook_part_rules(entity, before, row)
            }
            Entity::ContractServiceAdjustments => self.adjustment_rules(row),
            _ => Ok(()),
        }
    }

    /// Who and when, under the names that the entity has for it.
    fn stamp(&mut self, spec: &Spec, row: &mut Row, actor: Actor, is_new: bool) {
        let now: Value = dates::zoneless(self.ground.clock.now()).into();
        let mut set = |name: &str, value: Value| {
            if spec.field(name).is_some() {
                row.insert(name.to_owned(), value);
            }
        };
        if is_new {
            set("createDate", now.clone());
            set("createDateTime", now.clone());
            set("creatorResourceID", actor.resource.into());
            set("createdByResourceID", actor.resource.into());
            set("createdByPersonID", actor.resource.into());
            set("impersonatorCreatorResourceID", actor.impersonator.into());
        }
        for name in [
            "lastActivityDate",
            "lastTrackedModificationDateTime",
            "lastTrackedModifiedDateTime",
            "lastModifiedDate",
            "lastModifiedTime",
        ] {
            set(name, now.clone());
        }
        set("lastActivityResourceID", actor.resource.into());
        if spec.entity == Entity::Tickets && is_new {
            let number = self.next_ticket_number();
            row.insert("ticketNumber".to_owned(), number.into());
            row.insert("creatorType".to_owned(), 1.into());
            row.insert("lastActivityPersonType".to_owned(), 1.into());
        }
    }

    /// What follows from a write.
    fn after_write(&mut self, entity: Entity, id: i64, before: Option<&Row>, actor: Actor) {
        match entity {
            Entity::Tickets => {
                let action = if before.is_some() { Action::Update } else { Action::Create };
                self.tell(action, id, before, actor.resource);
            }
            Entity::TicketNotes => {
                let ticket = self.store.get(entity, id).and_then(|note| note.int("ticketID"));
                self.touch_ticket(ticket.unwrap_or_default(), actor);
            }
            Entity::TicketWebhooks => self.webhook_written(id, before),
            Entity::ContractServiceAdjustments => self.adjust(id),
            _ => {}
        }
    }
}

fn no_such_record() -> Reply {
    refused("No matching records found.")
}

/// What hangs below a parent belongs to it, whatever the body says less.
fn place_below(wanted: &mut Wanted, parent: Option<(Child, i64)>) -> Result<(), Reply> {
    let Some((child, id)) = parent else { return Ok(()) };
    let said = wanted.values.int(child.key);
    if said.is_some_and(|said| said != id) {
        return Err(refused(format!("The {} of the body is not that of the address.", child.key)));
    }
    wanted.values.insert(child.key.to_owned(), id.into());
    Ok(())
}

/// A read-only field can be sent back as it is, but not changed.
fn refuse_read_only(spec: &Spec, before: &Row, values: &Row) -> Result<(), Reply> {
    let changed = spec.fields.iter().filter(|field| field.is_read_only && field.name != "id").find(|field| {
        let wanted = values.get(field.name).filter(|value| !value.is_null());
        wanted.is_some_and(|value| Some(value) != before.get(field.name))
    });
    match changed {
        Some(field) => Err(refused(format!("The field {} is read-only.", field.name))),
        None => Ok(()),
    }
}

/// Defaults of picklists that nobody has to fill in, and flags that have a value in every record.
fn fill_in(spec: &Spec, row: &mut Row) {
    for field in spec.fields.iter().filter(|field| !field.is_required) {
        let usual = match (field.kind, field.picks) {
            (_, Some(picks)) => picks.iter().find(|pick| pick.is_default).map(|pick| pick.value.into()),
            // Companies are active unless they are said not to be.
            (Kind::Flag, None) => Some(Value::Bool(field.name == "isActive")),
            _ => None,
        };
        if let Some(value) = row.get_mut(field.name).filter(|value| value.is_null())
            && let Some(usual) = usual
        {
            *value = usual;
        }
    }
}
