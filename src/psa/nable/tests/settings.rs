//! What a connection is set up with: companies, lists of values, the credential check.

use super::*;
use crate::psa::StepOutcome;

fn customer(number: usize) -> Value {
    json!({"CustomerId": format!("00000000-0000-0000-0000-{number:012}"), "CustomerName": format!("Customer {number}"),
        "CustomerStatusId": number % 2 + 1})
}

/// 1,250 customers; the server's own page is 200, and it names the rest on another host.
fn linked(asked: &Asked) -> Play {
    let number = |key: &str| asked.query(key).map_or(0, |text| text.parse::<usize>().unwrap());
    let (skip, top) = (number("$skip"), number("$top"));
    let rows: Vec<_> = (skip + 1..=1_250).take(top.min(200)).map(customer).collect();
    let mut body = json!({"value": rows});
    if top > 200 && skip + 200 < 1_250 {
        let link =
            format!("https://evil.example/other?$top={}&$skip={}&$orderby=CustomerId", top - 200, skip + 200);
        body["@odata.nextLink"] = json!(link);
    }
    Play::json(200, &body)
}

async fn all(psa: &Arc<dyn Psa>, filter: &CompanyFilter) -> Result<Vec<RemoteCompany>, PsaError> {
    let (mut found, mut page) = (Vec::new(), None);
    loop {
        let rows = psa.companies(filter, page.as_deref()).await?;
        found.extend(rows.items);
        page = rows.next;
        if page.is_none() {
            return Ok(found);
        }
    }
}

#[tokio::test]
async fn all_companies_are_read_over_links_and_chunks_and_only_from_our_host() {
    let server = nable(|asked| is(asked, "GET", "customers").then(|| linked(asked))).await;
    let psa = connect(&server);
    let everything = all(&psa, &CompanyFilter::default()).await.unwrap();
    let ids: std::collections::BTreeSet<_> = everything.iter().map(|company| &company.external_id).collect();
    assert_eq!((everything.len(), ids.len()), (1_250, 1_250));
    assert_eq!(server.calls("GET", "/odata/customers").len(), server.asked().len());
    let filter = CompanyFilter {
        search: Some(" customer 12".into()),
        status: Some("2".into()),
        ..CompanyFilter::default()
    };
    // 121, 123, 125, 127, 129 and the odd ones of 1200 to 1250.
    assert_eq!(all(&psa, &filter).await.unwrap().len(), 30);
}

