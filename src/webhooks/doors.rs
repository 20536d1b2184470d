//! One door per shard: the one that knows the endpoint is the one to take a webhook in.

use actix_web::{HttpRequest, web};
use futures_util::{StreamExt as _, stream::FuturesUnordered};

use super::WebhookDoor;
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

    /// The one that a request is for. Where none knows the endpoint, one that cannot tell just now, which has the sender
    /// come again; the first otherwise.
    pub(super) async fn of(&self, request: &HttpRequest) -> web::Data<WebhookDoor> {
        if self.others.is_empty() {
            return self.first.clone();
        }
        let key = request.match_info().get("key").unwrap_or_default();
        let all = || std::iter::once(&self.first).chain(&self.others);
        if let Some(door) = all().find(|door| endpoints::is_remembered(&door.ground, key)) {
            return door.clone();
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
                Ok((door, Ok(true))) => return door,
                Ok((_, Ok(false))) | Err(_) => {}
                Ok((door, Err(_))) => unclear = Some(door),
            }
        }
        unclear.unwrap_or_else(|| self.first.clone())
    }
}
