//! Tickets, their notes, and the lists of values of the service desk.

use super::{BILLING, BY_NAME, CUSTOM_FIELDS, Kind, LONG, Member, Resource, Table};

const LEVELS: Kind = Kind::OneOf(&["Low", "Medium", "High"]);

const TICKET_FIELDS: &[Member] = &[
    ("id", Kind::Int),
    ("summary", Kind::Text(100)),
    ("recordType", Kind::OneOf(&["ServiceTicket", "ProjectTicket", "ProjectIssue"])),
    ("board", Kind::Ref(Table::Boards)),
    ("status", Kind::Ref(Table::Statuses)),
    ("workRole", Kind::Ref(Table::WorkRoles)),
    ("workType", Kind::Ref(Table::WorkTypes)),
    ("company", Kind::Ref(Table::Companies)),
    ("site", Kind::Ref(Table::Sites)),
    ("siteName", Kind::Text(156)),
    ("addressLine1", Kind::Text(50)),
    ("addressLine2", Kind::Text(50)),
    ("city", Kind::Text(50)),
    ("stateIdentifier", Kind::Text(50)),
    ("zip", Kind::Text(12)),
    ("country", Kind::Ref(Table::Countries)),
    ("contact", Kind::Ref(Table::Contacts)),
    ("contactName", Kind::Text(62)),
    ("contactPhoneNumber", Kind::Text(20)),
    ("contactPhoneExtension", Kind::Text(15)),
    ("contactEmailAddress", Kind::Text(250)),
    ("type", Kind::Ref(Table::Types)),
    ("subType", Kind::Ref(Table::SubTypes)),
    ("item", Kind::Ref(Table::Items)),
    ("team", Kind::Ref(Table::Teams)),
    ("owner", Kind::Ref(Table::Members)),
    ("priority", Kind::Ref(Table::Priorities)),
    ("serviceLocation", Kind::Ref(Table::ServiceLocations)),
    ("source", Kind::Ref(Table::Sources)),
    ("requiredDate", Kind::Date),
    ("estimatedStartDate", Kind::Date),
    ("budgetHours", Kind::Number),
    ("agreement", Kind::Ref(Table::Agreements)),
    ("severity", LEVELS),
    ("impact", LEVELS),
    ("externalXRef", Kind::Text(100)),
    ("poNumber", Kind::Text(50)),
    ("allowAllClientsPortalView", Kind::Flag),
    ("customerUpdatedFlag", Kind::Flag),
    ("automaticEmailContactFlag", Kind::Flag),
    ("automaticEmailResourceFlag", Kind::Flag),
    ("automaticEmailCcFlag", Kind::Flag),
    ("automaticEmailCc", Kind::Text(1000)),
    ("closedDate", Kind::Date),
    ("closedBy", LONG),
    ("closedFlag", Kind::Flag),
    ("actualHours", Kind::Number),
    ("dateResolved", Kind::Date),
    ("resources", LONG),
    ("parentTicketId", Kind::Int),
    ("hasChildTicket", Kind::Flag),
    ("hasMergedChildTicketFlag", Kind::Flag),
    ("isInSla", Kind::Flag),
    ("slaStatus", LONG),
    ("sla", Kind::Ref(Table::Slas)),
    ("billTime", BILLING),
    ("billExpenses", BILLING),
    ("billProducts", BILLING),
    ("location", Kind::Ref(Table::Locations)),
    ("department", Kind::Ref(Table::Departments)),
    ("requestForChangeFlag", Kind::Flag),
    ("integratorTags", Kind::Texts),
    ("customFields", Kind::Children(CUSTOM_FIELDS)),
];

/// What steers a write and is never shown.
pub(in super::super) const TICKET_WRITE_ONLY: &[Member] = &[
    ("initialDescription", LONG),
    ("initialInternalAnalysis", LONG),
    ("initialResolution", LONG),
    ("initialDescriptionFrom", LONG),
    ("contactEmailLookup", LONG),
    ("processNotifications", Kind::Flag),
    ("skipCallback", Kind::Flag),
];

/// A ticket, of the service desk or of a project.
pub(in super::super) const TICKET: Resource = Resource {
    name: "ticket",
    label: "Ticket",
    link: ("service/tickets", "ticket"),
    fields: TICKET_FIELDS,
    read_only: &[
        "id",
        "closedDate",
        "closedBy",
        "closedFlag",
        "actualHours",
        "dateResolved",
        "resources",
        "parentTicketId",
        "hasChildTicket",
        "hasMergedChildTicketFlag",
        "isInSla",
        "slaStatus",
    ],
    reference: &[("id", Kind::Int), ("summary", LONG)],
    light: &[],
};

/// A note of a ticket.
pub(in super::super) const NOTE: Resource = Resource {
    name: "ticketNote",
    label: "Note",
    link: ("service/tickets/notes", "note"),
    fields: &[
        ("id", Kind::Int),
        ("ticketId", Kind::Int),
        ("text", LONG),
        ("detailDescriptionFlag", Kind::Flag),
        ("internalAnalysisFlag", Kind::Flag),
        ("resolutionFlag", Kind::Flag),
        ("issueFlag", Kind::Flag),
        ("member", Kind::Ref(Table::Members)),
        ("contact", Kind::Ref(Table::Contacts)),
        ("customerUpdatedFlag", Kind::Flag),
        ("processNotifications", Kind::Flag),
        ("dateCreated", Kind::Date),
        ("createdBy", LONG),
        ("internalFlag", Kind::Flag),
        ("externalFlag", Kind::Flag),
    ],
    // The last two show on reads and should not be relied on in writes.
    read_only: &["id", "ticketId", "dateCreated", "createdBy", "internalFlag", "externalFlag"],
    reference: BY_NAME,
    light: &[],
};

