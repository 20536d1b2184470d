//! Amazon SNS over HTTPS: its signature, its certificates, and the confirmation of a subscription.
//!
//! Amazon's own validators believe a certificate for where it comes from: `https`, a host of SNS, and a name
//! that ends in `.pem`. It holds no chain that could be followed. So it is fetched by TLS from such a host
//! only, and must be in its days; what is signed with it was signed by SNS, for whoever has a topic there.
//! That it is the right topic is the endpoint's setting [`TOPIC`]: the first one that was confirmed, or the
//! one that a person has entered.
//!
//! Sources: Amazon SNS Developer Guide, "Verifying the signatures of Amazon SNS messages" and "HTTP/HTTPS
//! subscription confirmation JSON format"; aws-js-sns-message-validator for the hosts.

mod address;
mod certificate;
mod desk;
mod message;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Url;
use serde_json::Value;

use super::{Evidence, Means, SignatureError, signed::check_age};
use crate::queue::received::Proof;

pub use address::is_topic;
pub use certificate::Certificate;
pub use desk::{Away, Desk, Fetch, NotConfirmed};

use message::{Kind, Message};

/// The endpoint's setting that names the topic it belongs to.
pub const TOPIC: &str = "topicArn";

/// How old a message may be, in seconds: SNS tries for an hour at the most (Developer Guide, "Amazon SNS message
/// delivery retries") and signs once. What repeats is recognised by its id, which is signed.
const MAX_AGE_SECS: i64 = 2 * 3_600;

/// Whether a message comes from SNS, and from the endpoint's topic. A request to be confirmed may come from any
/// topic as long as the endpoint has none.
pub(super) fn verify(evidence: &Evidence<'_>, means: &Means<'_>) -> Result<Proof, SignatureError> {
    let message = Message::read(evidence.body)?;
    message.certificate_url()?;
    let certificate = evidence.certificate.ok_or(SignatureError::Sns("its certificate cannot be read"))?;
    if !certificate.is_in_its_days(means.now) {
        return Err(SignatureError::Sns("its certificate has expired, or is not valid yet"));
    }
    let signature = STANDARD.decode(&*message.signature);
    let signature = signature.map_err(|_| SignatureError::Sns("its signature is no base64"))?;
    let (scheme, hash) = message.version()?;
    if !certificate.has_signed(hash, message.signed_text().as_bytes(), &signature) {
        return Err(SignatureError::Sns("its signature is not that of its certificate over its fields"));
    }
    check_age(message.sent_at()?, Some(MAX_AGE_SECS), means)?;
    let topic = evidence.settings.get(TOPIC).and_then(Value::as_str);
    match (topic, message.kind()?) {
        (Some(topic), _) if topic == message.topic => {}
        (None, Kind::Subscription) => {}
        (Some(_), _) => {
            return Err(SignatureError::Topic(
                "this endpoint belongs to another topic; make an endpoint for each topic, or change `topicArn` in \
                 its settings",
            ));
        }
        (None, _) => {
            return Err(SignatureError::Topic(
                "this endpoint does not know its topic yet; set `topicArn` in its settings, or subscribe anew",
            ));
        }
    }
    Ok(Proof { message_id: Some(message.id.into_owned()), scheme, secret_id: None })
}

/// What a verified message is about, where it is about the subscription and not about findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// The subscription is to be confirmed by calling this address.
    Confirm {
        /// Which topic asks.
        topic: String,
        /// The address.
        url: Box<Url>,
    },
    /// The subscription has ended.
    Ended {
        /// Of which topic.
        topic: String,
    },
}

/// What a message that was verified when it came in says about the subscription; none where it brings a
/// notification.
pub fn handshake(body: &[u8]) -> Result<Option<Handshake>, SignatureError> {
    let message = Message::read(body)?;
    let topic = message.topic.to_string();
    Ok(match message.kind()? {
        Kind::Notification => None,
        Kind::Unsubscription => Some(Handshake::Ended { topic }),
        Kind::Subscription => {
            let url = message.subscribe_url.as_deref().unwrap_or_default();
            let url = address::confirmation(url, &message.topic)
                .ok_or(SignatureError::Sns("the address that confirms it is not one of SNS for its topic"))?;
            Some(Handshake::Confirm { topic, url: Box::new(url) })
        }
    })
}
