//! Profiles hold only what the PSA would take.

use super::*;
use crate::{
    sync::{
        self,
        pick_lists::LoadedList,
        remote::{PickItem, RemotePickList},
    },
    testing::{self, TestGround},
};

fn item(value: &str, label: &str) -> PickItem {
    PickItem { value: value.to_owned(), label: label.to_owned(), ..PickItem::default() }
}

fn under(item: PickItem, list: &str, parents: &[&str]) -> PickItem {
    let parents = parents.iter().map(|&parent| parent.to_owned()).collect();
    PickItem { parents: BTreeMap::from([(list.to_owned(), parents)]), ..item }
}

/// Incidents have priority 1 under either SLA, and cannot be put on hold; requests can.
fn lists() -> Vec<RemotePickList> {
    let list = |key: &str, items| RemotePickList { key: key.to_owned(), items, problem: None };
    let closes = |item, closes| PickItem { closes: Some(closes), ..item };
    vec![
        list("ticket_type", vec![item("1", "Incident"), item("3", "Request")]),
        list("sla", vec![item("1", "Gold"), item("2", "Silver")]),
        list(
            "priority",
            vec![
                under(item("1", "Urgent"), "sla", &["1"]),
                under(item("1", "Critical"), "sla", &["2"]),
                under(item("4", "Low"), "sla", &["2"]),
            ],
        ),
        list(
            "status",
            vec![
                closes(item("1", "New"), false),
                closes(under(item("5", "On Hold"), "ticket_type", &["3"]), false),
                closes(item("9", "Closed"), true),
            ],
        ),
        RemotePickList {
            key: "team".to_owned(),
            items: Vec::new(),
            problem: Some("the login may not read teams".to_owned()),
        },
    ]
}

fn rules() -> Vec<ProfileFieldRule> {
    let rule = |key: &str, label: &str, list: Option<&str>, is_required| ProfileFieldRule {
        key: key.to_owned(),
        label: label.to_owned(),
        pick_list: list.map(str::to_owned),
        depends_on: Vec::new(),
        is_required,
        is_whole_number: key == "source",
        is_board: key == "ticket_type",
    };
    vec![
        rule("ticket_type", "Ticket type", Some("ticket_type"), true),
        rule("sla", "SLA", Some("sla"), false),
        rule("priority", "Priority", Some("priority"), false),
        rule("team", "Team", Some("team"), false),
        rule("agent", "Agent", Some("agent"), false),
        rule("source", "Request source", None, false),
    ]
}

fn values(fields: &[(&str, &str)], on_create: Option<&str>, on_close: &str) -> ProfileValues {
    ProfileValues {
        fields: fields.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
        status_on_create: on_create.map(str::to_owned),
        status_on_close: on_close.to_owned(),
    }
}

/// Field paths and codes of what is wrong.
fn wrong(values: &ProfileValues) -> Vec<(String, ProblemCode)> {
    let loaded: BTreeMap<_, _> = lists()
        .into_iter()
        .map(|list| (list.key, LoadedList { items: list.items, problem: list.problem }))
        .collect();
    problems(&rules(), &loaded, values).into_iter().map(|p| (p.field.join("."), p.code)).collect()
}

#[test]
fn what_the_psa_would_take_has_no_problem() {
    let all = [("ticket_type", "1"), ("sla", "2"), ("priority", "4"), ("source", "7")];
    assert_eq!(wrong(&values(&all, Some("1"), "9")), []);
    assert_eq!(wrong(&values(&[("ticket_type", "1")], None, "9")), []);
    // The same number means something under either SLA.
    for sla in ["1", "2"] {
        let fields = [("ticket_type", "1"), ("sla", sla), ("priority", "1")];
        assert_eq!(wrong(&values(&fields, None, "9")), []);
    }
}

#[test]
fn every_problem_names_its_field() {
    use ProblemCode::{Invalid, NotInPickList, Required, WrongState};
    for (fields, on_create, on_close, expected) in [
        (&[][..], None, "9", &[("fields.ticket_type", Required)][..]),
        (&[("ticket_type", "2")], None, "9", &[("fields.ticket_type", NotInPickList)]),
        (&[("ticket_type", "1"), ("colour", "red")], None, "9", &[("fields.colour", Invalid)]),
        (&[("ticket_type", "1"), ("source", "Phone")], None, "9", &[("fields.source", Invalid)]),
        (
            &[("ticket_type", "1"), ("sla", "1"), ("priority", "4")],
            None,
            "9",
            &[("fields.priority", NotInPickList)],
        ),
        // This list was never loaded, and that one could not be.
        (&[("ticket_type", "1"), ("agent", "3")], None, "9", &[("fields.agent", WrongState)]),
        (&[("ticket_type", "1"), ("team", "3")], None, "9", &[("fields.team", WrongState)]),
        (&[("ticket_type", "1")], Some("9"), "9", &[("statusOnCreate", Invalid)]),
        (&[("ticket_type", "1")], Some("1"), "1", &[("statusOnCreate", Invalid)]),
        (&[("ticket_type", "1")], Some("5"), "9", &[("statusOnCreate", NotInPickList)]),
        (&[("ticket_type", "1")], None, "5", &[("statusOnClose", NotInPickList)]),
        (&[("ticket_type", "1")], None, "", &[("statusOnClose", Required)]),
        (
            &[("sla", "8")],
            Some("7"),
            "8",
            &[
                ("fields.ticket_type", Required),
                ("fields.sla", NotInPickList),
                ("statusOnCreate", NotInPickList),
                ("statusOnClose", NotInPickList),
            ],
        ),
    ] {
        let expected: Vec<_> = expected.iter().map(|&(field, code)| (field.to_owned(), code)).collect();
        assert_eq!(
            wrong(&values(fields, on_create, on_close)),
            expected,
            "{fields:?} {on_create:?} {on_close}"
        );
    }
}

