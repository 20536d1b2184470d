//! What goes wrong between the gateway and a PSA: one ticket in the end, whatever it was.

use psa_gateway::sandbox::frame::{Fault, FaultKind, Sandbox};
use serde_json::json;

use super::{on_every_platform, on_every_platform_with, open};
use crate::support::{TestApp, finding};

/// One fault at the creation of a ticket; some time later there is one ticket all the same.
async fn one_ticket_after(app: &TestApp, psa: &dyn Sandbox, fault: FaultKind) {
    let msp = app.msp_with(psa, "msp").await.ready().await;
    psa.fault(Fault::once(psa.calls().create, fault));
    msp.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.pass(1_800).await;
    let ledger = psa.ledger();
    assert_eq!(ledger.len(), 1, "{:#}", json!(msp.tickets().await));
    let tickets = msp.tickets().await;
    assert_eq!(tickets[0]["state"], "OPEN", "{tickets:#?}");
    assert_eq!(tickets[0]["externalId"], ledger[0].id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_for_by_its_mark() {
    on_every_platform("unknown outcome, found by marker", async |app, psa| {
        one_ticket_after(app, psa, FaultKind::DropAfterCommit).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_arrived_is_made_again() {
    on_every_platform("cut before it was done", async |app, psa| {
        one_ticket_after(app, psa, FaultKind::DropBeforeCommit).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_the_work_was_done_doubles_nothing() {
    on_every_platform("error after the work", async |app, psa| {
        one_ticket_after(app, psa, FaultKind::ErrorAfterCommit { status: 502 }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_for_people_is_no_answer() {
    on_every_platform("HTML error page", async |app, psa| {
        one_ticket_after(app, psa, FaultKind::Html { status: 503 }).await;
    })
    .await;
    on_every_platform("HTML page in a 200", async |app, psa| {
        one_ticket_after(app, psa, FaultKind::Html { status: 200 }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_a_200_is_an_error() {
    on_every_platform("hidden error in 200", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        psa.fault(Fault::once(psa.calls().create, FaultKind::HiddenError));
        msp.posts(&finding("CVE-2024-3094")).await.is_accepted();
        app.pass(1_800).await;
        // What reads like a refusal is shown as one, and can be tried again; anything else is found out.
        if msp.tickets().await[0]["state"] == "FAILED" {
            assert_eq!(psa.ledger().len(), 0);
            msp.retry_failed_operation().await;
            app.pass(1_800).await;
        }
        assert_eq!(psa.ledger().len(), 1, "{:#}", json!(msp.tickets().await));
        assert_eq!(msp.tickets().await[0]["state"], "OPEN");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_is_none() {
    on_every_platform("truncated", async |app, psa| {
        one_ticket_after(app, psa, FaultKind::TruncatedBody).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_hundred_megabytes_is_cut_short() {
    on_every_platform("100 MB answer", async |app, psa| {
        one_ticket_after(app, psa, FaultKind::HugeBody { bytes: 100 * 1024 * 1024 }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_too_late_is_looked_for() {
    let settings = [("psa_timeout_secs", "1")];
    on_every_platform_with(&settings, "slow", async |app, psa| {
        one_ticket_after(app, psa, FaultKind::DelayAnswer { ms: 1_500 }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_login_is_renewed_or_waits() {
    on_every_platform("login refused once", async |app, psa| {
        one_ticket_after(app, psa, FaultKind::ExpiredToken { status: 401 }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_waited_for() {
    on_every_platform("rate limited", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        psa.fault(Fault::once(psa.calls().create, FaultKind::RateLimited { retry_after: Some(120) }));
        msp.posts(&finding("CVE-2024-3094")).await.is_accepted();
        app.drain().await;
        let calls = psa.requests().len();
        assert_eq!(psa.ledger().len(), 0);
        app.clock.advance_secs(20);
        app.drain().await;
        assert_eq!(psa.requests().len(), calls, "nothing is asked while the PSA wants to be left alone");
        app.pass(1_200).await;
        assert_eq!(psa.ledger().len(), 1, "{:#}", json!(msp.tickets().await));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_queues_and_drains() {
    on_every_platform("down", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        psa.down(true);
        for number in 0..5 {
            msp.posts(&finding(&format!("finding {number}"))).await.is_accepted();
        }
        app.pass(7_200).await;
        assert_eq!(psa.ledger().len(), 0);
        psa.down(false);
        app.pass(1_800).await;
        assert_eq!(open(psa).len(), 5, "{:#}", json!(msp.tickets().await));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_whose_answer_is_lost_is_written_once() {
    on_every_platform("note of unknown fate", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        msp.posts(&finding("CVE-2024-3094")).await.is_accepted();
        app.pass(90_000).await;
        psa.fault(Fault::once(psa.calls().note, FaultKind::DropAfterCommit));
        msp.posts(&finding("CVE-2024-3094").at(1_490)).await.is_accepted();
        app.pass(1_800).await;
        let ticket = &psa.ledger()[0];
        let everything: Vec<&str> =
            ticket.notes.iter().map(|note| note.text.as_str()).chain([ticket.body.as_str()]).collect();
        let times: usize = everything.iter().map(|text| text.matches("reports it again").count()).sum();
        assert_eq!(times, 1, "{ticket:#?}");
    })
    .await;
}
