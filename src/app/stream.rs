//! A stream of NATS in front of the inbox, where there is one.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, Only},
    ground::Ground,
    queue::{
        inbox::Inbox,
        stream::{Stream, StreamOptions},
    },
};

/// The inbox behind the stream that is configured; a process that works brings into the inbox what the stream holds.
pub(super) async fn before(
    inbox: Inbox,
    config: &Config,
    ground: &Ground,
    only: Option<Only>,
    (tasks, stop): (&mut Vec<JoinHandle<()>>, &CancellationToken),
) -> anyhow::Result<Inbox> {
    let Some(url) = &config.nats_url else { return Ok(inbox) };
    let options = StreamOptions { url: url.clone(), name: config.nats_stream.clone() };
    let stream = Stream::open(ground.clone(), &options).await?;
    if only != Some(Only::Web) {
        tasks.push(tokio::spawn(stream.clone().empty_into(inbox.clone(), stop.clone())));
    }
    Ok(inbox.behind(stream))
}
