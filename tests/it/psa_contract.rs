//! The same stories on every platform there is. A new platform is told them without a change here: they are told on
//! whatever `sandbox::kinds()` lists.
//!
//! `cargo test --test it psa_contract -- --nocapture | grep contract:` prints which platform went through what.

mod faults;
mod following;
mod restoring;
mod setting_up;
mod tickets;

use futures_util::FutureExt as _;
use psa_gateway::{
    clock::Chance,
    psa,
    sandbox::{
        self,
        frame::{Ground, Kind, LedgerTicket, Sandbox},
    },
};

use crate::support::TestApp;

/// Tells a story on every platform: each with a gateway, a database and an instance of the PSA of its own.
pub async fn on_every_platform(story: &str, tell: impl AsyncFn(&TestApp, &dyn Sandbox)) {
    on_every_platform_with(&[], story, tell).await;
}

/// The same with settings of its own.
async fn on_every_platform_with(
    settings: &[(&str, &str)],
    story: &str,
    tell: impl AsyncFn(&TestApp, &dyn Sandbox),
) {
    let mut failed = Vec::new();
    for kind in sandbox::kinds() {
        let told = std::panic::AssertUnwindSafe(tell_on(kind, settings, &tell)).catch_unwind().await;
        let became = if told.is_ok() { "told" } else { "FAILED" };
        println!("contract: {:<12} {story}: {became}", kind.key);
        if told.is_err() {
            failed.push(kind.key);
        }
    }
    assert!(failed.is_empty(), "\"{story}\" failed on {}; see above", failed.join(", "));
}

async fn tell_on(kind: &Kind, settings: &[(&str, &str)], tell: &impl AsyncFn(&TestApp, &dyn Sandbox)) {
    let app = TestApp::start_with(settings).await;
    let ground = Ground { clock: app.clock.clone(), chance: Chance::system() };
    let psa = (kind.start)(ground, "127.0.0.1:0".to_owned()).await.expect("a sandbox");
    for (key, value) in psa.credentials() {
        let platform = psa::platform(kind.key).expect("a platform");
        let field = platform.credential_fields().iter().find(|field| field.key == key);
        if field.expect("a field of the form").is_secret {
            crate::support::is_secret(&value);
        }
    }
    tell(&app, &*psa).await;
}

/// The tickets that are there.
fn open(psa: &dyn Sandbox) -> Vec<LedgerTicket> {
    psa.ledger().into_iter().filter(|ticket| !ticket.closed && !ticket.deleted).collect()
}

#[test]
fn every_platform_has_a_sandbox_and_every_sandbox_a_platform() {
    let mut sandboxes: Vec<_> = sandbox::kinds().iter().map(|kind| kind.key).collect();
    let mut platforms: Vec<_> = psa::platforms().iter().map(|platform| platform.key()).collect();
    sandboxes.sort_unstable();
    platforms.sort_unstable();
    assert_eq!(sandboxes, platforms);
}
