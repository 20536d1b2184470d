//! Amazon SNS, signed by a key of our own with a certificate of our own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Url;
use ring::{rand::SystemRandom, signature::RSA_PKCS1_SHA256};
use serde_json::json;

use super::{super::*, digest};
use crate::{
    clock::Clock,
    scanners::signature::sns::{Away, Desk, Fetch, Handshake, NotConfirmed},
};

/// Made with another implementation, for both versions of the signature.
const V1: &[u8] = include_bytes!("fixtures/notification_v1.json");
const V2: &[u8] = include_bytes!("fixtures/notification_v2.json");
const CERTIFICATE: &[u8] = include_bytes!("fixtures/certificate.pem");
const KEY: &str = include_str!("fixtures/key.b64");

const NOW: Timestamp = Timestamp::from_secs(1_795_262_400);
const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:findings";
const SUBSCRIBE: &str = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:123456789012:findings&Token=2336412f37";

/// Answers with what it was given, and counts.
#[derive(Debug)]
struct Amazon {
    status: u16,
    body: Vec<u8>,
    asked: AtomicUsize,
}

#[async_trait::async_trait]
impl Fetch for Amazon {
    async fn get(&self, _: Url) -> Result<(u16, Vec<u8>), String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok((self.status, self.body.clone()))
    }
}

fn desk(status: u16, body: &[u8]) -> (Desk, Arc<Amazon>, Clock) {
    let amazon = Arc::new(Amazon { status, body: body.to_vec(), asked: AtomicUsize::new(0) });
    let clock = Clock::manual(NOW);
    (Desk::calling(clock.clone(), amazon.clone()), amazon, clock)
}

fn check_at(
    settings: &Value,
    body: &[u8],
    certificate: Option<&sns::Certificate>,
    now: Timestamp,
) -> Result<Proof, SignatureError> {
    let headers = Headers::default();
    let evidence = Evidence { headers: &headers, query: "", path_secret: None, body, settings, certificate };
    verify(Scheme::SNS, &[], &evidence, &Means { now, tolerance_secs: 300, digest: &digest })
}

async fn certificate() -> Arc<sns::Certificate> {
    desk(200, CERTIFICATE).0.certificate(V1).await.unwrap().unwrap()
}

fn changed(body: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut message: Value = serde_json::from_slice(body).unwrap();
    message[name] = json!(value);
    message.to_string().into_bytes()
}

/// A message of any kind, signed by version 2.
fn signed(mut message: Value, names: &[&str]) -> Vec<u8> {
    let text: String = names
        .iter()
        .fold(String::new(), |text, name| text + name + "\n" + message[name].as_str().unwrap() + "\n");
    let der = BASE64_STANDARD.decode(KEY.replace('\n', "")).unwrap();
    let pair = ring::signature::RsaKeyPair::from_pkcs8(&der).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    message["Signature"] = json!(BASE64_STANDARD.encode(signature));
    message.to_string().into_bytes()
}

