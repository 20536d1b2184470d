use actix_web::web::Bytes;
use proptest::prelude::*;

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: reqwest::header::HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn asked(verb: Verb, path: &str, status: u16, body: &str) -> Result<Value, PsaError> {
    let key = SecretString::from("T0k3n-s3cret");
    classify(&Asked { verb, path, key: &key }, &answer(status, body), None)
}

fn read(status: u16, body: &str) -> Result<Value, PsaError> {
    asked(Verb::Get, "/tickets", status, body)
}

fn write(status: u16, body: &str) -> Result<Value, PsaError> {
    asked(Verb::Post, "/tickets", status, body)
}

const NO_PERMISSION: &str = include_str!("fixtures/error_permission.json");

#[test]
fn every_shape_of_a_refusal_gives_its_reason_and_its_field() {
    for (body, field, reason) in [
        (
            r#"{"success":false,"message":["Asset type can't be blank"],"params":{"name":"PC-17"}}"#,
            Some("asset_type"),
            "Asset type can't be blank",
        ),
        (r#"{"error":"Customer required field"}"#, Some("customer"), "Customer required field"),
        (
            r#"{"error":["Frequency can't be blank","Name can't be blank"]}"#,
            Some("frequency"),
            "Frequency can't be blank; Name can't be blank",
        ),
        (r#"{"errors":{"mute_for":["is not valid"]}}"#, Some("mute_for"), "mute_for is not valid"),
        (r#"{"errors":{"status":"is unknown"}}"#, Some("status"), "status is unknown"),
        (
            r#"{"record":{"id":null,"email":"xxx"},"errors":"Email is not an email"}"#,
            Some("email"),
            "Email is not an email",
        ),
        (r#"{"success":false,"message":"no"}"#, None, "no"),
        ("\"just text\"", None, "just text"),
        ("Disabled", None, "Disabled"),
        ("", None, "Syncro answered 422 without a reason"),
        ("{}", None, "Syncro answered 422 without a reason"),
        ("<html>x</html>", None, "Syncro answered 422 without a reason"),
    ] {
        let Err(PsaError::Rejected { field: f, reason: r }) = write(422, body) else { panic!("{body}") };
        assert_eq!((f.as_deref(), r.as_str()), (field, reason), "{body}");
    }
}

#[test]
fn a_401_is_a_missing_permission_only_where_it_says_so() {
    for (verb, path, wanted) in [
        (Verb::Get, "/customers", "Customers - List/Search"),
        (Verb::Get, "/customers/7", "Customers - View Detail"),
        (Verb::Post, "/customers", "Customers - Create"),
        (Verb::Get, "/contacts", "Customers - View Detail"),
        (Verb::Get, "/tickets", "Tickets - List/Search"),
        (Verb::Get, "/tickets/7", "Tickets - View Details"),
        (Verb::Get, "/tickets/7/comments", "Tickets - View Details"),
        (Verb::Post, "/tickets", "Tickets - Create"),
        (Verb::Put, "/tickets/7", "Tickets - Edit"),
        (Verb::Post, "/tickets/7/comment", "Tickets - Edit"),
        (Verb::Get, "/customer_assets", "Assets - List/Search"),
        (Verb::Get, "/schedules", "Recurring Invoices - List"),
    ] {
        for status in [401, 403, 200] {
            let Err(PsaError::Forbidden { missing }) = asked(verb, path, status, NO_PERMISSION) else {
                panic!("{path} {status}")
            };
            assert!(missing.starts_with(&format!("{wanted} (")), "{path}: {missing}");
            assert!(missing.contains("API Tokens"), "{missing}");
        }
    }
    for body in ["", "{\"error\":\"Unauthorized\"}", "HTTP Token: Access denied."] {
        assert!(matches!(write(401, body), Err(PsaError::Unauthorized { .. })), "{body}");
    }
}

#[test]
fn the_same_answer_leaves_a_write_in_doubt_and_not_a_read() {
    for (status, body) in [
        (200, "<html>"),
        (200, ""),
        (200, "{\"ticket\":"),
        (302, ""),
        (408, ""),
        (500, "{}"),
        (502, "<html>"),
        (504, ""),
    ] {
        assert!(matches!(read(status, body), Err(PsaError::Unavailable { .. })), "{status} {body}");
        assert!(matches!(write(status, body), Err(PsaError::Unknown { .. })), "{status} {body}");
    }
    // Proof that nothing was done, from somebody who may not be Syncro.
    assert!(matches!(write(404, "<html>"), Err(PsaError::Unavailable { .. })));
    assert!(matches!(write(404, "{\"message\":\"Not found\"}"), Err(PsaError::Rejected { .. })));
}

#[test]
fn a_refusal_in_a_200_is_no_answer() {
    for body in [
        r#"{"success":false,"message":["Subject can't be blank"]}"#,
        r#"{"error":"Subject can't be blank"}"#,
        r#"{"errors":["Subject can't be blank"]}"#,
    ] {
        let Err(PsaError::Rejected { field, .. }) = write(200, body) else { panic!("{body}") };
        assert_eq!(field.as_deref(), Some("subject"));
    }
    for body in [r#"{"success":true}"#, r#"{"ticket":{"id":1},"errors":[],"error":null}"#] {
        assert!(write(200, body).is_ok(), "{body}");
    }
}

#[test]
fn a_429_waits_as_told_and_else_half_a_minute() {
    assert_eq!(read(429, "x"), Err(PsaError::RateLimited { retry_after_secs: Some(30) }));
    let key = SecretString::from("k");
    let asked = Asked { verb: Verb::Post, path: "/tickets", key: &key };
    let told = classify(&asked, &answer(429, ""), Some(7));
    assert_eq!(told, Err(PsaError::RateLimited { retry_after_secs: Some(7) }));
}

#[test]
fn no_text_repeats_our_token_or_the_request() {
    let long = format!("{{\"error\":\"{}T0k3n-s3cret is bad\"}}", "x".repeat(292));
    for body in [
        "{\"error\":\"Invalid token T0k3n-s3cret\"}",
        "{\"success\":false,\"message\":[\"T0k3n-s3cret\"],\"params\":{\"name\":\"hush\"}}",
        "{\"message\":\"T0k3n-s3cret\"}",
        "T0k3n-s3cret",
        &long,
    ] {
        for status in [200, 400, 401, 403, 422, 500] {
            let text = format!("{:?}", write(status, body));
            let is_error = text.starts_with("Err");
            assert!(!is_error || !text.contains("T0k3n"), "{text}");
            assert!(!is_error || !text.contains("hush"), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn no_answer_makes_reading_it_panic(status in 100_u16..600, body in "[\\[\\]{}\":,a-z0-9<>. ]{0,80}|\\PC{0,40}") {
        let _ = (read(status, &body), write(status, &body));
    }
}
