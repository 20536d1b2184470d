//! Finding tickets and notes, and notes themselves.

use super::*;

#[tokio::test]
async fn a_private_note_stands_on_the_internal_tab_alone() {
    let server = connectwise(|asked, _| is(asked, "POST").then(|| Play::json(201, &json!({"id": 1})))).await;
    let psa = connect(&server);
    psa.add_note("7", &note(true)).await.unwrap();
    psa.add_note("7", &note(false)).await.unwrap();
    let sent: Vec<_> = calls(&server, "POST", "/service/tickets/7/notes").iter().map(Asked::json).collect();
    let text = "Seen again\n\nRef PSAGW-N-0123456789abcdef";
    assert_eq!(
        sent[0],
        json!({"text": text, "detailDescriptionFlag": false, "internalAnalysisFlag": true, "resolutionFlag": false, "processNotifications": false})
    );
    assert_eq!(
        sent[1],
        json!({"text": text, "detailDescriptionFlag": true, "internalAnalysisFlag": false, "resolutionFlag": false})
    );
}

#[tokio::test]
async fn a_note_is_found_by_its_mark_on_any_page() {
    let server = connectwise(|asked, path| {
        if path != "/service/tickets/7/notes" {
            return None;
        }
        let last = asked.query("conditions") == Some("id>2");
        let text = |text: &str| text.to_owned();
        Some(if last {
            Play::json(200, &json!([{"id": 3, "text": "x\r\n\r\nRef PSAGW-N-0123456789abcdef"}]))
        } else {
            Play::json(200, &json!([{"id": 1, "text": text("x")}, {"id": 2}]))
                .header("link", "<https://h/x?a=1,2&page=2>; rel=\"next\"")
        })
    })
    .await;
    let psa = connect(&server);
    assert_eq!(psa.has_note("7", "PSAGW-N-0123456789abcdef").await, Ok(true));
    assert_eq!(psa.has_note("7", "PSAGW-N-0123456789abcdeX").await, Ok(false));
}

fn search(marker: &str) -> MarkerSearch {
    let since = Timestamp::parse_rfc3339("2026-11-21T09:30:00Z").unwrap();
    MarkerSearch { marker: marker.into(), company_external_id: "19".into(), since, until: None }
}

fn row(id: i64, reference: &Value) -> Value {
    json!({"id": id, "company": {"id": 19}, "externalXRef": reference, "_info": {"dateEntered": "2026-11-21T09:31:00Z"}})
}

#[tokio::test]
async fn a_marked_ticket_is_found_by_its_field_or_its_first_note_and_by_nothing_else() {
    let other = json!("PSAGW-OTHEROTHEROTHER12345");
    for (name, by_filter, of_company, wanted) in [
        (
            "field",
            Play::json(200, &json!([row(8, &json!(MARKER)), row(9, &json!(MARKER))])),
            vec![],
            vec!["8", "9"],
        ),
        ("filter ignored", Play::json(200, &json!([row(3, &other)])), vec![row(3, &other)], vec![]),
        (
            "filter refused",
            Play::json(400, &json!({"code": "InvalidObject", "message": "no"})),
            vec![row(4, &json!(MARKER))],
            vec!["4"],
        ),
        (
            "overwritten",
            Play::json(200, &json!([])),
            vec![row(5, &json!("RMM-1")), row(6, &json!(null))],
            vec!["6"],
        ),
        ("not there", Play::json(200, &json!([])), vec![row(5, &json!("RMM-1"))], vec![]),
    ] {
        let server = connectwise(move |asked, path| match path {
            "/service/tickets"
                if asked.query("conditions") == Some("externalXRef=\"PSAGW-ABCDEFGHIJ0123456789\"") =>
            {
                Some(by_filter.clone())
            }
            "/service/tickets" => {
                assert_eq!(
                    asked.query("conditions"),
                    Some("company/id=19 and lastUpdated>=[2026-11-21T09:20:00Z] and id>0")
                );
                Some(Play::json(200, &json!(of_company)))
            }
            "/service/tickets/6/notes" => {
                Some(Play::json(200, &json!([{"id": 1, "text": format!("x\n\nRef {MARKER}")}])))
            }
            "/service/tickets/5/notes" => {
                Some(Play::json(200, &json!([{"id": 1, "text": format!("> Ref {MARKER}")}])))
            }
            _ => None,
        })
        .await;
        let found = connect(&server).find_by_marker(&search(MARKER)).await.unwrap();
        assert_eq!(
            found.iter().map(|ticket| ticket.external_id.as_str()).collect::<Vec<_>>(),
            wanted,
            "{name}"
        );
    }
}

