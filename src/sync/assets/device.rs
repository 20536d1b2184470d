//! A device as an event names it.

use std::net::IpAddr;

use super::{MAX_KEY, MAX_KIND, MAX_TEXT, name_key, serial_key};
use crate::{
    decisions::event::{CloseReason, Event},
    sync::companies::plain,
};

/// What events call a device, where they say what it is; repositories, containers, users and the like are none.
const DEVICES: [&str; 20] = [
    "host",
    "server",
    "workstation",
    "laptop",
    "desktop",
    "notebook",
    "computer",
    "pc",
    "device",
    "endpoint",
    "vm",
    "virtual_machine",
    "mobile",
    "phone",
    "tablet",
    "printer",
    "firewall",
    "switch",
    "router",
    "network_device",
];
/// The longest name of a source.
const MAX_SOURCE: usize = 100;

/// A device as an event names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Which product names it.
    pub source: String,
    /// That product's own stable name for it.
    pub uid: Option<String>,
    /// Its name; empty where it has none but an address.
    pub name: String,
    /// Its names as names are compared: by what people call it, in DNS, and without its domain.
    pub name_keys: Vec<String>,
    /// What it is; empty where the event says no more than that it is a host.
    pub kind: String,
    /// Serial number; empty where none is named.
    pub serial_number: String,
    /// Serial number as serial numbers are compared.
    pub serial_key: String,
    /// Operating system; empty where none is named.
    pub os: String,
}

impl Device {
    /// That of an event; none where it names none, or says that it is gone.
    pub fn of(event: &Event) -> Option<Self> {
        if event.close_reason == Some(CloseReason::AssetGone) {
            return None;
        }
        let asset = event.asset.as_ref()?;
        let kind = asset.kind.as_deref().map(str::trim).unwrap_or_default();
        let is_device = kind.is_empty() || DEVICES.contains(&kind.to_lowercase().as_str());
        if !is_device {
            return None;
        }
        let given = |text: &Option<String>| plain(text.as_deref().unwrap_or_default(), MAX_TEXT);
        let called = [given(&asset.name), given(&asset.fqdn)];
        let mut names: Vec<&str> = called.iter().map(String::as_str).filter(|name| is_name(name)).collect();
        // Some senders give no more than the domain there, which all devices have.
        if let [name, fqdn] = names.as_slice()
            && !label(fqdn).eq_ignore_ascii_case(label(name))
        {
            names.truncate(1);
        }
        let short = names.iter().map(|name| label(name)).filter(|name| is_name(name));
        let mut name_keys: Vec<String> = Vec::new();
        for key in names.iter().copied().chain(short).map(name_key) {
            if !name_keys.contains(&key) {
                name_keys.push(key);
            }
        }
        let serial_number = given(&asset.serial_number);
        let uid = asset.uid.as_deref().map(str::trim).filter(|uid| !uid.is_empty());
        let device = Self {
            source: event.source.chars().take(MAX_SOURCE).collect(),
            uid: uid.filter(|uid| uid.chars().count() <= MAX_TEXT).map(str::to_owned),
            name: names.first().copied().unwrap_or_default().to_owned(),
            name_keys,
            kind: if kind.eq_ignore_ascii_case("host") { String::new() } else { plain(kind, MAX_KIND) },
            serial_key: serial_key(&serial_number),
            serial_number,
            os: given(&asset.os),
        };
        let is_named = device.uid.is_some() || !device.name.is_empty() || !device.serial_key.is_empty();
        is_named.then_some(device)
    }

    /// For people.
    pub fn words(&self) -> &str {
        let uid = self.uid.as_deref().unwrap_or_default();
        [self.name.as_str(), &self.serial_number, uid]
            .into_iter()
            .find(|word| !word.is_empty())
            .unwrap_or_default()
    }
}

/// A name without its domain.
fn label(name: &str) -> &str {
    name.split_once('.').map_or(name, |(label, _)| label)
}

/// An address is no name: another device may have it tomorrow.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.parse::<IpAddr>().is_err() && text.chars().count() <= MAX_KEY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::{catalogue, event::Asset};

    fn named(kind: Option<&str>, name: &str, fqdn: &str) -> Option<Device> {
        let mut event = Event::new(catalogue::find("finding.opened")?, "acme", "key", "title");
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        event.asset = Some(Asset {
            kind: kind.map(str::to_owned),
            name: text(name),
            fqdn: text(fqdn),
            ..Asset::default()
        });
        Device::of(&event)
    }

    #[test]
    fn a_device_is_a_host_with_a_name_and_nothing_else() {
        let device = named(Some("Host"), "Front", "FRONT.northwind.example").expect("a device");
        assert_eq!(device.name_keys, ["front", "front.northwind.example"]);
        assert_eq!((device.name.as_str(), device.kind.as_str()), ("Front", ""));
        let in_domain = named(None, "front", "northwind.example").expect("a device");
        assert_eq!(in_domain.name_keys, ["front"], "a domain is no device's name");
        assert_eq!(named(Some("Server"), "DC1", "").map(|device| device.kind), Some("Server".to_owned()));
        assert_eq!(named(None, "10.0.0.4", "dc1.example").map(|device| device.name_keys.len()), Some(2));
        assert_eq!(named(None, "10.0.0.4", ""), None, "an address is no name");
        for kind in ["container", "repo", "user", "cloud_resource"] {
            assert_eq!(named(Some(kind), "web", ""), None, "{kind}");
        }
    }
}
