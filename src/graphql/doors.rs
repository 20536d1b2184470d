//! One door per shard, and which of them a request is for.
//!
//! An organization lives in one shard, and so do its tokens and members: whoever knows what somebody shows is the one to
//! ask. Operators of the installation are known in the first, and say with a header which other one they mean.

use std::{pin::Pin, sync::Arc};

use actix_web::{
    HttpRequest,
    http::{StatusCode, header::HeaderName},
    web,
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use secrecy::SecretString;

use super::{
    cors::Origins,
    errors::code,
    http::{Door, bearer},
    refusal::Refusal,
};
use crate::{entrance::NotLetIn, ground::Ground, organizations::tokens};

/// Names the shard that an operator of the installation means.
pub const SHARD: HeaderName = HeaderName::from_static("psa-gateway-shard");

/// Tells whether what somebody shows is known there. Lets nobody in.
pub type Knows = Arc<dyn for<'a> Fn(&'a Ground, &'a SecretString) -> Knowing<'a> + Send + Sync>;
/// The answer of [`Knows`], on its way.
pub type Knowing<'a> = Pin<Box<dyn Future<Output = Result<bool, NotLetIn>> + Send + 'a>>;

/// The doors of all shards, by name; the installation's own first.
pub struct Doors {
    first: web::Data<Door>,
    others: Vec<(String, web::Data<Door>)>,
    first_name: String,
    knows: Knows,
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doors").field("first", &self.first).finish_non_exhaustive()
    }
}

impl Doors {
    /// The first one, and the others by name.
    pub fn new(first: (String, Door), others: Vec<(String, Door)>, knows: Knows) -> Self {
        let (first_name, first) = first;
        let others = others.into_iter().map(|(name, door)| (name, web::Data::new(door))).collect();
        Self { first: web::Data::new(first), others, first_name, knows }
    }

    /// The only one there is.
    pub fn one(door: web::Data<Door>) -> Self {
        let knows: Knows = Arc::new(|_, _| Box::pin(async { Ok(true) }));
        Self { first: door, others: Vec::new(), first_name: String::new(), knows }
    }

    /// The one for what is no shard's own.
    pub(super) fn first(&self) -> &web::Data<Door> {
        &self.first
    }

    /// The origins whose pages may ask from browsers.
    pub fn origins(&self) -> &Origins {
        self.first.origins()
    }

    /// The one that a request is for.
    pub(super) async fn of(&self, request: &HttpRequest) -> Result<web::Data<Door>, Refusal> {
        if let Some(named) = self.named(request)? {
            return Ok(named);
        }
        match bearer(request) {
            Some(token) => Ok(self.knowing(&token).await),
            None => Ok(self.first.clone()),
        }
    }

    /// The one that a request names.
    pub(super) fn named(&self, request: &HttpRequest) -> Result<Option<web::Data<Door>>, Refusal> {
        let Some(name) = request.headers().get(SHARD) else { return Ok(None) };
        let name = name.to_str().unwrap_or_default().trim();
        if name == self.first_name {
            return Ok(Some(self.first.clone()));
        }
        let found = self.others.iter().find(|(known, _)| known == name);
        found.map(|(_, door)| Some(door.clone())).ok_or_else(|| {
            let message = "there is no shard of that name (header PSA-Gateway-Shard); leave it out, or compare it with \
                           the setting `shards`";
            Refusal::outright(StatusCode::BAD_REQUEST, code::BAD_USER_INPUT, message)
        })
    }

    /// The one that knows what somebody shows. Where none does, one that cannot tell just now, which says so; the first
    /// otherwise.
    pub(super) async fn knowing(&self, token: &SecretString) -> web::Data<Door> {
        if self.others.is_empty() {
            return self.first.clone();
        }
        let all = || std::iter::once(&self.first).chain(self.others.iter().map(|(_, door)| door));
        if let Some(door) = all().find(|door| tokens::is_remembered(&door.ground, token)) {
            return door.clone();
        }
        // Tasks of their own: one that is not waited for ends its statement all the same.
        let mut asked: FuturesUnordered<_> = all()
            .map(|door| {
                let (door, knows, token) = (door.clone(), Arc::clone(&self.knows), token.clone());
                tokio::spawn(async move {
                    let is_known = knows(&door.ground, &token).await;
                    (door, is_known)
                })
            })
            .collect();
        let mut unclear = None;
        while let Some(asked) = asked.next().await {
            match asked {
                Ok((door, Ok(true))) => return door,
                Ok((_, Ok(false))) | Err(_) => {}
                Ok((door, Err(_))) => unclear = Some(door),
            }
        }
        unclear.unwrap_or_else(|| self.first.clone())
    }
}
