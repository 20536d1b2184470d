//! Which addresses may be called: the public internet, and private ones only where the operator allows them.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    str::FromStr,
    sync::Arc,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use url::Host;

use super::addresses::{inner, is_metadata, is_private_network, no_server, not_public};

/// Of how many addresses of one name a connection is tried at the most.
const MOST_ADDRESSES: usize = 16;

/// Which addresses that are not public may be called, for PSAs that stand in the operator's own network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PrivateAddresses {
    /// None.
    #[default]
    None,
    /// All private ones, this machine's own included; never link-local ones, where clouds keep their
    /// metadata. For development and the demo.
    All,
    /// Host names as users type them, addresses, and networks such as `10.1.0.0/16`. Naming is allowing:
    /// whatever stands here may be called, over http and at any port too. Only an address of cloud
    /// metadata has to be named by itself.
    Listed(Vec<String>),
}

/// An address that may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressRefused(pub String);

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network(IpAddr, u32);

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| ())?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim_matches(['[', ']']).parse().map_err(|_| ())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits <= width { Ok(Self(address, bits)) } else { Err(()) }
    }
}

impl Network {
    fn is_one_address(self) -> bool {
        self.1 == if self.0.is_ipv4() { 32 } else { 128 }
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.0, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - self.1;
                u32::from(network).checked_shr(shift) == u32::from(address).checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - self.1;
                u128::from(network).checked_shr(shift) == u128::from(address).checked_shr(shift)
            }
            _ => false,
        }
    }
}

/// Decides about addresses.
#[derive(Debug, Default)]
pub(super) struct Guard {
    all: bool,
    hosts: Vec<String>,
    networks: Vec<Network>,
    /// Where calls go through; it may stand in a private network, because the operator named it.
    proxy: Option<String>,
}

impl Guard {
    pub(super) fn new(allowed: PrivateAddresses, proxy: Option<&str>) -> Self {
        let mut guard = Self { proxy: proxy.map(plain_host), ..Self::default() };
        match allowed {
            PrivateAddresses::None => {}
            PrivateAddresses::All => guard.all = true,
            PrivateAddresses::Listed(entries) => {
                for entry in entries {
                    match entry.trim().parse() {
                        Ok(network) => guard.networks.push(network),
                        Err(()) => guard.hosts.push(plain_host(&entry)),
                    }
                }
            }
        }
        guard
    }

