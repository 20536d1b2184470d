//! The gateway's database is put back as it was an hour ago; the PSA goes on as it is.

use std::collections::BTreeMap;

use entity::policy;
use psa_gateway::{app::backup, sandbox::frame::LedgerTicket};
use sea_orm::{EntityTrait as _, sea_query::Expr};

use super::{on_every_platform, open};
use crate::support::{Finding, Place, TestApp, config, drain, finding};

/// Tickets by what they are about: which of the story's findings, and how many.
fn by_finding(tickets: &[LedgerTicket]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for ticket in tickets {
        let about = ticket.summary.split_whitespace().find(|word| word.starts_with("CVE-")).unwrap_or("?");
        *counts.entry(about.to_owned()).or_default() += 1;
    }
    counts
}

/// A new machine, with what the last copy and the copy of the master key give.
async fn put_back(app: &TestApp, copy: &std::path::Path) -> Place {
    let place = Place::embedded();
    std::fs::copy(app.place.dir().join("master.key"), place.dir().join("master.key")).unwrap();
    let done = backup::restore(&config(&place, &[]), &app.seams(), copy).await.unwrap();
    assert_eq!(done.kept, None);
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_old_back_up_that_is_restored_doubles_no_ticket() {
    on_every_platform("a back-up is put back", async |app, psa| {
        if !app.place.is_embedded() {
            return; // PostgreSQL has tools of its own
        }
        let acme = app.msp_with(psa, "acme").await.ready().await;
        let no_window = Expr::value(0_i64);
        let db = app.app.ground.db.reader();
        policy::Entity::update_many()
            .col_expr(policy::Column::ReopenWindowSecs, no_window)
            .exec(db)
            .await
            .unwrap();
        // What the back-up knows: a ticket that is there, and one that waits because the PSA is away.
        acme.posts(&finding("CVE-1")).await.is_accepted();
        app.drain().await;
        psa.down(true);
        acme.posts(&finding("CVE-2")).await.is_accepted();
        app.drain().await;
        let copy = app.place.dir().join("copy.db");
        backup::back_up(&config(&app.place, &[]), &copy).await.unwrap();

        // What it does not know: what waited gets its ticket, others are new, and one of those is closed and
        // followed by another.
        psa.down(false);
        app.pass(1_800).await;
        acme.posts(&finding("CVE-3")).await.is_accepted();
        acme.posts(&finding("CVE-4")).await.is_accepted();
        app.drain().await;
        acme.posts(&finding("CVE-4").resolved().at(30)).await.is_accepted();
        app.pass(1_200).await;
        acme.posts(&finding("CVE-4").at(50)).await.is_accepted();
        app.pass(900).await;
        let before = by_finding(&psa.ledger());
        let expected = [("CVE-1", 1), ("CVE-2", 1), ("CVE-3", 1), ("CVE-4", 2)];
        assert_eq!(before, expected.map(|(key, count)| (key.to_owned(), count)).into());
        assert_eq!(open(psa).len(), 4);

        let place = put_back(app, &copy).await;
        let restored = app.on_other_data(&place).await;
        let url = acme.webhook_url().replace(&app.app.address().to_string(), &restored.address().to_string());
        let says = async |event: Finding| acme.posts_to(&url, &event).await.is_accepted();
        // Scanners say again what is so.
        for key in ["CVE-1", "CVE-2", "CVE-3"] {
            says(finding(key)).await;
        }
        says(finding("CVE-4").at(50)).await;
        for _ in 0..6 {
            drain(&restored).await;
            app.clock.advance_secs(300);
        }
        assert_eq!(by_finding(&psa.ledger()), before, "{:#?}", psa.ledger());
        assert_eq!(open(psa).len(), 4);

        // It knows them again: what is over closes them, and what is new has a ticket of its own.
        for key in ["CVE-2", "CVE-3", "CVE-4"] {
            says(finding(key).resolved().at(90)).await;
        }
        says(finding("CVE-5").at(90)).await;
        for _ in 0..6 {
            drain(&restored).await;
            app.clock.advance_secs(300);
        }
        let left = by_finding(&open(psa));
        assert_eq!(left, [("CVE-1".to_owned(), 1), ("CVE-5".to_owned(), 1)].into());
        assert_eq!(psa.ledger().len(), 6);
        restored.stop().await;
    })
    .await;
}
