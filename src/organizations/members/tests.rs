//! Who comes in by the identity provider's word, who by invitation, and who is kept out.

use super::*;
use crate::{
    organizations::{
        last_seen,
        mergers::{self, Merging},
    },
    testing::{self, TestGround},
};

fn dana(organization: Option<&str>, role: ClaimedRole) -> SignIn {
    SignIn {
        issuer: "https://id.example.com".to_owned(),
        subject: "dana".to_owned(),
        organization: organization.map(str::to_owned),
        role,
        name: Some("Dana Smith".to_owned()),
        email: Some("dana@example.com".to_owned()),
        is_email_confirmed: true,
    }
}

fn named(subject: &str, role: Role) -> SignIn {
    let email = Some(format!("{subject}@example.com"));
    SignIn { subject: subject.to_owned(), email, ..dana(Some("acme"), ClaimedRole::Is(role)) }
}

async fn comes(ground: &TestGround, who: &SignIn) -> Viewer {
    match sign_in(ground, who, None).await.unwrap() {
        SignedIn::As(viewer) => viewer,
        SignedIn::Refused(why) => panic!("{who:?}: {why}"),
    }
}

async fn is_refused(ground: &TestGround, who: &SignIn) -> &'static str {
    match sign_in(ground, who, None).await.unwrap() {
        SignedIn::As(viewer) => panic!("{who:?} came in as {viewer:?}"),
        SignedIn::Refused(why) => why,
    }
}

async fn all(ground: &TestGround) -> Vec<member::Model> {
    member::Entity::find().all(ground.db.reader()).await.unwrap()
}

async fn row(ground: &TestGround, viewer: &Viewer) -> member::Model {
    own(viewer, ground).await.unwrap().unwrap()
}

