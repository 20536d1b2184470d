//! What a ticket profile can set in Syncro, and how each value is written.

use crate::psa::ProfileField;

const fn field(
    key: &'static str,
    label: &'static str,
    help: &'static str,
    pick_list: Option<&'static str>,
) -> ProfileField {
    ProfileField {
        key,
        label,
        help,
        pick_list,
        depends_on: &[],
        is_required: false,
        is_whole_number: false,
        is_board: false,
    }
}

const fn number(key: &'static str, label: &'static str, help: &'static str) -> ProfileField {
    ProfileField { is_whole_number: true, ..field(key, label, help, None) }
}

/// The fields, in the order of a form.
pub(super) const FIELDS: &[ProfileField] = &[
    field(
        "ticket_type",
        "Ticket type",
        "Decides which fields of its own a ticket has. An account may demand one on every ticket; checking the login says so, and without one Syncro then refuses the ticket.",
        Some("ticket_type"),
    ),
    field(
        "problem_type",
        "Issue type",
        "What Syncro's ticket form calls the issue type.",
        Some("problem_type"),
    ),
    field("priority", "Priority", "", Some("priority")),
    field("agent", "Assigned technician", "Nobody where this is empty.", Some("agent")),
    number(
        "sla",
        "SLA",
        "The number of an SLA. Syncro's API lists none: it shows as sla_id on a ticket or contract that has that SLA.",
    ),
    number("due_days", "Due after days", "The due date is so many days after the ticket was created."),
    number("contact", "Contact", "The number of a contact of the customer, from the address of its page."),
    number("configuration", "Asset", "The number of an asset of the customer, from the address of its page."),
];

/// Fields written as JSON integers: ours, and Syncro's.
pub(super) const INTEGERS: &[(&str, &str)] =
    &[("ticket_type", "ticket_type_id"), ("agent", "user_id"), ("sla", "sla_id"), ("contact", "contact_id")];

/// Fields written as text.
pub(super) const TEXTS: &[&str] = &["problem_type", "priority"];
