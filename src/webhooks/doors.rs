//! One door per shard: the one that knows the endpoint is the one to take a webhook in.

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{StreamExt as _, stream::FuturesUnordered};

use super::{WebhookDoor, away};
use crate::organizations::endpoints;

/// The doors of all shards, the installation's own first.
#[expect(missing_debug_implementations, reason = "doors are not printed")]
pub struct WebhookDoors {
    first: web::Data<WebhookDoor>,
    others: Vec<web::Data<WebhookDoor>>,
}

impl WebhookDoors {
    /// The first one, and the others.
    pub fn new(first: WebhookDoor, others: Vec<WebhookDoor>) -> Self {
        Self { first: web::Data::new(first), others: others.into_iter().map(web::Data::new).collect() }
    }

    /// The one that a request is for; the first where none knows the endpoint. Where none does and one cannot tell just
    /// now, the answer that has the sender come again: asked once more, that one may say something else, as what moves away
    /// is removed there meanwhile.
    pub(super) async fn of(&self, request: &HttpRequest) -> Result<web::Data<WebhookDoor>, HttpResponse> {
        if self.others.is_empty() {
            return Ok(self.first.clone());
        }
        let key = request.match_info().get("key").unwrap_or_default();
        let all = || std::iter::once(&self.first).chain(&self.others);
        if let Some(door) = all().find(|door| endpoints::is_remembered(&door.ground, key)) {
            return Ok(door.clone());
        }
        // Tasks of their own: one that is not waited for ends its statement all the same.
        let mut asked: FuturesUnordered<_> = all()
            .map(|door| {
                let (door, key) = (door.clone(), key.to_owned());
                tokio::spawn(async move {
                    let found = endpoints::resolve(&door.ground, &key).await.map(|found| found.is_some());
                    (door, found)
                })
            })
            .collect();
        let mut unclear = None;
        while let Some(asked) = asked.next().await {
            match asked {
                Ok((door, Ok(true))) => return Ok(door),
                Ok((_, Ok(false))) | Err(_) => {}
                Ok((door, Err(error))) => unclear = Some((door, error)),
            }
        }
        match unclear {
            Some((door, error)) => Err(door.refuse(away(&error), "unknown")),
            None => Ok(self.first.clone()),
        }
    }
}