#[tokio::test]
async fn nothing_is_called_not_there_unless_every_way_of_looking_worked() {
    for (name, play) in [
        ("down", Play::text(502, "<html>")),
        ("no list", Play::json(200, &json!({"tickets": []}))),
        ("null", Play::text(200, "")),
    ] {
        let server = connectwise(move |asked, _| {
            Some(if asked.query("conditions").is_some_and(|c| c.starts_with("company")) {
                play.clone()
            } else {
                Play::json(200, &json!([]))
            })
        })
        .await;
        let result = connect(&server).find_by_marker(&search(MARKER)).await;
        assert!(matches!(result, Err(PsaError::Unavailable { .. })), "{name}: {result:?}");
    }
    let server = connectwise(|_, _| Some(Play::json(200, &json!([])))).await;
    let hostile = connect(&server).find_by_marker(&search("x\" or id>0 or \"")).await;
    assert!(matches!(hostile, Err(PsaError::Rejected { .. })));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_filter_says_what_else_it_gave() {
    let (ours, other) = (row(8, &json!(MARKER)), row(7, &json!("PSAGW-OTHEROTHEROTHER12345")));
    for (name, play, wanted) in [
        ("it and nothing else", Play::json(200, &json!([ours])), Some((true, 0))),
        ("a filter that is ignored", Play::json(200, &json!([ours, other])), Some((false, 1))),
        ("nothing", Play::json(200, &json!([])), Some((false, 0))),
        ("refused", Play::json(400, &json!({"code": "InvalidObject", "message": "no"})), None),
    ] {
        let server = connectwise(move |_, path| (path == "/service/tickets").then(|| play.clone())).await;
        let asked = connect(&server).ask_for_mark(MARKER).await.unwrap();
        assert_eq!(asked.map(|asked| (asked.is_only("8"), asked.others)), wanted, "{name}");
    }
}

#[tokio::test]
async fn changed_tickets_come_oldest_first_without_those_of_projects() {
    let server = connectwise(|asked, path| {
        let at = |id: i64, at: &str, kind: &str| json!({"id": id, "recordType": kind, "_info": {"lastUpdated": at}});
        (path == "/service/tickets").then(|| match asked.query("conditions") {
            Some("lastUpdated>=[2026-11-21T09:00:00Z]") => Play::json(
                200,
                &json!([at(1, "2026-11-21T09:00:00Z", "ServiceTicket"), at(2, "2026-11-21T09:05:00Z", "ProjectTicket"), at(3, "2026-11-21T09:06:00Z", "ServiceTicket")]),
            )
            .header("link", "<https://api-na.myconnectwise.net/x?page=2>; rel=\"next\""),
            Some("lastUpdated>=[2026-11-21T09:06:00Z]") => Play::json(200, &json!([at(3, "2026-11-21T09:06:00Z", "ServiceTicket"), at(4, "2026-11-21T09:07:00Z", "")])),
            _ => Play::json(200, &json!([at(5, "2020-01-01T00:00:00Z", "ServiceTicket")])),
        })
    })
    .await;
    let psa = connect(&server);
    let since = Timestamp::parse_rfc3339("2026-11-21T09:00:00.5Z").unwrap();
    let first = psa.changed_since(since, None).await.unwrap();
    let ids = |page: &RemotePage<RemoteTicket>| {
        page.items.iter().map(|t| t.external_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), ["1", "3"]);
    let second = psa.changed_since(since, first.next.as_deref()).await.unwrap();
    assert_eq!((ids(&second), second.next), (vec!["3".to_owned(), "4".to_owned()], None));
    let ignored = psa.changed_since(since.plus_secs(3_600), None).await;
    assert!(matches!(ignored, Err(PsaError::Unavailable { .. })), "{ignored:?}");
}
