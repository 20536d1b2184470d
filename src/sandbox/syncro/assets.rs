//! Assets of customers.

use entity::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    dates, paging,
    params::{Fields, Kind, Params},
    replies,
    settings::{ACCOUNT, ASSET_TYPES},
    world::SyncroWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// Assets a page.
const PER_PAGE: usize = 25;

/// A device.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) customer_id: Option<i64>,
    pub(super) type_id: i64,
    pub(super) serial: Option<String>,
    pub(super) properties: Map<String, Value>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

const FIELDS: Fields = &[
    ("asset_type_name", Kind::Text),
    ("asset_type_id", Kind::Int),
    ("properties", Kind::Object),
    ("name", Kind::Text),
    ("customer_id", Kind::Int),
    ("asset_serial", Kind::Text),
];

impl SyncroWorld {
    pub(super) fn asset(&self, id: i64) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.id == id)
    }

    /// The type's name stands in it, its id does not.
    pub(super) fn asset_json(&self, asset: &Asset) -> Value {
        const TRIGGERS: [&str; 10] = [
            "bsod",
            "time",
            "no_av",
            "defrag",
            "firewall",
            "app_crash",
            "low_hd_space",
            "smart_failure",
            "device_manager",
            "agent_offline",
        ];
        let local = self.options.local_times;
        let (created, updated) =
            (dates::written(asset.created_at, local), dates::written(asset.updated_at, local));
        let kind = ASSET_TYPES.iter().find(|(id, _)| *id == asset.type_id).map(|(_, name)| name);
        let triggers: Map<String, Value> =
            TRIGGERS.iter().map(|name| (format!("{name}_triggered"), "false".into())).collect();
        let customer = asset.customer_id.and_then(|id| self.customer(id));
        let mut customer = customer.map(|customer| self.customer_json(customer)).unwrap_or_default();
        if let Value::Object(customer) = &mut customer {
            customer.remove("contacts");
            customer.remove("location_name");
        }
        json!({
            "id": asset.id,
            "name": asset.name,
            "customer_id": asset.customer_id,
            "contact_id": Value::Null,
            "created_at": created,
            "updated_at": updated,
            "properties": asset.properties,
            "asset_type": kind,
            "asset_serial": asset.serial,
            "external_rmm_link": Value::Null,
            "customer": customer,
            "rmm_links": [],
            "rmm_store": {
                "id": asset.id, "asset_id": asset.id, "account_id": ACCOUNT, "triggers": triggers,
                "windows_updates": {}, "emsisoft": {}, "general": {},
                "created_at": created, "updated_at": updated,
                "override_alert_agent_offline_mins": Value::Null,
                "override_alert_agent_rearm_after_mins": Value::Null,
                "override_low_hd_threshold": Value::Null,
                "override_autoresolve_offline_alert": Value::Null,
            },
            "address": Value::Null,
        })
    }

    pub(super) fn list_assets(&self, call: &Call) -> Reply {
        let query = call.query();
        let int = |name| query.text(name).map(|text| text.parse::<i64>().unwrap_or(-1));
        let (customer, kind) = (int("customer_id"), int("asset_type_id"));
        let found = self.assets.iter().filter(|asset| {
            customer.is_none_or(|id| asset.customer_id == Some(id))
                && kind.is_none_or(|id| asset.type_id == id)
                && query.text("query").is_none_or(|part| {
                    paging::holds(&asset.name, part)
                        || asset.serial.as_ref().is_some_and(|serial| paging::holds(serial, part))
                })
        });
        let page = paging::cut(&query, PER_PAGE, found.collect());
        let rows: Vec<_> = page.rows.iter().map(|asset| self.asset_json(asset)).collect();
        Reply::ok(&json!({ "assets": rows, "meta": page.meta(false, false) }))
    }

    pub(super) fn get_asset(&self, id: i64) -> Result<Reply, Reply> {
        let asset = self.asset(id).ok_or_else(|| Reply::empty(404))?;
        Ok(Reply::ok(&json!({ "asset": self.asset_json(asset) })))
    }

    /// `POST /customer_assets`: properties are passed over, as live; a PUT sets them.
    pub(super) fn create_asset(&mut self, call: &Call) -> Result<Reply, Reply> {
        let sent = Params::read(call)?;
        let now = self.now();
        let mut asset = Asset {
            id: 0,
            name: String::new(),
            customer_id: None,
            type_id: 0,
            serial: None,
            properties: Map::new(),
            created_at: now,
            updated_at: now,
        };
        let mut wrong = sent.complaints(FIELDS);
        self.write_asset(&mut asset, &sent, &mut wrong);
        if asset.type_id == 0 {
            wrong.push("Asset type can't be blank".to_owned());
            wrong.push("Name You must have an asset type first, please go create one".to_owned());
        }
        if !wrong.is_empty() {
            return Err(replies::invalid_echo(&wrong, &Value::Object(sent.0)));
        }
        asset.id = self.next_id();
        let told = self.asset_json(&asset);
        self.assets.push(asset);
        Ok(Reply::ok(&json!({ "asset": told })))
    }

    pub(super) fn update_asset(&mut self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let mut asset = self.asset(id).ok_or_else(|| Reply::empty(404))?.clone();
        let sent = Params::read(call)?;
        let mut wrong = sent.complaints(FIELDS);
        self.write_asset(&mut asset, &sent, &mut wrong);
        if asset.type_id == 0 {
            wrong.push("Asset type can't be blank".to_owned());
        }
        if !wrong.is_empty() {
            return Err(replies::invalid(&wrong));
        }
        if let Value::Object(properties) = sent.get("properties") {
            asset.properties.extend(properties);
        }
        asset.updated_at = self.now();
        let told = self.asset_json(&asset);
        if let Some(kept) = self.assets.iter_mut().find(|kept| kept.id == id) {
            *kept = asset;
        }
        Ok(Reply::ok(&json!({ "asset": told })))
    }

    fn write_asset(&self, asset: &mut Asset, sent: &Params, wrong: &mut Vec<String>) {
        match sent.text("name") {
            Some(name) => name.clone_into(&mut asset.name),
            None => wrong.push("Name can't be blank".to_owned()),
        }
        if sent.has("customer_id") {
            asset.customer_id = sent.int("customer_id");
            if asset.customer_id.is_some_and(|id| self.customer(id).is_none()) {
                wrong.push("Customer is invalid".to_owned());
            }
        }
        let (id, name) = (sent.int("asset_type_id"), sent.text("asset_type_name"));
        if id.is_some() || name.is_some() {
            let found =
                ASSET_TYPES.iter().find(|kind| Some(kind.0) == id || (id.is_none() && Some(kind.1) == name));
            asset.type_id = found.map_or(0, |kind| kind.0);
        }
        if sent.has("asset_serial") {
            asset.serial = sent.text("asset_serial").map(str::to_owned);
        }
    }
}
