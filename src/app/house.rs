//! What works with one database: its workers, and the doors that lead to it.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

#[cfg(feature = "nats")]
use super::stream;
use super::{Seams, client_options, crew::Crew, ground, outbound, time};
#[cfg(feature = "nats")]
use crate::queue::stream::Stream;
use crate::{
    config::{Config, Only},
    entrance::{Credentials, NotLetIn},
    graphql,
    ground::Ground,
    metrics::Metrics,
    organizations::{last_seen, tokens},
    outbound::{ClientOptions, GuardedClient},
    queue::{inbox::Inbox, left_behind},
    scanners::signature::sns,
    webhooks::{WebhookDoor, WebhookDoors},
    workers::{Keep, WorkerOptions, Workers},
};

/// What all houses of a process share.
pub(super) struct Shared {
    pub(super) metrics: Metrics,
    pub(super) sns: sns::Desk,
    pub(super) credentials: Credentials,
    pub(super) public_url: String,
    pub(super) graphs: graphql::Graphs,
    pub(super) graphql: graphql::Settings,
    /// The first database, which knows the operators of the installation.
    pub(super) main: Ground,
    pub(super) only: Option<Only>,
    pub(super) is_stepped: bool,
}

/// One database, and what works with it.
pub(super) struct House {
    pub(super) name: String,
    pub(super) ground: Ground,
    pub(super) workers: Workers,
    #[cfg(feature = "nats")]
    pub(super) inbox: Inbox,
    #[cfg(feature = "nats")]
    pub(super) stream: Option<Stream>,
    hooks: WebhookDoor,
    graphql: graphql::Door,
}

/// Opens the database that a configuration is about.
pub(super) async fn open(config: Config, seams: &Seams) -> anyhow::Result<(Config, Ground)> {
    let seams = Seams { clock: time::of(&config, &seams.clock), ..seams.clone() };
    let ground =
        ground(&config, &seams).await.with_context(|| format!("database {}", config.shard_name()))?;
    time::agree(&ground).await;
    Ok((config, ground))
}

/// Starts what works with a database, and makes the doors to it.
pub(super) async fn furnish(
    config: Config,
    ground: Ground,
    shared: &Shared,
    (work, service): (&mut Crew, &mut Crew),
) -> anyhow::Result<House> {
    let config = &config;
    let outbound = outbound(config, &ground.clock)?;
    let workers = workers(config, &ground, shared, outbound.clone())?;
    if !ground.db.is_sqlite() {
        service.begin(|stop| time::follow(ground.clone(), stop));
    }
    if shared.only != Some(Only::Web) && !shared.is_stepped {
        let freed = left_behind::free(&ground).await?;
        if freed > 0 {
            tracing::info!(freed, "what the process before had in hand is taken up again");
        }
        let workers = workers.clone();
        work.begin(|stop| async move { workers.run(stop).await });
    }
    if shared.only != Some(Only::Workers) && !shared.is_stepped {
        work.begin(|stop| write_down_last_seen(ground.clone(), stop));
    }
    let inbox = Inbox::start(ground.clone()).context("no thread for the inbox")?;
    #[cfg(feature = "nats")]
    let stream = stream::open(config, &ground).await?;
    #[cfg(feature = "nats")]
    let taking = stream.iter().fold(inbox.clone(), |inbox, stream| inbox.behind(stream.clone()));
    #[cfg(not(feature = "nats"))]
    let taking = inbox;
    let hooks = WebhookDoor {
        ground: ground.clone(),
        inbox: taking,
        metrics: shared.metrics.clone(),
        entrance: shared.credentials.entrance.clone(),
        max_body: config.webhook_max_body_bytes,
        body_timeout: Duration::from_secs(config.webhook_body_timeout_secs),
        tolerance_secs: config.webhook_tolerance_secs,
        endpoint_per_sec: config.doors.per_endpoint_per_sec,
        sns: shared.sns.clone(),
    };
    let main = config.main_database_url().map(|_| shared.main.clone());
    let graphql = graphql::Door::new(
        ground.clone(),
        shared.graphs.clone(),
        outbound,
        authenticate(shared.credentials.clone(), main),
        shared.graphql.clone(),
    );
    if let Some(pool) = ground.db.postgres_pool() {
        let others = ground.db.news().join_others(pool, service.stop()).await;
        service.begin(|_| others);
        service.begin(|stop| tokens::forget_changed(ground.clone(), stop));
    }
    Ok(House {
        name: config.shard_name().to_owned(),
        ground,
        workers,
        #[cfg(feature = "nats")]
        inbox,
        #[cfg(feature = "nats")]
        stream,
        hooks,
        graphql,
    })
}

