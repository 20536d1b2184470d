//! The MSP's own people and what they work as.

use crate::sandbox::autotask::{
    model::{Field, date, decimal, flag, id, int, long, text},
    picks,
};

pub(in crate::sandbox::autotask) static RESOURCE: &[Field] = &[
    id(),
    text("accountingReferenceID", 100),
    text("dateFormat", 20),
    long("defaultServiceDeskRoleID").refers("Role"),
    text("email", 254),
    text("email2", 254),
    text("email3", 254),
    text("emailTypeCode", 20),
    text("emailTypeCode2", 20),
    text("emailTypeCode3", 20),
    text("firstName", 50),
    text("gender", 1),
    int("greeting"),
    date("hireDate"),
    text("homePhone", 25),
    text("initials", 32),
    decimal("internalCost"),
    flag("isActive"),
    text("lastName", 50),
    int("licenseType").picks(picks::LICENSE_TYPE),
    int("locationID"),
    text("middleName", 50),
    text("mobilePhone", 25),
    text("numberFormat", 20),
    text("officeExtension", 10),
    text("officePhone", 25),
    text("payrollIdentifier", 32),
    int("payrollType"),
    text("resourceType", 15),
    int("suffix"),
    decimal("surveyResourceRating").read_only(),
    text("timeFormat", 20),
    text("title", 50),
    text("travelAvailabilityPct", 15),
    text("userName", 32),
    int("userType"),
];

pub(in crate::sandbox::autotask) static ROLE: &[Field] = &[
    id(),
    text("description", 200),
    decimal("hourlyFactor"),
    decimal("hourlyRate"),
    flag("isActive"),
    flag("isExcludedFromNewContracts"),
    flag("isSystemRole").read_only(),
    text("name", 200),
    int("quoteItemDefaultTaxCategoryId"),
    int("roleType"),
];

pub(in crate::sandbox::autotask) static RESOURCE_ROLE: &[Field] = &[
    id(),
    int("departmentID"),
    flag("isActive"),
    int("queueID").picks(picks::QUEUE),
    int("resourceID").refers("Resource"),
    int("roleID").refers("Role"),
];

pub(in crate::sandbox::autotask) static SERVICE_DESK_ROLE: &[Field] = &[
    id(),
    flag("isActive"),
    flag("isDefault"),
    int("resourceID").refers("Resource"),
    int("roleID").refers("Role"),
];
