//! Tickets, notes and the mark.

use super::*;

#[tokio::test]
async fn a_ticket_goes_out_as_autotask_wants_it_and_is_read_back() {
    let server = autotask(|asked| match call(asked) {
        ("POST", "Tickets") => Some(item_id(128_926)),
        ("GET", "Tickets/128926") => Some(one(&ticket(&json!({"status": 17})))),
        _ => None,
    })
    .await;
    let made = connect(&server).create_ticket(&draft()).await.unwrap();
    let wanted = json!({
        "companyID": 174, "title": "OpenSSL <b>outdated</b> on \"host\" \\ {{x}}",
        "description": "Line one\n<script>'x' & ü</script>", "externalID": MARKER, "status": 17,
        "dueDateTime": "2026-11-24T10:00:00.000Z", "queueID": 8, "priority": 4, "issueType": 10,
        "subIssueType": 136, "assignedResourceID": 30, "assignedResourceRoleID": 40, "contactID": 77,
    });
    assert_eq!(sent(&server, "POST", "Tickets"), [wanted]);
    assert_eq!((made.external_id.as_str(), made.number.as_deref()), ("128926", Some("T20261121.0001")));
    assert_eq!((made.company_external_id.as_deref(), made.status.as_deref()), (Some("174"), Some("17")));
    assert_eq!(made.marker.as_deref(), Some(MARKER));
    let url = "Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenTicketDetail&TicketID=128926";
    assert_eq!(made.url, Some(format!("{}/{url}", server.base)));
}

#[tokio::test]
async fn a_ticket_without_wishes_is_new_and_due_tomorrow_and_may_be_invisible_for_a_while() {
    let server = autotask(|asked| match call(asked) {
        ("POST", "Tickets") => Some(item_id(9)),
        ("GET", "Tickets/9") => Some(Play::json(200, &json!({"item": null}))),
        _ => None,
    })
    .await;
    let plain = TicketDraft { fields: BTreeMap::new(), status: None, ..draft() };
    let made = connect(&server).create_ticket(&plain).await.unwrap();
    let body = &sent(&server, "POST", "Tickets")[0];
    assert_eq!((&body["status"], &body["dueDateTime"]), (&json!(1), &json!("2026-11-22T10:00:00.000Z")));
    assert_eq!((made.external_id.as_str(), made.status.as_deref()), ("9", Some("1")));
    assert_eq!((made.company_external_id.as_deref(), made.marker.as_deref()), (Some("174"), Some(MARKER)));
}

#[tokio::test]
async fn what_does_not_fit_goes_on_in_notes_that_the_customer_does_not_see() {
    let server = autotask(|asked| match call(asked) {
        ("POST", "Tickets") => Some(item_id(9)),
        ("GET", "Tickets/9") => Some(one(&ticket(&json!({"id": 9})))),
        ("POST", "Tickets/9/Notes") => Some(item_id(1)),
        _ => None,
    })
    .await;
    let title = "é".repeat(300);
    let body = format!("{}END", "word ".repeat(10_000));
    connect(&server).create_ticket(&TicketDraft { title: title.clone(), body, ..draft() }).await.unwrap();
    let ticket = &sent(&server, "POST", "Tickets")[0];
    assert_eq!(ticket["title"].as_str().unwrap().chars().count(), 255);
    let description = ticket["description"].as_str().unwrap();
    assert!(description.starts_with(&title) && description.ends_with("… (continues in a note)"));
    assert!(description.chars().count() <= 8_000);
    let notes = sent(&server, "POST", "Tickets/9/Notes");
    assert_eq!(notes.len(), 2);
    assert!(notes.iter().all(|note| note["publish"] == json!(2)));
    assert!(notes.iter().all(|note| note["description"].as_str().unwrap().chars().count() <= 32_000));
    let last = notes[1]["description"].as_str().unwrap();
    assert!(last.ends_with(&format!("END\n\nReference: {MARKER}-2")), "{}", &last[last.len() - 60..]);
}

