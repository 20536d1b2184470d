//! Companies, their people, sites, devices and agreements.

use serde_json::{Value, json};

use super::{super::resources::Table, put};
use crate::sandbox::{connectwise::world::ConnectWiseWorld, frame::customer_name};

/// The id of the first customer; smaller ones are those of the MSP itself and of a vendor.
const FIRST_COMPANY: i64 = 19;

pub(super) fn fill(world: &mut ConnectWiseWorld) {
    let status = |id: i64, name: &str, flag: &str, message: &str| {
        json!({
            "id": id, "name": name, "defaultFlag": flag == "default", "inactiveFlag": flag == "inactive",
            "notifyFlag": !message.is_empty(), "disallowSavingFlag": flag == "locked",
            "notificationMessage": message,
        })
    };
    put(
        world,
        Table::Products,
        vec![json!({ "id": 61, "identifier": "EDR", "description": "Protected devices" })],
    );
    put(
        world,
        Table::CompanyStatuses,
        vec![
            status(1, "Active", "default", ""),
            status(4, "Credit Hold", "locked", "This company is on credit hold."),
            status(13, "Not-Active", "", ""),
        ],
    );
    let kind = |id: i64, name: &str, vendor: bool| json!({ "id": id, "name": name, "defaultFlag": id == 1, "vendorFlag": vendor, "serviceAlertFlag": false });
    put(
        world,
        Table::CompanyTypes,
        vec![kind(1, "Customer", false), kind(7, "Prospect", false), kind(9, "Vendor", true)],
    );
    let kind =
        |id: i64, description: &str| json!({ "id": id, "description": description, "defaultFlag": id == 5 });
    put(world, Table::ContactTypes, vec![kind(4, "Primary"), kind(5, "End User")]);
    let named = |id: i64, name: &str| json!({ "id": id, "name": name });
    put(world, Table::Markets, vec![named(3, "Healthcare"), named(5, "Professional Services")]);
    put(
        world,
        Table::ConfigurationTypes,
        vec![
            json!({ "id": 17, "name": "Workstation", "inactiveFlag": false, "systemFlag": false }),
            json!({ "id": 24, "name": "Managed Server", "inactiveFlag": false, "systemFlag": false }),
            json!({ "id": 25, "name": "Pager", "inactiveFlag": true, "systemFlag": false }),
        ],
    );
    put(
        world,
        Table::ConfigurationQuestions,
        vec![json!({
            "id": 70, "configurationType": { "id": 24 }, "question": "Backup window", "fieldType": "Text",
            "entryType": "EntryField", "sequenceNumber": 1.0, "requiredFlag": true, "inactiveFlag": false,
        })],
    );
    let state = |id: i64, description: &str, closed: bool| json!({ "id": id, "description": description, "closedFlag": closed, "defaultFlag": id == 1 });
    put(world, Table::ConfigurationStatuses, vec![state(1, "Active", false), state(2, "Retired", true)]);
    company(world, 2, "Northstar IT", "NorthstarIT", (1, 7), false);
    company(world, 3, "Ardent Hardware", "ArdentHardware", (1, 9), false);
    for number in 0..world.options.companies {
        let id = FIRST_COMPANY + i64::try_from(number).unwrap_or(0);
        let name = customer_name(number);
        let identifier: String = name.chars().filter(char::is_ascii_alphanumeric).take(25).collect();
        // One of seventeen has left, one of twenty-three does not pay, one of nineteen is not a customer yet.
        let status = match number {
            n if n % 17 == 16 => 13,
            n if n % 23 == 22 => 4,
            _ => 1,
        };
        let kind = if number % 19 == 18 { 7 } else { 1 };
        company(world, id, &name, &identifier, (status, kind), number % 41 == 40);
    }
    devices(world);
}

