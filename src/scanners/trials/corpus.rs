//! Every body there is, read by every sender and shown to every signature scheme: what the fuzzers begin with.
//!
//! `PSA_GATEWAY_PAYLOADS=… cargo test --lib corpus -- --nocapture` adds a folder of real bodies, and prints what each
//! sender reads in its own.

use std::{collections::BTreeSet, path::Path};

use entity::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{configured::keeps_its_bounds, post};
use crate::{
    decisions::catalogue::Action,
    queue::received::Headers,
    scanners::{
        Sender, senders,
        signature::{self, CandidateKey, Evidence, Means, Scheme, VerifyingKey},
    },
};

/// What some senders say beside the body.
const ANNOUNCED: &[(&str, &[&str])] = &[
    (
        "x-github-event",
        &[
            "code_scanning_alert",
            "dependabot_alert",
            "repository_vulnerability_alert",
            "secret_scanning_alert",
        ],
    ),
    ("x-snyk-event", &["project_snapshot/v0", "ping/v0"]),
    ("x-defectdojo-event", &["scan_added", "scan_added_empty"]),
];

struct Body {
    /// Whose it is; none of a file that is named after no sender.
    sender: Option<&'static str>,
    is_real: bool,
    bytes: Vec<u8>,
}

#[expect(clippy::disallowed_methods, reason = "the folder of real bodies is no part of the configuration")]
fn bodies() -> Vec<Body> {
    let files = |folder: &Path| -> Vec<_> {
        let entries =
            std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
    };
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/scanners");
    let mut all = Vec::new();
    for sender in senders() {
        for path in files(&ours.join(sender.key()).join("examples")) {
            let bytes = std::fs::read(path).unwrap();
            all.push(Body { sender: Some(sender.key()), is_real: false, bytes });
        }
    }
    assert!(all.len() >= senders().len(), "each sender has an example");
    if let Ok(folder) = std::env::var("PSA_GATEWAY_PAYLOADS") {
        for path in files(Path::new(&folder)) {
            let name = path.file_name().unwrap().to_string_lossy().replace("asff-", "aws_security_hub-");
            let whose = senders().iter().find(|sender| name.starts_with(&format!("{}-", sender.key())));
            let bytes = std::fs::read(path).unwrap();
            all.push(Body { sender: whose.map(|sender| sender.key()), is_real: true, bytes });
        }
    }
    all
}

/// How a body may have been announced: not at all, and by each header in turn.
fn announcements() -> Vec<Vec<(&'static str, &'static str)>> {
    let each = ANNOUNCED.iter().flat_map(|(name, values)| values.iter().map(|value| vec![(*name, *value)]));
    std::iter::once(Vec::new()).chain(each).collect()
}

#[test]
fn every_sender_reads_every_body_within_its_bounds() {
    let (bodies, announcements) = (bodies(), announcements());
    for sender in senders() {
        for body in &bodies {
            for headers in &announcements {
                keeps_its_bounds(*sender, post(*sender, headers, &body.bytes)).unwrap();
            }
        }
    }
}

#[test]
fn every_sender_understands_its_own_examples() {
    println!("| sender | examples | real bodies | events read | opens | closes |");
    let bodies = bodies();
    for sender in senders() {
        // By settings and templates of an endpoint's own, or no events at all; their tests have them.
        if sender.key() == "generic_json" || sender.speaks_of_usage() || sender.speaks_of_assets() {
            continue;
        }
        let own = || bodies.iter().filter(|body| body.sender == Some(sender.key()));
        let events: Vec<_> = own().flat_map(|body| understood(*sender, body)).collect();
        assert!(!events.is_empty(), "{} understands none of its examples", sender.key());
        let count = |actions: &[Action]| events.iter().filter(|action| actions.contains(action)).count();
        let (real, examples): (Vec<_>, Vec<_>) = own().partition(|body| body.is_real);
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            sender.key(),
            examples.len(),
            real.len(),
            events.len(),
            count(&[Action::Open, Action::Reopen]),
            count(&[Action::Close, Action::Sweep])
        );
    }
}

/// What the events of a body do, by the announcement that makes the most of it.
fn understood(sender: &dyn Sender, body: &Body) -> Vec<Action> {
    let read = |headers: &Vec<_>| -> Vec<Action> {
        let readings = post(sender, headers, &body.bytes).into_iter();
        readings.filter_map(|reading| Some(reading.event.ok()?.kind.action)).collect()
    };
    announcements().iter().map(read).max_by_key(Vec::len).unwrap_or_default()
}

#[test]
fn no_scheme_believes_what_nobody_signed() {
    let hmac = || VerifyingKey::Hmac(vec![7; 32].into());
    let keys =
        [hmac(), VerifyingKey::Digest([7; 32])].map(|key| CandidateKey { id: Uuid::from_u128(1), key });
    let digest = |_: &[u8]| [0; 32];
    let means = Means { now: Timestamp::from_secs(1_795_262_400), tolerance_secs: 300, digest: &digest };
    let names: BTreeSet<&str> = [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-hub-signature-256",
        "x-hub-signature",
        "x-sonar-webhook-hmac-sha256",
        "gitguardian-signature",
        "timestamp",
        "x-hostedscan-signature",
        "x-pagerduty-signature",
        "authorization",
        "x-webhook-token",
    ]
    .into();
    for body in bodies() {
        for scheme in Scheme::ALL {
            for value in ["", "1795262400", "v1,AAAA", "sha256=00", "Basic Og==", "Bearer x", "t=1,v1=00"] {
                let headers = Headers::new(names.iter().map(|name| (*name, value)));
                let evidence = Evidence {
                    headers: &headers,
                    query: "token=x",
                    path_secret: Some("x"),
                    body: &body.bytes,
                    settings: &Value::Null,
                    certificate: None,
                };
                assert!(signature::verify(*scheme, &keys, &evidence, &means).is_err(), "{}", scheme.key());
            }
        }
    }
}
