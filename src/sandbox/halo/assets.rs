//! Assets of clients: what they say hangs on their type.

use serde_json::{Value, json};

use super::{HaloOptions, customers::Client, listing, query::ReadsQuery as _};
use crate::sandbox::frame::{Call, Reply};

/// Types of assets: id, name and how their tags begin.
const TYPES: [(i64, &str, &str); 2] = [(41, "Workstation", "WS"), (42, "Server", "SRV")];
/// The first asset's id.
const FIRST: i64 = 901;
/// So many clients have assets.
const OWNERS: usize = 3;

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
