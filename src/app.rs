//! Builds everything once; every route on one page.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App as Routes, HttpServer, dev::ServerHandle, middleware::from_fn, web};
use anyhow::Context as _;
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Chance, Clock},
    config::{Config, MasterKeyAt, Only},
    db::Db,
    error::Error,
    graphql,
    ground::{EndpointCache, Ground, Wake},
    health,
    metrics::Metrics,
    organizations::tokens,
    psa::http::{Outbound, OutboundOptions, PrivateAddresses},
    queue::inbox::Inbox,
    request_id,
    vault::{MasterKey, Vault, key_file},
    webhooks::{self, WebhookDoor},
    workers::{WorkerOptions, Workers},
};

/// A running gateway.
pub struct App {
    /// What it works with.
    pub ground: Ground,
    /// Its workers; they run by themselves unless they were left to be stepped.
    pub workers: Workers,
    address: SocketAddr,
    server: ServerHandle,
    tasks: Vec<JoinHandle<()>>,
    stop: CancellationToken,
    grace: Duration,
}

/// What tests put in place of the machine's own.
#[derive(Clone, Debug, Default)]
pub struct Seams {
    /// Time.
    pub clock: Clock,
    /// Chance.
    pub chance: Chance,
    /// Workers do not run by themselves: somebody calls [`Workers::step`].
    pub is_stepped: bool,
}

/// Opens the database, brings its tables up to date and opens the vault.
pub async fn ground(config: &Config, seams: &Seams) -> anyhow::Result<Ground> {
    config.prepare_data_dir()?;
    // Before the database: a key that is missing beside an older database was lost, not never made.
    let master = master_key(config, &seams.chance)?;
    let db = Db::connect(config.database_url(), config.database_max_connections)
        .await
        .context("the database cannot be opened; is the address right, and does it run?")?;
    db.migrate().await.context("the database's tables cannot be brought up to date")?;
    let (clock, chance) = (seams.clock.clone(), seams.chance.clone());
    let vault = Vault::open(db.reader(), master, clock.clone(), chance.clone()).await?;
    Ok(Ground { db, clock, chance, vault, wake: Wake::default(), endpoints: EndpointCache::default() })
}

/// The key given, or the one in the data folder, made there at the first start.
fn master_key(config: &Config, chance: &Chance) -> anyhow::Result<MasterKey> {
    Ok(match &config.master_key {
        MasterKeyAt::Given(key) => MasterKey::parse(key).map_err(anyhow::Error::msg)?,
        MasterKeyAt::Named(path) => key_file::read(path)?,
        MasterKeyAt::Usual { path, database } => {
            if let Some(database) = database.as_ref().filter(|database| database.exists() && !path.exists()) {
                anyhow::bail!(
                    "the master key {} is gone, and the secrets in {} open with no other; restore it from your copy",
                    path.display(),
                    database.display()
                );
            }
            if key_file::make(path, chance)? {
                tracing::info!(path = %path.display(), "made a master key; keep a copy apart from the database");
            }
            key_file::read(path)?
        }
    })
}

fn private_addresses(config: &Config) -> PrivateAddresses {
    match config.psa_private_addresses.as_slice() {
        [] => PrivateAddresses::None,
        [all] if all == "*" => PrivateAddresses::All,
        listed => PrivateAddresses::Listed(listed.to_vec()),
    }
}

/// What vendors know this gateway by.
fn own_ids(config: &Config) -> BTreeMap<&'static str, SecretString> {
    config.connectwise_client_id.clone().into_iter().map(|id| ("connectwise_client_id", id)).collect()
}

