//! What a ticket profile can set in MSP Manager.

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

/// The fields, in the order of a form. Teams, queues, boards and ticket types were not seen in this API.
pub(super) const FIELDS: &[ProfileField] = &[
    ProfileField {
        is_required: true,
        ..field(
            "service_item",
            "Service item",
            "A ticket belongs to a customer through a service item of that customer. The one of this name is \
             used for each customer; a customer's only one is used whatever its name.",
            Some("service_item"),
            &[],
        )
    },
    field("issue_type", "Issue type", "", Some("issue_type"), &[]),
    field("sub_issue_type", "Sub-issue type", "", Some("sub_issue_type"), &["issue_type"]),
    field("priority", "Priority", "Normal where this is empty.", Some("priority"), &[]),
    field("agent", "Assigned to", "Nobody where this is empty.", Some("agent"), &[]),
    field(
        "contact",
        "Contact",
        "The id (a GUID) of a contact. Contacts belong to a customer, so this suits a profile for one customer.",
        None,
        &[],
    ),
    field(
        "location",
        "Location",
        "The id (a GUID) of a location. Locations belong to a customer, so this suits a profile for one customer.",
        None,
        &[],
    ),
    ProfileField {
        is_whole_number: true,
        ..field("due_days", "Due in days", "Due so many days after the ticket is created.", None, &[])
    },
    field("billable", "Billable", "Not billable where this is empty.", Some("billable"), &[]),
];

/// The priorities, as a client in daily use writes them; their names are read from tickets where they can be.
pub(super) const PRIORITIES: [(i64, &str); 4] = [(1, "Low"), (2, "Normal"), (3, "High"), (4, "Critical")];

/// The priority where a profile names none: the clients seen always send one.
pub(super) const USUAL_PRIORITY: i64 = 2;

/// The statuses that are known where MSP Manager lists none: what clients and the vendor's own examples say,
/// and whether they close. Everything but 7 and 9 is open; that 5 is an open one is known, its name is not.
/// The one place to change.
pub(super) const STATUSES: [(i64, &str, bool); 3] =
    [(5, "Active", false), (7, "Complete", true), (9, "Cancelled", true)];

/// Whether a ticket of that status code is closed.
pub(super) fn closes(code: i64) -> bool {
    STATUSES.iter().any(|(known, _, closes)| *known == code && *closes)
}

/// The field of a ticket that holds its issue type, as an integrator's note gives it (in camelCase).
pub(super) const ISSUE_TYPE: &str = "IssueTypeId";

/// The field that holds its sub-issue type. No source names it: this follows [`ISSUE_TYPE`], and it is sent
/// only where a profile asks for one. The one place to change.
pub(super) const SUB_ISSUE_TYPE: &str = "SubIssueTypeId";
