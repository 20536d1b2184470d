//! Tickets that carry the configuration of the device that their events name.

use psa_gateway::sandbox::frame::{Fault, FaultKind, LedgerTicket, Sandbox};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::{
    configurations::{all, connectwise, sets, syncs},
    psa_contract::on_every_platform,
    support::{Msp, TestApp, finding, text},
};

/// The PSA's ids of the configurations that a ticket has.
fn configurations_of(psa: &dyn Sandbox, ticket: &LedgerTicket) -> Vec<String> {
    let (one, many) = match psa.key() {
        "connectwise" => (None, ticket.more.get("configurations")),
        "autotask" => (ticket.more.get("configurationItemID"), None),
        "halo" => (None, ticket.more.get("assets")),
        _ => (None, ticket.more.get("asset_ids")),
    };
    let many = many.and_then(Value::as_array).into_iter().flatten();
    let ids = one.into_iter().chain(many).map(|value| value.get("id").unwrap_or(value));
    ids.filter_map(Value::as_i64).map(|id| id.to_string()).collect()
}

/// What the gateway says of the configuration of an event's ticket, step by step.
async fn steps(app: &TestApp, msp: &Msp<'_>, title: &str) -> Vec<String> {
    let query = "query($id: ID!, $title: String!) { node(id: $id) { ... on Organization {
        events(first: 1, filter: { query: $title }) { nodes { steps { step result } } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization, "title": title })).await;
    let steps = found["node"]["events"]["nodes"][0]["steps"].as_array().cloned().unwrap_or_default();
    let of = steps.iter().filter(|step| step["step"] == "configuration");
    of.map(|step| text(step, "/result")).collect()
}

/// Posts a finding on a device, and the ticket that came of it.
async fn tell(app: &TestApp, msp: &Msp<'_>, psa: &dyn Sandbox, key: &str, device: Value) -> LedgerTicket {
    msp.posts(&finding(key).with("asset", device)).await.is_accepted();
    app.drain().await;
    let found: Vec<_> = psa.ledger().into_iter().filter(|ticket| ticket.summary.contains(key)).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().expect("a ticket")
}

fn says(ticket: &LedgerTicket, words: &str) -> bool {
    let notes = ticket.notes.iter().map(|note| note.text.as_str());
    notes.chain([ticket.body.as_str()]).any(|text| text.contains(words))
}

