//! What changed since a time.

use super::*;

/// Answers a query for changes out of tickets by id and second of change, as Autotask does: by id, 500 at most.
fn changes(asked: &Asked, all: &[(i64, i64)]) -> Option<Play> {
    if call(asked) != ("POST", "Tickets/query") {
        return None;
    }
    let (mut from, mut until, mut after) = (i64::MIN, i64::MAX, -1);
    for condition in asked.json()["filter"].as_array().unwrap() {
        let time = condition["value"].as_str().and_then(Timestamp::parse_rfc3339);
        match (condition["op"].as_str().unwrap(), time) {
            ("gte", Some(at)) => from = at.as_secs(),
            ("lt", Some(at)) => until = at.as_secs(),
            _ => after = condition["value"].as_i64().unwrap(),
        }
    }
    let mut found: Vec<_> =
        all.iter().filter(|(id, at)| *id > after && (from..until).contains(at)).copied().collect();
    found.sort_unstable();
    found.truncate(500);
    let row = |(id, at): (i64, i64)| {
        let at = Timestamp::from_secs(at).rfc3339();
        json!({"id": id, "status": 1, "lastTrackedModificationDateTime": at.trim_end_matches('Z')})
    };
    Some(items(&found.into_iter().map(row).collect::<Vec<_>>()))
}

async fn read_all(psa: &Arc<dyn Psa>, since: Timestamp) -> Vec<(Timestamp, i64)> {
    let (mut seen, mut page) = (Vec::new(), None);
    loop {
        let changes = psa.changed_since(since, page.as_deref()).await.unwrap();
        seen.extend(
            changes.items.into_iter().map(|t| (t.updated_at.unwrap(), t.external_id.parse().unwrap())),
        );
        page = changes.next;
        if page.is_none() {
            return seen;
        }
    }
}

#[tokio::test]
async fn many_changes_come_in_order_although_autotask_lists_by_id() {
    let start = clock().now().as_secs() - 40_000;
    // The newest id changed first.
    let all: Vec<_> = (1..=1_700).map(|id| (id, start + (1_700 - id) * 20)).collect();
    let server = autotask(move |asked| changes(asked, &all)).await;
    let psa = connect(&server);
    let seen = read_all(&psa, Timestamp::from_secs(start + 20)).await;
    assert!(seen.is_sorted_by_key(|(at, _)| *at));
    let ids: std::collections::BTreeSet<_> = seen.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids, (1..1_700).collect(), "the last of them changed before the time asked for");
}

#[tokio::test]
async fn a_thousand_changes_in_one_second_are_all_seen() {
    let now = clock().now().as_secs();
    let all: Vec<_> = (1..=1_200).map(|id| (id, now - 600)).chain([(5_000, now - 5)]).collect();
    let server = autotask(move |asked| changes(asked, &all)).await;
    let seen = read_all(&connect(&server), Timestamp::from_secs(now - 3_600)).await;
    let ids: std::collections::BTreeSet<_> = seen.iter().map(|(_, id)| *id).collect();
    assert_eq!((ids.len(), seen.last().unwrap().1), (1_201, 5_000));
}

#[tokio::test]
async fn everyday_life_costs_one_call_and_missing_fields_cost_no_row() {
    let server = autotask(|asked| {
        (call(asked).1 == "Tickets/query").then(|| {
            let old = json!({"id": 3, "status": "5", "lastActivityDate": "2026-11-21T09:10:00"});
            items(&[ticket(&json!({})), old, json!({"id": 4}), json!({"id": 5, "completedDate": 7})])
        })
    })
    .await;
    let since = Timestamp::parse_rfc3339("2026-11-21T09:00:00.1234Z").unwrap();
    let page = connect(&server).changed_since(since, None).await.unwrap();
    let ids: Vec<_> = page.items.iter().map(|t| t.external_id.as_str()).collect();
    assert_eq!((ids, page.next), (vec!["4", "5", "3", "128926"], None));
    let asked = sent(&server, "POST", "Tickets/query");
    assert_eq!(asked.len(), 1);
    let condition =
        json!({"op": "gte", "field": "lastTrackedModificationDateTime", "value": "2026-11-21T09:00:00.123Z"});
    assert!(asked[0]["filter"].as_array().unwrap().contains(&condition));
    assert_eq!(asked[0]["maxRecords"], 500);
}
