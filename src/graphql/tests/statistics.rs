use std::collections::HashMap;

use entity::{ticket_operation, webhook_delivery};

use super::*;
use crate::{
    fixtures::{self, Place},
    graphql::ids,
    statistics::fold::fold,
};

fn id_of(place: &Place) -> String {
    ids::encode::<entity::organization::Entity>(place.organization_id).to_string()
}

const DASHBOARD: &str = "query($id: ID!, $from: DateTime, $bucket: StatisticsBucket) { node(id: $id) { ... on Organization {
    statistics {
        tickets(from: $from, bucket: $bucket) {
            startsAt endsAt bucket
            total { createdCount openedCount closedCount meanTimeToOpenSeconds meanTimeToCloseSeconds }
            buckets { startsAt endsAt counts { createdCount } }
            byState { state count buckets { count } }
            bySeverity { severity total { createdCount } buckets { counts { openedCount } } }
            byPlatform { platform { key } total { createdCount } }
            byPsaConnection { psaConnection { name } total { createdCount } }
            byCompany(first: 5) { company { name } total { createdCount } buckets { counts { createdCount } } }
        }
        webhooks(from: $from, bucket: $bucket) {
            total { understoodCount deadCount duplicateCount }
            buckets { startsAt counts { understoodCount } }
            byWebhookEndpoint { webhookEndpoint { name } lastReceivedAt total { understoodCount deadCount } }
        }
        backlog {
            heldEvents { count countIsExact oldestAt oldestAgeSeconds } deadDeliveries { count oldestAgeSeconds }
            undecidedDeliveries { count } dueOperations { count } failedOperations { count oldestAgeSeconds }
            unknownTickets { count } failedTickets { count }
        }
        psaConnections { totalCount healthyCount failingCount unverifiedCount disabledCount pausedCount oldestDueAt }
    }
} } }";

#[actix_web::test]
async fn a_dashboard_says_what_happened_what_waits_and_who_is_well() {
    let ground = fixtures::ground().await;
    let (acme, other) = (Place::new(&ground, "acme").await, Place::new(&ground, "other").await);
    let now = ground.clock.now();
    other.ticket("not ours", now).await;
    let yesterday = acme.ticket("yesterday", now.plus_secs(-86_400)).await;
    acme.ticket("today", now).await;
    let endpoint = acme.endpoint().await;
    let delivery = acme.delivery(&endpoint, b"{}").await;
    acme.event(&delivery, 0, None).await;
    let dead = acme.delivery(&endpoint, b"x").await;
    change(&ground, webhook_delivery::Model { state: webhook_delivery::DeliveryState::Dead, ..dead }).await;
    let operation = acme.operation(&yesterday, 1, None).await;
    let failed = ticket_operation::Model { state: ticket_operation::OperationState::Failed, ..operation };
    change(&ground, failed).await;
    ground.clock.advance_secs(60);
    let door = door(&ground, Settings::default());
    let token = acme.organization_id.to_string();
    let ask = async |bucket: &str| {
        let variables = json!({ "id": id_of(&acme), "from": null, "bucket": bucket });
        ask(&door, &token, DASHBOARD, variables).await["node"]["statistics"].clone()
    };
    let mut seen = HashMap::new();
    for is_folded in [false, true] {
        while is_folded && fold(&ground).await.unwrap() {}
        for (bucket, count) in [("DAY", 30), ("WEEK", 12), ("MONTH", 12)] {
            let before = ground.db.statements();
            let found = ask(bucket).await;
            let statements = ground.db.statements() - before;
            assert!(statements <= 14, "{statements} statements for the whole dashboard");
            let tickets = &found["tickets"];
            assert_eq!(tickets["total"]["createdCount"], 2, "{found:#}");
            assert_eq!(tickets["total"]["closedCount"], 0);
            assert_eq!(tickets["total"]["meanTimeToCloseSeconds"], Value::Null);
            let buckets = tickets["buckets"].as_array().unwrap();
            assert_eq!(buckets.len(), count);
            assert_eq!(buckets[0]["startsAt"], tickets["startsAt"]);
            assert_eq!(buckets[count - 1]["endsAt"], tickets["endsAt"]);
            let planned: i64 =
                buckets.iter().map(|one| one["counts"]["createdCount"].as_i64().unwrap()).sum();
            assert_eq!(planned, 2);
            assert_eq!(tickets["byState"][0]["state"], "OPEN");
            assert_eq!(tickets["byState"][0]["count"], 2);
            assert_eq!(tickets["bySeverity"][0]["severity"], "HIGH");
            assert_eq!(tickets["byPlatform"][0]["platform"]["key"], "halo");
            assert_eq!(tickets["byPsaConnection"][0]["psaConnection"]["name"], "Halo");
            let company = &tickets["byCompany"][0];
            assert_eq!(company["company"]["name"], "Company of acme");
            assert_eq!(company["buckets"].as_array().unwrap().len(), count);
            assert_eq!(company["total"]["createdCount"], 2);
            let webhooks = &found["webhooks"];
            assert_eq!(webhooks["total"]["understoodCount"], 1, "{found:#}");
            let of_endpoint = &webhooks["byWebhookEndpoint"][0];
            assert_eq!(of_endpoint["total"], json!({ "understoodCount": 1, "deadCount": 1 }));
            assert_eq!(of_endpoint["lastReceivedAt"], now.rfc3339());
            let held = json!({
                "count": 1, "countIsExact": true, "oldestAt": now.rfc3339(), "oldestAgeSeconds": 60,
            });
            assert_eq!(found["backlog"]["heldEvents"], held);
            assert_eq!(found["backlog"]["deadDeliveries"]["count"], 1);
            let failed = json!({ "count": 1, "oldestAgeSeconds": 86_460 });
            assert_eq!(found["backlog"]["failedOperations"], failed);
            assert_eq!(found["backlog"]["unknownTickets"]["count"], 0);
            assert_eq!(found["psaConnections"]["unverifiedCount"], 1);
            assert_eq!(found["psaConnections"]["totalCount"], 1);
            if let Some(before) = seen.insert(bucket, found.clone()) {
                assert_eq!(before, found, "folded or not, it is the same");
            }
        }
    }
}

