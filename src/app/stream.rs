//! A stream of NATS in front of the inbox, where there is one.

use std::sync::Arc;

use super::{crew::Crew, house::House};
use crate::{
    config::{Config, Only},
    ground::Ground,
    organizations::organization,
    queue::stream::{Elsewhere, Stream, StreamOptions},
};

/// The stream that is configured.
pub(super) async fn open(config: &Config, ground: &Ground) -> anyhow::Result<Option<Stream>> {
    let Some(url) = &config.nats_url else { return Ok(None) };
    let options = StreamOptions { url: url.clone(), name: config.nats_stream.clone() };
    Ok(Some(Stream::open(ground.clone(), &options).await?))
}

/// A process that works brings into the inboxes what the streams hold.
pub(super) fn empty(houses: &[House], only: Option<Only>, work: &mut Crew) {
    if only == Some(Only::Web) {
        return;
    }
    for house in houses {
        let Some(stream) = &house.stream else { continue };
        let others = houses.iter().filter(|other| other.name != house.name);
        let others: Vec<_> = others.map(|other| (other.ground.clone(), other.inbox.clone())).collect();
        let elsewhere: Elsewhere = Arc::new(move |organization_id| {
            let others = others.clone();
            Box::pin(async move {
                for (ground, inbox) in others {
                    if organization::is_here(&ground, organization_id).await.is_ok_and(|is_here| is_here) {
                        return Some(inbox);
                    }
                }
                None
            })
        });
        work.begin(|stop| stream.clone().empty_into(house.inbox.clone(), elsewhere, stop));
    }
}
