//! What becomes of what a policy wants: shared tickets, digests, waiting, and when tickets close.

use psa_gateway::sandbox::frame::{Deed, LedgerTicket, Sandbox as _};
use serde_json::{Value, json};

use crate::support::{Finding, Msp, TestApp, finding, text};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

impl Msp<'_> {
    /// Its only policy from now on handles what it wants in this way.
    async fn handles(&self, app: &TestApp, handling: Value) {
        self.handles_with(app, handling, json!({})).await;
    }

    async fn handles_with(&self, app: &TestApp, handling: Value, more: Value) {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization { policies(first: 1) { nodes { id } } } } }";
        let found = app.graphql(query, json!({ "id": self.organization })).await;
        let mut input = json!({ "id": found["node"]["policies"]["nodes"][0]["id"], "handling": handling });
        let more = more.as_object().expect("an object").clone();
        input.as_object_mut().expect("an object").extend(more);
        let query = "mutation($input: PolicyUpdateInput!) { policyUpdate(input: $input) {
                       policy { handling { stormCap } } userErrors { field message } } }";
        app.graphql(query, json!({ "input": input })).await;
    }

    /// Posts these in one delivery and does what is due.
    async fn posts_all(&self, app: &TestApp, all: &[Finding]) {
        let list: Vec<_> = all.iter().map(Finding::json).collect();
        self.posts_raw(json!(list).to_string().as_bytes()).await.is_accepted();
        app.drain().await;
    }

    /// What became of its events: outcome and reason.
    async fn reasons(&self) -> Vec<(String, String)> {
        let events = self.events().await;
        events.iter().map(|event| (text(event, "/outcome"), text(event, "/reason"))).collect()
    }
}

fn on(key: &str, asset: &str) -> Finding {
    finding(key).with("title", json!(key)).with("asset", json!({ "uid": asset, "name": asset })).now()
}

fn ledger(app: &TestApp) -> Vec<LedgerTicket> {
    app.halo.ledger()
}

