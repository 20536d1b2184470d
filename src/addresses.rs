//! Addresses of callers: networks, lists of networks, and who called where proxies stand between.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// An address as it is compared and shown: IPv4 in IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
pub const fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// A network, or one address: `192.0.2.0/24`, `2001:db8::/32`, `192.0.2.7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// Without the bits behind the prefix.
    address: IpAddr,
    bits: u8,
}

/// A text that is no address and no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no address such as 192.0.2.7 and no network such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct NoNetwork;

impl Network {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        address.is_ipv4() == self.address.is_ipv4() && prefix(address, self.bits) == self.address
    }
}

/// The address with everything behind its first bits at zero.
fn prefix(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() & mask))
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits.into())).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & mask))
        }
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(whole(bits).ok_or(NoNetwork)?)),
            None => (text.trim(), None),
        };
        let written: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let address = canonical(written);
        let (width, inside) = match (written, address) {
            (IpAddr::V4(_), _) => (32, 0),
            // The first 96 bits of a mapped address say only that it is one.
            (IpAddr::V6(_), IpAddr::V4(_)) => (128, 96),
            (IpAddr::V6(_), IpAddr::V6(_)) => (128, 0),
        };
        let bits = bits.unwrap_or(width);
        if bits > width || bits < inside {
            return Err(NoNetwork);
        }
        let bits = bits - inside;
        Ok(Self { address: prefix(address, bits), bits })
    }
}

/// A number in its plain form: no sign, no leading zeros.
fn whole(text: &str) -> Option<u8> {
    let number: u8 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        if self.bits == width {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.bits)
        }
    }
}

/// Several networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// Reads all of them; where one is none, which.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, String> {
        let read = |text: T| text.as_ref().parse().map_err(|_| text.as_ref().to_owned());
        texts.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address lies in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Network> {
        self.0.iter()
    }
}

/// The header in which the proxies before the gateway write down who called them.
///
/// One and not both: a proxy that writes one of them passes the other on as a stranger has made it up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, as nearly all proxies write it.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ProxyHeader {
    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The header of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::XForwardedFor, Self::Forwarded]
            .into_iter()
            .find(|header| header.name().eq_ignore_ascii_case(name))
    }
}

/// The proxies whose word is taken.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    /// Where they stand.
    pub networks: Networks,
    /// Where they write.
    pub header: ProxyHeader,
}

impl TrustedProxies {
    /// Who called, where `peer` is at the other end of the connection and `values` are the header's, in
    /// their order.
    ///
    /// Every proxy adds at the right end. So the way back leads from the right over proxies that are
    /// trusted; the first address that is none of them is the caller, and what stands to its left is the
    /// caller's own invention. Where the way breaks off (no address, an obfuscated one), the nearest proxy
    /// that is known stands for the caller.
    pub fn caller<'v>(&self, peer: IpAddr, values: impl DoubleEndedIterator<Item = &'v str>) -> IpAddr {
        let mut nearest = canonical(peer);
        for hop in values.rev().flat_map(|value| value.rsplit(',')) {
            if !self.networks.contain(nearest) {
                break;
            }
            let read = match self.header {
                ProxyHeader::XForwardedFor => address_of(hop),
                ProxyHeader::Forwarded => element(hop).and_then(address_of),
            };
            match read {
                Some(address) => nearest = address,
                None => break,
            }
        }
        nearest
    }
}

/// What one element of `Forwarded` says about whom the request is from (RFC 7239, section 4).
fn element(text: &str) -> Option<&str> {
    let mut found = None;
    for pair in text.split(';') {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") && found.replace(value.trim()).is_some() {
            return None;
        }
    }
    let value = found?;
    match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').filter(|inside| !inside.contains(['"', '\\'])),
        None => Some(value),
    }
}

