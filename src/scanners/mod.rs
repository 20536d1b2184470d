//! What security products say: who posts, how it is signed, and what it means.
//!
//! A sender is one kind of product that posts to a webhook endpoint: a folder
//! here plus one line in [`senders`]. It names the [`signature::Scheme`]s it
//! signs with and reads a verified body into normalised events. This module
//! hides every vendor's wire format; nothing behind it knows a vendor's words.

pub mod alertmanager;
pub mod assets;
pub mod aws_security_hub;
pub mod datto_rmm;
pub mod defectdojo;
pub mod events;
pub mod generic_json;
pub mod gitguardian;
pub mod github;
pub mod harbor;
pub mod hostedscan;
pub mod huntress;
pub mod ninjaone;
pub mod ocsf;
pub mod pagerduty;
mod reading;
pub mod signature;
pub mod snyk;
pub mod sonarqube;
pub mod table;
#[cfg(test)]
mod trials;
pub mod trivy_operator;
pub mod usage;
pub mod wazuh;

use entity::{webhook_delivery, webhook_endpoint};
use serde_json::Value;

use crate::{
    decisions::event::Reading,
    queue::received::Headers,
    sync::{assets::reported::AssetReading, billing::usage::UsageReading},
};
use signature::Scheme;

/// A verified webhook, as a sender reads it.
#[derive(Clone, Copy, Debug)]
pub struct Posted<'a> {
    /// Its headers.
    pub headers: &'a Headers,
    /// Its body, as sent.
    pub body: &'a [u8],
    /// The endpoint's own settings for this sender; `Null` where there are none.
    pub settings: &'a Value,
}

/// A kind of product that posts events to an endpoint.
pub trait Sender: Send + Sync {
    /// Its stable name, e.g. `events`; stored with endpoints.
    fn key(&self) -> &'static str;

    /// Its name for people.
    fn label(&self) -> &'static str;

    /// What it is and where to set it up, in one or two sentences.
    fn description(&self) -> &'static str;

    /// How to set it up, step by step (Markdown); names the product's own pages and fields.
    fn set_up(&self) -> &'static str;

    /// The names of the event kinds that it can give, from the catalogue.
    fn kinds(&self) -> Vec<&'static str>;

    /// The ways in which it can be authenticated, the recommended one first.
    fn schemes(&self) -> &'static [Scheme];

    /// Checks an endpoint's settings for this sender before they are saved; `Err` says what to do.
    fn check_settings(&self, settings: &Value) -> Result<(), String> {
        if settings.is_null() {
            Ok(())
        } else {
            Err("this sender has no settings; leave them out".to_owned())
        }
    }

    /// Reads the body of a verified delivery.
    ///
    /// Never fails as a whole: each statement in the body gives one reading,
    /// so that one that cannot be understood does not hide its neighbours.
    /// Nothing to say (a ping, say) is an empty list.
    fn read(&self, posted: &Posted<'_>) -> Vec<Reading>;

    /// Whether it says how much companies use, rather than what happens to them: then [`Sender::read_usage`] reads its
    /// bodies.
    fn speaks_of_usage(&self) -> bool {
        false
    }

    /// Reads the counts in the body of a verified delivery; as with events, each may be wrong by itself.
    fn read_usage(&self, _posted: &Posted<'_>) -> Vec<UsageReading> {
        Vec::new()
    }

    /// Whether it says which devices companies have: then [`Sender::read_assets`] reads its bodies.
    fn speaks_of_assets(&self) -> bool {
        false
    }

    /// Reads the devices in the body of a verified delivery; as with events, each may be wrong by itself.
    fn read_assets(&self, _posted: &Posted<'_>) -> Vec<AssetReading> {
        Vec::new()
    }
}

/// Every sender there is.
pub fn senders() -> &'static [&'static dyn Sender] {
    &[
        &alertmanager::Alertmanager,
        &assets::Assets,
        &aws_security_hub::AwsSecurityHub,
        &datto_rmm::DattoRmm,
        &defectdojo::DefectDojo,
        &events::Events,
        &generic_json::GenericJson,
        &gitguardian::GitGuardian,
        &github::GitHub,
        &harbor::Harbor,
        &hostedscan::HostedScan,
        &huntress::Huntress,
        &ninjaone::NinjaOne,
        &ocsf::Ocsf,
        &pagerduty::PagerDuty,
        &snyk::Snyk,
        &sonarqube::SonarQube,
        &trivy_operator::TrivyOperator,
        &usage::Usage,
        &wazuh::Wazuh,
    ]
}

