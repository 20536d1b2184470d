use proptest::prelude::*;
use serde_json::json;

use super::*;

const TICKET: &str = include_str!("fixtures/webhook_ticket.json");
const ALERT: &str = include_str!("fixtures/webhook_alert.json");

fn ids(body: &str) -> Result<Vec<String>, String> {
    Ok(read(body.as_bytes())?.into_iter().map(|hint| hint.external_id).collect())
}

#[test]
fn an_address_proves_nothing_and_says_so() {
    let proof = verify("syncro_address").unwrap();
    assert_eq!((proof.scheme, proof.secret_id, proof.message_id), ("syncro_address.unproven", None, None));
    assert!(verify("halo_hmac").is_err());
}

#[test]
fn a_ticket_that_changed_is_named_with_what_it_says_of_itself() {
    let hints = read(TICKET.as_bytes()).unwrap();
    let wanted = TicketHint {
        external_id: "88001".into(),
        event: "Ticket #2012 status was changed to Resolved".into(),
        occurred_at: wire::parse_time("2026-11-21T09:45:00.120Z"),
        status: Some("Resolved".into()),
        actor_id: None,
        marker: Some("PSAGW-ABCDEFGHIJ0123456789".into()),
    };
    assert_eq!(hints, [wanted]);
}

#[test]
fn the_ticket_is_found_in_whatever_shape_it_comes() {
    for (name, body) in [
        ("text ids", json!({"attributes": {"id": "7", "number": "12", "status": "New"}})),
        ("other case", json!({"Attributes": {"ID": 7, "Status": "New"}, "Link": "x"})),
        ("link alone", json!({"text": "x", "link": "https://acme.syncromsp.com/tickets/7?a=1"})),
        ("relative link", json!({"text": "x", "link": "/tickets/7", "attributes": {}})),
        ("comment", json!({"attributes": {"id": 99, "ticket_id": 7, "body": "hi", "user_id": 4}})),
        ("comment in camel case", json!({"attributes": {"id": 99, "ticketId": "7"}})),
        ("ticket in a comment", json!({"attributes": {"id": 99, "ticket": {"id": 7, "status": "New"}}})),
        ("the record alone", json!({"id": 7, "number": 12, "subject": "x", "status": "New"})),
        ("wrapped as in the API", json!({"ticket": {"id": 7, "status": "New"}})),
        ("a batch", json!([{"attributes": {"id": 7, "status": "New"}}, {"x": 1}, 3])),
    ] {
        assert_eq!(ids(&body.to_string()), Ok(vec!["7".to_owned()]), "{name}");
    }
    for form in [
        "text=x&link=https%3A%2F%2Facme.syncromsp.com%2Ftickets%2F7",
        "attributes%5Bid%5D=7&attributes%5Bstatus%5D=New&text=x",
        "attributes=%7B%22id%22%3A7%2C%22status%22%3A%22New%22%7D",
        "payload=%7B%22attributes%22%3A%7B%22id%22%3A7%2C%22status%22%3A%22New%22%7D%7D",
    ] {
        assert_eq!(ids(form), Ok(vec!["7".to_owned()]), "{form}");
    }
}

#[test]
fn the_writer_of_a_comment_acts_and_the_owner_of_a_ticket_does_not() {
    let comment = json!({"attributes": {"id": 99, "ticket_id": 7, "user_id": 4, "status": "x"}}).to_string();
    let hints = read(comment.as_bytes()).unwrap();
    assert_eq!((hints[0].actor_id.as_deref(), hints[0].status.as_deref()), (Some("4"), None));
}

#[test]
fn what_is_about_other_things_names_no_ticket_and_is_no_mistake() {
    let invoice = json!({"link": "https://acme.syncromsp.com/invoices/5", "attributes": {"id": 5, "number": "5", "status": "Paid"}});
    for body in
        [ALERT.to_owned(), invoice.to_string(), json!({"attributes": {"id": 5, "name": "PC"}}).to_string()]
    {
        assert_eq!(ids(&body), Ok(Vec::new()), "{body}");
    }
    // An alert that a ticket was made from is about that ticket.
    let with_ticket = json!({"attributes": {"id": 77, "computer_name": "PC", "ticket_id": 7}});
    assert_eq!(ids(&with_ticket.to_string()), Ok(vec!["7".to_owned()]));
}

#[test]
fn what_is_not_syncros_is_said_to_be_so() {
    for body in ["", "null", "3", "[]", "{}", "hello", "a=b", "{\"attributes\":{\"id\":null}}", "\u{0}"] {
        assert!(ids(body).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_reading_panic(body in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
        let _ = (read(&body), read(text.as_bytes()));
        let _ = read(json!({"text": text, "link": text, "attributes": {"id": text, "tag_list": text}}).to_string().as_bytes());
    }

    #[test]
    fn any_id_is_read_from_the_attributes_and_from_the_link(id in 1_i64..i64::MAX) {
        let body = json!({"attributes": {"id": id, "status": "New"}}).to_string();
        prop_assert_eq!(ids(&body), Ok(vec![id.to_string()]));
        let body = json!({"link": format!("https://x.example/tickets/{id}#c")}).to_string();
        prop_assert_eq!(ids(&body), Ok(vec![id.to_string()]));
    }
}
