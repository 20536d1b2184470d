//! Tickets of unknown fate, and tickets that have changed.

use super::*;

fn since() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T09:00:00Z").unwrap()
}

fn search() -> MarkerSearch {
    MarkerSearch { marker: MARKER.into(), company_external_id: CONTOSO.into(), since: since(), until: None }
}

fn id(number: usize) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}

fn row(number: usize, description: &Value) -> Value {
    json!({"TicketId": id(number), "TicketNumber": number, "CustomerId": CONTOSO, "TicketDescription": description,
        "TicketStatusCode": 5, "CreatedDate": format!("2026-11-21T09:{number:02}:00Z")})
}

fn refused() -> Play {
    Play::json(400, &fixture(include_str!("../fixtures/error_odata.json")))
}

async fn found(search_answer: Play, all: Vec<Value>) -> (Result<Vec<String>, PsaError>, Canned) {
    let server = nable(move |asked| {
        let whole = format!("x\n\nReference: {MARKER}");
        let is_search = asked.query("$filter").is_some_and(|filter| filter.contains("contains("));
        match asked.path.as_str() {
            "/odata/ticketsview" if is_search => Some(search_answer.clone()),
            "/odata/ticketsview" => Some(list(&all)),
            path if path == format!("/odata/Tickets/{}", id(5)) => {
                Some(Play::json(200, &json!({"TicketId": id(5), "TicketNumber": 5, "Description": whole})))
            }
            path if path.starts_with("/odata/Tickets/") => {
                let id = path.rsplit('/').next().unwrap_or_default();
                Some(Play::json(200, &json!({"TicketId": id, "Description": "x"})))
            }
            _ => None,
        }
    })
    .await;
    let found = connect(&server).find_by_marker(&search()).await;
    (found.map(|tickets| tickets.into_iter().filter_map(|ticket| ticket.number).collect()), server)
}

#[tokio::test]
async fn a_marked_ticket_is_found_by_search_by_looking_or_by_reading_it() {
    let ours = json!(format!("x<br>Reference: {MARKER}<br />and then a note"));
    let other = json!("x\n\nReference: PSAGW-OTHEROTHEROTHER12345");
    let cut = json!("a text that goes on…");
    let quoted = json!(format!("> Reference: {MARKER}"));
    let of_another_customer = {
        let mut row = row(2, &ours);
        row["CustomerId"] = json!(OTHER);
        row
    };
    for (name, search_answer, all, wanted) in [
        ("by search, oldest first", list(&[row(9, &ours), row(8, &ours)]), vec![], vec!["8", "9"]),
        ("by looking", list(&[]), vec![row(7, &other), row(8, &ours)], vec!["8"]),
        ("search refused", refused(), vec![row(7, &other), row(8, &ours)], vec!["8"]),
        ("text not shown", list(&[]), vec![row(4, &json!(null)), row(5, &json!(null))], vec!["5"]),
        ("text cut", list(&[row(5, &cut)]), vec![], vec!["5"]),
        ("nowhere", refused(), vec![row(6, &quoted), row(7, &other), row(3, &json!(""))], vec![]),
        ("another customer's", list(&[of_another_customer]), vec![], vec![]),
    ] {
        let (found, server) = found(search_answer, all).await;
        assert_eq!(found.unwrap(), wanted, "{name}");
        let filters: Vec<_> = server
            .calls("GET", "/odata/ticketsview")
            .iter()
            .map(|a| a.query("$filter").unwrap().to_owned())
            .collect();
        assert_eq!(
            filters[0],
            format!("CustomerId eq {CONTOSO} and contains(TicketDescription,'{MARKER}')"),
            "{name}"
        );
        if let Some(second) = filters.get(1) {
            assert_eq!(*second, format!("CustomerId eq {CONTOSO} and CreatedDate ge 2026-11-21T07:00:00Z"));
        }
    }
}

#[tokio::test]
async fn a_ticket_that_was_read_one_by_one_keeps_its_customer() {
    let server = nable(|asked| match asked.path.as_str() {
        "/odata/ticketsview" => Some(list(&[row(5, &json!(null))])),
        _ => {
            Some(Play::json(200, &json!({"TicketId": id(5), "Description": format!("Reference: {MARKER}")})))
        }
    })
    .await;
    let tickets = connect(&server).find_by_marker(&search()).await.unwrap();
    assert_eq!(tickets.len(), 1);
    assert_eq!(
        (tickets[0].external_id.clone(), tickets[0].company_external_id.as_deref()),
        (id(5), Some(CONTOSO))
    );
}

#[tokio::test]
async fn nothing_is_called_not_there_unless_everything_was_seen() {
    let many: Vec<_> = (10..60).map(|number| row(number, &json!(null))).collect();
    let (result, _) = found(list(&[]), many).await;
    assert!(matches!(result, Err(PsaError::CannotTell { .. })), "{result:?}");
    let (result, _) = found(Play::json(200, &json!({"Message": "no list"})), vec![]).await;
    assert!(matches!(result, Err(PsaError::Unavailable { .. })), "{result:?}");
    let forged = MarkerSearch { marker: "') or true or contains(Title,'".into(), ..search() };
    let server = nable(|_| None).await;
    let result = connect(&server).find_by_marker(&forged).await;
    assert!(matches!(result, Err(PsaError::Rejected { .. })) && server.asked().is_empty(), "{result:?}");
}

