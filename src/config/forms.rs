//! Forms that values have: addresses, hosts, names.

use std::{fmt::Write as _, net::IpAddr, path::Path};

use secrecy::SecretString;
use url::Url;

pub(super) fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain).then_some(url)
}

pub(super) fn is_host_or_network(text: &str) -> bool {
    let (host, bits) = text.split_once('/').map_or((text, None), |(host, bits)| (host, Some(bits)));
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    match (bits, address) {
        (Some(bits), Some(ip)) => {
            bits.parse::<u32>().is_ok_and(|bits| bits <= if ip.is_ipv4() { 32 } else { 128 })
        }
        (Some(_), None) => false,
        (None, Some(_)) => true,
        (None, None) => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    }
}

/// A token of HTTP, as far as headers of collectors go.
pub(super) fn is_header_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

pub(super) fn is_node_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// What NATS takes as the name of a stream, and as the beginning of its subjects.
pub(super) fn is_stream_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The machine's name where the system tells it, and the number of this process.
pub(super) fn usual_node_name() -> String {
    let machine = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|name| name.trim().chars().take(48).collect::<String>())
        .filter(|name| is_node_name(name))
        .unwrap_or_else(|| "gateway".to_owned());
    format!("{machine}-{}", std::process::id())
}

/// As an address, in which some characters of a path would mean something else.
pub fn sqlite_url(path: &Path) -> SecretString {
    let mut url = String::from("sqlite://");
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~:\\".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url.into()
}
