//! What companies use is what they are billed for: once, on time, and with a ledger that tells the truth.

use entity::Timestamp;
use psa_gateway::{
    clock::{Chance, Clock},
    sandbox::{
        self,
        autotask::{AutotaskOptions, AutotaskSandbox},
        frame::{Fault, FaultKind, Ground, Sandbox},
        syncro::{SyncroOptions, SyncroSandbox},
    },
    scanners::signature,
};
use serde_json::{Value, json};

use crate::support::{Msp, PRODUCT, TestApp, is_secret, text};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// Moves the clock to a moment and does what is due then.
async fn until(app: &TestApp, moment: &str) {
    let now = app.clock.now();
    assert!(now < at(moment), "{moment} is past: it is {now}");
    app.clock.advance_secs(at(moment).as_secs() - now.as_secs());
    app.drain().await;
}

async fn syncro(app: &TestApp) -> SyncroSandbox {
    let ground = Ground { clock: app.clock.clone(), chance: Chance::system() };
    let sandbox =
        SyncroSandbox::start(ground, "127.0.0.1:0", SyncroOptions::default()).await.expect("a sandbox");
    sandbox.credentials().iter().filter(|(key, _)| *key == "api_key").for_each(|(_, key)| is_secret(key));
    sandbox
}

/// Where usage is reported to.
struct Door {
    url: String,
    secret: String,
}

impl Door {
    async fn new(app: &TestApp, msp: &Msp<'_>) -> Self {
        let input = json!({ "organizationId": msp.organization, "name": "usage", "sender": "usage",
            "scheme": "standard_webhooks" });
        let made = app.does("webhookEndpointCreate", "webhookEndpoint { url } signingSecret", input).await;
        let secret = text(&made, "/signingSecret");
        is_secret(&secret);
        Self { url: text(&made, "/webhookEndpoint/url"), secret }
    }

    async fn posts(&self, app: &TestApp, id: &str, body: &Value) {
        let body = body.to_string();
        let signed =
            signature::sign(&self.secret, id, app.clock.now(), body.as_bytes()).expect("a signature");
        let mut request = app.http.post(&self.url).body(body);
        for (name, value) in signed.pairs() {
            request = request.header(name, value);
        }
        assert_eq!(request.send().await.expect("an answer").status(), 202);
        app.drain().await;
    }
}

fn count(quantity: i64, observed_at: &str) -> Value {
    json!({ "source": "edr", "client_ref": "northwind", "product": PRODUCT, "quantity": quantity,
        "observed_at": observed_at })
}

