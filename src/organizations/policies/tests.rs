//! Policies belong to their organization, keep their order, and refer only to what there is.

use serde_json::json;

use super::*;
use crate::{
    decisions::conditions::{FieldTest, NumberField, NumberIs},
    error::ProblemCode,
    organizations::companies,
    testing,
};

async fn names(ground: &Ground, organization_id: Uuid) -> Vec<String> {
    let rows = policy::Entity::find()
        .filter(policy::Column::OrganizationId.eq(organization_id))
        .order_by_asc(policy::Column::Position)
        .all(ground.db.reader())
        .await
        .unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

fn new(organization_id: Uuid, name: &str, place: Option<i32>) -> NewPolicy {
    NewPolicy { organization_id, values: PolicyValues::named(name), takes_default_set: true, place }
}

fn paths(error: Result<impl std::fmt::Debug, Error>) -> Vec<String> {
    match error {
        Err(Error::Invalid(problems)) => problems.iter().map(|problem| problem.field.join(".")).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_organization_has_a_policy_that_only_its_own_people_change() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (_, neighbour) = ground.organization("globex").await;
    let policy = of_organizations(&admin, &ground, &[acme.id]).await.unwrap().remove(&acme.id).unwrap();
    assert_eq!((policy.name.as_str(), policy.minimum_severity), ("Open findings", Severity::Medium));

    let change = || PolicyChange { minimum_severity: Some(Severity::High), ..PolicyChange::default() };
    assert!(matches!(update(&neighbour, &ground, policy.id, change()).await, Err(Error::NotFound)));
    assert!(matches!(delete(&neighbour, &ground, policy.id).await, Err(Error::NotFound)));
    assert!(matches!(copy(&neighbour, &ground, policy.id, None).await, Err(Error::NotFound)));
    let reordered = reorder(&neighbour, &ground, acme.id, vec![policy.id]).await;
    assert!(matches!(reordered, Err(Error::NotFound)));
    let made = create(&neighbour, &ground, new(acme.id, "Mine", None)).await;
    assert!(matches!(made, Err(Error::NotFound)));
    let changed = update(&admin, &ground, policy.id, change()).await.unwrap();
    assert_eq!(changed.minimum_severity, Severity::High);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_where() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (_, neighbour) = ground.organization("globex").await;
    let theirs =
        companies::create(&neighbour, &ground, neighbour.organization_id().unwrap(), "Mill").await.unwrap();
    let too_much = FieldTest { field: NumberField::Cvss, is: NumberIs::AtLeast(11.0), or_unknown: false };
    let mut wrong = new(acme.id, " ", None);
    wrong.values = PolicyValues {
        event_set_id: Some(Uuid::nil()),
        company_ids: Some(vec![theirs.id]),
        conditions: Some(Condition::Number(too_much)),
        ticket_profile_id: Some(Uuid::nil()),
        reopen_window_secs: -1,
        ..wrong.values
    };
    wrong.takes_default_set = false;
    assert_eq!(
        paths(create(&admin, &ground, wrong).await),
        [
            "name",
            "reopenWindowSeconds",
            "conditions.number.is.atLeast",
            "ticketProfileId",
            "eventSetId",
            "companyIds.0",
        ]
    );
    let nobody = PolicyChange { company_ids: Some(Some(Vec::new())), ..PolicyChange::default() };
    let policy = of_organizations(&admin, &ground, &[acme.id]).await.unwrap().remove(&acme.id).unwrap();
    assert_eq!(paths(update(&admin, &ground, policy.id, nobody).await), ["companyIds"]);
    assert_eq!(paths(create(&admin, &ground, new(acme.id, "Open findings", None)).await), ["name"]);
}

#[tokio::test]
async fn policies_stand_where_they_are_put() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let last = create(&admin, &ground, new(acme.id, "Last", None)).await.unwrap();
    let first = create(&admin, &ground, new(acme.id, "First", Some(1))).await.unwrap();
    create(&admin, &ground, new(acme.id, "Second", Some(2))).await.unwrap();
    assert_eq!(names(&ground, acme.id).await, ["First", "Second", "Open findings", "Last"]);
    let copied = copy(&admin, &ground, first.id, None).await.unwrap();
    assert!(!copied.is_enabled);
    assert_eq!(names(&ground, acme.id).await, ["First", "Copy of First", "Second", "Open findings", "Last"]);
    delete(&admin, &ground, copied.id).await.unwrap();
    let preset = create_from_preset(&admin, &ground, acme.id, "jumpcloud_alerts").await.unwrap();
    let again = paths(create_from_preset(&admin, &ground, acme.id, "jumpcloud_alerts").await);
    assert_eq!(again, ["name"]);
    delete(&admin, &ground, preset.id).await.unwrap();
    let anew = create_from_preset(&admin, &ground, acme.id, "jumpcloud_alerts").await.unwrap();
    assert_eq!(anew.event_set_id, preset.event_set_id, "the event set is there already");

    let all = policy::Entity::find().filter(policy::Column::OrganizationId.eq(acme.id));
    let mut ids: Vec<_> = all.all(ground.db.reader()).await.unwrap().iter().map(|row| row.id).collect();
    ids.sort();
    let (some, twice) = (ids[1..].to_vec(), [ids.as_slice(), &ids[..1]].concat());
    assert_eq!(paths(reorder(&admin, &ground, acme.id, some).await), ["policyIds"]);
    assert_eq!(paths(reorder(&admin, &ground, acme.id, twice).await), ["policyIds"]);
    ids.retain(|id| *id != last.id);
    ids.insert(0, last.id);
    reorder(&admin, &ground, acme.id, ids).await.unwrap();
    assert_eq!(names(&ground, acme.id).await[0], "Last");
}

#[tokio::test]
async fn a_company_that_goes_leaves_the_scope_and_opens_it_to_nobody_else() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let bakery = companies::create(&admin, &ground, acme.id, "Bakery").await.unwrap();
    let mut scoped = new(acme.id, "Bakery only", None);
    scoped.values.company_ids = Some(vec![bakery.id]);
    let made = create(&admin, &ground, scoped).await.unwrap();
    companies::delete(&admin, &ground, bakery.id).await.unwrap();
    let left = by_id(&admin, &ground, made.id).await.unwrap();
    assert_eq!((left.company_ids, left.version), (Some(json!([])), 2));
}

#[tokio::test]
async fn a_name_is_one_policys_only_and_a_stale_change_is_refused() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let made = create(&admin, &ground, new(acme.id, "Second", None)).await.unwrap();
    let taken = PolicyChange { name: Some("Open findings".to_owned()), ..PolicyChange::default() };
    let Err(Error::Invalid(problems)) = update(&admin, &ground, made.id, taken).await else {
        panic!("a name twice")
    };
    assert_eq!(problems[0].code, ProblemCode::Taken);
    let late = PolicyChange { expected_version: Some(7), ..PolicyChange::default() };
    assert_eq!(paths(update(&admin, &ground, made.id, late).await), ["expectedVersion"]);
}
