//! The lists of values of the service desk.

use super::{BILLING, BY_NAME, Kind, LONG, Resource, Table};

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
