//! Builds everything once; every route on one page.

pub mod backup;
mod crew;
pub mod doctor;
mod graphql_settings;
mod house;
pub mod keys;
mod leaving;
pub mod shards;
#[cfg(feature = "nats")]
mod stream;
mod time;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App as Routes, HttpServer, dev::ServerHandle, guard::fn_guard, middleware::from_fn, web};
use anyhow::Context as _;
use futures_util::future::BoxFuture;
use secrecy::SecretString;

use self::crew::Crew;
use crate::{
    clock::{Chance, Clock},
    config::{Config, Only},
    db::Db,
    entrance::{self, Credentials, Entrance, EntranceLimits},
    graphql::{
        self,
        streams::{serve_events, serve_socket, wants_socket},
    },
    ground::Ground,
    health,
    identity::{self, Provider, ProviderOptions},
    metrics::Metrics,
    organizations::{last_seen, tokens},
    outbound::{ClientOptions, PrivateAddresses},
    psa::http::{Outbound, OutboundOptions},
    request_id,
    scanners::signature::sns,
    security_headers,
    vault::Vault,
    webhooks,
    workers::Workers,
};

/// A running gateway.
pub struct App {
    /// What it works with: the installation's first database.
    pub ground: Ground,
    /// Its workers; they run by themselves unless they were left to be stepped.
    pub workers: Workers,
    /// Every database of the installation and its workers, by name; the first one, too.
    pub shards: Vec<(String, Ground, Workers)>,
    address: SocketAddr,
    server: ServerHandle,
    /// What works whether anybody asks or not.
    work: Crew,
    /// What those need who ask.
    service: Crew,
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
    /// What Amazon SNS is called by.
    pub amazon: Option<Arc<dyn sns::Fetch>>,
}

async fn connect(config: &Config) -> anyhow::Result<Db> {
    connect_to(config, config.database_url()).await
}

async fn connect_to(config: &Config, url: &str) -> anyhow::Result<Db> {
    Db::connect(url, config.database_max_connections)
        .await
        .context("the database cannot be opened; is the address right, and does it run?")
}

/// Opens the database, brings its tables up to date and opens the vault.
pub fn ground<'a>(config: &'a Config, seams: &'a Seams) -> BoxFuture<'a, anyhow::Result<Ground>> {
    Box::pin(open(config, seams))
}

async fn open(config: &Config, seams: &Seams) -> anyhow::Result<Ground> {
    config.prepare_data_dir()?;
    ground_at(config, config.database_url(), seams).await
}

/// The same on another database than the configured one.
async fn ground_at(config: &Config, url: &str, seams: &Seams) -> anyhow::Result<Ground> {
    // Before the database: a key that is missing beside an older database was lost, not never made.
    let masters = keys::master_keys(config, &seams.chance).await?;
    let db = connect_to(config, url).await?;
    db.migrate().await.context("the database's tables cannot be brought up to date")?;
    if let Some(main) = config.main_database_url() {
        shards::join(config, seams, &db, main).await?;
    }
    let (clock, chance) = (seams.clock.clone(), seams.chance.clone());
    let vault = Vault::open(db.reader(), masters, clock.clone(), chance.clone()).await?;
    Ok(Ground::new(db, clock, chance, vault))
}

fn private_addresses(config: &Config) -> PrivateAddresses {
    match config.psa_private_addresses.as_slice() {
        [] => PrivateAddresses::None,
        [all] if all == "*" => PrivateAddresses::All,
        listed => PrivateAddresses::Listed(listed.to_vec()),
    }
}

/// What the operator says about every call to the outside.
fn client_options(config: &Config) -> ClientOptions {
    ClientOptions {
        allow_private: private_addresses(config),
        local_address: config.outbound_address,
        proxy: config.outbound_proxy.clone(),
        ..ClientOptions::default()
    }
}

/// What vendors know this gateway by.
fn own_ids(config: &Config) -> BTreeMap<&'static str, SecretString> {
    config.connectwise_client_id.clone().into_iter().map(|id| ("connectwise_client_id", id)).collect()
}

/// How PSAs are called.
fn outbound(config: &Config, clock: &Clock) -> anyhow::Result<Outbound> {
    Ok(Outbound::new(OutboundOptions {
        clock: clock.clone(),
        client: ClientOptions {
            timeout: Duration::from_secs(config.psa_timeout_secs),
            ..client_options(config)
        },
        own_ids: own_ids(config),
        calls_allowed: config.psa_calls.clone(),
    })?)
}