fn open(app: &TestApp) -> usize {
    ledger(app).iter().filter(|ticket| !ticket.closed).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_goes_on_its_groups_open_ticket_and_not_on_one_that_was_closed() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let by_asset = json!({ "grouping": "ASSET" });
    acme.handles_with(&app, by_asset.clone(), json!({ "reopenWindowSeconds": MINUTE })).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1")]).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1").resolved()]).await;
    app.pass(10 * MINUTE).await;
    acme.posts_all(&app, &[on("CVE-2", "web-1")]).await;
    assert_eq!((ledger(&app).len(), open(&app)), (2, 1), "the first one's window is over");
    // By now the closed one would be opened again, were there no other.
    acme.handles_with(&app, by_asset, json!({ "reopenWindowSeconds": 24 * HOUR })).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1")]).await;
    assert_eq!((ledger(&app).len(), open(&app)), (2, 1));
    let newest = acme.reasons().await;
    assert!(newest.contains(&("NOTED".to_owned(), "grouped".to_owned())), "{newest:?}");
    acme.posts_all(&app, &[on("CVE-2", "web-1").resolved()]).await;
    assert_eq!(open(&app), 1, "CVE-1 is on it");
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_of_one_asset_share_a_ticket_that_lists_them_and_closes_with_the_last() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer("Harbour Legal", "harbor").await;
    acme.handles(&app, json!({ "grouping": "ASSET" })).await;
    let fix = json!({ "fixed_version": "9.8p1" });
    let ssh = on("CVE-0", "web-1").severity("high").with("remediation", fix);
    acme.posts_all(
        &app,
        &[ssh, on("CVE-1", "web-1"), on("CVE-3", "db-1"), on("CVE-1", "web-1").of("harbor")],
    )
    .await;
    let tickets = ledger(&app);
    assert_eq!(tickets.len(), 3, "web-1, db-1, and the other customer's web-1");
    let web = tickets.iter().find(|ticket| ticket.body.contains("CVE-0")).expect("web-1's");
    assert_eq!(web.company, "Northwind Dental");
    let list = "2 findings:\n- [critical] CVE-1, on web-1\n- [high] CVE-0, on web-1, fixed in 9.8p1";
    assert!(web.body.contains(list), "the worst first: {}", web.body);
    assert_eq!(web.summary, "[critical] Findings on web-1", "whichever came first");
    let others =
        tickets.iter().find(|ticket| ticket.company == "Harbour Legal").expect("the other customer's");
    assert!(
        others.body.contains("1 finding:\n- [critical] CVE-1"),
        "nothing of Northwind's: {}",
        others.body
    );

    // What comes later is gathered in one note.
    acme.posts_all(&app, &[on("CVE-4", "web-1"), on("CVE-5", "web-1")]).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1").resolved()]).await;
    let notes = |app: &TestApp| -> Vec<String> {
        let tickets = ledger(app);
        let web = tickets.iter().find(|ticket| ticket.body.contains("CVE-0")).expect("web-1's");
        web.notes.iter().map(|note| note.text.clone()).collect()
    };
    assert_eq!(notes(&app).len(), 0, "not a note each");
    app.pass(HOUR + MINUTE).await;
    let told = notes(&app);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("New on this ticket (2):\n- [critical] CVE-4, on web-1"), "{}", told[0]);
    assert!(told[0].contains("Over (1):\n- [critical] CVE-1"), "{}", told[0]);
    assert!(told[0].contains("Open on this ticket now: 3."), "{}", told[0]);

    acme.posts_all(&app, &[on("CVE-0", "web-1").resolved(), on("CVE-4", "web-1").resolved()]).await;
    assert_eq!(open(&app), 3, "CVE-5 is open");
    acme.posts_all(&app, &[on("CVE-5", "web-1").resolved()]).await;
    assert_eq!(open(&app), 2);
    // A new one of the asset inside the reopen window: the same ticket.
    app.pass(HOUR).await;
    acme.posts_all(&app, &[on("CVE-6", "web-1")]).await;
    assert_eq!((ledger(&app).len(), open(&app)), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_stays_readable_and_all_of_it_is_in_the_notes() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.handles(&app, json!({ "grouping": "COMPANY" })).await;
    let all: Vec<_> = (0..45).map(|number| on(&format!("CVE-{number:02}"), "web-1")).collect();
    acme.posts_all(&app, &all).await;
    let tickets = ledger(&app);
    assert_eq!(tickets.len(), 1);
    assert!(tickets[0].body.contains("45 findings:"), "{}", tickets[0].body);
    assert_eq!(tickets[0].body.matches("- [critical]").count(), 20);
    assert!(tickets[0].body.contains("and 25 more, listed in the notes."));
    let notes: Vec<_> = tickets[0].notes.iter().map(|note| note.text.clone()).collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("Findings 21 to 45 of 45:"), "{}", notes[0]);
    assert_eq!(notes[0].matches("- [critical]").count(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_mended_is_put_together_as_the_event_set_says() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let create = "mutation($input: EventSetCreateInput!) { eventSetCreate(input: $input) {
                    eventSet { id } userErrors { field message } } }";
    let input = json!({ "organizationId": acme.organization, "name": "To be mended", "remediationGrain": "PRODUCT",
        "choices": [{ "category": "remediation" }, { "category": "vulnerability" }] });
    let made = app.graphql(create, json!({ "input": input })).await;
    let set = text(&made, "/eventSetCreate/eventSet/id");
    acme.handles_with(&app, json!({}), json!({ "eventSetId": set })).await;
    let fix = |key: &str, asset: &str, product: &str| {
        let vendor = json!({ "vendor": "Mozilla", "name": product, "version": key });
        on(key, asset).with("category", json!("remediation")).with("product", vendor)
    };
    let all = [fix("1", "web-1", "Firefox"), fix("2", "web-2", "firefox"), fix("3", "web-1", "Thunderbird")];
    acme.posts_all(&app, &all).await;
    let titles: Vec<_> = ledger(&app).into_iter().map(|ticket| ticket.summary).collect();
    assert_eq!(
        titles,
        ["[critical] Findings in Mozilla Firefox", "[critical] Findings in Mozilla Thunderbird"]
    );
    acme.posts_all(&app, &[on("CVE-1", "web-1"), on("CVE-2", "web-1")]).await;
    assert_eq!(ledger(&app).len(), 4, "what is no remediation has a ticket of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_digest_is_one_ticket_a_company_at_its_time() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer("Harbour Legal", "harbor").await;
    acme.handles(&app, json!({ "cadence": { "dailyAt": "07:00", "timeZone": "Europe/Berlin" } })).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1"), on("CVE-2", "web-2"), on("CVE-3", "w").of("harbor")]).await;
    assert_eq!(ledger(&app).len(), 0);
    assert!(acme.reasons().await.iter().all(|became| *became == ("WAITING".to_owned(), "digest".to_owned())));
    acme.posts_all(&app, &[on("CVE-2", "web-2").resolved()]).await;
    app.pass(24 * HOUR).await;
    let tickets = ledger(&app);
    assert_eq!(tickets.len(), 2, "one a company");
    let north = tickets.iter().find(|ticket| ticket.company == "Northwind Dental").expect("Northwind's");
    assert!(north.body.contains("1 finding:\n- [critical] CVE-1, on web-1"), "{}", north.body);
    assert!(north.created_at.contains("T06:0"), "7 o'clock in Berlin: {}", north.created_at);
    let became = acme.reasons().await;
    let outcomes: Vec<_> = became.iter().map(|(outcome, _)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["OPENED", "SUPPRESSED", "OPENED", "IGNORED"], "{became:?}");
    assert_eq!(became[1].1, "over_before_due");

    // The next day's is another one.
    acme.posts_all(&app, &[on("CVE-4", "web-1")]).await;
    app.pass(24 * HOUR).await;
    assert_eq!(ledger(&app).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_while_it_settles_gets_no_ticket() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.handles(&app, json!({ "settleSeconds": 600 })).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1"), on("CVE-2", "web-1")]).await;
    app.pass(5 * MINUTE).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1").resolved(), on("CVE-2", "web-1")]).await;
    assert_eq!(ledger(&app).len(), 0);
    app.pass(6 * MINUTE).await;
    let summaries: Vec<_> = ledger(&app).into_iter().map(|ticket| ticket.summary).collect();
    assert_eq!(summaries, ["[critical] CVE-2"], "once, and only what stayed");
    // Back again: it has to settle again.
    acme.posts_all(&app, &[on("CVE-1", "web-1")]).await;
    assert_eq!(ledger(&app).len(), 1);
    app.pass(11 * MINUTE).await;
    assert_eq!(ledger(&app).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_somebody_works_on_is_not_closed_under_their_hands() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.handles(&app, json!({})).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1"), on("CVE-2", "web-1")]).await;
    let worked_on = ledger(&app)[0].clone();
    let who = app.halo.people().first().expect("somebody").clone();
    let in_progress = Deed::Status { status: "2".to_owned() };
    app.halo.deed(&worked_on.id.to_string(), &who, &in_progress).expect("a status");
    app.pass(15 * MINUTE).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1").resolved(), on("CVE-2", "web-1").resolved()]).await;
    let closed: Vec<_> = ledger(&app).iter().map(|ticket| ticket.closed).collect();
    assert_eq!(closed, [false, true]);
    let said = ledger(&app)[0].notes.last().expect("a note").text.clone();
    assert!(said.contains("reports it as over"), "{said}");

    // By another rule it is closed all the same.
    acme.handles(&app, json!({ "closeRule": "ALWAYS" })).await;
    app.pass(MINUTE).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1")]).await;
    app.pass(MINUTE).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1").resolved()]).await;
    assert!(ledger(&app)[0].closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_stays_open_for_as_long_as_its_policy_says() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.handles(&app, json!({ "minimumOpenSeconds": 3600 })).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1"), on("CVE-2", "web-1")]).await;
    app.pass(10 * MINUTE).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1").resolved(), on("CVE-2", "web-1").resolved()]).await;
    assert_eq!(open(&app), 2);
    assert_eq!(acme.reasons().await[2], ("WAITING".to_owned(), "closes_later".to_owned()));
    app.pass(10 * MINUTE).await;
    acme.posts_all(&app, &[on("CVE-2", "web-1")]).await;
    app.pass(45 * MINUTE).await;
    let closed: Vec<_> = ledger(&app).iter().map(|ticket| ticket.closed).collect();
    assert_eq!(closed, [true, false], "the one that came back stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_comings_and_goings_are_one_ticket_with_few_notes() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    for _ in 0..100 {
        for _ in 0..5 {
            app.clock.advance_secs(30);
            acme.posts(&on("CVE-1", "web-1")).await.is_accepted();
            app.clock.advance_secs(30);
            acme.posts(&on("CVE-1", "web-1").resolved()).await.is_accepted();
        }
        app.drain().await;
    }
    let tickets = ledger(&app);
    assert_eq!(tickets.len(), 1);
    let hours = 500 / 60 + 1;
    let notes = tickets[0].notes.len();
    assert!(notes <= 16 + 2 * hours, "{notes} notes");
    assert!(!tickets[0].closed, "it does not rest");
    app.pass(2 * HOUR).await;
    assert!(ledger(&app)[0].closed, "now it does");
    assert_eq!(acme.events().await.len(), 100, "the first page of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_stays_under_its_cap_and_loses_nothing() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer("Harbour Legal", "harbor").await;
    acme.handles(&app, json!({ "stormCap": 5 })).await;
    let all: Vec<_> = (0..60).map(|number| on(&format!("CVE-{number:02}"), "web-1")).collect();
    acme.posts_all(&app, &all).await;
    acme.posts_all(&app, &[on("CVE-1", "h").of("harbor"), on("CVE-2", "h").of("harbor")]).await;
    let tickets = ledger(&app);
    assert_eq!(tickets.len(), 5 + 2, "five, and one a company for what is more");
    let rest =
        tickets.iter().find(|ticket| ticket.body.contains("55 findings:")).expect("the ticket for the rest");
    assert_eq!(rest.company, "Northwind Dental");
    let of_harbour: Vec<_> = tickets.iter().filter(|ticket| ticket.company == "Harbour Legal").collect();
    assert_eq!(of_harbour.len(), 1);
    assert!(of_harbour[0].body.contains("2 findings:"), "{}", of_harbour[0].body);

    let ends: Vec<_> = (0..60).map(|number| on(&format!("CVE-{number:02}"), "web-1").resolved()).collect();
    app.pass(MINUTE).await;
    acme.posts_all(&app, &ends).await;
    assert_eq!(open(&app), 1, "all of Northwind's are closed");
    app.pass(2 * HOUR).await;
    acme.posts_all(&app, &[on("CVE-99", "web-1")]).await;
    assert_eq!(ledger(&app).len(), 8, "the storm is over: a ticket of its own again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_seen_for_long_is_over() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.handles(&app, json!({ "ageSeconds": 7200 })).await;
    acme.posts_all(&app, &[on("CVE-1", "web-1"), on("CVE-2", "web-1")]).await;
    app.pass(HOUR).await;
    acme.posts_all(&app, &[on("CVE-2", "web-1")]).await;
    app.pass(HOUR + 10 * MINUTE).await;
    let closed: Vec<_> = ledger(&app).iter().map(|ticket| ticket.closed).collect();
    assert_eq!(closed, [true, false]);
    let notes = ledger(&app)[0].notes.clone();
    assert!(notes.iter().any(|note| note.text.contains("has not reported this since")), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_sets_values_over_the_profiles_and_bad_handling_is_told_by_its_field() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let query =
        "query($id: ID!) { node(id: $id) { ... on Organization { policies(first: 1) { nodes { id } } } } }";
    let found = app.graphql(query, json!({ "id": acme.organization })).await;
    let id = found["node"]["policies"]["nodes"][0]["id"].clone();
    let update = "mutation($input: PolicyUpdateInput!) { policyUpdate(input: $input) {
                    policy { explanation handling { cadence { every time day timeZone } overrides { key value } } }
                    userErrors { field message } } }";
    let change = async |handling: Value| {
        app.graphql_as(&app.token, update, json!({ "input": { "id": id, "handling": handling } })).await
    };
    for (handling, field) in [
        (json!({ "cadence": { "dailyAt": "25:00" } }), "cadence"),
        (json!({ "cadence": { "weeklyAt": "07:00" } }), "cadence"),
        (json!({ "cadence": { "dailyAt": "07:00", "timeZone": "Mars/Olympus" } }), "cadence"),
        (json!({ "stormCap": 0 }), "stormCap"),
        (json!({ "settleSeconds": -1 }), "settleSeconds"),
    ] {
        let answer = change(handling).await;
        let error = &answer["data"]["policyUpdate"]["userErrors"][0];
        assert_eq!(error["field"], json!(["input", "handling", field]), "{answer:#}");
    }
    let wanted = json!({ "cadence": { "weeklyAt": "07:30", "day": "MONDAY", "timeZone": "Europe/Berlin" } });
    let changed = change(wanted).await;
    let cadence = &changed["data"]["policyUpdate"]["policy"]["handling"]["cadence"];
    assert_eq!(
        *cadence,
        json!({ "every": "WEEK", "time": "07:30", "day": "MONDAY", "timeZone": "Europe/Berlin" })
    );
    let words = text(&changed, "/data/policyUpdate/policy/explanation");
    assert!(words.contains("every Monday at 07:30 (Europe/Berlin)"), "{words}");

    let wanted = json!({ "overrides": [{ "key": "priority", "value": "1" }] });
    let changed = change(wanted).await;
    assert_eq!(changed["data"]["policyUpdate"]["userErrors"], json!([]), "{changed:#}");
    acme.posts_all(&app, &[on("CVE-1", "web-1")]).await;
    let ticket = ledger(&app).remove(0);
    assert_eq!(ticket.more["priority_id"], json!(1), "{:?}", ticket.more);
}
