//! Autotask's own lists of values, with what hangs on what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Connection,
    api::{Query, condition},
    fields::{Choice, Fields},
    wire,
};
use crate::{
    psa::PsaError,
    sync::remote::{PickItem, RemotePickList},
};

/// The built-in status "Complete" (the vendor's own examples ask for what is not 5), the only one that
/// closes; no flag says so.
pub(super) const COMPLETE: i64 = 5;
/// The built-in status "New". From memory of its forms, not from the vendor's document.
pub(super) const NEW: i64 = 1;
/// The use of billing codes that are work types. From memory of its forms, not from the vendor's document.
const WORK_TYPES: i64 = 1;

/// Lists that are pick lists of the ticket: ours, the field, and the list that its values hang on.
const OF_TICKETS: [(&str, &str, Option<&str>); 9] = [
    ("queue", "queueID", None),
    ("status", "status", None),
    ("priority", "priority", None),
    ("issue_type", "issueType", None),
    ("sub_issue_type", "subIssueType", Some("issue_type")),
    ("ticket_type", "ticketType", None),
    ("category", "ticketCategory", None),
    ("source", "source", None),
    ("sla", "serviceLevelAgreementID", None),
];
const OF_NOTES: [(&str, &str, Option<&str>); 2] =
    [("note_type", "noteType", None), ("note_publish", "publish", None)];
const OF_COMPANIES: [(&str, &str, Option<&str>); 2] =
    [("company_type", "companyType", None), ("company_market", "marketSegmentID", None)];

impl Connection {
    /// One list that cannot be read does not cost the others; a limit, an outage or a refused login does.
    pub(super) async fn all_pick_lists(&self) -> Result<Vec<RemotePickList>, PsaError> {
        let mut lists = Vec::new();
        for (entity, wanted) in
            [("Tickets", &OF_TICKETS[..]), ("TicketNotes", &OF_NOTES[..]), ("Companies", &OF_COMPANIES[..])]
        {
            let fields = self.fields_of(entity).await;
            for (key, field, above) in wanted {
                let items = fields.clone().and_then(|fields| of_field(entity, &fields, field, *above));
                add(&mut lists, key, items)?;
            }
        }
        for item in lists.iter_mut().filter(|list| list.key == "status").flat_map(|list| &mut list.items) {
            item.closes = Some(item.value == COMPLETE.to_string());
        }
        let pairs = self.pairs().await;
        add(&mut lists, "agent", self.agents(pairs.as_ref().ok()).await)?;
        add(&mut lists, "role", self.roles(pairs).await)?;
        add(&mut lists, "work_type", self.work_types().await)?;
        let statuses = [("active", "Active"), ("inactive", "Inactive")];
        add(&mut lists, "company_status", Ok(statuses.iter().map(|(v, l)| item(v, l)).collect()))?;
        Ok(lists)
    }

    /// Which person may work in which role at the service desk.
    async fn pairs(&self) -> Result<BTreeMap<i64, BTreeSet<i64>>, PsaError> {
        let query = Query {
            entity: "ResourceServiceDeskRoles",
            fields: &["id", "resourceID", "roleID", "isActive"],
            filter: vec![condition("eq", "isActive", true)],
        };
        let mut pairs: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for row in self.api.all(&query).await? {
            if let (Some(resource), Some(role)) = (wire::id(&row, "resourceID"), wire::id(&row, "roleID"))
                && wire::is(&row, "isActive") != Some(false)
            {
                pairs.entry(role).or_default().insert(resource);
            }
        }
        Ok(pairs)
    }

    /// People who have a role at the service desk; all of them where that cannot be seen.
    async fn agents(&self, pairs: Option<&BTreeMap<i64, BTreeSet<i64>>>) -> Result<Vec<PickItem>, PsaError> {
        let query = Query {
            entity: "Resources",
            fields: &["id", "firstName", "lastName", "isActive"],
            filter: vec![condition("eq", "isActive", true)],
        };
        let rows = seen("resources", self.api.all(&query).await?)?;
        let works = |id: i64| {
            pairs.is_none_or(|pairs| {
                pairs.is_empty() || pairs.values().any(|resources| resources.contains(&id))
            })
        };
        let items = rows.iter().filter(|row| wire::is(row, "isActive") != Some(false)).filter_map(|row| {
            let id = wire::id(row, "id").filter(|id| *id > 0 && works(*id))?;
            let names = [wire::text(row, "firstName"), wire::text(row, "lastName")];
            let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
            Some(item(&id.to_string(), if name.is_empty() { "(without a name)" } else { &name }))
        });
        Ok(items.collect())
    }

