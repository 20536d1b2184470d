//! What an operator can set: read once at the start, checked whole, handed down by `app`.
//!
//! A setting given as a flag counts before the environment (`PSA_GATEWAY_*`, and `DATABASE_URL`), that before
//! the file (`psa-gateway.toml`), that before the default. Names that do not exist are errors. All problems
//! are told at once, each with its next step; secrets are never shown.

mod access;
mod check;
mod forms;
mod graphql;
mod keeping;
mod layers;
mod master_keys;
mod settings;
mod shards;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use access::{ALGORITHMS, DoorSettings, OidcSettings};

use self::{
    check::{Checked, Read},
    layers::Layer,
};
use crate::{
    outbound::Proxy,
    telemetry::{LogFormat, traces::Export},
};

pub use self::{forms::sqlite_url, graphql::GraphqlConfig, keeping::KeepingConfig, shards::MAIN};

/// The part of the gateway that a process does, where it does not do all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Only {
    /// Answer requests; leave the work to other processes on the same database.
    Web,
    /// Do the work; serve nothing but health and metrics.
    Workers,
}

/// What is given on the command line.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The file to read instead of `psa-gateway.toml`.
    pub file: Option<PathBuf>,
    /// Settings by name, in the environment's form.
    pub settings: Vec<(&'static str, String)>,
}

/// Where the master key is.
#[derive(Clone, Debug)]
pub enum MasterKeyAt {
    /// Here.
    Given(SecretString),
    /// In a file that the operator named; it must be there.
    Named(PathBuf),
    /// In the usual file, which is made where it and the database are new.
    Usual {
        /// The file.
        path: PathBuf,
        /// The database's file, where the database is the usual one too: a key made now cannot open it.
        database: Option<PathBuf>,
    },
    /// On a server with HashiCorp Vault's API.
    Vault(Box<KeyServer>),
}

/// A secret on a server with HashiCorp Vault's API, and how to get at it.
#[derive(Clone, Debug)]
pub struct KeyServer {
    /// The secret's address.
    pub url: Url,
    /// What the server knows us by.
    pub token: SecretString,
    /// The namespace, where there are some.
    pub namespace: Option<String>,
    /// The field that holds the current key.
    pub field: String,
    /// The fields that hold further keys.
    pub previous_fields: Vec<String>,
    /// Certificates of the server's authority.
    pub authority: Option<PathBuf>,
}

/// Master keys that open but seal nothing new.
#[derive(Clone, Debug, Default)]
pub struct PreviousKeys {
    /// Keys.
    pub given: Vec<SecretString>,
    /// Files that hold one each.
    pub files: Vec<PathBuf>,
}

/// A setting that somebody gave a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its name.
    pub name: &'static str,
    /// Its value; of a secret only that there is one.
    pub value: String,
    /// Who said it, e.g. `environment PSA_GATEWAY_LISTEN`.
    pub origin: String,
}

/// Every setting. `psa-gateway check-config --print` shows what each one does.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP is served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where others reach the gateway, if that was said: see [`Config::public_url_at`].
    pub public_url: Option<Url>,
    /// The gateway's own folder, absolute.
    pub data_dir: PathBuf,
    /// Connections to the database at the most.
    pub database_max_connections: u32,
    /// Where NATS is, where webhooks go through a stream; may hold a password.
    pub nats_url: Option<SecretString>,
    /// The stream's name.
    pub nats_stream: String,
    /// Where the master key is.
    pub master_key: MasterKeyAt,
    /// Further master keys.
    pub master_keys_previous: PreviousKeys,
    /// Whether browsers are shown GraphiQL.
    pub graphiql: bool,
    /// Where GraphiQL's files are.
    pub graphiql_assets: String,
    /// Whether the schema can be asked for; always where GraphiQL is shown.
    pub introspection: bool,
    /// The longest GraphQL request, in bytes.
    pub graphql_max_body_bytes: usize,
    /// How far GraphQL requests may go, and who may send them from a browser.
    pub graphql: GraphqlConfig,
    /// The longest message that a WebSocket client may send, in bytes.
    pub graphql_socket_message_bytes: usize,
    /// Operations under way on one WebSocket at the most.
    pub graphql_socket_operations: usize,
    /// WebSockets and event streams at the most.
    pub graphql_sockets: usize,
    /// … of one organization.
    pub graphql_sockets_per_organization: usize,
    /// … of one token or member.
    pub graphql_sockets_per_token: usize,
    /// How often the token of an open one is looked at again, in seconds.
    pub graphql_socket_recheck_secs: i64,
    /// How long a GraphQL request may take, in seconds.
    pub request_timeout_secs: u64,
    /// The longest webhook, in bytes.
    pub webhook_max_body_bytes: usize,
    /// How long a webhook's body may take, in seconds.
    pub webhook_body_timeout_secs: u64,
    /// How far a signature's time may lie from ours, in seconds.
    pub webhook_tolerance_secs: i64,
    /// Hosts, addresses and networks in private networks that may be called; or only `*`.
    pub psa_private_addresses: Vec<String>,
    /// How long a call to a PSA may take, in seconds.
    pub psa_timeout_secs: u64,
    /// How often a PSA is asked what has changed, in seconds.
    pub psa_poll_interval_secs: i64,
    /// Calls in a platform's own window, by key of the platform, where the usual number does not suit.
    pub psa_calls: BTreeMap<String, u32>,
    /// The address of this machine that calls come from.
    pub outbound_address: Option<IpAddr>,
    /// What public addresses are called through.
    pub outbound_proxy: Option<Proxy>,
    /// What ConnectWise knows this gateway by.
    pub connectwise_client_id: Option<SecretString>,
    /// How many workers decide deliveries.
    pub inbox_workers: usize,
    /// How many connections are served at the same time.
    pub lane_workers: usize,
    /// Whose tokens dashboards may bring instead of access tokens.
    pub oidc: Option<OidcSettings>,
    /// How many requests are let in, and who says where they come from.
    pub doors: DoorSettings,
    /// How long what came and went is kept.
    pub keeping: KeepingConfig,
    /// How long requests are still taken before a stop, in seconds.
    pub shutdown_notice_secs: u64,
    /// How long work may take to end at a stop, in seconds.
    pub shutdown_grace_secs: u64,
    /// This node's name.
    pub node_name: String,
    /// How logs are written.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    /// Where traces go, if anywhere.
    pub otel: Option<Export>,
    /// What is not as by default, and who said so.
    pub chosen: Vec<Chosen>,
    database_url: SecretString,
    shards: Vec<shards::ShardAt>,
    shard: shards::Shard,
}

