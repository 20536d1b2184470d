//! Tokens: who shows one, from where, for how long and with what.

use super::{
    text::{SECRET, check_of},
    *,
};
use crate::testing::{self, TestGround};

async fn token_of(ground: &TestGround, viewer: &Viewer, new: NewToken) -> SecretString {
    create(viewer, ground, new).await.unwrap().1
}

fn new(organization_id: Option<Uuid>, expires_at: Option<Timestamp>) -> NewToken {
    NewToken { expires_at, ..NewToken::plain(organization_id, "dashboard", Role::Viewer) }
}

#[tokio::test]
async fn a_token_says_who_is_asking_until_it_expires() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let expires_at = Some(testing::START.plus_secs(60));
    let token = token_of(&ground, &admin, new(Some(acme.id), expires_at)).await;
    assert_eq!(token.expose_secret().len(), 63);
    let viewer = authenticate(&ground, &token, None).await.unwrap().unwrap();
    assert_eq!((viewer.organization_id(), viewer.role()), (Some(acme.id), Role::Viewer));
    ground.clock.advance_secs(60);
    assert_eq!(authenticate(&ground, &token, None).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_changed_withdrawn_or_made_up_is_refused_alike() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (row, token) = create(&admin, &ground, new(Some(acme.id), None)).await.unwrap();
    let text = token.expose_secret().to_owned();

    // Another secret under the same key id, with a check that fits.
    let other = format!("{}{}", &text[..14], "x".repeat(SECRET));
    let forged = format!("{other}{}", check_of(&other));
    assert_eq!(key_id(&forged), Some(row.key_id.as_str()));
    let mistyped = text.replace(&text[20..22], "zz");
    for wrong in [forged.as_str(), mistyped.as_str(), "", "pgw_", &text[1..], &format!("{text} ")] {
        assert_eq!(authenticate(&ground, &wrong.to_owned().into(), None).await.unwrap(), None, "{wrong}");
    }

    assert!(authenticate(&ground, &token, None).await.unwrap().is_some());
    revoke(&admin, &ground, row.id).await.unwrap();
    assert_eq!(authenticate(&ground, &token, None).await.unwrap(), None);
}

#[tokio::test]
async fn what_another_node_changes_counts_here_when_its_news_come_or_after_a_second() {
    let ground = testing::ground().await;
    // The same database, and nothing of what is known here.
    let clone: &Ground = &ground;
    let other = Ground { tokens: crate::ground::Recent::new(1), ..clone.clone() };
    let (acme, admin) = ground.organization("acme").await;
    let (row, token) = create(&admin, &ground, new(Some(acme.id), None)).await.unwrap();
    let known = async || authenticate(&ground, &token, None).await.unwrap().is_some();
    assert!(known().await);
    let before = ground.db.statements();
    assert!(known().await);
    assert_eq!(ground.db.statements(), before, "within a second the database is not asked again");

    revoke(&admin, &other, row.id).await.unwrap();
    assert!(known().await, "nobody has told this node");
    ground.clock.advance_secs(1);
    assert!(!known().await);

    let (row, token) = create(&admin, &ground, new(Some(acme.id), None)).await.unwrap();
    let stop = CancellationToken::new();
    let hearing = tokio::spawn(forget_changed(clone.clone(), stop.clone()));
    while !ground.db.news().is_watched(What::AccessChanged) {
        tokio::task::yield_now().await;
    }
    let known = async || authenticate(&ground, &token, None).await.unwrap().is_some();
    assert!(known().await);
    revoke(&admin, &other, row.id).await.unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while known().await {
        assert!(std::time::Instant::now() < end, "the news are heard without the clock going on");
        tokio::task::yield_now().await;
    }
    stop.cancel();
    hearing.await.unwrap();
}

#[tokio::test]
async fn the_first_administrators_token_is_made_once() {
    let ground = testing::ground().await;
    // Two nodes that start at the same moment.
    let (one, other) = tokio::join!(first_administrator(&ground), first_administrator(&ground));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.is_some(), other.is_some());
    let token = one.or(other).unwrap();
    let viewer = authenticate(&ground, &token, None).await.unwrap().unwrap();
    assert!(viewer.may_operate_installation().is_ok());
    assert!(first_administrator(&ground).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_makes_or_withdraws_tokens_beyond_their_reach() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (_, neighbour) = ground.organization("globex").await;
    let (row, _) = create(&admin, &ground, new(Some(acme.id), None)).await.unwrap();
    assert!(matches!(revoke(&neighbour, &ground, row.id).await, Err(Error::NotFound)));
    let stranger = create(&neighbour, &ground, new(Some(acme.id), None)).await;
    assert!(matches!(stranger, Err(Error::NotFound)));
    assert!(matches!(create(&admin, &ground, new(None, None)).await, Err(Error::Forbidden { .. })));
    let past = create(&admin, &ground, new(Some(acme.id), Some(testing::START))).await;
    assert!(matches!(past, Err(Error::Invalid(_))));
    let (operators, _) = create(&Viewer::gateway(), &ground, new(None, None)).await.unwrap();
    assert!(matches!(revoke(&admin, &ground, operators.id).await, Err(Error::NotFound)));
}

fn narrow(organization_id: Uuid, role: Role, scopes: &[Permission]) -> NewToken {
    let scopes = Some(scopes.to_vec());
    NewToken { scopes, ..NewToken::plain(Some(organization_id), "narrow", role) }
}

