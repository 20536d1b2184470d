//! The door for dashboards: GraphQL over HTTP. Resolvers ask who is asking, call the domain and wrap.
//!
//! # Adding a type
//! 1. `types/thing.rs`: `pub struct Thing(pub thing::Model)`, `From<thing::Model>`, and an `#[Object]` with
//!    the fields you choose. Everything has a description. `id` is `ids::encode::<thing::Entity>(self.0.id)`.
//! 2. `types/mod.rs`: `mod thing; pub use thing::*;`. If it has an id, a line in `nodes!` (`node.rs`), and one
//!    in `owned!` (`organizations/reach.rs`) if its table is not there yet.
//! 3. A reference to another row: `ctx.loaders()?.named::<thing::Entity>(id).await?` (or `row`, where it
//!    may be gone). Never a query of your own: rows of one level are read together.
//! 4. A list: a `reach::List` in the domain (conditions, parent column, order), `connection!` beside the
//!    type, and a field of four page arguments that gives `ThingConnection::new(parent, list, &args)`. At the
//!    root or nested, it is the same. What it costs follows from its type (`limits::price`).
//!
//! # Adding a mutation
//! 1. In `mutations/things.rs`: an `InputObject` named after the mutation, `payload!` for its answer, a
//!    method on `ThingMutation` that ends in `Payload::answer(…)`.
//! 2. `mutations/mod.rs`: a line in `user_errors!` for its error type. A new file: a member of
//!    `MutationRoot` in `schema.rs`, as `QueryRoot` has for queries.
//!
//! A mutation whose name has Create, Retry, Redrive, Rotate, SendTest, Sync or Many in it takes an
//! `idempotencyKey`: begin with `Asked::of`, end with `asked.answer(work, again)` (`mutations/once.rs`), and give
//! the domain function its two lines (`organizations/once.rs`).
//!
//! # Deprecating
//! Nothing is taken out or changed in meaning without notice. Give the field, argument, input field or enum value
//! `#[graphql(deprecation = "Use <what to use instead>. Removed after 2027-06-30.")]`, three months ahead at the
//! least; a test refuses a reason without a date. `psa_gateway_graphql_deprecated_used_total{field}` counts the
//! operations that still use it ([`deprecations`]); when that stands still and the date has passed, it can go.
//!
//! # Errors
//! `?` on what the domain answers, and nothing else: see [`errors`].

mod answer;
pub mod browser;
mod budget;
mod checking;
pub mod connection;
pub mod cors;
pub mod deprecations;
mod documents;
pub mod doors;
pub mod errors;
mod form;
mod gate;
pub mod graphiql;
pub mod http;
pub mod ids;
mod limits;
pub mod loaders;
mod media;
pub mod mutations;
pub mod node;
pub mod operation;
pub mod plain;
mod public_url;
mod query;
mod reading;
mod recent;
mod refusal;
mod registered;
mod request;
pub mod scalars;
pub mod schema;
mod setup;
pub mod streams;
pub mod subscriptions;
pub mod types;

#[cfg(test)]
mod tests;

use async_graphql::Context;

pub use budget::{Allowance, Receipt};
pub use doors::Doors;
pub use gate::gate;
pub use http::{Authenticate, Door, Graphiql, Settings, serve};
pub use limits::Limits;
pub use public_url::PublicUrl;
pub use refusal::Refusal;
pub use registered::Registered;
pub use request::Asked;
pub use schema::{Graph, Graphs, sdl};

use self::loaders::Loaders;
use crate::{ground::Ground, organizations::viewer::Viewer};

/// What resolvers take from their context.
pub trait Asking {
    /// Who is asking.
    fn viewer(&self) -> async_graphql::Result<&Viewer>;

    /// What the domain works with.
    fn ground(&self) -> async_graphql::Result<&Ground>;

    /// Reads rows and lists, together with the other resolvers of this request.
    fn loaders(&self) -> async_graphql::Result<&Loaders>;
}

impl Asking for Context<'_> {
    fn viewer(&self) -> async_graphql::Result<&Viewer> {
        Ok(self.loaders()?.viewer())
    }

    fn ground(&self) -> async_graphql::Result<&Ground> {
        Ok(self.loaders()?.ground())
    }

    fn loaders(&self) -> async_graphql::Result<&Loaders> {
        self.data::<Loaders>()
    }
}
