//! What is due because of the time alone: findings that have waited, notes that were gathered, tickets to close.

use super::Workers;
use crate::{
    decisions::{closing, waiting},
    error::Error,
    sync::imports::applying,
    tickets::listing,
};

/// How many tickets are looked at in one go.
const BATCH: u64 = 32;
/// How many parts of an import are applied in one go.
const CHUNKS: usize = 10;

impl Workers {
    /// Does some of what is due. False where nothing was.
    pub(super) async fn keep_time(&self) -> Result<bool, Error> {
        let ground = &self.0.ground;
        let (db, now) = (ground.db.reader(), ground.clock.now());
        let mut is_busy = false;
        let last = *self.0.turn.lock().await;
        if let Some(organization_id) = waiting::whose_turn(db, last, now).await? {
            *self.0.turn.lock().await = organization_id;
            is_busy |= waiting::release(ground, organization_id).await? > 0;
        }
        for (organization_id, ticket_id) in listing::due(db, now, BATCH).await? {
            listing::tell(ground, organization_id, ticket_id).await?;
            is_busy = true;
        }
        for (organization_id, ticket_id) in closing::due(db, now, BATCH).await? {
            closing::close(ground, organization_id, ticket_id).await?;
            is_busy = true;
        }
        // Some at a time: what else is due has its turn in between.
        if let Some(import) = applying::due(db).await? {
            for _ in 0..CHUNKS {
                is_busy = true;
                if !applying::apply_some(ground, &import).await? {
                    break;
                }
            }
        }
        is_busy |= self.plan_billing().await?;
        if is_busy {
            ground.wake.outbox();
        }
        Ok(is_busy)
    }
}
