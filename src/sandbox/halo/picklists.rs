//! The values an instance offers: ticket types, statuses, priorities, teams, agents …

use serde_json::{Value, json};

use super::access::fixed_guid;

/// The one status that closes a ticket.
pub(super) const CLOSED: i64 = 9;
/// The agent as which the API application logs in.
pub(super) const API_AGENT: i64 = 2;
/// Agent 1 is built in and means "nobody".
pub(super) const UNASSIGNED: i64 = 1;

/// A kind of ticket.
#[derive(Debug)]
pub(super) struct TicketType {
    pub(super) id: i64,
    pub(super) name: &'static str,
    pub(super) sla: i64,
    pub(super) priority: i64,
    pub(super) team: &'static str,
    pub(super) statuses: &'static [i64],
    pub(super) can_create: bool,
}

/// The first is what a ticket without a type becomes.
pub(super) static TICKET_TYPES: [TicketType; 4] = [
    TicketType {
        id: 1,
        name: "Incident",
        sla: 1,
        priority: 3,
        team: "1st Line Support",
        statuses: &[1, 2, 3, 4, 5, 20, 9, 28],
        can_create: true,
    },
    TicketType {
        id: 3,
        name: "Service Request",
        sla: 1,
        priority: 4,
        team: "1st Line Support",
        statuses: &[1, 2, 4, 9],
        can_create: true,
    },
    TicketType {
        id: 21,
        name: "Alert",
        sla: 2,
        priority: 3,
        team: "Security Operations",
        statuses: &[1, 2, 5, 9, 28],
        can_create: true,
    },
    TicketType {
        id: 5,
        name: "Opportunity",
        sla: 1,
        priority: 4,
        team: "1st Line Support",
        statuses: &[1, 9],
        can_create: false,
    },
];

/// Status id and name; nothing in Halo's answer says which one is closed.
pub(super) const STATUSES: [(i64, &str); 8] = [
    (1, "New"),
    (2, "In Progress"),
    (3, "Action Required"),
    (4, "With User"),
    (5, "With Supplier"),
    (20, "Resolved"),
    (9, "Closed"),
    (28, "On Hold"),
];

/// SLA id and name.
pub(super) const SLAS: [(i64, &str); 2] = [(1, "Standard"), (2, "Security 24x7")];

/// SLA, priority number, name, whether hidden: the same number means something
/// else under another SLA (dotMARC; CyberDrain/CIPP#193).
pub(super) const PRIORITIES: [(i64, i64, &str, bool); 10] = [
    (1, 1, "Critical", false),
    (1, 2, "High", false),
    (1, 3, "Medium", false),
    (1, 4, "Low", false),
    (1, 5, "Legacy", true),
    (2, 1, "Emergency", false),
    (2, 2, "Urgent", false),
    (2, 3, "Normal", false),
    (2, 4, "Planned", false),
    // Under this SLA alone.
    (2, 6, "Watch", false),
];

/// Team id, name, whether inactive.
pub(super) const TEAMS: [(i64, &str, bool); 4] = [
    (1, "1st Line Support", false),
    (2, "2nd Line Support", false),
    (3, "Security Operations", false),
    (4, "Night Desk", true),
];

/// Someone who works in Halo.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) id: i64,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    pub(super) team: &'static str,
    pub(super) disabled: bool,
}

/// The agents.
static AGENTS: [Agent; 6] = [
    Agent { id: 1, name: "Unassigned", email: "", team: "", disabled: false },
    Agent { id: 2, name: "Gateway API", email: "api@msp.example", team: "", disabled: false },
    Agent {
        id: 3,
        name: "Dana Smith",
        email: "dana.smith@msp.example",
        team: "Security Operations",
        disabled: false,
    },
    Agent { id: 4, name: "Sam Lee", email: "sam.lee@msp.example", team: "1st Line Support", disabled: false },
    Agent {
        id: 5,
        name: "Mina Park",
        email: "mina.park@msp.example",
        team: "2nd Line Support",
        disabled: false,
    },
    Agent {
        id: 6,
        name: "Owen Hale",
        email: "owen.hale@msp.example",
        team: "1st Line Support",
        disabled: true,
    },
];

/// A kind of action that can be taken on a ticket.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) id: i64,
    pub(super) name: &'static str,
    pub(super) hide_from_user: bool,
    pub(super) sends_email: bool,
    pub(super) new_status: i64,
}