#[tokio::test]
async fn scopes_leave_a_token_a_part_of_its_role_and_never_add_to_it() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let scopes = [Permission::ManageAccess, Permission::Operate, Permission::Operate];
    let token = token_of(&ground, &admin, narrow(acme.id, Role::Administrator, &scopes)).await;
    let viewer = authenticate(&ground, &token, None).await.unwrap().unwrap();
    let held: Vec<_> = viewer.permissions().collect();
    assert_eq!(held, [Permission::Read, Permission::Operate, Permission::ManageAccess]);

    // It may make tokens, and none that holds more than itself.
    let whole = NewToken::plain(Some(acme.id), "whole", Role::Technician);
    assert!(matches!(create(&viewer, &ground, whole).await, Err(Error::Forbidden { .. })));
    let part = narrow(acme.id, Role::Technician, &[Permission::Operate]);
    assert!(create(&viewer, &ground, part).await.is_ok());

    for wrong in [&[Permission::Operate][..], &[Permission::OperateInstallation], &[]] {
        let refused = create(&admin, &ground, narrow(acme.id, Role::Viewer, wrong)).await;
        assert!(matches!(refused, Err(Error::Invalid(_) | Error::Forbidden { .. })), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_token_is_taken_from_its_addresses_only() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let allowed_addresses = vec!["192.0.2.0/24".to_owned(), "2001:db8::7".to_owned()];
    let new = NewToken { allowed_addresses, ..new(Some(acme.id), None) };
    let (row, token) = create(&admin, &ground, new).await.unwrap();
    let from = |text: &str| Some(text.parse::<IpAddr>().unwrap());
    for (address, is_taken) in [
        (from("192.0.2.9"), true),
        (from("::ffff:192.0.2.9"), true),
        (from("2001:db8::7"), true),
        (from("192.0.3.9"), false),
        (None, false),
    ] {
        let viewer = authenticate(&ground, &token, address).await.unwrap();
        assert_eq!(viewer.is_some(), is_taken, "{address:?}");
        assert!(viewer.is_none_or(|viewer| viewer.from() == address));
    }
    let anywhere = TokenChange { allowed_addresses: Some(Vec::new()), ..TokenChange::default() };
    update(&admin, &ground, row.id, anywhere).await.unwrap();
    assert!(authenticate(&ground, &token, None).await.unwrap().is_some());
    let wrong = TokenChange { allowed_addresses: Some(vec!["office".to_owned()]), ..TokenChange::default() };
    assert!(matches!(update(&admin, &ground, row.id, wrong).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_rotated_token_has_two_texts_for_a_while_and_then_one() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (row, first) = create(&admin, &ground, new(Some(acme.id), None)).await.unwrap();
    let is_taken = async |token: &SecretString| authenticate(&ground, token, None).await.unwrap().is_some();

    let overlap = Rotation { overlap_secs: Some(600), expires_at: None };
    let (rotated, second) = rotate(&admin, &ground, row.id, overlap).await.unwrap();
    assert_eq!(rotated.id, row.id, "the same record");
    assert!(is_taken(&first).await && is_taken(&second).await);
    ground.clock.advance_secs(600);
    assert!(!is_taken(&first).await && is_taken(&second).await);

    // Leaked: nothing of it stays valid.
    let at_once = Rotation { overlap_secs: Some(0), expires_at: None };
    let (_, third) = rotate(&admin, &ground, row.id, at_once).await.unwrap();
    assert!(!is_taken(&second).await && is_taken(&third).await);
    let too_long = Rotation { overlap_secs: Some(MAX_OVERLAP_SECS + 1), expires_at: None };
    assert!(matches!(rotate(&admin, &ground, row.id, too_long).await, Err(Error::Invalid(_))));

    revoke(&admin, &ground, row.id).await.unwrap();
    assert!(!is_taken(&third).await);
    assert!(matches!(rotate(&admin, &ground, row.id, overlap).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn nobody_gets_the_text_of_a_token_that_can_do_more_than_they() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let owners = NewToken::plain(Some(acme.id), "owner's", Role::Owner);
    let (row, token) = create(&Viewer::gateway(), &ground, owners).await.unwrap();
    let refused = rotate(&admin, &ground, row.id, Rotation::default()).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    assert!(authenticate(&ground, &token, None).await.unwrap().is_some(), "nothing was changed");
}

#[tokio::test]
async fn when_a_token_was_last_used_is_written_once_however_often_it_asks() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (row, token) = create(&admin, &ground, new(Some(acme.id), None)).await.unwrap();
    let from: IpAddr = [192, 0, 2, 7].into();
    for _ in 0..50 {
        authenticate(&ground, &token, Some(from)).await.unwrap().unwrap();
        ground.clock.advance_secs(1);
    }
    assert_eq!(crate::organizations::last_seen::write_down(&ground).await.unwrap(), 1);
    assert_eq!(crate::organizations::last_seen::write_down(&ground).await.unwrap(), 0);
    let viewer = authenticate(&ground, &token, Some(from)).await.unwrap().unwrap();
    let kept = own(&viewer, &ground).await.unwrap().unwrap();
    assert_eq!(kept.id, row.id);
    assert_eq!(kept.last_used_at, Some(testing::START.plus_secs(49)));
    assert_eq!(kept.last_used_from.as_deref(), Some("192.0.2.7"));
}
