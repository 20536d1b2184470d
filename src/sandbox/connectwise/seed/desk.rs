//! People, boards and the lists of values.

use serde_json::{Value, json};

use super::{super::resources::Table, put};
use crate::sandbox::connectwise::world::ConnectWiseWorld;

pub(super) fn fill(world: &mut ConnectWiseWorld) {
    let names = |rows: &[(i64, &str)]| -> Vec<Value> {
        rows.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect()
    };
    put(world, Table::Locations, names(&[(2, "Head Office"), (11, "North Branch")]));
    put(world, Table::Departments, names(&[(10, "Professional Services"), (14, "Security")]));
    put(world, Table::ServiceLocations, names(&[(1, "On-Site"), (2, "Remote")]));
    put(world, Table::Countries, names(&[(1, "United States"), (50, "Canada")]));
    put(world, Table::WorkTypes, names(&[(1, "Regular"), (3, "After Hours")]));
    put(world, Table::Manufacturers, names(&[(5, "Ardent"), (6, "Kestrel Systems")]));
    put(world, Table::AgreementTypes, names(&[(3, "Managed Services")]));
    let role = |id: i64, name: &str, inactive: bool| json!({ "id": id, "name": name, "hourlyRate": 120.0, "inactiveFlag": inactive });
    put(world, Table::WorkRoles, vec![role(4, "Technician", false), role(9, "Apprentice", true)]);
    put(
        world,
        Table::Members,
        vec![
            member(150, "admin1", ("Alex", "Admin"), "F", false),
            member(176, "dsmith", ("Dana", "Smith"), "F", false),
            member(181, "slee", ("Sam", "Lee"), "F", false),
            member(190, "kjones", ("Kim", "Jones"), "F", true),
            member(243, "PSAGateway", ("PSA", "Gateway"), "A", false),
        ],
    );
    put(
        world,
        Table::Priorities,
        vec![
            priority(6, "Priority 1 - Critical", "Red", 1, "Critical", false),
            priority(15, "Priority 2 - High", "Orange", 2, "High", false),
            priority(8, "Priority 3 - Medium", "Yellow", 3, "Medium", true),
            priority(7, "Priority 4 - Low", "White", 4, "Low", false),
        ],
    );
    let source = |id: i64, name: &str, usual: bool| json!({ "id": id, "name": name, "defaultFlag": usual });
    put(
        world,
        Table::Sources,
        vec![source(2, "Call", true), source(3, "Email Connector", false), source(11, "Monitoring", false)],
    );
    put(world, Table::Slas, vec![sla(1, "Standard", true, 8.0), sla(4, "Gold", false, 2.0)]);
    boards(world);
}

fn member(id: i64, identifier: &str, name: (&str, &str), class: &str, inactive: bool) -> Value {
    json!({
        "id": id, "identifier": identifier, "firstName": name.0, "lastName": name.1,
        "primaryEmail": format!("{identifier}@northstar.example"), "licenseClass": class,
        "inactiveFlag": inactive,
    })
}

fn priority(id: i64, name: &str, color: &str, sort: i64, level: &str, usual: bool) -> Value {
    json!({
        "id": id, "name": name, "color": color, "sortOrder": sort, "defaultFlag": usual, "level": level,
        "urgencySortOrder": format!("Medium/{sort}"),
    })
}

fn sla(id: i64, name: &str, usual: bool, hours: f64) -> Value {
    json!({
        "id": id, "name": name, "defaultFlag": usual, "basedOn": "MyCalendar", "respondHours": hours,
        "planWithin": hours * 2.0, "resolutionHours": hours * 4.0,
    })
}

