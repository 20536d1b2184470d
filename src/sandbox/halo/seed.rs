//! The customers an instance starts with. All names are invented.

use entity::Timestamp;

use super::customers::{Client, Site, User};
use crate::sandbox::frame::customer_name;

/// The first ticket gets the next number.
pub(super) const LAST_TICKET_ID: i64 = 4241;

/// The organisations that clients belong to: id and name.
pub(super) const TOP_LEVELS: [(i64, &str); 2] = [(12, "Managed Customers"), (13, "Project Customers")];

/// The id of the first invented client, "Northwind Dental".
const FIRST_CLIENT: i64 = 12;
/// With client 1 that makes 131: more than one page of 100.
const CLIENTS: i64 = 130;

/// Clients with one site and a general user each; the first few also have a named contact.
pub(super) fn customers(now: Timestamp) -> (Vec<Client>, Vec<Site>, Vec<User>) {
    let (mut clients, mut sites, mut users) = (Vec::new(), Vec::new(), Vec::new());
    let mut add = |id: i64, name: String, number: i64| {
        let domain = format!("{}.example", name.to_lowercase().replace(' ', "-"));
        let site = Site { id: id + 100, name: "Main".to_owned(), client_id: id, inactive: false };
        users.push(User::general(id + 1000, id, site.id));
        if (1..=40).contains(&number) {
            users.push(User {
                id: id + 2000,
                first_name: "Alex".to_owned(),
                surname: format!("Reed {number}"),
                email: format!("alex.reed@{domain}"),
                client_id: id,
                site_id: site.id,
                inactive: number % 9 == 8,
                is_vip: number == 1,
            });
        }
        clients.push(Client {
            id,
            name,
            // One in seventeen has left; a client is "inactive", there is no other state.
            inactive: number % 17 == 16,
            toplevel_id: if number % 11 == 10 { 13 } else { 12 },
            customertype: match number {
                n if n % 25 == 24 => 2,
                n if n % 10 == 7 => 1,
                _ => 0,
            },
            main_site_id: site.id,
            website: format!("https://www.{domain}"),
            reference: if id == 1 { String::new() } else { format!("C{id:04}") },
            email: if id == 1 { String::new() } else { format!("accounts@{domain}") },
            created_at: now,
            updated_at: now,
        });
        sites.push(site);
    };
    // Client 1 is built in, for what nobody owns (django-psa-connector `client/api.py`).
    add(1, "Unknown".to_owned(), 0);
    for (name, index) in (0..).map(customer_name).zip(0..CLIENTS) {
        add(FIRST_CLIENT + index, name, index + 1);
    }
    (clients, sites, users)
}
