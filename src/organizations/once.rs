//! Asking once: a client that does not know whether its request arrived sends it again under the same key, and
//! gets the answer of the first one.
//!
//! The row of a key is written in the transaction that makes the change, so that there is never one without
//! the other: a crash leaves both or neither. Two requests with the same key at the same moment meet at the
//! row's unique index; the second waits for the first to commit, and then reads what came of it. What is kept is
//! ids, from which the answer is read again, and the secret that the first answer showed, sealed. What was
//! refused is not kept: whoever asked may mend it and ask again with the same key.
//!
//! A domain function that makes a change under a key has two lines for it in its transaction:
//! [`Once::begin`] before the change, [`Once::finish`] after it.
#![expect(clippy::disallowed_methods, reason = "the fingerprint that a key is found by has the tenant in it")]

use std::sync::Arc;

use entity::{Timestamp, idempotency_key};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, OnConflict},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::viewer::{Known, Viewer};
use crate::{
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    vault::{Place, SealedColumn},
};

/// How long a key is kept, in seconds: a day.
pub const KEPT_SECS: i64 = 24 * 3_600;
/// The longest key, in characters.
pub const MAX_KEY: usize = 200;
/// How many old keys are removed at a time.
const TRIM: u64 = 500;

/// A request that is to be carried out once; the default has no key and is carried out whenever it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Once(Option<Arc<Asked>>);

#[derive(Debug, PartialEq, Eq)]
struct Asked {
    id: Uuid,
    organization_id: Option<Uuid>,
    key_digest: Vec<u8>,
    request_digest: Vec<u8>,
    asker: String,
    at: Timestamp,
}

/// What came of a request, as far as its answer cannot be read again by itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Done {
    /// The row that was made or changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// A time that the answer tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Of many: what became of each, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowDone>,
    /// The secret that the answer shows.
    #[serde(skip)]
    pub secret: Option<SecretString>,
}

/// What became of one of many.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowDone {
    /// It was done to this row.
    Done(Uuid),
    /// It was not done.
    Wrong(Vec<Problem>),
}

impl Done {
    /// One row was made or changed.
    pub fn row(id: Uuid) -> Self {
        Self { id: Some(id), ..Self::default() }
    }

    /// Each of many has its own outcome.
    pub fn rows<T>(outcomes: &[Result<T, Vec<Problem>>], id: impl Fn(&T) -> Uuid) -> Self {
        let row = |outcome: &Result<T, Vec<Problem>>| match outcome {
            Ok(row) => RowDone::Done(id(row)),
            Err(problems) => RowDone::Wrong(problems.clone()),
        };
        Self { rows: outcomes.iter().map(row).collect(), ..Self::default() }
    }

    /// The row, where it was one.
    pub fn one(&self) -> Option<Uuid> {
        self.id.or_else(|| match self.rows.first() {
            Some(RowDone::Done(id)) => Some(*id),
            _ => None,
        })
    }

    /// The answer shows this secret.
    #[must_use]
    pub fn showing(self, secret: Option<SecretString>) -> Self {
        Self { secret, ..self }
    }

    /// Whether nothing at all was done: then it is not kept, as nothing that was refused is.
    fn is_refused(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| matches!(row, RowDone::Wrong(_)))
    }
}

impl Once {
    /// A request under a key. `request` is the mutation and its input, written so that the same input is the
    /// same text.
    pub fn of(viewer: &Viewer, ground: &Ground, key: &str, request: &str) -> Result<Self, Problem> {
        let count = key.chars().count();
        if !(1..=MAX_KEY).contains(&count) || !key.chars().all(|letter| letter.is_ascii_graphic()) {
            let message = format!(
                "a key has 1 to {MAX_KEY} visible ASCII characters without spaces; a UUID is a good one"
            );
            return Err(Problem::of("idempotencyKey", ProblemCode::Invalid, message));
        }
        let tenant = viewer.organization_id();
        let whose = tenant.map_or_else(|| "installation".to_owned(), |id| id.to_string());
        let at = ground.clock.now();
        Ok(Self(Some(Arc::new(Asked {
            id: ground.chance.id(at),
            organization_id: tenant,
            key_digest: ground.vault.mark(&[b"idempotency key", whose.as_bytes(), key.as_bytes()]).to_vec(),
            request_digest: ground.vault.mark(&[b"idempotent request", request.as_bytes()]).to_vec(),
            asker: match viewer.known() {
                Known::Gateway => "gateway".to_owned(),
                Known::Token(id) => format!("token:{id}"),
                Known::Member(id) => format!("member:{id}"),
            },
            at,
        }))))
    }