fn subscription(url: &str) -> Vec<u8> {
    let message = json!({
        "Type": "SubscriptionConfirmation", "MessageId": "m-1", "Token": "2336412f37", "TopicArn": TOPIC,
        "Message": "You have chosen to subscribe …", "SubscribeURL": url, "Timestamp": NOW.rfc3339(),
        "SignatureVersion": "2",
        "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem",
    });
    signed(message, &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"])
}

#[tokio::test]
async fn both_versions_are_verified_and_any_change_is_refused() {
    let (certificate, ours) = (certificate().await, json!({ "topicArn": TOPIC }));
    for (body, scheme) in [(V1, "sns.v1"), (V2, "sns.v2")] {
        let proof = check_at(&ours, body, Some(&certificate), NOW).unwrap();
        assert_eq!(proof.scheme, scheme);
        assert_eq!(proof.message_id.as_deref(), Some("22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"));
        for (name, value) in [
            ("Message", "{}"),
            ("MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf325"),
            ("Subject", "Another"),
            ("Timestamp", "2026-11-21T12:00:01.000Z"),
            ("TopicArn", "arn:aws:sns:eu-central-1:123456789012:others"),
            ("Type", "UnsubscribeConfirmation"),
            ("Signature", "AAAA"),
            ("SignatureVersion", "3"),
        ] {
            assert!(check_at(&ours, &changed(body, name, value), Some(&certificate), NOW).is_err(), "{name}");
        }
        let other = if scheme == "sns.v1" { "2" } else { "1" };
        assert!(check_at(&ours, &changed(body, "SignatureVersion", other), Some(&certificate), NOW).is_err());
        assert!(check_at(&ours, body, None, NOW).is_err(), "without a certificate");
    }
    // Fields that run into each other, and a message that is no envelope.
    let lines = changed(V2, "TopicArn", &format!("{TOPIC}\nType\nNotification"));
    assert!(matches!(check_at(&ours, &lines, Some(&certificate), NOW), Err(SignatureError::Sns(_))));
    assert!(matches!(
        check_at(&ours, b"{\"detail\":1}", Some(&certificate), NOW),
        Err(SignatureError::Sns(_))
    ));
}

#[tokio::test]
async fn time_and_topic_count() {
    let (certificate, ours) = (certificate().await, json!({ "topicArn": TOPIC }));
    let check = |settings: &Value, now| check_at(settings, V2, Some(&certificate), now);
    assert!(check(&ours, NOW.plus_secs(7_200)).is_ok(), "SNS tries for an hour, with the same signature");
    assert_eq!(check(&ours, NOW.plus_secs(7_201)), Err(SignatureError::TooOld(7_201)));
    assert_eq!(check(&ours, NOW.plus_secs(-301)), Err(SignatureError::TooNew(301)));
    assert!(
        matches!(check(&ours, Timestamp::from_secs(4_000_000_000)), Err(SignatureError::Sns(_))),
        "expired"
    );
    let theirs = json!({ "topicArn": "arn:aws:sns:eu-central-1:999999999999:findings" });
    assert!(matches!(check(&theirs, NOW), Err(SignatureError::Topic(_))));
    assert!(matches!(check(&Value::Null, NOW), Err(SignatureError::Topic(_))));
    // Only a subscription may come to an endpoint without a topic.
    let asks = subscription(SUBSCRIBE);
    assert!(check_at(&Value::Null, &asks, Some(&certificate), NOW).is_ok());
    assert!(check_at(&ours, &asks, Some(&certificate), NOW).is_ok());
    assert!(check_at(&theirs, &asks, Some(&certificate), NOW).is_err());
}

#[test]
fn a_subscription_is_confirmed_at_amazon_and_for_its_own_topic_only() {
    let Ok(Some(Handshake::Confirm { topic, url })) = sns::handshake(&subscription(SUBSCRIBE)) else {
        panic!("it asks to be confirmed");
    };
    assert_eq!((topic.as_str(), url.as_str()), (TOPIC, SUBSCRIBE));
    for wrong in [
        "http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:123456789012:findings&Token=1",
        "https://sns.eu-central-1.amazonaws.com.example.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:123456789012:findings&Token=1",
        "https://sns.eu-central-1.amazonaws.com/?Action=Publish&TopicArn=arn:aws:sns:eu-central-1:123456789012:findings&Token=1",
        "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:1:others&Token=1",
        "https://169.254.169.254/?Action=ConfirmSubscription",
        "",
    ] {
        assert!(sns::handshake(&subscription(wrong)).is_err(), "{wrong}");
    }
    assert_eq!(sns::handshake(V2), Ok(None));
}

#[tokio::test]
async fn a_certificate_comes_from_amazon_only_and_is_fetched_once() {
    let (desk, amazon, clock) = desk(200, CERTIFICATE);
    let (first, second) = tokio::join!(desk.certificate(V1), desk.certificate(V2));
    assert!(first.unwrap().is_some() && second.unwrap().is_some());
    clock.advance_secs(86_399);
    assert!(desk.certificate(V1).await.unwrap().is_some());
    assert_eq!(amazon.asked.load(Ordering::SeqCst), 1, "who comes meanwhile waits for the same one");
    clock.advance_secs(1);
    assert!(desk.certificate(V1).await.unwrap().is_some());
    assert_eq!(amazon.asked.load(Ordering::SeqCst), 2);

    for wrong in [
        "http://sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com/a.pem?x",
        "https://sns.eu-central-1.amazonaws.com/?Action=x&y=.pem",
        "https://sns.eu-central-1.amazonaws.com/a/b.pem",
        "https://sns.eu-central-1.amazonaws.com/a.crt",
        "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
        "https://user@sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
        "https://s3.eu-central-1.amazonaws.com/a.pem",
        "https://sns.evil.example/sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.x.y.amazonaws.com/a.pem",
    ] {
        assert!(desk.certificate(&changed(V1, "SigningCertURL", wrong)).await.unwrap().is_none(), "{wrong}");
    }
    let china = changed(V1, "SigningCertURL", "https://sns.cn-north-1.amazonaws.com.cn/a.pem");
    assert!(desk.certificate(&china).await.unwrap().is_some());
    assert_eq!(amazon.asked.load(Ordering::SeqCst), 3, "nothing else was called");
}

#[tokio::test]
async fn what_cannot_be_had_is_not_asked_for_again_at_once() {
    for (status, body) in
        [(404, CERTIFICATE), (200, &b"<html>"[..]), (200, include_bytes!("fixtures/certificate_ec.pem"))]
    {
        let (desk, amazon, clock) = desk(status, body);
        assert_eq!(desk.certificate(V1).await.unwrap_err(), Away);
        assert_eq!(desk.certificate(V1).await.unwrap_err(), Away);
        assert_eq!(amazon.asked.load(Ordering::SeqCst), 1);
        clock.advance_secs(10);
        assert_eq!(desk.certificate(V1).await.unwrap_err(), Away);
        assert_eq!(amazon.asked.load(Ordering::SeqCst), 2);
    }
    let url = || Url::parse(SUBSCRIBE).unwrap();
    assert_eq!(desk(200, b"").0.confirm(url()).await, Ok(()));
    assert!(matches!(desk(503, b"").0.confirm(url()).await, Err(NotConfirmed::Later(_))));
    assert!(matches!(desk(403, b"").0.confirm(url()).await, Err(NotConfirmed::Never(_))));
}

#[test]
fn a_certificate_that_is_cut_or_changed_does_not_panic() {
    let lines: Vec<&str> = std::str::from_utf8(CERTIFICATE).unwrap().lines().collect();
    let der = BASE64_STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
    let pem = |der: &[u8]| {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(der))
    };
    assert!(sns::Certificate::read(pem(&der).as_bytes()).is_some());
    for end in 0..der.len() {
        assert!(sns::Certificate::read(pem(&der[..end]).as_bytes()).is_none(), "{end}");
        let mut other = der.clone();
        other[end] ^= 0xff;
        let _ = sns::Certificate::read(pem(&other).as_bytes());
    }
}

#[test]
fn the_topic_is_a_setting() {
    assert_eq!(Scheme::SNS.check_settings(&json!({ "topicArn": TOPIC })), Ok(()));
    assert_eq!(Scheme::SNS.check_settings(&Value::Null), Ok(()));
    for wrong in
        [json!(7), json!("findings"), json!("arn:aws:s3:eu-central-1:1:x"), json!(format!("{TOPIC}\n"))]
    {
        assert!(Scheme::SNS.check_settings(&json!({ "topicArn": wrong })).is_err());
    }
}