#[actix_web::test]
async fn the_statistics_of_several_organizations_and_companies_are_read_together() {
    let ground = fixtures::ground().await;
    for n in 0..5 {
        let place = Place::new(&ground, &format!("msp-{n}")).await;
        let branch = place.another(&format!("Branch {n}")).await;
        for m in 0..=n {
            branch.ticket("one", ground.clock.now().plus_secs(-m)).await;
        }
    }
    let door = door(&ground, Settings::default());
    let query = "{ organizations(first: 5) { nodes { name
        statistics { tickets { total { createdCount } } backlog { heldEvents { count } } psaConnections { totalCount } }
        companies(first: 5) { nodes { name ticketStatistics { total { createdCount } } } } } } }";
    let before = ground.db.statements();
    let data = ask(&door, "operator", query, json!({})).await;
    let statements = ground.db.statements() - before;
    let nodes = data["organizations"]["nodes"].as_array().unwrap();
    for (n, node) in nodes.iter().enumerate() {
        assert_eq!(node["statistics"]["tickets"]["total"]["createdCount"], n + 1, "{node:#}");
        assert_eq!(node["statistics"]["psaConnections"]["totalCount"], 2);
        let companies = &node["companies"]["nodes"];
        assert_eq!(companies[0]["ticketStatistics"]["total"]["createdCount"], n + 1);
        assert_eq!(companies[1]["ticketStatistics"]["total"]["createdCount"], 0);
    }
    assert_eq!(nodes.len(), 5);
    assert_eq!(statements, 6, "organizations, tickets, backlog, connections, companies, their tickets");
}

#[actix_web::test]
async fn too_many_buckets_and_times_the_wrong_way_round_are_refused_by_name() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let door = door(&ground, Settings::default());
    for (arguments, part) in [
        ("from: \"2020-01-01T00:00:00Z\"", "more than 400 buckets"),
        ("from: \"2026-01-02T00:00:00Z\", to: \"2026-01-01T00:00:00Z\"", "`from` is not before `to`"),
    ] {
        let query = format!(
            "query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ statistics {{
                tickets({arguments}) {{ total {{ createdCount }} }} }} }} }} }}"
        );
        let answer = call(&door, post(&query, &json!({ "id": id_of(&acme) }))).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
        assert!(answer.body.contains(part), "{}", answer.body);
    }
}

async fn change<M, A>(ground: &Ground, row: M)
where
    M: sea_orm::ModelTrait + sea_orm::IntoActiveModel<A>,
    A: sea_orm::ActiveModelTrait<Entity = M::Entity> + sea_orm::ActiveModelBehavior + Send + 'static,
    <M::Entity as sea_orm::EntityTrait>::Model: sea_orm::IntoActiveModel<A>,
{
    let row = row.into_active_model().reset_all();
    ground
        .db
        .write::<_, sea_orm::DbErr, _>(move |tx| Box::pin(async move { row.update(tx).await.map(|_| ()) }))
        .await
        .unwrap();
}
