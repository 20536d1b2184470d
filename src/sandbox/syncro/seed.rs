//! What an account starts with. All names are invented.

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    access::Access,
    assets::Asset,
    contacts::Contact,
    customers::Customer,
    options::SyncroOptions,
    schedules::{Line, Schedule},
    settings::ASSET_TYPES,
    world::SyncroWorld,
};
use crate::sandbox::frame::{Ground, Post, customer_name};

/// More than one page of 100.
const CUSTOMERS: usize = 130;
/// The first ticket gets the next number.
const LAST_NUMBER: i64 = 4241;
/// Ids are far from numbers, so that nobody takes one for the other.
const LAST_ID: i64 = 31_500_000;

/// An account on its first day.
pub(super) fn account(ground: Ground, options: SyncroOptions) -> SyncroWorld {
    let now = ground.clock.now();
    let mut world = SyncroWorld {
        access: Access::new(&ground.chance),
        ground,
        options,
        founded: now,
        customers: Vec::new(),
        contacts: Vec::new(),
        assets: Vec::new(),
        schedules: Vec::new(),
        tickets: Vec::new(),
        last_id: LAST_ID,
        last_number: LAST_NUMBER,
        sets: Vec::new(),
        post: Post::default(),
    };
    for number in 0..CUSTOMERS {
        business(&mut world, number, now);
    }
    // Some customers are people: they have no business name.
    let person = json!({ "firstname": "Robin", "lastname": "Vale", "email": "robin@vale.example" });
    customer(&mut world, person, false, now);
    world
}

fn business(world: &mut SyncroWorld, number: usize, now: Timestamp) {
    let name = customer_name(number);
    let host = format!("{}.example", name.to_lowercase().replace(' ', "-"));
    let fields = json!({
        "business_name": name,
        "firstname": if number.is_multiple_of(3) { "Alex" } else { "" },
        "lastname": if number.is_multiple_of(3) { "Reed" } else { "" },
        "email": format!("office@{host}"),
        "phone": format!("555{number:07}"),
        // Some have asked for no mail.
        "no_email": number % 13 == 12,
    });
    // One in seventeen has left.
    let id = customer(world, fields, number % 17 == 16, now);
    if number < 60 {
        let fields = json!({ "name": format!("Kim Tarn {}", number + 1), "email": format!("kim@{host}") });
        let contact = Contact {
            id: world.next_id(),
            customer_id: id,
            fields: object(fields),
            properties: object(
                json!({ "title": "Office Manager", "VIP": if number == 0 { "Yes" } else { "No" } }),
            ),
            created_at: now,
            updated_at: now,
        };
        world.contacts.push(contact);
    }
    if number < 5 {
        for (index, (kind, _)) in ASSET_TYPES.into_iter().enumerate() {
            let asset = Asset {
                id: world.next_id(),
                name: format!("PC-{}{}", number + 1, index + 1),
                customer_id: Some(id),
                type_id: kind,
                serial: Some(format!("SN{number:03}{index}")),
                properties: object(json!({
                    "os": "Windows 11 Pro", "ram": "16 GB", "manufacturer": "Dell", "Purchase Date": "2024-02-29",
                    "Warranty Expiration": "2027-02-28", "Location": format!("Room {}", index + 1),
                })),
                created_at: now,
                updated_at: now,
            };
            world.assets.push(asset);
        }
        let (schedule, line) = (world.next_id(), world.next_id());
        world.schedules.push(Schedule {
            id: schedule,
            customer_id: id,
            name: "Managed services".to_owned(),
            line: Line {
                id: line,
                name: "Protected devices".to_owned(),
                hundredths: 300,
                retail_cents: 450,
                writes: 0,
            },
        });
    }
}

fn customer(world: &mut SyncroWorld, fields: Value, disabled: bool, now: Timestamp) -> i64 {
    let customer = Customer {
        id: world.next_id(),
        fields: object(fields),
        disabled,
        portal_key: world.ground.chance.alphanumeric(20).to_lowercase(),
        created_at: now,
        updated_at: now,
    };
    let id = customer.id;
    world.customers.push(customer);
    id
}

fn object(fields: Value) -> Map<String, Value> {
    if let Value::Object(fields) = fields { fields } else { Map::new() }
}
