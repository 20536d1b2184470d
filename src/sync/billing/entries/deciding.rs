//! What people do to entries of the ledger, and to those of a line that they change.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and line")]

use entity::{
    Timestamp,
    billing_entry::{self, EntryState},
    billing_line,
};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::LockType,
};
use uuid::Uuid;

use super::{happens, save};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
    queue::lanes,
    sync::billing::ledger::{BLOCKING, Happening, Way},
};

/// A person has looked into the PSA and says whether what was sent arrived. Where it did, it is read back once more;
/// where it did not, it is sent again.
pub async fn decide(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    has_arrived: bool,
) -> Result<billing_entry::Model, Error> {
    let entry = reach::by_id::<billing_entry::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::ManageBilling, entry.organization_id)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let decided = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = billing_entry::Entity::find_by_id(id)
                    .filter(billing_entry::Column::OrganizationId.eq(entry.organization_id))
                    .lock(LockType::Update)
                    .one(tx)
                    .await?
                    .ok_or(Error::NotFound)?;
                let mut new = old.clone();
                let said = if has_arrived { Happening::SaidArrived } else { Happening::SaidNotArrived };
                if !happens(&mut new, said, Way::Difference, now) {
                    let message =
                        "nobody is asked about this entry; only one that is HELD waits for a decision";
                    return Err(Problem::of("id", ProblemCode::WrongState, message).into());
                }
                new.decided_by = Some(by.name.chars().take(200).collect());
                new.uncertain_since = None;
                (new.problem_code, new.problem) = (None, None);
                new.run_at = Some(now);
                let decided = save(tx, new).await?;
                lanes::wake(tx, decided.psa_connection_id, now).await?;
                let change =
                    Change::between("billingEntryDecide", &old, &decided).is("hasArrived", has_arrived);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(decided)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(decided)
}

/// Whether nothing is under way to a line.
pub async fn is_settled(
    tx: &DatabaseTransaction,
    line: &billing_line::Model,
    field: &str,
) -> Result<(), Error> {
    let open = billing_entry::Entity::find()
        .filter(billing_entry::Column::OrganizationId.eq(line.organization_id))
        .filter(billing_entry::Column::BillingLineId.eq(line.id))
        .filter(billing_entry::Column::State.is_in(BLOCKING))
        .one(tx)
        .await?;
    if open.is_none() {
        return Ok(());
    }
    let message = "it is not known yet what became of the last value that was sent to this line; wait until it was read \
                   back, or decide the entry that is HELD";
    Err(Problem::of(field, ProblemCode::WrongState, message).into())
}

/// Takes back what is planned for a line. Gives how many entries that were.
pub async fn take_back(
    tx: &DatabaseTransaction,
    line: &billing_line::Model,
    now: Timestamp,
) -> Result<u64, Error> {
    let planned = billing_entry::Entity::find()
        .filter(billing_entry::Column::OrganizationId.eq(line.organization_id))
        .filter(billing_entry::Column::BillingLineId.eq(line.id))
        .filter(billing_entry::Column::State.eq(EntryState::Planned))
        .lock(LockType::Update)
        .all(tx)
        .await?;
    let count = planned.len() as u64;
    for mut entry in planned {
        happens(&mut entry, Happening::Replaced, Way::Value, now);
        entry.run_at = None;
        save(tx, entry).await?;
    }
    Ok(count)
}
