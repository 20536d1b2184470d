//! Everything that can be changed, done once by somebody who looks at the log each time.

use psa_gateway::sandbox::frame::{Fault, FaultKind, Sandbox as _};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use super::Witness;
use crate::{
    support::{Msp, TestApp, finding, is_secret, text},
    walls,
};

/// Gives the scanner's new secret.
pub(super) async fn change_everything(
    app: &TestApp,
    acme: &Msp<'_>,
    ids: &walls::Ids,
    witness: &mut Witness<'_>,
    client_secret: &str,
) -> String {
    let named = |id: &str| json!({ "id": id, "name": "Renamed" });
    let (_, entry) = witness.does("companyUpdate", "company { id }", named(&ids.company)).await;
    assert_eq!(entry["before"], json!({ "name": "Northwind Dental" }), "only what changed");
    assert_eq!(entry["after"], json!({ "name": "Renamed" }));
    assert_eq!(entry["target"], json!({ "type": "Company", "name": "Renamed", "nodeId": ids.company }));
    witness.does("organizationUpdate", "organization { id }", named(&ids.organization)).await;
    witness.does("accessTokenUpdate", "accessToken { id }", named(&ids.token)).await;
    let (made, _) = witness.does("accessTokenRotate", "token", json!({ "id": ids.token })).await;
    is_secret(&text(&made, "/token"));
    let off = json!({ "id": ids.member, "isEnabled": false });
    let (_, entry) = witness.does("memberUpdate", "member { id }", off).await;
    assert_eq!(
        (&entry["before"], &entry["after"]),
        (&json!({ "isEnabled": true }), &json!({ "isEnabled": false }))
    );
    let policy = json!({ "id": ids.policy, "minimumSeverity": "HIGH" });
    let (_, entry) = witness.does("policyUpdate", "policy { id }", policy).await;
    assert_eq!(entry["before"], json!({ "minimumSeverity": "MEDIUM" }));
    let silent = json!({ "id": ids.policy, "opensTickets": false });
    let (_, entry) = witness.does("policyUpdate", "policy { id }", silent).await;
    assert_eq!(entry["after"], json!({ "opensTickets": false }));
    let loud = json!({ "id": ids.policy, "opensTickets": true });
    witness.does("policyUpdate", "policy { id }", loud).await;
    decide_otherwise(ids, witness).await;

    let login = json!({ "id": ids.connection, "credentials": [
        { "key": "client_secret", "value": client_secret } ] });
    let (_, entry) = witness.does("psaConnectionUpdate", "psaConnection { id }", login).await;
    assert_eq!((&entry["before"], &entry["after"]), (&Value::Null, &json!({ "credentials": "changed" })));
    let of = |id: &str| json!({ "id": id });
    let (_, entry) = witness.does("psaConnectionVerify", "psaConnection { id }", of(&ids.connection)).await;
    assert_eq!(entry["after"], json!({ "health": "HEALTHY" }));
    witness.does("psaConnectionSyncPickLists", "syncRun { id }", of(&ids.connection)).await;
    let some = json!({ "id": ids.connection, "filter": { "query": "dental" } });
    let (_, entry) = witness.does("psaConnectionSyncCompanies", "syncRun { id }", some).await;
    assert_eq!(entry["after"]["filter"], json!({ "search": "dental" }));

    witness.does("syncRunCancel", "syncRun { id }", json!({ "id": cancelled(app, acme).await })).await;
    import(ids, witness).await;
    values(ids, witness).await;
    contacts(ids, witness).await;
    own_tickets(ids, witness).await;
    configurations(ids, witness).await;
    assets(ids, witness).await;

    witness.does("ticketProfileUpdate", "ticketProfile { id }", named(&ids.profile)).await;
    let mut second = acme.profile_input().await;
    (second["psaConnectionId"], second["isDefault"]) = (json!(ids.connection), json!(false));
    let (made, _) = witness.does("ticketProfileCreate", "ticketProfile { id }", second).await;
    witness
        .does("ticketProfileDelete", "deletedTicketProfileId", of(&text(&made, "/ticketProfile/id")))
        .await;

    witness.does("webhookEndpointUpdate", "webhookEndpoint { id }", named(&ids.endpoint)).await;
    let (made, entry) = witness.does("webhookEndpointRotateSecret", "signingSecret", of(&ids.endpoint)).await;
    let secret = text(&made, "/signingSecret");
    is_secret(&secret);
    assert_eq!(entry["after"]["previousSecretExpiresAt"], "2026-11-22T09:00:00Z");
    let (_, entry) =
        witness.does("webhookEndpointExpireSecret", "webhookEndpoint { id }", of(&ids.secret)).await;
    assert_eq!(entry["after"]["webhookSecretId"], json!(ids.secret));
    let second = json!({ "organizationId": ids.organization, "name": "Second", "sender": "events" });
    let (made, _) = witness.does("webhookEndpointCreate", "signingSecret", second).await;
    is_secret(&text(&made, "/signingSecret"));
    witness.does("psaConnectionRegisterWebhook", "psaConnection { id }", of(&ids.connection)).await;
    app.pass(600).await;
    secret
}