async fn next_push_at(app: &TestApp, msp: &Msp<'_>) -> String {
    let query =
        "query($id: ID!) { node(id: $id) { ... on Organization { billing { calendar { nextPushAt } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization })).await;
    text(&found, "/node/billing/calendar/nextPushAt")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_with_a_report_sent_again_an_outage_on_push_day_and_clocks_put_forward() {
    let app = TestApp::start_by(Clock::manual(at("2027-03-01T08:00:00Z")), &[]).await;
    let psa = syncro(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    acme.bills(PRODUCT).await;
    let berlin = json!({ "organizationId": acme.organization, "timeZone": "Europe/Berlin" });
    let set = app.does(
        "billingCalendarSet",
        "calendar { pushAt nextPushAt currentPeriod { name startsAt } }",
        berlin,
    );
    assert_eq!(
        set.await["calendar"],
        json!({ "pushAt": "12:00", "nextPushAt": "2027-03-01T11:00:00Z",
            "currentPeriod": { "name": "2027-03-01", "startsAt": "2027-02-28T23:00:00Z" } })
    );
    let door = Door::new(&app, &acme).await;
    assert_eq!(acme.billed_in_psa().await, ("3".to_owned(), 0));
    assert_eq!(acme.next_push().await["verdict"], "NO_USAGE");

    // Reported in the morning, pushed at noon.
    door.posts(&app, "msg_1", &count(5, "2027-03-01T07:00:00Z")).await;
    assert_eq!(acme.billed_in_psa().await.0, "3", "not before noon");
    until(&app, "2027-03-01T11:00:00Z").await;
    assert_eq!(acme.billed_in_psa().await, ("5".to_owned(), 1));
    let entry = acme.entries().await.swap_remove(0);
    assert_eq!(
        (&entry["state"], &entry["before"], &entry["sent"]),
        (&json!("SETTLED"), &json!(3.0), &json!(5.0))
    );
    assert_eq!((&entry["readBack"], &entry["difference"]), (&json!(5.0), &json!(0.0)));

    // The same again, under the same id and under another; and less than there was.
    door.posts(&app, "msg_1", &count(5, "2027-03-01T07:00:00Z")).await;
    door.posts(&app, "msg_2", &count(5, "2027-03-01T07:00:00Z")).await;
    until(&app, "2027-03-02T08:00:00Z").await;
    door.posts(&app, "msg_3", &count(2, "2027-03-02T07:00:00Z")).await;
    until(&app, "2027-03-02T11:00:00Z").await;
    until(&app, "2027-03-03T11:00:00Z").await;
    assert_eq!(acme.billed_in_psa().await, ("5".to_owned(), 1), "the most of the month counts");

    // Syncro is away on push day.
    until(&app, "2027-03-10T08:00:00Z").await;
    door.posts(&app, "msg_4", &count(8, "2027-03-10T07:00:00Z")).await;
    psa.down(true);
    until(&app, "2027-03-10T11:00:00Z").await;
    app.pass(3 * 3_600).await;
    assert_eq!(acme.billed().await, [("SETTLED".to_owned(), 5.0), ("PLANNED".to_owned(), 8.0)]);
    psa.down(false);
    app.pass(1_800).await;
    assert_eq!(acme.billed_in_psa().await, ("8".to_owned(), 2));
    assert_eq!(acme.billed().await.last().unwrap().0, "SETTLED");

    // It does what it is asked, and its answer is lost.
    psa.fault(Fault::once("PUT /api/v1/schedules", FaultKind::DropAfterCommit));
    until(&app, "2027-03-11T08:00:00Z").await;
    door.posts(&app, "msg_5", &count(9, "2027-03-11T07:00:00Z")).await;
    until(&app, "2027-03-11T11:00:00Z").await;
    assert_eq!(acme.billed().await.last().unwrap(), &("UNKNOWN".to_owned(), 9.0));
    assert_eq!(acme.next_push().await["verdict"], "BLOCKED");
    app.pass(1_800).await;
    assert_eq!(acme.billed().await.last().unwrap(), &("SETTLED".to_owned(), 9.0));
    assert_eq!(acme.billed_in_psa().await, ("9".to_owned(), 3), "sent once");

    // The night in which clocks are put forward.
    until(&app, "2027-03-27T11:00:00Z").await;
    assert_eq!(next_push_at(&app, &acme).await, "2027-03-28T10:00:00Z");
    until(&app, "2027-03-28T07:00:00Z").await;
    door.posts(&app, "msg_6", &count(12, "2027-03-28T06:00:00Z")).await;
    until(&app, "2027-03-28T09:59:59Z").await;
    assert_eq!(acme.billed_in_psa().await.0, "9");
    until(&app, "2027-03-28T10:00:00Z").await;
    assert_eq!(acme.billed_in_psa().await, ("12".to_owned(), 4));
    assert_eq!(
        acme.entries().await.last().unwrap()["sentAt"],
        "2027-03-28T10:00:00Z",
        "noon by the clocks there"
    );

    // The next month begins at midnight there, with what is used then.
    until(&app, "2027-03-31T22:00:00Z").await;
    assert_eq!(acme.next_push().await["verdict"], "NO_USAGE");
    door.posts(&app, "msg_7", &count(4, "2027-03-31T22:30:00Z")).await;
    // March once more, too late.
    door.posts(&app, "msg_8", &count(20, "2027-03-31T21:59:00Z")).await;
    until(&app, "2027-04-01T10:00:00Z").await;
    assert_eq!(acme.billed_in_psa().await, ("4".to_owned(), 5));
    let entries = acme.entries().await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            assert_eq!(
                (&entry["state"], &entry["difference"]),
                (&json!("SETTLED"), &json!(0.0)),
                "{entry:#}"
            );
            assert_eq!(entry["attemptCount"], 1, "{entry:#}");
            (text(entry, "/period/name"), entry["sent"].as_f64().unwrap())
        })
        .collect();
    let march = |value: f64| ("2027-03-01".to_owned(), value);
    assert_eq!(told, [march(5.0), march(8.0), march(9.0), march(12.0), ("2027-04-01".to_owned(), 4.0)]);
    let query =
        "query($id: ID!) { node(id: $id) { ... on Organization { billing { usageMarks(first: 5) { nodes {
           period { name } highWater lastQuantity isLate } } } } } }";
    let marks = app.graphql(query, json!({ "id": acme.organization })).await;
    assert_eq!(
        marks["node"]["billing"]["usageMarks"]["nodes"],
        json!([
            { "period": { "name": "2027-04-01" }, "highWater": 4.0, "lastQuantity": 4.0, "isLate": false },
            { "period": { "name": "2027-03-01" }, "highWater": 20.0, "lastQuantity": 20.0, "isLate": true },
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_while_the_psa_is_asked_leaves_it_unknown_and_it_is_sent_once() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    acme.bills(PRODUCT).await;
    acme.reports(17.0).await;
    let doomed = app.another_node().await;
    app.halo.fault(Fault::once("POST /api/RecurringInvoice", FaultKind::DelayAnswer { ms: 60_000 }));
    let input = json!({ "organizationId": acme.organization });
    app.does("billingPush", "isQueued", input).await;
    let work = tokio::spawn(async move { crate::support::drain(&doomed).await });
    while acme.billed_in_psa().await.1 == 0 {
        tokio::task::yield_now().await;
    }
    work.abort();
    app.clock.advance_secs(60);
    app.drain().await;
    assert_eq!(acme.billed().await, [("UNKNOWN".to_owned(), 17.0)]);
    app.pass(1_200).await;
    assert_eq!(acme.billed().await, [("SETTLED".to_owned(), 17.0)]);
    assert_eq!(acme.billed_in_psa().await, ("17".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_platform_that_offers_it_is_told_once_also_where_an_answer_is_lost() {
    for kind in sandbox::kinds() {
        let app = TestApp::start().await;
        let ground = Ground { clock: app.clock.clone(), chance: Chance::system() };
        let psa = (kind.start)(ground, "127.0.0.1:0".to_owned()).await.expect("a sandbox");
        let acme = app.msp_with(&*psa, "acme").await.connected().await;
        acme.customer("Northwind Dental", "northwind").await;
        let query = "query($key: String!) { platform(key: $key) { capabilities { billing } } }";
        let found = app.graphql(query, json!({ "key": kind.key })).await;
        let way = text(&found, "/platform/capabilities/billing");
        if way == "NOT_OFFERED" {
            assert_eq!((kind.key, acme.reads_lines().await), ("nable", Vec::new()));
            continue;
        }
        acme.bills(PRODUCT).await;
        let before: f64 = acme.billed_in_psa().await.0.parse().unwrap();
        acme.reports(before + 4.0).await;
        acme.pushes().await;
        let settled = |value: f64| ("SETTLED".to_owned(), value);
        assert_eq!(acme.billed().await, [settled(before + 4.0)], "{}", kind.key);
        assert_eq!(acme.billed_in_psa().await, ((before + 4.0).to_string(), 1), "{}", kind.key);
        let sent = if way == "DIFFERENCE" { 4.0 } else { before + 4.0 };
        assert_eq!(acme.entries().await[0]["sent"], json!(sent), "{}", kind.key);

        for call in [
            "PUT /api/v1/schedules",
            "PATCH /*/finance",
            "POST /api/RecurringInvoice",
            "POST /*/Contracts/*/ServiceAdj",
        ] {
            psa.fault(Fault::once(call, FaultKind::DropAfterCommit));
        }
        acme.reports(before + 6.0).await;
        acme.pushes().await;
        assert_eq!(acme.billed().await[1], ("UNKNOWN".to_owned(), before + 6.0), "{}", kind.key);
        acme.pushes().await;
        app.pass(1_200).await;
        assert_eq!(acme.billed().await[1], settled(before + 6.0), "{}", kind.key);
        assert_eq!(acme.billed_in_psa().await, ((before + 6.0).to_string(), 2), "{}", kind.key);
        println!("contract: {:<12} quantities are told once ({way})", kind.key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_of_unknown_fate_waits_for_a_person() {
    let app = TestApp::start().await;
    let ground = Ground { clock: app.clock.clone(), chance: Chance::system() };
    let psa =
        AutotaskSandbox::start(ground, "127.0.0.1:0", AutotaskOptions::default()).await.expect("a sandbox");
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    acme.bills(PRODUCT).await;
    acme.reports(13.0).await;
    psa.fault(Fault::once("POST /*/Contracts/*/ServiceAdj", FaultKind::DropBeforeCommit));
    acme.pushes().await;
    app.pass(1_200).await;
    let entry = acme.entries().await.swap_remove(0);
    assert_eq!((&entry["state"], &entry["sent"]), (&json!("HELD"), &json!(3.0)), "{entry:#}");
    assert!(text(&entry, "/problem/message").contains("billingEntryDecide"), "{entry:#}");
    // More is used, and nothing goes out before somebody has looked.
    acme.reports(15.0).await;
    acme.pushes().await;
    assert_eq!(acme.billed_in_psa().await, ("10".to_owned(), 0));
    assert_eq!(acme.next_push().await["verdict"], "BLOCKED");
    let correction = json!({ "billingLineId": line_of(&app, &acme).await, "quantity": 1, "reason": "no" });
    let refused = app.asks("billingCorrectionCreate", "billingEntry { id }", correction).await;
    assert_eq!(refused["data"]["billingCorrectionCreate"]["userErrors"][0]["code"], "WRONG_STATE");

    let decision = json!({ "id": entry["id"], "hasArrived": false });
    app.does("billingEntryDecide", "billingEntry { state decidedBy }", decision.clone()).await;
    app.drain().await;
    assert_eq!(acme.billed().await, [("SETTLED".to_owned(), 13.0)]);
    assert_eq!(acme.billed_in_psa().await, ("13".to_owned(), 1));
    let again = app.asks("billingEntryDecide", "billingEntry { id }", decision).await;
    assert_eq!(again["data"]["billingEntryDecide"]["userErrors"][0]["code"], "WRONG_STATE");
    acme.pushes().await;
    assert_eq!(acme.billed_in_psa().await, ("15".to_owned(), 2));
}

async fn line_of(app: &TestApp, msp: &Msp<'_>) -> String {
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { billing { lines(first: 1) { nodes { id } } } } } }";
    text(&app.graphql(query, json!({ "id": msp.organization })).await, "/node/billing/lines/nodes/0/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_stands_until_more_is_used_and_ending_a_line_is_confirmed() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    let line = acme.bills(PRODUCT).await;
    acme.reports(14.0).await;
    let preview = acme.next_push().await;
    assert_eq!((&preview["verdict"], &preview["proposed"]), (&json!("SENDS"), &json!(14.0)), "{preview:#}");
    let some = json!({ "organizationId": acme.organization, "billingLineIds": [line] });
    let pushed = app.does("billingPush", "entries { proposed state } isQueued", some).await;
    assert_eq!(pushed["entries"], json!([{ "proposed": 14.0, "state": "PLANNED" }]));
    app.drain().await;
    assert_eq!(acme.billed_in_psa().await, ("14".to_owned(), 1));

    let correction = json!({ "billingLineId": line, "quantity": 11.5, "reason": "two seats were demos",
        "idempotencyKey": "c-1" });
    for _ in 0..2 {
        app.does("billingCorrectionCreate", "billingEntry { id }", correction.clone()).await;
    }
    app.drain().await;
    acme.pushes().await;
    assert_eq!(acme.billed_in_psa().await, ("11.5".to_owned(), 2), "what was reported does not come back");
    assert_eq!(acme.next_push().await["verdict"], "CORRECTED");
    let entry = acme.entries().await.pop().unwrap();
    assert_eq!(
        (&entry["isCorrection"], &entry["correctionReason"]),
        (&json!(true), &json!("two seats were demos"))
    );
    assert_eq!((&entry["mark"], &entry["decidedBy"].is_string()), (&json!(14.0), &true));
    acme.reports(16.0).await;
    acme.pushes().await;
    assert_eq!(acme.billed_in_psa().await, ("16".to_owned(), 3), "more is used");

    // Planned while Halo is away, and taken back.
    app.halo.down(true);
    acme.reports(18.0).await;
    acme.pushes().await;
    let wrong = app
        .asks("billingLineDisable", "takenBackCount", json!({ "id": line, "confirmProduct": "yes" }))
        .await;
    let problem = &wrong["data"]["billingLineDisable"]["userErrors"][0];
    assert_eq!(problem["field"], json!(["input", "confirmProduct"]), "{wrong:#}");
    assert!(text(problem, "/message").contains(PRODUCT));
    let done = app.does(
        "billingLineDisable",
        "takenBackCount billingLine { isEnabled nextPush { verdict } }",
        json!({ "id": line, "confirmProduct": PRODUCT }),
    );
    assert_eq!(
        done.await,
        json!({ "takenBackCount": 1, "billingLine": { "isEnabled": false, "nextPush": { "verdict": "DISABLED" } },
            "userErrors": [] })
    );
    app.halo.down(false);
    app.pass(1_800).await;
    acme.pushes().await;
    assert_eq!(acme.billed_in_psa().await, ("16".to_owned(), 3), "it is no longer pushed");
    let enabled = json!({ "id": line, "isEnabled": true });
    app.does("billingLineUpdate", "billingLine { isEnabled version }", enabled).await;
    acme.pushes().await;
    assert_eq!(acme.billed_in_psa().await, ("18".to_owned(), 4));

    // Unmapped, it is not pushed either.
    acme.reports(20.0).await;
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection { companyMappings(first: 1) { nodes { id } } } } }";
    let mapping = app.graphql(query, json!({ "id": acme.connection() })).await;
    let mapping = text(&mapping, "/node/companyMappings/nodes/0/id");
    app.does("companyMappingRemove", "deletedCompanyMappingId", json!({ "id": mapping })).await;
    acme.pushes().await;
    assert_eq!(acme.billed_in_psa().await, ("18".to_owned(), 4));
    assert_eq!(acme.next_push().await["verdict"], "NOT_MAPPED");
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_of_a_company_that_nobody_knows_waits_for_its_alias_and_a_wrong_row_is_told_by_itself() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    acme.customer("Northwind Dental", "nw").await;
    let (company, _) = acme.first_customer().await;
    let door = Door::new(&app, &acme).await;
    let mut wrong = count(3, "2026-11-20T08:00:00Z");
    wrong["quantity"] = json!("three");
    door.posts(&app, "msg_1", &json!([count(7, "2026-11-20T08:00:00Z"), wrong])).await;
    let reports = async || {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization { billing { usageReports(first: 5) { nodes {
               state clientRef quantity problem duplicateCount company { name } } } usageMarks(first: 5) { totalCount } } } } }";
        app.graphql(query, json!({ "id": acme.organization })).await["node"]["billing"].clone()
    };
    let told = reports().await;
    let states: Vec<_> =
        told["usageReports"]["nodes"].as_array().unwrap().iter().map(|row| text(row, "/state")).collect();
    assert_eq!(
        (states, &told["usageMarks"]["totalCount"]),
        (vec!["REFUSED".to_owned(), "HELD".to_owned()], &json!(0))
    );
    assert!(text(&told, "/usageReports/nodes/0/problem").starts_with("/1: "), "{told:#}");
    app.does("companyAliasAdd", "company { id }", json!({ "companyId": company, "value": "northwind" }))
        .await;
    app.drain().await;
    let told = reports().await;
    assert_eq!(told["usageReports"]["nodes"][1]["state"], "COUNTED");
    assert_eq!(told["usageReports"]["nodes"][1]["duplicateCount"], 0);
    assert_eq!(told["usageMarks"]["totalCount"], 1);
    door.posts(&app, "msg_2", &json!("nonsense")).await;
    let last = acme.deliveries().await.pop().unwrap();
    assert_eq!(last["state"], "DEAD", "{last:#}");

    // Many at once, each with its own outcome, and the same request once more.
    let row = |whom: Value, quantity: f64| {
        let mut row = json!({ "product": PRODUCT, "quantity": quantity, "source": "edr" });
        row.as_object_mut().unwrap().extend(whom.as_object().unwrap().clone());
        row
    };
    let input = json!({
        "organizationId": acme.organization, "idempotencyKey": "u-1",
        "reports": [
            row(json!({ "companyId": company }), 9.0), row(json!({ "clientRef": "nobody" }), 1.0),
            row(json!({}), 1.0), row(json!({ "companyId": company }), 0.0001), row(json!({ "clientRef": "nw" }), 8.0),
        ],
    });
    let selection = "results { index usageMark { highWater } userErrors { field } }";
    let first = app.does("usageReport", selection, input.clone()).await;
    let fields: Vec<_> = first["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["userErrors"][0]["field"].clone())
        .collect();
    let path = |index: &str, field: &str| json!(["input", "reports", index, field]);
    assert_eq!(
        fields,
        [Value::Null, path("1", "clientRef"), path("2", "companyId"), path("3", "quantity"), Value::Null]
    );
    assert_eq!(first["results"][4]["usageMark"]["highWater"], 9.0);
    assert_eq!(app.does("usageReport", selection, input).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_bill_sees_nothing_of_it_and_a_token_may_report_and_no_more() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    acme.bills(PRODUCT).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { billing { lines(first: 1) { nodes { id } } } } } }";
    let codes = async |token: &str| {
        let answer = app.graphql_as(token, query, json!({ "id": acme.organization })).await;
        answer["errors"][0]["extensions"]["code"].clone()
    };
    assert_eq!(codes(&acme.token("TECHNICIAN").await).await, "FORBIDDEN");
    assert_eq!(codes(&acme.token("BILLING").await).await, Value::Null);
    let input = json!({ "organizationId": acme.organization, "name": "meter", "role": "BILLING",
        "scopes": ["REPORT_USAGE"] });
    let meter = text(&app.does("accessTokenCreate", "token", input).await, "/token");
    is_secret(&meter);
    assert_eq!(codes(&meter).await, "FORBIDDEN");
    let (company, _) = acme.first_customer().await;
    let report = json!({ "organizationId": acme.organization,
        "reports": [{ "companyId": company, "product": PRODUCT, "quantity": 3 }] });
    let mutation = "mutation($input: UsageReportInput!) { usageReport(input: $input) { results { usageMark { highWater } } } }";
    let answer = app.graphql_as(&meter, mutation, json!({ "input": report })).await;
    assert_eq!(answer["data"]["usageReport"]["results"][0]["usageMark"]["highWater"], 3.0, "{answer:#}");
}