#[tokio::test]
async fn a_bare_list_is_read_and_one_that_repeats_itself_is_no_complete_list() {
    let rows: Vec<_> = (1..=500).map(customer).collect();
    let repeating = nable(move |asked| is(asked, "GET", "customers").then(|| list(&rows))).await;
    let result = all(&connect(&repeating), &CompanyFilter::default()).await;
    assert!(matches!(result, Err(PsaError::Unavailable { .. })), "{result:?}");
    let bare = nable(|asked| {
        let rows = fixture(include_str!("../fixtures/customers.json"))["value"].clone();
        is(asked, "GET", "customers").then(|| Play::json(200, &rows))
    })
    .await;
    let psa = connect(&bare);
    let active = all(&psa, &CompanyFilter::default()).await.unwrap();
    assert_eq!(active.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["Contoso"]);
    assert_eq!((active[0].status.as_deref(), active[0].is_active), (Some("1"), true));
    let everything = CompanyFilter { include_inactive: true, ..CompanyFilter::default() };
    assert_eq!(all(&psa, &everything).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_company_is_created_with_what_was_given() {
    let server =
        nable(|asked| is(asked, "POST", "customers").then(|| Play::json(201, &json!({"customerId": OTHER}))))
            .await;
    let draft = CompanyDraft { name: "O'Neill".into(), status: Some("2".into()), ..CompanyDraft::default() };
    let created = connect(&server).create_company(&draft).await.unwrap();
    assert_eq!((created.external_id.as_str(), created.name.as_str()), (OTHER, "O'Neill"));
    let sent = server.calls("POST", "/odata/customers")[0].json();
    assert_eq!(sent, json!({"CustomerName": "O'Neill", "CustomerStatusId": 2}));
}

const KIND: &str = "11111111-0000-0000-0000-000000000001";
const SUB: &str = "11111111-0000-0000-0000-000000000002";

/// Lists as a small account may give them.
fn lists(asked: &Asked) -> Option<Play> {
    let seen = |code: i64, name: &str| json!({"TicketStatusCode": code, "TicketStatusName": name, "TicketPriorityCode": 4, "TicketPriorityName": "Urgent"});
    Some(match asked.path.as_str() {
        "/odata/ticketsview" => list(&[seen(3, "On Hold"), seen(7, "Complete"), seen(3, "Older name")]),
        "/odata/IssueTypes" => list(&[json!({"IssueTypeId": KIND, "Name": "Security",
            "SubIssueTypes": [{"SubIssueTypeId": SUB, "Name": "Patch"}]})]),
        "/odata/Users" => list(&[
            json!({"UserId": SUPPORT, "FirstName": "Ada", "LastName": "Lovelace"}),
            json!({"UserId": OTHER, "EmailAddress": "off@msp.example", "IsActive": false}),
        ]),
        "/odata/customers" => Play::json(200, &fixture(include_str!("../fixtures/customers.json"))),
        "/odata/contacts" | "/odata/Tickets" => list(&[]),
        _ => return service_items(asked),
    })
}

fn items(lists: &[RemotePickList], key: &str) -> Vec<(String, String)> {
    let list = lists.iter().find(|list| list.key == key).unwrap();
    list.items.iter().map(|item| (item.value.clone(), item.label.clone())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect()
}

#[tokio::test]
async fn lists_are_put_together_from_what_an_account_shows() {
    let server = nable(lists).await;
    let found = connect(&server).pick_lists().await.unwrap();
    assert!(found.iter().all(|list| list.problem.is_none()), "{found:?}");
    assert_eq!(items(&found, "status"), pairs(&[("3", "On Hold"), ("7", "Complete"), ("9", "Cancelled")]));
    let closes: Vec<_> = found
        .iter()
        .find(|list| list.key == "status")
        .unwrap()
        .items
        .iter()
        .map(|item| item.closes)
        .collect();
    assert_eq!(closes, [Some(false), Some(true), Some(true)]);
    let names =
        pairs(&[("Managed Support", "Managed Support"), ("Projects", "Projects"), ("Security", "Security")]);
    assert_eq!(items(&found, "service_item"), names);
    assert_eq!(items(&found, "issue_type"), pairs(&[(KIND, "Security")]));
    let sub = &found.iter().find(|list| list.key == "sub_issue_type").unwrap().items[0];
    assert_eq!((sub.value.as_str(), &sub.parents["issue_type"]), (SUB, &vec![KIND.to_owned()]));
    assert_eq!(items(&found, "agent"), pairs(&[(SUPPORT, "Ada Lovelace")]));
    assert_eq!(items(&found, "priority")[3], ("4".to_owned(), "Urgent".to_owned()));
    assert_eq!(items(&found, "company_status"), pairs(&[("1", "Status 1"), ("2", "Inactive")]));
    for field in Nable.profile_fields() {
        assert!(field.pick_list.is_none_or(|key| found.iter().any(|list| list.key == key)), "{}", field.key);
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_says_so_and_does_not_cost_the_others() {
    let server = nable(|asked| match asked.path.as_str() {
        "/odata/IssueTypes" => Some(Play::json(403, &json!({}))),
        "/odata/ticketsview" => Some(list(&[])),
        "/odata/TicketStatuses" => Some(list(&[
            json!({"TicketStatusCode": 1, "TicketStatusName": "New"}),
            json!({"Name": "without a code"}),
        ])),
        _ => lists(asked),
    })
    .await;
    let psa = connect(&server);
    let found = psa.pick_lists().await.unwrap();
    let problems: Vec<_> = found.iter().filter(|l| l.problem.is_some()).map(|l| l.key.as_str()).collect();
    assert_eq!(problems, ["issue_type", "sub_issue_type"]);
    assert_eq!(items(&found, "status"), pairs(&[("1", "New"), ("7", "Complete"), ("9", "Cancelled")]));
    let away =
        nable(|asked| if asked.path == "/odata/Users" { Some(Play::text(500, "")) } else { lists(asked) })
            .await;
    assert!(matches!(connect(&away).pick_lists().await, Err(PsaError::Unavailable { .. })));
}

async fn outcomes(
    play: impl Fn(&Asked) -> Option<Play> + Send + Sync + 'static,
) -> (Verification, Vec<StepOutcome>) {
    let server = Canned::start(move |asked| play(asked).unwrap_or_else(|| Play::text(404, "<html>"))).await;
    let verification = connect(&server).verify().await;
    let outcomes = verification.steps.iter().map(|step| step.outcome).collect();
    (verification, outcomes)
}

#[tokio::test]
async fn a_good_key_passes_and_what_cannot_be_tried_is_not_called_proven() {
    use StepOutcome::{NotProven, Passed};
    let (verification, outcomes) = outcomes(lists).await;
    assert_eq!(
        outcomes,
        [Passed, Passed, Passed, Passed, Passed, NotProven, Passed, Passed],
        "{verification:?}"
    );
    assert!(verification.is_ok());
    assert!(verification.warnings[0].contains("no private notes"));
    assert!(!format!("{verification:?}").contains("s3cret"));
}

#[tokio::test]
async fn wrong_host_wrong_key_and_missing_permission_are_told_apart() {
    let denied =
        || Some(Play::json(401, &json!({"Message": "Authorization has been denied for this request."})));
    let blamed = |verification: &Verification| {
        let step =
            verification.steps.iter().find(|step| step.outcome == StepOutcome::Failed).unwrap().clone();
        (step.key, step.field, step.message)
    };
    for answer in [Play::text(200, "<html>app</html>"), Play::text(302, ""), Play::json(404, &json!({}))] {
        let (verification, outcomes) = outcomes(move |_| Some(answer.clone())).await;
        let (key, field, message) = blamed(&verification);
        assert_eq!((key, field), ("host", Some("domain")), "{message}");
        assert_eq!(outcomes[1..], [StepOutcome::Skipped; 7]);
    }
    let (verification, _) = outcomes(move |_| denied()).await;
    let (key, field, message) = blamed(&verification);
    assert_eq!((key, field), ("sign_in", Some("public_key")));
    assert!(message.contains("My Account > API KEYS"), "{message}");
    let (verification, _) =
        outcomes(move |asked| if asked.path == "/odata/Tickets" { denied() } else { lists(asked) }).await;
    let (key, field, message) = blamed(&verification);
    assert_eq!((key, field), ("tickets", None), "a key that reads customers is right");
    assert!(message.contains("role of the user"), "{message}");
    let (verification, _) = outcomes(|_| Some(Play::json(403, &json!({})))).await;
    let (key, field, message) = blamed(&verification);
    assert_eq!((key, field), ("sign_in", Some("public_key")));
    assert!(message.contains("permission to use the API"), "{message}");
}

#[tokio::test]
async fn an_account_without_service_items_cannot_have_tickets_and_hears_so() {
    let (verification, _) = outcomes(|asked| match asked.path.as_str() {
        "/odata/ServiceItems" => Some(list(&[])),
        _ => lists(asked),
    })
    .await;
    let step = verification.steps.iter().find(|step| step.key == "service_items").unwrap();
    assert_eq!(step.outcome, StepOutcome::Failed);
    assert!(!verification.is_ok() && step.message.contains("without one there is no ticket"));
}

#[tokio::test]
async fn no_webhook_is_taken_for_one_of_msp_managers() {
    assert!(Nable.webhook_schemes().is_empty() && !Nable.capabilities().webhooks);
    assert!(Nable.read_webhook("", &Headers::default(), b"{}").is_err());
    assert_eq!(Nable.tenant(&BTreeMap::new()), "https://api.mspmanager.com");
}
