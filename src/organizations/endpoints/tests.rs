//! Endpoints: what they accept, for how long, and who finds them.

use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use crate::{
    decisions::quiet,
    testing::{self, TestGround},
};

const FIRST: &str = "whsec_first-secret-of-the-endpoint";
const SECOND: &str = "whsec_second-secret-of-the-endpoint";

fn new(organization_id: Uuid) -> NewEndpoint {
    NewEndpoint {
        organization_id,
        name: "Trivy".to_owned(),
        sender: "events".to_owned(),
        is_platform: false,
        psa_connection_id: None,
        scheme: "standard_webhooks".to_owned(),
        secret: Some(secret(FIRST)),
        is_registered: false,
        allowed_addresses: Vec::new(),
        settings: None,
        learning: Learning::default(),
        problems: Vec::new(),
    }
}

fn secret(text: &str) -> NewSecret {
    SecretString::from(text).into()
}

fn off() -> EndpointChange {
    EndpointChange { is_enabled: Some(false), ..EndpointChange::default() }
}

#[tokio::test]
async fn a_baseline_ends_in_time_begins_anew_and_is_not_for_a_psa() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let now = ground.clock.now();
    let baseline = |until| Learning { mode: Some(Mode::Baseline), until };
    let learns = NewEndpoint { learning: baseline(Some(Some(now.plus_secs(60)))), ..new(acme.id) };
    let endpoint = create(&admin, &ground, learns).await.unwrap();
    assert!(quiet::learns(&endpoint, now) && !quiet::learns(&endpoint, now.plus_secs(60)));

    ground.clock.advance_secs(60);
    let change = |learning| EndpointChange { learning, ..EndpointChange::default() };
    let off_and_on = update(&admin, &ground, endpoint.id, change(Learning::default())).await.unwrap();
    assert_eq!((off_and_on.mode, off_and_on.baseline_until), (Mode::Baseline, Some(now.plus_secs(60))));
    let anew = update(&admin, &ground, endpoint.id, change(baseline(None))).await.unwrap();
    assert_eq!((anew.mode, anew.baseline_until), (Mode::Baseline, None), "until somebody ends it");
    let live = Learning { mode: Some(Mode::Live), until: None };
    let live = update(&admin, &ground, endpoint.id, change(live)).await.unwrap();
    let ended = ground.clock.now();
    assert_eq!((live.mode, live.baseline_until), (Mode::Live, Some(ended)));
    let learned = |secs| quiet::learns(&live, ended.plus_secs(secs));
    assert_eq!((learned(-1), learned(0)), (true, false), "what came in before that was learned");

    let fields = |result: Result<webhook_endpoint::Model, Error>| {
        let Err(Error::Invalid(problems)) = result else { panic!("taken") };
        problems.into_iter().map(|problem| problem.field.join(".")).collect::<Vec<_>>()
    };
    let later = Learning { mode: None, until: Some(Some(now.plus_secs(600))) };
    assert_eq!(fields(update(&admin, &ground, endpoint.id, change(later)).await), ["baselineUntil"]);
    let past = change(baseline(Some(Some(now))));
    assert_eq!(fields(update(&admin, &ground, endpoint.id, past).await), ["baselineUntil"]);
    let psa = NewEndpoint { is_platform: true, learning: baseline(None), ..new(acme.id) };
    assert_eq!(fields(create(&admin, &ground, psa).await), ["psaConnectionId", "mode"]);
}

async fn accepted(ground: &TestGround, key: &str) -> Vec<String> {
    let keys = resolve(ground, key).await.unwrap().expect("an endpoint");
    let now = ground.clock.now();
    let live = keys.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|at| now < at));
    live.map(|secret| secret.secret.expose_secret().to_owned()).collect()
}

#[tokio::test]
async fn both_secrets_are_valid_during_the_overlap_and_one_after_it() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let endpoint = create(&admin, &ground, new(acme.id)).await.unwrap();
    assert_eq!(accepted(&ground, &endpoint.key).await, [FIRST]);

    let second = || secret(SECOND);
    let (_, until) = rotate_secret(&admin, &ground, endpoint.id, second(), Some(600)).await.unwrap();
    assert_eq!(until, testing::START.plus_secs(600));
    assert_eq!(accepted(&ground, &endpoint.key).await, [SECOND, FIRST]);
    ground.clock.advance_secs(599);
    assert_eq!(accepted(&ground, &endpoint.key).await.len(), 2);
    // Still inside what the cache keeps: the caller's own look at the clock decides.
    ground.clock.advance_secs(1);
    assert_eq!(accepted(&ground, &endpoint.key).await, [SECOND]);
    ground.clock.advance_secs(6);
    assert_eq!(accepted(&ground, &endpoint.key).await, [SECOND]);

    for wrong in [-1, MAX_OVERLAP_SECS + 1] {
        let refused = rotate_secret(&admin, &ground, endpoint.id, second(), Some(wrong)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))));
    }
}

#[tokio::test]
async fn at_most_five_secrets_are_valid_and_the_last_one_stays() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let endpoint = create(&admin, &ground, new(acme.id)).await.unwrap();
    let only = resolve(&ground, &endpoint.key).await.unwrap().unwrap().secrets[0].id;
    assert!(matches!(expire_secret(&admin, &ground, only).await, Err(Error::Invalid(_))));
    for number in 2..=5 {
        let next = secret(&format!("{SECOND}{number}"));
        rotate_secret(&admin, &ground, endpoint.id, next, None).await.unwrap();
    }
    let sixth = async |overlap| rotate_secret(&admin, &ground, endpoint.id, secret(SECOND), overlap).await;
    assert!(matches!(sixth(None).await, Err(Error::Invalid(_))));
    assert_eq!(accepted(&ground, &endpoint.key).await.len(), 5);
    expire_secret(&admin, &ground, only).await.unwrap();
    assert_eq!(accepted(&ground, &endpoint.key).await.len(), 4);
    sixth(Some(0)).await.unwrap();
    assert_eq!(accepted(&ground, &endpoint.key).await, [SECOND]);
}