/// Two boards that take tickets, with nothing in common; one for projects, and one out of use.
fn boards(world: &mut ConnectWiseWorld) {
    let board = |id: i64, name: &str, project: bool, inactive: bool| {
        json!({
            "id": id, "name": name, "location": { "id": 2 }, "department": { "id": 10 },
            "inactiveFlag": inactive, "projectFlag": project, "workRole": { "id": 4 },
            "billTime": "NoDefault", "billExpense": "NoDefault", "billProduct": "NoDefault",
        })
    };
    put(
        world,
        Table::Boards,
        vec![
            board(1, "Service Desk", false, false),
            board(12, "Security Operations", false, false),
            board(20, "Projects", true, false),
            board(31, "Old Help Desk", false, true),
        ],
    );
    // "Resolved" closes nothing on the first board, and closes on the second.
    let statuses = [
        (16, 1, "New", "default"),
        (17, 1, "In Progress", ""),
        (18, 1, "Waiting Customer", ""),
        (24, 1, "Resolved", ""),
        (25, 1, ">Closed", "closed"),
        (26, 1, "On Loan", "inactive"),
        (501, 12, "New", "default"),
        (502, 12, "Triage", ""),
        (503, 12, "Investigating", ""),
        (504, 12, "Resolved", "closed"),
        (505, 12, "False Positive", "closed"),
        (620, 20, "Open", "default"),
        (621, 20, "In Progress", ""),
        (629, 20, "Done", "closed"),
        (731, 31, "New", "default"),
    ];
    let status = |(sort, (id, board, name, role)): (usize, &(i64, i64, &str, &str))| {
        let escalation = match *role {
            "default" => "NotResponded",
            "closed" => "Resolved",
            _ => "Responded",
        };
        json!({
            "id": id, "name": name, "board": { "id": board }, "sortOrder": sort, "displayOnBoard": true,
            "inactive": *role == "inactive", "closedStatus": *role == "closed", "timeEntryNotAllowed": false,
            "defaultFlag": *role == "default", "escalationStatus": escalation,
        })
    };
    put(world, Table::Statuses, statuses.iter().enumerate().map(status).collect());
    let kind = |(id, board, name, inactive): &(i64, i64, &str, bool)| {
        json!({
            "id": id, "name": name, "category": "Reactive", "defaultFlag": false, "inactiveFlag": inactive,
            "requestForChangeFlag": false, "board": { "id": board },
        })
    };
    let kinds = [
        (30, 1, "Hardware", false),
        (31, 1, "Software", false),
        (32, 1, "Network", false),
        (33, 1, "Fax", true),
        (130, 12, "Vulnerability", false),
        (131, 12, "Incident", false),
    ];
    put(world, Table::Types, kinds.iter().map(kind).collect());
    let sub = |(id, board, name, kinds): &(i64, i64, &str, &[i64])| {
        json!({
            "id": id, "name": name, "inactiveFlag": false, "typeAssociationIds": kinds, "board": { "id": board },
        })
    };
    let subs: [(i64, i64, &str, &[i64]); 5] = [
        (40, 1, "Server", &[30, 31]),
        (41, 1, "Workstation", &[30, 31]),
        (43, 1, "Firewall", &[32]),
        (140, 12, "Endpoint", &[130, 131]),
        (141, 12, "Cloud", &[130]),
    ];
    put(world, Table::SubTypes, subs.iter().map(sub).collect());
    let items = [
        (50, 1, "Repair"),
        (51, 1, "Replace"),
        (52, 1, "Outage"),
        (150, 12, "Patch Missing"),
        (151, 12, "Malware"),
    ];
    let item = |(id, board, name): &(i64, i64, &str)| json!({ "id": id, "name": name, "inactiveFlag": false, "board": { "id": board } });
    put(world, Table::Items, items.iter().map(item).collect());
    let triples = [
        (1, 1, 30, 40, Some(50)),
        (2, 1, 30, 40, Some(51)),
        (3, 1, 30, 41, Some(51)),
        (4, 1, 31, 40, None),
        (5, 1, 31, 41, None),
        (6, 1, 32, 43, Some(52)),
        (7, 12, 130, 140, Some(150)),
        (8, 12, 130, 141, None),
        (9, 12, 131, 140, Some(151)),
    ];
    let triple = |(id, board, kind, sub, item): &(i64, i64, i64, i64, Option<i64>)| {
        json!({
            "id": id, "board": { "id": board }, "type": { "id": kind }, "subType": { "id": sub },
            "item": item.map(|item| json!({ "id": item })),
        })
    };
    put(world, Table::Associations, triples.iter().map(triple).collect());
    let team = |(id, board, name, usual): &(i64, i64, &str, bool)| {
        json!({
            "id": id, "name": name, "teamLeader": { "id": 176 }, "members": [176, 181], "defaultFlag": usual,
            "boardId": board, "board": { "id": board },
        })
    };
    let teams = [
        (25, 1, "Help Desk", true),
        (26, 1, "Field", false),
        (42, 12, "Blue Team", true),
        (43, 20, "Builders", true),
    ];
    put(world, Table::Teams, teams.iter().map(team).collect());
}
