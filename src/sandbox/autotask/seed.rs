//! What an instance has on its first day: customers, people, products, contracts. No tickets.

use entity::Timestamp;
use serde_json::{Value, json};

use super::{
    dates,
    model::{Entity, Row, Spec},
    picks,
    store::Store,
};
use crate::sandbox::frame::customer_name;

/// The resource that the login is.
pub(super) const API_USER: i64 = 30_691_780;
/// User-defined fields that the tenant has on tickets.
pub(super) const TICKET_UDFS: &[&str] = &["Our Ref", "Approved By"];
/// User-defined fields of contacts.
pub(super) const CONTACT_UDFS: &[&str] = &["VIP"];

/// "Northwind Dental".
const FIRST_COMPANY: i64 = 175;
const COMPANIES: usize = 130;
/// How many companies have a named contact.
const WITH_CONTACT: usize = 40;
const DANA: i64 = 29_682_885;
const SAM: i64 = 29_682_886;
const ENGINEER: i64 = 29_682_834;
const HELP_DESK: i64 = 29_683_392;

/// Puts records in, with what the vendor fills in by itself.
struct Seed {
    store: Store,
    now: Timestamp,
}

impl Seed {
    fn add(&mut self, entity: Entity, id: i64, values: &Value) {
        let Some(spec) = entity.spec() else { return };
        let mut row = Store::blank(spec);
        row.extend(values.as_object().cloned().unwrap_or_default());
        self.dates(spec, &mut row);
        self.store.put(entity, id, row, self.now);
    }

    fn dates(&self, spec: &Spec, row: &mut Row) {
        let now = dates::zoneless(self.now);
        for name in [
            "createDate",
            "lastActivityDate",
            "lastTrackedModifiedDateTime",
            "lastModifiedDate",
            "createdTime",
        ] {
            if spec.field(name).is_some() {
                row.insert(name.to_owned(), now.clone().into());
            }
        }
    }
}

/// Everything; `user_name` is the API user's.
pub(super) fn store(now: Timestamp, user_name: &str) -> Store {
    let mut seed = Seed { store: Store::default(), now };
    people(&mut seed, user_name);
    products(&mut seed);
    companies(&mut seed);
    contracts(&mut seed);
    seed.store
}

fn people(seed: &mut Seed, user_name: &str) {
    let mut person = |id: i64, first: &str, last: &str, user: &str, is_active: bool, licence: i64| {
        let email = if user.contains('@') { user.to_owned() } else { format!("{user}@msp.example") };
        seed.add(
            Entity::Resources,
            id,
            &json!({
                "firstName": first, "lastName": last, "userName": user, "email": email,
                "isActive": is_active, "licenseType": licence, "resourceType": "Employee", "userType": 9,
                "defaultServiceDeskRoleID": (licence == 1).then_some(ENGINEER),
            }),
        );
    };
    person(DANA, "Dana", "Smith", "dsmith", true, 1);
    person(SAM, "Sam", "Lee", "slee", true, 1);
    person(29_682_887, "Robin", "Gray", "rgray", false, 1);
    person(API_USER, "Gateway", "API", user_name, true, 7);
    for (id, name) in [(ENGINEER, "Engineer"), (HELP_DESK, "Help Desk")] {
        let role = json!({ "name": name, "isActive": true, "isSystemRole": false, "hourlyRate": 120.0 });
        seed.add(Entity::Roles, id, &role);
    }
    let pairs = [(DANA, ENGINEER, true), (DANA, HELP_DESK, false), (SAM, HELP_DESK, true)];
    for (id, (person, role, is_default)) in (1..).zip(pairs) {
        let desk = json!({ "resourceID": person, "roleID": role, "isDefault": is_default, "isActive": true });
        seed.add(Entity::ResourceServiceDeskRoles, id, &desk);
        let queue = json!({ "resourceID": person, "roleID": role, "queueID": 29_682_833, "isActive": true });
        seed.add(Entity::ResourceRoles, id, &queue);
    }
    for pick in picks::TICKET_CATEGORY {
        let category = json!({
            "name": pick.label, "isActive": true, "isApiOnly": false, "isGlobalDefault": pick.is_default,
        });
        seed.add(Entity::TicketCategories, pick.value, &category);
    }
    let code = json!({ "name": "Remote Support", "isActive": true, "useType": 1, "billingCodeType": 0 });
    seed.add(Entity::BillingCodes, 29_682_801, &code);
}