/// A company with one site, one contact and one agreement.
fn company(
    world: &mut ConnectWiseWorld,
    id: i64,
    name: &str,
    identifier: &str,
    (status, kind): (i64, i64),
    is_deleted: bool,
) {
    let kind_name = match kind {
        7 => "Prospect",
        9 => "Vendor",
        _ => "Customer",
    };
    let deleted: Value = if is_deleted { "2025-03-01T09:00:00Z".into() } else { Value::Null };
    put(
        world,
        Table::Companies,
        vec![json!({
            "id": id, "identifier": identifier, "name": name, "status": { "id": status },
            "addressLine1": format!("{} High Street", 10 + id), "city": "Tampa", "state": "FL", "zip": "33602",
            "country": { "id": 1 }, "phoneNumber": format!("813555{id:04}"), "territory": { "id": 2 },
            "market": { "id": if id % 2 == 0 { 3 } else { 5 } }, "leadFlag": false, "unsubscribeFlag": false,
            "deletedFlag": is_deleted, "dateDeleted": deleted, "isVendorFlag": kind == 9,
            "types": [{ "id": kind, "name": kind_name }], "integratorTags": [], "customFields": [],
            "site": { "id": 1_000 + id, "name": "Main" },
        })],
    );
    put(
        world,
        Table::Sites,
        vec![json!({
            "id": 1_000 + id, "name": "Main", "addressLine1": format!("{} High Street", 10 + id),
            "city": "Tampa", "zip": "33602", "primaryAddressFlag": true, "inactiveFlag": false,
            "company": { "id": id },
        })],
    );
    let domain = format!("{}.example", identifier.to_lowercase());
    let custom = |vip: &str| json!({ "id": 31, "caption": "VIP", "type": "Text", "entryMethod": "EntryField", "value": vip });
    put(
        world,
        Table::Contacts,
        vec![json!({
            "id": 2_000 + id, "firstName": "Robin", "lastName": "Keeper", "company": { "id": id },
            "site": { "id": 1_000 + id }, "title": "Office Manager", "inactiveFlag": false, "defaultFlag": true,
            "defaultPhoneNbr": format!("813555{id:04}"), "portalSecurityLevel": 6, "types": [{ "id": 4, "name": "Primary" }],
            "customFields": [custom(if id == FIRST_COMPANY { "Yes" } else { "No" })],
            "communicationItems": [
                {
                    "id": 5_000 + 2 * id, "value": format!("robin@{domain}"), "defaultFlag": true,
                    "domain": format!("@{domain}"), "communicationType": "Email",
                },
                {
                    "id": 5_001 + 2 * id, "value": format!("813555{id:04}"), "defaultFlag": true,
                    "communicationType": "Phone",
                },
            ],
        })],
    );
    if id == FIRST_COMPANY {
        // Somebody who has left.
        put(
            world,
            Table::Contacts,
            vec![json!({
                "id": 8_000 + id, "firstName": "Lou", "lastName": "Ferrer", "company": { "id": id },
                "site": { "id": 1_000 + id }, "inactiveFlag": true, "defaultFlag": false, "portalSecurityLevel": 6,
                "types": [{ "id": 5, "name": "End User" }], "customFields": [custom("No")],
                "communicationItems": [{
                    "id": 9_000, "value": format!("lou@{domain}"), "defaultFlag": true,
                    "domain": format!("@{domain}"), "communicationType": "Email",
                }],
            })],
        );
    }
    put(
        world,
        Table::Agreements,
        vec![json!({
            "id": 3_000 + id, "name": "Managed Services", "type": { "id": 3 }, "company": { "id": id },
            "contact": { "id": 2_000 + id }, "startDate": "2024-01-01T00:00:00Z", "noEndingDateFlag": true,
            "cancelledFlag": false, "agreementStatus": "Active",
        })],
    );
    put(
        world,
        Table::Additions,
        vec![json!({
            "id": 5_000 + id, "product": { "id": 61 }, "quantity": 10, "unitPrice": 4.5, "billCustomer": "Billable",
            "effectiveDate": "2024-01-01T00:00:00Z", "taxableFlag": true, "agreementId": 3_000 + id,
            "description": "Protected devices", "billedQuantity": 10, "agreementStatus": "Active",
        })],
    );
}

fn devices(world: &mut ConnectWiseWorld) {
    let device = |id: i64, company: i64, name: &str, kind: i64| {
        json!({
            "id": id, "name": name, "type": { "id": kind }, "status": { "id": 1 }, "company": { "id": company },
            "deviceIdentifier": format!("DEV-{id}"), "serialNumber": format!("SN{id}"), "activeFlag": true,
            "billFlag": false, "needsRenewalFlag": false, "manufacturer": { "id": 5 }, "osType": "Windows",
            "questions": [], "customFields": [],
        })
    };
    let with = |mut row: Value, more: Value| {
        if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
            row.extend(more);
        }
        row
    };
    let server = json!({
        "purchaseDate": "2023-03-01T00:00:00Z", "warrantyExpirationDate": "2026-12-24T00:00:00Z", "ram": "64 GB",
        "customFields": [
            { "id": 31, "caption": "Rack", "type": "Text", "entryMethod": "EntryField", "value": "R2-U17" },
        ],
    });
    let front = json!({ "installationDate": "2024-05-06T00:00:00Z" });
    let rows = vec![
        with(device(18_217, 19, "NW-DC01", 24), server),
        with(device(18_218, 19, "NW-FRONT-02", 17), front),
        device(18_230, 20, "HL-LAPTOP-07", 17),
    ];
    put(world, Table::Configurations, rows);
}
