//! Connecting: logins, what they may do, companies, lists of values.

use std::collections::BTreeSet;

use psa_gateway::{
    psa,
    sandbox::frame::{Right, Sandbox, customer_name},
};
use serde_json::{Value, json};

use super::on_every_platform;
use crate::support::{TestApp, text};

async fn verified(app: &TestApp, connection: &str) -> Value {
    let query = "mutation($input: PsaConnectionVerifyInput!) { psaConnectionVerify(input: $input) {
           psaConnection { health { status message } abilities { ability outcome message }
             verification { warnings discovered { key value } } }
           steps { key outcome message field ability } userErrors { message } } }";
    app.graphql(query, json!({ "input": { "id": connection } })).await["psaConnectionVerify"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_login_works_and_a_bad_one_names_the_field() {
    on_every_platform("good and bad credentials", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await;
        let good = psa.credentials();
        let connection = msp.makes_connection("good", &good).await;
        let seen = verified(app, &connection).await;
        assert_eq!(seen["psaConnection"]["health"]["status"], "HEALTHY", "{seen:#}");
        let steps = seen["steps"].as_array().unwrap();
        assert!(steps.iter().all(|step| step["outcome"] != "FAILED"), "{seen:#}");
        for ability in ["COMPANIES", "TICKETS", "CLOSE"] {
            let abilities = seen["psaConnection"]["abilities"].as_array().unwrap();
            assert!(
                abilities.iter().any(|seen| seen["ability"] == ability),
                "nothing on {ability}: {seen:#}"
            );
        }

        let platform = psa::platform(psa.key()).unwrap();
        for (at, field) in good.iter().enumerate() {
            let shape = platform.credential_fields().iter().find(|known| known.key == field.0).unwrap();
            if !shape.is_required {
                continue;
            }
            let mut bad = good.clone();
            bad[at].1 = if field.0 == "domain" { "http://127.0.0.1:1".to_owned() } else { flipped(&field.1) };
            let connection = msp.makes_connection(&format!("bad {}", field.0), &bad).await;
            let seen = verified(app, &connection).await;
            assert_eq!(
                seen["psaConnection"]["health"]["status"], "FAILING",
                "{} is wrong: {seen:#}",
                field.0
            );
            let failed = seen["steps"].as_array().unwrap().iter().find(|step| step["outcome"] == "FAILED");
            let failed = failed.unwrap();
            assert!(text(failed, "/message").len() > 10, "it says what is wrong: {failed:#}");
            if field.0 == "domain" {
                assert_eq!(failed["key"], "host", "{failed:#}");
            }
        }
    })
    .await;
}