/// The identity provider, where there is one. Naming a host is allowing it: it may stand in the operator's own
/// network.
fn provider(config: &Config, ground: &Ground) -> anyhow::Result<Option<Provider>> {
    let Some(oidc) = &config.oidc else { return Ok(None) };
    let issuer = url::Url::parse(&oidc.issuer)?;
    let named = [Some(&issuer), oidc.jwks_url.as_ref()].into_iter().flatten();
    let hosts = named.filter_map(|url| url.host_str().map(str::to_owned)).collect();
    let provider = Provider::new(
        ProviderOptions {
            issuer: oidc.issuer.clone(),
            audiences: oidc.audiences.clone(),
            keys_url: oidc.jwks_url.clone(),
            algorithms: oidc
                .algorithms
                .iter()
                .filter_map(|name| identity::Algorithm::of_name(name))
                .collect(),
            claims: identity::ClaimNames {
                organization: oidc.organization_claim.clone(),
                role: oidc.role_claim.clone(),
                name: oidc.name_claim.clone(),
                email: oidc.email_claim.clone(),
            },
            roles: identity::Roles { given: oidc.roles.clone(), operator: oidc.operator_value.clone() },
            trusts_email: oidc.trusts_email,
            client: ClientOptions {
                allow_private: PrivateAddresses::Listed(hosts),
                connect_timeout: Duration::from_secs(3),
                timeout: Duration::from_secs(5),
                max_body: 512 * 1024,
                ..client_options(config)
            },
        },
        ground.clock.clone(),
    )?;
    Ok(Some(provider))
}

/// An address that senders post to, and may ask about before.
fn webhook(path: &str) -> actix_web::Resource {
    web::resource(path)
        .post(webhooks::receive)
        .route(web::method(actix_web::http::Method::OPTIONS).to(webhooks::greet))
}