/// Who is told what changes, and is told again.
pub(super) async fn tell_others(ids: &walls::Ids, witness: &mut Witness<'_>) {
    let change = json!({ "id": ids.subscriber, "kinds": ["TICKET_CLOSED"], "policyIds": [ids.policy],
        "url": "http://127.0.0.1:9/hooks/canary-in-another-address" });
    let (_, entry) = witness.does("webhookSubscriberUpdate", "webhookSubscriber { id }", change).await;
    assert_eq!(
        entry["after"],
        json!({ "kinds": ["ticket.closed"], "policyIds": [ids.policy], "url": "changed" })
    );
    let of = json!({ "id": ids.subscriber });
    let (made, entry) = witness.does("webhookSubscriberRotateSecret", "signingSecret", of).await;
    is_secret(&text(&made, "/signingSecret"));
    assert_eq!(entry["after"]["previousSecretExpiresAt"], "2026-11-22T09:00:00Z");
    let again = json!({ "of": { "ids": [ids.notification] } });
    let (made, entry) = witness.does("notificationRedrive", "notificationCount hasMore", again).await;
    assert_eq!((&made["notificationCount"], &made["hasMore"]), (&json!(1), &json!(false)));
    assert_eq!(entry["target"]["name"], "Vendor");
}

/// Event sets and policies come, change and go.
pub(super) async fn decide_otherwise(ids: &walls::Ids, witness: &mut Witness<'_>) {
    let of = |id: &str| json!({ "id": id });
    let rename = json!({ "id": ids.event_set, "isDefault": true });
    let (_, entry) = witness.does("eventSetUpdate", "eventSet { id }", rename).await;
    assert_eq!(entry["after"], json!({ "isDefault": true }));
    let (made, entry) = witness.does("eventSetCopy", "eventSet { id }", of(&ids.event_set)).await;
    assert_eq!(entry["target"]["name"], "Copy of Secrets");
    witness.does("eventSetDelete", "deletedEventSetId", of(&text(&made, "/eventSet/id"))).await;

    let nights = json!({ "id": ids.window, "weekly": {
        "days": ["MONDAY"], "from": "09:00", "until": "09:30", "timeZone": "UTC" } });
    let (_, entry) = witness.does("maintenanceWindowUpdate", "maintenanceWindow { id }", nights).await;
    assert_eq!(entry["after"], json!({ "weekly": "every Monday from 09:00 to 09:30 (UTC)" }));
    let longer = json!({ "id": ids.window, "endsAt": "2026-12-21T11:00:00Z" });
    let (_, entry) = witness.does("maintenanceWindowUpdate", "maintenanceWindow { id }", longer).await;
    assert_eq!(entry["before"], json!({ "endsAt": "2026-12-21T10:00:00Z" }));
    witness.does("maintenanceWindowDelete", "deletedMaintenanceWindowId", of(&ids.window)).await;
    let (_, entry) = witness.does("findingUnmute", "deletedMuteId", of(&ids.mute)).await;
    assert_eq!(entry["before"]["reason"], "Friday");
    let learn = json!({ "id": ids.endpoint, "mode": "BASELINE" });
    witness.does("webhookEndpointUpdate", "webhookEndpoint { id }", learn).await;
    let (_, entry) = witness.does("webhookEndpointEndBaseline", "takenUpCount", of(&ids.endpoint)).await;
    assert_eq!((&entry["before"]["mode"], &entry["after"]["mode"]), (&json!("BASELINE"), &json!("LIVE")));

    let second = json!({ "organizationId": ids.organization, "name": "Second", "companyIds": [ids.company],
        "conditions": { "flag": { "field": "KEV" } } });
    let (made, entry) = witness.does("policyCreate", "policy { id }", second).await;
    assert_eq!(entry["after"]["companyIds"], json!([ids.company]));
    assert_eq!(entry["after"]["eventSetId"], json!(ids.event_set), "the default one");
    let second = text(&made, "/policy/id");
    let (made, entry) = witness.does("policyCopy", "policy { id }", of(&second)).await;
    assert_eq!(entry["after"]["isEnabled"], false);
    witness.does("policyDelete", "deletedPolicyId", of(&text(&made, "/policy/id"))).await;
    let order = json!({ "organizationId": ids.organization, "policyIds": [second, ids.policy] });
    let (_, entry) = witness.does("policyReorder", "organization { id }", order).await;
    assert_eq!(entry["before"]["policyIds"], json!([ids.policy, second]));
    assert_eq!(entry["after"]["policyIds"], json!([second, ids.policy]));
    witness.does("policyDelete", "deletedPolicyId", of(&second)).await;
    let preset = json!({ "organizationId": ids.organization, "preset": "jumpcloud_alerts" });
    let twice = ["policyCreateFromPreset"; 2];
    let (_, entries) = witness.leaves("policyCreateFromPreset", "policy { id }", preset, &twice).await;
    let types: Vec<_> = entries.iter().map(|entry| entry["target"]["type"].clone()).collect();
    assert_eq!(types, ["EventSet", "Policy"]);
}

