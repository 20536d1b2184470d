//! Which path is answered by what.

use serde_json::json;

use super::{
    assets,
    errors::{self, found},
    lookups,
    world::HaloWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// The version that current builds tell without authentication (halocli README).
const VERSION: &str = "2.256.1";

impl HaloWorld {
    /// Answers one of Halo's own paths.
    pub(super) fn route(&mut self, call: &Call) -> Result<Reply, Reply> {
        // Halo does not mind case.
        let path = call.path.to_ascii_lowercase();
        let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let host = call.header("host");
        match path.as_slice() {
            ["auth", "token"] => Ok(self.access.grant(call, &self.ground, &self.options)),
            ["auth", ".well-known", "openid-configuration"] => Ok(Reply::ok(&json!({
                "issuer": format!("http://{host}/auth/"),
                "token_endpoint": format!("http://{host}/auth/token"),
                "grant_types_supported": ["authorization_code", "client_credentials"],
            }))),
            ["api", rest @ ..] => {
                self.access.count(self.now(), &self.options)?;
                self.api(call, rest)
            }
            _ => Ok(Reply::html(404, "Halo")),
        }
    }

    fn api(&mut self, call: &Call, path: &[&str]) -> Result<Reply, Reply> {
        match (call.method.as_str(), path) {
            ("GET", ["authinfo"]) => {
                return Ok(Reply::ok(&json!({
                    "auth_url": format!("http://{}/auth/", call.header("host")),
                    "tenant_id": self.access.tenant,
                    "hosted": true,
                })));
            }
            ("GET", ["instanceinfo"]) => {
                return Ok(Reply::ok(&json!({ "version": VERSION, "product": "HaloPSA" })));
            }
            _ => {}
        }
        let scope = self.access.scope_of(call, self.now())?;
        let Some(resource) = path.first() else { return Err(Reply::empty(404)) };
        self.access.allow(&scope, needed(resource, &call.method), resource)?;
        match (call.method.as_str(), path) {
            ("GET", ["tickets"]) => self.list_tickets(call),
            ("POST", ["tickets"]) => self.post_tickets(call),
            ("GET", ["tickets", id]) => self.get_ticket(call, int(id)?),
            ("DELETE", ["tickets", id]) => self.delete_ticket(int(id)?),
            ("GET", ["actions"]) => self.list_actions(call),
            ("POST", ["actions"]) => self.post_actions(call),
            ("GET", ["actions", id]) => self.get_action(call, int(id)?),
            ("GET", ["client"]) => self.list_clients(call),
            ("POST", ["client"]) => self.post_clients(call),
            ("GET", ["client", id]) => found(self.client(int(id)?).map(|client| self.client_json(client))),
            ("GET", ["site"]) => self.list_sites(call),
            ("GET", ["site", id]) => found(self.site(int(id)?).map(|site| self.site_json(site))),
            ("GET", ["users"]) => self.list_users(call),
            ("GET", ["users", id]) => found(self.user(int(id)?).map(|user| self.user_json(user))),
            ("GET", ["asset"]) => assets::list(call, &self.assets, &self.options),
            ("GET", ["asset", id]) => found(assets::one(&self.assets, int(id)?)),
            ("POST", ["asset"]) => self.post_assets(call),
            ("GET", ["assettype"]) => Ok(assets::types()),
            ("GET", ["assettype", id]) => found(assets::kind(call, int(id)?)?),
            // There are none, and whether the application may see them shows all the same.
            ("GET", ["recurringinvoice"]) => self.list_recurring_invoices(call),
            ("GET", ["recurringinvoice", id]) => self.get_recurring_invoice(call, int(id)?),
            ("POST", ["recurringinvoice", "updatelines"]) => self.update_invoice_lines(call),
            ("GET", ["webhook"]) => self.list_webhooks(call),
            ("POST", ["webhook"]) => self.post_webhooks(call),
            ("GET", ["webhook", id]) => self.get_webhook(id),
            ("DELETE", ["webhook", id]) => self.delete_webhook(id),
            ("GET", ["notification"]) => Ok(self.list_notifications(call)),
            ("POST", ["notification"]) => self.post_notifications(call),
            ("GET", ["notification", id]) => self.get_notification(int(id)?),
            ("DELETE", ["notification", id]) => self.delete_notification(int(id)?),
            ("GET", ["webhookevent"]) => self.list_webhook_events(call),
            ("GET", [resource]) => lookups::read(call, resource, None).unwrap_or(Err(Reply::empty(404))),
            ("GET", [resource, id]) => {
                lookups::read(call, resource, Some(id)).unwrap_or(Err(Reply::empty(404)))
            }
            // There is no PUT, no PATCH and no POST to a single record.
            ("GET", _) => Err(Reply::empty(404)),
            _ => Err(Reply::empty(405)),
        }
    }
}

/// The scope a call needs. Agents and pick lists have none of their own; that webhooks need `admin` and
/// recurring invoices `read:invoices` and `edit:invoices` is the strict reading, nothing records it.
fn needed(resource: &str, method: &str) -> &'static str {
    match (resource, method) {
        ("tickets" | "actions", "GET") => "read:tickets",
        ("tickets" | "actions", _) => "edit:tickets",
        ("client" | "site" | "users", "GET") => "read:customers",
        ("client" | "site" | "users", _) => "edit:customers",
        ("asset" | "assettype", "GET") => "read:assets",
        ("asset", _) => "edit:assets",
        ("recurringinvoice", "GET") => "read:invoices",
        ("recurringinvoice", _) => "edit:invoices",
        ("webhook" | "notification" | "webhookevent", _) => "admin",
        _ => "",
    }
}

fn int(text: &str) -> Result<i64, Reply> {
    text.parse().map_err(|_| errors::field_map("id", &format!("The value '{text}' is not valid.")))
}
