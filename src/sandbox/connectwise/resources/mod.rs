//! What kinds of record there are, which fields they have, and of what type.
//!
//! Names, types and lengths are those of the vendor's OpenAPI document (2026.4 and 2025.16), cut to what an
//! integration of security products can have use for. A field that is not here is refused.

mod company;
mod service;
mod setup;
mod ticket;

pub(super) use self::{
    company::{COMPANY, CONFIGURATION},
    ticket::{NOTE, TICKET, TICKET_WRITE_ONLY},
};

/// A field and what it holds.
pub(super) type Member = (&'static str, Kind);

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Int,
    Number,
    Flag,
    /// Of at most so many UTF-16 units.
    Text(usize),
    Date,
    OneOf(&'static [&'static str]),
    /// Another record.
    Ref(Table),
    /// An array of objects.
    Children(&'static [Member]),
    Texts,
    Ints,
    /// Of a type that depends on the record.
    Any,
}

/// A text without a limit that is known.
pub(super) const LONG: Kind = Kind::Text(usize::MAX);

/// Whether the vendor bills something.
pub(super) const BILLING: Kind = Kind::OneOf(&["Billable", "DoNotBill", "NoCharge", "NoDefault"]);

/// The values of user-defined fields.
pub(super) const CUSTOM_FIELDS: &[Member] = &[
    ("id", Kind::Int),
    ("caption", LONG),
    ("type", LONG),
    ("entryMethod", LONG),
    ("numberOfDecimals", Kind::Int),
    ("value", Kind::Any),
];

/// What a reference shows, and is found by, besides its id.
const BY_NAME: &[Member] = &[("id", Kind::Int), ("name", LONG)];
const BY_BOTH: &[Member] = &[("id", Kind::Int), ("identifier", LONG), ("name", LONG)];

impl Kind {
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Text(_) | Self::OneOf(_) | Self::Any)
    }
}

/// The kind of the value at a path such as `["board", "id"]`.
pub(super) fn kind_at(fields: &[Member], path: &[&str]) -> Option<Kind> {
    let known = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    match path {
        ["_info", "lastUpdated" | "dateEntered"] => Some(Kind::Date),
        ["_info", "updatedBy" | "enteredBy"] => Some(LONG),
        [name] => known(name),
        [name, rest @ ..] => match known(name)? {
            Kind::Ref(table) => kind_at(table.resource().reference, rest),
            _ => None,
        },
        [] => None,
    }
}

/// Where records of one kind are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Additions,
    Agreements,
    AgreementTypes,
    Associations,
    Boards,
    Callbacks,
    Companies,
    CompanyStatuses,
    CompanyTypes,
    ConfigurationQuestions,
    ConfigurationStatuses,
    ConfigurationTypes,
    Configurations,
    ContactTypes,
    Contacts,
    Countries,
    Departments,
    IntegratorTags,
    Items,
    Locations,
    Manufacturers,
    Markets,
    Members,
    Priorities,
    Products,
    ServiceLocations,
    Sites,
    Slas,
    Sources,
    Statuses,
    SubTypes,
    Teams,
    Types,
    WorkRoles,
    WorkTypes,
}

impl Table {
    pub(super) fn resource(self) -> &'static Resource {
        match self {
            Self::Additions => &setup::ADDITION,
            Self::Agreements => &setup::AGREEMENT,
            Self::AgreementTypes => &setup::AGREEMENT_TYPE,
            Self::Associations => &service::ASSOCIATION,
            Self::Boards => &service::BOARD,
            Self::Callbacks => &setup::CALLBACK,
            Self::Companies => &COMPANY,
            Self::CompanyStatuses => &company::COMPANY_STATUS,
            Self::CompanyTypes => &company::COMPANY_TYPE,
            Self::ConfigurationQuestions => &company::CONFIGURATION_QUESTION,
            Self::ConfigurationStatuses => &company::CONFIGURATION_STATUS,
            Self::ConfigurationTypes => &company::CONFIGURATION_TYPE,
            Self::Configurations => &CONFIGURATION,
            Self::ContactTypes => &company::CONTACT_TYPE,
            Self::Contacts => &company::CONTACT,
            Self::Countries => &setup::COUNTRY,
            Self::Departments => &setup::DEPARTMENT,
            Self::IntegratorTags => &setup::INTEGRATOR_TAG,
            Self::Items => &service::ITEM,
            Self::Locations => &setup::LOCATION,
            Self::Manufacturers => &setup::MANUFACTURER,
            Self::Markets => &company::MARKET,
            Self::Members => &setup::MEMBER,
            Self::Priorities => &service::PRIORITY,
            Self::Products => &setup::PRODUCT,
            Self::ServiceLocations => &setup::SERVICE_LOCATION,
            Self::Sites => &company::SITE,
            Self::Slas => &service::SLA,
            Self::Sources => &service::SOURCE,
            Self::Statuses => &service::STATUS,
            Self::SubTypes => &service::SUB_TYPE,
            Self::Teams => &service::TEAM,
            Self::Types => &service::TYPE,
            Self::WorkRoles => &setup::WORK_ROLE,
            Self::WorkTypes => &setup::WORK_TYPE,
        }
    }

    /// The record that a record of this kind belongs to: the field that names it, and where it is kept.
    pub(super) fn parent(self) -> Option<(&'static str, Self)> {
        match self {
            Self::Statuses
            | Self::Types
            | Self::SubTypes
            | Self::Items
            | Self::Teams
            | Self::Associations => Some(("board", Self::Boards)),
            Self::Sites | Self::Contacts | Self::Agreements | Self::Configurations => {
                Some(("company", Self::Companies))
            }
            Self::Additions => Some(("agreementId", Self::Agreements)),
            Self::ConfigurationQuestions => Some(("configurationType", Self::ConfigurationTypes)),
            _ => None,
        }
    }
}

/// A kind of record.
#[derive(Debug)]
pub(super) struct Resource {
    /// As errors call it.
    pub(super) name: &'static str,
    /// As "not found" calls it.
    pub(super) label: &'static str,
    /// The path of a record's link, and the link's name without `_href`.
    pub(super) link: (&'static str, &'static str),
    pub(super) fields: &'static [Member],
    /// Fields that the server sets; what a client writes there is ignored.
    pub(super) read_only: &'static [&'static str],
    /// Fields of a reference to such a record.
    pub(super) reference: &'static [Member],
    /// Fields of the light twin under `/info`, each with the record's own name for it.
    pub(super) light: &'static [(&'static str, &'static str)],
}

impl Resource {
    /// The fields of the light twin.
    pub(super) fn light_fields(&self) -> Vec<Member> {
        let kind = |own: &str| kind_at(self.fields, &[own]);
        self.light.iter().filter_map(|(name, own)| Some((*name, kind(own)?))).collect()
    }
}