pub(super) async fn work_on_tickets(
    app: &TestApp,
    acme: &Msp<'_>,
    ids: &walls::Ids,
    witness: &mut Witness<'_>,
    secret: &str,
) {
    let of = |id: &str| json!({ "id": id });
    let (_, entry) =
        witness.does("webhookDeliveryRedrive", "webhookDelivery { id }", of(&ids.delivery)).await;
    assert_eq!(
        (&entry["before"], &entry["after"]),
        (&json!({ "state": "UNDERSTOOD" }), &json!({ "state": "RECEIVED" }))
    );
    let again = json!({ "ids": [ids.delivery] });
    let entries = witness.does_many("webhookDeliveryRedriveMany", again, 1).await;
    assert_eq!(entries[0]["target"]["nodeId"], json!(ids.delivery));
    let test = json!({ "companyMappingId": ids.mapping });
    let (made, entry) = witness.does("ticketSendTest", "ticket { id }", test).await;
    assert_eq!(entry["target"]["nodeId"], made["ticket"]["id"]);

    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::ErrorBeforeCommit { status: 400 }));
    acme.posts_signed_with(secret, &finding("CVE-2").now()).await.is_accepted();
    app.drain().await;
    let query = "query($id: ID!) { node(id: $id) { ... on Organization {
        ticketOperations(first: 1, filter: { state: { in: [FAILED] } }) { nodes { id } } } } }";
    let failed = app.graphql(query, of(&ids.organization)).await;
    let failed = text(&failed, "/node/ticketOperations/nodes/0/id");
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::ErrorBeforeCommit { status: 400 }));
    witness.does("ticketOperationRetry", "ticketOperation { id }", of(&failed)).await;
    let entries = witness.does_many("ticketOperationRetryMany", json!({ "ids": [failed] }), 1).await;
    assert_eq!(entries[0]["before"], json!({ "state": "FAILED" }));

    // Of too little importance for tickets of their own: one goes on a ticket of ours, the other on one that
    // somebody made in the PSA.
    for (key, external_id) in [("CVE-3", ids.external_id.as_str()), ("CVE-4", "999999")] {
        acme.posts_signed_with(secret, &finding(key).severity("info").now()).await.is_accepted();
        app.drain().await;
        let findings = acme.findings().await;
        let found = findings.iter().find(|found| text(found, "/title").starts_with(key)).expect("a finding");
        let link = json!({
            "findingId": found["id"], "psaConnectionId": ids.connection, "externalId": external_id,
        });
        let (_, entry) = witness.does("ticketLink", "ticket { id }", link).await;
        assert_eq!(entry["after"]["findingId"], found["id"]);
    }
}

