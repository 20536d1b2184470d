//! Companies and what belongs to them.

use super::{BY_BOTH, BY_NAME, CUSTOM_FIELDS, Kind, LONG, Member, Resource, Table};

/// A company.
pub(in super::super) const COMPANY: Resource = Resource {
    name: "company",
    label: "Company",
    link: ("company/companies", "company"),
    fields: &[
        ("id", Kind::Int),
        ("identifier", Kind::Text(156)),
        ("name", Kind::Text(156)),
        ("status", Kind::Ref(Table::CompanyStatuses)),
        ("addressLine1", LONG),
        ("addressLine2", LONG),
        ("city", LONG),
        ("state", LONG),
        ("zip", LONG),
        ("country", Kind::Ref(Table::Countries)),
        ("phoneNumber", Kind::Text(30)),
        ("faxNumber", Kind::Text(30)),
        ("website", Kind::Text(255)),
        ("territory", Kind::Ref(Table::Locations)),
        ("market", Kind::Ref(Table::Markets)),
        ("accountNumber", LONG),
        ("defaultContact", Kind::Ref(Table::Contacts)),
        ("dateAcquired", Kind::Date),
        ("numberOfEmployees", Kind::Int),
        ("leadSource", Kind::Text(50)),
        ("leadFlag", Kind::Flag),
        ("unsubscribeFlag", Kind::Flag),
        ("vendorIdentifier", LONG),
        ("taxIdentifier", LONG),
        ("deletedFlag", Kind::Flag),
        ("dateDeleted", Kind::Date),
        ("deletedBy", LONG),
        ("isVendorFlag", Kind::Flag),
        ("types", Kind::Children(BY_NAME)),
        ("site", Kind::Ref(Table::Sites)),
        ("integratorTags", Kind::Texts),
        ("customFields", Kind::Children(CUSTOM_FIELDS)),
    ],
    read_only: &["id", "deletedFlag", "dateDeleted", "deletedBy", "defaultContact"],
    reference: BY_BOTH,
    light: &[("id", "id"), ("identifier", "identifier"), ("name", "name")],
};

pub(super) const COMPANY_STATUS: Resource = Resource {
    name: "companyStatus",
    label: "Company Status",
    link: ("company/companies/statuses", "status"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(50)),
        ("defaultFlag", Kind::Flag),
        ("inactiveFlag", Kind::Flag),
        ("notifyFlag", Kind::Flag),
        ("disallowSavingFlag", Kind::Flag),
        ("notificationMessage", Kind::Text(500)),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[],
};

pub(super) const COMPANY_TYPE: Resource = Resource {
    name: "companyType",
    label: "Company Type",
    link: ("company/companies/types", "type"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(50)),
        ("defaultFlag", Kind::Flag),
        ("vendorFlag", Kind::Flag),
        ("serviceAlertFlag", Kind::Flag),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[("id", "id"), ("name", "name"), ("isVendor", "vendorFlag")],
};

pub(super) const MARKET: Resource = Resource {
    name: "marketDescription",
    label: "Market",
    link: ("company/marketDescriptions", "market"),
    fields: BY_NAME,
    read_only: &[],
    reference: BY_NAME,
    light: &[("id", "id"), ("name", "name")],
};

pub(super) const SITE: Resource = Resource {
    name: "companySite",
    label: "Site",
    link: ("company/companies/sites", "site"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(156)),
        ("addressLine1", Kind::Text(50)),
        ("city", Kind::Text(50)),
        ("zip", Kind::Text(12)),
        ("primaryAddressFlag", Kind::Flag),
        ("inactiveFlag", Kind::Flag),
        ("company", Kind::Ref(Table::Companies)),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[("id", "id"), ("name", "name")],
};

/// Addresses of mail and telephone; a contact has no field `email`.
const COMMUNICATION_ITEMS: &[Member] = &[
    ("id", Kind::Int),
    ("value", LONG),
    ("extension", LONG),
    ("defaultFlag", Kind::Flag),
    ("domain", LONG),
    ("communicationType", Kind::OneOf(&["Email", "Fax", "Phone"])),
];

/// A type of contacts: its name is called a description.
pub(super) const CONTACT_TYPE: Resource = Resource {
    name: "contactType",
    label: "Contact Type",
    link: ("company/contacts/types", "type"),
    fields: &[("id", Kind::Int), ("description", Kind::Text(50)), ("defaultFlag", Kind::Flag)],
    read_only: &[],
    reference: &[("id", Kind::Int), ("name", Kind::Text(50))],
    light: &[],
};

