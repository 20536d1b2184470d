//! A ticket's life: opened, noted, closed, opened again; and what people set aside.

use psa_gateway::{
    psa,
    sandbox::frame::{Fault, FaultKind, Right, Sandbox},
};
use serde_json::json;

use super::{on_every_platform, open};
use crate::support::{TestApp, finding, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_opened_noted_closed_and_opened_again() {
    on_every_platform("create, note, close, reopen", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        msp.posts(&finding("CVE-2024-3094")).await.is_accepted();
        app.drain().await;

        let ledger = psa.ledger();
        assert_eq!(ledger.len(), 1, "{:#}", json!(msp.tickets().await));
        assert_eq!(ledger[0].company, "Northwind Dental");
        assert!(ledger[0].summary.contains("CVE-2024-3094 on web-1"), "{ledger:#?}");
        assert!(ledger[0].marker.is_some(), "it carries our mark: {ledger:#?}");
        assert!(ledger[0].body.contains("Northwind Dental"), "{ledger:#?}");
        let ticket = &msp.tickets().await[0];
        assert_eq!(ticket["state"], "OPEN", "{ticket:#}");
        assert_eq!(ticket["externalId"], ledger[0].id.to_string());

        // Seen again after the note interval.
        app.pass(90_000).await;
        msp.posts(&finding("CVE-2024-3094").at(1_490)).await.is_accepted();
        app.drain().await;
        assert_eq!(psa.ledger().len(), 1);
        let platform = psa::platform(psa.key()).unwrap();
        if platform.capabilities().private_notes {
            let notes = &psa.ledger()[0].notes;
            assert!(notes.iter().any(|note| note.text.contains("reports it again")), "{notes:#?}");
            let ours = notes.iter().filter(|note| note.text.contains("reports it"));
            assert!(ours.clone().all(|note| note.private), "customers see none of our notes: {notes:#?}");
        }

        msp.posts(&finding("CVE-2024-3094").resolved().at(1_500)).await.is_accepted();
        app.pass(600).await;
        assert!(psa.ledger()[0].closed, "{:#}", json!(msp.tickets().await));
        assert_eq!(msp.tickets().await[0]["state"], "CLOSED");
        assert_eq!(msp.tickets().await[0]["closedBy"], "PSA Gateway");

        msp.posts(&finding("CVE-2024-3094").at(1_520)).await.is_accepted();
        app.pass(600).await;
        if platform.capabilities().reopen {
            assert_eq!(psa.ledger().len(), 1, "opened again, not anew");
            assert!(!psa.ledger()[0].closed);
        } else {
            assert_eq!(open(psa).len(), 1, "followed by another");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_words_stay_words_and_long_ones_lose_nothing() {
    on_every_platform("hostile and long texts", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        let title = format!(
            "\"' or 1=1 -- [x] {{{{ 7919*7907 }}}} <script>alert(1)</script> %22 \\ * ? é 漢字 🚨 {}",
            "long ".repeat(120)
        );
        let mut event = finding("hostile").json();
        event["title"] = json!(title);
        event["body_md"] =
            json!(format!("first line\n<b>not bold</b>\n{}\nlast line", "more text\n".repeat(200)));
        msp.posts_raw(event.to_string().as_bytes()).await.is_accepted();
        app.drain().await;
        let ledger = psa.ledger();
        assert_eq!(ledger.len(), 1, "{:#}", json!(msp.tickets().await));
        let body = &ledger[0].body;
        let shown = ["<script>alert(1)", "&lt;script&gt;alert(1)", "< script>alert(1)"];
        assert!(shown.iter().any(|form| body.contains(form)), "it is a text, in one form or another: {body}");
        assert!(body.contains("漢字") && body.contains("🚨"), "{body}");
        let whole = format!("{}\n{body}", ledger[0].summary);
        assert!(whole.contains(&"long ".repeat(119)), "the whole title is somewhere: {whole}");
        // A product this long is in no mark and no time by chance.
        assert!(!whole.contains("62615533"), "nothing was rendered: {whole}");
        let everything: String =
            ledger[0].notes.iter().map(|note| note.text.as_str()).chain([body.as_str()]).collect();
        assert!(everything.contains("last line"), "nothing of the body is lost");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_close_is_a_note_and_a_reason_and_keeps_nobody_else_waiting() {
    on_every_platform("close refused", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        for key in ["one", "two"] {
            msp.posts(&finding(key)).await.is_accepted();
        }
        app.drain().await;
        assert_eq!(open(psa).len(), 2);
        let refusal = FaultKind::Refuse { message: "A resolution is required".to_owned() };
        psa.fault(Fault::once(psa.calls().status, refusal));
        // A platform that notes and closes by the same call refuses the note; the close comes next.
        if psa.calls().status == psa.calls().note {
            psa.fault(Fault {
                skip: 1,
                ..Fault::once(
                    psa.calls().status,
                    FaultKind::Refuse { message: "A resolution is required".to_owned() },
                )
            });
            psa.fault(Fault {
                skip: 2,
                ..Fault::once(
                    psa.calls().status,
                    FaultKind::Refuse { message: "A resolution is required".to_owned() },
                )
            });
        }
        msp.posts(&finding("one").resolved().at(5)).await.is_accepted();
        app.pass(300).await;
        let tickets = msp.tickets().await;
        let refused: Vec<_> =
            tickets.iter().filter(|ticket| ticket["reason"]["code"] == "close_refused").collect();
        assert_eq!(refused.len(), 1, "{tickets:#?}");
        assert!(text(refused[0], "/reason/message").contains("resolution"), "{refused:#?}");
        assert_eq!(refused[0]["state"], "OPEN", "it is open still, and says so");

        msp.posts(&finding("two").resolved().at(6)).await.is_accepted();
        app.pass(300).await;
        assert_eq!(open(psa).len(), 1, "the other is closed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_may_not_close_says_so_on_the_ticket() {
    on_every_platform("close not permitted", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        msp.posts(&finding("one")).await.is_accepted();
        app.drain().await;
        if !psa.deny(&[Right::CloseTickets]) {
            println!("contract: {:<12} has no permission of its own for closing", psa.key());
            return;
        }
        msp.posts(&finding("one").resolved().at(5)).await.is_accepted();
        app.pass(300).await;
        let ticket = &msp.tickets().await[0];
        assert_eq!((ticket["state"].as_str(), open(psa).len()), (Some("OPEN"), 1), "{ticket:#}");
        assert_eq!(ticket["reason"]["code"], "close_refused", "{ticket:#}");
        msp.posts(&finding("two").at(6)).await.is_accepted();
        app.pass(300).await;
        assert_eq!(open(psa).len(), 2, "others are opened all the same");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_off_keeps_its_work_and_a_cleared_one_keeps_only_its_history() {
    on_every_platform("disable, enable, clear", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        switch(app, msp.connection(), false).await;
        msp.posts(&finding("one")).await.is_accepted();
        app.pass(3_600).await;
        assert_eq!(psa.ledger().len(), 0, "nothing is sent to a connection that is off");
        switch(app, msp.connection(), true).await;
        app.drain().await;
        assert_eq!(psa.ledger().len(), 1, "and nothing is lost");

        let calls = psa.requests().len();
        let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
               clearPreview { companyMappings psaCompanies pickLists openTickets } } } }";
        let preview = app.graphql(query, json!({ "id": msp.connection() })).await;
        assert_eq!(preview["node"]["clearPreview"]["companyMappings"], 1);
        assert_eq!(preview["node"]["clearPreview"]["openTickets"], 1);
        let query = "mutation($input: PsaConnectionClearInput!) { psaConnectionClear(input: $input) {
               psaConnection { isEnabled hasCredentials } cleared { companyMappings psaCompanies }
               userErrors { field message } } }";
        let input = |name: &str| json!({ "input": { "id": msp.connection(), "confirmName": name } });
        let wrong = app.graphql_as(&app.token, query, input("something else")).await;
        assert_eq!(
            wrong["data"]["psaConnectionClear"]["userErrors"][0]["field"],
            json!(["input", "confirmName"])
        );
        let cleared = app.graphql(query, input("The PSA")).await;
        let cleared = &cleared["psaConnectionClear"];
        assert_eq!(cleared["psaConnection"], json!({ "isEnabled": false, "hasCredentials": false }));
        assert_eq!(cleared["cleared"]["companyMappings"], preview["node"]["clearPreview"]["companyMappings"]);
        msp.posts(&finding("two").at(70)).await.is_accepted();
        app.pass(3_600).await;
        assert_eq!(psa.requests().len(), calls, "the PSA is left alone");
        assert_eq!(msp.tickets().await.len(), 1, "the history stays");
    })
    .await;
}

async fn switch(app: &TestApp, connection: &str, is_enabled: bool) {
    let query = "mutation($input: PsaConnectionUpdateInput!) { psaConnectionUpdate(input: $input) {
           psaConnection { isEnabled } userErrors { message } } }";
    app.graphql(query, json!({ "input": { "id": connection, "isEnabled": is_enabled } })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_somebody_made_is_linked_and_noted_rather_than_doubled() {
    on_every_platform("link an existing ticket", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        // A ticket that is there already: made by another gateway for the same customer.
        let elsewhere = TestApp::start_at_the_time_of(app).await;
        let other = elsewhere.msp_with(psa, "other").await.ready().await;
        other.posts(&finding("by hand")).await.is_accepted();
        elsewhere.drain().await;
        let there = psa.ledger()[0].id.to_string();

        // Known and of too little importance for a ticket of its own.
        msp.posts(&finding("CVE-2024-3094").severity("info")).await.is_accepted();
        app.drain().await;
        assert_eq!(psa.ledger().len(), 1);
        let found = msp.findings().await;
        let link = async |finding: &str, external_id: &str| {
            let query = "mutation($input: TicketLinkInput!) { ticketLink(input: $input) {
                   ticket { id } userErrors { field message } } }";
            let input = json!({ "input": {
                "findingId": finding, "psaConnectionId": msp.connection(), "externalId": external_id,
            } });
            app.graphql_as(&app.token, query, input).await["data"]["ticketLink"].clone()
        };
        let linked = link(&text(&found[0], "/id"), &there).await;
        assert_eq!(linked["userErrors"], json!([]), "{linked:#}");
        app.drain().await;
        let tickets = msp.tickets().await;
        assert_eq!(tickets[0]["state"], "OPEN", "{tickets:#?}");
        assert_eq!(tickets[0]["externalId"], there);

        app.pass(90_000).await;
        msp.posts(&finding("CVE-2024-3094").at(1_490)).await.is_accepted();
        app.drain().await;
        assert_eq!(psa.ledger().len(), 1, "noted, not doubled: {:#?}", msp.tickets().await);
        let again = link(&text(&found[0], "/id"), &there).await;
        assert_eq!(again["userErrors"][0]["field"], json!(["input", "findingId"]), "{again:#}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_of_another_customer_or_none_is_not_linked() {
    on_every_platform("link a foreign ticket", async |app, psa: &dyn Sandbox| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        msp.customer("Harbour Legal", "harbor").await;
        msp.posts(&finding("theirs").of("harbor")).await.is_accepted();
        app.drain().await;
        let theirs = psa.ledger()[0].id.to_string();
        let elsewhere = TestApp::start_at_the_time_of(app).await;
        let other = elsewhere.msp_with(psa, "other").await.ready().await;
        other.posts(&finding("ours").severity("info")).await.is_accepted();
        elsewhere.drain().await;
        let finding_id = text(&other.findings().await[0], "/id");
        let query = "mutation($input: TicketLinkInput!) { ticketLink(input: $input) {
               ticket { id } userErrors { field message } } }";
        let input = json!({ "input": {
            "findingId": finding_id, "psaConnectionId": other.connection(), "externalId": theirs,
        } });
        elsewhere.graphql(query, input).await;
        elsewhere.drain().await;
        let ticket = &other.tickets().await[0];
        assert_eq!(ticket["state"], "FAILED", "{ticket:#}");
        assert_eq!(ticket["reason"]["code"], "wrong_company", "{ticket:#}");
        other.posts(&finding("ours").at(5)).await.is_accepted();
        elsewhere.drain().await;
        assert_eq!(psa.ledger().len(), 2, "what is reported next gets a ticket of its own");
        assert_eq!(psa.ledger()[1].company, "Northwind Dental");
    })
    .await;
}
