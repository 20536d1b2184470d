//! What a ticket profile and a closing text become.

use super::*;

fn with_fields(fields: &[(&str, &str)]) -> TicketDraft {
    let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    TicketDraft { fields, ..draft() }
}

#[tokio::test]
async fn contact_asset_and_due_date_go_with_a_ticket() {
    let server = halo(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/api/Users/31") => {
            Some(Play::json(200, &json!({"id": "31", "client_id": 12.0, "site_id": 18})))
        }
        ("POST", "/api/Tickets") => Some(Play::json(201, &ticket(1))),
        _ => None,
    })
    .await;
    let fields = [("ticket_type", "1"), ("contact", "31"), ("configuration", " 77 "), ("due_days", "3")];
    connect(&server).create_ticket(&with_fields(&fields)).await.unwrap();
    let sent = &server.calls("POST", "/api/tickets")[0].json()[0];
    assert_eq!((&sent["user_id"], &sent["site_id"]), (&json!(31), &json!(18)), "Halo wants the site too");
    assert_eq!(sent["assets"], json!([{"id": 77}]));
    assert_eq!(sent["targetdate"], "2026-11-24T10:00:00", "three days on");
}

#[tokio::test]
async fn a_field_that_cannot_be_right_is_refused_before_anything_is_sent() {
    let server = halo(|asked| match asked.path.as_str() {
        "/api/Users/31" => Some(Play::json(200, &json!({"id": 31, "client_id": 99, "site_id": 5}))),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    for (key, value) in [
        ("contact", "31"),
        ("contact", "32"),
        ("contact", "Ada"),
        ("configuration", "laptop"),
        ("due_days", "-1"),
        ("due_days", "99999999999999999"),
    ] {
        let refused = psa.create_ticket(&with_fields(&[(key, value)])).await;
        let Err(PsaError::Rejected { field, .. }) = refused else { panic!("{key} {value}: {refused:?}") };
        assert_eq!(field.as_deref(), Some(key), "{value}");
    }
    assert_eq!(server.calls("POST", "/api/tickets").len(), 0);
}

#[tokio::test]
async fn closing_says_why_and_opening_again_does_not() {
    let server = halo(|asked| match asked.path.as_str() {
        "/api/Tickets/4242" => Some(Play::json(200, &ticket(4242))),
        "/api/Tickets" => {
            let mut row = ticket(4242);
            row["status_id"] = asked.json()[0]["status_id"].clone();
            Some(Play::json(201, &row))
        }
        _ => None,
    })
    .await;
    let psa = connect(&server);
    let text = Some("All findings are gone.\u{7}\n".to_owned());
    psa.set_status(&StatusChange { text: text.clone(), is_close: true, ..to("9") }).await.unwrap();
    psa.set_status(&StatusChange { text, ..to("1") }).await.unwrap();
    let sent: Vec<_> = server.calls("POST", "/api/tickets").iter().map(Asked::json).collect();
    assert_eq!(sent[0][0]["closure_note"], "All findings are gone.");
    assert!(sent[1][0].get("closure_note").is_none(), "{sent:?}");
}
