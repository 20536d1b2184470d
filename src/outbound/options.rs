//! How the one HTTP client of the gateway is made.

use std::{
    fmt,
    net::{IpAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::guard::{Guard, GuardedNames, Names, PrivateAddresses, SystemNames};

/// How calls go out.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Which addresses that are not public may be called.
    pub allow_private: PrivateAddresses,
    /// How long a connection, look-up of the name and TLS included, may take to stand.
    pub connect_timeout: Duration,
    /// How long a call may take from its start to the last byte of its answer.
    pub timeout: Duration,
    /// How long an answer that has begun may stand still.
    pub idle_timeout: Duration,
    /// The longest answer, in bytes after decompression.
    pub max_body: usize,
    /// What we call ourselves.
    pub user_agent: String,
    /// The address of this machine that calls come from; the system's choice where none is named.
    pub local_address: Option<IpAddr>,
    /// What public addresses are called through; none of the environment's is used.
    pub proxy: Option<Proxy>,
    /// Certificates (PEM) of authorities that are trusted beside the system's.
    pub authorities: Option<Vec<u8>>,
    /// Looks names up.
    pub names: Arc<dyn Names>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            allow_private: PrivateAddresses::None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(15),
            max_body: 8 * 1024 * 1024,
            user_agent: format!("PSA-Gateway/{}", env!("CARGO_PKG_VERSION")),
            local_address: None,
            proxy: None,
            authorities: None,
            names: Arc::new(SystemNames),
        }
    }
}

/// An HTTP proxy of the operator's own. It looks names up by itself: what it must not reach, it must refuse.
#[derive(Clone)]
pub struct Proxy {
    url: Url,
    login: Option<(String, SecretString)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Reads `http://proxy.example:3128`, with `user:password@` before the host where it asks for that.
    pub fn parse(text: &SecretString) -> Option<Self> {
        let mut url = Url::parse(text.expose_secret().trim()).ok()?;
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_bare {
            return None;
        }
        let decoded =
            |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let login = (!url.username().is_empty())
            .then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default()).into()));
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        Some(Self { url, login })
    }

    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS cannot be set up.
    #[error("no HTTP client can be made (are certificates of authorities installed?): {0}")]
    Client(#[from] reqwest::Error),
    /// The address that calls are to come from is not this machine's.
    #[error("calls cannot come from {0}: {1}; name an address of this machine (outbound_address)")]
    Address(IpAddr, std::io::Error),
}

/// The one place where a client is made.
#[expect(clippy::disallowed_methods, reason = "the one home of calls to the outside")]
pub(super) fn client(guard: &Arc<Guard>, options: &ClientOptions) -> Result<reqwest::Client, ClientError> {
    // An error says that a provider stands already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Some(address) = options.local_address {
        TcpListener::bind((address, 0)).map_err(|error| ClientError::Address(address, error))?;
    }
    let names = GuardedNames { guard: Arc::clone(guard), names: Arc::clone(&options.names) };
    let mut builder = reqwest::Client::builder()
        .dns_resolver(names)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .gzip(true)
        // Repeating is the outbox's decision: it knows which calls may be repeated.
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout)
        // Short, because a write on a connection that the server has just given up is of unknown fate.
        .pool_idle_timeout(Duration::from_secs(15))
        .pool_max_idle_per_host(8)
        .local_address(options.local_address)
        .user_agent(&options.user_agent);
    if let Some(proxy) = &options.proxy {
        builder = builder.proxy(through(proxy, guard));
    }
    if let Some(pem) = &options.authorities {
        builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem)?);
    }
    Ok(builder.build()?)
}

fn through(proxy: &Proxy, guard: &Arc<Guard>) -> reqwest::Proxy {
    let (url, guard) = (proxy.url.clone(), Arc::clone(guard));
    let made = reqwest::Proxy::custom(move |called| (!guard.goes_direct(called)).then(|| url.clone()));
    match &proxy.login {
        Some((user, password)) => made.basic_auth(user, password.expose_secret()),
        None => made,
    }
}
