//! Rules are read for who asks, and forgetting to read them shows too little, never too much.

use entity::ticket;

use super::*;
use crate::{
    fixtures::{self, Place},
    organizations::sight,
};

fn rule_for(place: &Place, subject: Subject, boards: Option<&[&str]>) -> ticket_permission::Model {
    let now = place.ground.clock.now();
    let (role, member_id) = match subject {
        Subject::Role(role) => (Some(role), None),
        Subject::Member(id) => (None, Some(id)),
    };
    ticket_permission::Model {
        id: place.ground.chance.id(now),
        organization_id: place.organization_id,
        psa_connection_id: place.psa_connection_id,
        subject: subject.text(),
        role,
        member_id,
        boards: boards.map(|boards| json!(boards)),
        hidden_fields: json!([]),
        shows_notes: true,
        shows_internal_notes: true,
        created_at: now,
        updated_at: now,
    }
}

async fn on_board(place: &Place, board: Option<&str>) -> ticket::Model {
    let ticket = place.ticket("t", place.ground.clock.now()).await;
    let (id, board) = (ticket.id, board.map(str::to_owned));
    let changed = place.ground.db.write(move |tx| {
        Box::pin(async move {
            let mut row = ticket.into_active_model();
            row.board = Set(board);
            Ok::<_, Error>(row.update(tx).await?)
        })
    });
    let changed = changed.await.unwrap();
    assert_eq!(changed.id, id);
    changed
}

async fn boards_seen(ground: &Ground, viewer: &Viewer) -> Vec<Option<String>> {
    let rows = reach::rows::<ticket::Entity>(viewer).order_by_asc(ticket::Column::Id);
    let rows = rows.all(ground.db.reader()).await.unwrap();
    let all = ticket::Entity::find().all(ground.db.reader()).await.unwrap();
    if *viewer.sight() != Sight::Unruled {
        let seen = all.iter().filter(|row| sight::sees(viewer, row)).count();
        assert_eq!(seen, rows.len(), "the rule in words is the rule in the database");
    }
    rows.into_iter().map(|row| row.board).collect()
}

#[tokio::test]
async fn a_members_own_rule_goes_before_their_roles_and_unread_rules_hide() {
    let ground = fixtures::ground().await;
    let place = Place::new(&ground, "acme").await;
    let other = place.another("other").await;
    for board in [Some("1"), Some("2"), None] {
        on_board(&place, board).await;
    }
    on_board(&other, Some("9")).await;
    let (mine, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
    place.insert(rule_for(&place, Subject::Role(Role::Technician), Some(&["1"]))).await;
    place.insert(rule_for(&place, Subject::Member(mine), Some(&["2"]))).await;
    place.insert(rule_for(&place, Subject::Member(theirs), None)).await;

    let organization_id = place.organization_id;
    let member = |id, role| Viewer::of_organization(Known::Member(id), "m", organization_id, role);
    let seen = async |viewer| {
        let viewer = with_rules(&ground, viewer).await.unwrap();
        let seen = boards_seen(&ground, &viewer).await;
        seen.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()
    };
    assert_eq!(seen(member(mine, Role::Technician)).await, ["2", "9"]);
    assert_eq!(seen(member(theirs, Role::Technician)).await, ["1", "2", "", "9"]);
    assert_eq!(seen(member(Uuid::from_u128(3), Role::Technician)).await, ["1", "9"]);
    assert_eq!(seen(member(Uuid::from_u128(3), Role::Viewer)).await, ["1", "2", "", "9"]);
    assert_eq!(seen(member(mine, Role::Administrator)).await, ["1", "2", "", "9"]);

    let unread = member(Uuid::from_u128(3), Role::Technician);
    assert_eq!(boards_seen(&ground, &unread).await, [Some("9".to_owned())]);
    let everywhere = Viewer::operator(Known::Token(mine), "t", Role::Technician);
    assert_eq!(seen(everywhere).await, ["9"], "who reaches all organizations sees what has no rule");
}

#[tokio::test]
async fn operations_and_attempts_go_with_their_ticket() {
    let ground = fixtures::ground().await;
    let place = Place::new(&ground, "acme").await;
    for board in ["1", "2"] {
        let ticket = on_board(&place, Some(board)).await;
        place.operation(&ticket, 1, None).await;
    }
    place.insert(rule_for(&place, Subject::Role(Role::Viewer), Some(&["1"]))).await;
    let viewer = Viewer::of_organization(Known::Token(Uuid::nil()), "v", place.organization_id, Role::Viewer);
    for (viewer, expected) in [(viewer.clone(), 0), (with_rules(&ground, viewer).await.unwrap(), 1)] {
        let operations = reach::rows::<entity::ticket_operation::Entity>(&viewer);
        assert_eq!(operations.all(ground.db.reader()).await.unwrap().len(), expected);
        let attempts = reach::rows::<entity::attempt::Entity>(&viewer);
        assert_eq!(attempts.all(ground.db.reader()).await.unwrap().len(), expected);
    }
}
