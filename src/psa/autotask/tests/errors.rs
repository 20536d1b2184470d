use actix_web::web::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::psa::{
    Credentials,
    http::{Outbound, OutboundOptions},
};

fn login() -> Login {
    let form = [("integration_code", "CODE123"), ("username", "api@acme.com"), ("secret", "s3cret!")];
    let form: Credentials = form.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
    Login::read(&form, &Outbound::new(OutboundOptions::default()).unwrap()).unwrap_or_else(|_| panic!())
}

fn answer(status: u16, body: &str) -> Answer {
    let headers = reqwest::header::HeaderMap::new();
    Answer { status, headers, body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn said(kind: Kind, status: u16, text: &str) -> PsaError {
    let body = json!({ "errors": [text] }).to_string();
    classify(kind, "Tickets", &login(), &answer(status, &body), None).unwrap_err()
}

#[test]
fn a_500_with_texts_is_what_its_texts_say() {
    let wait = |secs| PsaError::RateLimited { retry_after_secs: Some(secs) };
    let threads = "The Autotask API thread threshold of 3 threads has been exceeded. Itgenatr005";
    assert_eq!(said(Kind::Write, 500, threads), wait(5));
    assert_eq!(said(Kind::Read, 429, threads), wait(5));
    assert_eq!(said(Kind::Write, 500, "The request threshold has been exceeded."), wait(300));
    assert_eq!(said(Kind::Write, 500, "IntegrationCode is invalid").code(), "unauthorized");
    assert_eq!(said(Kind::Read, 500, "You do not have permission to query this entity").code(), "forbidden");
    assert_eq!(said(Kind::Read, 500, "Timeout expired. The server is not responding.").code(), "unavailable");
    assert_eq!(said(Kind::Write, 500, "Transaction was chosen as deadlock victim.").code(), "unknown");
    for (text, field) in [
        ("Picklist value [99] does not exist for priority.", Some("priority")),
        ("Value does not reference an existing entity for companyID . ", Some("companyID")),
        (
            "When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID.",
            Some("assignedResourceID"),
        ),
        ("Queries are limited to 500 or fewer 'OR' conditions.", None),
        ("sendThresholdExceededNotification is required", None),
    ] {
        let reason = text.trim().to_owned();
        let wanted = PsaError::Rejected { field: field.map(ToOwned::to_owned), reason };
        assert_eq!(said(Kind::Write, 500, text), wanted, "{text}");
    }
}

#[test]
fn the_same_answer_leaves_a_write_in_doubt_and_not_a_read() {
    for (status, body) in [
        (200, "<html>"),
        (200, ""),
        (200, "[]"),
        (302, ""),
        (408, ""),
        (500, ""),
        (502, "<html>"),
        (503, "{}"),
    ] {
        let code =
            |kind| classify(kind, "Tickets", &login(), &answer(status, body), None).unwrap_err().code();
        assert_eq!((code(Kind::Read), code(Kind::Write)), ("unavailable", "unknown"), "{status} {body}");
    }
    for (status, wanted) in [(401, "unauthorized"), (403, "forbidden"), (404, "rejected"), (405, "rejected")]
    {
        let error = classify(Kind::Write, "Tickets", &login(), &answer(status, ""), None).unwrap_err();
        assert_eq!(error.code(), wanted, "{status}");
    }
}

#[test]
fn a_wait_that_is_named_is_kept_and_a_permission_says_where_to_tick_it() {
    let told = classify(Kind::Read, "Tickets", &login(), &answer(429, ""), Some(7));
    assert_eq!(told, Err(PsaError::RateLimited { retry_after_secs: Some(7) }));
    assert_eq!(said(Kind::Read, 429, "slow down"), PsaError::RateLimited { retry_after_secs: Some(60) });
    let refused = classify(Kind::Write, "TicketWebhooks/900/Fields", &login(), &answer(403, ""), None);
    let Err(PsaError::Forbidden { missing }) = refused else { panic!() };
    assert!(missing.contains("Can create Webhooks"), "{missing}");
}

#[test]
fn what_autotask_says_is_cut_and_never_shows_the_login() {
    let text = format!("CODE123 {} s3cret!\u{7} {}", "x".repeat(285), "y".repeat(2_000));
    let PsaError::Rejected { reason, .. } = said(Kind::Write, 500, &text) else { panic!() };
    assert!(reason.chars().count() <= REASON_CHARS, "{reason}");
    assert!(!reason.contains("CODE123") && !reason.contains("s3c") && !reason.contains('\u{7}'), "{reason}");
}

proptest! {
    #[test]
    fn no_answer_makes_reading_it_panic(status in 100_u16..600, body in "[\\[\\]{}\":,a-z0-9<>. ]{0,80}") {
        for kind in [Kind::Read, Kind::Write] {
            let _ = classify(kind, "Tickets", &login(), &answer(status, &body), None);
        }
    }
}