    /// Looks at everything that can be told without a look-up of names.
    pub(super) fn check_url(&self, url: &Url) -> Result<(), AddressRefused> {
        let refuse = |why: String| Err(AddressRefused(why));
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(String::from("an address may not carry a user name or password"));
        }
        let is_plain = match url.scheme() {
            "https" => false,
            "http" => true,
            other => return refuse(format!("addresses start with https, not {other}")),
        };
        // The url crate has turned decimal, octal and hexadecimal forms of addresses into addresses here.
        let is_allowed = match url.host() {
            None => return refuse(String::from("the address names no host")),
            Some(Host::Ipv4(ip)) => self.check_literal(IpAddr::V4(ip))?,
            Some(Host::Ipv6(ip)) => self.check_literal(IpAddr::V6(ip))?,
            Some(Host::Domain(name)) => self.check_name(name)?,
        };
        if is_plain && !is_allowed {
            return refuse(String::from(
                "http sends secrets in the open: use https, or have the operator allow this host by name",
            ));
        }
        // Where mail, shells and databases listen nobody serves a PSA: a request there is somebody's probe.
        match url.port_or_known_default() {
            Some(port) if port == 0 || (port < 1_024 && port != 443 && !is_allowed) => {
                let why = format!("port {port} is not called unless the operator allows this host by name");
                refuse(why)
            }
            _ => Ok(()),
        }
    }

    /// Whether an address may be called: an error where it may not, else whether it is allowed as a
    /// private one.
    fn check_literal(&self, ip: IpAddr) -> Result<bool, AddressRefused> {
        if self.allows(ip) {
            Ok(true)
        } else if let Some(kind) = not_public(ip) {
            Err(refused(&ip.to_string(), kind))
        } else {
            Ok(false)
        }
    }

    /// The same for a name, as far as the name itself tells.
    fn check_name(&self, name: &str) -> Result<bool, AddressRefused> {
        let name = plain_host(name);
        if self.lists_host(&name) {
            return Ok(true);
        }
        if self.proxy.as_ref() == Some(&name) {
            return Err(refused(&name, "the proxy that calls go through"));
        }
        let is_this_machine = name == "localhost" || name.ends_with(".localhost"); // RFC 6761, 6.3
        let own = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        if is_this_machine && !own.into_iter().any(|ip| self.allows(ip)) {
            return Err(refused(&name, "this machine itself"));
        }
        Ok(self.is_own_name(&name))
    }

    /// Addresses where clouds keep credentials are allowed one by one, never as part of a network.
    fn allows(&self, ip: IpAddr) -> bool {
        let ip = inner(ip);
        let listed =
            |network: &Network| network.contains(ip) && (!is_metadata(ip) || network.is_one_address());
        self.networks.iter().any(listed) || (self.all && is_private_network(ip))
    }

    fn lists_host(&self, name: &str) -> bool {
        self.hosts.iter().any(|host| *host == plain_host(name))
    }

    /// Names that mean the operator's own network where all of it is allowed: those that public DNS
    /// cannot hold.
    fn is_own_name(&self, name: &str) -> bool {
        const OWN: [&str; 5] = [".localhost", ".local", ".internal", ".lan", ".home.arpa"];
        self.all && (!name.contains('.') || OWN.iter().any(|end| name.ends_with(end)))
    }

    /// Whether calls go past the proxy: to what stands in the operator's own network.
    pub(super) fn goes_direct(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(ip)) => self.allows(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => self.allows(IpAddr::V6(ip)),
            Some(Host::Domain(name)) => {
                let name = plain_host(name);
                self.lists_host(&name) || self.is_own_name(&name)
            }
            None => false,
        }
    }

    /// The addresses of a name that may be called; an error where none is left.
    fn filter(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, AddressRefused> {
        let is_named = self.lists_host(name) || self.proxy.as_ref() == Some(&plain_host(name));
        let mut kind = None;
        let allowed: Vec<_> = found
            .into_iter()
            .filter(|address| {
                let bad = if is_named { no_server(address.ip()) } else { not_public(address.ip()) };
                let bad = bad.filter(|_| !self.allows(address.ip()));
                kind = kind.or(bad);
                bad.is_none()
            })
            .take(MOST_ADDRESSES)
            .collect();
        match kind {
            Some(kind) if allowed.is_empty() => Err(refused(name, kind)),
            _ => Ok(allowed),
        }
    }
}

fn refused(host: &str, kind: &str) -> AddressRefused {
    AddressRefused(format!(
        "{host} is {kind}, which is not called unless the operator allows it in the configuration"
    ))
}

fn plain_host(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// What is found out about a name, some time later.
pub type Found<'n> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'n>>;

/// Looks names up.
pub trait Names: fmt::Debug + Send + Sync {
    /// The addresses of a name; their port does not count.
    fn look_up<'n>(&'n self, name: &'n str) -> Found<'n>;
}

/// The machine's own look-up: its hosts file, then DNS.
#[derive(Debug)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up<'n>(&'n self, name: &'n str) -> Found<'n> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// Looks names up at the moment of connecting, so that a name cannot be public when checked and private
/// when called.
pub(super) struct GuardedNames {
    pub(super) guard: Arc<Guard>,
    pub(super) names: Arc<dyn Names>,
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, names) = (Arc::clone(&self.guard), Arc::clone(&self.names));
        Box::pin(async move {
            let found = names.look_up(name.as_str()).await?;
            let allowed = guard.filter(name.as_str(), found)?;
            Ok::<Addrs, _>(Box::new(allowed.into_iter()))
        })
    }
}

#[cfg(test)]
mod tests;
