//! Which addresses may be called: the public internet, and private ones only where the operator allows them.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use url::Host;

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
    /// whatever stands here may be called, over http too.
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
}

impl Guard {
    pub(super) fn new(allowed: PrivateAddresses) -> Self {
        let mut guard = Self::default();
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
        let plain_is_allowed = match url.host() {
            None => return refuse(String::from("the address names no host")),
            Some(Host::Ipv4(ip)) => self.check_literal(IpAddr::V4(ip))?,
            Some(Host::Ipv6(ip)) => self.check_literal(IpAddr::V6(ip))?,
            Some(Host::Domain(name)) => self.is_own_name(name),
        };
        if is_plain && !plain_is_allowed {
            return refuse(String::from(
                "http sends secrets in the open: use https, or have the operator allow this host by name",
            ));
        }
        Ok(())
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

    fn allows(&self, ip: IpAddr) -> bool {
        let ip = inner(ip);
        self.networks.iter().any(|network| network.contains(ip)) || (self.all && is_private_network(ip))
    }

    fn lists_host(&self, name: &str) -> bool {
        self.hosts.iter().any(|host| *host == plain_host(name))
    }

    /// Names that mean the operator's own network: listed ones, and where all is allowed those that
    /// public DNS cannot hold.
    fn is_own_name(&self, name: &str) -> bool {
        const OWN: [&str; 5] = [".localhost", ".local", ".internal", ".lan", ".home.arpa"];
        let name = plain_host(name);
        self.lists_host(&name)
            || (self.all && (!name.contains('.') || OWN.iter().any(|end| name.ends_with(end))))
    }

    /// The addresses of a name that may be called; an error where none is left.
    fn filter(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, AddressRefused> {
        if self.lists_host(name) {
            return Ok(found);
        }
        let mut kind = None;
        let allowed: Vec<_> = found
            .into_iter()
            .filter(|address| {
                let bad = not_public(address.ip()).filter(|_| !self.allows(address.ip()));
                kind = kind.or(bad);
                bad.is_none()
            })
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

/// Looks names up at the moment of connecting, so that a name cannot be public when checked and private
/// when called.
pub(super) struct GuardedNames(pub(super) Arc<Guard>);

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = guard.filter(name.as_str(), found)?;
            Ok::<Addrs, _>(Box::new(allowed.into_iter()))
        })
    }
}

/// The IPv4 address that an IPv6 one stands for, if it does: mapped and compatible (RFC 4291), translated
/// by NAT64 (RFC 6052, RFC 8215) or carried by 6to4 (RFC 3056).
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let last = || {
        let [.., a, b, c, d] = ip.octets();
        Ipv4Addr::new(a, b, c, d)
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..]
        | [0x64, 0xff9b, 1, ..] => Some(last()),
        [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

fn inner(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(six) if !six.is_loopback() && !six.is_unspecified() => {
            embedded(six).map_or(ip, IpAddr::V4)
        }
        _ => ip,
    }
}

/// Private networks that [`PrivateAddresses::All`] opens.
fn is_private_network(ip: IpAddr) -> bool {
    if is_metadata(ip) {
        return false;
    }
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || matches!(ip.octets(), [100, 64..=127, ..]),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

/// Where clouds hand out credentials to whoever asks from inside: AWS, Azure, Google, Alibaba, Oracle.
fn is_metadata(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => matches!(
            ip.octets(),
            [169, 254, ..] | [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192]
        ),
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local() || matches!(ip.segments(), [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254])
        }
    }
}