/// What is used and what is billed.
pub(super) async fn bill(app: &TestApp, ids: &walls::Ids, witness: &mut Witness<'_>) {
    let again = json!({ "psaCompanyId": ids.psa_company });
    let (_, entry) = witness.does("billingLinesRefresh", "billingRefresh { id }", again).await;
    assert_eq!(entry["after"], json!({ "psaCompanyId": ids.psa_company }));
    let calendar = json!({ "organizationId": ids.organization, "pushAt": "13:30" });
    let (_, entry) = witness.does("billingCalendarSet", "calendar { pushAt }", calendar).await;
    assert_eq!((&entry["before"]["pushAt"], &entry["after"]["pushAt"]), (&json!("12:00"), &json!("13:30")));
    let used = json!({ "organizationId": ids.organization,
        "reports": [{ "companyId": ids.company, "product": "managed-edr", "quantity": 21 }] });
    let (_, entry) = witness.does("usageReport", "results { index }", used).await;
    assert_eq!(entry["after"], json!({ "reportCount": 1 }));
    let push = json!({ "organizationId": ids.organization, "billingLineIds": [ids.billing_line] });
    let (_, entry) = witness.does("billingPush", "entries { id }", push).await;
    assert_eq!(
        entry["target"],
        json!({ "type": "BillingLine", "name": "managed-edr", "nodeId": ids.billing_line })
    );
    let corrected = json!({ "billingLineId": ids.billing_line, "quantity": 19, "reason": "two were demos" });
    let (made, entry) = witness.does("billingCorrectionCreate", "billingEntry { id }", corrected).await;
    assert_eq!(
        (&entry["after"]["proposed"], &entry["after"]["reason"]),
        (&json!("19"), &json!("two were demos"))
    );
    // As if it were at a PSA that takes differences, and its fate not known.
    let held = "UPDATE billing_entry SET state = 'held' WHERE correction > 0";
    app.app.ground.db.reader().execute_unprepared(held).await.expect("a row");
    let decision = json!({ "id": made["billingEntry"]["id"], "hasArrived": true });
    let (_, entry) = witness.does("billingEntryDecide", "billingEntry { state }", decision).await;
    assert_eq!((&entry["before"]["state"], &entry["after"]["hasArrived"]), (&json!("HELD"), &json!(true)));
    let disabled = json!({ "id": ids.billing_line, "confirmProduct": "managed-edr" });
    let (_, entry) = witness.does("billingLineDisable", "takenBackCount", disabled).await;
    assert_eq!(entry["after"], json!({ "isEnabled": false }));
    let enabled = json!({ "id": ids.billing_line, "isEnabled": true });
    witness.does("billingLineUpdate", "billingLine { id }", enabled).await;
}