/// Another value of the same form.
fn flipped(value: &str) -> String {
    let turn = |c: char| match c {
        'a'..='y' | 'A'..='Y' | '0'..='8' => char::from_u32(c as u32 + 1).unwrap(),
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        other => other,
    };
    value.chars().map(turn).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_told_by_ability() {
    on_every_platform("each permission missing", async |app, psa| {
        let rights = [
            (Right::Companies, "COMPANIES"),
            (Right::ReadTickets, "TICKETS"),
            (Right::WriteTickets, "TICKETS"),
            (Right::CloseTickets, "CLOSE"),
            (Right::Configurations, "CONFIGURATIONS"),
            (Right::Contacts, "CONTACTS"),
            (Right::Billing, "BILLING"),
            (Right::Webhooks, "WEBHOOKS"),
        ];
        let msp = app.msp_with(psa, "msp").await;
        for (right, ability) in rights {
            if !psa.deny(&[right]) {
                println!("contract: {:<12} takes no {right:?} away by itself", psa.key());
                continue;
            }
            let connection = msp.makes_connection(&format!("{right:?}"), &psa.credentials()).await;
            let seen = verified(app, &connection).await;
            let abilities = seen["psaConnection"]["abilities"].as_array().unwrap();
            // Closing is writing, and often the place where writing is told of.
            let is_about = |seen: &&Value| {
                seen["ability"] == ability || (right == Right::WriteTickets && seen["ability"] == "CLOSE")
            };
            let about: Vec<_> = abilities.iter().filter(is_about).collect();
            // What only writing would show cannot be proven; it must not be said to work.
            assert!(
                about.iter().any(|seen| seen["outcome"] != "PASSED") || about.is_empty(),
                "{right:?} is missing and nothing tells: {seen:#}"
            );
            app.clock.advance_secs(120);
        }
        assert!(psa.deny(&[]));
    })
    .await;
}

async fn companies(app: &TestApp, connection: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = Value::Null;
    loop {
        let query = "query($id: ID!, $after: String) { node(id: $id) { ... on PsaConnection {
               psaCompanies(first: 100, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } } } } }";
        let data = app.graphql(query, json!({ "id": connection, "after": after })).await;
        let page = &data["node"]["psaCompanies"];
        names.extend(page["nodes"].as_array().unwrap().iter().map(|node| text(node, "/name")));
        if page["pageInfo"]["hasNextPage"] != true {
            return names;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

async fn reads_companies(app: &TestApp, connection: &str, filter: Value) -> Value {
    let query =
        "mutation($input: PsaConnectionSyncCompaniesInput!) { psaConnectionSyncCompanies(input: $input) {
           syncRun { id } userErrors { message } } }";
    let made = app.graphql(query, json!({ "input": { "id": connection, "filter": filter } })).await;
    let run = text(&made, "/psaConnectionSyncCompanies/syncRun/id");
    app.pass(900).await;
    let query =
        "query($id: ID!) { node(id: $id) { ... on SyncRun { status problem progress { done total } } } }";
    let run = app.graphql(query, json!({ "id": run })).await["node"].clone();
    assert_eq!(run["status"], "SUCCEEDED", "{run:#}");
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn all_companies_are_read_page_by_page_and_filters_hold() {
    on_every_platform("companies paged and filtered", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.connected().await;
        let all = reads_companies(app, msp.connection(), json!({ "hasInactive": true })).await;
        let names = companies(app, msp.connection()).await;
        let different: BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "none comes twice");
        assert!(names.len() > 100, "more than one page: {}", names.len());
        for number in [0, 1, 2, 50, 99] {
            let name = customer_name(number);
            assert!(names.contains(&name), "{name} is missing");
        }

        let name = customer_name(0);
        let found = reads_companies(app, msp.connection(), json!({ "query": name })).await;
        let wanted = names.iter().filter(|known| known.to_lowercase().contains(&name.to_lowercase())).count();
        assert_eq!(found["progress"]["done"], wanted, "a search finds what it names");

        let total = all["progress"]["done"].as_u64().unwrap();
        let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
               pickLists(keys: [\"company_type\", \"company_status\", \"company_market\"]) { key items { value } } } } }";
        let lists = app.graphql(query, json!({ "id": msp.connection() })).await;
        for list in lists["node"]["pickLists"].as_array().unwrap() {
            let field = match list["key"].as_str().unwrap() {
                "company_type" => "companyType",
                "company_status" => "status",
                _ => "market",
            };
            let mut sum = 0;
            for item in list["items"].as_array().unwrap() {
                let filter = json!({ field: item["value"], "hasInactive": true });
                let found = reads_companies(app, msp.connection(), filter).await;
                let done = found["progress"]["done"].as_u64().unwrap();
                assert!(done <= total);
                sum += done;
            }
            assert!(sum > 0, "some company has some {field}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_values_hang_together_and_hold_profiles_to_it() {
    on_every_platform("pick lists with dependencies", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.connected().await;
        let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
               platform { profileFields { key label pickList dependsOn } }
               pickLists { key problem items { value label closes parents { key values } } } } } }";
        let data = app.graphql(query, json!({ "id": msp.connection() })).await;
        let lists = data["node"]["pickLists"].as_array().unwrap();
        let keys: BTreeSet<_> = lists.iter().map(|list| list["key"].as_str().unwrap()).collect();
        let fields = data["node"]["platform"]["profileFields"].as_array().unwrap();
        for list in lists {
            assert_eq!(list["problem"], Value::Null, "{list:#}");
            for item in list["items"].as_array().unwrap() {
                assert_ne!(item["value"], "", "{list:#}");
                for parent in item["parents"].as_array().unwrap() {
                    let key = parent["key"].as_str().unwrap();
                    assert!(keys.contains(key), "{} hangs on {key}, which is no list", list["key"]);
                }
            }
        }
        for field in fields {
            if let Some(list) = field["pickList"].as_str() {
                assert!(keys.contains(list), "{} has no list {list}", field["key"]);
            }
            for parent in field["dependsOn"].as_array().unwrap() {
                assert!(
                    fields.iter().any(|field| field["key"] == *parent),
                    "{} depends on {parent}",
                    field["key"]
                );
            }
        }
        let statuses = lists.iter().find(|list| list["key"] == "status").expect("statuses");
        for closes in [true, false] {
            let some = statuses["items"].as_array().unwrap().iter().any(|item| item["closes"] == closes);
            assert!(some, "some status has closes = {closes}");
        }

        let profile = msp.makes_default_profile().await;
        let query =
            "query($id: ID!) { node(id: $id) { ... on TicketProfile { problems { field message } } } }";
        let problems = app.graphql(query, json!({ "id": profile })).await;
        assert_eq!(problems["node"]["problems"], json!([]));
        let mut wrong = msp.profile_input().await;
        wrong["name"] = json!("Wrong");
        wrong["statusOnClose"] = json!("no such status");
        wrong["psaConnectionId"] = json!(msp.connection());
        let query = "mutation($input: TicketProfileCreateInput!) { ticketProfileCreate(input: $input) {
               userErrors { code field message } } }";
        let refused = app.graphql_as(&app.token, query, json!({ "input": wrong })).await;
        let errors = &refused["data"]["ticketProfileCreate"]["userErrors"];
        assert_eq!(errors[0]["code"], "NOT_IN_PICK_LIST", "{refused:#}");
        assert_eq!(errors[0]["field"], json!(["input", "statusOnClose"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_logins_live_side_by_side_and_a_company_is_created() {
    on_every_platform("two logins, a company created", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.connected().await;
        let second = msp.makes_connection("Second login", &psa.credentials()).await;
        let seen = verified(app, &second).await;
        assert_eq!(seen["psaConnection"]["health"]["status"], "HEALTHY", "{seen:#}");

        let made = create_company(app, psa).await;
        assert_eq!(made.name, "Copperfield Brewing");
        reads_companies(app, &second, json!({ "query": "Copperfield Brewing" })).await;
        assert!(companies(app, &second).await.contains(&made.name));
    })
    .await;
}

/// What importing companies will use; there is no door for it yet.
async fn create_company(app: &TestApp, sandbox: &dyn Sandbox) -> psa_gateway::sync::remote::RemoteCompany {
    use psa_gateway::psa::http::{ClientOptions, Outbound, OutboundOptions, PrivateAddresses};
    let client_id = secrecy::SecretString::from("01234567-89ab-4cde-8123-456789abcdef");
    let http = Outbound::new(OutboundOptions {
        clock: app.clock.clone(),
        client: ClientOptions { allow_private: PrivateAddresses::All, ..ClientOptions::default() },
        own_ids: [("connectwise_client_id", client_id)].into(),
        ..OutboundOptions::default()
    });
    let platform = psa::platform(sandbox.key()).unwrap();
    let form = sandbox.credentials().into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    let login = platform.normalise(form).unwrap();
    let client = platform.connect(login, http.unwrap()).unwrap();
    let draft = psa_gateway::sync::remote::CompanyDraft {
        name: "Copperfield Brewing".to_owned(),
        phone: Some("555-0100".to_owned()),
        ..Default::default()
    };
    client.create_company(&draft).await.unwrap()
}
