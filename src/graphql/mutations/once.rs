//! Mutations under an idempotency key, as their resolvers meet them: [`Asked::of`] at the beginning,
//! [`Asked::answer`] at the end. The domain does the rest; see `organizations/once.rs`.

use std::sync::Arc;

use async_graphql::{Context, Name, Value};
use entity::Timestamp;
use sea_orm::EntityTrait;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::{
    error::{Error, Problem},
    graphql::{Asking as _, loaders::Shared},
    organizations::{
        once::{Done, Once, RowDone},
        permissions,
        reach::Owned,
        viewer::Viewer,
    },
};

/// Who asks, under which key.
pub(super) struct Asked<'a> {
    ctx: &'a Context<'a>,
    viewer: Viewer,
    problem: Option<Problem>,
    mutation: &'a str,
}

impl<'a> Asked<'a> {
    /// Reads the key of a mutation's input. What is the same request is found by the input as it was sent.
    pub(super) fn of(ctx: &'a Context<'a>, key: Option<&String>) -> async_graphql::Result<Self> {
        let field = ctx.field();
        let (viewer, mutation) = (ctx.viewer()?.clone(), field.name());
        let Some(key) = key else { return Ok(Self { ctx, viewer, problem: None, mutation }) };
        let request = Value::Object(
            [(Name::new(mutation), Value::Object(field.arguments()?.into_iter().collect()))].into(),
        );
        Ok(match Once::of(&viewer, ctx.ground()?, key, &canonical(request).to_string()) {
            Ok(once) => Self { ctx, viewer: viewer.asking_once(once), problem: None, mutation },
            Err(problem) => Self { ctx, viewer, problem: Some(problem), mutation },
        })
    }

    /// Who asks: for the domain.
    pub(super) fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// What `work` gives; where the same was asked for before, what `again` makes of that.
    pub(super) async fn answer<P, Work, Again, AgainWork>(&self, work: Work, again: Again) -> Result<P, Error>
    where
        Work: Future<Output = Result<P, Error>>,
        Again: FnOnce(Earlier<'a>) -> AgainWork,
        AgainWork: Future<Output = Result<P, Error>>,
    {
        if let Some(problem) = &self.problem {
            return Err(problem.clone().into());
        }
        let once = self.viewer.once();
        if once == Once::default() {
            return work.await;
        }
        // Nobody is told what came of something that they may not do any more.
        if let Some(needed) = permissions::needed_by(self.mutation)
            && !self.viewer.holds(needed)
        {
            return Err(needed.is_lacking());
        }
        let ground = self.ctx.ground().map_err(|_| Error::NotFound)?;
        if let Some(done) = once.recall(ground).await? {
            return again(Earlier { ctx: self.ctx, done }).await;
        }
        match work.await {
            Err(Error::Repeated) => {
                let done = once.recall(ground).await?.ok_or(Error::Repeated)?;
                again(Earlier { ctx: self.ctx, done }).await
            }
            other => other,
        }
    }
}

/// What came of the same request before.
pub(super) struct Earlier<'a> {
    ctx: &'a Context<'a>,
    done: Done,
}

impl Earlier<'_> {
    /// The row that was made or changed, as it is now; none where it was removed since.
    pub(super) async fn row<E: Owned>(&self) -> Result<Option<E::Model>, Error> {
        match self.done.one() {
            Some(id) => row::<E>(self.ctx, id).await,
            None => Ok(None),
        }
    }

    /// Of many, each one's outcome, with its row as it is now: in one statement.
    pub(super) async fn rows<E: Owned>(
        self,
    ) -> Result<Vec<Result<Option<<E as EntityTrait>::Model>, Vec<Problem>>>, Error> {
        let ctx = self.ctx;
        let read = self.done.rows.into_iter().map(async |outcome| match outcome {
            RowDone::Done(id) => Ok(Ok(row::<E>(ctx, id).await?)),
            RowDone::Wrong(problems) => Ok(Err(problems)),
        });
        futures_util::future::join_all(read).await.into_iter().collect()
    }

    /// Of many, the id of each that was done.
    pub(super) fn ids(self) -> Vec<Result<Uuid, Vec<Problem>>> {
        let id = |outcome| match outcome {
            RowDone::Done(id) => Ok(id),
            RowDone::Wrong(problems) => Err(problems),
        };
        self.done.rows.into_iter().map(id).collect()
    }

    /// The secret that the first answer showed, to who asked then.
    pub(super) fn secret(&self) -> Option<String> {
        self.done.secret.as_ref().map(|secret| secret.expose_secret().to_owned())
    }

    /// The time that the first answer told.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.done.until
    }
}

async fn row<E: Owned>(ctx: &Context<'_>, id: Uuid) -> Result<Option<E::Model>, Error> {
    let loaders = ctx.loaders().map_err(|_| Error::NotFound)?;
    let shared = |error: Shared| {
        Arc::try_unwrap(error).unwrap_or_else(|error| Error::Internal(anyhow::anyhow!(error)))
    };
    loaders.row::<E>(id).await.map_err(shared)
}

/// The same input written the same way: keys in order, without the idempotency key.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().collect();
            fields.retain(|(name, _)| name != "idempotencyKey");
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields.into_iter().map(|(name, value)| (name, canonical(value))).collect())
        }
        Value::List(items) => Value::List(items.into_iter().map(canonical).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn the_same_input_in_another_order_is_the_same_request() {
        let one =
            value!({ "input": { "name": "Bakery", "idempotencyKey": "a", "list": [{ "b": 1, "a": null }] } });
        let other = value!({ "input": { "list": [{ "a": null, "b": 1 }], "name": "Bakery" } });
        assert_eq!(canonical(one).to_string(), canonical(other.clone()).to_string());
        let third = value!({ "input": { "list": [{ "b": 1 }], "name": "Bakery" } });
        assert_ne!(canonical(other).to_string(), canonical(third).to_string());
    }
}
