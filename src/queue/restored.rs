//! A database that was put back from a back-up knows nothing of what was done since: no ticket is made before it was
//! looked for.
//!
//! What waited in the back-up may have been carried out after it was taken, so it counts as of unknown fate
//! ([`mark`]). What is planned after the restoration may have had its ticket too: for some weeks every first creation
//! begins as one of unknown fate ([`in_force`]), and a ticket's mark is the same in both lives
//! (`tickets::marker`).
#![expect(clippy::disallowed_methods, reason = "a database is restored for all organizations together")]

use entity::{
    Timestamp, audit_entry, lane, restoration, ticket, ticket_operation,
    ticket_operation::{OperationKind, OperationState},
    webhook_delivery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Set, sea_query::Expr,
};

use crate::{error::Error, ground::Ground};

/// For how long after a restoration a ticket is looked for before it is made, in seconds: what scanners say once a
/// month is said again in that time.
pub const LOOKS_FOR_SECS: i64 = 35 * 86_400;

/// A restoration after which tickets are looked for before they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the database does not know was done after this …
    pub state_of: Timestamp,
    /// … and before this.
    pub at: Timestamp,
}

/// What a restoration has marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The last moment that the database knows of.
    pub state_of: Timestamp,
    /// How many operations may have been carried out since.
    pub operations: u64,
}

/// The restorations of the last weeks, taken together; none where there was none.
pub async fn in_force(db: &impl ConnectionTrait, now: Timestamp) -> Result<Option<Restored>, DbErr> {
    let rows = restoration::Entity::find()
        .filter(restoration::Column::RestoredAt.gt(now.plus_secs(-LOOKS_FOR_SECS)))
        .all(db)
        .await?;
    Ok(together(&rows))
}

fn together(rows: &[restoration::Model]) -> Option<Restored> {
    let state_of = rows.iter().map(|row| row.state_of).min()?;
    let at = rows.iter().map(|row| row.restored_at).max()?;
    Some(Restored { state_of, at })
}

/// Nodes that hold the lease of a connection now.
pub async fn holders(ground: &Ground) -> Result<Vec<String>, Error> {
    let mut holders: Vec<String> = lane::Entity::find()
        .filter(lane::Column::LeaseUntil.gt(ground.clock.now()))
        .filter(lane::Column::Holder.is_not_null())
        .order_by_asc(lane::Column::Holder)
        .all(ground.db.reader())
        .await?
        .into_iter()
        .filter_map(|lane| lane.holder)
        .collect();
    holders.dedup();
    Ok(holders)
}

/// Writes down that the database was put back just now. Creations and notes that are still to be carried out, or were
/// given up, are from now on of unknown fate: they are looked for first.
pub async fn mark(tx: &DatabaseTransaction, ground: &Ground) -> Result<Marked, DbErr> {
    use ticket_operation::Column as C;
    let now = ground.clock.now();
    let state_of = last_known(tx).await?.unwrap_or(now).min(now);
    let row = restoration::ActiveModel {
        id: Set(ground.chance.id(now)),
        state_of: Set(state_of),
        restored_at: Set(now),
    };
    row.insert(tx).await?;
    let operations = ticket_operation::Entity::update_many()
        .col_expr(C::UncertainSince, Expr::value(Some(now)))
        .filter(C::State.is_in([OperationState::Ready, OperationState::Failed]))
        .filter(C::Kind.is_in([OperationKind::Create, OperationKind::Note]))
        .exec(tx)
        .await?
        .rows_affected;
    Ok(Marked { state_of, operations })
}

/// The last moment that anything in the database tells of.
async fn last_known(tx: &DatabaseTransaction) -> Result<Option<Timestamp>, DbErr> {
    let found = [
        latest::<webhook_delivery::Entity>(tx, webhook_delivery::Column::ReceivedAt).await?,
        latest::<ticket::Entity>(tx, ticket::Column::UpdatedAt).await?,
        latest::<lane::Entity>(tx, lane::Column::PollCursor).await?,
        latest::<audit_entry::Entity>(tx, audit_entry::Column::At).await?,
    ];
    Ok(found.into_iter().flatten().max())
}

async fn latest<E: EntityTrait>(
    tx: &DatabaseTransaction,
    column: E::Column,
) -> Result<Option<Timestamp>, DbErr> {
    let last: Option<Option<i64>> =
        E::find().select_only().column_as(column.max(), "last").into_tuple().one(tx).await?;
    Ok(last.flatten().map(Timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restorations_are_taken_together() {
        let row = |state_of, restored_at| restoration::Model {
            id: uuid::Uuid::nil(),
            state_of: Timestamp(state_of),
            restored_at: Timestamp(restored_at),
        };
        assert_eq!(together(&[]), None);
        let both = together(&[row(10, 20), row(5, 40)]);
        assert_eq!(both, Some(Restored { state_of: Timestamp(5), at: Timestamp(40) }));
    }
}
