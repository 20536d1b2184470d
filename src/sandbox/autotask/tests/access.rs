//! Discovery, credentials, rights, and how much may be asked.

use serde_json::{Value, json};

use super::{Scene, read, reason, ticket};
use crate::sandbox::{
    autotask::{AutotaskOptions, Denied},
    frame::{Call, Right, Sandbox as _, World as _},
};

#[tokio::test]
async fn discovery_needs_no_credential_and_a_moved_customer_is_found_again() {
    let scene = Scene::usual().await;
    let discover = |user: String| {
        let path = "/atservicesrest/v1.0/zoneInformation";
        read(scene.bare("GET", path).query(&[("user", user)]))
    };
    let user = scene.logins["username"].clone();
    let (status, zone) = discover(user.clone()).await;
    let url = scene.autotask.url();
    assert_eq!((status, &zone["url"]), (200, &json!(format!("{url}/ATServicesRest/"))));
    assert_eq!(
        reason(&discover("nobody@sandbox.example".to_owned()).await),
        "Zone information could not be determined"
    );
    assert_eq!(reason(&discover(String::new()).await), "Zone information could not be determined");
    let versions = read(scene.bare("GET", "/atservicesrest/versioninformation")).await;
    assert_eq!(versions, (200, json!({ "apiVersions": ["1.0"] })));

    scene.autotask.with(|world| world.options_mut().zone_moved = true);
    assert_eq!(scene.get("Version").await, (401, Value::Null));
    let (_, zone) = discover(user).await;
    assert_eq!(zone["url"], format!("{url}/zone2/ATServicesRest/"));
    assert_eq!(read(scene.request_at("GET", "/zone2/ATServicesRest/V1.0/Version")).await.0, 200);
}

#[tokio::test]
async fn a_wrong_credential_is_an_empty_401_or_as_older_zones_say_it() {
    let scene = Scene::usual().await;
    assert_eq!(scene.get("Version").await.1["majorVersion"], "2026");
    let with = |name: &'static str| {
        let path = "/ATServicesRest/V1.0/Version";
        let mut request = scene.bare("GET", path);
        for (header, key) in
            [("ApiIntegrationCode", "integration_code"), ("UserName", "username"), ("Secret", "secret")]
        {
            let value = if header == name { "wrong" } else { scene.logins[key].as_str() };
            request = request.header(header, value);
        }
        read(request)
    };
    for name in ["ApiIntegrationCode", "UserName", "Secret"] {
        assert_eq!(with(name).await, (401, Value::Null), "{name}");
    }
    assert_eq!(read(scene.bare("GET", "/ATServicesRest/V1.0/Nonsense")).await.0, 401);
    scene.autotask.with(|world| world.options_mut().older_refusals = true);
    assert_eq!(reason(&with("ApiIntegrationCode").await), "IntegrationCode is invalid");
    assert_eq!(with("UserName").await.0, 500);
    assert_eq!(with("Secret").await, (401, Value::Null));
}

#[tokio::test]
async fn paths_and_verbs_are_those_of_the_vendor() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let note = json!({ "title": "x", "description": "x", "noteType": 1, "publish": 1 });
    assert_eq!(scene.post("TicketNotes", note).await.0, 404);
    assert_eq!(scene.send("PATCH", &format!("Tickets/{id}"), json!({ "status": 8 })).await.0, 405);
    assert_eq!(scene.send("DELETE", &format!("Tickets/{id}"), json!({})).await.0, 405);
    assert_eq!(scene.post(&format!("Tickets/{id}/Notes/query"), json!({})).await.0, 404);
    assert_eq!(scene.get("Queues").await.0, 404);
    assert_eq!(scene.get("Tickets").await.0, 405);
    assert_eq!(read(scene.request_at("GET", "/AtServicesREST/V1.0/Version")).await.0, 404);
    let form = scene.request("POST", "Tickets").header("content-type", "text/plain").body("{}");
    assert_eq!(read(form).await.0, 415);
}

#[tokio::test]
async fn a_missing_right_shows_nothing_or_says_so_and_writes_are_refused() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    assert!(scene.autotask.deny(&[Right::ReadTickets, Right::WriteTickets, Right::Companies]));
    assert_eq!(scene.find("Companies", "gte", "id", json!(0)).await.1["items"], json!([]));
    assert_eq!(scene.get(&format!("Tickets/{id}")).await, (200, json!({ "item": null })));
    let refusal = scene.post("Tickets", ticket()).await;
    assert!(reason(&refusal).ends_with("permissions to create this entity type."));
    let (_, info) = scene.get("Tickets/entityInformation").await;
    assert_eq!(
        (&info["info"]["canCreate"], &info["info"]["userAccessForCreate"]),
        (&json!(true), &json!("None"))
    );

    scene.autotask.with(|world| world.options_mut().denied = Denied::Error);
    let refusal = scene.find("Companies", "gte", "id", json!(0)).await;
    assert!(reason(&refusal).contains("adequate permissions to query"));
    assert!(!scene.autotask.deny(&[Right::CloseTickets]), "closing is an update like any other");
    assert!(scene.autotask.deny(&[]));
    assert_eq!(scene.get(&format!("Tickets/{id}")).await.1["item"]["id"], id);
}

#[tokio::test]
async fn the_hour_rolls_slows_down_and_ends() {
    let scene = Scene::start(AutotaskOptions {
        hourly_limit: 8,
        slow_down_ms: (30, 60),
        ..AutotaskOptions::default()
    })
    .await;
    let (_, usage) = scene.get("ThresholdInformation").await;
    assert_eq!(
        usage,
        json!({ "externalRequestThreshold": 8, "requestThresholdTimeframe": 60, "currentTimeframeRequestCount": 1 })
    );
    let delay = || {
        scene.autotask.with(|world| {
            let (now, options) = (scene.clock.now(), world.options_mut().clone());
            world.usage.take(now, &options).unwrap()
        })
    };
    assert_eq!(delay(), 0);
    scene.autotask.with(|world| world.others_call(2));
    assert_eq!(delay(), 30);
    scene.autotask.with(|world| world.others_call(1));
    assert_eq!(delay(), 60);
    assert_eq!(scene.get("Version").await.0, 200);
    let (status, refusal) = scene.get("Version").await;
    assert_eq!(status, 429);
    assert!(refusal["errors"][0].as_str().unwrap().contains("threshold of 8 requests"));
    scene.clock.advance_secs(3_600);
    assert_eq!(scene.get("Version").await.0, 200);
}

#[tokio::test]
async fn a_fourth_call_at_the_same_time_on_one_endpoint_is_refused() {
    let scene = Scene::usual().await;
    let call = Call {
        method: "POST".to_owned(),
        path: "/ATServicesRest/V1.0/Tickets/4242/Notes".to_owned(),
        query_string: String::new(),
        headers: vec![("apiintegrationcode".to_owned(), scene.logins["integration_code"].clone())],
        body: Vec::new(),
        search_lag_ms: 0,
    };
    for _ in 0..3 {
        assert!(scene.autotask.with(|world| world.arrives(&call)).is_none());
    }
    let (status, refusal) = scene.get("TicketNotes/1").await;
    assert_eq!(status, 429, "what is done below a ticket counts for notes");
    assert!(refusal["errors"][0].as_str().unwrap().contains("Itgenatr005"));
    assert_eq!(scene.get("Tickets/1").await.0, 200);
    scene.autotask.with(|world| world.leaves(&call));
    assert_eq!(scene.get("TicketNotes/1").await.0, 200);
}
