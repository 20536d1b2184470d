//! Configurations that the gateway makes and changes, on every platform that takes them: once, and none that are the PSA's.

use psa_gateway::sandbox::frame::{Fault, FaultKind, Sandbox};
use serde_json::{Value, json};

use super::{company, links, pushes, says};
use crate::{
    configurations::{all, sets, syncs},
    psa_contract::on_every_platform,
    support::{Msp, TestApp, drain, text},
    syncs::run,
};

async fn setup(app: &TestApp, msp: &Msp<'_>) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection { configurationSync {
        isWritingOffered writtenProduct types { value label owner } statuses { owner } } } } }";
    app.graphql(query, json!({ "id": msp.connection() })).await["node"]["configurationSync"].clone()
}

/// What the PSA has before anything is written.
struct Before {
    /// A customer of ours.
    company: String,
    /// A configuration of its own there.
    there: Value,
    /// Its type.
    kind: String,
    /// Another type.
    other: String,
}

/// Reads the configurations that are there; none where the platform takes none.
async fn before(app: &TestApp, msp: &Msp<'_>, psa: &dyn Sandbox) -> Option<Before> {
    msp.customer("Northwind Dental", "northwind").await;
    if setup(app, msp).await["isWritingOffered"] == false {
        assert_eq!(psa.key(), "nable");
        return None;
    }
    assert_eq!(sets(app, msp.connection(), json!({ "isEnabled": true })).await, json!([]));
    syncs(app, msp.connection()).await;
    let rows = all(app, msp).await;
    // Types of servers may have questions that must be answered.
    let there = rows.iter().find(|row| !text(row, "/configurationType").contains("Server"));
    let there = there.unwrap_or_else(|| panic!("{rows:#?}")).clone();
    let known = setup(app, msp).await;
    let types = known["types"].as_array().expect("types");
    assert!(types.iter().all(|kind| kind["owner"] == "PSA"), "{known:#}");
    assert!(known["statuses"].as_array().expect("statuses").iter().all(|status| status["owner"].is_null()));
    let (same, others): (Vec<_>, Vec<_>) =
        types.iter().partition(|kind| kind["label"] == there["configurationType"]);
    let company = company(msp).await;
    Some(Before { company, kind: text(same[0], "/value"), other: text(others[0], "/value"), there })
}

fn named<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    let found = rows.iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {rows:#?}"))
}

fn link(rows: &[Value], name: &str) -> Value {
    named(rows, name)["links"][0].clone()
}

