//! Halo's own lists of values, with what hangs on what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Connection, wire};
use crate::{
    psa::PsaError,
    sync::remote::{PickItem, RemotePickList},
};

/// The built-in status "Closed" (Haley, dotMARC); Halo has no flag that says what closes.
pub(super) const CLOSED: i64 = 9;
/// The built-in agent "Unassigned" (dotMARC, django-psa-connector).
const UNASSIGNED: i64 = 1;
/// Ticket types whose details are read for what they allow; each is a call.
const DETAILED_TYPES: usize = 30;
/// Impact and urgency, lower being more severe (tier2tickets). No source names a list to ask for, so the
/// three that Halo starts with stand here: the one place to change.
const SEVERITIES: [(&str, &str); 3] = [("1", "High"), ("2", "Medium"), ("3", "Low")];

/// What ticket types allow of one list: by type, the values; a type that allows all is not in it.
type Allowed = BTreeMap<String, BTreeSet<String>>;

impl Connection {
    /// One list that cannot be read does not cost the others; a limit, an outage or a refused login does.
    pub(super) async fn all_pick_lists(&self) -> Result<Vec<RemotePickList>, PsaError> {
        let mut lists = Vec::new();
        let types = match self.list("/TicketType", "tickettypes", &[("showall", "true")]).await {
            Ok(types) => self.with_details(types).await?,
            Err(error) => {
                add(&mut lists, "ticket_type", Err(error))?;
                Vec::new()
            }
        };
        if lists.is_empty() {
            add(&mut lists, "ticket_type", Ok(items(&types, "id", "name")))?;
        }
        let type_ids: Vec<_> =
            types.iter().filter_map(|t| wire::id(t, "id")).map(|id| id.to_string()).collect();

        add(&mut lists, "status", self.statuses().await)?;
        limit(&mut lists, &type_ids, &allowed(&types, "allowall_status", "allowed_status", "status_id"));

        let slas = self.list("/SLA", "slas", &[("showpriorities", "true")]).await;
        add(&mut lists, "sla", slas.map(|rows| items(&rows, "id", "name")))?;
        add(
            &mut lists,
            "priority",
            self.list("/Priority", "priorities", &[]).await.map(|rows| priorities(&rows)),
        )?;
        add(&mut lists, "team", self.list("/Team", "teams", &[]).await.map(|rows| teams(&rows)))?;
        let agents = self.list("/Agent", "agents", &[("includeenabled", "true")]).await;
        add(&mut lists, "agent", agents.map(|rows| self::agents(&rows)))?;

        for (number, key) in
            [("1", "category_1"), ("2", "category_2"), ("3", "category_3"), ("4", "category_4")]
        {
            let rows = self.list("/Category", "categories", &[("type_id", number)]).await;
            add(&mut lists, key, rows.map(|rows| categories(&rows, number)))?;
            let names = (format!("allowall_category{number}"), format!("allowed_category{number}"));
            limit(&mut lists, &type_ids, &allowed(&types, &names.0, &names.1, "category_value"));
        }
        for key in ["impact", "urgency"] {
            let item = |(value, label): &(&str, &str)| item(value, label);
            add(&mut lists, key, Ok(SEVERITIES.iter().map(item).collect()))?;
        }
        let outcomes = self.list("/Outcome", "outcomes", &[]).await;
        add(&mut lists, "outcome", outcomes.map(|rows| self::outcomes(&rows)))?;
        add(&mut lists, "company_type", self.company_types().await)?;
        let statuses = [("active", "Active"), ("inactive", "Inactive")];
        add(&mut lists, "company_status", Ok(statuses.iter().map(|(v, l)| item(v, l)).collect()))?;
        Ok(lists)
    }

