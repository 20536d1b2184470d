//! What a ticket profile can set in Autotask, and the field each value goes to.

use crate::psa::ProfileField;

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
        ..field("queue", "Queue", "The queue the ticket goes to.", Some("queue"), &[])
    },
    ProfileField {
        is_required: true,
        ..field(
            "priority",
            "Priority",
            "Autotask's numbers are in no order of severity.",
            Some("priority"),
            &[],
        )
    },
    field("issue_type", "Issue type", "", Some("issue_type"), &[]),
    field(
        "sub_issue_type",
        "Sub-issue type",
        "Belongs to an issue type; choose that one too.",
        Some("sub_issue_type"),
        &["issue_type"],
    ),
    field("ticket_type", "Ticket type", "Incident, service request, alert …", Some("ticket_type"), &[]),
    field(
        "category",
        "Ticket category",
        "Decides which fields Autotask demands and what it fills in by itself.",
        Some("category"),
        &[],
    ),
    field("source", "Source", "", Some("source"), &[]),
    field(
        "sla",
        "Service level agreement",
        "The one of the customer's contract where this is empty.",
        Some("sla"),
        &[],
    ),
    field(
        "agent",
        "Primary resource",
        "Who works on it. Autotask wants a role with it; leave both empty for the queue to decide.",
        Some("agent"),
        &[],
    ),
    field("role", "Role", "The role in which the primary resource works on it.", Some("role"), &["agent"]),
    field("work_type", "Work type", "The billing code of the work.", Some("work_type"), &[]),
    number("contact", "Contact", "The number of a contact of the company, where tickets name one."),
    number("configuration", "Configuration item", "The number of a configuration item of the company."),
    number(
        "due_days",
        "Due in days",
        "The due date: so many days after the ticket is opened; one day where this is empty. A service level agreement overrules it.",
    ),
    field("note_type", "Note type", "What our notes are filed as.", Some("note_type"), &[]),
    field(
        "note_publish",
        "Note is published to",
        "Who sees our notes. A private note uses it only where it is internal, else Autotask's own internal value.",
        Some("note_publish"),
        &[],
    ),
];

/// Fields of a ticket that are whole numbers: ours, and Autotask's.
pub(super) const INTEGERS: &[(&str, &str)] = &[
    ("queue", "queueID"),
    ("priority", "priority"),
    ("issue_type", "issueType"),
    ("sub_issue_type", "subIssueType"),
    ("ticket_type", "ticketType"),
    ("category", "ticketCategory"),
    ("source", "source"),
    ("sla", "serviceLevelAgreementID"),
    ("agent", "assignedResourceID"),
    ("role", "assignedResourceRoleID"),
    ("work_type", "billingCodeID"),
    ("contact", "contactID"),
    ("configuration", "configurationItemID"),
];

/// Fields of which one is nothing without the other: Autotask refuses a resource without a role and a role
/// without a resource (msp-claude-plugins#31), and a sub-issue type without its issue type.
pub(super) const NEEDS: &[(&str, &str)] =
    &[("agent", "role"), ("role", "agent"), ("sub_issue_type", "issue_type")];
