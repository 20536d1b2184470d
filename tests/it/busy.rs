//! A customer with more tickets than can be looked through: one among them whose creation was not answered, and all of
//! them changed at once.

use psa_gateway::{
    clock::Chance,
    sandbox::{
        frame::{Deed, Fault, FaultKind, Ground, Sandbox as _},
        halo::{HaloOptions, HaloSandbox},
    },
};
use serde_json::json;

use crate::support::{TestApp, finding, is_secret, text};

/// With one ticket a page, the pages that are looked through are fewer.
const TOO_MANY: usize = 21;

/// A HaloPSA that shows one of everything a page, and has no limit of its own.
async fn one_a_page(app: &TestApp) -> HaloSandbox {
    let ground = Ground { clock: app.clock.clone(), chance: Chance::system() };
    let options = HaloOptions { page_cap: 1, rate_limit: 1_000_000, ..HaloOptions::default() };
    let psa = HaloSandbox::start(ground, "127.0.0.1:0", options).await.expect("a sandbox");
    for (key, value) in psa.credentials() {
        if key == "client_secret" {
            is_secret(&value);
        }
    }
    psa
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_was_not_answered_is_told_of_by_the_psas_own_search_once_that_is_proven() {
    let app = TestApp::start().await;
    let psa = one_a_page(&app).await;
    let msp = app.msp_with(&psa, "msp").await.ready().await;
    for number in 0..TOO_MANY {
        msp.posts(&finding(&format!("problem-{number}"))).await.is_accepted();
    }
    app.pass(3_600).await;
    assert_eq!(psa.ledger().len(), TOO_MANY);

    psa.fault(Fault::once(psa.calls().create, FaultKind::DropBeforeCommit));
    msp.posts(&finding("in-doubt").at(60)).await.is_accepted();
    app.pass(1_800).await;
    let tickets = msp.tickets().await;
    let waits: Vec<_> = tickets.iter().filter(|ticket| ticket["state"] == "UNKNOWN").collect();
    assert_eq!(waits.len(), 1, "{tickets:#?}");
    let why = text(waits[0], "/reason/message");
    assert!(why.contains("cannot be told") && why.contains("too many"), "{why}");
    assert!(why.contains("another ticket of its profile"), "and what would tell: {why}");
    assert_eq!(psa.ledger().len(), TOO_MANY, "not asked again in doubt");

    // The same once more, and this time the PSA has made it.
    psa.fault(Fault::once(psa.calls().create, FaultKind::DropAfterCommit));
    msp.posts(&finding("made").at(90)).await.is_accepted();
    msp.posts(&finding("later").at(91)).await.is_accepted();
    app.pass(900).await;
    let (tickets, made) = (msp.tickets().await, psa.ledger().len());
    assert!(made >= TOO_MANY + 2, "who waits keeps nobody else waiting: {tickets:#?}");

    app.pass(3_600).await;
    let (tickets, ledger) = (msp.tickets().await, psa.ledger());
    assert!(tickets.iter().all(|ticket| ticket["state"] == "OPEN"), "{tickets:#?}");
    let mut ids: Vec<_> = ledger.iter().map(|ticket| json!(ticket.id.to_string())).collect();
    let mut ours: Vec<_> = tickets.iter().map(|ticket| ticket["externalId"].clone()).collect();
    ids.sort_by_key(ToString::to_string);
    ours.sort_by_key(ToString::to_string);
    assert_eq!((ids.len(), &ids), (TOO_MANY + 3, &ours), "each problem once");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_tickets_may_change_in_one_second_than_are_read_in_one_go() {
    let app = TestApp::start_with(&[("psa_calls", "halo=1000000")]).await;
    let psa = one_a_page(&app).await;
    let msp = app.msp_with(&psa, "msp").await.ready().await;
    for number in 0..TOO_MANY {
        msp.posts(&finding(&format!("problem-{number}"))).await.is_accepted();
    }
    app.pass(3_600).await;
    // Somebody marks them all in a list and closes them.
    let (who, close) = (psa.people().remove(0), Deed::Close { text: String::new() });
    for ticket in psa.ledger() {
        psa.deed(&ticket.id.to_string(), &who, &close).expect("a deed");
    }
    app.pass(900).await;
    let tickets = msp.tickets().await;
    assert_eq!(tickets.len(), TOO_MANY);
    assert!(tickets.iter().all(|ticket| ticket["state"] == "CLOSED"), "{tickets:#?}");

    let before = psa.requests().len();
    app.pass(600).await;
    let asked = psa.requests().len() - before;
    assert!((1..=20).contains(&asked), "and then it is quiet, but there were {asked} calls");
}