/// What an address is, where it is not one of the public internet (IANA special-purpose registries).
fn not_public(ip: IpAddr) -> Option<&'static str> {
    let ip = inner(ip);
    if is_metadata(ip) {
        return Some("a link-local or cloud metadata address");
    }
    match ip {
        IpAddr::V4(ip) => match ip.octets() {
            [0, ..] => Some("an address of no host"),
            [127, ..] => Some("this machine itself"),
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address"),
            [100, 64..=127, ..] => Some("a carrier's private address"),
            [192, 0, 0, _] | [192, 88, 99, _] => Some("a reserved address"),
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some("an address for examples"),
            [198, 18..=19, ..] => Some("an address for measurements"),
            [224..=255, ..] => Some("a multicast or reserved address"),
            _ => None,
        },
        IpAddr::V6(ip) => match ip.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => Some("this machine itself"),
            [0xfc00..=0xfdff, ..] => Some("a private address"),
            [0xfec0..=0xfeff, ..] => Some("a site-local address"),
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("an address for examples"),
            // 2001::/23 holds Teredo, benchmarking and ORCHID: nothing a server is reached at.
            [0x2001, 0..=0x1ff, ..] => Some("a reserved address"),
            [0x2000..=0x3fff, ..] => None,
            _ => Some("not an address of the public internet"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(allowed: PrivateAddresses, url: &str) -> Result<(), AddressRefused> {
        Guard::new(allowed).check_url(&Url::parse(url).unwrap())
    }

    fn listed(entries: &[&str]) -> PrivateAddresses {
        PrivateAddresses::Listed(entries.iter().map(|e| (*e).to_owned()).collect())
    }

    #[test]
    fn addresses_that_are_not_public_are_refused_however_they_are_written() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "100.64.0.1",
            "100.100.100.200",
            "0.0.0.0",
            "0.1.2.3",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "[::]",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b:1::a00:1]",
            "[2002:7f00:1::]",
            "[2002:a9fe:a9fe::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[2001::1]",
            "[100::1]",
            "[::ffff:0:127.0.0.1]",
        ] {
            assert!(check(PrivateAddresses::None, &format!("https://{host}/")).is_err(), "{host}");
        }
    }

    #[test]
    fn public_addresses_and_names_may_be_called_over_https_only() {
        for host in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "[2606:4700::1]", "acme.halopsa.com"] {
            assert_eq!(check(PrivateAddresses::None, &format!("https://{host}/")), Ok(()), "{host}");
            assert!(check(PrivateAddresses::All, &format!("http://{host}/")).is_err(), "{host}");
        }
        assert!(check(PrivateAddresses::All, "ftp://acme.halopsa.com/").is_err());
        assert!(check(PrivateAddresses::None, "https://user@acme.halopsa.com/").is_err());
        assert!(check(PrivateAddresses::None, "https://:secret@acme.halopsa.com/").is_err());
    }

    #[test]
    fn the_operator_can_open_private_addresses() {
        for url in
            ["http://127.0.0.1:8080/", "http://localhost:8080/", "https://192.168.1.1/", "http://sandbox/"]
        {
            assert_eq!(check(PrivateAddresses::All, url), Ok(()), "{url}");
        }
        for url in ["http://169.254.169.254/", "https://[fe80::1]/", "https://0.0.0.0/", "https://192.0.2.1/"]
        {
            assert!(check(PrivateAddresses::All, url).is_err(), "{url}");
        }
        assert_eq!(check(listed(&["10.1.0.0/16"]), "http://10.1.9.9/"), Ok(()));
        assert_eq!(check(listed(&["10.1.0.0/16"]), "http://[::ffff:10.1.9.9]/"), Ok(()));
        assert!(check(listed(&["10.1.0.0/16"]), "http://10.2.9.9/").is_err());
        assert_eq!(check(listed(&["halo.corp.example"]), "http://HALO.corp.example./"), Ok(()));
        assert!(check(listed(&["halo.corp.example"]), "http://other.corp.example/").is_err());
        assert_eq!(check(listed(&["0.0.0.0/0"]), "https://10.2.9.9/"), Ok(()));
    }

    #[test]
    fn names_that_lead_to_private_addresses_are_refused_when_they_are_looked_up() {
        let private: SocketAddr = "10.0.0.5:0".parse().unwrap();
        let public: SocketAddr = "8.8.8.8:0".parse().unwrap();
        let guard = Guard::new(PrivateAddresses::None);
        assert_eq!(guard.filter("mixed.example", vec![private, public]), Ok(vec![public]));
        assert!(guard.filter("inside.example", vec![private]).is_err());
        let guard = Guard::new(listed(&["inside.example"]));
        assert_eq!(guard.filter("Inside.example", vec![private]), Ok(vec![private]));
        assert!(guard.filter("outside.example", vec![private]).is_err());
    }

    proptest! {
        #[test]
        fn hiding_an_address_in_ipv6_changes_nothing(four in any::<u32>()) {
            let four = Ipv4Addr::from(four);
            let [a, b, c, d] = four.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let plain = not_public(IpAddr::V4(four)).is_some();
            for six in [
                four.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(not_public(IpAddr::V6(six)).is_some(), plain);
            }
        }
    }
}
