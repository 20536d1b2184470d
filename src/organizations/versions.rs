//! Changing a row that somebody else may be changing.

use entity::{
    billing_calendar, billing_line, company, company_mapping, event_set, maintenance_window, organization,
    policy, psa_connection, ticket_profile, webhook_endpoint, webhook_subscriber,
};
use sea_orm::{DatabaseTransaction, EntityTrait, PrimaryKeyTrait, QuerySelect as _, sea_query::LockType};
use uuid::Uuid;

use crate::error::{Error, Problem, ProblemCode};

/// A row that counts its changes by people.
pub(crate) trait Versioned {
    /// How many there were, from 1.
    fn version(&self) -> i32;
}

macro_rules! versioned {
    ($($table:ident)*) => {$(
        impl Versioned for $table::Model {
            fn version(&self) -> i32 {
                self.version
            }
        }
    )*};
}

versioned! {
    billing_calendar billing_line company company_mapping event_set maintenance_window organization policy psa_connection ticket_profile webhook_endpoint webhook_subscriber
}

/// The row as it stands, and nobody else's to change until the transaction ends: so of two that have seen the
/// same version and change it at once, one is told that it was too late.
#[expect(clippy::disallowed_methods, reason = "the caller has looked whose row it is, which never changes")]
pub(crate) async fn locked<E>(
    tx: &DatabaseTransaction,
    id: Uuid,
    expected_version: Option<i32>,
) -> Result<E::Model, Error>
where
    E: EntityTrait<Model: Versioned + Send + Sync>,
    E::PrimaryKey: PrimaryKeyTrait<ValueType = Uuid>,
{
    let found = E::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?;
    let row = found.ok_or(Error::NotFound)?;
    expect(expected_version, row.version())?;
    Ok(row)
}

/// Whether the version that somebody has seen is still the present one.
pub(crate) fn expect(expected: Option<i32>, present: i32) -> Result<(), Error> {
    stale(expected, present).map_or(Ok(()), |problem| Err(problem.into()))
}

/// What is wrong where it is not.
pub(crate) fn stale(expected: Option<i32>, present: i32) -> Option<Problem> {
    let expected = expected.filter(|expected| *expected != present)?;
    let message = format!(
        "somebody else has changed it: its version is {present}, and {expected} was expected; read it again, then \
         repeat what still is to be changed"
    );
    Some(Problem::of("expectedVersion", ProblemCode::Stale, message))
}

#[cfg(test)]
mod tests;
