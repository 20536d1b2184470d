//! A week of a small MSP, as its technicians would read it: what came of each event and why, and what another policy
//! would have made of the same week. `cargo test --test it week:: -- --nocapture` prints it.

use std::fmt::Write as _;

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::{Value, json};

use crate::support::{Finding, Msp, TestApp, data, finding, text};

const DAY: i64 = 24 * 3_600;

impl Msp<'_> {
    async fn does(&self, app: &TestApp, mutation: &str, input: Value) -> Value {
        let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {name}!) {{ {mutation}(input: $input) {{ policy {{ id }} userErrors {{ field message }} }} }}"
        );
        data(&app.graphql_as(&app.token, &query, json!({ "input": input })).await)
    }

    /// At once what is urgent, on Mondays what is not, and nothing else.
    async fn decides_like_a_small_msp(&self, app: &TestApp) {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization { policies(first: 9) { nodes { id } } } } }";
        let found = app.graphql(query, json!({ "id": self.organization })).await;
        let built_in = &found["node"]["policies"]["nodes"][0]["id"];
        self.does(app, "policyUpdate", json!({ "id": built_in, "isEnabled": false })).await;
        let weekly = json!({
            "organizationId": self.organization, "name": "Weekly maintenance", "place": 1,
            "conditions": { "severity": { "is": { "atLeast": "MEDIUM" } } },
            "handling": { "cadence": { "weeklyAt": "08:00", "day": "MONDAY", "timeZone": "Europe/Berlin" } },
        });
        self.does(app, "policyCreate", weekly).await;
        for preset in ["critical_or_kev", "jumpcloud_alerts"] {
            let input = json!({ "organizationId": self.organization, "preset": preset });
            self.does(app, "policyCreateFromPreset", input).await;
        }
    }

    /// Every event with its trace, oldest first.
    async fn history(&self, app: &TestApp) -> Vec<Value> {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization {
            events(first: 100, orderBy: { field: CREATED_AT, direction: ASC }) { nodes {
              title outcome reason steps { step result } } } } } }";
        let found = app.graphql(query, json!({ "id": self.organization })).await;
        found["node"]["events"]["nodes"].as_array().expect("a list").clone()
    }
}