/// Calls that make or change configurations.
fn writes(psa: &dyn Sandbox) -> usize {
    let is_asset = |path: &str| {
        let path = path.to_lowercase();
        ["/company/configurations", "/configurationitems", "/api/asset", "/customer_assets"]
            .iter()
            .any(|known| path.contains(known) && !path.ends_with("/query"))
    };
    let is_write = |method: &str| matches!(method, "POST" | "PUT" | "PATCH");
    psa.requests().iter().filter(|call| is_write(&call.method) && is_asset(&call.path)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_is_the_scanners_or_the_psas_and_nobody_overwrites_the_other() {
    on_every_platform("owners of configurations", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.connected().await;
        let Some(Before { company: of, there: usual, kind, other }) = before(app, &msp, psa).await else {
            return;
        };
        let serial = text(&usual, "/serialNumber");

        // The scanner's: what it knows is made and changed there.
        let on = json!({ "isWritten": true, "writtenTypes": [{ "value": kind }] });
        assert_eq!(sets(app, msp.connection(), on).await, json!([]));
        let known = setup(app, &msp).await;
        let types = known["types"].as_array().expect("types");
        let ours: Vec<_> = types.iter().filter(|kind| kind["owner"] == "SCANNER").collect();
        assert!(ours.len() == 1 && ours[0]["value"] == json!(kind), "{known:#}");
        let said = json!([
            { "companyId": of, "name": "NEW-1", "serialNumber": "SN-NEW-1", "purchasedOn": "2025-01-31",
              "expiresOn": "2028-01-31", "osType": "Windows 11", "ram": "16 GB" },
            { "companyId": of, "name": "FRONT", "serialNumber": serial },
        ]);
        says(app, &msp, said).await;
        if psa.key() == "autotask" {
            let refused = pushes(app, msp.connection()).await;
            assert_eq!(refused["counts"]["failed"], 1, "{refused:#}");
            let found = links(app, &msp).await;
            assert!(text(&link(&found, "NEW-1"), "/problem").contains("writtenProduct"), "{found:#?}");
            assert_eq!(sets(app, msp.connection(), json!({ "writtenProduct": "1" })).await, json!([]));
            assert_eq!(setup(app, &msp).await["writtenProduct"], "1");
            app.pass(600).await;
        }
        let pushed = pushes(app, msp.connection()).await;
        assert_eq!(
            (&pushed["status"], &pushed["counts"]["failed"]),
            (&json!("SUCCEEDED"), &json!(0)),
            "{pushed:#}"
        );
        let found = links(app, &msp).await;
        assert!(found.iter().all(|asset| asset["links"][0]["isWritten"] == true), "{found:#?}");
        syncs(app, msp.connection()).await;
        let copied = all(app, &msp).await;
        let new = named(&copied, "NEW-1");
        assert_eq!(
            (&new["serialNumber"], &new["configurationType"]),
            (&json!("SN-NEW-1"), &usual["configurationType"])
        );
        if psa.key() != "syncro" {
            assert_eq!(
                (&new["purchasedOn"], &new["expiresOn"]),
                (&json!("2025-01-31"), &json!("2028-01-31"))
            );
        }
        if psa.key() != "autotask" {
            assert_eq!((&new["osType"], &new["ram"]), (&json!("Windows 11"), &json!("16 GB")));
        }
        let front = named(&copied, "FRONT");
        assert_eq!(text(front, "/serialNumber"), serial);
        assert_eq!(front["externalId"], usual["externalId"]);
        assert_eq!(front["manufacturer"], usual["manufacturer"], "what was not said stays");
        // Nothing changed, so nothing is sent again.
        let sent = writes(psa);
        assert!(sent >= 2, "{sent}");
        app.pass(600).await;
        let again = pushes(app, msp.connection()).await;
        assert_eq!((&again["counts"]["unchanged"], writes(psa)), (&json!(2), sent), "{again:#}");

        // The PSA's: what is there is found, and neither made nor changed; and it is said.
        assert_eq!(sets(app, msp.connection(), json!({ "psaOwnedTypeIn": [kind] })).await, json!([]));
        assert!(
            setup(app, &msp).await["types"].as_array().unwrap().iter().all(|kind| kind["owner"] == "PSA")
        );
        let said = json!([
            { "companyId": of, "name": "BACK", "serialNumber": serial },
            { "companyId": of, "name": "NEW-2", "serialNumber": "SN-NEW-2" },
        ]);
        says(app, &msp, said).await;
        app.pass(600).await;
        let kept = pushes(app, msp.connection()).await;
        assert_eq!((&kept["counts"]["unchanged"], writes(psa)), (&json!(3), sent), "{kept:#}");
        let found = links(app, &msp).await;
        assert_eq!(link(&found, "BACK")["externalId"], usual["externalId"]);
        assert_eq!(link(&found, "BACK")["isWritten"], false);
        let why = link(&found, "NEW-2");
        assert_eq!(why["externalId"], Value::Null);
        assert!(text(&why, "/problem").contains("the PSA's own to keep"), "{why:#}");
        syncs(app, msp.connection()).await;
        let names: Vec<_> = all(app, &msp).await.iter().map(|row| text(row, "/name")).collect();
        assert!(names.contains(&"FRONT".to_owned()) && !names.contains(&"NEW-2".to_owned()), "{names:?}");
        // What the PSA says changes no asset.
        assert!(links(app, &msp).await.iter().any(|asset| asset["name"] == "BACK"));

        // The scanner's again: what was not said meanwhile is said now.
        assert_eq!(sets(app, msp.connection(), json!({ "psaOwnedTypeIn": [] })).await, json!([]));
        app.pass(600).await;
        let told = pushes(app, msp.connection()).await;
        assert_eq!(told["counts"]["failed"], 0, "{told:#}");
        syncs(app, msp.connection()).await;
        let copied = all(app, &msp).await;
        assert_eq!(named(&copied, "BACK")["externalId"], usual["externalId"]);
        named(&copied, "NEW-2");

        // What is of a type there that is the PSA's own stays as it is, whoever wrote it before.
        let elsewhere = json!({ "writtenTypes": [{ "value": other }] });
        assert_eq!(sets(app, msp.connection(), elsewhere).await, json!([]));
        says(app, &msp, json!([{ "companyId": of, "name": "THIRD", "serialNumber": serial }])).await;
        let sent = writes(psa);
        app.pass(600).await;
        let left = pushes(app, msp.connection()).await;
        assert_eq!((&left["counts"]["failed"], writes(psa)), (&json!(0), sent), "{left:#}");
        let found = link(&links(app, &msp).await, "THIRD");
        assert_eq!(
            (&found["externalId"], &found["isWritten"]),
            (&usual["externalId"], &json!(false)),
            "{found:#}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_makes_no_second_configuration() {
    on_every_platform("lost answers to configurations", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.connected().await;
        let Some(Before { company: of, kind, .. }) = before(app, &msp, psa).await else { return };
        let mut on = json!({ "isWritten": true, "writtenTypes": [{ "value": kind }] });
        if psa.key() == "autotask" {
            on["writtenProduct"] = json!("1");
        }
        assert_eq!(sets(app, msp.connection(), on).await, json!([]));
        let call = match psa.key() {
            "connectwise" => "POST /*/company/configurations$",
            "autotask" => "POST /*/ConfigurationItems$",
            "halo" => "POST /api/Asset$",
            _ => "POST /api/v1/customer_assets$",
        };
        for (name, serial, kind) in [
            ("LOST-1", Some("SN-LOST-1"), FaultKind::ErrorAfterCommit { status: 502 }),
            ("LOST-2", None, FaultKind::DropAfterCommit),
        ] {
            let mut device = json!({ "companyId": of, "name": name });
            if let Some(serial) = serial {
                device["serialNumber"] = json!(serial);
            }
            says(app, &msp, json!([device])).await;
            psa.fault(Fault::once(call, kind));
            let pushed = pushes(app, msp.connection()).await;
            assert_eq!(pushed["status"], "RUNNING", "{pushed:#}");
            app.pass(1_000).await;
            drain(&app.app).await;
            let ended = run(app, &text(&pushed, "/id")).await;
            assert_eq!(ended["status"], "SUCCEEDED", "{ended:#}");
        }
        syncs(app, msp.connection()).await;
        let names: Vec<_> = all(app, &msp).await.iter().map(|row| text(row, "/name")).collect();
        for name in ["LOST-1", "LOST-2"] {
            assert_eq!(names.iter().filter(|known| *known == name).count(), 1, "{names:?}");
        }
        let found = links(app, &msp).await;
        assert!(found.iter().all(|asset| asset["links"][0]["isWritten"] == true), "{found:#?}");
    })
    .await;
}