fn problems(result: Result<member::Model, Error>) -> Vec<ProblemCode> {
    match result {
        Err(Error::Invalid(problems)) => problems.into_iter().map(|problem| problem.code).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_the_provider_names_is_a_member_from_the_first_sight_on() {
    let ground = testing::ground().await;
    let (acme, _) = ground.organization("acme").await;
    let who = dana(Some("acme"), ClaimedRole::Is(Role::Billing));
    // Two requests of a dashboard at once.
    let (one, other) = tokio::join!(comes(&ground, &who), comes(&ground, &who));
    assert_eq!(one, other);
    assert_eq!((one.organization_id(), one.role(), &*one.name), (Some(acme.id), Role::Billing, "Dana Smith"));
    assert_eq!(all(&ground).await.len(), 1);

    let elsewhere = is_refused(&ground, &dana(Some("nowhere"), ClaimedRole::Is(Role::Owner))).await;
    assert_eq!(elsewhere, "the organization in the claims is not known");
    assert_eq!(all(&ground).await.len(), 1, "and no row is made");
    // Without the claim, the one organization they are in.
    assert_eq!(comes(&ground, &dana(None, ClaimedRole::Unsaid)).await.organization_id(), Some(acme.id));
    ground.organization("globex").await;
    comes(&ground, &dana(Some("globex"), ClaimedRole::Is(Role::Viewer))).await;
    is_refused(&ground, &dana(None, ClaimedRole::Unsaid)).await;
}

#[tokio::test]
async fn the_role_is_what_the_provider_says_now_and_what_stands_here_where_it_says_nothing() {
    let ground = testing::ground().await;
    let (_, admin) = ground.organization("acme").await;
    let with = |role| dana(Some("acme"), role);
    let first = comes(&ground, &with(ClaimedRole::Is(Role::Administrator))).await;
    let now = comes(&ground, &with(ClaimedRole::Is(Role::Viewer))).await;
    assert_eq!(now.role(), Role::Viewer, "at once");
    ground.clock.advance_secs(1);
    comes(&ground, &with(ClaimedRole::Is(Role::Viewer))).await;
    last_seen::write_down(&ground).await.unwrap();
    let kept = row(&ground, &first).await;
    assert_eq!((kept.role, kept.is_role_claimed), (Role::Viewer, true));
    assert_eq!(kept.last_seen_at, Some(testing::START.plus_secs(1)));

    let raise = MemberChange { role: Some(Role::Technician), is_enabled: None };
    let refused = update(&admin, &ground, kept.id, raise).await;
    assert_eq!(problems(refused), [ProblemCode::WrongState], "the provider says it");

    // The provider has stopped to say it.
    ground.clock.advance_secs(1);
    assert_eq!(comes(&ground, &with(ClaimedRole::Unsaid)).await.role(), Role::Viewer);
    last_seen::write_down(&ground).await.unwrap();
    update(&admin, &ground, kept.id, raise).await.unwrap();
    assert_eq!(comes(&ground, &with(ClaimedRole::Unsaid)).await.role(), Role::Technician);
}

#[tokio::test]
async fn an_invitation_is_accepted_once_by_who_has_the_address_for_sure() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let unsaid = dana(None, ClaimedRole::Unsaid);
    is_refused(&ground, &unsaid).await;
    let invite = |email: &str| NewInvitation {
        organization_id: acme.id,
        email: email.to_owned(),
        role: Role::Technician,
    };
    let invited = super::invite(&admin, &ground, invite(" Dana@Example.com ")).await.unwrap();
    assert_eq!(
        problems(super::invite(&admin, &ground, invite("dana@example.com")).await),
        [ProblemCode::Taken]
    );
    for wrong in ["dana", "@example.com", "dana smith@example.com", ""] {
        assert!(super::invite(&admin, &ground, invite(wrong)).await.is_err(), "{wrong}");
    }

    let unconfirmed = SignIn { is_email_confirmed: false, ..unsaid.clone() };
    is_refused(&ground, &unconfirmed).await;
    let viewer = comes(&ground, &unsaid).await;
    assert_eq!((viewer.known(), viewer.role()), (Known::Member(invited.id), Role::Technician));
    // Who they are is fixed now: the same address of somebody else is nobody's.
    is_refused(&ground, &SignIn { subject: "mallory".to_owned(), ..unsaid.clone() }).await;
    assert_eq!(comes(&ground, &SignIn { email: None, ..unsaid.clone() }).await.known(), viewer.known());

    remove(&admin, &ground, invited.id).await.unwrap();
    is_refused(&ground, &unsaid).await;
    // Invited by two, and no claim says to which of them.
    let (globex, theirs) = ground.organization("globex").await;
    super::invite(&admin, &ground, invite("dana@example.com")).await.unwrap();
    let other = NewInvitation { organization_id: globex.id, ..invite("dana@example.com") };
    super::invite(&theirs, &ground, other).await.unwrap();
    is_refused(&ground, &unsaid).await;
    let to_globex = comes(&ground, &dana(Some("globex"), ClaimedRole::Unsaid)).await;
    assert_eq!(to_globex.organization_id(), Some(globex.id));
}

#[tokio::test]
async fn who_is_switched_off_stays_out_whatever_the_provider_says() {
    let ground = testing::ground().await;
    let (_, admin) = ground.organization("acme").await;
    comes(&ground, &named("olga", Role::Owner)).await;
    let who = dana(Some("acme"), ClaimedRole::Is(Role::Administrator));
    let viewer = comes(&ground, &who).await;
    let id = row(&ground, &viewer).await.id;
    let off = MemberChange { role: None, is_enabled: Some(false) };
    update(&admin, &ground, id, off).await.unwrap();
    assert_eq!(is_refused(&ground, &who).await, "the member is switched off");
    let on = MemberChange { role: None, is_enabled: Some(true) };
    update(&admin, &ground, id, on).await.unwrap();
    comes(&ground, &who).await;
}

#[tokio::test]
async fn somebody_always_holds_the_organization() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let gateway = Viewer::gateway();
    let unclaimed = async |subject: &str, role| {
        let viewer = comes(&ground, &named(subject, role)).await;
        ground.clock.advance_secs(1);
        comes(&ground, &SignIn { role: ClaimedRole::Unsaid, ..named(subject, role) }).await;
        last_seen::write_down(&ground).await.unwrap();
        row(&ground, &viewer).await.id
    };
    let to = |role| MemberChange { role: Some(role), is_enabled: None };
    let off = MemberChange { role: None, is_enabled: Some(false) };

    let ada = unclaimed("ada", Role::Administrator).await;
    assert_eq!(problems(update(&admin, &ground, ada, to(Role::Viewer)).await), [ProblemCode::WrongState]);
    assert_eq!(problems(update(&admin, &ground, ada, off).await), [ProblemCode::WrongState]);
    assert_eq!(problems(remove(&admin, &ground, ada).await), [ProblemCode::WrongState]);
    // Who is only invited holds nothing yet.
    let new =
        NewInvitation { organization_id: acme.id, email: "b@example.com".to_owned(), role: Role::Owner };
    invite(&gateway, &ground, new).await.unwrap();
    assert!(remove(&admin, &ground, ada).await.is_err());

    let olga = unclaimed("olga", Role::Owner).await;
    update(&admin, &ground, ada, to(Role::Viewer)).await.unwrap();
    assert_eq!(
        problems(update(&gateway, &ground, olga, to(Role::Administrator)).await),
        [ProblemCode::WrongState]
    );
    let second = unclaimed("otto", Role::Owner).await;
    // Both at once: one of them stays.
    let (one, other) = tokio::join!(
        update(&gateway, &ground, olga, to(Role::Viewer)),
        update(&gateway, &ground, second, to(Role::Viewer)),
    );
    assert_ne!(one.is_ok(), other.is_ok());
}