fn products(seed: &mut Seed) {
    for (id, name, manufacturer) in [(1, "Generic Device", ""), (2, "ProDesk 400", "HP")] {
        let product = json!({
            "name": name, "manufacturerName": manufacturer, "isActive": true, "isSerialized": false,
            "productBillingCodeID": 29_682_801, "unitCost": 0.0, "unitPrice": 0.0,
        });
        seed.add(Entity::Products, id, &product);
    }
    for pick in picks::CONFIGURATION_ITEM_TYPE {
        let kind = json!({ "name": pick.label, "isActive": true });
        seed.add(Entity::ConfigurationItemTypes, pick.value, &kind);
    }
}

fn companies(seed: &mut Seed) {
    // Company 0 is the MSP itself.
    seed.add(Entity::Companies, 0, &company("Lighthouse Managed Services", 1, true, 200));
    for (number, id) in (0..COMPANIES).zip(FIRST_COMPANY..) {
        let name = customer_name(number);
        let kind = match number {
            n if n % 25 == 24 => 7,
            n if n % 10 == 7 => 3,
            n if n % 40 == 39 => 8,
            _ => 1,
        };
        let classification = if number % 3 == 2 { 2 } else { 1 };
        // One in seventeen has left.
        let values = company(&name, kind, number % 17 != 16, classification);
        seed.add(Entity::Companies, id, &values);
        if number < WITH_CONTACT {
            let domain = format!("{}.example", name.to_lowercase().replace(' ', "-"));
            let contact = json!({
                "companyID": id, "firstName": "Alex", "lastName": format!("Reed {}", number + 1),
                "emailAddress": format!("alex.reed@{domain}"), "isActive": i32::from(number % 9 != 8),
                "primaryContact": true, "phone": "5555550100",
                "userDefinedFields": [{ "name": "VIP", "value": if number == 0 { "Yes" } else { "No" } }],
            });
            seed.add(Entity::Contacts, id + 30_682_000, &contact);
        }
        if number < 3 {
            let device = json!({
                "companyID": id, "productID": 2, "configurationItemType": 1, "isActive": true,
                "referenceTitle": format!("WS-{id}"), "serialNumber": format!("SN{id:06}"),
                "installDate": "2025-02-01T00:00:00",
            });
            seed.add(Entity::ConfigurationItems, id + 5_000, &device);
        }
    }
}

fn company(name: &str, kind: i64, is_active: bool, classification: i64) -> Value {
    json!({
        "companyName": name, "companyType": kind, "isActive": is_active, "classification": classification,
        "marketSegmentID": 29_682_782, "ownerResourceID": DANA, "phone": "5555550100",
        "isClientPortalActive": false, "isTaxExempt": false, "isSample": false,
    })
}

/// The first three customers have a contract with one service each, in this year's only period.
fn contracts(seed: &mut Seed) {
    let (start, end) = ("2026-01-01T00:00:00", "2026-12-31T00:00:00");
    for (number, company) in (0..3).zip(FIRST_COMPANY..) {
        let (contract, service) = (300 + number, 500 + number);
        let values = json!({
            "companyID": company, "contractName": "Managed Security", "contractType": 7, "status": 1,
            "startDate": start, "endDate": end, "isDefaultContract": true, "isCompliant": false,
        });
        seed.add(Entity::Contracts, contract, &values);
        let values = json!({
            "contractID": contract, "serviceID": 40, "unitPrice": 12.5, "unitCost": 7.0,
            "invoiceDescription": "Vulnerability scanning",
        });
        seed.add(Entity::ContractServices, service, &values);
        let values = json!({
            "contractID": contract, "contractServiceID": service, "serviceID": 40, "units": 10,
            "price": 125.0, "cost": 70.0, "startDate": start, "endDate": end,
        });
        seed.add(Entity::ContractServiceUnits, 700 + number, &values);
    }
}
