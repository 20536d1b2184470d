//! Assets of clients: what they say hangs on their type.

use serde_json::{Value, json};

use super::{
    HaloOptions,
    binding::{self, Fields, Kind, Reads as _, Record},
    customers::Client,
    errors, listing,
    query::ReadsQuery as _,
    world::HaloWorld,
};
use crate::sandbox::frame::{Call, Reply};

/// Types of assets: id, name and how their tags begin.
const TYPES: [(i64, &str, &str); 2] = [(41, "Workstation", "WS"), (42, "Server", "SRV")];
/// The first asset's id.
const FIRST: i64 = 901;
/// So many clients have assets.
const OWNERS: usize = 3;

/// The fields of every type: id, name and whether values are chosen from a list.
const TYPE_FIELDS: [(i64, &str, i64); 3] =
    [(5, "Serial Number", 0), (6, "Manufacturer", 12), (7, "Memory", 0)];

/// The fields of an asset that are looked at.
const ASSET_FIELDS: Fields = &[
    ("id", Kind::Int),
    ("client_id", Kind::Int),
    ("site_id", Kind::Int),
    ("assettype_id", Kind::Int),
    ("inventory_number", Kind::Text),
    ("supplier_purchasedate", Kind::Date),
    ("warranty_end", Kind::Date),
    ("os_override", Kind::Text),
    ("fields", Kind::List),
    ("_donotvalidate", Kind::Flag),
];

/// `GET /AssetType/{id}`: its fields only with the details, once by where they stand and once by what they are.
pub(super) fn kind(call: &Call, id: i64) -> Result<Option<Value>, Reply> {
    let has_details = call.query().flag("includedetails")?;
    let Some((id, name, _)) = TYPES.iter().find(|kind| kind.0 == id) else { return Ok(None) };
    if !has_details {
        return Ok(Some(json!({ "id": id, "name": name })));
    }
    let place = |(sequence, (id, name, _))| json!({ "typeinfo_id": id * 10, "field_id": id, "field_name": name, "sequence": sequence });
    let places: Vec<_> = (1..).zip(TYPE_FIELDS).map(place).collect();
    let fields = TYPE_FIELDS.map(|(id, name, lookup)| json!({ "id": id, "name": name, "lookup": lookup }));
    Ok(Some(json!({ "id": id, "name": name, "fields": places, "field_list": fields })))
}

/// `GET /Asset/{id}`.
pub(super) fn one(assets: &[Value], id: i64) -> Option<Value> {
    assets.iter().find(|asset| asset.get("id") == Some(&json!(id))).cloned()
}

impl HaloWorld {
    /// `POST /Asset`: with an id a change, without one a new asset. A list of fields takes the place of the one that is
    /// there: the strict reading, nothing records it.
    pub(super) fn post_assets(&mut self, call: &Call) -> Result<Reply, Reply> {
        let records = binding::records(call, "Device", ASSET_FIELDS)?;
        let mut written = Vec::new();
        for record in records {
            let asset = self.asset_of(record)?;
            self.assets.retain(|kept| kept.get("id") != asset.get("id"));
            self.assets.push(asset.clone());
            written.push(asset);
        }
        self.assets.sort_by_key(|asset| asset.get("id").and_then(Value::as_i64));
        listing::posted(&call.query(), written)
    }