/// Everything that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the configuration cannot be used:\n{}\nAll settings: psa-gateway check-config --print",
    .0.iter().map(|problem| format!("  - {problem}")).collect::<Vec<_>>().join("\n")
)]
pub struct ConfigErrors(pub Vec<String>);

impl Config {
    /// Reads flags, environment and file.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigErrors> {
        Self::read(overrides, &environment())
    }

    /// Takes settings by name, and neither environment nor file: for the demo and for tests.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Result<Self, ConfigErrors> {
        let mut problems = Vec::new();
        let given = Layer::of_pairs(pairs, str::to_owned, &mut problems);
        Self::check(vec![given], problems)
    }

    fn read(overrides: &Overrides, variables: &[(OsString, OsString)]) -> Result<Self, ConfigErrors> {
        let mut problems = Vec::new();
        let flags = overrides.settings.iter().map(|(name, value)| (*name, value.clone()));
        let flag = |name: &str| format!("flag --{}", name.replace('_', "-"));
        let mut layers = vec![
            Layer::of_pairs(flags, flag, &mut problems),
            Layer::of_environment(variables, &mut problems),
        ];
        if let Some((path, text)) = layers::file(overrides.file.as_ref(), variables, &mut problems) {
            layers.push(Layer::of_file(&path, &text, &mut problems));
        }
        Self::check(layers, problems)
    }

    fn check(layers: Vec<Layer>, problems: Vec<String>) -> Result<Self, ConfigErrors> {
        let Checked { config, problems } = Read::new(layers, problems).all();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigErrors(problems)),
        }
    }

    /// Every setting with its default and what it does, as a file that could be used as it is.
    pub fn print_documented() -> String {
        settings::print()
    }

    /// The database's address. May hold a password: not for logs.
    pub fn database_url(&self) -> &str {
        self.database_url.expose_secret()
    }

    /// Under which address others reach a gateway that listens there.
    pub fn public_url_at(&self, listening: SocketAddr) -> String {
        if let Some(url) = &self.public_url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        let ip = match listening.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, listening.port()))
    }

    /// Makes the gateway's folder where something is to be kept in it; only its owner may look into it.
    pub fn prepare_data_dir(&self) -> std::io::Result<()> {
        let keeps_key = matches!(self.master_key, MasterKeyAt::Usual { .. });
        if !keeps_key && !self.database_url().starts_with("sqlite:") || self.data_dir.is_dir() {
            return Ok(());
        }
        let mut folder = std::fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.data_dir).map_err(|error| {
            std::io::Error::new(
                error.kind(),
                format!(
                    "the folder {} cannot be made: {error}; name another (--data-dir, PSA_GATEWAY_DATA_DIR)",
                    self.data_dir.display()
                ),
            )
        })
    }
}

/// The secret that `psa-gateway sign` takes from the environment: `PSA_GATEWAY_SIGNING_SECRET`, or the
/// content of the file that `PSA_GATEWAY_SIGNING_SECRET_FILE` names.
pub fn signing_secret() -> Result<Option<SecretString>, String> {
    let variables = environment();
    let find = |name: &str| {
        variables.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value)
    };
    if let Some(secret) = find("PSA_GATEWAY_SIGNING_SECRET") {
        let text = secret.to_str().ok_or("PSA_GATEWAY_SIGNING_SECRET is not UTF-8 text")?;
        return Ok(Some(text.to_owned().into()));
    }
    find("PSA_GATEWAY_SIGNING_SECRET_FILE").map(|path| layers::secret_file(Path::new(path))).transpose()
}

/// The content of a file that holds one secret, white space around it left off.
pub fn secret_in_file(path: &Path) -> Result<SecretString, String> {
    layers::secret_file(path)
}

#[expect(clippy::disallowed_methods, reason = "the one home of the environment")]
fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}
