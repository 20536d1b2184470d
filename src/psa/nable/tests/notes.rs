//! Changing a ticket by putting it back whole: notes and statuses.

use super::*;

/// A service that keeps one ticket, and has `meddle` change it after every save.
async fn keeping(
    form: &'static str,
    meddle: impl Fn(usize, &mut Value) + Send + Sync + 'static,
) -> (Canned, Arc<Mutex<Value>>) {
    let ticket = Arc::new(Mutex::new(entity()));
    let (kept, saves) = (Arc::clone(&ticket), Mutex::new(0));
    let server = nable(move |asked| {
        let mut ticket = kept.lock().unwrap();
        if is(asked, "GET", "ticketsview") {
            return Some(list(&[ticket.clone()]));
        }
        (asked.path == form).then(|| {
            if asked.method == "GET" {
                return Play::json(200, &ticket);
            }
            let mut saves = saves.lock().unwrap();
            *saves += 1;
            // What is sent overwrites everything but what only the service says.
            let own = ["TicketId", "TicketNumber", "CreatedDate", "UpdatedDate"]
                .map(|key| (key, ticket[key].clone()));
            *ticket = asked.json();
            for (key, value) in own {
                assert!(ticket.get(key).is_none(), "{key} is not ours to send");
                ticket[key] = value;
            }
            meddle(*saves, &mut ticket);
            Play::text(204, "")
        })
    })
    .await;
    (server, ticket)
}

fn note(is_private: bool) -> NoteDraft {
    let text = "Seen again, <img src=x>\nRef PSAGW-N-forged".to_owned();
    NoteDraft { marker: NOTE.into(), text, is_private, fields: BTreeMap::new() }
}

fn to(status: &str) -> StatusChange {
    StatusChange { external_id: TICKET.to_owned(), status: status.to_owned(), ..StatusChange::default() }
}

#[tokio::test]
async fn a_note_stands_at_the_end_of_the_description_and_nothing_else_changes() {
    let (server, ticket) = keeping(ENTITY, |_, _| {}).await;
    let psa = connect(&server);
    assert_eq!(psa.has_note(TICKET, NOTE).await, Ok(false));
    psa.add_note(TICKET, &note(false)).await.unwrap();
    let kept = ticket.lock().unwrap().clone();
    let old = entity();
    let wanted = format!(
        "{}\n\n--- Note of 2026-11-21 10:00 UTC ---\nSeen again, < img src=x>\nRef PSAGW_N-forged\n\nRef {NOTE}",
        old["Description"].as_str().unwrap()
    );
    assert_eq!(kept["Description"], json!(wanted));
    for key in
        ["Title", "ServiceItemId", "LocationId", "DueDate", "TicketStatusCode", "TicketNumber", "ContactId"]
    {
        assert_eq!(kept.get(key), old.get(key), "{key}");
    }
    assert_eq!(psa.has_note(TICKET, NOTE).await, Ok(true));
    let marker = psa.read_ticket(TICKET, false).await.unwrap().unwrap().marker;
    assert_eq!(marker.as_deref(), Some(MARKER), "notes do not hide the ticket's own mark");
    psa.add_note(TICKET, &note(false)).await.unwrap();
    assert_eq!(server.calls("PUT", ENTITY).len(), 1, "a note that is there is not written again");
}

#[tokio::test]
async fn a_private_note_is_refused_and_nothing_is_sent() {
    let (server, _) = keeping(ENTITY, |_, _| {}).await;
    let Err(PsaError::Rejected { reason, .. }) = connect(&server).add_note(TICKET, &note(true)).await else {
        panic!()
    };
    assert!(reason.contains("no private notes"), "{reason}");
    assert_eq!(server.asked().len(), 0);
    assert!(!Nable.capabilities().private_notes);
}