/// An address that may have a port behind it (RFC 7239, section 6, and what proxies write besides).
fn address_of(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let (address, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        (
            IpAddr::V6(address.parse().ok()?),
            port.strip_prefix(':').or_else(|| port.is_empty().then_some("0"))?,
        )
    } else if let Ok(address) = text.parse() {
        (address, "0")
    } else {
        let (address, port) = text.split_once(':')?;
        (IpAddr::V4(address.parse().ok()?), port)
    };
    let is_port = !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    (is_port || port.starts_with('_')).then_some(canonical(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_hold_what_lies_in_them() {
        for (written, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7/31", "192.0.2.6", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("192.0.2.0/24", "::ffff:192.0.2.1", "::192.0.2.1"),
            ("::ffff:192.0.2.0/120", "192.0.2.200", "192.0.3.1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8:0:0::1", "2001:db8::2"),
        ] {
            assert!(network(written).contains(ip(inside)), "{inside} in {written}");
            assert!(!network(written).contains(ip(outside)), "{outside} not in {written}");
        }
    }

    #[test]
    fn networks_are_written_in_one_way_and_nothing_else_is_one() {
        for (written, shown) in [
            (" 192.0.2.77/24 ", "192.0.2.0/24"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("2001:DB8:0::7/64", "2001:db8::/64"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(network(written).to_string(), shown);
        }
        for wrong in [
            "",
            "x",
            "192.0.2",
            "192.0.2.7/33",
            "192.0.2.7/",
            "192.0.2.7/-1",
            "192.0.2.7/+8",
            "192.0.2.7/08",
            "2001:db8::/129",
            "192.0.2.7:80",
            "[2001:db8::1]",
            "example.com",
            "192.0.2.0/255.255.255.0",
            "::ffff:192.0.2.7/64",
            "fe80::1%eth0",
        ] {
            assert_eq!(wrong.parse::<Network>(), Err(NoNetwork), "{wrong}");
        }
    }

    fn caller(header: ProxyHeader, peer: &str, values: &[&str]) -> String {
        let networks = Networks::parse(["10.0.0.0/8", "2001:db8:ffff::/48"]).unwrap();
        TrustedProxies { networks, header }.caller(ip(peer), values.iter().copied()).to_string()
    }

    #[test]
    fn the_caller_is_the_right_most_address_that_is_no_trusted_proxy() {
        for (peer, values, expected) in [
            // Nobody's word is taken who is no proxy of ours.
            ("198.51.100.9", &["203.0.113.1"][..], "198.51.100.9"),
            ("::ffff:198.51.100.9", &["203.0.113.1"], "198.51.100.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("::ffff:10.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("2001:db8:ffff::1", &["2001:db8::7"], "2001:db8::7"),
            // What the caller made up stands to the left.
            ("10.0.0.1", &["10.9.9.9, 1.1.1.1, 203.0.113.1"], "203.0.113.1"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.1, 10.0.0.2"], "203.0.113.1"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.1 , 10.0.0.2", "10.0.0.3"], "203.0.113.1"),
            // Ports, brackets, mapped forms.
            ("10.0.0.1", &["203.0.113.1:4711"], "203.0.113.1"),
            ("10.0.0.1", &["[2001:db8::7]:443"], "2001:db8::7"),
            ("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
            ("10.0.0.1", &["::ffff:203.0.113.1"], "203.0.113.1"),
            ("10.0.0.1", &["203.0.113.1, ::ffff:10.0.0.2"], "203.0.113.1"),
            // All of them are ours: the farthest is as near as can be told.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // The way breaks off: the nearest that is known.
            ("10.0.0.1", &["203.0.113.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1, _hidden, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["203.0.113.1,"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1, 999.1.1.1"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1:99999999"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1:"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::7"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::7]x"], "10.0.0.1"),
            ("10.0.0.1", &["for=203.0.113.1"], "10.0.0.1"),
        ] {
            assert_eq!(caller(ProxyHeader::XForwardedFor, peer, values), expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_its_standard_has_it() {
        for (values, expected) in [
            (&["for=203.0.113.1"][..], "203.0.113.1"),
            (&["For=\"203.0.113.1:4711\";proto=https;by=10.0.0.1"], "203.0.113.1"),
            (&["proto=https; for=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (&["for=\"[2001:db8:cafe::17]:_port\""], "2001:db8:cafe::17"),
            (&["for=1.1.1.1, for=203.0.113.1", "for=10.0.0.2"], "203.0.113.1"),
            // A quote that the caller leaves open swallows nothing of what the proxy adds.
            (&["for=\"1.1.1.1, for=203.0.113.1"], "203.0.113.1"),
            (&["for=unknown"], "10.0.0.1"),
            (&["for=_SEVKISEK"], "10.0.0.1"),
            (&["for=203.0.113.1;for=203.0.113.2"], "10.0.0.1"),
            (&["for=\"203.0.113.1"], "10.0.0.1"),
            (&["for=\"203.0.113\\.1\""], "10.0.0.1"),
            (&["by=203.0.113.1"], "10.0.0.1"),
            (&["203.0.113.1"], "10.0.0.1"),
            (&[""], "10.0.0.1"),
        ] {
            assert_eq!(caller(ProxyHeader::Forwarded, "10.0.0.1", values), expected, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_a_caller_out_of_a_stranger_at_the_other_end(value in ".{0,80}") {
            for header in [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded] {
                prop_assert_eq!(caller(header, "198.51.100.9", &[&value]), "198.51.100.9");
                let _ = caller(header, "10.0.0.1", &[&value]);
            }
        }

        #[test]
        fn what_the_caller_writes_changes_nothing_of_what_the_proxy_adds(made_up in "[^\r\n]{0,80}") {
            let value = format!("{made_up}, 203.0.113.1");
            prop_assert_eq!(caller(ProxyHeader::XForwardedFor, "10.0.0.1", &[&value]), "203.0.113.1");
            let value = format!("{made_up}, for=203.0.113.1");
            prop_assert_eq!(caller(ProxyHeader::Forwarded, "10.0.0.1", &[&value]), "203.0.113.1");
        }
    }
}
