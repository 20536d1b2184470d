use actix_web::web::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: reqwest::header::HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn read(status: u16, body: &str) -> Result<Value, PsaError> {
    classify(Act::Read, "/service/tickets", &answer(status, body), None)
}

fn write(status: u16, body: &str) -> Result<Value, PsaError> {
    classify(Act::Add, "/service/tickets", &answer(status, body), None)
}

/// The shapes of section 4 of public recordings (Ampersand, pyconnectwise, issues).
#[test]
fn every_known_refusal_is_told_apart_by_its_body() {
    let permission = r#"{"code":"Security","message":"You do not have security permission to perform this action.","errors":null}"#;
    let keys = r#"{"code":"ConnectWiseApi","message":"UserNotAuthenticated","errors":null}"#;
    for (status, body, code, words) in [
        (401, keys, "unauthorized", "UserNotAuthenticated"),
        (401, "", "unauthorized", "does not say which"),
        (
            401,
            r#"{"code":"Unauthorized","message":"Missing clientId header"}"#,
            "unauthorized",
            "connectwise_client_id",
        ),
        (403, permission, "forbidden", "Service Desk > Service Tickets (Add)"),
        (401, permission, "forbidden", "Service Tickets"),
        (400, permission, "forbidden", "Service Tickets"),
        (403, "", "forbidden", "Service Tickets"),
        (
            403,
            r#"{"code":"Security","message":"SSL is required."}"#,
            "unavailable",
            "not the address of the API",
        ),
        (200, permission, "forbidden", "Service Tickets"),
        (404, r#"{"code":"NotFound","message":"Ticket 1255787 not found"}"#, "rejected", "1255787"),
        (
            404,
            r#"{"code":"ConnectWiseApi","message":"The endpoint does not exist."}"#,
            "unavailable",
            "not at the address",
        ),
        (404, "<html>x</html>", "unavailable", "not at the address"),
        (409, r#"{"code":"InUse","message":"Record is locked"}"#, "unavailable", "in use"),
        (400, "Cannot process", "rejected", "Cannot process"),
        (415, "", "rejected", "415 without a reason"),
    ] {
        let error = write(status, body).unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}");
        assert!(error.to_string().contains(words), "{status} {body}: {error}");
    }
}

#[test]
fn a_refused_value_names_its_field_and_the_whole_reason() {
    let Err(PsaError::Rejected { field, reason }) =
        write(400, include_str!("../fixtures/error_status_of_other_board.json"))
    else {
        panic!()
    };
    assert_eq!(field.as_deref(), Some("status/name"));
    assert_eq!(reason, "ticket object is invalid; Service Status Triage not found for Service Board 12");
}

#[test]
fn the_same_answer_leaves_a_write_in_doubt_and_not_a_read() {
    for (status, body) in
        [(200, "<html>"), (201, "{\"id\""), (302, ""), (408, ""), (500, "{}"), (503, "<html>"), (504, "")]
    {
        assert!(matches!(read(status, body), Err(PsaError::Unavailable { .. })), "{status}");
        assert!(matches!(write(status, body), Err(PsaError::Unknown { .. })), "{status}");
    }
}

#[test]
fn a_429_waits_as_the_header_or_the_message_says() {
    let wait = |body: &str, header| match classify(Act::Read, "/x", &answer(429, body), header) {
        Err(PsaError::RateLimited { retry_after_secs }) => retry_after_secs,
        other => panic!("{other:?}"),
    };
    let body = r#"{"error":"ConnectWiseAPI","message":"Too many requests. Please try again in 45 seconds."}"#;
    assert_eq!((wait(body, Some(7)), wait(body, None), wait("", None)), (Some(7), Some(45), Some(30)));
}

#[test]
fn the_right_to_close_is_asked_for_by_its_name() {
    let error = classify(Act::Close, "/service/tickets/7", &answer(403, ""), None).unwrap_err();
    assert!(error.to_string().contains("Service Desk > Close Service Tickets"), "{error}");
}

#[test]
fn what_a_host_repeats_of_our_keys_is_taken_out_and_long_texts_are_cut() {
    let secrets = [SecretString::from("H2dJr8YfN5uA1sGe"), SecretString::from("ab")];
    let body =
        json!({"code": "x", "message": format!("key H2dJr8YfN5uA1sGe abc {}", "z".repeat(900))}).to_string();
    let error = classify(Act::Add, "/x", &without(answer(400, &body), &secrets), None).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("key … abc") && !text.contains("H2dJr8"), "{text}");
    assert!(text.chars().count() < 400, "{text}");
}

proptest! {
    #[test]
    fn no_answer_makes_reading_it_panic(status in 100_u16..600, body in "[\\[\\]{}\":,a-z0-9<>. é]{0,80}") {
        let _ = (read(status, &body), write(status, &body), may_have_moved(&answer(status, &body)));
    }
}
