//! Endpoints: what they accept, for how long, and who finds them.

use super::*;
use crate::testing::{self, TestGround};

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
        secret: Some(FIRST.to_owned().into()),
        is_registered: false,
        allowed_addresses: Vec::new(),
        problems: Vec::new(),
    }
}

fn off() -> EndpointChange {
    EndpointChange { is_enabled: Some(false), ..EndpointChange::default() }
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

    let second = || SecretString::from(SECOND);
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
        let secret = SecretString::from(format!("{SECOND}{number}"));
        rotate_secret(&admin, &ground, endpoint.id, secret, None).await.unwrap();
    }
    let sixth = async |overlap| rotate_secret(&admin, &ground, endpoint.id, SECOND.into(), overlap).await;
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
    let secret = resolve(&ground, &endpoint.key).await.unwrap().unwrap().secrets[0].id;
    assert!(matches!(by_id(&neighbour, &ground, endpoint.id).await, Err(Error::NotFound)));
    let changed = update(&neighbour, &ground, endpoint.id, off()).await;
    assert!(matches!(changed, Err(Error::NotFound)));
    let rotated = rotate_secret(&neighbour, &ground, endpoint.id, SECOND.into(), None).await;
    assert!(matches!(rotated, Err(Error::NotFound)));
    assert!(matches!(expire_secret(&neighbour, &ground, secret).await, Err(Error::NotFound)));
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