    fn asset_of(&self, mut record: Record) -> Result<Value, Reply> {
        let id = record.int("id").filter(|id| *id > 0);
        let last = self.assets.iter().filter_map(|asset| asset.get("id")?.as_i64()).max().unwrap_or(FIRST);
        let mut asset = match id {
            Some(id) => one(&self.assets, id).ok_or_else(errors::not_found)?,
            None => {
                json!({ "id": last + 1, "inactive": false, "status_id": 1, "status_name": "Active", "fields": [] })
            }
        };
        record.retain(|name, _| name != "id" && !name.starts_with('_'));
        if let Some(Value::Array(fields)) = record.remove("fields") {
            let before = asset.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
            let shown = fields.iter().filter_map(|field| {
                let id = field.get("id")?.as_i64()?;
                let (id, name, _) = TYPE_FIELDS.iter().find(|known| known.0 == id)?;
                let value = field.get("value")?;
                let is_same =
                    |old: &&Value| old.get("id") == Some(&json!(id)) && old.get("value") == Some(value);
                let display = before.iter().find(is_same).and_then(|old| old.get("display")).unwrap_or(value);
                Some(json!({ "id": id, "name": name, "value": value, "display": display }))
            });
            let shown: Vec<Value> = shown.collect();
            record.insert("fields".to_owned(), shown.into());
        }
        let Some(fields) = asset.as_object_mut() else { return Err(errors::not_found()) };
        fields.extend(record);
        let (client, site) = (fields.int("client_id"), fields.int("site_id"));
        let client =
            client.and_then(|id| self.client(id)).ok_or_else(|| errors::exception("Client not found"))?;
        let is_theirs = |id: &i64| self.site(*id).is_some_and(|site| site.client_id == client.id);
        if !site.as_ref().is_some_and(is_theirs) {
            return Err(errors::exception("A Site must be selected"));
        }
        let kind = fields.int("assettype_id").and_then(|id| TYPES.iter().find(|kind| kind.0 == id));
        let (_, name, _) = kind.ok_or_else(|| errors::exception("Asset Type not found"))?;
        fields.insert("assettype_name".to_owned(), json!(name));
        if fields.text("inventory_number").is_none_or(str::is_empty) {
            return Err(errors::exception("An Asset Tag must be entered"));
        }
        Ok(asset)
    }
}

/// `GET /AssetType`: a bare list.
pub(super) fn types() -> Reply {
    let rows: Vec<_> = TYPES.iter().map(|(id, name, _)| json!({ "id": id, "name": name })).collect();
    Reply::ok(&Value::Array(rows))
}

/// The assets of a new instance.
pub(super) fn seeded(clients: &[Client]) -> Vec<Value> {
    // Client 1 is the built-in one.
    let owners = clients.iter().filter(|client| client.id > 1).take(OWNERS);
    let of_owner = owners.flat_map(|client| TYPES.iter().map(move |kind| (client, kind)));
    (FIRST..)
        .zip(of_owner)
        .map(|(id, (client, (kind, name, tag)))| {
            json!({
                "id": id, "inventory_number": format!("{tag}-{id}"), "client_id": client.id,
                "site_id": client.main_site_id, "assettype_id": kind, "assettype_name": name, "inactive": false,
                "status_id": 1, "status_name": "Active", "supplier_purchasedate": "2024-01-15T00:00:00",
                "warranty_end": "2027-01-15T00:00:00", "os_override": "Windows 11 Pro",
                "fields": [
                    { "id": 5, "name": "Serial Number", "value": format!("SN{id}"), "display": format!("SN{id}") },
                    { "id": 6, "name": "Manufacturer", "value": "3", "display": "Lenovo" },
                    { "id": 7, "name": "Memory", "value": "32 GB", "display": "32 GB" },
                ],
            })
        })
        .collect()
}

/// `GET /Asset`: fields of types only where they are asked for.
pub(super) fn list(call: &Call, assets: &[Value], options: &HaloOptions) -> Result<Reply, Reply> {
    let query = call.query();
    let (with_fields, with_inactive) = (query.flag("includeassetfields")?, query.flag("includeinactive")?);
    let client = query.int("client_id")?;
    let is_wanted = |asset: &&Value| {
        (with_inactive || asset.get("inactive") != Some(&json!(true)))
            && client.is_none_or(|id| asset.get("client_id") == Some(&json!(id)))
    };
    let rows = assets.iter().filter(is_wanted).cloned().map(|mut asset| {
        if !with_fields && let Some(asset) = asset.as_object_mut() {
            asset.remove("fields");
        }
        asset
    });
    listing::page(&query, "assets", rows.collect(), options.page_cap)
}
