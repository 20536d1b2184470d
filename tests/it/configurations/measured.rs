//! Half a million configurations: how long they take, and how much memory.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, http::StatusCode, web};
use psa_gateway::sandbox::{
    autotask::{AutotaskOptions, AutotaskSandbox},
    frame::Sandbox as _,
};
use serde_json::{Value, json};

use super::{ground, keeps_secrets, list, run, sets};
use crate::support::{TestApp, text};

const ALL: i64 = 500_000;
const PAGE: i64 = 500;
const QUERY: &str = "/ATServicesRest/V1.0/ConfigurationItems/query";

/// Memory of this process that is in use, in MiB.
fn resident_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() / 256
}

/// A page of configuration items: made when they are asked for, so that they take no memory here.
fn page(asked: &Value, companies: &[i64]) -> Value {
    let after = |condition: &Value| (condition["field"] == "id").then(|| condition["value"].as_i64())?;
    let after = asked["filter"].as_array().unwrap().iter().find_map(after).unwrap().max(0);
    let item = |id: i64| {
        json!({
            "id": id, "companyID": companies[usize::try_from(id).unwrap() % companies.len()], "isActive": true,
            "configurationItemType": 1, "referenceTitle": format!("WS-{id:06}"), "productID": 2,
            "serialNumber": format!("SN{id:08}"), "installDate": "2025-02-01T00:00:00",
            "warrantyExpirationDate": "2028-02-01T00:00:00", "rmmDeviceAuditMemoryBytes": 17_112_760_320_u64,
            "rmmDeviceAuditOperatingSystem": "Windows 11 Pro", "userDefinedFields": [],
        })
    };
    let most = asked["maxRecords"].as_i64().unwrap_or(PAGE).min(PAGE);
    let items: Vec<_> = (after + 1..=(after + most).min(ALL)).map(item).collect();
    json!({ "items": items, "pageDetails": { "count": items.len(), "nextPageUrl": null } })
}

/// Stands before an instance of the PSA and has half a million configuration items.
fn crowd(
    app: &TestApp,
    psa: &AutotaskSandbox,
    companies: &Arc<Mutex<Vec<i64>>>,
    pages: &Arc<AtomicU64>,
) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (http, behind) = (app.http.clone(), psa.url());
    let (pages, companies) = (Arc::clone(pages), Arc::clone(companies));
    let server = HttpServer::new(move || {
        let (http, behind) = (http.clone(), behind.clone());
        let (pages, companies) = (Arc::clone(&pages), Arc::clone(&companies));
        App::new().default_service(web::to(move |call: HttpRequest, body: web::Bytes| {
            let (http, behind) = (http.clone(), behind.clone());
            let (pages, companies) = (Arc::clone(&pages), Arc::clone(&companies));
            async move {
                if call.path() == QUERY {
                    pages.fetch_add(1, Ordering::SeqCst);
                    let mut companies = companies.lock().unwrap().clone();
                    if companies.is_empty() {
                        // Asked before any company is mapped: whether there are any at all.
                        companies.push(0);
                    }
                    let asked = serde_json::from_slice(&body).unwrap();
                    return HttpResponse::Ok().json(page(&asked, &companies));
                }
                if call.path() == format!("{QUERY}/count") {
                    return HttpResponse::Ok().json(json!({ "queryCount": ALL }));
                }
                let method = call.method().as_str().parse().unwrap();
                let mut passed = http.request(method, format!("{behind}{}", call.uri()));
                for (name, value) in call.headers() {
                    passed = passed.header(name.as_str(), value.as_bytes());
                }
                let answer = passed.body(body.to_vec()).send().await.unwrap();
                let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
                let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
                let body = answer.bytes().await.unwrap();
                HttpResponse::build(status).content_type(kind.unwrap_or_default()).body(body)
            }
        }))
    });
    tokio::spawn(server.workers(1).disable_signals().listen(listener).unwrap().run());
    address
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of some minutes: cargo test --test it half_a_million -- --ignored --nocapture"]
async fn half_a_million_configurations_are_synced_page_by_page_and_unchanged_ones_write_nothing() {
    let app = TestApp::start().await;
    let options = AutotaskOptions::default();
    let psa = AutotaskSandbox::start(ground(&app), "127.0.0.1:0", options).await.expect("a sandbox");
    keeps_secrets(&psa, &["secret"]);
    psa.lift_limits();
    let (companies, pages) = (Arc::default(), Arc::new(AtomicU64::new(0)));
    let crowded = crowd(&app, &psa, &companies, &pages);
    let mut credentials = psa.credentials();
    for (key, value) in &mut credentials {
        if *key == "domain" {
            value.clone_from(&crowded);
        }
    }
    let acme = app.msp_with(&psa, "acme").await.connected_by(&credentials).await;
    for (name, alias) in [("Northwind Dental", "northwind"), ("Harbour Legal", "harbour")] {
        acme.customer(name, alias).await;
        let found = crate::syncs::psa_company(&acme, &app, name).await;
        companies.lock().unwrap().push(text(&found, "/externalId").parse().unwrap());
    }
    assert_eq!(sets(&app, acme.connection(), json!({ "isEnabled": true })).await, json!([]));

    for what in ["all new", "all unchanged"] {
        let (before, began) = (resident_mib(), Instant::now());
        pages.store(0, Ordering::SeqCst);
        let asked = app
            .does("psaConnectionSyncConfigurations", "syncRun { id }", json!({ "id": acme.connection() }))
            .await;
        let is_over = Arc::new(AtomicU64::new(0));
        let over = Arc::clone(&is_over);
        let watch = tokio::spawn(async move {
            let mut most = 0;
            while over.load(Ordering::SeqCst) == 0 {
                most = most.max(resident_mib());
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            most
        });
        let mut told = 0;
        let ended = loop {
            let worked = app.app.workers.step().await.expect("a step");
            let now = run(&app, &text(&asked, "/syncRun/id")).await;
            let done = now["progress"]["done"].as_i64().unwrap_or_default();
            assert!(done >= told, "progress goes on: {now:#}");
            assert!(done == 0 || now["progress"]["total"] == ALL, "{now:#}");
            told = done;
            if now["status"] != "RUNNING" && now["status"] != "QUEUED" {
                break now;
            }
            if !worked {
                app.pass(60).await;
            }
        };
        is_over.store(1, Ordering::SeqCst);
        assert_eq!(ended["status"], "SUCCEEDED", "{ended:#}");
        println!(
            "configurations: {ALL} {what} in {:?}, {} pages; memory {before} MiB before, at most {} MiB; {}",
            began.elapsed(),
            pages.load(Ordering::SeqCst),
            watch.await.unwrap(),
            ended["counts"],
        );
        assert_eq!(told, ALL);
    }
    for order in ["NAME", "SERIAL_NUMBER", "PURCHASED_ON", "EXPIRES_ON", "MANUFACTURER"] {
        let began = Instant::now();
        let found = list(&app, &acme, Value::Null, json!({ "field": order, "direction": "ASC" })).await;
        println!("configurations: a page of {} by {order}, counted, in {:?}", found.len(), began.elapsed());
    }
}