    async fn roles(
        &self,
        pairs: Result<BTreeMap<i64, BTreeSet<i64>>, PsaError>,
    ) -> Result<Vec<PickItem>, PsaError> {
        let query = Query {
            entity: "Roles",
            fields: &["id", "name", "isActive"],
            filter: vec![condition("eq", "isActive", true)],
        };
        let pairs = pairs?;
        if pairs.is_empty() {
            return Err(hidden("who has which role at the service desk"));
        }
        let rows = seen("roles", self.api.all(&query).await?)?;
        let items = rows.iter().filter(|row| wire::is(row, "isActive") != Some(false)).filter_map(|row| {
            let id = wire::id(row, "id").filter(|id| *id > 0)?;
            let mut item = item(&id.to_string(), wire::text(row, "name").unwrap_or("(without a name)"));
            // A role that nobody has at the service desk cannot be used with anybody.
            let agents = pairs.get(&id)?.iter().map(ToString::to_string).collect();
            item.parents.insert(String::from("agent"), agents);
            Some(item)
        });
        Ok(items.collect())
    }

    async fn work_types(&self) -> Result<Vec<PickItem>, PsaError> {
        let query = Query {
            entity: "BillingCodes",
            fields: &["id", "name", "isActive", "useType"],
            filter: vec![condition("eq", "isActive", true), condition("eq", "useType", WORK_TYPES)],
        };
        let rows = self.api.all(&query).await?;
        let items = rows.iter().filter(|row| wire::is(row, "isActive") != Some(false)).filter_map(|row| {
            let id = wire::id(row, "id").filter(|id| *id > 0)?.to_string();
            let label = wire::text(row, "name").unwrap_or(&id);
            Some(item(&id, label))
        });
        Ok(items.collect())
    }
}

/// Adds a list, or what kept it away; errors that concern the whole login go up.
fn add(
    lists: &mut Vec<RemotePickList>,
    key: &str,
    items: Result<Vec<PickItem>, PsaError>,
) -> Result<(), PsaError> {
    let (items, problem) = match items {
        Ok(items) => (items, None),
        Err(error @ (PsaError::Forbidden { .. } | PsaError::Rejected { .. })) => {
            (Vec::new(), Some(error.to_string()))
        }
        Err(error) => return Err(error),
    };
    lists.push(RemotePickList { key: key.to_owned(), items, problem });
    Ok(())
}

fn item(value: &str, label: &str) -> PickItem {
    PickItem { value: value.to_owned(), label: label.to_owned(), ..PickItem::default() }
}

/// A security level that may not see something gives an empty list, not an error; there is always somebody
/// and some role.
fn seen(what: &str, rows: Vec<Value>) -> Result<Vec<Value>, PsaError> {
    if rows.is_empty() { Err(hidden(what)) } else { Ok(rows) }
}

fn hidden(what: &str) -> PsaError {
    PsaError::Forbidden {
        missing: format!("to see {what} (Autotask shows none), in the security level of the API user"),
    }
}

/// The values in use of a pick list.
fn of_field(
    entity: &str,
    fields: &Fields,
    name: &str,
    above: Option<&str>,
) -> Result<Vec<PickItem>, PsaError> {
    let field = fields.get(name).ok_or_else(|| PsaError::Rejected {
        field: Some(name.to_owned()),
        reason: format!("Autotask shows no field {name} of {entity}; the security level may hide it"),
    })?;
    let shown =
        |choice: &&Choice| choice.is_active || (name == "status" && choice.value == COMPLETE.to_string());
    let mut known = BTreeSet::new();
    let items = field.choices.iter().filter(shown).filter(|choice| known.insert(choice.value.clone()));
    Ok(items
        .map(|choice| {
            let mut item = item(&choice.value, &choice.label);
            if let (Some(above), Some(parent)) = (above, &choice.parent) {
                item.parents.insert(above.to_owned(), vec![parent.clone()]);
            }
            item
        })
        .collect())
}
