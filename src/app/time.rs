//! One time for all nodes: that of the database they share. Leases, windows and signatures are then judged alike by
//! every node, however wrong the clock of its machine is.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{clock::Clock, config::Config, ground::Ground};

/// How often the database is asked what time it is.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// By how much a clock has to be wrong for somebody to look at it, in microseconds.
const WORTH_A_WORD: i64 = 1_000_000;

/// The clock to work with: an embedded database has no other than the machine's.
pub(super) fn of(config: &Config, clock: &Clock) -> Clock {
    if config.database_url().starts_with("sqlite:") { clock.clone() } else { clock.agreeable() }
}

/// Agrees with the database on what time it is. Where it does not say, the time goes on as it was.
pub(super) async fn agree(ground: &Ground) {
    match ground.db.now().await {
        Ok(Some((theirs, took))) => {
            if let Some(set) = ground.clock.agree(theirs, took)
                && set.abs() > WORTH_A_WORD
            {
                tracing::warn!(
                    seconds = set / 1_000_000,
                    "this machine's clock and the database's lie apart, and the database's counts; let a time service (chrony, ntpd) set both"
                );
            }
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(error = %error, "the database was not asked what time it is"),
    }
}

/// Agrees again and again, until told to stop.
pub(super) async fn follow(ground: Ground, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(ASK_EVERY) => agree(&ground).await,
            () = stop.cancelled() => return,
        }
    }
}