fn workers(
    config: &Config,
    ground: &Ground,
    shared: &Shared,
    outbound: crate::psa::http::Outbound,
) -> anyhow::Result<Workers> {
    // Nobody needs what a subscriber answers but its status; Standard Webhooks asks to wait for 15 to 30 seconds.
    let subscribers = GuardedClient::new(ClientOptions {
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(15),
        idle_timeout: Duration::from_secs(5),
        max_body: 64 * 1024,
        ..client_options(config)
    })?;
    Ok(Workers::new(
        ground.clone(),
        outbound,
        subscribers,
        shared.metrics.clone(),
        shared.sns.clone(),
        WorkerOptions {
            node: config.node_name.clone(),
            inbox_workers: config.inbox_workers,
            lane_workers: config.lane_workers,
            poll_interval_secs: config.psa_poll_interval_secs,
            public_url: shared.public_url.clone(),
            keep: Keep {
                deliveries_secs: config.keeping.deliveries_secs,
                attempts_secs: config.keeping.attempts_secs,
                events_secs: config.keeping.events_secs,
            },
        },
    ))
}

/// Who is let in: whom this database knows, and at a further one the operators that the first one knows.
fn authenticate(credentials: Credentials, main: Option<Ground>) -> graphql::Authenticate {
    Arc::new(move |ground, token, from| {
        let (credentials, main) = (credentials.clone(), main.clone());
        Box::pin(async move {
            let Some(main) = main else { return credentials.authenticate(ground, token, from).await };
            if !credentials.knows(&main, token).await? {
                return credentials.authenticate(ground, token, from).await;
            }
            let viewer = credentials.authenticate(&main, token, from).await?;
            // Who belongs to an organization is asked for where that one lives.
            if viewer.organization_id().is_some() { Err(NotLetIn::Unknown) } else { Ok(viewer) }
        })
    })
}

/// The doors of all houses.
pub(super) fn doors(
    houses: Vec<House>,
    credentials: Credentials,
) -> anyhow::Result<(WebhookDoors, graphql::Doors)> {
    let mut hooks = Vec::new();
    let mut graphql = Vec::new();
    for house in houses {
        hooks.push(house.hooks);
        graphql.push((house.name, house.graphql));
    }
    let (mut hooks, mut graphql) = (hooks.into_iter(), graphql.into_iter());
    let (Some(hook), Some(first)) = (hooks.next(), graphql.next()) else {
        anyhow::bail!("there is no database")
    };
    let knows: graphql::doors::Knows = Arc::new(move |ground, token| {
        let credentials = credentials.clone();
        Box::pin(async move { credentials.knows(ground, token).await })
    });
    Ok((WebhookDoors::new(hook, hooks.collect()), graphql::Doors::new(first, graphql.collect(), knows)))
}

/// Once a minute until told to stop; the rest is written at the end of everything.
async fn write_down_last_seen(ground: Ground, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(last_seen::EVERY_SECS)) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = last_seen::write_down(&ground).await {
            tracing::warn!(error = %error, "when tokens were last used was not written down; trying again");
        }
    }
}
