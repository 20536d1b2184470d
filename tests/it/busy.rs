//! A customer with more tickets than can be looked through, and one among them whose creation was not answered.

use psa_gateway::{
    clock::Chance,
    psa,
    sandbox::{
        frame::{Fault, FaultKind, Ground, Sandbox},
        halo::{HaloOptions, HaloSandbox},
        nable::{NableOptions, NableSandbox},
        syncro::{SyncroOptions, SyncroSandbox},
    },
};
use serde_json::json;

use crate::support::{TestApp, finding, is_secret, text};

const HERE: &str = "127.0.0.1:0";

/// PSAs whose tickets are looked through where their filter is not believed, each with so few tickets a page that this
/// many are too many. ConnectWise's are 20,000 however it is set up.
async fn with_small_pages(app: &TestApp) -> Vec<(Box<dyn Sandbox>, usize)> {
    let ground = || Ground { clock: app.clock.clone(), chance: Chance::system() };
    let halo = HaloOptions { page_cap: 1, rate_limit: 50_000, ..HaloOptions::default() };
    let halo = HaloSandbox::start(ground(), HERE, halo).await.expect("a sandbox");
    let syncro =
        SyncroOptions { tickets_per_page: 1, requests_per_minute: 50_000, ..SyncroOptions::default() };
    let syncro = SyncroSandbox::start(ground(), HERE, syncro).await.expect("a sandbox");
    let nable = NableOptions { page_size: Some(1), ..NableOptions::default() };
    let nable = NableSandbox::start(ground(), HERE, nable).await.expect("a sandbox");
    vec![(Box::new(halo), 21), (Box::new(syncro), 41), (Box::new(nable), 21)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_was_not_answered_is_told_of_by_the_psas_own_search_once_that_is_proven() {
    let app = TestApp::start().await;
    for (psa, too_many) in with_small_pages(&app).await {
        let platform = psa::platform(psa.key()).expect("a platform");
        for (key, value) in psa.credentials() {
            let field = platform.credential_fields().iter().find(|field| field.key == key);
            if field.expect("a field of the form").is_secret {
                is_secret(&value);
            }
        }
        let msp = app.msp_with(&*psa, psa.key()).await.ready().await;
        for number in 0..too_many {
            msp.posts(&finding(&format!("problem-{number}"))).await.is_accepted();
        }
        app.pass(3_600).await;
        assert_eq!(psa.ledger().len(), too_many, "{}", psa.key());

        psa.fault(Fault::once(psa.calls().create, FaultKind::DropBeforeCommit));
        msp.posts(&finding("in-doubt").at(60)).await.is_accepted();
        app.pass(1_800).await;
        let tickets = msp.tickets().await;
        let waits: Vec<_> = tickets.iter().filter(|ticket| ticket["state"] == "UNKNOWN").collect();
        assert_eq!(waits.len(), 1, "{}: {tickets:#?}", psa.key());
        let why = text(waits[0], "/reason/message");
        assert!(why.contains("cannot be told") && why.contains("too many"), "{}: {why}", psa.key());
        assert!(why.contains("another ticket of its profile"), "and what would tell: {why}");
        assert_eq!(psa.ledger().len(), too_many, "{}: not asked again in doubt", psa.key());

        // The same once more, and this time the PSA has made it.
        psa.fault(Fault::once(psa.calls().create, FaultKind::DropAfterCommit));
        msp.posts(&finding("made").at(90)).await.is_accepted();
        msp.posts(&finding("later").at(91)).await.is_accepted();
        app.pass(600).await;
        let tickets = msp.tickets().await;
        let made = psa.ledger().len();
        assert_eq!(made, too_many + 2, "{}: who waits keeps nobody waiting: {tickets:#?}", psa.key());

        app.pass(3_600).await;
        let (tickets, ledger) = (msp.tickets().await, psa.ledger());
        assert!(tickets.iter().all(|ticket| ticket["state"] == "OPEN"), "{}: {tickets:#?}", psa.key());
        let mut ids: Vec<_> = ledger.iter().map(|ticket| json!(ticket.id.to_string())).collect();
        let mut ours: Vec<_> = tickets.iter().map(|ticket| ticket["externalId"].clone()).collect();
        ids.sort_by_key(ToString::to_string);
        ours.sort_by_key(ToString::to_string);
        assert_eq!((ids.len(), &ids), (too_many + 3, &ours), "{}: each problem once", psa.key());
    }
}