fn vulnerability(key: &str, severity: &str, asset: &str) -> Finding {
    finding(key)
        .severity(severity)
        .now()
        .with("title", json!(format!("{key} on {asset}")))
        .with("asset", json!({ "uid": asset, "name": asset }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_reads_like_a_story_and_another_policy_can_be_tried_on_it() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.decides_like_a_small_msp(&app).await;
    let scan = [
        vulnerability("CVE-1", "critical", "web-1"),
        vulnerability("CVE-2", "medium", "web-1"),
        vulnerability("CVE-3", "low", "laptop-7"),
    ];
    let lockout = finding("lockout-ada")
        .kind("identity.user_locked_out")
        .severity("info")
        .now()
        .with("title", json!("Ada Lovelace was locked out"))
        .with("user", json!({ "uid": "u-17", "name": "Ada Lovelace" }));
    let week: [(&str, Vec<Finding>); 7] = [
        ("Saturday: the first scan", scan.to_vec()),
        ("Sunday: the scan again", scan.to_vec()),
        ("Monday: somebody is locked out", vec![lockout.clone()]),
        (
            "Tuesday: she is in again, and the critical one is mended",
            vec![lockout.kind("identity.user_unlocked"), scan[0].clone().resolved()],
        ),
        ("Wednesday: it is back", vec![scan[0].clone()]),
        (
            "Thursday: a customer nobody has mapped",
            vec![vulnerability("CVE-9", "critical", "nas").of("harbor")],
        ),
        ("Friday: mended, all of it", scan.iter().map(|found| found.clone().resolved()).collect()),
    ];
    let mut printed = String::new();
    let mut told = 0;
    for (day, statements) in week {
        if day.starts_with("Friday") {
            // Mapped in the morning: what was held goes on by itself.
            acme.customer("Harbour Legal", "harbor").await;
            app.drain().await;
        }
        for statement in statements {
            acme.posts(&statement).await.is_accepted();
            app.drain().await;
            app.clock.advance_secs(1);
        }
        let _ = writeln!(printed, "\n{day}");
        let events = acme.history(&app).await;
        for event in &events[told..] {
            let _ = writeln!(printed, "  {}: {}", text(event, "/title"), text(event, "/outcome"));
            for step in event["steps"].as_array().expect("steps") {
                let stage = text(step, "/step").to_lowercase();
                let _ = writeln!(printed, "    {stage:<9} {}", text(step, "/result"));
            }
        }
        told = events.len();
        // Every hour of the rest of the day has its turn.
        for _ in 0..24 {
            app.clock.advance_secs(DAY / 24);
            app.drain().await;
        }
    }
    let events = acme.history(&app).await;
    let outcomes: Vec<String> = events
        .iter()
        .map(|event| {
            let parts = ["/title", "/outcome", "/reason"].map(|part| text(event, part));
            parts.join(" · ")
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            "CVE-1 on web-1 · OPENED · new_ticket",
            // Opened with Monday's digest.
            "CVE-2 on web-1 · OPENED · new_ticket",
            "CVE-3 on laptop-7 · IGNORED · no_policy",
            "CVE-1 on web-1 · NOTED · seen_again",
            "CVE-2 on web-1 · DUPLICATE · waits_already",
            "CVE-3 on laptop-7 · IGNORED · no_policy",
            "Ada Lovelace was locked out · OPENED · new_ticket",
            "Ada Lovelace was locked out · CLOSED · resolved",
            "CVE-1 on web-1 · CLOSED · resolved",
            "CVE-1 on web-1 · REOPENED · came_back",
            // Held on Thursday, released by its alias on Friday.
            "CVE-9 on nas · OPENED · new_ticket",
            "CVE-1 on web-1 · CLOSED · resolved",
            "CVE-2 on web-1 · CLOSED · resolved",
            "CVE-3 on laptop-7 · IGNORED · no_open_ticket",
        ],
        "{printed}"
    );
    let tickets: Vec<_> =
        app.halo.ledger().into_iter().map(|ticket| (ticket.summary, ticket.closed)).collect();
    assert_eq!(tickets.len(), 4, "{tickets:?}");

    let query =
        "query($of: PolicyPreviewOfInput!, $since: DateTime!) { policyPreview(of: $of, since: $since) {
        eventCount holdsSince tickets { company { name } title severity eventCount }
        skips { event { title } reason explanation } } }";
    let input = json!({ "organizationId": acme.organization, "name": "High and worse, by asset", "place": 1,
        "minimumSeverity": "HIGH", "handling": { "grouping": "ASSET" } });
    let of = json!({ "of": { "input": input }, "since": "2026-11-21T00:00:00Z" });
    let preview = app.graphql(query, of).await["policyPreview"].clone();
    let _ = writeln!(
        printed,
        "\nThe same week with \"High and worse, by asset\" in front ({} events since {})",
        preview["eventCount"],
        text(&preview, "/holdsSince")
    );
    for ticket in preview["tickets"].as_array().expect("tickets") {
        let (company, title) = (text(ticket, "/company/name"), text(ticket, "/title"));
        let _ = writeln!(printed, "  ticket for {company}: {title} ({} events)", ticket["eventCount"]);
    }
    for skip in preview["skips"].as_array().expect("skips") {
        let (title, why) = (text(skip, "/event/title"), text(skip, "/explanation"));
        let _ = writeln!(printed, "  none for \"{title}\": {why}");
    }
    println!("{printed}");
    let titles: Vec<_> =
        preview["tickets"].as_array().expect("tickets").iter().map(|ticket| text(ticket, "/title")).collect();
    assert_eq!(titles, ["[critical] Findings on nas", "[critical] Findings on web-1"], "{printed}");
    assert_eq!(preview["tickets"][1]["eventCount"], 3, "{printed}");
}
