//! The JSON that SNS posts.

use std::borrow::Cow;

use entity::Timestamp;
use reqwest::Url;
use serde::Deserialize;

use super::{address, certificate::Hash};
use crate::scanners::signature::SignatureError;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Notification,
    Subscription,
    Unsubscription,
}

/// A message. A field that stands twice is refused by the reader.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(rename = "Type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "MessageId", borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(rename = "TopicArn", borrow)]
    pub(super) topic: Cow<'a, str>,
    #[serde(rename = "Subject", borrow, default)]
    subject: Option<Cow<'a, str>>,
    #[serde(rename = "Message", borrow)]
    text: Cow<'a, str>,
    #[serde(rename = "Timestamp", borrow)]
    timestamp: Cow<'a, str>,
    #[serde(rename = "Token", borrow, default)]
    token: Option<Cow<'a, str>>,
    #[serde(rename = "SubscribeURL", borrow, default)]
    pub(super) subscribe_url: Option<Cow<'a, str>>,
    #[serde(rename = "SignatureVersion", borrow)]
    version: Cow<'a, str>,
    #[serde(rename = "Signature", borrow)]
    pub(super) signature: Cow<'a, str>,
    #[serde(rename = "SigningCertURL", borrow)]
    certificate_url: Cow<'a, str>,
}

impl<'a> Message<'a> {
    /// Reads a message, and sees to it that its fields cannot run into each other: what is signed is their names
    /// and values line by line, so that a line break in one of them could pretend to be the next.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, SignatureError> {
        let message: Self = serde_json::from_slice(body).map_err(|_| {
            SignatureError::Sns(
                "it lacks fields of the envelope; switch raw message delivery off in the subscription",
            )
        })?;
        let one_line = |text: &str| !text.chars().any(char::is_control);
        let lines = [Some(&message.id), message.subject.as_ref(), message.token.as_ref()];
        let is_id =
            (1..=256).contains(&message.id.len()) && message.id.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_id
            || !lines.into_iter().flatten().all(|text| one_line(text))
            || !message.subscribe_url.as_deref().is_none_or(one_line)
            || !address::is_topic(&message.topic)
        {
            return Err(SignatureError::Sns("one of its fields holds what it cannot hold"));
        }
        message.sent_at()?;
        message.kind()?;
        Ok(message)
    }

    pub(super) fn kind(&self) -> Result<Kind, SignatureError> {
        match &*self.kind {
            "Notification" => Ok(Kind::Notification),
            "SubscriptionConfirmation" => Ok(Kind::Subscription),
            "UnsubscribeConfirmation" => Ok(Kind::Unsubscription),
            _ => Err(SignatureError::Sns("its Type is not known")),
        }
    }

    /// Its name in a proof, and the hash that is signed.
    pub(super) fn version(&self) -> Result<(&'static str, Hash), SignatureError> {
        match &*self.version {
            "1" => Ok(("sns.v1", Hash::Sha1)),
            "2" => Ok(("sns.v2", Hash::Sha256)),
            _ => Err(SignatureError::Sns("its SignatureVersion is not 1 or 2")),
        }
    }

    pub(super) fn certificate_url(&self) -> Result<Url, SignatureError> {
        address::certificate(&self.certificate_url)
            .ok_or(SignatureError::Sns("its certificate is not one of SNS"))
    }

    /// When it was sent, in seconds since 1970.
    pub(super) fn sent_at(&self) -> Result<i64, SignatureError> {
        let at = Some(&self.timestamp).filter(|text| !text.chars().any(char::is_control));
        let at = at.and_then(|text| Timestamp::parse_rfc3339(text)).map(Timestamp::as_secs);
        at.ok_or_else(|| SignatureError::MalformedTimestamp {
            header: "Timestamp".to_owned(),
            wanted: "a time, e.g. 2026-01-01T00:00:00.000Z",
        })
    }

    /// Names and values in the order that SNS signs them in; a subject only where there is one.
    pub(super) fn signed_text(&self) -> String {
        let first = [("Message", Some(&self.text)), ("MessageId", Some(&self.id))];
        let middle = if self.kind == "Notification" {
            [("Subject", self.subject.as_ref()), ("Timestamp", Some(&self.timestamp)), ("Token", None)]
        } else {
            [
                ("SubscribeURL", self.subscribe_url.as_ref()),
                ("Timestamp", Some(&self.timestamp)),
                ("Token", self.token.as_ref()),
            ]
        };
        let last = [("TopicArn", Some(&self.topic)), ("Type", Some(&self.kind))];
        let fields = first.into_iter().chain(middle).chain(last);
        fields.fold(String::new(), |mut text, (name, value)| {
            if let Some(value) = value {
                text.extend([name, "\n", value, "\n"]);
            }
            text
        })
    }
}