pub(super) const CONTACT: Resource = Resource {
    name: "contact",
    label: "Contact",
    link: ("company/contacts", "contact"),
    fields: &[
        ("id", Kind::Int),
        ("firstName", LONG),
        ("lastName", LONG),
        ("company", Kind::Ref(Table::Companies)),
        ("site", Kind::Ref(Table::Sites)),
        ("title", LONG),
        ("inactiveFlag", Kind::Flag),
        ("defaultFlag", Kind::Flag),
        ("defaultPhoneNbr", LONG),
        ("portalSecurityLevel", Kind::Int),
        ("communicationItems", Kind::Children(COMMUNICATION_ITEMS)),
        ("types", Kind::Children(BY_NAME)),
        ("customFields", Kind::Children(CUSTOM_FIELDS)),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[("id", "id"), ("firstName", "firstName"), ("lastName", "lastName"), ("company", "company")],
};

/// Answers to the questions of a configuration type.
const QUESTIONS: &[Member] = &[
    ("questionId", Kind::Int),
    ("question", LONG),
    ("answerId", Kind::Int),
    ("answer", Kind::Any),
    ("fieldType", LONG),
    ("requiredFlag", Kind::Flag),
    ("sequenceNumber", Kind::Number),
];

/// A device.
pub(in super::super) const CONFIGURATION: Resource = Resource {
    name: "configuration",
    label: "Configuration",
    link: ("company/configurations", "configuration"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(100)),
        ("type", Kind::Ref(Table::ConfigurationTypes)),
        ("status", Kind::Ref(Table::ConfigurationStatuses)),
        ("company", Kind::Ref(Table::Companies)),
        ("contact", Kind::Ref(Table::Contacts)),
        ("site", Kind::Ref(Table::Sites)),
        ("deviceIdentifier", Kind::Text(100)),
        ("serialNumber", Kind::Text(250)),
        ("modelNumber", Kind::Text(250)),
        ("tagNumber", Kind::Text(250)),
        ("purchaseDate", Kind::Date),
        ("installationDate", Kind::Date),
        ("warrantyExpirationDate", Kind::Date),
        ("vendorNotes", LONG),
        ("notes", LONG),
        ("macAddress", LONG),
        ("lastLoginName", LONG),
        ("ipAddress", LONG),
        ("defaultGateway", LONG),
        ("osType", LONG),
        ("osInfo", LONG),
        ("cpuSpeed", LONG),
        ("ram", LONG),
        ("localHardDrives", LONG),
        ("manufacturer", Kind::Ref(Table::Manufacturers)),
        ("manufacturerPartNumber", LONG),
        ("vendor", Kind::Ref(Table::Companies)),
        ("parentConfigurationId", Kind::Int),
        ("activeFlag", Kind::Flag),
        ("billFlag", Kind::Flag),
        ("needsRenewalFlag", Kind::Flag),
        ("managementLink", LONG),
        ("remoteLink", LONG),
        ("questions", Kind::Children(QUESTIONS)),
        ("customFields", Kind::Children(CUSTOM_FIELDS)),
    ],
    read_only: &["id"],
    reference: &[("id", Kind::Int), ("deviceIdentifier", LONG)],
    light: &[],
};

pub(super) const CONFIGURATION_TYPE: Resource = Resource {
    name: "configurationType",
    label: "Configuration Type",
    link: ("company/configurations/types", "type"),
    fields: &[("id", Kind::Int), ("name", LONG), ("inactiveFlag", Kind::Flag), ("systemFlag", Kind::Flag)],
    read_only: &[],
    reference: BY_NAME,
    light: &[],
};

pub(super) const CONFIGURATION_QUESTION: Resource = Resource {
    name: "configurationTypeQuestion",
    label: "Question",
    link: ("company/configurations/types/questions", "question"),
    fields: &[
        ("id", Kind::Int),
        ("configurationType", Kind::Ref(Table::ConfigurationTypes)),
        ("question", LONG),
        ("fieldType", LONG),
        ("entryType", LONG),
        ("sequenceNumber", Kind::Number),
        ("requiredFlag", Kind::Flag),
        ("inactiveFlag", Kind::Flag),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[],
};

/// Its name is in `description`; references call it `name` all the same.
pub(super) const CONFIGURATION_STATUS: Resource = Resource {
    name: "configurationStatus",
    label: "Configuration Status",
    link: ("company/configurations/statuses", "status"),
    fields: &[
        ("id", Kind::Int),
        ("description", LONG),
        ("closedFlag", Kind::Flag),
        ("defaultFlag", Kind::Flag),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[("id", "id"), ("description", "description")],
};