#[tokio::test]
async fn half_of_a_pair_and_what_is_no_number_is_refused_before_it_is_sent() {
    let server = autotask(|_| None).await;
    let psa = connect(&server);
    for (key, value, blamed) in [
        ("role", "", "role"),
        ("agent", "", "agent"),
        ("issue_type", "", "issue_type"),
        ("queue", "Security", "queue"),
        ("priority", "4 or 1=1", "priority"),
        ("due_days", "-1", "due_days"),
        ("due_days", "99999999999", "due_days"),
    ] {
        let mut draft = draft();
        draft.fields.insert(key.to_owned(), value.to_owned());
        let Err(PsaError::Rejected { field, .. }) = psa.create_ticket(&draft).await else { panic!("{key}") };
        assert_eq!(field.as_deref(), Some(blamed), "{key}={value}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_write_of_unknown_fate_is_unknown_and_a_refused_one_is_not() {
    for (play, code) in [
        (Play::Cut, "unknown"),
        (Play::Truncated, "unknown"),
        (Play::Hang, "unknown"),
        (Play::text(200, "<html>"), "unknown"),
        (Play::json(200, &json!({"itemId": null})), "unknown"),
        (Play::json(200, &json!([])), "unknown"),
        (Play::text(500, ""), "unknown"),
        (Play::text(502, "<html>"), "unknown"),
        (refused(500, "Picklist value [99] does not exist for priority."), "rejected"),
        (refused(500, "You do not have permission to create this entity."), "forbidden"),
        (refused(500, "The thread threshold of 3 threads has been exceeded."), "rate_limited"),
        (refused(400, "title is required"), "rejected"),
        (Play::text(405, ""), "rejected"),
    ] {
        let name = format!("{play:?}");
        let server = autotask(move |asked| (call(asked) == ("POST", "Tickets")).then(|| play.clone())).await;
        let error = connect(&server).create_ticket(&draft()).await.unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error:?}");
        assert_eq!(sent(&server, "POST", "Tickets").len(), 1, "{name}");
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}

fn search() -> MarkerSearch {
    let since = Timestamp::parse_rfc3339("2026-11-21T09:00:00Z").unwrap();
    MarkerSearch { marker: MARKER.into(), company_external_id: "174".into(), since, until: None }
}

#[tokio::test]
async fn a_marked_ticket_is_found_by_its_exact_mark_the_oldest_first() {
    let server = autotask(|asked| {
        let lower = MARKER.to_lowercase();
        let rows = [(9, MARKER), (4, lower.as_str()), (7, MARKER)];
        let rows = rows.map(|(id, mark)| ticket(&json!({"id": id, "externalID": mark})));
        (call(asked) == ("POST", "Tickets/query")).then(|| items(&rows))
    })
    .await;
    let found = connect(&server).find_by_marker(&search()).await.unwrap();
    assert_eq!(found.iter().map(|t| t.external_id.as_str()).collect::<Vec<_>>(), ["7", "9"]);
    let filter = &sent(&server, "POST", "Tickets/query")[0]["filter"];
    let exact = json!({"op": "eq", "field": "externalID", "value": MARKER});
    assert!(filter.as_array().unwrap().contains(&exact), "{filter}");
}

#[tokio::test]
async fn no_ticket_is_told_only_by_an_empty_list() {
    let answers = [
        (items(&[]), Ok(0)),
        (items(&[ticket(&json!({"externalID": "PSAGW-OTHEROTHEROTHER12345"}))]), Err("unavailable")),
        (items(&[json!({"id": 7})]), Err("unavailable")),
        (Play::json(200, &json!({})), Err("unavailable")),
        (Play::text(200, ""), Err("unavailable")),
        (refused(500, "You do not have access"), Err("forbidden")),
    ];
    for (play, wanted) in answers {
        let name = format!("{play:?}");
        let server = autotask(move |asked| (call(asked).1 == "Tickets/query").then(|| play.clone())).await;
        let found = connect(&server).find_by_marker(&search()).await;
        assert_eq!(found.map(|found| found.len()).map_err(|error| error.code()), wanted, "{name}");
    }
}

fn note(is_private: bool, publish: &str) -> NoteDraft {
    NoteDraft {
        marker: MARKER.into(),
        text: "Seen again\non <b>host</b>".into(),
        is_private,
        fields: [("note_publish".to_owned(), publish.to_owned())].into(),
    }
}

#[tokio::test]
async fn notes_go_through_their_ticket_and_private_ones_stay_inside() {
    let server = autotask(|asked| match call(asked) {
        ("POST", "Tickets/7/Notes") => Some(item_id(1)),
        ("POST", "TicketNotes/query") => Some(items(&[
            json!({"id": 1, "ticketID": 7, "description": format!("x\r\n\r\nReference: {MARKER}")}),
            json!({"id": 2, "ticketID": 7, "description": null}),
        ])),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    for (is_private, publish) in
        [(true, ""), (true, "1"), (true, "4"), (true, "2"), (false, ""), (false, "4")]
    {
        psa.add_note("7", &note(is_private, publish)).await.unwrap();
    }
    let sent = sent(&server, "POST", "Tickets/7/Notes");
    let publish: Vec<_> = sent.iter().map(|note| note["publish"].as_i64().unwrap()).collect();
    assert_eq!(publish, [2, 2, 2, 2, 1, 4]);
    let text = format!("Seen again\non <b>host</b>\n\nReference: {MARKER}");
    assert_eq!(sent[0], json!({"title": "Seen again", "description": text, "noteType": 1, "publish": 2}));
    assert_eq!(server.calls("GET", &format!("{API}TicketNotes/entityInformation/fields")).len(), 1);
    assert_eq!(psa.has_note("7", MARKER).await, Ok(true));
    assert_eq!(psa.has_note("7", "PSAGW-OTHEROTHEROTHER12345").await, Ok(false));
}

#[tokio::test]
async fn a_private_note_is_not_written_where_nothing_shows_what_is_internal() {
    let all = json!({"fields": [{"name": "publish", "picklistValues": [
        {"value": "1", "label": "All Autotask Users", "isActive": true},
        {"value": "4", "label": "Internal & Co-Managed", "isActive": true}]}]});
    for (play, code) in [
        (Play::json(200, &all), "rejected"),
        (Play::json(200, &json!({"fields": []})), "rejected"),
        (refused(500, "You do not have permission"), "rejected"),
        (Play::text(502, ""), "unavailable"),
    ] {
        let server = autotask(move |asked| {
            (call(asked).1 == "TicketNotes/entityInformation/fields").then(|| play.clone())
        })
        .await;
        let error = connect(&server).add_note("7", &note(true, "4")).await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        assert!(sent(&server, "POST", "Tickets/7/Notes").is_empty());
    }
}

fn to(status: &str) -> StatusChange {
    StatusChange {
        external_id: "128926".into(),
        status: status.into(),
        text: Some("Fixed at last".into()),
        is_close: true,
        ..StatusChange::default()
    }
}

#[tokio::test]
async fn closing_sends_the_status_and_a_resolution_and_waits_for_it_to_show() {
    let reads = AtomicUsize::new(0);
    let server = autotask(move |asked| match call(asked) {
        ("GET", "Tickets/128926") => {
            // The first read after the change is behind.
            let row = match reads.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => ticket(&json!({"resolution": "By hand"})),
                _ => ticket(&json!({"status": 5, "completedDate": "2026-11-21T10:00:01.5", "completedByResourceID": 4})),
            };
            Some(one(&row))
        }
        ("PATCH", "Tickets") => Some(item_id(128_926)),
        ("GET", "Resources/4") => {
            Some(one(&json!({"id": 4, "firstName": "Ada", "lastName": "Lovelace"})))
        }
        _ => None,
    })
    .await;
    let psa = connect(&server);
    let closed = psa.set_status(&to("5")).await.unwrap();
    assert_eq!(closed.status.as_deref(), Some("5"));
    assert_eq!(closed.closed_at, Timestamp::parse_rfc3339("2026-11-21T10:00:01.5Z"));
    let wanted = json!({"id": 128_926, "status": 5, "resolution": "By hand\n\nFixed at last"});
    assert_eq!(sent(&server, "PATCH", "Tickets"), [wanted]);
    // It is there already: nothing is sent.
    assert_eq!(psa.set_status(&to("5")).await.unwrap().status.as_deref(), Some("5"));
    assert_eq!(sent(&server, "PATCH", "Tickets").len(), 1);
    let read = psa.read_ticket("128926", true).await.unwrap().unwrap();
    assert_eq!(read.closed_by.as_deref(), Some("Ada Lovelace"));
}

#[tokio::test]
async fn a_status_that_a_rule_undoes_is_told_as_it_is_and_a_refusal_names_the_field() {
    let server = autotask(|asked| match call(asked) {
        ("GET", "Tickets/128926") => Some(one(&ticket(&json!({})))),
        ("PATCH", "Tickets") if asked.json()["status"] == json!(17) => Some(item_id(128_926)),
        ("PATCH", "Tickets") => Some(refused(500, "resolution is required for this ticket category.")),
        _ => None,
    })
    .await;
    let psa = connect(&server);
    let reopened = psa.set_status(&StatusChange { is_close: false, ..to("17") }).await.unwrap();
    assert_eq!(reopened.status.as_deref(), Some("1"));
    assert_eq!(sent(&server, "PATCH", "Tickets")[0], json!({"id": 128_926, "status": 17}));
    let Err(PsaError::Rejected { field, .. }) = psa.set_status(&to("5")).await else { panic!() };
    assert_eq!(field.as_deref(), Some("resolution"));
}
