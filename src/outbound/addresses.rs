//! What kind of address an address is.
//!
//! After IANA's registries of special-purpose addresses (RFC 6890 and its updates,
//! iana.org/assignments/iana-ipv4-special-registry and -ipv6-special-registry), and what clouds publish
//! about their metadata services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IPv4 address that packets to an IPv6 one go to, if they do: mapped (RFC 4291, 2.5.5.2), where the
/// machine itself takes the short way, and translated by NAT64 (RFC 6052, 2.1), as in networks without IPv4.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            let [.., a, b, c, d] = ip.octets();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

/// The address that is really called.
pub(super) fn inner(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(six) => embedded(six).map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// Private networks that all together can be opened: this machine's own addresses among them.
pub(super) fn is_private_network(ip: IpAddr) -> bool {
    if is_metadata(ip) {
        return false;
    }
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || matches!(ip.octets(), [100, 64..=127, ..]),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    }
}

/// Where clouds hand out credentials to whoever asks from inside.
///
/// 169.254.0.0/16 and fe80::/10 (nearly all of them), 100.100.100.200 (Alibaba), 168.63.129.16 (Azure),
/// 192.0.0.192 (Oracle); fd00:ec2::/32 (AWS, its resolver and its pods' identity too), fd20:ce::254
/// (Google), fd00:c1::a9fe:a9fe (Oracle), fd00:42::42 (Scaleway).
pub(super) fn is_metadata(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => matches!(
            ip.octets(),
            [169, 254, ..] | [100, 100, 100, 200] | [168, 63, 129, 16] | [192, 0, 0, 192]
        ),
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local()
                || matches!(
                    ip.segments(),
                    [0xfd00, 0xec2, ..]
                        | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]
                        | [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
                        | [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42]
                )
        }
    }
}

/// What an address is, where no server is reached at it, in whatever network.
pub(super) fn no_server(ip: IpAddr) -> Option<&'static str> {
    match inner(ip) {
        ip if is_metadata(ip) => Some("a link-local or cloud metadata address"),
        // Linux takes 0.0.0.0 and :: for this machine.
        IpAddr::V4(ip) if matches!(ip.octets(), [0, ..]) => Some("an address of no host"),
        IpAddr::V4(ip) if matches!(ip.octets(), [224..=255, ..]) => {
            Some("a multicast, broadcast or reserved address")
        }
        IpAddr::V6(ip) if ip.is_unspecified() => Some("an address of no host"),
        IpAddr::V6(ip) if ip.is_multicast() => Some("a multicast address"),
        _ => None,
    }
}

/// What an address is, where it is not one of the public internet.
pub(super) fn not_public(ip: IpAddr) -> Option<&'static str> {
    if let Some(kind) = no_server(ip) {
        return Some(kind);
    }
    match inner(ip) {
        IpAddr::V4(ip) => match ip.octets() {
            [127, ..] => Some("this machine itself"),
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address"),
            [100, 64..=127, ..] => Some("a carrier's private address"),
            [192, 0, 0, _] | [192, 88, 99, _] => Some("a reserved address"),
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some("an address for examples"),
            [198, 18..=19, ..] => Some("an address for measurements"),
            _ => None,
        },
        IpAddr::V6(ip) => match ip.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => Some("this machine itself"),
            // IPv4-compatible (RFC 4291, 2.5.5.1), IPv4-translated (RFC 2765), and a translator's own
            // (RFC 8215), which can hide an IPv4 address at several places.
            [0, 0, 0, 0, 0 | 0xffff, 0, ..] | [0x64, 0xff9b, 1, ..] => {
                Some("a form of an IPv4 address that is not used on the public internet")
            }
            [0xfc00..=0xfdff, ..] => Some("a private address"),
            [0xfec0..=0xfeff, ..] => Some("a site-local address"),
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("an address for examples"),
            // 2001::/23 holds Teredo, benchmarking and ORCHID: nothing a server is reached at.
            [0x2001, 0..=0x1ff, ..] => Some("a reserved address"),
            // 6to4 (RFC 3056) carries packets to the IPv4 address inside; given up by RFC 7526.
            [0x2002, ..] => Some("a 6to4 address"),
            // ISATAP (RFC 5214, 6.1): the last four bytes are the IPv4 address packets are carried to.
            [_, _, _, _, 0 | 0x200, 0x5efe, ..] => Some("an ISATAP address"),
            [0x2000..=0x3fff, ..] => None,
            _ => Some("not an address of the public internet"),
        },
    }
}
