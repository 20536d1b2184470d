//! An organization is set up, and what was typed wrong is said at its field.

use super::*;
use crate::{
    graphql::ids,
    testing::{self, TestGround},
};

async fn input(door: &web::Data<Door>, token: &str, mutation: &str, selection: &str, input: Value) -> Value {
    let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let query = format!(
        "mutation($input: {name}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ field code message }} }} }}"
    );
    ask(door, token, &query, json!({ "input": input })).await[mutation].take()
}

/// Fields and codes of what is wrong.
fn wrong(payload: &Value) -> Vec<(String, String)> {
    let errors = payload["userErrors"].as_array().unwrap().iter();
    errors
        .map(|error| {
            let field = error["field"].as_array().cloned().unwrap_or_default();
            let path: Vec<_> = field.iter().map(|part| part.as_str().unwrap()).collect();
            (path.join("."), error["code"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(field, code)| (field.to_owned(), code.to_owned())).collect()
}

struct Acme {
    ground: TestGround,
    door: web::Data<Door>,
    id: String,
}

async fn acme() -> Acme {
    let ground = testing::ground().await;
    let door = door(&ground, Settings::default());
    let made = json!({ "slug": "acme", "name": "Acme IT" });
    let made = input(&door, "operator", "organizationCreate", "organization { id }", made).await;
    let id = made["organization"]["id"].as_str().unwrap().to_owned();
    Acme { ground, door, id }
}

impl Acme {
    async fn input(&self, mutation: &str, selection: &str, value: Value) -> Value {
        input(&self.door, "operator", mutation, selection, value).await
    }

    async fn connection(&self) -> String {
        let made =
            json!({ "organizationId": self.id, "platform": "halo", "name": "Halo", "credentials": login() });
        let made = self.input("psaConnectionCreate", "psaConnection { id }", made).await;
        made["psaConnection"]["id"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned()
    }
}

fn login() -> Value {
    json!([
        { "key": "domain", "value": "acme.halopsa.com" },
        { "key": "client_id", "value": "2c0a7b52-9f0e-4a9a-8f64-0d6f3a1b7c11" },
        { "key": "client_secret", "value": "2c0a7b52-9f0e-4a9a-8f64-canary000001-0d6f3a1b-wxyz" },
    ])
}

#[actix_web::test]
async fn a_connection_shows_its_settings_and_never_its_secret() {
    let acme = acme().await;
    let connection = acme.connection().await;
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
        name hasCredentials credentialsHint settings { key value } health { status } verification { steps { key } }
        platform { key label credentialFields { key isSecret } capabilities { canReopen } } } } }";
    let data = ask(&acme.door, "operator", query, json!({ "id": connection })).await;
    let node = &data["node"];
    assert!(!data.to_string().contains("canary"), "{data:#}");
    assert_eq!((&node["credentialsHint"], &node["health"]["status"]), (&json!("wxyz"), &json!("UNVERIFIED")));
    assert_eq!(node["platform"]["label"], "HaloPSA");
    let keys: Vec<_> = node["settings"].as_array().unwrap().iter().map(|setting| &setting["key"]).collect();
    assert_eq!(keys, ["client_id", "domain"]);
}

#[actix_web::test]
async fn what_is_wrong_with_a_login_is_said_at_its_field_together_with_the_rest() {
    let acme = acme().await;
    let made = json!({ "organizationId": acme.id, "platform": "halo", "name": "",
        "credentials": [{ "key": "domain", "value": "acme.halopsa.com" }, { "key": "colour", "value": "red" }] });
    let refused = acme.input("psaConnectionCreate", "psaConnection { id }", made).await;
    assert_eq!(refused["psaConnection"], Value::Null);
    assert_eq!(
        wrong(&refused),
        pairs(&[("input.name", "REQUIRED"), ("input.credentials.colour", "INVALID")])
    );
    let made = json!({ "organizationId": acme.id, "platform": "halo", "name": "Halo",
        "credentials": [{ "key": "domain", "value": "127.0.0.1" }] });
    let refused = acme.input("psaConnectionCreate", "psaConnection { id }", made).await;
    assert!(!wrong(&refused).is_empty());
    assert!(wrong(&refused).iter().all(|(field, _)| field.starts_with("input.credentials")), "{refused:#}");
    let made = json!({ "organizationId": acme.id, "platform": "jira", "name": "Jira", "credentials": [] });
    let refused = acme.input("psaConnectionCreate", "psaConnection { id }", made).await;
    assert_eq!(wrong(&refused), pairs(&[("input.platform", "NOT_FOUND")]));
}

#[actix_web::test]
async fn a_stored_secret_does_not_follow_a_changed_address() {
    let acme = acme().await;
    let connection = acme.connection().await;
    let moved = json!({ "id": connection,
        "credentials": [{ "key": "domain", "value": "elsewhere.halopsa.com" }] });
    let refused = acme.input("psaConnectionUpdate", "psaConnection { id }", moved).await;
    assert_eq!(wrong(&refused), pairs(&[("input.credentials.client_secret", "REQUIRED")]));
    let secret =
        json!({ "key": "client_secret", "value": "2c0a7b52-9f0e-4a9a-8f64-canary000002-0d6f3a1b-1234" });
    let alone = json!({ "id": connection, "credentials": [secret] });
    let changed = acme.input("psaConnectionUpdate", "psaConnection { credentialsHint }", alone).await;
    assert_eq!(changed["psaConnection"]["credentialsHint"], "1234", "{changed:#}");
    let both = json!({ "id": connection,
        "credentials": [{ "key": "domain", "value": "elsewhere.halopsa.com" }, secret] });
    let changed = acme.input("psaConnectionUpdate", "psaConnection { id }", both).await;
    assert_eq!(wrong(&changed), []);
}

#[actix_web::test]
async fn an_endpoint_shows_its_secret_once_and_lists_hints() {
    let acme = acme().await;
    let selection =
        "signingSecret webhookEndpoint { id url sender { label } scheme { key } secrets { hint isValid } }";
    let made = json!({ "organizationId": acme.id, "name": "Trivy", "sender": "events" });
    let made = acme.input("webhookEndpointCreate", selection, made).await;
    let (secret, endpoint) = (made["signingSecret"].as_str().unwrap(), &made["webhookEndpoint"]);
    assert!(secret.starts_with("whsec_"));
    assert!(
        endpoint["url"].as_str().unwrap().starts_with("https://gateway.example/webhooks/"),
        "{endpoint:#}"
    );
    assert_eq!(endpoint["scheme"]["key"], "standard_webhooks");
    assert!(secret.ends_with(endpoint["secrets"][0]["hint"].as_str().unwrap()));

    let selection =
        "signingSecret previousSecretExpiresAt webhookEndpoint { secrets { id expiresAt isValid } }";
    let rotated = json!({ "id": endpoint["id"], "overlapSeconds": 60 });
    let rotated = acme.input("webhookEndpointRotateSecret", selection, rotated).await;
    assert_ne!(rotated["signingSecret"].as_str().unwrap(), secret);
    assert_eq!(rotated["previousSecretExpiresAt"], "2026-11-21T12:01:00Z");
    let secrets = rotated["webhookEndpoint"]["secrets"].as_array().unwrap();
    assert_eq!(secrets.iter().map(|secret| &secret["isValid"]).collect::<Vec<_>>(), [true, true]);
    let ended = json!({ "id": secrets[1]["id"] });
    let ended =
        acme.input("webhookEndpointExpireSecret", "webhookEndpoint { secrets { isValid } }", ended).await;
    assert_eq!(ended["webhookEndpoint"]["secrets"], json!([{ "isValid": true }, { "isValid": false }]));

    let public = json!({ "organizationId": acme.id, "name": "", "sender": "events",
        "scheme": "standard_webhooks_ed25519", "psaConnectionId": "no id" });
    let refused = acme.input("webhookEndpointCreate", "webhookEndpoint { id }", public).await;
    let mut found = wrong(&refused);
    found.sort();
    let expected =
        [("input.name", "REQUIRED"), ("input.psaConnectionId", "INVALID"), ("input.secret", "REQUIRED")];
    assert_eq!(found, pairs(&expected));
    let halo = json!({ "organizationId": acme.id, "name": "Halo", "sender": "halo", "scheme": "halo_basic",
        "psaConnectionId": acme.connection().await });
    let made = acme.input("webhookEndpointCreate", "signingSecret", halo).await;
    assert!(made["signingSecret"].as_str().unwrap().starts_with("psa-gateway:"), "{made:#}");
}

#[actix_web::test]
async fn a_profile_that_does_not_hold_together_names_the_field() {
    let acme = acme().await;
    let connection = acme.connection().await;
    let profile = json!({ "psaConnectionId": connection, "name": "Alerts", "statusOnClose": "9",
        "fields": [{ "key": "ticket_type", "value": "21" }, { "key": "colour", "value": "red" }] });
    let refused = acme.input("ticketProfileCreate", "ticketProfile { id }", profile).await;
    assert_eq!(
        wrong(&refused),
        pairs(&[
            ("input.fields.colour", "INVALID"),
            ("input.fields.ticket_type", "WRONG_STATE"),
            ("input.statusOnClose", "WRONG_STATE"),
        ])
    );
}

#[actix_web::test]
async fn operators_see_all_organizations_and_everybody_else_their_own() {
    let acme = acme().await;
    let (globex, _) = acme.ground.organization("globex").await;
    let query =
        "{ viewer { isOperator role organization { slug } } organizations { totalCount nodes { slug } }
        accessTokens { totalCount } organizationBySlug(slug: \"acme\") { name policy { minimumSeverity } } }";
    let all = ask(&acme.door, "operator", query, json!({})).await;
    assert_eq!(
        all["organizations"],
        json!({ "totalCount": 2, "nodes": [{ "slug": "acme" }, { "slug": "globex" }] })
    );
    assert_eq!(all["organizationBySlug"]["policy"]["minimumSeverity"], "MEDIUM");
    let own = ask(&acme.door, &globex.id.to_string(), query, json!({})).await;
    assert_eq!(own["organizations"], json!({ "totalCount": 1, "nodes": [{ "slug": "globex" }] }));
    assert_eq!(
        own["viewer"],
        json!({ "isOperator": false, "role": "ADMINISTRATOR", "organization": { "slug": "globex" } })
    );
    assert_eq!(own["organizationBySlug"], Value::Null);
}

#[actix_web::test]
async fn a_page_of_thirty_companies_costs_as_many_statements_as_one_of_three() {
    let acme = acme().await;
    let (globex, admin) = acme.ground.organization("globex").await;
    let connection = testing::connection(&acme.ground, &admin, globex.id, "Halo").await;
    for number in 0..30 {
        let name = format!("Company {number:02}");
        let company =
            crate::organizations::companies::create(&admin, &acme.ground, globex.id, &name).await.unwrap();
        let theirs = testing::psa_company(&acme.ground, &connection, &number.to_string(), &name).await;
        let mapping = crate::organizations::mappings::SetMapping {
            company_id: company.id,
            psa_company_id: theirs.id,
            ..Default::default()
        };
        crate::organizations::mappings::set(&admin, &acme.ground, mapping).await.unwrap();
    }
    let query = "query($id: ID!, $first: Int!) { node(id: $id) { ... on Organization {
        policy { name ticketProfile { name } }
        companies(first: $first) { totalCount nodes { name organization { slug } aliases { value }
            mappings { nodes { psaCompany { name externalUrl } psaConnection { name pickLists { key } } ticketProfile { name } } } } }
        webhookEndpoints { nodes { secrets { hint } psaConnection { name } } }
        ticketProfiles { nodes { problems { message } } }
    } } }";
    let id = ids::encode::<entity::organization::Entity>(globex.id);
    let mut counts = Vec::new();
    for first in [3, 30] {
        let before = acme.ground.db.statements();
        let data = ask(&acme.door, "operator", query, json!({ "id": id.as_str(), "first": first })).await;
        counts.push(acme.ground.db.statements() - before);
        let companies = data["node"]["companies"]["nodes"].as_array().unwrap();
        assert_eq!(companies.len(), first);
        assert_eq!(companies[2]["mappings"]["nodes"][0]["psaCompany"]["name"], "Company 02");
    }
    assert_eq!(counts[0], counts[1]);
}
