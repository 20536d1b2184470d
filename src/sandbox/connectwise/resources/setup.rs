//! People, places and other tables of the whole instance.

use super::{BY_BOTH, BY_NAME, Kind, LONG, Resource, Table};

pub(super) const MEMBER: Resource = Resource {
    name: "member",
    label: "Member",
    link: ("system/members", "member"),
    fields: &[
        ("id", Kind::Int),
        ("identifier", Kind::Text(15)),
        ("firstName", Kind::Text(30)),
        ("lastName", Kind::Text(30)),
        ("primaryEmail", Kind::Text(250)),
        ("licenseClass", Kind::OneOf(&["A", "C", "F", "X"])),
        ("inactiveFlag", Kind::Flag),
    ],
    read_only: &[],
    reference: BY_BOTH,
    light: &[
        ("id", "id"),
        ("identifier", "identifier"),
        ("firstName", "firstName"),
        ("lastName", "lastName"),
        ("licenseClass", "licenseClass"),
        ("inactiveFlag", "inactiveFlag"),
    ],
};

pub(super) const WORK_ROLE: Resource = Resource {
    name: "workRole",
    label: "Work Role",
    link: ("time/workRoles", "workRole"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(50)),
        ("hourlyRate", Kind::Number),
        ("inactiveFlag", Kind::Flag),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[("id", "id"), ("name", "name"), ("inactiveFlag", "inactiveFlag")],
};

pub(super) const WORK_TYPE: Resource = named("workType", "Work Type", ("time/workTypes", "workType"));

pub(super) const LOCATION: Resource = named("location", "Location", ("system/locations", "location"));

pub(super) const DEPARTMENT: Resource =
    named("department", "Department", ("system/departments", "department"));

pub(super) const SERVICE_LOCATION: Resource =
    named("serviceLocation", "Service Location", ("service/locations", "location"));

pub(super) const COUNTRY: Resource = named("country", "Country", ("company/countries", "country"));

pub(super) const MANUFACTURER: Resource =
    named("manufacturer", "Manufacturer", ("procurement/manufacturers", "manufacturer"));

pub(super) const AGREEMENT_TYPE: Resource =
    named("agreementType", "Agreement Type", ("finance/agreements/types", "type"));

/// A table of ids and names.
const fn named(name: &'static str, label: &'static str, link: (&'static str, &'static str)) -> Resource {
    Resource {
        name,
        label,
        link,
        fields: BY_NAME,
        read_only: &[],
        reference: BY_NAME,
        light: &[("id", "id"), ("name", "name")],
    }
}

/// A product of the catalogue, as far as additions name it.
pub(super) const PRODUCT: Resource = Resource {
    name: "catalogItem",
    label: "Catalog Item",
    link: ("procurement/catalog", "item"),
    fields: &[("id", Kind::Int), ("identifier", Kind::Text(60)), ("description", Kind::Text(50))],
    read_only: &[],
    reference: &[("id", Kind::Int), ("identifier", LONG)],
    light: &[],
};

/// What an agreement bills beside itself.
pub(super) const ADDITION: Resource = Resource {
    name: "addition",
    label: "Addition",
    link: ("finance/agreements/additions", "addition"),
    fields: &[
        ("id", Kind::Int),
        ("product", Kind::Ref(Table::Products)),
        ("quantity", Kind::Number),
        ("lessIncluded", Kind::Number),
        ("unitPrice", Kind::Number),
        ("unitCost", Kind::Number),
        ("billCustomer", Kind::OneOf(&["Billable", "DoNotBill", "NoCharge"])),
        ("effectiveDate", Kind::Date),
        ("cancelledDate", Kind::Date),
        ("taxableFlag", Kind::Flag),
        ("agreementId", Kind::Int),
        ("description", LONG),
        ("billedQuantity", Kind::Number),
        ("agreementStatus", Kind::OneOf(&["Active", "Cancelled", "Expired", "Inactive"])),
    ],
    read_only: &["id", "agreementId", "billedQuantity", "agreementStatus"],
    reference: BY_NAME,
    light: &[],
};

pub(super) const AGREEMENT: Resource = Resource {
    name: "agreement",
    label: "Agreement",
    link: ("finance/agreements", "agreement"),
    fields: &[
        ("id", Kind::Int),
        ("name", Kind::Text(100)),
        ("type", Kind::Ref(Table::AgreementTypes)),
        ("company", Kind::Ref(Table::Companies)),
        ("contact", Kind::Ref(Table::Contacts)),
        ("startDate", Kind::Date),
        ("endDate", Kind::Date),
        ("noEndingDateFlag", Kind::Flag),
        ("cancelledFlag", Kind::Flag),
        ("agreementStatus", Kind::OneOf(&["Active", "Cancelled", "Expired", "Inactive"])),
    ],
    read_only: &[],
    reference: BY_NAME,
    light: &[],
};

/// A webhook.
pub(super) const CALLBACK: Resource = Resource {
    name: "callbackEntry",
    label: "Callback",
    link: ("system/callbacks", "callback"),
    fields: &[
        ("id", Kind::Int),
        ("description", Kind::Text(100)),
        ("url", LONG),
        ("objectId", Kind::Int),
        ("type", LONG),
        ("level", LONG),
        ("memberId", Kind::Int),
        ("payloadVersion", LONG),
        ("inactiveFlag", Kind::Flag),
        ("isSoapCallbackFlag", Kind::Flag),
        ("isSelfSuppressedFlag", Kind::Flag),
        ("connectWiseID", LONG),
    ],
    read_only: &["id", "memberId", "connectWiseID"],
    reference: BY_NAME,
    light: &[],
};

pub(super) const INTEGRATOR_TAG: Resource = Resource {
    name: "integratorTag",
    label: "Integrator Tag",
    link: ("system/integratorTags", "tag"),
    fields: &[("id", Kind::Int), ("text", Kind::Text(100))],
    read_only: &["id"],
    reference: BY_NAME,
    light: &[],
};
