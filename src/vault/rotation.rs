//! Rotating keys, while gateways run.
//!
//! *Master keys*: every data key that another master key wraps is wrapped by the current one
//! ([`rewrap`]). Secrets are not touched. *Data keys*: every organization gets a new one, its secrets are
//! sealed anew under it, and the old one is removed once nothing is sealed under it ([`renew`]).
//!
//! Both go in short transactions of their own and change a row only where it still is as it was read, so
//! that they can be killed and repeated, and several can run at the same time.
#![expect(clippy::disallowed_methods, reason = "keys of all organizations rotate together")]

mod renewal;
mod usage;

use entity::data_key;
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, sea_query::Expr,
};
use uuid::Uuid;

use super::{Vault, VaultError, data_keys};
use crate::{db::Db, error::Error};

pub use renewal::{Renewed, renew};
pub use usage::{DataKeys, MasterKeyUse, broken, usage};

/// How many rows one transaction takes.
const BATCH: u64 = 100;

/// How far a rotation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How much is done.
    pub done: u64,
    /// Of how much.
    pub total: u64,
}

/// Wraps every data key under the current master key. Says how many were wrapped by another one.
pub async fn rewrap(db: &Db, vault: &Vault, tell: &mut (dyn FnMut(Progress) + Send)) -> Result<u64, Error> {
    use data_key::Column as C;
    let current = vault.masters().current().id().to_owned();
    let total =
        data_key::Entity::find().filter(C::MasterKeyId.ne(current.as_str())).count(db.reader()).await?;
    let (mut done, mut after) = (0, None::<Uuid>);
    loop {
        let mut due = data_key::Entity::find()
            .filter(C::MasterKeyId.ne(current.as_str()))
            .order_by_asc(C::Id)
            .limit(BATCH);
        if let Some(after) = after {
            due = due.filter(C::Id.gt(after));
        }
        let rows = due.all(db.reader()).await?;
        let Some(last) = rows.last() else { return Ok(done) };
        after = Some(last.id);
        let vault = vault.clone();
        done += db
            .write(move |tx| {
                Box::pin(async move {
                    let mut changed = 0;
                    for row in rows {
                        changed += rewrap_one(tx, &vault, row).await?;
                    }
                    Ok::<_, Error>(changed)
                })
            })
            .await?;
        tell(Progress { done, total: total.max(done) });
    }
}

async fn rewrap_one(
    tx: &DatabaseTransaction,
    vault: &Vault,
    row: data_key::Model,
) -> Result<u64, VaultError> {
    use data_key::Column as C;
    let (masters, chance) = (&vault.0.masters, &vault.0.chance);
    let key = data_keys::unwrap(masters, &row)?;
    let wrapped = data_keys::wrap(masters.current(), row.id, row.organization_id, &key, chance);
    let result = data_key::Entity::update_many()
        .col_expr(C::Wrapped, Expr::value(wrapped))
        .col_expr(C::MasterKeyId, Expr::value(masters.current().id()))
        .filter(C::Id.eq(row.id))
        .filter(C::Wrapped.eq(row.wrapped))
        .exec(tx)
        .await?;
    Ok(result.rows_affected)
}

#[cfg(test)]
mod tests;
