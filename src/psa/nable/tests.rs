//! The connector against played answers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Clock,
    psa::{
        canned::{Asked, Canned, Play},
        http::{ClientOptions, OutboundOptions, PrivateAddresses},
    },
};

mod finding;
mod notes;
mod settings;

const MARKER: &str = "PSAGW-ABCDEFGHIJ0123456789";
const NOTE: &str = "PSAGW-N-0190a1b2c3d47e5f8a9b0c1d2e3f4a5b";
const CONTOSO: &str = "3f2b0c1e-1111-2222-3333-444455556666";
const OTHER: &str = "99999999-1111-2222-3333-444455556666";
const TICKET: &str = "7c1d9d52-0000-4a9a-8f64-0d6f3a1b7c11";
const SUPPORT: &str = "5a5a5a5a-1111-2222-3333-444455556666";
const ENTITY: &str = "/odata/Tickets/7c1d9d52-0000-4a9a-8f64-0d6f3a1b7c11";
const BRACKETS: &str = "/odata/Tickets(7c1d9d52-0000-4a9a-8f64-0d6f3a1b7c11)";

fn clock() -> Clock {
    Clock::manual(Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap())
}

fn connect_with(base: &str, clock: &Clock) -> Arc<dyn Psa> {
    let http = Outbound::new(OutboundOptions {
        clock: clock.clone(),
        client: ClientOptions {
            allow_private: PrivateAddresses::All,
            timeout: Duration::from_secs(2),
            ..ClientOptions::default()
        },
        ..OutboundOptions::default()
    })
    .unwrap();
    let form = [("domain", base), ("public_key", "s3cretkey+/=")];
    let form = form.map(|(key, value)| (key.to_owned(), value.into())).into();
    let form = Nable.normalise(form).unwrap();
    Nable.connect(form, http).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn connect(server: &Canned) -> Arc<dyn Psa> {
    connect_with(&server.base, &clock())
}

/// An MSP Manager of which `play` knows some addresses.
async fn nable(play: impl Fn(&Asked) -> Option<Play> + Send + Sync + 'static) -> Canned {
    Canned::start(move |asked| match asked.header("x-api-key") {
        Some("s3cretkey+/=") => play(asked).unwrap_or_else(|| Play::text(404, "<html>Not Found</html>")),
        _ => Play::json(401, &json!({"Message": "Authorization has been denied for this request."})),
    })
    .await
}

fn is(asked: &Asked, method: &str, path: &str) -> bool {
    asked.method == method && asked.path.eq_ignore_ascii_case(&format!("/odata/{path}"))
}

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn entity() -> Value {
    fixture(include_str!("fixtures/ticket.json"))
}

fn view() -> Value {
    fixture(include_str!("fixtures/ticket_view.json"))
}

fn list(rows: &[Value]) -> Play {
    Play::json(200, &json!({"@odata.context": "x", "value": rows}))
}

fn service_items(asked: &Asked) -> Option<Play> {
    let items = fixture(include_str!("fixtures/service_items.json"));
    is(asked, "GET", "ServiceItems").then(|| Play::json(200, &items))
}

fn draft(fields: &[(&str, &str)]) -> TicketDraft {
    TicketDraft {
        marker: MARKER.into(),
        company_external_id: CONTOSO.to_uppercase(),
        title: "OpenSSL <b>outdated</b>\non host".into(),
        body: "Line one\nReference: PSAGW-FORGEDFORGED12345678 o'x' \\ ]\u{7}".into(),
        fields: fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        status: None,
    }
}

/// Takes tickets, and knows the fixture's service items and customers.
async fn taking_tickets(answer: Play) -> Canned {
    nable(move |asked| match asked {
        _ if is(asked, "POST", "Tickets") => Some(answer.clone()),
        _ if is(asked, "GET", "customers") => {
            Some(Play::json(200, &fixture(include_str!("fixtures/customers.json"))))
        }
        _ => service_items(asked),
    })
    .await
}

#[tokio::test]
async fn a_ticket_goes_out_against_the_customers_own_service_item() {
    let server = taking_tickets(Play::json(201, &json!({"ticketId": TICKET.to_uppercase()}))).await;
    let fields = [
        ("service_item", "managed support"),
        ("priority", "4"),
        ("agent", "11111111-1111-2222-3333-444455556666"),
        ("due_days", "7"),
        ("billable", "true"),
        ("issue_type", " "),
    ];
    let created = connect(&server).create_ticket(&draft(&fields)).await.unwrap();
    assert_eq!(
        (created.external_id.as_str(), created.company_external_id.as_deref()),
        (TICKET, Some(CONTOSO))
    );
    let sent = &server.calls("POST", "/odata/tickets")[0];
    assert_eq!(
        sent.json(),
        json!({
            "Title": "OpenSSL < b>outdated< /b> on host",
            "Description": format!("Line one\nReference: PSAGW_FORGEDFORGED12345678 o'x' \\ ]\n\nReference: {MARKER}"),
            "ServiceItemId": SUPPORT, "TicketPriorityCode": 4, "IsBillable": true, "IsTaxable": false,
            "AssignedResourceId": "11111111-1111-2222-3333-444455556666", "DueDate": "2026-11-28T10:00:00Z",
        })
    );
    assert!(sent.header("content-type").unwrap().starts_with("application/json;odata.metadata=minimal"));
    let looked = &server.calls("GET", "/odata/serviceitems")[0];
    assert_eq!(looked.query("$filter"), Some(format!("CustomerId eq {CONTOSO}").as_str()));
}

#[tokio::test]
async fn without_a_service_item_of_its_own_a_customer_gets_no_ticket_and_the_words_say_why() {
    let server = taking_tickets(Play::json(201, &json!({"TicketId": TICKET}))).await;
    let psa = connect(&server);
    let refusal = async |customer: &str, name: Option<&str>| {
        let fields: Vec<_> = name.iter().map(|name| ("service_item", *name)).collect();
        let draft = TicketDraft { company_external_id: customer.to_owned(), ..draft(&fields) };
        let Err(PsaError::Rejected { field, reason }) = psa.create_ticket(&draft).await else { panic!() };
        (field.unwrap(), reason)
    };
    // "Security" is another customer's, and the service shows it although only Contoso's were asked for.
    let (field, reason) = refusal(CONTOSO, Some("Security")).await;
    assert_eq!(field, "service_item");
    assert!(reason.starts_with("Contoso has no service item \"Security\""), "{reason}");
    assert!(reason.contains("\"Managed Support\", \"Projects\""), "{reason}");
    let (_, reason) = refusal(CONTOSO, None).await;
    assert!(reason.starts_with("Contoso has several service items"), "{reason}");
    let (field, reason) = refusal("22222222-1111-2222-3333-444455556666", None).await;
    assert_eq!(field, "company", "{reason}");
    assert_eq!(refusal("x' or 1 eq 1", None).await.0, "company");
    assert_eq!(server.calls("POST", "/odata/tickets").len(), 0);
    // A customer's only one is used whatever its name.
    let only = TicketDraft { company_external_id: OTHER.into(), ..draft(&[("service_item", "Nowhere")]) };
    psa.create_ticket(&only).await.unwrap();
    let sent = server.calls("POST", "/odata/tickets")[0].json();
    assert_eq!(sent["ServiceItemId"], "7c7c7c7c-1111-2222-3333-444455556666");
}

#[tokio::test]
async fn a_customer_without_any_service_item_is_named() {
    let server = nable(|asked| match asked {
        _ if is(asked, "GET", "ServiceItems") => Some(list(&[])),
        _ if is(asked, "GET", "customers") => {
            Some(Play::json(200, &fixture(include_str!("fixtures/customers.json"))))
        }
        _ => None,
    })
    .await;
    let Err(PsaError::Rejected { field, reason }) = connect(&server).create_ticket(&draft(&[])).await else {
        panic!()
    };
    assert_eq!(field.as_deref(), Some("service_item"));
    assert!(reason.starts_with("Contoso has no service item in MSP Manager"), "{reason}");
}

#[tokio::test]
async fn values_that_cannot_be_right_are_refused_before_anything_is_sent() {
    let server = taking_tickets(Play::json(201, &json!({"TicketId": TICKET}))).await;
    let psa = connect(&server);
    for (key, value) in [
        ("priority", "high"),
        ("contact", "Ada"),
        ("due_days", "-1"),
        ("billable", "perhaps"),
        ("agent", "7"),
    ] {
        let Err(PsaError::Rejected { field, .. }) = psa.create_ticket(&draft(&[(key, value)])).await else {
            panic!("{key}")
        };
        assert_eq!(field.as_deref(), Some(key));
    }
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn a_long_title_is_cut_and_stands_whole_in_the_description() {
    let server = taking_tickets(Play::json(200, &json!({"TicketId": TICKET}))).await;
    let title = "é".repeat(300);
    let long = TicketDraft { title: title.clone(), ..draft(&[("service_item", "Projects")]) };
    connect(&server).create_ticket(&long).await.unwrap();
    let sent = server.calls("POST", "/odata/tickets")[0].json();
    assert_eq!(sent["Title"].as_str().unwrap().chars().count(), 250);
    assert!(sent["Description"].as_str().unwrap().starts_with(&format!("{title}\n\nLine one")));
}

#[tokio::test]
async fn a_write_that_may_have_been_carried_out_is_unknown() {
    for (name, play) in [
        ("cut", Play::Cut),
        ("truncated", Play::Truncated),
        ("hang", Play::Hang),
        ("html", Play::text(200, "<html>")),
        ("no id", Play::json(200, &json!({"TicketId": null}))),
        ("empty", Play::text(204, "")),
        ("500", Play::json(500, &json!({"Message": "An error has occurred."}))),
        ("503", Play::text(503, "").header("retry-after", "5")),
    ] {
        let server = taking_tickets(play).await;
        let result = connect(&server).create_ticket(&draft(&[("service_item", "Projects")])).await;
        assert!(matches!(result, Err(PsaError::Unknown { .. })), "{name}: {result:?}");
        assert_eq!(server.calls("POST", "/odata/tickets").len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_write_that_was_refused_is_not_unknown() {
    let refused = [
        (Play::json(400, &fixture(include_str!("fixtures/error_model_state.json"))), "rejected"),
        (Play::json(403, &json!({"Message": "k"})), "forbidden"),
        (Play::json(401, &json!({"Message": "s3cretkey+/="})), "unauthorized"),
        (Play::text(429, "slow down"), "rate_limited"),
    ];
    for (play, code) in refused {
        let server = taking_tickets(play).await;
        let error =
            connect(&server).create_ticket(&draft(&[("service_item", "Projects")])).await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_429_holds_every_other_call_back() {
    let server = nable(|asked| {
        is(asked, "GET", "ticketsview").then(|| Play::text(429, "").header("retry-after", "45"))
    })
    .await;
    let psa = connect(&server);
    let wait = PsaError::RateLimited { retry_after_secs: Some(45) };
    assert_eq!(psa.read_ticket(TICKET, false).await, Err(wait.clone()));
    assert_eq!(psa.has_note(TICKET, NOTE).await, Err(wait));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_ticket_is_read_from_the_view_with_who_closed_it() {
    let server = nable(|asked| is(asked, "GET", "ticketsview").then(|| list(&[view()]))).await;
    let ticket = connect(&server).read_ticket(&TICKET.to_uppercase(), true).await.unwrap().unwrap();
    let wanted = RemoteTicket {
        external_id: TICKET.into(),
        number: Some("4242".into()),
        url: None,
        company_external_id: Some(CONTOSO.into()),
        status: Some("7".into()),
        status_label: Some("Complete".into()),
        board: None,
        marker: Some(MARKER.into()),
        updated_at: Timestamp::parse_rfc3339("2026-11-21T09:45:20Z"),
        closed_at: Timestamp::parse_rfc3339("2026-11-21T09:45:19Z"),
        closed_by: Some("Ada Lovelace".into()),
    };
    assert_eq!(ticket, wanted);
    let filter = server.asked()[0].query("$filter").unwrap().to_owned();
    assert_eq!(filter, format!("TicketId eq {TICKET}"));
}

#[tokio::test]
async fn who_changed_a_ticket_after_its_close_did_not_close_it() {
    let server = nable(|asked| {
        let mut row = view();
        row["UpdatedDate"] = json!("2026-11-21T09:59:00Z");
        is(asked, "GET", "ticketsview").then(|| list(&[row]))
    })
    .await;
    assert_eq!(connect(&server).read_ticket(TICKET, true).await.unwrap().unwrap().closed_by, None);
}

#[tokio::test]
async fn a_ticket_is_gone_only_where_its_own_address_says_so_too() {
    let gone = |asked: &Asked| is(asked, "GET", "ticketsview").then(|| list(&[]));
    let nothing = nable(move |asked| {
        gone(asked).or_else(|| Some(Play::json(404, &json!({"Message": "No HTTP resource was found"}))))
    })
    .await;
    assert_eq!(connect(&nothing).read_ticket(TICKET, false).await, Ok(None));
    let pages = nable(gone).await;
    let result = connect(&pages).read_ticket(TICKET, false).await;
    assert!(matches!(result, Err(PsaError::Unavailable { .. })), "{result:?}");
    let hidden = nable(move |asked| {
        gone(asked).or_else(|| (asked.path == BRACKETS).then(|| Play::json(200, &entity())))
    })
    .await;
    let ticket = connect(&hidden).read_ticket(TICKET, false).await.unwrap().unwrap();
    assert_eq!(ticket.status.as_deref(), Some("5"));
    let refused = connect(&hidden).read_ticket("../customers", false).await;
    assert!(matches!(refused, Err(PsaError::Rejected { .. })), "{refused:?}");
}