#[tokio::test]
async fn a_search_says_what_else_it_gave() {
    let ours = json!(format!("x\n\nReference: {MARKER}"));
    let quoted = json!(format!("> Reference: {MARKER}"));
    for (name, answer, wanted) in [
        ("it and nothing else", list(&[row(8, &ours)]), Some((true, 0))),
        ("shown in part", list(&[row(5, &json!("a text that goes on…"))]), Some((false, 0))),
        ("quoted elsewhere", list(&[row(8, &ours), row(7, &quoted)]), Some((false, 1))),
        ("nothing", list(&[]), Some((false, 0))),
        ("refused", refused(), None),
    ] {
        let server = nable(move |asked| match asked.path.as_str() {
            "/odata/ticketsview" => Some(answer.clone()),
            path if path == format!("/odata/Tickets/{}", id(5)) => {
                let whole = format!("x\n\nReference: {MARKER}");
                Some(Play::json(200, &json!({"TicketId": id(5), "TicketNumber": 5, "Description": whole})))
            }
            _ => None,
        })
        .await;
        let asked = connect(&server).ask_for_mark(MARKER).await.unwrap();
        let known = asked.as_ref().map(|asked| (asked.is_only(&id(8)), asked.others));
        assert_eq!(known, wanted, "{name}");
        if name == "shown in part" {
            let marked = asked.unwrap().marked;
            assert_eq!(marked[0].company_external_id.as_deref(), Some(CONTOSO), "read whole: {marked:?}");
        }
    }
}

fn changed(number: usize, updated: &str, completed: &Value) -> Value {
    json!({"TicketId": id(number), "TicketStatusCode": 7, "UpdatedDate": updated, "CompletedDate": completed,
        "CreatedDate": "2026-11-20T09:00:00Z"})
}

/// 450 tickets, of which 250 changed in one second, filtered and cut as OData does.
fn many(asked: &Asked) -> Play {
    let at = |number: usize| match number {
        0..100 => format!("2026-11-21T09:01:{:02}.5Z", number / 2),
        100..350 => "2026-11-21T09:02:00.25Z".to_owned(),
        _ => format!("2026-11-21T09:03:{:02}Z", (number - 350) / 2),
    };
    let from = asked.query("$filter").unwrap().strip_prefix("UpdatedDate ge ").unwrap();
    let from = Timestamp::parse_rfc3339(from).unwrap();
    let skip = asked.query("$skip").map_or(0, |skip| skip.parse().unwrap());
    let top = asked.query("$top").unwrap().parse().unwrap();
    let all = (0..450).filter(|number| Timestamp::parse_rfc3339(&at(*number)).unwrap() >= from);
    let rows: Vec<_> =
        all.skip(skip).take(top).map(|number| changed(number + 1, &at(number), &json!(null))).collect();
    list(&rows)
}

#[tokio::test]
async fn changes_are_read_to_the_end_though_many_share_a_second() {
    let server = nable(|asked| is(asked, "GET", "ticketsview").then(|| many(asked))).await;
    let psa = connect(&server);
    let (mut seen, mut page) = (std::collections::BTreeSet::new(), None::<String>);
    for _ in 0..10 {
        let rows = psa.changed_since(since(), page.as_deref()).await.unwrap();
        assert!(rows.items.is_sorted_by_key(|ticket| ticket.updated_at));
        seen.extend(rows.items.into_iter().map(|ticket| ticket.external_id));
        page = rows.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), page), (450, None));
}

#[tokio::test]
async fn a_refused_column_is_not_asked_for_again_within_a_day() {
    let server = nable(|asked| {
        is(asked, "GET", "ticketsview").then(|| match asked.query("$filter").unwrap() {
            filter if filter.starts_with("UpdatedDate") => refused(),
            "CompletedDate ge 2026-11-21T09:00:00Z" => {
                list(&[changed(1, "2026-11-21T08:00:00Z", &json!("2026-11-21T09:30:00Z"))])
            }
            _ => list(&[]),
        })
    })
    .await;
    let clock = clock();
    let psa = connect_with(&server.base, &clock);
    for asked in [2, 3] {
        let page = psa.changed_since(since(), None).await.unwrap();
        assert_eq!((page.items.len(), page.next), (1, None));
        assert_eq!(server.asked().len(), asked, "the first time both columns were tried");
    }
    clock.advance_secs(86_401);
    psa.changed_since(since(), None).await.unwrap();
    assert_eq!(server.asked().len(), 5, "after a day the better one is tried again");
}

#[tokio::test]
async fn the_day_of_creation_is_the_last_resort_and_an_outage_is_no_refusal() {
    let server = nable(|asked| {
        is(asked, "GET", "ticketsview").then(|| match asked.query("$filter").unwrap() {
            "CreatedDate ge 2026-10-22T09:00:00Z" => list(&[
                changed(1, "2026-11-21T09:10:00Z", &json!(null)),
                changed(2, "2026-11-01T00:00:00Z", &json!(null)),
            ]),
            // The filter is not heeded.
            filter if filter.starts_with("UpdatedDate") => {
                list(&[changed(3, "2020-01-01T00:00:00Z", &json!(null))])
            }
            _ => refused(),
        })
    })
    .await;
    let page = connect(&server).changed_since(since(), None).await.unwrap();
    let ids: Vec<_> = page.items.into_iter().map(|ticket| ticket.external_id).collect();
    assert_eq!(ids, [id(1)]);
    let away = nable(|_| Some(Play::text(503, ""))).await;
    let result = connect(&away).changed_since(since(), None).await;
    assert!(matches!(result, Err(PsaError::Unavailable { .. })), "{result:?}");
    assert_eq!(away.asked().len(), 1);
}
