//! What a ticket profile can set in Halo, and how each value is written.

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{tickets::integer, wire};
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

/// The built-in action "Internal Note" (CIPP). Some agents may not use it (CIPP#106), so a profile can name another.
pub(super) const INTERNAL_NOTE: i64 = 7;

/// The fields, in the order of a form.
pub(super) const FIELDS: &[ProfileField] = &[
    ProfileField {
        is_required: true,
        is_board: true,
        ..field(
            "ticket_type",
            "Ticket type",
            "Decides which fields, statuses and rules a ticket has.",
            Some("ticket_type"),
            &[],
        )
    },
    field("sla", "SLA", "Halo takes the ticket type's own where this is empty.", Some("sla"), &[]),
    field(
        "priority",
        "Priority",
        "The same number means another thing under another SLA; outside the ticket's SLA Halo ignores it.",
        Some("priority"),
        &["sla"],
    ),
    field("team", "Team", "The team the ticket goes to.", Some("team"), &[]),
    field("agent", "Agent", "Leave it empty to keep Halo's own assignment rules.", Some("agent"), &[]),
    field("category_1", "Category 1", "", Some("category_1"), &["ticket_type"]),
    field("category_2", "Category 2", "", Some("category_2"), &["ticket_type"]),
    field("category_3", "Category 3", "", Some("category_3"), &["ticket_type"]),
    field("category_4", "Category 4", "", Some("category_4"), &["ticket_type"]),
    field("impact", "Impact", "Lower is more severe; newer instances want one.", Some("impact"), &[]),
    field("urgency", "Urgency", "Lower is more severe; newer instances want one.", Some("urgency"), &[]),
    number(
        "source",
        "Request source",
        "The number of a request source in Halo. Without one Halo records the ticket as Manual.",
    ),
    number(
        "contact",
        "User",
        "The number of a user of the client; right for one client only. Halo takes its General User where this is empty.",
    ),
    number(
        "configuration",
        "Asset",
        "The number of an asset that is attached to the ticket; right for one client only.",
    ),
    number("due_days", "Due in days", "The ticket's target date is so many days after it was created."),
    field(
        "note_outcome",
        "Action for notes",
        "The action our notes are written as; Internal Note where this is empty. The application's agent must be allowed to use it.",
        Some("outcome"),
        &[],
    ),
];

/// Fields written as JSON integers: ours, and Halo's.
const INTEGERS: &[(&str, &str)] = &[
    ("ticket_type", "tickettype_id"),
    ("sla", "sla_id"),
    ("priority", "priority_id"),
    ("agent", "agent_id"),
    ("impact", "impact"),
    ("urgency", "urgency"),
    ("source", "source"),
];

/// Fields written as text.
const TEXTS: &[(&str, &str)] = &[
    ("team", "team"),
    ("category_1", "category_1"),
    ("category_2", "category_2"),
    ("category_3", "category_3"),
    ("category_4", "category_4"),
];

/// Where a due date goes. The vendor's document has `targetdate`, `deadlinedate` and `fixbydate`; the last is
/// the SLA's, and of the others only the first is in a list of what a new ticket takes: the one place to change.
const DUE_DATE: &str = "targetdate";

/// The longest due date a profile may ask for, in days.
const MOST_DUE_DAYS: i64 = 3_650;

/// A profile's value, where it has one.
pub(super) fn value<'a>(draft: &'a TicketDraft, key: &str) -> Option<&'a str> {
    draft.fields.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// Writes the profile's values into a ticket, all but the contact, whose site must be asked for.
pub(super) fn fill(
    item: &mut Map<String, Value>,
    draft: &TicketDraft,
    now: Timestamp,
) -> Result<(), PsaError> {
    for (ours, theirs) in INTEGERS {
        if let Some(value) = value(draft, ours) {
            item.insert((*theirs).into(), json!(integer(ours, value)?));
        }
    }
    for (ours, theirs) in TEXTS {
        if let Some(value) = value(draft, ours) {
            item.insert((*theirs).into(), json!(value));
        }
    }
    if let Some(asset) = value(draft, "configuration") {
        item.insert("assets".into(), json!([{ "id": integer("configuration", asset)? }]));
    }
    if let Some(days) = value(draft, "due_days") {
        let days = integer("due_days", days)?;
        if !(0..=MOST_DUE_DAYS).contains(&days) {
            let reason = format!("due_days must be from 0 to {MOST_DUE_DAYS}");
            return Err(PsaError::Rejected { field: Some(String::from("due_days")), reason });
        }
        item.insert(DUE_DATE.into(), json!(wire::query_time(now.plus_secs(days * 86_400))));
    }
    Ok(())
}
