//! Handing secrets over from one organization to another.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction};
use uuid::Uuid;

use super::{Place, SealedColumn, Vault};
use crate::error::Error;

/// What the rows of an organization that is merged into another take along. Answers under idempotency keys stay behind
/// with who asked.
const HANDED_OVER: &[SealedColumn] =
    &[SealedColumn::Credentials, SealedColumn::WebhookSecret, SealedColumn::SubscriberSecret];

impl Vault {
    /// Seals the secrets of an organization's rows for the same rows as another organization's, in the transaction that
    /// makes the rows its own: until then nobody can open them, and after it only the new owner. Says how many they were.
    pub async fn hand_over(&self, tx: &DatabaseTransaction, from: Uuid, to: Uuid) -> Result<u64, Error> {
        let mut count = 0;
        for &column in HANDED_OVER {
            for row in tx.query_all(&column.of(from)).await? {
                let (row_id, value): (Uuid, Vec<u8>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                let old = Place { column, organization_id: from, row_id };
                let secret = self.open_secret(tx, old, &value).await?;
                let sealed = self.seal(tx, Place { organization_id: to, ..old }, &secret).await?;
                if !old.replace(tx, value, sealed).await? {
                    // A rotation of keys went by in this very moment.
                    let words = format!("a secret in {} changed meanwhile; merge again", column.table());
                    return Err(Error::Internal(anyhow::anyhow!(words)));
                }
                count += 1;
            }
        }
        Ok(count)
    }
}
