//! The door as a client meets it.

mod browsers;
mod cost;
mod deliveries;
mod hostile;
mod lists;
mod persisted;
mod plain;
mod schema;
mod setting_up;
mod statements;
mod statistics;
mod transport;

use std::sync::Arc;

use actix_web::{App, http::StatusCode, middleware::from_fn, test, web};
use entity::Role;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Door, Doors, Graphiql, Graphs, Settings, serve};
use crate::{
    entrance::NotLetIn,
    ground::Ground,
    metrics::Metrics,
    organizations::viewer::{Known, Viewer},
    psa::http::{Outbound, OutboundOptions},
};

/// A door at which `operator` reaches everything, `guest` may only look, and the id of an organization reaches
/// that.
fn door(ground: &Ground, settings: Settings) -> web::Data<Door> {
    let authenticate: super::Authenticate = Arc::new(|_, token, _| {
        Box::pin(async {
            match token.expose_secret() {
                "operator" => {
                    Ok(Viewer::operator(Known::Token(Uuid::nil()), "operator", Role::Administrator))
                }
                "guest" => Ok(Viewer::operator(Known::Token(Uuid::nil()), "guest", Role::Viewer)),
                text => Uuid::parse_str(text)
                    .map(|id| {
                        Viewer::of_organization(Known::Token(Uuid::nil()), "tester", id, Role::Administrator)
                    })
                    .map_err(|_| NotLetIn::Unknown),
            }
        })
    });
    let graphs = Graphs::new("https://gateway.example/", &Metrics::new(), &settings.limits);
    let outbound = Outbound::new(OutboundOptions::default()).unwrap();
    web::Data::new(Door::new(ground.clone(), graphs, outbound, authenticate, settings))
}

/// An answer: status, headers by name, body as text.
struct Answer {
    status: StatusCode,
    headers: actix_web::http::header::HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

async fn call(door: &web::Data<Door>, request: test::TestRequest) -> Answer {
    let graphql =
        web::resource("/graphql").wrap(from_fn(super::cors::middleware)).route(web::route().to(serve));
    let app =
        test::init_service(App::new().app_data(web::Data::new(Doors::one(door.clone()))).service(graphql))
            .await;
    let response = test::call_service(&app, request.to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
    Answer { status, headers, body }
}

fn post(query: &str, variables: &Value) -> test::TestRequest {
    test::TestRequest::post()
        .uri("/graphql")
        .insert_header(("authorization", "Bearer operator"))
        .set_json(json!({ "query": query, "variables": variables }))
}

/// Asks as somebody; the data, where nothing went wrong.
async fn ask(door: &web::Data<Door>, token: &str, query: &str, variables: Value) -> Value {
    let request = post(query, &variables).insert_header(("authorization", format!("Bearer {token}")));
    let answer = call(door, request).await.json();
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"].clone()
}