/// Whether tickets can have configurations.
async fn is_offered(app: &TestApp, msp: &Msp<'_>) -> bool {
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
        platform { capabilities { canLinkConfigurations } } configurationSync { linksTickets } } } }";
    let found = app.graphql(query, json!({ "id": msp.connection() })).await;
    let can = found["node"]["platform"]["capabilities"]["canLinkConfigurations"] == true;
    assert_eq!(found["node"]["configurationSync"]["linksTickets"], json!(can));
    can
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_has_its_devices_configuration_and_never_another_customers() {
    on_every_platform("configurations on tickets", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        msp.customer("Harbour Legal", "harbour").await;
        if !is_offered(app, &msp).await {
            assert_eq!(psa.key(), "nable");
            tell(app, &msp, psa, "CVE-2026-1", json!({ "name": "web-1" })).await;
            assert_eq!(steps(app, &msp, "CVE-2026-1").await, Vec::<String>::new());
            return;
        }
        // Nothing is read, so nothing is known and nothing said.
        tell(app, &msp, psa, "CVE-2026-0", json!({ "name": "web-1" })).await;
        assert_eq!(steps(app, &msp, "CVE-2026-0").await, Vec::<String>::new());
        assert_eq!(sets(app, msp.connection(), json!({ "isEnabled": true })).await, json!([]));
        syncs(app, msp.connection()).await;
        let rows = all(app, &msp).await;
        let of = |company: &str| {
            let found = rows.iter().find(|row| row["psaCompany"]["name"] == company);
            found.unwrap_or_else(|| panic!("{rows:#?}")).clone()
        };
        let (ours, theirs) = (of("Northwind Dental"), of("Harbour Legal"));
        let (id, name) = (text(&ours, "/externalId"), text(&ours, "/name"));

        let serial = text(&ours, "/serialNumber").to_lowercase();
        let by_serial = json!({ "uid": "a-1", "name": "renamed", "serial_number": serial });
        let ticket = tell(app, &msp, psa, "CVE-2026-1", by_serial).await;
        assert_eq!(configurations_of(psa, &ticket), [id.as_str()], "{ticket:#?}");
        let step = steps(app, &msp, "CVE-2026-1").await;
        assert_eq!(step, [format!("\"{name}\", found by its serial number")]);
        let by_name = json!({ "name": format!("{}.northwind.example", name.to_uppercase()), "type": "host" });
        let ticket = tell(app, &msp, psa, "CVE-2026-2", by_name).await;
        assert_eq!(configurations_of(psa, &ticket), [id.as_str()], "{ticket:#?}");

        // Another customer's device, a container, and a device that nobody knows: none is guessed.
        let strange = json!({ "name": theirs["name"], "serial_number": theirs["serialNumber"] });
        for (key, device) in [
            ("CVE-2026-3", strange),
            ("CVE-2026-4", json!({ "name": name, "type": "container" })),
            ("CVE-2026-5", json!({ "name": name, "serial_number": "SN-OTHER" })),
        ] {
            let ticket = tell(app, &msp, psa, key, device).await;
            assert_eq!(configurations_of(psa, &ticket), Vec::<String>::new(), "{ticket:#?}");
        }
        let step = steps(app, &msp, "CVE-2026-5").await;
        assert!(step[0].contains("no configuration of the company in the PSA"), "{step:?}");

        // Switched off, nothing is looked for.
        let by_name = json!({ "name": name });
        assert_eq!(sets(app, msp.connection(), json!({ "linksTickets": false })).await, json!([]));
        let ticket = tell(app, &msp, psa, "CVE-2026-6", by_name.clone()).await;
        assert_eq!(configurations_of(psa, &ticket), Vec::<String>::new(), "{ticket:#?}");
        assert_eq!(steps(app, &msp, "CVE-2026-6").await, Vec::<String>::new());
        assert_eq!(sets(app, msp.connection(), json!({ "linksTickets": true })).await, json!([]));

        // The answer to the creation is lost: one ticket, and the device is linked to it once.
        psa.fault(Fault::once(psa.calls().create, FaultKind::DropAfterCommit));
        msp.posts(&finding("CVE-2026-7").with("asset", by_name.clone())).await.is_accepted();
        app.pass(1_800).await;
        let made: Vec<_> =
            psa.ledger().into_iter().filter(|ticket| ticket.summary.contains("CVE-2026-7")).collect();
        assert_eq!(made.len(), 1, "{made:#?}");
        assert_eq!(configurations_of(psa, &made[0]), [id.as_str()], "{made:#?}");

        // What is gone from the PSA since it was read: the ticket is made all the same, and people are told why.
        let sql = format!("UPDATE configuration SET external_id = '99999999' WHERE external_id = '{id}'");
        app.app.ground.db.reader().execute_unprepared(&sql).await.expect("a row");
        let ticket = tell(app, &msp, psa, "CVE-2026-8", by_name).await;
        assert_eq!(configurations_of(psa, &ticket), Vec::<String>::new(), "{ticket:#?}");
        assert!(says(&ticket, "The configuration number 99999999 is left out"), "{ticket:#?}");
        let step = steps(app, &msp, "CVE-2026-8").await;
        assert_eq!(step.len(), 2, "{step:?}");
        assert!(step[1].contains("is left out: the PSA refuses it"), "{step:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_cannot_be_attached_at_once_is_attached_later_and_once() {
    let app = TestApp::start().await;
    let psa = connectwise(&app).await;
    let msp = app.msp_with(&psa, "msp").await.ready().await;
    assert_eq!(sets(&app, msp.connection(), json!({ "isEnabled": true })).await, json!([]));
    syncs(&app, msp.connection()).await;
    let rows = all(&app, &msp).await;
    let (id, name) = (text(&rows[0], "/externalId"), text(&rows[0], "/name"));
    let faults = [
        ("CVE-2026-1", FaultKind::ErrorBeforeCommit { status: 503 }),
        ("CVE-2026-2", FaultKind::ErrorAfterCommit { status: 502 }),
        ("CVE-2026-3", FaultKind::DropAfterCommit),
    ];
    for (key, kind) in faults {
        let on = "POST /*/service/tickets/*/configurations".to_owned();
        psa.fault(Fault { on, kind, times: Some(1), skip: 0 });
        msp.posts(&finding(key).with("asset", json!({ "name": name }))).await.is_accepted();
        app.pass(1_800).await;
        let made: Vec<_> = psa.ledger().into_iter().filter(|ticket| ticket.summary.contains(key)).collect();
        assert_eq!(made.len(), 1, "{key}: {made:#?}");
        assert_eq!(configurations_of(&psa, &made[0]), [id.as_str()], "{key}: {made:#?}");
        let notes = made[0].notes.iter().filter(|note| note.text.contains("is about the configuration"));
        assert_eq!(notes.count(), 1, "{key}: {made:#?}");
        let step = steps(&app, &msp, key).await;
        assert!(step[1].contains("could not be attached yet"), "{step:?}");
    }
}
