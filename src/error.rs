//! What a domain function answers when it does not do what it was asked.
//!
//! - [`Error::Invalid`]: the person asking can mend it by asking something else. Doors show every
//!   problem, with the field it concerns.
//! - [`Error::NotFound`]: it is not there, or not the asker's: both look the same.
//! - [`Error::Forbidden`], [`Error::Hidden`]: the asker may see it but not do this, or not see this part.
//! - [`Error::Repeated`], [`Error::KeyConflict`]: an idempotency key was used before.
//! - [`Error::Unavailable`]: the database is away; the same request may work in a moment.
//! - [`Error::Internal`]: our fault. Doors show a request id and nothing else; the cause is logged.

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked does not hold together.
    #[error("{}", .0.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// It is not there, or not the asker's.
    #[error("not found")]
    NotFound,
    /// The asker may not do it.
    #[error("this needs the permission {needs}; roles that hold it: {held_by}")]
    Forbidden {
        /// The permission they lack.
        needs: &'static str,
        /// Which roles hold it.
        held_by: &'static str,
    },
    /// What they see of the ticket leaves this part out.
    #[error(
        "what your role sees of this connection's tickets leaves out `{field}`; an owner or administrator can \
         change that with `ticketPermissionSet`"
    )]
    Hidden {
        /// The part, as the API names it.
        field: &'static str,
    },
    /// It was done before, under the same key: what came of it is there to be read.
    #[error("this was done already")]
    Repeated,
    /// The key was used before, for something else.
    #[error(
        "this idempotencyKey was used within the last day for another mutation or another input; give each \
         request a key of its own, and repeat one only with the very same input"
    )]
    KeyConflict,
    /// The database is away.
    #[error("the database is not available")]
    Unavailable(#[source] DbErr),
    /// Our fault.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

/// One thing that is wrong with what was asked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// Path into the input, e.g. `["fields", "priority"]`; empty when it concerns the whole.
    pub field: Vec<String>,
    /// Stable, for programs.
    pub code: ProblemCode,
    /// For people: what is wrong and what to do.
    pub message: String,
}

/// Kinds of problems with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// It must be given.
    Required,
    /// It is not of the right form.
    Invalid,
    /// It is too long.
    TooLong,
    /// Another one has it already.
    Taken,
    /// What it refers to is not there.
    NotFound,
    /// It is not among the PSA's own values, or does not go with the others.
    NotInPickList,
    /// The thing is not in a state that allows it.
    WrongState,
    /// It is still used.
    InUse,
    /// Somebody else changed it meanwhile.
    Stale,
}

impl Problem {
    /// A problem with one field of the input.
    pub fn of(field: &str, code: ProblemCode, message: impl Into<String>) -> Self {
        Self { field: vec![field.to_owned()], code, message: message.into() }
    }

    /// The same in one of many: `within("mappings", 3)` makes `psaCompanyId` `mappings.3.psaCompanyId`.
    #[must_use]
    pub fn within(mut self, list: &str, index: usize) -> Self {
        self.field.splice(0..0, [list.to_owned(), index.to_string()]);
        self
    }

    /// A problem with a field inside a field.
    pub fn at(path: &[&str], code: ProblemCode, message: impl Into<String>) -> Self {
        Self { field: path.iter().map(|&part| part.to_owned()).collect(), code, message: message.into() }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_away(&error) { Self::Unavailable(error) } else { Self::Internal(error.into()) }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// Whether the database could not be reached, rather than refused what it was asked.
fn is_away(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            matches!(
                **error,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
            ) || error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| {
                // 57P0x: shutting down, crashed, starting up; 53xxx: out of connections, disk or memory;
                // 08xxx: connection lost; 40xxx: in another's way. (PostgreSQL, appendix A.) 5 and 13: SQLite's BUSY and FULL.
                code.starts_with("57P")
                    || code.starts_with("53")
                    || code.starts_with("08")
                    || code.starts_with("40")
                    || code == "5"
                    || code == "13"
            })
        }
        _ => false,
    }
}

/// Whether the database refused a row because one with the same key is there.
pub fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}

/// Whether the database refused to remove a row because another one needs it, or the other way round.
pub fn is_reference_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)))
}