struct Acme {
    admin: Viewer,
    connection_id: Uuid,
}

async fn acme(ground: &TestGround) -> Acme {
    let (organization, admin) = ground.organization("acme").await;
    let connection = testing::connection(ground, &admin, organization.id, "Halo").await;
    Acme { admin, connection_id: connection.id }
}

async fn load(ground: &TestGround, organization_id: Uuid, connection_id: Uuid) {
    let ground_of = Ground::clone(ground);
    let stored = ground.db.write(move |tx| {
        Box::pin(async move {
            let lists = lists();
            sync::store_pick_lists(tx, &ground_of, organization_id, connection_id, &lists).await
        })
    });
    stored.await.unwrap();
}

fn new(connection_id: Uuid, name: &str, is_default: bool) -> NewProfile {
    NewProfile {
        templates: Templates::default(),
        psa_connection_id: connection_id,
        name: name.to_owned(),
        is_default,
        values: values(&[("ticket_type", " 1 "), ("sla", "")], Some("1"), "9"),
    }
}

#[tokio::test]
async fn a_profile_wants_loaded_lists_and_one_at_the_most_is_the_default() {
    let ground = testing::ground().await;
    let acme = acme(&ground).await;
    let early = create(&acme.admin, &ground, &rules(), new(acme.connection_id, "Incidents", true)).await;
    let Err(Error::Invalid(problems)) = early else { panic!("no list is loaded yet") };
    assert!(problems.iter().all(|problem| problem.code == ProblemCode::WrongState), "{problems:?}");

    load(&ground, acme.admin.organization_id().unwrap(), acme.connection_id).await;
    let first =
        create(&acme.admin, &ground, &rules(), new(acme.connection_id, "Incidents", true)).await.unwrap();
    assert_eq!(first.fields, json!({"ticket_type": "1"}));
    let second =
        create(&acme.admin, &ground, &rules(), new(acme.connection_id, "Others", true)).await.unwrap();
    assert!(!by_id(&acme.admin, &ground, first.id).await.unwrap().is_default);

    let change = ProfileChange { is_default: Some(true), ..ProfileChange::default() };
    update(&acme.admin, &ground, &rules(), first.id, change).await.unwrap();
    assert!(!by_id(&acme.admin, &ground, second.id).await.unwrap().is_default);
    let change = ProfileChange { status_on_create: Some(Some("9".to_owned())), ..ProfileChange::default() };
    assert!(matches!(update(&acme.admin, &ground, &rules(), first.id, change).await, Err(Error::Invalid(_))));
    let change = ProfileChange { name: Some("Others".to_owned()), ..ProfileChange::default() };
    let Err(Error::Invalid(problems)) = update(&acme.admin, &ground, &rules(), first.id, change).await else {
        panic!("two of a name");
    };
    assert_eq!(problems[0].code, ProblemCode::Taken);
    delete(&acme.admin, &ground, second.id).await.unwrap();
    assert!(matches!(by_id(&acme.admin, &ground, second.id).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_neighbour_finds_no_profile_and_makes_none_on_anothers_connection() {
    let ground = testing::ground().await;
    let acme = acme(&ground).await;
    let (_, neighbour) = ground.organization("globex").await;
    load(&ground, acme.admin.organization_id().unwrap(), acme.connection_id).await;
    let made =
        create(&acme.admin, &ground, &rules(), new(acme.connection_id, "Incidents", false)).await.unwrap();
    let theirs = create(&neighbour, &ground, &rules(), new(acme.connection_id, "Mine", false)).await;
    let Err(Error::Invalid(problems)) = theirs else { panic!("another's connection") };
    assert_eq!((problems[0].code, problems[0].field[0].as_str()), (ProblemCode::NotFound, "psaConnectionId"));
    let change = ProfileChange::default();
    assert!(matches!(update(&neighbour, &ground, &rules(), made.id, change).await, Err(Error::NotFound)));
    assert!(matches!(delete(&neighbour, &ground, made.id).await, Err(Error::NotFound)));
}