    /// What came of the same request before; none where it was not asked for under this key within a day.
    /// [`Error::KeyConflict`] where the key was used for something else. Whether the asker may still do it is
    /// the caller's to see to. A secret is shown to nobody but who asked the first time.
    pub async fn recall(&self, ground: &Ground) -> Result<Option<Done>, Error> {
        let Some(asked) = &self.0 else { return Ok(None) };
        let row = idempotency_key::Entity::find()
            .filter(idempotency_key::Column::KeyDigest.eq(asked.key_digest.clone()))
            .filter(idempotency_key::Column::CreatedAt.gt(asked.at.plus_secs(-KEPT_SECS)))
            .one(ground.db.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.request_digest != asked.request_digest {
            return Err(Error::KeyConflict);
        }
        let mut done: Done = serde_json::from_value(row.result)?;
        if let Some(sealed) = row.sealed.filter(|_| row.asked_by == asked.asker) {
            let place = place(row.id, row.organization_id);
            done.secret = match ground.vault.open_secret(ground.db.reader(), place, &sealed).await {
                Ok(secret) => Some(secret),
                Err(error) => {
                    // Its key may have been retired meanwhile; the rest of the answer is good all the same.
                    tracing::warn!(%error, "the secret of an answer given before does not open");
                    None
                }
            };
        }
        Ok(Some(done))
    }

    /// Takes the key, before the change, in its transaction. [`Error::Repeated`] where it was taken already:
    /// then [`Once::recall`] knows what came of it.
    pub async fn begin(&self, tx: &DatabaseTransaction) -> Result<(), Error> {
        let Some(asked) = &self.0 else { return Ok(()) };
        idempotency_key::Entity::delete_many()
            .filter(idempotency_key::Column::KeyDigest.eq(asked.key_digest.clone()))
            .filter(idempotency_key::Column::CreatedAt.lte(asked.at.plus_secs(-KEPT_SECS)))
            .exec(tx)
            .await?;
        let row = idempotency_key::Model {
            id: asked.id,
            organization_id: asked.organization_id,
            key_digest: asked.key_digest.clone(),
            request_digest: asked.request_digest.clone(),
            asked_by: asked.asker.clone(),
            result: serde_json::Value::Null,
            sealed: None,
            created_at: asked.at,
        };
        let is_first = idempotency_key::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::column(idempotency_key::Column::KeyDigest).do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?
            > 0;
        if is_first { Ok(()) } else { Err(Error::Repeated) }
    }

    /// Keeps what came of it, after the change, in its transaction.
    pub async fn finish(&self, tx: &DatabaseTransaction, ground: &Ground, done: &Done) -> Result<(), Error> {
        let Some(asked) = &self.0 else { return Ok(()) };
        if done.is_refused() {
            idempotency_key::Entity::delete_by_id(asked.id).exec(tx).await?;
            return Ok(());
        }
        let sealed = match &done.secret {
            Some(secret) => {
                let secret = SecretString::from(secret.expose_secret().to_owned());
                Some(ground.vault.seal(tx, place(asked.id, asked.organization_id), &secret).await?)
            }
            None => None,
        };
        idempotency_key::Entity::update_many()
            .col_expr(idempotency_key::Column::Result, Expr::value(serde_json::to_value(done)?))
            .col_expr(idempotency_key::Column::Sealed, Expr::value(sealed))
            .filter(idempotency_key::Column::Id.eq(asked.id))
            .exec(tx)
            .await?;
        Ok(())
    }
}

/// Where the secret of an answer is sealed: under the tenant's own data key, or the installation's.
fn place(id: Uuid, organization_id: Option<Uuid>) -> Place {
    Place { column: SealedColumn::Answer, organization_id: organization_id.unwrap_or_default(), row_id: id }
}

/// Removes keys that are older than a day, some at a time. Gives how many.
pub async fn trim(ground: &Ground) -> Result<usize, Error> {
    use idempotency_key::Column as C;
    let old: Vec<Uuid> = idempotency_key::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::CreatedAt.lte(ground.clock.now().plus_secs(-KEPT_SECS)))
        .order_by_asc(C::CreatedAt)
        .limit(TRIM)
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    let count = old.len();
    if count > 0 {
        ground
            .db
            .write(move |tx| {
                Box::pin(async move {
                    idempotency_key::Entity::delete_many().filter(C::Id.is_in(old)).exec(tx).await?;
                    Ok::<_, Error>(())
                })
            })
            .await?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
