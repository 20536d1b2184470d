//! Discovery, the login, rights, the quota and faults.

use serde_json::{Value, json};

use super::{CLIENT_ID, Scene, read};
use crate::sandbox::{
    connectwise::{Alias, ConnectWiseOptions},
    frame::{Fault, FaultKind, Right, Sandbox},
};

#[tokio::test]
async fn discovery_tells_the_codebase_to_anybody_and_null_for_a_company_it_does_not_know() {
    let scene = Scene::usual().await;
    let ask = async |company: &str| {
        let url = format!("{}/login/companyinfo/{company}", scene.psa.url());
        read(scene.http.get(url).send().await.unwrap()).await
    };
    let (status, info) = ask(&scene.credential("company_id")).await;
    assert_eq!((status, &info["Codebase"], &info["IsCloud"]), (200, &json!("v2025_1/"), &json!("True")));
    assert_eq!(format!("http://{}", info["SiteUrl"].as_str().unwrap()), scene.psa.url());
    assert_eq!(ask("somebodyelse").await, (200, Value::Null));
}

#[tokio::test]
async fn both_codebases_answer_until_the_vendor_upgrades_the_tenant() {
    let scene = Scene::usual().await;
    let info = async |codebase: &str| {
        read(scene.raw("GET", &format!("/{codebase}/apis/3.0/system/info")).send().await.unwrap()).await
    };
    assert_eq!(info("v2025_1").await.1["version"], "v2025.1.98213");
    assert_eq!(info("v4_6_release").await.1["isCloud"], true);
    scene.psa.with(|world| world.upgrade("v2026_1/"));
    assert_eq!(info("v2025_1").await.0, 404);
    assert_eq!(info("v2026_1").await.1["version"], "v2026.1.98213");
    assert_eq!(info("v4_6_release").await.0, 200);
    scene.psa.with(|world| world.options.alias = Alias::Gone);
    assert_eq!(info("v4_6_release").await.0, 404);
}

#[tokio::test]
async fn wrong_keys_and_a_missing_client_id_are_told_alike() {
    let scene = Scene::usual().await;
    let url = format!("{}/v2025_1/apis/3.0/system/info", scene.psa.url());
    let company = scene.credential("company_id");
    let (public, private) = (scene.credential("public_key"), scene.credential("private_key"));
    let ask = async |user: String, key: &str, client: Option<&str>| {
        let request = scene.http.get(&url).basic_auth(user, Some(key));
        let request = client.into_iter().fold(request, |request, id| request.header("clientId", id));
        read(request.send().await.unwrap()).await
    };
    let good = format!("{company}+{public}");
    assert_eq!(ask(good.clone(), &private, Some(CLIENT_ID)).await.0, 200);
    let refused =
        (401, json!({ "code": "ConnectWiseApi", "message": "UserNotAuthenticated", "errors": null }));
    assert_eq!(ask(good.clone(), &private, None).await, refused);
    assert_eq!(ask(good.clone(), &private, Some("our-product")).await, refused);
    assert_eq!(ask(good, "wrong", Some(CLIENT_ID)).await, refused);
    let (status, text) = ask(format!("elsewhere+{public}"), &private, Some(CLIENT_ID)).await;
    assert_eq!((status, text.as_str()), (400, Some("Cannot route. Codebase/company is invalid")));
    let nobody = scene.http.get(&url).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
}

#[tokio::test]
async fn an_instance_may_hide_a_wrong_login_and_refuse_the_site_that_people_see() {
    let options =
        ConnectWiseOptions { alias: Alias::HidesLogins, split_hosts: true, ..ConnectWiseOptions::default() };
    let scene = Scene::start(options).await;
    let wrong = scene.http.get(format!("{}/v4_6_release/apis/3.0/system/info", scene.psa.url()));
    let hidden = wrong.basic_auth("northstar+x", Some("y")).header("clientId", CLIENT_ID);
    assert_eq!(read(hidden.send().await.unwrap()).await, (404, Value::Null));
    let site = scene.psa.url().replace("127.0.0.1", "localhost");
    let host = site.trim_start_matches("http://");
    let refused = scene.request("GET", "/system/info").header("host", host).send().await.unwrap();
    assert_eq!(read(refused).await.1["message"], "SSL is required.");
    let info = scene.raw("GET", "/login/companyinfo/northstar").header("host", host).send().await.unwrap();
    assert_eq!(read(info).await.1["SiteUrl"], host.replace("localhost", "127.0.0.1"));
}

#[tokio::test]
async fn rights_are_taken_one_by_one() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let probes = [
        (Right::Companies, "/company/companies?pageSize=1&fields=id"),
        (Right::ReadTickets, "/service/tickets"),
        (Right::PickLists, "/service/boards/1/statuses"),
        (Right::Webhooks, "/system/callbacks"),
        (Right::Configurations, "/company/configurations"),
        (Right::Contacts, "/company/contacts"),
        (Right::Billing, "/finance/agreements"),
    ];
    for (right, _) in probes {
        assert!(scene.psa.deny(&[right]));
        for (other, path) in probes {
            let wanted = if other == right { 403 } else { 200 };
            assert_eq!(scene.get(path).await.0, wanted, "{path} without {right:?}");
        }
    }
    scene.psa.deny(&[Right::CloseTickets]);
    assert_eq!(scene.set_status(id, 17).await.0, 200);
    let (status, body) = scene.set_status(id, 25).await;
    assert_eq!((status, &body["code"]), (403, &json!("Security")));
    scene.psa.deny(&[]);
    assert_eq!(scene.set_status(id, 25).await.0, 200);
}

#[tokio::test]
async fn more_than_a_thousand_calls_a_minute_are_put_off() {
    let options = ConnectWiseOptions { calls_per_minute: 3, ..ConnectWiseOptions::default() };
    let scene = Scene::start(options).await;
    assert_eq!(ConnectWiseOptions::default().calls_per_minute, 1_000);
    for _ in 0..3 {
        assert_eq!(scene.get("/system/info").await.0, 200);
    }
    scene.clock.advance_secs(18);
    let answer = scene.request("GET", "/system/info").send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "42");
    let wanted = json!({
        "error": "ConnectWiseAPI", "message": "Too many requests. Please try again in 42 seconds."
    });
    assert_eq!(read(answer).await, (429, wanted));
    scene.clock.advance_secs(42);
    assert_eq!(scene.get("/system/info").await.0, 200);
}

#[tokio::test]
async fn faults_speak_the_vendors_words() {
    let scene = Scene::usual().await;
    let next = async |kind: FaultKind| {
        scene.psa.fault(Fault::once("*", kind));
        scene.get("/system/info").await
    };
    assert_eq!(next(FaultKind::RateLimited { retry_after: Some(9) }).await.1["error"], "ConnectWiseAPI");
    assert_eq!(next(FaultKind::Empty403).await.1["code"], "Security");
    assert_eq!(next(FaultKind::ExpiredToken { status: 401 }).await.1["message"], "UserNotAuthenticated");
    let (status, body) = next(FaultKind::Refuse { message: "No.".to_owned() }).await;
    assert_eq!((status, &body["errors"][0]["message"]), (400, &json!("No.")));
    let (status, body) = next(FaultKind::ErrorBeforeCommit { status: 502 }).await;
    assert_eq!((status, body.is_string()), (502, true));
    let (status, body) = next(FaultKind::HiddenError).await;
    assert_eq!((status, &body["code"]), (200, &json!("ConnectWiseApi")));
}