impl App {
    /// Starts everything; returns once requests are answered.
    // In a box, as what follows: so it is compiled here, and not once more in each program that calls it.
    pub fn start(config: &Config, only: Option<Only>, seams: Seams) -> BoxFuture<'_, anyhow::Result<Self>> {
        Box::pin(Self::begin(config, only, seams))
    }

    async fn begin(config: &Config, only: Option<Only>, seams: Seams) -> anyhow::Result<Self> {
        let metrics = Metrics::new();
        let (mut work, mut service) = (Crew::default(), Crew::default());
        let mut grounds = Vec::new();
        for config in config.of_each_shard() {
            grounds.push(house::open(config, &seams).await?);
        }
        let [(_, ground), ..] = grounds.as_slice() else { anyhow::bail!("there is no database") };
        let ground = ground.clone();
        // Bound before the rest, and not before the databases are there: endpoints' addresses may name the port.
        let listener = std::net::TcpListener::bind(config.listen).with_context(|| {
            format!("cannot listen on {}; is another program there? (--listen)", config.listen)
        })?;
        let address = listener.local_addr()?;
        let public_url = config.public_url_at(address);
        let doors = &config.doors;
        let limits = EntranceLimits {
            per_address_per_sec: doors.per_address_per_sec,
            per_token_per_sec: doors.per_token_per_sec,
            per_endpoint_per_sec: doors.per_endpoint_per_sec,
            burst_secs: doors.burst_secs,
        };
        let entrance = Entrance::new(ground.clock.clone(), doors.proxies.clone(), limits);
        let provider = provider(config, &ground)?;
        if only != Some(Only::Workers)
            && !seams.is_stepped
            && let Some(provider) = provider.clone()
        {
            service.begin(|stop| async move { provider.run(stop).await });
        }
        let sns = match seams.amazon.clone() {
            Some(amazon) => sns::Desk::calling(ground.clock.clone(), amazon),
            None => sns::Desk::new(ground.clock.clone(), client_options(config))?,
        };
        let credentials = Credentials { entrance: entrance.clone(), provider, metrics: metrics.clone() };
        let graphql = graphql_settings::of(config)?;
        let shared = house::Shared {
            metrics: metrics.clone(),
            sns,
            credentials: credentials.clone(),
            public_url: public_url.clone(),
            graphs: graphql::Graphs::new(&public_url, &metrics, &graphql.limits),
            graphql,
            main: ground.clone(),
            only,
            is_stepped: seams.is_stepped,
        };
        let mut houses = Vec::new();
        for (config, ground) in grounds {
            houses.push(house::furnish(config, ground, &shared, (&mut work, &mut service)).await?);
        }
        #[cfg(feature = "nats")]
        stream::empty(&houses, only, &mut work);
        let streams = graphql::streams::Streams::new(
            graphql::streams::Settings {
                max_message_bytes: config.graphql_socket_message_bytes,
                operations: config.graphql_socket_operations,
                connections: config.graphql_sockets,
                per_organization: config.graphql_sockets_per_organization,
                per_asker: config.graphql_sockets_per_token,
                recheck_secs: config.graphql_socket_recheck_secs,
                public_url: public_url.clone(),
                origins: config.graphql.cors_origins.clone(),
                ..graphql::streams::Settings::default()
            },
            work.stop(),
        );
        let shards: Vec<_> = houses
            .iter()
            .map(|house| (house.name.clone(), house.ground.clone(), house.workers.clone()))
            .collect();
        let Some((_, _, workers)) = shards.first().cloned() else { anyhow::bail!("there is no database") };
        let (hooks, graphql) = house::doors(houses, credentials)?;
        let with_web = only != Some(Only::Workers);
        let (ground_data, metrics_data) = (web::Data::new(ground.clone()), web::Data::new(metrics));
        let shards_data = web::Data::new(health::Shards(
            shards.iter().map(|(name, ground, _)| (name.clone(), ground.clone())).collect(),
        ));
        let (hooks, graphql) = (web::Data::new(hooks), web::Data::new(graphql));
        let streams = web::Data::new(streams);
        let entrance = web::Data::new(entrance);
        let server = HttpServer::new(move || {
            Routes::new()
                .wrap(from_fn(graphql::gate))
                .wrap(from_fn(entrance::middleware))
                .wrap(from_fn(request_id::middleware))
                .wrap(security_headers::of(&public_url))
                .wrap(from_fn(leaving::middleware))
                .app_data(ground_data.clone())
                .app_data(shards_data.clone())
                .app_data(metrics_data.clone())
                .app_data(hooks.clone())
                .app_data(entrance.clone())
                .app_data(graphql.clone())
                .app_data(streams.clone())
                .service(web::resource("/health/live").get(health::live))
                .service(web::resource("/health/ready").get(health::ready))
                .service(web::resource("/metrics").get(health::metrics))
                .configure(|routes| {
                    if with_web {
                        routes
                            .service(
                                web::resource("/graphql")
                                    .wrap(from_fn(graphql::cors::middleware))
                                    .route(web::get().guard(fn_guard(wants_socket)).to(serve_socket))
                                    .route(web::route().to(graphql::serve)),
                            )
                            .service(
                                web::resource("/graphql/graphiql")
                                    .app_data(web::FormConfig::default().limit(8 * 1_024))
                                    .post(graphql::browser::sign_in),
                            )
                            .service(
                                web::resource("/graphql/stream")
                                    .wrap(from_fn(graphql::cors::middleware))
                                    .route(web::route().to(serve_events)),
                            )
                            .service(webhook("/webhooks/{key}"))
                            .service(webhook("/webhooks/{key}/{secret}"));
                    }
                })
        })
        .client_request_timeout(Duration::from_secs(10))
        // A client that has closed its side has left: what it asked for is given up.
        .h1_allow_half_closed(false)
        .keep_alive(Duration::from_secs(75))
        .shutdown_timeout(config.shutdown_grace_secs)
        .disable_signals()
        .listen(listener)?;
        let running = server.run();
        let server = running.handle();
        service.begin(|_| async move {
            if let Err(error) = running.await {
                tracing::error!(error = %error, "the server stopped");
            }
        });
        Ok(Self {
            ground,
            shards,
            workers,
            address,
            server,
            work,
            service,
            grace: Duration::from_secs(config.shutdown_grace_secs),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Finishes what was begun within the grace time and gives leases back, stops taking requests and answers those that
    /// were taken, and closes the database.
    pub fn stop(self) -> BoxFuture<'static, ()> {
        Box::pin(self.end())
    }

    async fn end(self) {
        // A connection to the database is gone with the thread of the server that opened it: what works ends before.
        self.work.end(self.grace).await;
        leaving::close(&self.server, &self.ground, self.grace).await;
        for (shard, ground, _) in &self.shards {
            if let Err(error) = last_seen::write_down(ground).await {
                tracing::warn!(shard, error = %error, "when tokens were last used was not written down");
            }
        }
        self.server.stop(true).await;
        self.service.end(self.grace).await;
        for (shard, ground, _) in self.shards {
            if let Err(error) = ground.db.close().await {
                tracing::warn!(shard, error = %error, "the database was not closed cleanly");
            }
        }
    }
}

/// Runs the gateway until it is told to stop (SIGTERM or Ctrl-C).
pub fn run(config: Config, only: Option<Only>) -> BoxFuture<'static, anyhow::Result<()>> {
    Box::pin(until_stopped(config, only))
}

async fn until_stopped(config: Config, only: Option<Only>) -> anyhow::Result<()> {
    // Heard from the first request on: whoever can see that it runs can also stop it.
    let stopped = stopped()?;
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
    stopped.await;
    leaving::give_notice(&app.ground, Duration::from_secs(config.shutdown_notice_secs)).await;
    tracing::info!("stopping: finishing what was begun");
    app.stop().await;
    tracing::info!("stopped");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "shown once, to the person who starts the gateway, and never logged")]
fn announce(token: &SecretString) {
    use secrecy::ExposeSecret as _;
    println!("\nFirst administrator token (shown only now):\n\n    {}\n", token.expose_secret());
}

/// Listens for SIGTERM and Ctrl-C from now on; waiting for the result waits for one of them.
pub fn stopped() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(windows)]
    {
        let mut interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(async move {
            interrupt.recv().await;
        })
    }
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

    #[test]
    fn every_algorithm_that_can_be_set_is_one_that_is_known() {
        for name in crate::config::ALGORITHMS {
            assert!(identity::Algorithm::of_name(name).is_some(), "{name}");
        }
    }
}
