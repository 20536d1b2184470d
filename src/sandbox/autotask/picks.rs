//! Picklists, as a tenant might have them: only the system's values are the same everywhere.

use super::model::Pick;

/// The one status that means closed, in every tenant.
pub(super) const COMPLETE: i64 = 5;
/// The status that people set when they open a ticket again.
pub(super) const IN_PROGRESS: i64 = 8;
/// Seen by customers in the portal.
pub(super) const PUBLISH_TO_ALL: i64 = 1;
/// Seen by the MSP's own people.
pub(super) const PUBLISH_INTERNALLY: i64 = 2;

const fn pick(value: i64, label: &'static str) -> Pick {
    Pick { value, label, parent: None, is_default: false, is_active: true, is_system: false }
}

const fn usual(value: i64, label: &'static str) -> Pick {
    Pick { is_default: true, ..pick(value, label) }
}

const fn system(value: i64, label: &'static str) -> Pick {
    Pick { is_system: true, ..pick(value, label) }
}

const fn old(value: i64, label: &'static str) -> Pick {
    Pick { is_active: false, ..pick(value, label) }
}

const fn under(parent: i64, value: i64, label: &'static str) -> Pick {
    Pick { parent: Some(parent), ..pick(value, label) }
}

pub(super) static STATUS: &[Pick] = &[
    Pick { is_default: true, ..system(1, "New") },
    system(COMPLETE, "Complete"),
    pick(7, "Waiting Customer"),
    pick(IN_PROGRESS, "In Progress"),
    pick(9, "Waiting Materials"),
    pick(10, "Dispatched"),
    // Looks closed and is not.
    pick(12, "Resolved"),
    old(13, "Escalated"),
];

/// Values do not follow severity.
pub(super) static PRIORITY: &[Pick] =
    &[pick(1, "High"), usual(2, "Medium"), pick(3, "Low"), pick(4, "Critical")];

pub(super) static QUEUE: &[Pick] = &[
    system(5, "Client Portal"),
    system(8, "Monitoring Alert"),
    pick(29_682_833, "Level I Support"),
    pick(29_682_969, "Level II Support"),
    pick(29_683_354, "Security"),
    old(29_683_360, "Projects (old)"),
];

pub(super) static ISSUE_TYPE: &[Pick] =
    &[pick(10, "Hardware"), pick(11, "Network"), pick(12, "Software"), pick(13, "Security")];

pub(super) static SUB_ISSUE_TYPE: &[Pick] = &[
    under(10, 136, "Server"),
    under(10, 137, "Workstation"),
    under(11, 140, "Firewall"),
    under(11, 141, "Wireless"),
    under(12, 150, "Microsoft 365"),
    under(13, 160, "Vulnerability"),
    under(13, 161, "Phishing"),
];

pub(super) static TICKET_TYPE: &[Pick] = &[
    Pick { is_default: true, ..system(1, "Service Request") },
    system(2, "Incident"),
    system(3, "Problem"),
    system(4, "Change Request"),
    system(5, "Alert"),
];

pub(super) static TICKET_CATEGORY: &[Pick] =
    &[system(2, "RMM Alert"), Pick { is_default: true, ..system(3, "Standard") }, system(5, "RMA")];

pub(super) static SOURCE: &[Pick] =
    &[pick(2, "Phone"), pick(4, "Email"), system(6, "Client Portal"), system(8, "Monitoring Alert")];

pub(super) static SLA: &[Pick] = &[pick(1, "Standard"), pick(2, "Premium")];

pub(super) static NOTE_TYPE: &[Pick] = &[
    pick(1, "Task Summary"),
    pick(2, "Task Detail"),
    pick(3, "Task Notes"),
    system(13, "Workflow Rule Note - Task"),
];

pub(super) static PUBLISH: &[Pick] = &[
    system(PUBLISH_TO_ALL, "All Autotask Users"),
    system(PUBLISH_INTERNALLY, "Internal Project Team"),
    system(4, "Internal & Co-Managed"),
];

pub(super) static COMPANY_TYPE: &[Pick] = &[
    system(1, "Customer"),
    system(2, "Lead"),
    system(3, "Prospect"),
    system(4, "Dead"),
    system(6, "Cancellation"),
    system(7, "Vendor"),
    system(8, "Partner"),
];

pub(super) static CLASSIFICATION: &[Pick] =
    &[pick(1, "Managed"), pick(2, "Block Hours"), pick(200, "Break-Fix")];

pub(super) static MARKET: &[Pick] =
    &[pick(29_682_780, "Healthcare"), pick(29_682_781, "Professional Services"), pick(29_682_782, "Other")];

pub(super) static TERRITORY: &[Pick] = &[pick(29_682_790, "North"), pick(29_682_791, "South")];

/// Contacts say 0 or 1 where other entities say true or false.
pub(super) static ACTIVE: &[Pick] = &[system(0, "Inactive"), system(1, "Active")];

pub(super) static LICENSE_TYPE: &[Pick] = &[system(1, "Professional"), system(7, "API User")];

pub(super) static CONFIGURATION_ITEM_TYPE: &[Pick] =
    &[pick(1, "Workstation"), pick(2, "Server"), pick(3, "Network Device")];

pub(super) static CONTRACT_TYPE: &[Pick] =
    &[system(1, "Time & Materials"), system(3, "Fixed Price"), system(7, "Recurring Service")];

pub(super) static CONTRACT_STATUS: &[Pick] = &[system(0, "Inactive"), system(1, "Active")];

/// Which fields of tickets a webhook can name, and the numbers that stand for them here. The labels are the
/// names that payloads use.
pub(super) static TICKET_WEBHOOK_FIELD: &[Pick] = &[
    pick(101, "AssignedResourceID"),
    pick(102, "CompanyID"),
    pick(103, "CompletedDate"),
    pick(104, "ContactID"),
    pick(105, "CreateDate"),
    pick(106, "Description"),
    pick(107, "DueDateTime"),
    pick(108, "ExternalID"),
    pick(109, "IssueType"),
    pick(110, "LastActivityDate"),
    pick(111, "Priority"),
    pick(112, "QueueID"),
    pick(113, "Resolution"),
    pick(114, "Status"),
    pick(115, "SubIssueType"),
    pick(116, "TicketCategory"),
    pick(117, "TicketNumber"),
    pick(118, "TicketType"),
    pick(119, "Title"),
];