/// The sender of that key.
pub fn sender(key: &str) -> Option<&'static dyn Sender> {
    senders().iter().copied().find(|sender| sender.key() == key)
}

/// The longest settings of an endpoint, in bytes of JSON.
const MAX_SETTINGS: usize = 64 * 1_024;

/// Checks an endpoint's settings before they are saved: the scheme's own, then what is left for the sender. `Err`
/// says what to do.
pub fn check_settings(sender: &dyn Sender, scheme: Scheme, settings: &Value) -> Result<(), String> {
    if !(settings.is_null() || settings.is_object()) {
        return Err("settings are an object, or null".to_owned());
    }
    if settings.to_string().len() > MAX_SETTINGS {
        return Err(format!("settings have at most {MAX_SETTINGS} bytes as JSON"));
    }
    scheme.check_settings(settings)?;
    sender.check_settings(&scheme.senders_settings(settings))
}

/// What a verified delivery says, within the bounds that hold for every event.
pub fn read(sender: &dyn Sender, posted: &Posted<'_>) -> Vec<Reading> {
    sender.read(posted).into_iter().map(reading::fit::fit).collect()
}

/// What a stored delivery of an endpoint says, read as this version reads it.
pub fn read_stored(
    sender: &dyn Sender,
    endpoint: &webhook_endpoint::Model,
    delivery: &webhook_delivery::Model,
) -> Vec<Reading> {
    let (headers, settings) = stored(endpoint, delivery);
    read(sender, &Posted { headers: &headers, body: &delivery.body, settings: &settings })
}

/// What a stored delivery of an endpoint says of usage.
pub fn read_stored_usage(
    sender: &dyn Sender,
    endpoint: &webhook_endpoint::Model,
    delivery: &webhook_delivery::Model,
) -> Vec<UsageReading> {
    let (headers, settings) = stored(endpoint, delivery);
    sender.read_usage(&Posted { headers: &headers, body: &delivery.body, settings: &settings })
}

/// What a stored delivery of an endpoint says of devices.
pub fn read_stored_assets(
    sender: &dyn Sender,
    endpoint: &webhook_endpoint::Model,
    delivery: &webhook_delivery::Model,
) -> Vec<AssetReading> {
    let (headers, settings) = stored(endpoint, delivery);
    sender.read_assets(&Posted { headers: &headers, body: &delivery.body, settings: &settings })
}

/// The headers of a stored delivery, and the settings that are left for its sender.
fn stored(endpoint: &webhook_endpoint::Model, delivery: &webhook_delivery::Model) -> (Headers, Value) {
    let pairs: Vec<(String, String)> = serde_json::from_value(delivery.headers.clone()).unwrap_or_default();
    let settings = endpoint.settings.clone().unwrap_or_default();
    let settings = match Scheme::from_key(&endpoint.scheme) {
        Some(scheme) => scheme.senders_settings(&settings),
        None => settings,
    };
    (Headers::new(pairs), settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::catalogue;

    #[test]
    fn every_sender_is_found_by_its_key_can_be_authenticated_and_names_known_kinds() {
        for known in senders() {
            let found = sender(known.key()).unwrap();
            assert_eq!(found.label(), known.label());
            assert!(
                !known.schemes().is_empty() && !known.description().is_empty() && !known.set_up().is_empty()
            );
            let gives_kinds = !known.kinds().is_empty();
            let speaks_of_else = known.speaks_of_usage() || known.speaks_of_assets();
            assert_ne!(gives_kinds, speaks_of_else, "{} gives no kinds", known.key());
            for kind in known.kinds() {
                assert!(catalogue::find(kind).is_some(), "{} names the unknown kind {kind}", known.key());
            }
            let same = senders().iter().filter(|other| other.key() == known.key());
            assert_eq!(same.count(), 1, "two senders share the key {}", known.key());
        }
        assert!(sender("no-such-sender").is_none());
    }
}
