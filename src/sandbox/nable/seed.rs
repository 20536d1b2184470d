//! What an instance starts with. All names are invented.

use uuid::Uuid;

use super::{
    access::Access,
    customers::{Contact, Customer, Location, ServiceItem},
    options::NableOptions,
    tickets::User,
    world::NableWorld,
};
use crate::sandbox::frame::{Ground, Post, customer_name};

/// More than one page of 100.
const CUSTOMERS: usize = 130;
/// The customer of this number has no service item, so that no ticket can be made for it.
const WITHOUT_SERVICE: usize = 3;
/// The first ticket gets the next number.
const LAST_NUMBER: i64 = 4241;

/// An instance on its first day.
pub(super) fn company(ground: Ground, options: NableOptions) -> NableWorld {
    let access = Access::new(&ground.chance);
    let mut world = NableWorld {
        access,
        ground,
        options,
        customers: Vec::new(),
        contacts: Vec::new(),
        locations: Vec::new(),
        service_items: Vec::new(),
        issue_types: Vec::new(),
        users: Vec::new(),
        custom_field: Uuid::nil(),
        tickets: Vec::new(),
        last_number: LAST_NUMBER,
        post: Post::default(),
    };
    world.custom_field = world.next_id();
    world.issue_types = ["Hardware", "Network", "Security", "Software"]
        .into_iter()
        .map(|name| (world.next_id(), name))
        .collect();
    world.users = [
        ("Gateway", "Key", "gateway@quayside-it.example"),
        ("Dana", "Smith", "dana.smith@quayside-it.example"),
        ("Sam", "Lee", "sam.lee@quayside-it.example"),
    ]
    .into_iter()
    .map(|(first_name, last_name, email)| User { id: world.next_id(), first_name, last_name, email })
    .collect();
    for number in 0..CUSTOMERS {
        customer(&mut world, number);
    }
    world
}

fn customer(world: &mut NableWorld, number: usize) {
    let name = customer_name(number);
    let host = format!("{}.example", name.to_lowercase().replace(' ', "-"));
    let id = world.next_id();
    world.customers.push(Customer {
        id,
        short_name: name.split(' ').filter_map(|word| word.chars().next()).collect(),
        name,
        // One in seventeen has left.
        status: if number % 17 == 16 { 2 } else { 1 },
        reference: String::new(),
        rm_reference: if number % 4 == 1 { format!("RM-{number:04}") } else { String::new() },
        phone: format!("+1 555 {number:07}"),
        email_domain: host.clone(),
    });
    let place = world.next_id();
    world.locations.push(Location { id: place, customer: id, name: "Main Office".to_owned() });
    if number < 60 {
        let contact = world.next_id();
        world.contacts.push(Contact {
            id: contact,
            customer: id,
            first_name: "Kim".to_owned(),
            last_name: format!("Tarn {}", number + 1),
            email: format!("kim@{host}"),
        });
    }
    let items: &[(&str, &str)] = match number {
        WITHOUT_SERVICE => &[],
        0 => &[("Managed Services", "Agreement"), ("Block Hours", "Prepaid")],
        _ => &[("Managed Services", "Agreement")],
    };
    for (name, kind) in items {
        let item = world.next_id();
        world.service_items.push(ServiceItem { id: item, customer: id, name, kind });
    }
}
