//! Reading the values an instance offers.

use serde_json::{Map, Value, json};

use super::{
    access::fixed_guid,
    errors,
    picklists::{self, API_AGENT, Agent, CLOSED, Outcome, TicketType},
    query::ReadsQuery as _,
};
use crate::sandbox::frame::{Call, Query, Reply};

/// What can be looked up.
pub(super) const RESOURCES: [&str; 9] =
    ["tickettype", "status", "priority", "sla", "team", "agent", "category", "outcome", "lookup"];

/// What a look-up's list or detail answers; `None` where there is no such resource.
pub(super) fn read(call: &Call, resource: &str, id: Option<&str>) -> Option<Result<Reply, Reply>> {
    let query = &call.query();
    let rows = match resource {
        "tickettype" => ticket_types(query, id.is_some()),
        "status" => statuses(query),
        // `/Priority/{int}` is 404: the rows' ids are GUIDs.
        "priority" => query.int("slaid").map(picklists::priority_rows),
        "sla" => slas(query),
        "team" => Ok(teams(query)),
        "agent" => agents(query),
        "category" => categories(query),
        "outcome" => Ok(picklists::outcomes().map(outcome).collect()),
        "lookup" => query.int("lookupid").map(|table| table.map_or_else(Vec::new, picklists::lookup)),
        _ => return None,
    };
    Some(rows.and_then(|rows| match id {
        None => Ok(Reply::ok(&Value::Array(rows))),
        Some("me") if resource == "agent" => me(),
        Some(id) => detail(resource, id, rows),
    }))
}

fn detail(resource: &str, id: &str, mut rows: Vec<Value>) -> Result<Reply, Reply> {
    if resource == "agent" {
        // By id also those that lists leave out.
        rows = picklists::agents().map(agent).collect();
    }
    let found = rows.into_iter().find(|row| match row.get("id") {
        Some(Value::String(known)) => known.eq_ignore_ascii_case(id),
        Some(known) => known.as_i64().is_some_and(|known| id.parse() == Ok(known)),
        None => false,
    });
    errors::found(found)
}

fn me() -> Result<Reply, Reply> {
    errors::found(picklists::agent(API_AGENT).map(agent))
}

/// What a type allows stands only in its details.
fn ticket_types(query: &Query, is_one: bool) -> Result<Vec<Value>, Reply> {
    let (creatable, all) = (query.flag("can_create_only")?, query.flag("showall")? || is_one);
    let is_detailed = query.flag("includedetails")? && is_one;
    let kinds = picklists::TICKET_TYPES.iter().filter(|kind| kind.can_create || (all && !creatable));
    Ok(kinds
        .map(|kind| {
            let mut row = ticket_type(kind);
            if let (true, Some(row)) = (is_detailed, row.as_object_mut()) {
                row.insert("allowall_status".to_owned(), false.into());
                row.insert("allowed_status".to_owned(), allowed_statuses(kind));
            }
            row
        })
        .collect())
}

fn allowed_statuses(kind: &TicketType) -> Value {
    let row = |id: &i64| {
        json!({
            "ticketype_id": kind.id, "tickettype_name": kind.name,
            "status_id": id, "status_name": picklists::status_name(*id),
        })
    };
    kind.statuses.iter().map(row).collect()
}

fn ticket_type(kind: &TicketType) -> Value {
    json!({
        "id": kind.id,
        "guid": fixed_guid(0x5254, kind.id),
        "name": kind.name,
        "default_sla": kind.sla,
        "default_priority": kind.priority,
        "default_team": kind.team,
        "default_agent": 1,
        "workflow_id": 0,
        "initial_status": 1,
        "default_category_1": "",
        "fields": [],
        "visible": true,
        "cancreate": kind.can_create,
        "mustclosechildbeforeclosurebool": false,
        "sequence": kind.id,
    })
}

fn statuses(query: &Query) -> Result<Vec<Value>, Reply> {
    let allowed = query
        .int("tickettype_id")?
        .map(|id| picklists::ticket_type(id).map_or(&[][..], |kind| kind.statuses));
    let without_closed = query.flag("excludeclosed")?;
    // 0 are the statuses of tickets; no others are seeded.
    if query.int("type")?.is_some_and(|kind| kind != 0) {
        return Ok(Vec::new());
    }
    let found = picklists::STATUSES.iter().enumerate().filter(|(_, (id, _))| {
        allowed.is_none_or(|allowed| allowed.contains(id)) && !(without_closed && *id == CLOSED)
    });
    Ok(found
        .map(|(sequence, (id, name))| {
            json!({
                "id": id,
                "guid": fixed_guid(0x5453, *id),
                "name": name,
                "shortname": name,
                "type": 0,
                "sequence": sequence,
                "colour": "#607d8b",
                "slaaction": if *id == 28 { "H" } else { "" },
            })
        })
        .collect())
}

fn slas(query: &Query) -> Result<Vec<Value>, Reply> {
    let with_priorities = query.flag("showpriorities")?;
    let rows = picklists::SLAS.iter().map(|(id, name)| {
        let mut row = Map::new();
        row.insert("id".to_owned(), (*id).into());
        row.insert("guid".to_owned(), fixed_guid(0x534c, *id).into());
        row.insert("name".to_owned(), (*name).into());
        if with_priorities {
            row.insert("priorities".to_owned(), picklists::priority_rows(Some(*id)).into());
        }
        Value::Object(row)
    });
    Ok(rows.collect())
}

fn teams(query: &Query) -> Vec<Value> {
    let all = query.flag("showall").unwrap_or(false) || query.flag("includedisabled").unwrap_or(false);
    let found = picklists::TEAMS.iter().filter(|(.., inactive)| all || !inactive);
    found
        .map(|(id, name, inactive)| {
            json!({
                "id": id, "guid": fixed_guid(0x5445, *id), "name": name, "department_id": 1,
                "department_name": "Service Desk", "inactive": inactive, "forrequests": true,
            })
        })
        .collect()
}

fn agents(query: &Query) -> Result<Vec<Value>, Reply> {
    let all = query.flag("showall")?;
    let (disabled, api) = (query.flag("includedisabled")?, query.flag("includeapiagents")?);
    let found = picklists::agents()
        .filter(|agent| all || disabled || !agent.disabled)
        .filter(|agent| all || api || agent.id != API_AGENT);
    Ok(found.map(agent).collect())
}

fn agent(agent: &Agent) -> Value {
    json!({
        "id": agent.id,
        "name": agent.name,
        "email": agent.email,
        "isdisabled": agent.disabled,
        "is_agent": true,
        "isapiagent": agent.id == API_AGENT,
        "team": agent.team,
    })
}

fn categories(query: &Query) -> Result<Vec<Value>, Reply> {
    let kind = query.int("type_id")?;
    let found = picklists::CATEGORIES.iter().enumerate();
    let found = found.filter(|(_, (known, _))| kind.is_none_or(|kind| kind == *known));
    Ok(found
        .map(|(index, (kind, value))| {
            json!({
                "id": index + 1,
                "value": value,
                "category_name": value.rsplit('>').next(),
                "type_id": kind,
                "sla_id": 0,
                "priority_id": 0,
            })
        })
        .collect())
}

fn outcome(outcome: &Outcome) -> Value {
    json!({
        "id": outcome.id,
        "guid": fixed_guid(0x4f55, outcome.id),
        "outcome": outcome.name,
        "buttonname": outcome.name,
        "sendemail": i32::from(outcome.sends_email),
        "hidden": false,
        "hidefromuser": outcome.hide_from_user,
        "newstatus": outcome.new_status,
    })
}