/// Built in (CIPP `New-HaloPSATicket.ps1`).
static INTERNAL_NOTE: Outcome =
    Outcome { id: 7, name: "Internal Note", hide_from_user: true, sends_email: false, new_status: -1 };
/// What a technician writes for colleagues.
pub(super) static PRIVATE_NOTE: Outcome =
    Outcome { id: 16, name: "Private Note", hide_from_user: true, sends_email: false, new_status: -1 };
/// What a technician writes for the customer to see.
pub(super) static UPDATE: Outcome =
    Outcome { id: 5, name: "Update", hide_from_user: false, sends_email: false, new_status: -1 };
static EMAIL_USER: Outcome =
    Outcome { id: 3, name: "Email User", hide_from_user: false, sends_email: true, new_status: 4 };
static CLOSE_TICKET: Outcome =
    Outcome { id: 18, name: "Close Ticket", hide_from_user: false, sends_email: false, new_status: CLOSED };

/// Category type (1 to 4) and value; the parts of the path are separated by `>`.
pub(super) const CATEGORIES: [(i64, &str); 7] = [
    (1, "Security"),
    (1, "Security>Vulnerability"),
    (1, "Security>Identity"),
    (1, "Hardware>Desktop"),
    (1, "Hardware>Server"),
    (2, "Patched"),
    (2, "False Positive"),
];

/// Lookup, value, name. Impact and urgency count downwards in severity. Only 64 (the
/// catalogue of events) is known; the numbers of the other three tables are a guess.
const LOOKUPS: [(i64, i64, &str); 18] = [
    (26, 1, "Company Wide"),
    (26, 2, "Multiple Users Affected"),
    (26, 3, "Single User Affected"),
    (27, 1, "High"),
    (27, 2, "Medium"),
    (27, 3, "Low"),
    (22, 0, "Manual"),
    (22, 1, "Email"),
    (22, 2, "Phone"),
    (22, 3, "End-User Portal"),
    (22, 15, "API"),
    (64, 3, "New Ticket Logged"),
    (64, 5, "Ticket Assigned"),
    (64, 10, "Ticket Re-opened"),
    (64, 22, "Ticket Status Changed"),
    (64, 39, "Ticket Closed"),
    (64, 61, "Ticket Updated"),
    (64, 70, "SLA Breached"),
];

/// A status by its id.
pub(super) fn status_name(id: i64) -> Option<&'static str> {
    STATUSES.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

/// A ticket type by its id.
pub(super) fn ticket_type(id: i64) -> Option<&'static TicketType> {
    TICKET_TYPES.iter().find(|kind| kind.id == id)
}

/// All agents.
pub(super) fn agents() -> impl Iterator<Item = &'static Agent> {
    AGENTS.iter()
}

/// An agent by id.
pub(super) fn agent(id: i64) -> Option<&'static Agent> {
    AGENTS.iter().find(|agent| agent.id == id)
}

/// All outcomes.
pub(super) fn outcomes() -> impl Iterator<Item = &'static Outcome> {
    [&INTERNAL_NOTE, &PRIVATE_NOTE, &UPDATE, &EMAIL_USER, &CLOSE_TICKET].into_iter()
}

/// Whether an SLA has the priority.
pub(super) fn has_priority(sla: i64, priority: i64) -> bool {
    PRIORITIES.iter().any(|(known, number, ..)| *known == sla && *number == priority)
}

/// The rows of priorities; a row's id is a GUID, and `priorityid` repeats from SLA to SLA.
pub(super) fn priority_rows(sla: Option<i64>) -> Vec<Value> {
    let rows = PRIORITIES.iter().filter(|(known, ..)| sla.is_none_or(|sla| sla == *known));
    rows.map(|(sla, number, name, hidden)| {
        json!({
            "id": fixed_guid(0x5051, sla * 100 + number),
            "slaid": sla,
            "priorityid": number,
            "name": name,
            "fixtime": f64::from(u8::try_from(*number).unwrap_or(1)) * 4.0,
            "fixunits": "Hours",
            "responsetime": f64::from(u8::try_from(*number).unwrap_or(1)),
            "responseunits": "Hours",
            "ishidden": hidden,
            "colour": "#e53935",
        })
    })
    .collect()
}

/// The values of one lookup table.
pub(super) fn lookup(table: i64) -> Vec<Value> {
    let rows = LOOKUPS.iter().filter(|(known, ..)| *known == table);
    rows.map(|(table, id, name)| json!({ "lookupid": table, "id": id, "name": name })).collect()
}