#[tokio::test]
async fn a_note_lost_to_another_save_is_written_once_more_and_then_left_for_later() {
    let undo = |_: usize, ticket: &mut Value| ticket["Description"] = json!("typed by Ada");
    let (server, ticket) = keeping(ENTITY, move |save, ticket| {
        if save == 1 {
            undo(save, ticket);
        }
    })
    .await;
    connect(&server).add_note(TICKET, &note(false)).await.unwrap();
    let kept = ticket.lock().unwrap()["Description"].as_str().unwrap().to_owned();
    assert!(kept.starts_with("typed by Ada\n\n--- Note") && kept.ends_with(NOTE), "{kept}");

    let (server, _) = keeping(ENTITY, undo).await;
    let result = connect(&server).add_note(TICKET, &note(false)).await;
    assert!(matches!(result, Err(PsaError::Unavailable { .. })), "{result:?}");
    assert_eq!(server.calls("PUT", ENTITY).len(), 2);
}

#[tokio::test]
async fn a_ticket_that_is_not_shown_whole_is_not_overwritten() {
    for hidden in ["Description", "Title", "ServiceItemId"] {
        let (server, ticket) = keeping(ENTITY, |_, _| {}).await;
        ticket.lock().unwrap().as_object_mut().unwrap().remove(hidden);
        let psa = connect(&server);
        for result in [psa.add_note(TICKET, &note(false)).await, psa.set_status(&to("7")).await.map(drop)] {
            let Err(PsaError::Rejected { field, .. }) = result else { panic!("{hidden}: {result:?}") };
            assert_eq!(field.as_deref(), Some(hidden));
        }
        assert_eq!(server.calls("PUT", ENTITY).len(), 0, "{hidden}");
    }
}

#[tokio::test]
async fn a_status_is_set_by_putting_the_ticket_back_and_only_where_it_differs() {
    let (server, _) =
        keeping(ENTITY, |_, ticket| ticket["CompletedDate"] = json!("2026-11-21T10:00:00Z")).await;
    let psa = connect(&server);
    assert_eq!(psa.set_status(&to("5")).await.unwrap().status.as_deref(), Some("5"));
    assert_eq!(server.calls("PUT", ENTITY).len(), 0);
    let closed = psa.set_status(&to("7")).await.unwrap();
    assert_eq!((closed.status.as_deref(), closed.closed_at.is_some()), (Some("7"), true));
    let sent = server.calls("PUT", ENTITY)[0].json();
    assert_eq!((&sent["TicketStatusCode"], sent.get("CompletedDate")), (&json!(7), None));
    assert_eq!(sent["Description"], entity()["Description"]);
    assert!(matches!(psa.set_status(&to("closed")).await, Err(PsaError::Rejected { .. })));
}

#[tokio::test]
async fn a_status_that_a_rule_undoes_is_answered_as_it_is() {
    let (server, _) = keeping(ENTITY, |_, ticket| ticket["TicketStatusCode"] = json!(5)).await;
    assert_eq!(connect(&server).set_status(&to("7")).await.unwrap().status.as_deref(), Some("5"));
}

#[tokio::test]
async fn the_form_of_address_that_works_is_remembered() {
    let (server, _) = keeping(BRACKETS, |_, _| {}).await;
    let psa = connect(&server);
    psa.set_status(&to("7")).await.unwrap();
    psa.set_status(&to("5")).await.unwrap();
    assert_eq!((server.calls("GET", ENTITY).len(), server.calls("PUT", BRACKETS).len()), (1, 2));
}

#[tokio::test]
async fn a_save_of_unknown_fate_is_unknown_and_a_refused_one_is_not() {
    for (play, code) in [
        (Play::Cut, "unknown"),
        (Play::text(500, ""), "unknown"),
        (Play::json(403, &json!({})), "forbidden"),
        (Play::json(400, &fixture(include_str!("../fixtures/error_model_state.json"))), "rejected"),
    ] {
        let server = nable(move |asked| {
            (asked.path == ENTITY).then(|| match asked.method.as_str() {
                "GET" => Play::json(200, &entity()),
                _ => play.clone(),
            })
        })
        .await;
        let psa = connect(&server);
        assert_eq!(psa.add_note(TICKET, &note(false)).await.unwrap_err().code(), code);
        assert_eq!(psa.set_status(&to("7")).await.unwrap_err().code(), code);
    }
}
