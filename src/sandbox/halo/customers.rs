//! Clients (companies), their sites and their users (contacts).

use entity::Timestamp;
use serde_json::{Value, json};

use super::{
    binding::{self, Fields, Kind, Reads, Record},
    dates, errors,
    listing::{self, holds},
    query::ReadsQuery as _,
    seed,
    world::HaloWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// A customer of the MSP; Halo's own word in its schema is "Area".
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) inactive: bool,
    pub(super) toplevel_id: i64,
    pub(super) customertype: i64,
    pub(super) main_site_id: i64,
    pub(super) website: String,
    pub(super) reference: String,
    pub(super) email: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A place of a client.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) client_id: i64,
    pub(super) inactive: bool,
}

/// A contact at a site.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) first_name: String,
    pub(super) surname: String,
    pub(super) email: String,
    pub(super) client_id: i64,
    pub(super) site_id: i64,
    pub(super) inactive: bool,
    pub(super) is_vip: bool,
}

impl User {
    /// Every site has one; tickets without a named contact belong to it.
    pub(super) fn general(id: i64, client_id: i64, site_id: i64) -> Self {
        let (first_name, surname) = ("General".to_owned(), "User".to_owned());
        Self {
            id,
            first_name,
            surname,
            email: String::new(),
            client_id,
            site_id,
            inactive: false,
            is_vip: false,
        }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.surname)
    }

    fn is_general(&self) -> bool {
        self.name() == "General User"
    }
}

const CLIENT_FIELDS: Fields = &[
    ("id", Kind::Int),
    ("name", Kind::Text),
    ("inactive", Kind::Flag),
    ("toplevel_id", Kind::Int),
    ("customertype", Kind::Int),
    ("website", Kind::Text),
    ("ref", Kind::Text),
    ("accountsemailaddress", Kind::Text),
    ("newclient_sitename", Kind::Text),
    ("newclient_contactname", Kind::Text),
    ("newclient_contactemail", Kind::Text),
];

impl HaloWorld {
    pub(super) fn client(&self, id: i64) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    pub(super) fn site(&self, id: i64) -> Option<&Site> {
        self.sites.iter().find(|site| site.id == id)
    }

    pub(super) fn user(&self, id: i64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(super) fn general_user(&self, client_id: i64) -> Option<&User> {
        self.users.iter().find(|user| user.client_id == client_id && user.is_general())
    }

    pub(super) fn list_clients(&self, call: &Call) -> Result<Reply, Reply> {
        let query = &call.query();
        let (search, name_only) = (query.text("search"), query.flag("search_name_only")?);
        let include_inactive = query.flag("includeinactive")?;
        let toplevel = query.int("toplevel_id")?;
        let (from, to) = (query.date("lastupdatefromdate")?, query.date("lastupdatetodate")?);
        let mut found: Vec<&Client> = self
            .clients
            .iter()
            .filter(|client| include_inactive || !client.inactive)
            .filter(|client| toplevel.is_none_or(|id| client.toplevel_id == id))
            .filter(|client| from.is_none_or(|from| client.updated_at >= from))
            .filter(|client| to.is_none_or(|to| client.updated_at <= to))
            .filter(|client| {
                search.is_none_or(|part| {
                    holds(&client.name, part)
                        || (!name_only && (holds(&client.reference, part) || holds(&client.website, part)))
                })
            })
            .collect();
        if query.text("order") == Some("id") {
            found.sort_by_key(|client| client.id);
        } else {
            found.sort_by_key(|client| client.name.to_lowercase());
        }
        if query.flag("orderdesc")? {
            found.reverse();
        }
        let rows = found.into_iter().map(|client| self.client_json(client)).collect();
        listing::page(query, "clients", rows, self.options.page_cap)
    }

    pub(super) fn client_json(&self, client: &Client) -> Value {
        let toplevel = seed::TOP_LEVELS.iter().find(|(id, _)| *id == client.toplevel_id);
        json!({
            "id": client.id,
            "name": client.name,
            "inactive": client.inactive,
            "toplevel_id": client.toplevel_id,
            "toplevel_name": toplevel.map_or("", |(_, name)| name),
            "main_site_id": client.main_site_id,
            "main_site_name": self.site(client.main_site_id).map_or("", |site| &site.name),
            "website": client.website,
            "colour": "#2bd3c6",
            "customertype": client.customertype,
            "is_vip": false,
            "ref": client.reference,
            "accountsemailaddress": client.email,
            "main_phonenumber": "",
            "stopped": 0,
            "customfields": [],
            "external_links": [],
            "datecreated": dates::zoneless(client.created_at),
        })
    }

    /// Creates and changes clients; the name alone is not enough (n8n-io/n8n#12560).
    pub(super) fn post_clients(&mut self, call: &Call) -> Result<Reply, Reply> {
        let records = binding::records(call, "Area", CLIENT_FIELDS)?;
        let mut written = Vec::new();
        for record in records {
            let id = match record.int("id").filter(|id| *id > 0) {
                Some(id) => id,
                None => self.create_client(&record)?,
            };
            let (now, toplevel) = (self.now(), record.int("toplevel_id"));
            check_toplevel(toplevel)?;
            let client = self.clients.iter_mut().find(|client| client.id == id);
            let client = client.ok_or_else(|| errors::exception("Record not found"))?;
            let set = |target: &mut String, name: &str| {
                if let Some(text) = record.text(name) {
                    text.clone_into(target);
                }
            };
            set(&mut client.name, "name");
            set(&mut client.website, "website");
            set(&mut client.reference, "ref");
            set(&mut client.email, "accountsemailaddress");
            client.toplevel_id = toplevel.unwrap_or(client.toplevel_id);
            client.customertype = record.int("customertype").unwrap_or(client.customertype);
            client.inactive = record.flag("inactive").unwrap_or(client.inactive);
            client.updated_at = now;
            let client = client.clone();
            written.push(self.client_json(&client));
        }
        listing::posted(&call.query(), written)
    }

    fn create_client(&mut self, record: &Record) -> Result<i64, Reply> {
        let needed = |name: &str, said: &str| {
            let text = record.text(name).map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| errors::exception(&format!("{said} must be entered")))
        };
        let name = needed("name", "A Client Name")?;
        let site_name = needed("newclient_sitename", "A Site Name")?;
        if record.int("toplevel_id").is_none() {
            return Err(errors::exception("A Top Level must be selected"));
        }
        check_toplevel(record.int("toplevel_id"))?;
        if self.clients.iter().any(|client| client.name.eq_ignore_ascii_case(&name)) {
            return Err(errors::exception("A Client with this name already exists"));
        }
        let id = self.clients.iter().map(|client| client.id).max().unwrap_or(0) + 1;
        let site_id = self.sites.iter().map(|site| site.id).max().unwrap_or(0) + 1;
        let user_id = self.users.iter().map(|user| user.id).max().unwrap_or(0) + 1;
        self.sites.push(Site { id: site_id, name: site_name, client_id: id, inactive: false });
        self.users.push(User::general(user_id, id, site_id));
        let now = self.now();
        self.clients.push(Client {
            id,
            name,
            inactive: false,
            toplevel_id: 0,
            customertype: 0,
            main_site_id: site_id,
            website: String::new(),
            reference: String::new(),
            email: String::new(),
            created_at: now,
            updated_at: now,
        });
        if let Some(contact) = record.text("newclient_contactname") {
            let (first_name, surname) = contact.split_once(' ').unwrap_or((contact, ""));
            self.users.push(User {
                id: user_id + 1,
                first_name: first_name.to_owned(),
                surname: surname.to_owned(),
                email: record.text("newclient_contactemail").unwrap_or_default().to_owned(),
                client_id: id,
                site_id,
                inactive: false,
                is_vip: false,
            });
        }
        Ok(id)
    }

