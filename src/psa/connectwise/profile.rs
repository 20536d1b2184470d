//! What a ticket profile can set in ConnectWise, and how each value is written.

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::wire::{self, chosen};
use crate::{
    psa::{ProfileField, PsaError},
    tickets::remote::TicketDraft,
};

const fn field(
    key: &'static str,
    label: &'static str,
    help: &'static str,
    pick_list: Option<&'static str>,
    depends_on: &'static [&'static str],
) -> ProfileField {
    ProfileField {
        key,
        label,
        help,
        pick_list,
        depends_on,
        is_required: false,
        is_whole_number: false,
        is_board: false,
    }
}

const fn number(key: &'static str, label: &'static str, help: &'static str) -> ProfileField {
    ProfileField { is_whole_number: true, ..field(key, label, help, None, &[]) }
}

/// The fields, in the order of a form.
pub(super) const FIELDS: &[ProfileField] = &[
    ProfileField {
        is_required: true,
        is_board: true,
        ..field(
            "board",
            "Board",
            "The service board. It decides which statuses, types and teams there are.",
            Some("board"),
            &[],
        )
    },
    field("ticket_type", "Type", "", Some("ticket_type"), &["board"]),
    field("subtype", "Subtype", "", Some("subtype"), &["board", "ticket_type"]),
    field("item", "Item", "", Some("item"), &["board", "ticket_type", "subtype"]),
    field("priority", "Priority", "The default priority where this is empty.", Some("priority"), &[]),
    field("source", "Source", "Where tickets come from, in the reports of ConnectWise.", Some("source"), &[]),
    field("team", "Team", "The team of the board that the ticket goes to.", Some("team"), &["board"]),
    field("agent", "Owner", "Leave it empty to keep the board's own rules.", Some("agent"), &[]),
    field(
        "sla",
        "SLA",
        "ConnectWise takes that of the agreement, the company or the board where this is empty.",
        Some("sla"),
        &[],
    ),
    field("impact", "Impact", "", Some("impact"), &[]),
    field("urgency", "Severity", "ConnectWise's severity.", Some("urgency"), &[]),
    number("contact", "Contact", "The number of a contact of the company; right for one company only."),
    number(
        "configuration",
        "Configuration",
        "The number of a configuration that is attached to the ticket; right for one company only.",
    ),
    number("due_days", "Due in days", "The ticket is to be done so many days after it was created."),
];

/// Fields that refer to a record: ours, and ConnectWise's. That a ticket's SLA can be written was not seen;
/// it stands among the fields of the vendor's document.
const REFERENCES: &[(&str, &str)] = &[
    ("ticket_type", "type"),
    ("subtype", "subType"),
    ("item", "item"),
    ("priority", "priority"),
    ("source", "source"),
    ("team", "team"),
    ("agent", "owner"),
    ("sla", "sla"),
    ("contact", "contact"),
];

/// Fields with one of [`LEVELS`]: ours, and ConnectWise's.
const GRADES: &[(&str, &str)] = &[("impact", "impact"), ("urgency", "severity")];

/// The values of impact and severity, the most severe first (an enum of the vendor's document).
pub(super) const LEVELS: [&str; 3] = ["High", "Medium", "Low"];

/// A profile's value, where it has one.
pub(super) fn value<'a>(draft: &'a TicketDraft, key: &str) -> Option<&'a str> {
    draft.fields.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// Writes the profile's values into a ticket.
pub(super) fn fill(
    ticket: &mut Map<String, Value>,
    draft: &TicketDraft,
    now: Timestamp,
) -> Result<(), PsaError> {
    let Some(board) = value(draft, "board") else {
        let reason = String::from("the profile names no board");
        return Err(PsaError::Rejected { field: Some(String::from("board")), reason });
    };
    ticket.insert("board".into(), json!({ "id": chosen("board", board)? }));
    for (ours, theirs) in REFERENCES {
        if let Some(value) = value(draft, ours) {
            ticket.insert((*theirs).into(), json!({ "id": chosen(ours, value)? }));
        }
    }
    for (ours, theirs) in GRADES {
        if let Some(value) = value(draft, ours) {
            let level = LEVELS.iter().find(|level| level.eq_ignore_ascii_case(value));
            let level = level.ok_or_else(|| PsaError::Rejected {
                field: Some((*ours).to_owned()),
                reason: format!("{ours} must be one of {}", LEVELS.join(", ")),
            })?;
            ticket.insert((*theirs).into(), json!(level));
        }
    }
    if let Some(days) = value(draft, "due_days") {
        let days = chosen("due_days", days)?;
        if !(0..=3_650).contains(&days) {
            let reason = String::from("due_days must be between 0 and 3650");
            return Err(PsaError::Rejected { field: Some(String::from("due_days")), reason });
        }
        ticket.insert("requiredDate".into(), json!(wire::time_text(now.plus_secs(days * 86_400))));
    }
    Ok(())
}