    async fn list(&self, path: &str, key: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, PsaError> {
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let answer = self.api.get(path, &query).await?;
        wire::rows(answer, key)
            .map(|(rows, _)| rows)
            .ok_or_else(|| PsaError::Unavailable { detail: format!("Halo's answer to {path} holds no list") })
    }

    /// Adds what the list leaves out: which statuses and categories a type allows stands in its details.
    async fn with_details(&self, types: Vec<Value>) -> Result<Vec<Value>, PsaError> {
        let mut detailed = Vec::with_capacity(types.len());
        let mut reads = 0;
        for row in types {
            let Some(id) = wire::id(&row, "id") else { continue };
            if wire::is(&row, "visible") == Some(false) || wire::is(&row, "inactive") == Some(true) {
                continue;
            }
            let is_wanted = row.get("allowed_status").is_none() && reads < DETAILED_TYPES;
            let whole = if is_wanted {
                reads += 1;
                let query = [("includedetails", String::from("true"))];
                match self.api.get_record(&format!("/TicketType/{id}"), &query).await {
                    Ok(whole) => whole,
                    Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => None,
                    Err(error) => return Err(error),
                }
            } else {
                None
            };
            detailed.push(whole.unwrap_or(row));
        }
        Ok(detailed)
    }

    /// Statuses, and which of them close: those that go missing when closed ones are left out.
    async fn statuses(&self) -> Result<Vec<PickItem>, PsaError> {
        let all = self.list("/Status", "statuses", &[]).await?;
        let open = match self.list("/Status", "statuses", &[("excludeclosed", "true")]).await {
            Ok(rows) => rows,
            Err(PsaError::Rejected { .. } | PsaError::Forbidden { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let open: BTreeSet<_> = open.iter().filter_map(|row| wire::id(row, "id")).collect();
        let ids: BTreeSet<_> = all.iter().filter_map(|row| wire::id(row, "id")).collect();
        // Nothing is told by a filter that was ignored, or that left nothing over.
        let tells = !open.is_empty() && open != ids;
        let mut items = items(&all, "id", "name");
        for item in &mut items {
            let id = item.value.parse().unwrap_or_default();
            item.closes = if id == CLOSED { Some(true) } else { tells.then(|| !open.contains(&id)) };
        }
        Ok(items)
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

/// Rows by id and name, each value once.
fn items(rows: &[Value], id: &str, name: &str) -> Vec<PickItem> {
    let pair = |row: &Value| {
        let id = wire::id(row, id)?.to_string();
        let label = wire::text(row, name).map_or_else(|| id.clone(), ToOwned::to_owned);
        Some(item(&id, &label))
    };
    once(rows.iter().filter_map(pair))
}

fn once(items: impl Iterator<Item = PickItem>) -> Vec<PickItem> {
    let mut seen = BTreeSet::new();
    items.filter(|item| seen.insert(item.value.clone())).collect()
}

/// One row per priority and SLA, its id a GUID; a ticket carries `priorityid`, which repeats (dotMARC).
fn priorities(rows: &[Value]) -> Vec<PickItem> {
    let mut found: Vec<PickItem> = Vec::new();
    for row in rows.iter().filter(|row| wire::is(row, "ishidden") != Some(true)) {
        let Some(number) = wire::id(row, "priorityid").map(|id| id.to_string()) else { continue };
        let label = wire::text(row, "name").unwrap_or(&number);
        let sla = wire::id(row, "slaid").map(|id| id.to_string());
        match found.iter_mut().find(|item| item.value == number) {
            None => {
                let mut new = item(&number, label);
                if let Some(sla) = sla {
                    new.parents.insert(String::from("sla"), vec![sla]);
                }
                found.push(new);
            }
            Some(known) => {
                // The same number can have another name under another SLA: show all of them.
                if !known.label.split(" / ").any(|name| name == label) {
                    known.label = format!("{} / {label}", known.label);
                }
                match (sla, known.parents.get_mut("sla")) {
                    (Some(sla), Some(slas)) if !slas.contains(&sla) => slas.push(sla),
                    (Some(_), _) => {}
                    // A row without an SLA holds under all.
                    (None, _) => known.parents.clear(),
                }
            }
        }
    }
    found
}

/// Tickets carry the team's name.
fn teams(rows: &[Value]) -> Vec<PickItem> {
    let active = rows.iter().filter(|row| wire::is(row, "inactive") != Some(true));
    once(active.filter_map(|row| wire::text(row, "name")).map(|name| item(name, name)))
}

fn agents(rows: &[Value]) -> Vec<PickItem> {
    let usable = |row: &&Value| {
        wire::id(row, "id") != Some(UNASSIGNED)
            && wire::is(row, "isdisabled") != Some(true)
            && wire::is(row, "is_agent") != Some(false)
    };
    let rows: Vec<_> = rows.iter().filter(usable).cloned().collect();
    items(&rows, "id", "name")
}

/// Tickets carry the category's text. A build that ignores `type_id` sends all four levels at once.
fn categories(rows: &[Value], level: &str) -> Vec<PickItem> {
    let of_level =
        rows.iter().filter(|row| wire::int(row, "type_id").is_none_or(|id| id.to_string() == level));
    once(of_level.filter_map(|row| {
        // The whole path: the same name can hang under several.
        let value = wire::text(row, "value")?;
        Some(item(value, value))
    }))
}

fn outcomes(rows: &[Value]) -> Vec<PickItem> {
    let shown = rows.iter().filter(|row| wire::is(row, "hidden") != Some(true));
    once(shown.filter_map(|row| {
        let id = wire::id(row, "id")?.to_string();
        let label = wire::text(row, "outcome").or_else(|| wire::text(row, "buttonname")).unwrap_or(&id);
        Some(item(&id, label))
    }))
}

/// Which values each ticket type allows, where it limits them.
fn allowed(types: &[Value], all_flag: &str, list: &str, value: &str) -> Allowed {
    let limits = types.iter().filter(|row| wire::is(row, all_flag) == Some(false)).filter_map(|row| {
        let rows = row.get(list)?.as_array().filter(|rows| !rows.is_empty())?;
        let values: BTreeSet<_> = rows
            .iter()
            .filter_map(|row| {
                wire::text(row, value)
                    .map(ToOwned::to_owned)
                    .or(wire::id(row, value).map(|id| id.to_string()))
            })
            .collect();
        (!values.is_empty()).then_some((wire::id(row, "id")?.to_string(), values))
    });
    limits.collect()
}

/// Writes the limits into the list that was added last.
fn limit(lists: &mut [RemotePickList], type_ids: &[String], allowed: &Allowed) {
    if allowed.is_empty() {
        return;
    }
    for item in lists.last_mut().into_iter().flat_map(|list| &mut list.items) {
        let allows = |id: &&String| allowed.get(*id).is_none_or(|values| values.contains(&item.value));
        let types: Vec<_> = type_ids.iter().filter(allows).cloned().collect();
        if types.len() < type_ids.len() {
            item.parents.insert(String::from("ticket_type"), types);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn priorities_are_merged_over_their_slas() {
        let items = priorities(&rows(include_str!("fixtures/priorities.json")));
        let seen: Vec<_> =
            items.iter().map(|i| (i.value.as_str(), i.label.as_str(), i.parents["sla"].join(","))).collect();
        assert_eq!(
            seen,
            [("1", "Critical / P1", "1,2".to_owned()), ("3", "Medium", "1".to_owned())],
            "hidden ones are left out, and the id is priorityid and no GUID"
        );
    }

    #[test]
    fn a_status_hangs_on_the_types_that_allow_it() {
        let types = rows(
            r#"[{"id": 1, "allowall_status": true}, {"id": 2, "allowall_status": false,
                "allowed_status": [{"status_id": 1}, {"status_id": "9"}]}, {"id": 3}]"#,
        );
        let items = vec![item("1", "New"), item("2", "In Progress"), item("9", "Closed")];
        let mut lists = vec![RemotePickList { key: "status".into(), items, problem: None }];
        let ids = ["1", "2", "3"].map(ToOwned::to_owned);
        limit(&mut lists, &ids, &allowed(&types, "allowall_status", "allowed_status", "status_id"));
        let parents: Vec<_> = lists[0].items.iter().map(|i| i.parents.get("ticket_type").cloned()).collect();
        assert_eq!(parents, [None, Some(vec!["1".to_owned(), "3".to_owned()]), None]);
    }

    #[test]
    fn nobody_and_the_disabled_are_no_agents() {
        let agents = agents(&rows(
            r#"[{"id":1,"name":"Unassigned"},{"id":"2","name":"Ada"},{"id":3,"name":"Off","isdisabled":true},{"id":null}]"#,
        ));
        assert_eq!(agents, [item("2", "Ada")]);
    }
}
