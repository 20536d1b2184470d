//! What a ticket profile can set in Halo, and how each value is written.

use crate::psa::ProfileField;

const fn field(
    key: &'static str,
    label: &'static str,
    help: &'static str,
    pick_list: Option<&'static str>,
    depends_on: &'static [&'static str],
) -> ProfileField {
    ProfileField { key, label, help, pick_list, depends_on, is_required: false, is_whole_number: false }
}

/// The built-in action "Internal Note" (CIPP). Some agents may not use it (CIPP#106), so a profile can name another.
pub(super) const INTERNAL_NOTE: i64 = 7;

/// The fields, in the order of a form.
pub(super) const FIELDS: &[ProfileField] = &[
    ProfileField {
        is_required: true,
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
    ProfileField {
        is_whole_number: true,
        ..field(
            "source",
            "Request source",
            "The number of a request source in Halo. Without one Halo records the ticket as Manual.",
            None,
            &[],
        )
    },
    field(
        "note_outcome",
        "Action for notes",
        "The action our notes are written as; Internal Note where this is empty. The application's agent must be allowed to use it.",
        Some("outcome"),
        &[],
    ),
];

/// Fields written as JSON integers: ours, and Halo's.
pub(super) const INTEGERS: &[(&str, &str)] = &[
    ("ticket_type", "tickettype_id"),
    ("sla", "sla_id"),
    ("priority", "priority_id"),
    ("agent", "agent_id"),
    ("impact", "impact"),
    ("urgency", "urgency"),
    ("source", "source"),
];

/// Fields written as text.
pub(super) const TEXTS: &[(&str, &str)] = &[
    ("team", "team"),
    ("category_1", "category_1"),
    ("category_2", "category_2"),
    ("category_3", "category_3"),
    ("category_4", "category_4"),
];