    pub(super) fn list_sites(&self, call: &Call) -> Result<Reply, Reply> {
        let query = call.query();
        let client = query.int("client_id")?;
        let include_inactive = query.flag("includeinactive")?;
        let found = self.sites.iter().filter(|site| {
            client.is_none_or(|id| site.client_id == id) && (include_inactive || !site.inactive)
        });
        let rows = found.map(|site| self.site_json(site)).collect();
        listing::page(&query, "sites", rows, self.options.page_cap)
    }

    pub(super) fn site_json(&self, site: &Site) -> Value {
        let client = self.client(site.client_id).map_or("", |client| &client.name);
        json!({
            "id": site.id,
            "name": site.name,
            "client_id": site.client_id,
            "client_name": client,
            "clientsite_name": format!("{client}/{}", site.name),
            "inactive": site.inactive,
            "sla_id": -1,
            "phonenumber": "",
            "timezone": "",
        })
    }

    pub(super) fn list_users(&self, call: &Call) -> Result<Reply, Reply> {
        let query = &call.query();
        let (client, site) = (query.int("client_id")?, query.int("site_id")?);
        let without_general = query.flag("exclude_generaluser")?;
        let include_inactive = query.flag("includeinactive")?;
        let search = query.text("search");
        let found = self.users.iter().filter(|user| {
            client.is_none_or(|id| user.client_id == id)
                && site.is_none_or(|id| user.site_id == id)
                && !(without_general && user.is_general())
                && (include_inactive || !user.inactive)
                && search.is_none_or(|part| holds(&user.name(), part) || holds(&user.email, part))
        });
        let rows = found.map(|user| self.user_json(user)).collect();
        listing::page(query, "users", rows, self.options.page_cap)
    }

    pub(super) fn user_json(&self, user: &User) -> Value {
        json!({
            "id": user.id,
            "name": user.name(),
            "firstname": user.first_name,
            "surname": user.surname,
            "emailaddress": user.email,
            "phonenumber": "",
            "site_id": user.site_id,
            "site_name": self.site(user.site_id).map_or("", |site| &site.name),
            "client_id": user.client_id,
            "client_name": self.client(user.client_id).map_or("", |client| &client.name),
            "inactive": user.inactive,
            "isimportantcontact": false,
            "customfields": [{
                "id": 151, "name": "CFVIP", "label": "VIP", "type": 0,
                "value": if user.is_vip { "Yes" } else { "No" }, "display": if user.is_vip { "Yes" } else { "No" },
            }],
        })
    }
}

fn check_toplevel(id: Option<i64>) -> Result<(), Reply> {
    let known = id.is_none_or(|id| seed::TOP_LEVELS.iter().any(|(known, _)| *known == id));
    if known { Ok(()) } else { Err(errors::exception("Top Level not found")) }
}