#[tokio::test]
async fn lookups_are_kept_and_a_change_counts_at_once() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let endpoint = create(&admin, &ground, new(acme.id)).await.unwrap();
    assert!(resolve(&ground, &endpoint.key).await.unwrap().unwrap().endpoint.is_enabled);
    let statements = ground.db.statements();
    resolve(&ground, &endpoint.key).await.unwrap();
    assert_eq!(ground.db.statements(), statements, "the second lookup asks nothing");

    update(&admin, &ground, endpoint.id, off()).await.unwrap();
    assert!(!resolve(&ground, &endpoint.key).await.unwrap().unwrap().endpoint.is_enabled);

    let unknown = "x".repeat(KEY);
    assert!(resolve(&ground, &unknown).await.unwrap().is_none());
    let statements = ground.db.statements();
    for key in [unknown.as_str(), "", "../../etc/passwd"] {
        assert!(resolve(&ground, key).await.unwrap().is_none());
    }
    assert_eq!(ground.db.statements(), statements, "what is not there is known, too");
    ground.clock.advance_secs(5);
    resolve(&ground, &unknown).await.unwrap();
    assert!(ground.db.statements() > statements, "but not for long");
}

#[tokio::test]
async fn a_strangers_endpoint_is_not_found() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (_, neighbour) = ground.organization("globex").await;
    let endpoint = create(&admin, &ground, new(acme.id)).await.unwrap();
    let only = resolve(&ground, &endpoint.key).await.unwrap().unwrap().secrets[0].id;
    assert!(matches!(by_id(&neighbour, &ground, endpoint.id).await, Err(Error::NotFound)));
    let changed = update(&neighbour, &ground, endpoint.id, off()).await;
    assert!(matches!(changed, Err(Error::NotFound)));
    let rotated = rotate_secret(&neighbour, &ground, endpoint.id, secret(SECOND), None).await;
    assert!(matches!(rotated, Err(Error::NotFound)));
    assert!(matches!(expire_secret(&neighbour, &ground, only).await, Err(Error::NotFound)));
    assert!(matches!(create(&neighbour, &ground, new(acme.id)).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_psa_posts_for_a_connection_of_its_own_kind_and_organization() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (globex, neighbour) = ground.organization("globex").await;
    let theirs = testing::connection(&ground, &neighbour, globex.id, "Halo").await;
    let ours = testing::connection(&ground, &admin, acme.id, "Halo").await;
    let from = |sender: &str, connection| NewEndpoint {
        sender: sender.to_owned(),
        is_platform: true,
        psa_connection_id: connection,
        ..new(acme.id)
    };
    let codes = async |new| match create(&admin, &ground, new).await {
        Err(Error::Invalid(problems)) => problems.into_iter().map(|problem| problem.code).collect(),
        Ok(_) => Vec::new(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(codes(from("halo", None)).await, [ProblemCode::Required]);
    assert_eq!(codes(from("halo", Some(theirs.id))).await, [ProblemCode::NotFound]);
    assert_eq!(codes(from("syncro", Some(ours.id))).await, [ProblemCode::Invalid]);
    let scanner = NewEndpoint { psa_connection_id: Some(ours.id), ..new(acme.id) };
    assert_eq!(codes(scanner).await, [ProblemCode::Invalid]);
    assert_eq!(codes(from("halo", Some(ours.id))).await, []);
}

#[tokio::test]
async fn of_a_secret_that_is_only_compared_nothing_is_kept_that_it_could_be_made_of() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let shown = SecretString::from("a-token-that-only-its-sender-knows");
    let new = NewEndpoint { secret: Some(NewSecret::Compared(shown.clone())), ..new(acme.id) };
    let (one, other) =
        (create(&admin, &ground, new.clone()).await.unwrap(), create(&admin, &ground, new).await.unwrap());
    let (kept, others) = (accepted(&ground, &one.key).await, accepted(&ground, &other.key).await);
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].contains(shown.expose_secret()));
    assert_ne!(kept, others, "the same secret at two endpoints does not show");
    let known = digest(&ground, one.id, shown.expose_secret().as_bytes());
    assert_eq!(kept[0], base64::Engine::encode(&base64::prelude::BASE64_STANDARD, known));
    // It is recognised by its end, as all others are.
    let listed = secrets(&admin, &ground, &[one.id]).await.unwrap();
    assert_eq!(listed[&one.id][0].hint, "nows");
}

#[tokio::test]
async fn of_two_topics_the_first_one_stays() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let new = NewEndpoint { settings: Some(serde_json::json!({ "mine": 1 })), ..new(acme.id) };
    let endpoint = create(&admin, &ground, new).await.unwrap();
    assert_eq!(settle_setting(&ground, &endpoint, "topicArn", "first").await.unwrap(), "first");
    assert_eq!(settle_setting(&ground, &endpoint, "topicArn", "second").await.unwrap(), "first");
    let found = by_id(&admin, &ground, endpoint.id).await.unwrap();
    assert_eq!(found.settings, Some(serde_json::json!({ "mine": 1, "topicArn": "first" })));
    // A person decides otherwise.
    let cleared = EndpointChange { settings: Some(None), ..EndpointChange::default() };
    update(&admin, &ground, endpoint.id, cleared).await.unwrap();
    assert_eq!(settle_setting(&ground, &endpoint, "topicArn", "second").await.unwrap(), "second");
}
