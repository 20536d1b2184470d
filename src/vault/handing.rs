//! Handing secrets over from one organization to another.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, sea_query::Condition};
use uuid::Uuid;

use super::{Place, SealedColumn, Vault};
use crate::error::Error;

/// What rows that become another organization's take along. Answers under idempotency keys stay behind
/// with who asked.
const HANDED_OVER: &[SealedColumn] =
    &[SealedColumn::Credentials, SealedColumn::WebhookSecret, SealedColumn::SubscriberSecret];

impl Vault {
    /// Seals the secrets of some of an organization's rows for the same rows as another organization's, in the transaction
    /// that makes the rows its own: until then nobody can open them, and after it only the new owner. `rows` says which of a
    /// table. Says how many they were.
    pub async fn hand_over(
        &self,
        tx: &DatabaseTransaction,
        (from, to): (Uuid, Uuid),
        rows: impl Fn(&'static str) -> Condition,
    ) -> Result<u64, Error> {
        let mut count = 0;
        for &column in HANDED_OVER {
            let mut values = column.of(from);
            values.cond_where(rows(column.table()));
            for row in tx.query_all(&values).await? {
                let (row_id, value): (Uuid, Vec<u8>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                let old = Place { column, organization_id: from, row_id };
                let secret = self.open_secret(tx, old, &value).await?;
                let sealed = self.seal(tx, Place { organization_id: to, ..old }, &secret).await?;
                if !old.replace(tx, value, sealed).await? {
                    // A rotation of keys went by in this very moment.
                    let words = format!("a secret in {} changed meanwhile; ask for it again", column.table());
                    return Err(Error::Internal(anyhow::anyhow!(words)));
                }
                count += 1;
            }
        }
        Ok(count)
    }
}
