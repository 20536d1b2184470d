//! GraphiQL for browsers: for everybody where it is switched on, else for those who may ask about the schema.
//!
//! A browser's request for a page carries no access token, so that a form asks for one. It is posted, never put
//! into an address, and the page does not hold it: who tries the API enters it there as any program would.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    answer,
    doors::Doors,
    http::{Door, authenticate, bearer, known, request_id},
    refusal::Refusal,
};
use crate::organizations::viewer::{Permission, Viewer};

/// Where the form posts to.
pub(super) const FORM: &str = "/graphql/graphiql";

/// What the form posts.
#[derive(Deserialize)]
#[expect(missing_debug_implementations, reason = "it holds an access token")]
pub struct SignIn {
    token: String,
}

/// `GET /graphql` by a browser.
pub(super) async fn page(request: &HttpRequest, doors: &Doors, request_id: &str) -> HttpResponse {
    let first = doors.first();
    if first.settings.graphiql.is_open {
        return answer::page(&first.settings.graphiql.assets, request.path(), &first.ground);
    }
    // A proxy that signs people in adds the header.
    match bearer(request) {
        Some(_) => match doors.of(request).await {
            Ok(door) => shown(authenticate(request, &door, request_id).await, &door),
            Err(refusal) => shown(Err(refusal), first),
        },
        None => answer::sign_in(StatusCode::UNAUTHORIZED, "", &first.ground),
    }
}

/// `POST /graphql/graphiql`: what the form sends.
pub async fn sign_in(request: HttpRequest, form: web::Form<SignIn>, doors: web::Data<Doors>) -> HttpResponse {
    let token = SecretString::from(form.into_inner().token.trim().to_owned());
    let request_id = request_id(&request, &doors.first().ground);
    let door = doors.knowing(&token).await;
    shown(known(&request, &door, &token, &request_id).await, &door)
}

fn shown(viewer: Result<Viewer, Refusal>, door: &Door) -> HttpResponse {
    match viewer {
        Ok(viewer) if viewer.holds(Permission::Introspect) => {
            answer::page(&door.settings.graphiql.assets, "/graphql", &door.ground)
        }
        Ok(_) => answer::sign_in(
            StatusCode::FORBIDDEN,
            "This access token may not ask about the schema; ask an administrator for one of a developer.",
            &door.ground,
        ),
        Err(refusal) => answer::sign_in(refusal.status, refusal.message(), &door.ground),
    }
}