impl App {
    /// Starts everything; returns once requests are answered.
    pub async fn start(config: &Config, only: Option<Only>, seams: Seams) -> anyhow::Result<Self> {
        let ground = ground(config, &seams).await?;
        let metrics = Metrics::new();
        let outbound = Outbound::new(OutboundOptions {
            clock: ground.clock.clone(),
            allow_private: private_addresses(config),
            timeout: Duration::from_secs(config.psa_timeout_secs),
            own_ids: own_ids(config),
            calls_allowed: config.psa_calls.clone(),
            ..OutboundOptions::default()
        })?;
        // Bound first: endpoints' addresses may name the port.
        let listener = std::net::TcpListener::bind(config.listen).with_context(|| {
            format!("cannot listen on {}; is another program there? (--listen)", config.listen)
        })?;
        let address = listener.local_addr()?;
        let public_url = config.public_url_at(address);
        let workers = Workers::new(
            ground.clone(),
            outbound.clone(),
            metrics.clone(),
            WorkerOptions {
                node: config.node_name.clone(),
                inbox_workers: config.inbox_workers,
                lane_workers: config.lane_workers,
                poll_interval_secs: config.psa_poll_interval_secs,
                public_url: public_url.clone(),
            },
        );
        let stop = CancellationToken::new();
        let mut tasks = Vec::new();
        if only != Some(Only::Web) && !seams.is_stepped {
            let (workers, stop) = (workers.clone(), stop.clone());
            tasks.push(tokio::spawn(async move { workers.run(stop).await }));
        }
        let door = WebhookDoor {
            ground: ground.clone(),
            inbox: Inbox::start(ground.clone()),
            metrics: metrics.clone(),
            max_body: config.webhook_max_body_bytes,
            body_timeout: Duration::from_secs(config.webhook_body_timeout_secs),
            tolerance_secs: config.webhook_tolerance_secs,
        };
        let graphql = graphql::Door::new(
            ground.clone(),
            graphql::Outside { outbound, public_url },
            Arc::new(|ground, token| {
                Box::pin(async move { tokens::authenticate(ground, token).await?.ok_or(Error::NotFound) })
            }),
            graphql::Settings {
                max_body_bytes: config.graphql_max_body_bytes,
                timeout: Duration::from_secs(config.request_timeout_secs),
                limits: graphql::Limits { introspection: config.introspection, ..graphql::Limits::default() },
                graphiql: config.graphiql.then(|| config.graphiql_assets.clone()),
            },
        );
        let with_web = only != Some(Only::Workers);
        let (ground_data, metrics_data) = (web::Data::new(ground.clone()), web::Data::new(metrics));
        let (door, graphql) = (web::Data::new(door), web::Data::new(graphql));
        let server = HttpServer::new(move || {
            Routes::new()
                .wrap(from_fn(request_id::middleware))
                .app_data(ground_data.clone())
                .app_data(metrics_data.clone())
                .app_data(door.clone())
                .app_data(graphql.clone())
                .service(web::resource("/health/live").get(health::live))
                .service(web::resource("/health/ready").get(health::ready))
                .service(web::resource("/metrics").get(health::metrics))
                .configure(|routes| {
                    if with_web {
                        routes
                            .service(web::resource("/graphql").route(web::route().to(graphql::serve)))
                            .service(web::resource("/webhooks/{key}").post(webhooks::receive));
                    }
                })
        })
        .client_request_timeout(Duration::from_secs(10))
        .keep_alive(Duration::from_secs(75))
        .shutdown_timeout(config.shutdown_grace_secs)
        .disable_signals()
        .listen(listener)?;
        let running = server.run();
        let server = running.handle();
        tasks.push(tokio::spawn(async move {
            if let Err(error) = running.await {
                tracing::error!(error = %error, "the server stopped");
            }
        }));
        Ok(Self {
            ground,
            workers,
            address,
            server,
            tasks,
            stop,
            grace: Duration::from_secs(config.shutdown_grace_secs),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops taking requests, finishes what was begun within the grace time, gives leases back and closes
    /// the database.
    pub async fn stop(self) {
        self.stop.cancel();
        self.server.stop(true).await;
        for task in self.tasks {
            let abort = task.abort_handle();
            if tokio::time::timeout(self.grace, task).await.is_err() {
                tracing::warn!(
                    "work in progress did not end in time; its lease runs out and another takes it up"
                );
                abort.abort();
            }
        }
        if let Err(error) = self.ground.db.close().await {
            tracing::warn!(error = %error, "the database was not closed cleanly");
        }
    }
}

/// Runs the gateway until it is told to stop (SIGTERM or Ctrl-C).
pub async fn run(config: Config, only: Option<Only>) -> anyhow::Result<()> {
    let app = App::start(&config, only, Seams::default()).await?;
    tracing::info!(
        address = %app.address(),
        data_dir = %config.data_dir.display(),
        database = if app.ground.db.is_sqlite() { "SQLite" } else { "PostgreSQL" },
        "PSA Gateway is running; GraphQL at /graphql, webhooks at /webhooks/…"
    );
    if let Some(token) = tokens::first_administrator(&app.ground).await? {
        announce(&token);
    }
    stopped().await?;
    tracing::info!("stopping: no new requests; finishing what was begun");
    app.stop().await;
    tracing::info!("stopped");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "shown once, to the person who starts the gateway, and never logged")]
fn announce(token: &SecretString) {
    use secrecy::ExposeSecret as _;
    println!("\nFirst administrator token (shown only now):\n\n    {}\n", token.expose_secret());
}

/// Waits for SIGTERM or Ctrl-C.
pub async fn stopped() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            result = tokio::signal::ctrl_c() => result?,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphiql_loads_from_where_its_pinned_files_are() {
        // Settings know nothing of doors, so the address stands in both.
        let config = Config::from_pairs([]).unwrap();
        assert_eq!(config.graphiql_assets, graphql::graphiql::DEFAULT_ASSETS);
    }
}