#[tokio::test]
async fn administrators_change_no_owners_and_nobody_elses_members() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (_, neighbour) = ground.organization("globex").await;
    comes(&ground, &named("olga", Role::Owner)).await;
    let owner = comes(&ground, &named("otto", Role::Owner)).await;
    let id = row(&ground, &owner).await.id;
    let off = MemberChange { role: None, is_enabled: Some(false) };
    assert!(matches!(update(&admin, &ground, id, off).await, Err(Error::Forbidden { .. })));
    assert!(matches!(remove(&admin, &ground, id).await, Err(Error::Forbidden { .. })));
    let new =
        NewInvitation { organization_id: acme.id, email: "m@example.com".to_owned(), role: Role::Owner };
    assert!(matches!(invite(&admin, &ground, new.clone()).await, Err(Error::Forbidden { .. })));
    assert!(matches!(invite(&neighbour, &ground, new).await, Err(Error::NotFound)));
    assert!(matches!(update(&neighbour, &ground, id, off).await, Err(Error::NotFound)));
    assert!(matches!(remove(&neighbour, &ground, id).await, Err(Error::NotFound)));
    assert!(update(&owner, &ground, id, off).await.is_ok(), "an owner may, while another one is left");
}

#[tokio::test]
async fn operators_come_by_the_providers_word_and_can_be_switched_off_too() {
    let ground = testing::ground().await;
    let (_, admin) = ground.organization("acme").await;
    let who = dana(Some("acme"), ClaimedRole::Operator);
    let (one, other) = tokio::join!(comes(&ground, &who), comes(&ground, &who));
    assert_eq!(one, other);
    assert!(one.may_operate_installation().is_ok());
    assert_eq!(all(&ground).await.len(), 1);
    let id = row(&ground, &one).await.id;
    let off = MemberChange { role: None, is_enabled: Some(false) };
    assert!(matches!(update(&admin, &ground, id, off).await, Err(Error::NotFound)));
    update(&Viewer::gateway(), &ground, id, off).await.unwrap();
    is_refused(&ground, &who).await;
}

#[tokio::test]
async fn who_was_a_member_of_an_organization_that_was_merged_is_one_of_the_other_alone() {
    let ground = testing::ground().await;
    let (acme, _) = ground.organization("acme").await;
    let (globex, _) = ground.organization("globex").await;
    for slug in ["acme", "globex"] {
        comes(&ground, &dana(Some(slug), ClaimedRole::Is(Role::Technician))).await;
    }
    is_refused(&ground, &dana(None, ClaimedRole::Unsaid)).await;

    let mut merging =
        Merging { source_id: acme.id, target_id: globex.id, is_dry_run: true, expected_plan: None };
    let operator = Viewer::gateway();
    let shown = mergers::merge(&operator, &ground, merging.clone(), |row| row.id.to_string()).await.unwrap();
    merging.is_dry_run = false;
    merging.expected_plan = Some(shown.plan.digest);
    mergers::merge(&operator, &ground, merging, |row| row.id.to_string()).await.unwrap();

    let viewer = comes(&ground, &dana(None, ClaimedRole::Unsaid)).await;
    assert_eq!(viewer.organization_id(), Some(globex.id));
    is_refused(&ground, &dana(Some("acme"), ClaimedRole::Is(Role::Technician))).await;
}