pub(super) const BOARD: Resource = Resource {
    name: "board",
    label: "Service Board",
    link: ("service/boards", "board"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(50)),
        ("location", Kind::Ref(Table::Locations)),
        ("department", Kind::Ref(Table::Departments)),
        ("inactiveFlag", Kind::Flag),
        ("projectFlag", Kind::Flag),
        ("workRole", Kind::Ref(Table::WorkRoles)),
        ("billTime", BILLING),
        ("billExpense", BILLING),
        ("billProduct", BILLING),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[
        ("id", "id"),
        ("name", "name"),
        ("location", "location"),
        ("department", "department"),
        ("projectFlag", "projectFlag"),
        ("inactiveFlag", "inactiveFlag"),
    ],
};

/// Its flag is `inactive`, where the other lists have `inactiveFlag`.
pub(super) const STATUS: Resource = Resource {
    name: "boardStatus",
    label: "Service Status",
    link: ("service/boards/statuses", "status"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(50)),
        ("board", Kind::Ref(Table::Boards)),
        ("sortOrder", Kind::Int),
        ("displayOnBoard", Kind::Flag),
        ("inactive", Kind::Flag),
        ("closedStatus", Kind::Flag),
        ("timeEntryNotAllowed", Kind::Flag),
        ("defaultFlag", Kind::Flag),
        (
            "escalationStatus",
            Kind::OneOf(&["NotResponded", "Responded", "ResolutionPlan", "Resolved", "NoEscalation"]),
        ),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[
        ("id", "id"),
        ("name", "name"),
        ("closedFlag", "closedStatus"),
        ("defaultFlag", "defaultFlag"),
        ("inactiveFlag", "inactive"),
        ("sortOrder", "sortOrder"),
    ],
};

pub(super) const TYPE: Resource = Resource {
    name: "boardType",
    label: "Service Type",
    link: ("service/boards/types", "type"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(50)),
        ("category", Kind::OneOf(&["Reactive", "Proactive"])),
        ("defaultFlag", Kind::Flag),
        ("inactiveFlag", Kind::Flag),
        ("requestForChangeFlag", Kind::Flag),
        ("board", Kind::Ref(Table::Boards)),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[],
};

pub(super) const SUB_TYPE: Resource = Resource {
    name: "boardSubType",
    label: "Service SubType",
    link: ("service/boards/subtypes", "subType"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(50)),
        ("inactiveFlag", Kind::Flag),
        ("typeAssociationIds", Kind::Ints),
        ("board", Kind::Ref(Table::Boards)),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[
        ("id", "id"),
        ("name", "name"),
        ("inactiveFlag", "inactiveFlag"),
        ("typeAssociationIds", "typeAssociationIds"),
    ],
};

pub(super) const ITEM: Resource = Resource {
    name: "boardItem",
    label: "Service Item",
    link: ("service/boards/items", "item"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(50)),
        ("inactiveFlag", Kind::Flag),
        ("board", Kind::Ref(Table::Boards)),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[],
};

pub(super) const ASSOCIATION: Resource = Resource {
    name: "boardTypeSubTypeItemAssociation",
    label: "Association",
    link: ("service/boards/typeSubTypeItemAssociations", "association"),
    fields: &[
        ("id", Kind::Int),
        ("type", Kind::Ref(Table::Types)),
        ("subType", Kind::Ref(Table::SubTypes)),
        ("item", Kind::Ref(Table::Items)),
        ("board", Kind::Ref(Table::Boards)),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[],
};

pub(super) const TEAM: Resource = Resource {
    name: "boardTeam",
    label: "Service Team",
    link: ("service/boards/teams", "team"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(30)),
        ("teamLeader", Kind::Ref(Table::Members)),
        ("members", Kind::Ints),
        ("defaultFlag", Kind::Flag),
        ("boardId", Kind::Int),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[("id", "id"), ("name", "name")],
};

pub(super) const PRIORITY: Resource = Resource {
    name: "priority",
    label: "Priority",
    link: ("service/priorities", "priority"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(50)),
        ("color", LONG),
        ("sortOrder", Kind::Int),
        ("defaultFlag", Kind::Flag),
        ("urgencySortOrder", LONG),
        ("level", Kind::OneOf(&["Critical", "High", "Medium", "Low"])),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[],
};

pub(super) const SOURCE: Resource = Resource {
    name: "source",
    label: "Source",
    link: ("service/sources", "source"),
    fields: &[("id", Kind::Int), ("name", Kind::Text(50)), ("defaultFlag", Kind::Flag)],
    read_only: &[],
    reference: BY_NAME,
    light: &[("id", "id"), ("name", "name")],
};

pub(super) const SLA: Resource = Resource {
    name: "sla",
    label: "SLA",
    link: ("service/SLAs", "sla"),
    fields: &[
        ("id", Kind::Int),
        ("name", LONG),
        ("defaultFlag", Kind::Flag),
        ("basedOn", Kind::OneOf(&["AllHours", "Customer", "MyCalendar", "Custom"])),
        ("respondHours", Kind::Number),
        ("planWithin", Kind::Number),
        ("resolutionHours", Kind::Number),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[("id", "id"), ("name", "name")],
};