/// What goes, and what is needed to let it go.
pub(super) async fn take_everything_away(app: &TestApp, ids: &walls::Ids, witness: &mut Witness<'_>) {
    let of = |id: &str| json!({ "id": id });
    witness.does("psaConnectionRemoveWebhook", "leftBehind", of(&ids.connection)).await;
    let company = json!({ "organizationId": ids.organization, "name": "Short-lived" });
    let (made, _) = witness.does("companyCreate", "company { id }", company).await;
    let company = text(&made, "/company/id");
    let alias = json!({ "companyId": company, "value": "short" });
    let (made, _) = witness.does("companyAliasAdd", "companyAlias { id }", alias).await;
    let alias = of(&text(&made, "/companyAlias/id"));
    witness.does("companyAliasRemove", "deletedCompanyAliasId", alias).await;
    let (_, entry) = witness.does("companyDelete", "deletedCompanyId", of(&company)).await;
    assert_eq!((&entry["before"]["name"], &entry["after"]), (&json!("Short-lived"), &Value::Null));
    let (_, entry) = witness.does("companyMappingRemove", "deletedCompanyMappingId", of(&ids.mapping)).await;
    assert_eq!(entry["before"]["psaCompanyId"], json!(ids.psa_company));
    let map = json!({ "companyId": ids.company, "psaCompanyId": ids.psa_company });
    let (made, _) = witness.does("companyMappingSet", "companyMapping { id }", map.clone()).await;
    let mapping = json!({ "ids": [made["companyMapping"]["id"]] });
    let entries = witness.does_many("companyMappingRemoveMany", mapping, 1).await;
    assert_eq!(entries[0]["target"]["name"], "Renamed → Northwind Dental");
    let wrong = json!({ "companyId": ids.company, "psaCompanyId": ids.company });
    let some = json!({ "mappings": [wrong, map] });
    let entries = witness.does_many("companyMappingSetMany", some, 1).await;
    assert_eq!(entries[0]["after"]["psaCompanyId"], json!(ids.psa_company));
    let two = json!({ "organizationId": ids.organization, "companies": [
        { "name": "First", "aliases": [{ "value": "1" }] }, { "name": "Second" }] });
    let entries = witness.does_many("companyCreateMany", two, 2).await;
    assert_eq!(entries[0]["after"], json!({ "name": "First", "aliases": [{ "source": "*", "value": "1" }] }));
    assert_eq!(entries[1]["number"], json!(entries[0]["number"].as_i64().unwrap() + 1));
    let rule = of(&ids.permission);
    let (_, entry) = witness.does("ticketPermissionRemove", "deletedTicketPermissionId", rule).await;
    assert_eq!(entry["target"]["name"], "role:billing");

    let subscriber = of(&ids.subscriber);
    witness.does("webhookSubscriberDelete", "deletedWebhookSubscriberId", subscriber).await;
    witness.does("memberRemove", "deletedMemberId", of(&ids.member)).await;
    witness.does("accessTokenRevoke", "accessToken { id }", of(&ids.token)).await;
    let secret = "canary-of-the-second-connection";
    is_secret(secret);
    let second = json!({ "organizationId": ids.organization, "platform": "halo", "name": "Second", "credentials": [
        { "key": "domain", "value": "example.halopsa.com" }, { "key": "client_id", "value": "a" },
        { "key": "client_secret", "value": secret } ] });
    let (made, entry) = witness.does("psaConnectionCreate", "psaConnection { id }", second).await;
    assert_eq!(entry["after"]["credentials"], "given");
    assert_eq!(entry["after"]["settings"]["domain"], "https://example.halopsa.com");
    let second = of(&text(&made, "/psaConnection/id"));
    witness.does("psaConnectionDelete", "deletedPsaConnectionId", second).await;
    let clear = json!({ "id": ids.connection, "confirmName": "The PSA" });
    let (_, entry) = witness.does("psaConnectionClear", "psaConnection { id }", clear).await;
    assert_eq!(entry["after"]["credentials"], "removed");
    assert_eq!(entry["after"]["cleared"]["companyMappings"], 1);
    let third = json!({ "slug": "third", "name": "Third" });
    let (made, entry) = witness.does("organizationCreate", "organization { id }", third).await;
    assert_eq!(entry["organization"], Value::Null, "in the installation's own log");
    let leaves = json!({ "organizationId": ids.organization, "name": "Leaves" });
    let (leaves, _) = witness.does("companyCreate", "company { id }", leaves).await;
    let mut split = json!({
        "sourceId": ids.organization, "slug": "branch", "name": "Branch", "companyIds": [leaves["company"]["id"]],
        "isDryRun": true,
    });
    let (shown, _) = witness.leaves("organizationSplit", "plan { digest }", split.clone(), &[]).await;
    split["isDryRun"] = json!(false);
    split["expectedPlan"] = shown["plan"]["digest"].clone();
    let selection = "organization { id } plan { digest }";
    let (_, entries) = witness.leaves("organizationSplit", selection, split, &["organizationSplit"; 2]).await;
    assert_eq!(entries[0]["organization"]["slug"], "acme", "in the source's log, and in the installation's");
    assert_eq!(
        (&entries[1]["organization"], &entries[1]["after"]["newSlug"]),
        (&Value::Null, &json!("branch"))
    );
    let mut merge =
        json!({ "sourceId": made["organization"]["id"], "targetId": ids.organization, "isDryRun": true });
    let plan = "plan { digest }";
    let (shown, _) = witness.leaves("organizationMerge", plan, merge.clone(), &[]).await;
    merge["isDryRun"] = json!(false);
    merge["expectedPlan"] = shown["plan"]["digest"].clone();
    let (_, entries) = witness.leaves("organizationMerge", plan, merge, &["organizationMerge"; 2]).await;
    assert_eq!(entries[0]["organization"]["slug"], "acme", "in the target's log, and in the installation's");
    assert_eq!(
        (&entries[1]["organization"], &entries[1]["after"]["sourceSlug"]),
        (&Value::Null, &json!("third"))
    );
    app.drain().await;
}

