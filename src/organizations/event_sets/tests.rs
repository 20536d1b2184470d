//! Event sets hold what the catalogue has, one is the default, and none goes while it is used.

use super::*;
use crate::{
    organizations::policies::{self, PolicyChange},
    testing,
};

fn choice(category: &str, kinds: Option<&[&str]>) -> Choice {
    let kinds = kinds.map(|kinds| kinds.iter().map(|&kind| kind.to_owned()).collect());
    Choice { category: category.to_owned(), kinds }
}

fn new(organization_id: Uuid, name: &str, choices: Vec<Choice>) -> NewEventSet {
    let remediation_grain = RemediationGrain::Asset;
    NewEventSet { organization_id, name: name.to_owned(), is_default: true, remediation_grain, choices }
}

#[tokio::test]
async fn the_newest_default_takes_it_from_the_one_before_and_a_copy_is_none() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let secrets = || vec![choice("secret", Some(&["secret.leaked", "finding.opened"]))];
    let first = create(&admin, &ground, new(acme.id, "First", secrets())).await.unwrap();
    let second = create(&admin, &ground, new(acme.id, "Second", secrets())).await.unwrap();
    let first = by_id(&admin, &ground, first.id).await.unwrap();
    assert_eq!((first.is_default, first.version, second.is_default), (false, 2, true));
    let copied = copy(&admin, &ground, second.id, None).await.unwrap();
    assert_eq!((copied.name.as_str(), copied.is_default), ("Copy of Second", false));
    assert_eq!(copied.choices, second.choices);
    let again = copy(&admin, &ground, second.id, None).await;
    let Err(Error::Invalid(problems)) = again else { panic!("two of the same name") };
    assert_eq!(problems[0].code, ProblemCode::Taken);
}

#[tokio::test]
async fn what_is_not_in_the_catalogue_is_said_where_it_stands() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let wrong = vec![
        choice("secret", Some(&["secret.leaked", "port.opened"])),
        choice("weather", None),
        choice("secret", Some(&[])),
    ];
    let Err(Error::Invalid(problems)) = create(&admin, &ground, new(acme.id, "Wrong", wrong)).await else {
        panic!("a choice of what there is not");
    };
    let paths: Vec<_> = problems.iter().map(|problem| problem.field.join(".")).collect();
    assert_eq!(paths, ["choices.0.kinds.1", "choices.1.category", "choices.2.category", "choices.2.kinds"]);
}

#[tokio::test]
async fn a_set_that_a_policy_uses_stays_and_says_by_which() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (_, neighbour) = ground.organization("globex").await;
    let set = create(&admin, &ground, new(acme.id, "Secrets", vec![choice("secret", None)])).await.unwrap();
    let policy =
        policies::of_organizations(&admin, &ground, &[acme.id]).await.unwrap().remove(&acme.id).unwrap();
    let take = |set| PolicyChange { event_set_id: Some(set), ..PolicyChange::default() };
    policies::update(&admin, &ground, policy.id, take(Some(set.id))).await.unwrap();
    assert!(matches!(delete(&neighbour, &ground, set.id).await, Err(Error::NotFound)));
    let Err(Error::Invalid(problems)) = delete(&admin, &ground, set.id).await else { panic!("it is used") };
    assert_eq!(problems[0].code, ProblemCode::InUse);
    assert!(problems[0].message.contains("the policy \"Open findings\""), "{}", problems[0].message);
    policies::update(&admin, &ground, policy.id, take(None)).await.unwrap();
    delete(&admin, &ground, set.id).await.unwrap();
}
