//! The rules of tickets.

use serde_json::Value;

use super::{
    access::Actor,
    dates,
    events::Action,
    model::{Entity, Reads, Row},
    picks,
    world::AutotaskWorld,
    write::Complaints,
};

impl AutotaskWorld {
    /// What fields alone do not say, and the dates of completion.
    pub(super) fn ticket_rules(&self, before: Option<&Row>, row: &mut Row, actor: Actor) -> Complaints {
        let mut complaints = Vec::new();
        let is_empty = |name: &str| row.get(name).is_none_or(Value::is_null);
        let demanded = [("queueID", true), ("dueDateTime", self.options.needs_due_date)];
        for (name, _) in demanded.iter().filter(|(name, is_demanded)| *is_demanded && is_empty(name)) {
            complaints.push(format!("{name} is required"));
        }
        complaints.extend(self.assignment(before, row));
        complaints.extend(self.same_company(row, "Ticket").err().unwrap_or_default());
        let was_complete = before.is_some_and(|row| row.int("status") == Some(picks::COMPLETE));
        let is_complete = row.int("status") == Some(picks::COMPLETE);
        let completes = is_complete && !was_complete;
        if completes && self.options.needs_resolution && row.text("resolution").trim().is_empty() {
            complaints.push("resolution is required".to_owned());
        }
        if completes {
            let now = dates::zoneless(self.ground.clock.now());
            row.insert("completedDate".to_owned(), now.clone().into());
            row.insert("resolvedDateTime".to_owned(), now.into());
            row.insert("completedByResourceID".to_owned(), actor.resource.into());
        } else if was_complete && !is_complete {
            row.insert("completedDate".to_owned(), Value::Null);
            row.insert("resolvedDateTime".to_owned(), Value::Null);
            row.insert("completedByResourceID".to_owned(), Value::Null);
        }
        if complaints.is_empty() { Ok(()) } else { Err(complaints) }
    }

    /// A resource comes with a role, and with one that it has at the service desk.
    fn assignment(&self, before: Option<&Row>, row: &Row) -> Option<String> {
        let pair = |row: &Row| (row.int("assignedResourceID"), row.int("assignedResourceRoleID"));
        let (resource, role) = match pair(row) {
            same if before.is_some_and(|before| pair(before) == same) => return None,
            (None, None) => return None,
            (Some(resource), Some(role)) => (resource, role),
            _ => {
                let text = "Data violation: When assigning a Resource, you must assign both a \
                            assignedResourceID and assignedResourceRoleID.";
                return Some(text.to_owned());
            }
        };
        let is_pair = self.store.rows(Entity::ResourceServiceDeskRoles).any(|(_, pair)| {
            pair.int("resourceID") == Some(resource)
                && pair.int("roleID") == Some(role)
                && pair.flag("isActive")
        });
        let text =
            "The specified AssignedResourceID and AssignedRoleID combination is not currently defined.";
        (!is_pair).then(|| text.to_owned())
    }

    /// People, devices and contracts are those of the record's own company; of a parent company too, for
    /// people.
    pub(super) fn same_company(&self, row: &Row, of: &str) -> Complaints {
        let Some(company) = row.int("companyID") else { return Ok(()) };
        let owner = |entity: Entity, field: &str| {
            let id = row.int(field)?;
            Some((id, self.store.get(entity, id)?.int("companyID")?))
        };
        let parent = self.store.get(Entity::Companies, company).and_then(|row| row.int("parentCompanyID"));
        let mut complaints = Vec::new();
        if let Some((_, owner)) = owner(Entity::Contacts, "contactID")
            && owner != company
            && Some(owner) != parent
        {
            complaints.push("contactID is not associated to the companyID or its Parent Company".to_owned());
        }
        if let Some((id, owner)) = owner(Entity::ConfigurationItems, "configurationItemID")
            && owner != company
        {
            complaints
                .push(format!("The configurationItemID [{id}] is not associated with Company [{company}]"));
        }
        if let Some((id, owner)) = owner(Entity::Contracts, "contractID")
            && owner != company
        {
            complaints.push(format!("The contractID [{id}] cannot be associated with the {of}."));
        }
        if complaints.is_empty() { Ok(()) } else { Err(complaints) }
    }

    /// `T20261121.0001`: the day, and the number of the ticket on it.
    pub(super) fn next_ticket_number(&mut self) -> String {
        let day = self.ground.clock.now().datetime().format("%Y%m%d").to_string();
        let number = if self.numbered.0 == day { self.numbered.1 + 1 } else { 1 };
        let text = format!("T{day}.{number:04}");
        self.numbered = (day, number);
        text
    }

    /// Something happened to a ticket that changes none of its own fields.
    pub(super) fn touch_ticket(&mut self, id: i64, actor: Actor) {
        let now = dates::zoneless(self.ground.clock.now());
        let Some(row) = self.store.get_mut(Entity::Tickets, id) else { return };
        let before = row.clone();
        row.insert("lastActivityDate".to_owned(), now.into());
        row.insert("lastActivityResourceID".to_owned(), actor.resource.into());
        self.tell(Action::Update, id, Some(&before), actor.resource);
    }
}