/// Types, statuses and markets come, are mapped and go.
async fn values(ids: &walls::Ids, witness: &mut Witness<'_>) {
    let of = |more: Value| {
        let mut input = json!({ "psaConnectionId": ids.connection, "kind": "STATUS" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let (_, entry) =
        witness.does("companyValueSyncSet", "psaConnection { id }", of(json!({ "isEnabled": true }))).await;
    assert_eq!(entry["after"], json!({ "kind": "STATUS", "isEnabled": true }));
    witness.does("companyValueCreateUnmapped", "mappedCount", of(json!({}))).await;
    let skip = of(json!({ "externalValue": "inactive", "target": { "skip": true } }));
    witness.does("companyValueMap", "psaConnection { id }", skip).await;
    let made = json!({ "organizationId": ids.organization, "kind": "MARKET", "name": "Legal" });
    let (made, entry) = witness.does("companyValueCreate", "companyValue { id }", made).await;
    assert_eq!(entry["after"], json!({ "kind": "MARKET", "name": "Legal" }));
    let made = text(&made, "/companyValue/id");
    witness.does("companyValueUpdate", "companyValue { id }", json!({ "id": made, "name": "Law" })).await;
    let assigned = json!({ "companyId": ids.company, "kind": "MARKET", "companyValueId": made });
    let (_, entry) = witness.does("companyValueAssign", "company { id }", assigned).await;
    assert_eq!(entry["after"]["companyValueId"], json!(made));
    witness.does("companyValueDelete", "deletedCompanyValueId", json!({ "id": made })).await;
}

/// Contacts are switched on and read.
async fn contacts(ids: &walls::Ids, witness: &mut Witness<'_>) {
    let on = json!({ "psaConnectionId": ids.connection, "isEnabled": true });
    let (_, entry) = witness.does("contactSyncSet", "psaConnection { id }", on).await;
    assert_eq!(entry["after"], json!({ "isEnabled": true }));
    let read = json!({ "id": ids.connection });
    witness.does("psaConnectionSyncContacts", "syncRun { id }", read).await;
}

/// The PSA's own tickets are copied.
async fn own_tickets(ids: &walls::Ids, witness: &mut Witness<'_>) {
    let on = json!({ "psaConnectionId": ids.connection, "isEnabled": true, "days": 7 });
    let (_, entry) = witness.does("psaTicketSyncSet", "psaConnection { id }", on).await;
    assert_eq!(entry["after"]["settings"]["days"], 7);
    let read = json!({ "id": ids.connection });
    witness.does("psaConnectionSyncTickets", "syncRun { id }", read).await;
}

/// A device is said to be there, and the PSA is told of it.
async fn assets(ids: &walls::Ids, witness: &mut Witness<'_>) {
    let said = json!({ "organizationId": ids.organization,
        "assets": [{ "companyId": ids.company, "name": "PC-1", "serialNumber": "SN-1" }] });
    let (_, entry) = witness.does("assetUpsert", "results { asset { id } }", said).await;
    assert_eq!(entry["after"], json!({ "assetCount": 1 }));
    is_secret("canary-of-a-private-key-0815");
    let login = [
        ("company_id", "acme"),
        ("domain", "http://127.0.0.1:9"),
        ("public_key", "public-key-0815"),
        ("private_key", "canary-of-a-private-key-0815"),
    ];
    let login: Vec<_> = login.map(|(key, value)| json!({ "key": key, "value": value })).into();
    let input = json!({ "organizationId": ids.organization, "platform": "connectwise", "name": "Another PSA",
        "credentials": login });
    let (made, _) = witness.does("psaConnectionCreate", "psaConnection { id }", input).await;
    let push = json!({ "id": made["psaConnection"]["id"] });
    witness.does("psaConnectionPushAssets", "syncRun { id }", push).await;
}

/// Configurations are switched on and read.
async fn configurations(ids: &walls::Ids, witness: &mut Witness<'_>) {
    let on = json!({ "psaConnectionId": ids.connection, "isEnabled": true });
    let (_, entry) = witness.does("configurationSyncSet", "psaConnection { id }", on).await;
    assert_eq!(entry["after"], json!({ "isEnabled": true }));
    let read = json!({ "id": ids.connection });
    witness.does("psaConnectionSyncConfigurations", "syncRun { id }", read).await;
}

/// A run that waits.
async fn cancelled(app: &TestApp, acme: &Msp<'_>) -> String {
    let input = json!({ "id": acme.connection(), "filter": { "query": "nobody" } });
    text(&app.does("psaConnectionSyncCompanies", "syncRun { id }", input).await, "/syncRun/id")
}

/// An import from its start to its end, and another one that is given up.
async fn import(ids: &walls::Ids, witness: &mut Witness<'_>) {
    let of = |id: &str| json!({ "id": id });
    let nothing = json!({ "id": ids.import, "items": [{ "id": ids.item, "choice": { "nothing": true } }] });
    let (_, entry) = witness.does("companyImportChoose", "items { id }", nothing).await;
    assert_eq!(entry["after"], json!({ "itemCount": 1 }));
    let all = json!({ "id": ids.import, "choice": "NOTHING" });
    witness.does("companyImportChooseAll", "itemCount", all).await;
    let (_, entry) = witness.does("companyImportFinish", "companyImport { id }", of(&ids.import)).await;
    assert_eq!(entry["after"], json!({ "mapCount": 0, "createCount": 0 }));
    let second = json!({ "psaConnectionId": ids.connection, "filter": { "query": "dental" } });
    let (made, entry) = witness.does("companyImportStart", "companyImport { id }", second).await;
    assert_eq!(entry["target"]["name"], "The PSA");
    let second = text(&made, "/companyImport/id");
    let (_, entry) = witness.does("companyImportDiscard", "companyImport { id }", of(&second)).await;
    assert_eq!(entry["target"]["nodeId"], json!(second));
    let copied = json!({ "id": ids.mapping, "companyIds": [ids.company] });
    let left = ["companyMappingSet"];
    witness.leaves("companyMappingCopy", "companyMappings { id }", copied, &left).await;
    witness.does("syncScheduleRemove", "deletedSyncScheduleId", of(&ids.schedule)).await;
}
