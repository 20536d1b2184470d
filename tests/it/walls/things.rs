//! Everything an organization has, and what can be asked of it.

use serde_json::{Value, json};

use crate::support::{Msp, TestApp, text};

/// Inputs of all mutations, with the ids of somebody else's things.
pub fn mutations(ids: &Ids) -> Vec<(&'static str, Value)> {
    let of = |id: &str| json!({ "id": id });
    vec![
        (
            "accessTokenCreate",
            json!({ "organizationId": ids.organization, "name": "mine now", "role": "ADMINISTRATOR" }),
        ),
        ("accessTokenRevoke", of(&ids.token)),
        ("accessTokenRotate", of(&ids.token)),
        ("accessTokenUpdate", json!({ "id": ids.token, "name": "mine now" })),
        ("billingCalendarSet", json!({ "organizationId": ids.organization, "startDay": 15 })),
        (
            "billingCorrectionCreate",
            json!({ "billingLineId": ids.billing_line, "quantity": 1, "reason": "Stranger's" }),
        ),
        ("billingEntryDecide", json!({ "id": ids.billing_entry, "hasArrived": false })),
        (
            "billingLineCreate",
            json!({
                "companyId": ids.company, "product": "stolen", "psaBillingLineId": ids.psa_billing_line,
            }),
        ),
        (
            "assetUpsert",
            json!({ "organizationId": ids.organization, "assets": [{ "companyId": ids.company, "name": "PC" }] }),
        ),
        ("billingLineDisable", json!({ "id": ids.billing_line, "confirmProduct": "managed-edr" })),
        ("billingLineUpdate", json!({ "id": ids.billing_line, "isEnabled": true })),
        ("billingLinesRefresh", json!({ "psaCompanyId": ids.psa_company })),
        ("billingPush", json!({ "organizationId": ids.organization, "billingLineIds": [ids.billing_line] })),
        ("companyAliasAdd", json!({ "companyId": ids.company, "value": "stolen" })),
        ("companyAliasRemove", of(&ids.alias)),
        ("companyCreate", json!({ "organizationId": ids.organization, "name": "Stranger's" })),
        (
            "companyCreateMany",
            json!({ "organizationId": ids.organization, "companies": [{ "name": "Stranger's" }] }),
        ),
        ("companyDelete", of(&ids.company)),
        (
            "companyImportChoose",
            json!({ "id": ids.import, "items": [{ "id": ids.item, "choice": { "nothing": true } }] }),
        ),
        ("companyImportChooseAll", json!({ "id": ids.import, "choice": "NOTHING" })),
        ("companyImportDiscard", of(&ids.import)),
        ("companyImportFinish", of(&ids.import)),
        ("companyImportStart", json!({ "psaConnectionId": ids.connection })),
        ("companyMappingCopy", json!({ "id": ids.mapping, "companyIds": [ids.company] })),
        ("companyMappingRemove", of(&ids.mapping)),
        ("companyMappingRemoveMany", json!({ "ids": [ids.mapping] })),
        ("companyMappingSet", json!({ "companyId": ids.company, "psaCompanyId": ids.psa_company })),
        (
            "companyMappingSetMany",
            json!({ "mappings": [{ "companyId": ids.company, "psaCompanyId": ids.psa_company }] }),
        ),
        ("companyUpdate", json!({ "id": ids.company, "name": "Renamed" })),
        ("companyValueAssign", json!({ "companyId": ids.company, "kind": "MARKET", "companyValueId": null })),
        (
            "companyValueCreate",
            json!({ "organizationId": ids.organization, "kind": "MARKET", "name": "Stolen" }),
        ),
        ("companyValueCreateUnmapped", json!({ "psaConnectionId": ids.connection, "kind": "TYPE" })),
        ("companyValueDelete", of(&ids.value)),
        (
            "companyValueMap",
            json!({
                "psaConnectionId": ids.connection, "kind": "STATUS", "externalValue": "active", "target": { "skip": true },
            }),
        ),
        (
            "companyValueSyncSet",
            json!({ "psaConnectionId": ids.connection, "kind": "STATUS", "isEnabled": true }),
        ),
        ("companyValueUpdate", json!({ "id": ids.value, "name": "Renamed" })),
        ("contactSyncSet", json!({ "psaConnectionId": ids.connection, "isEnabled": true })),
        ("configurationSyncSet", json!({ "psaConnectionId": ids.connection, "isEnabled": true })),
        ("eventSetCopy", of(&ids.event_set)),
        (
            "eventSetCreate",
            json!({
                "organizationId": ids.organization, "name": "Stranger's", "choices": [{ "category": "secret" }],
            }),
        ),
        ("eventSetDelete", of(&ids.event_set)),
        ("eventSetUpdate", json!({ "id": ids.event_set, "name": "Renamed" })),
        (
            "findingMute",
            json!({
                "of": { "findingId": ids.finding }, "until": "2026-11-28T09:00:00Z", "reason": "Stranger's",
            }),
        ),
        ("findingUnmute", of(&ids.mute)),
        (
            "maintenanceWindowCreate",
            json!({
                "organizationId": ids.organization, "name": "Stranger's",
                "startsAt": "2026-12-24T09:00:00Z", "endsAt": "2026-12-24T10:00:00Z",
            }),
        ),
        ("maintenanceWindowDelete", of(&ids.window)),
        ("maintenanceWindowUpdate", json!({ "id": ids.window, "name": "Renamed" })),
        (
            "memberInvite",
            json!({ "organizationId": ids.organization, "email": "mallory@example.com", "role": "VIEWER" }),
        ),
        ("memberRemove", of(&ids.member)),
        ("memberUpdate", json!({ "id": ids.member, "isEnabled": false })),
        ("notificationRedrive", json!({ "of": { "ids": [ids.notification] } })),
        ("organizationCreate", json!({ "slug": "third", "name": "Third" })),
        (
            "organizationMerge",
            json!({ "sourceId": ids.organization, "targetId": ids.organization, "isDryRun": true }),
        ),
        (
            "organizationSplit",
            json!({
                "sourceId": ids.organization, "slug": "branch", "name": "Branch", "companyIds": [ids.company],
                "isDryRun": true,
            }),
        ),
        ("organizationUpdate", json!({ "id": ids.organization, "name": "Renamed" })),
        ("policyCopy", of(&ids.policy)),
        ("policyCreate", json!({ "organizationId": ids.organization, "name": "Stranger's" })),
        (
            "policyCreateFromPreset",
            json!({ "organizationId": ids.organization, "preset": "jumpcloud_alerts" }),
        ),
        ("policyDelete", of(&ids.policy)),
        ("policyReorder", json!({ "organizationId": ids.organization, "policyIds": [ids.policy] })),
        ("policyUpdate", json!({ "id": ids.policy, "isEnabled": false })),
        (
            "psaConnectionCreate",
            json!({
                "organizationId": ids.organization, "platform": "halo", "name": "Stranger's",
                "credentials": [{ "key": "domain", "value": "example.halopsa.com" }, { "key": "client_id", "value": "a" },
                                { "key": "client_secret", "value": "b" }],
            }),
        ),
        ("psaConnectionClear", json!({ "id": ids.connection, "confirmName": "The PSA" })),
        ("psaConnectionDelete", of(&ids.connection)),
        ("psaConnectionPushAssets", of(&ids.connection)),
        ("psaConnectionRegisterWebhook", of(&ids.connection)),
        ("psaConnectionRemoveWebhook", of(&ids.connection)),
        ("psaConnectionSyncCompanies", of(&ids.connection)),
        ("psaConnectionSyncContacts", of(&ids.connection)),
        ("psaConnectionSyncConfigurations", of(&ids.connection)),
        ("psaConnectionSyncPickLists", of(&ids.connection)),
        ("psaConnectionSyncTickets", of(&ids.connection)),
        ("psaConnectionUpdate", json!({ "id": ids.connection, "name": "Renamed" })),
        ("psaConnectionVerify", of(&ids.connection)),
        ("psaTicketSyncSet", json!({ "psaConnectionId": ids.connection, "isEnabled": true })),
        (
            "ticketLink",
            json!({
                "findingId": ids.finding, "psaConnectionId": ids.connection, "externalId": ids.external_id,
            }),
        ),
        ("syncRunCancel", of(&ids.run)),
        ("syncScheduleRemove", of(&ids.schedule)),
        (
            "syncScheduleSet",
            json!({ "psaConnectionId": ids.connection, "kind": "COMPANIES", "cadence": { "dailyAt": "03:00" } }),
        ),
        ("ticketOperationRetry", of(&ids.operation)),
        ("ticketOperationRetryMany", json!({ "ids": [ids.operation] })),
        ("ticketPermissionRemove", of(&ids.permission)),
        (
            "ticketPermissionSet",
            json!({ "psaConnectionId": ids.connection, "subject": { "role": "VIEWER" }, "boards": [] }),
        ),
        (
            "ticketProfileCreate",
            json!({
                "psaConnectionId": ids.connection, "name": "Stranger's", "isDefault": false,
                "fields": [{ "key": "ticket_type", "value": "21" }], "statusOnClose": "9",
            }),
        ),
        ("ticketProfileDelete", of(&ids.profile)),
        ("ticketProfileUpdate", json!({ "id": ids.profile, "name": "Renamed" })),
        ("ticketSendTest", json!({ "companyMappingId": ids.mapping })),
        (
            "usageReport",
            json!({
                "organizationId": ids.organization,
                "reports": [{ "companyId": ids.company, "product": "managed-edr", "quantity": 99 }],
            }),
        ),
        ("webhookDeliveryRedrive", of(&ids.delivery)),
        ("webhookDeliveryRedriveMany", json!({ "ids": [ids.delivery] })),
        (
            "webhookEndpointCreate",
            json!({
                "organizationId": ids.organization, "name": "Stranger's", "sender": "events", "scheme": "standard_webhooks",
            }),
        ),
        ("webhookEndpointEndBaseline", of(&ids.endpoint)),
        ("webhookEndpointExpireSecret", of(&ids.secret)),
        ("webhookEndpointRotateSecret", of(&ids.endpoint)),
        ("webhookEndpointUpdate", json!({ "id": ids.endpoint, "isEnabled": false })),
        (
            "webhookSubscriberCreate",
            json!({
                "organizationId": ids.organization, "name": "Stranger's", "url": "https://hooks.example.com/in",
            }),
        ),
        ("webhookSubscriberDelete", of(&ids.subscriber)),
        ("webhookSubscriberRotateSecret", of(&ids.subscriber)),
        ("webhookSubscriberSendTest", of(&ids.subscriber)),
        ("webhookSubscriberUpdate", json!({ "id": ids.subscriber, "name": "Renamed" })),
    ]
}

/// Things of one's own that refer to somebody else's.
pub(super) fn references(own: &Ids, theirs: &Ids) -> Vec<(&'static str, Value)> {
    vec![
        (
            "billingLineCreate",
            json!({
                "companyId": own.company, "product": "stolen", "psaBillingLineId": theirs.psa_billing_line,
            }),
        ),
        (
            "billingLineUpdate",
            json!({ "id": own.billing_line, "psaBillingLineId": theirs.other_psa_billing_line }),
        ),
        (
            "billingPush",
            json!({ "organizationId": own.organization, "billingLineIds": [theirs.billing_line] }),
        ),
        (
            "usageReport",
            json!({
                "organizationId": own.organization,
                "reports": [{ "companyId": theirs.company, "product": "managed-edr", "quantity": 99 }],
            }),
        ),
        ("companyMappingSet", json!({ "companyId": own.company, "psaCompanyId": theirs.psa_company })),
        (
            "companyMappingSet",
            json!({
                "companyId": own.company, "psaCompanyId": own.psa_company, "ticketProfileId": theirs.profile,
            }),
        ),
        (
            "companyMappingSetMany",
            json!({ "mappings": [{
                "companyId": own.company, "psaCompanyId": own.psa_company, "ticketProfileId": theirs.profile,
            }] }),
        ),
        (
            "maintenanceWindowCreate",
            json!({
                "organizationId": own.organization, "companyId": theirs.company, "name": "Second",
                "startsAt": "2026-12-24T09:00:00Z", "endsAt": "2026-12-24T10:00:00Z",
            }),
        ),
        ("companyMappingCopy", json!({ "id": own.mapping, "companyIds": [theirs.company] })),
        (
            "companyMappingSet",
            json!({
                "companyId": own.company, "psaCompanyId": own.psa_company, "eventSetId": theirs.event_set,
            }),
        ),
        (
            "companyValueAssign",
            json!({ "companyId": own.company, "kind": "STATUS", "companyValueId": theirs.value }),
        ),
        (
            "companyValueMap",
            json!({
                "psaConnectionId": own.connection, "kind": "STATUS", "externalValue": "active",
                "target": { "companyValueId": theirs.value },
            }),
        ),
        ("maintenanceWindowUpdate", json!({ "id": own.window, "companyId": theirs.company })),
        ("organizationUpdate", json!({ "id": own.organization, "catchAllCompanyId": theirs.company })),
        ("policyUpdate", json!({ "id": own.policy, "ticketProfileId": theirs.profile })),
        ("policyUpdate", json!({ "id": own.policy, "eventSetId": theirs.event_set })),
        ("policyUpdate", json!({ "id": own.policy, "companyIds": [theirs.company] })),
        ("policyReorder", json!({ "organizationId": own.organization, "policyIds": [theirs.policy] })),
        (
            "policyCreate",
            json!({
                "organizationId": own.organization, "name": "Second", "eventSetId": theirs.event_set,
            }),
        ),
        (
            "webhookEndpointCreate",
            json!({
                "organizationId": own.organization, "name": "Halo", "sender": "halo",
                "psaConnectionId": theirs.connection,
            }),
        ),
        (
            "ticketProfileCreate",
            json!({
                "psaConnectionId": theirs.connection, "name": "Second", "isDefault": false,
                "fields": [{ "key": "ticket_type", "value": "21" }], "statusOnClose": "9",
            }),
        ),
        ("psaConnectionUpdate", json!({ "id": own.connection, "companyId": theirs.company })),
        (
            "notificationRedrive",
            json!({ "of": { "failed": {
                "webhookSubscriberId": theirs.subscriber, "since": "2026-11-21T00:00:00Z" } } }),
        ),
        ("webhookSubscriberUpdate", json!({ "id": own.subscriber, "policyIds": [theirs.policy] })),
        ("ticketSendTest", json!({ "companyMappingId": own.mapping, "ticketProfileId": theirs.profile })),
        ("contactSyncSet", json!({ "psaConnectionId": own.connection, "companyIds": [theirs.company] })),
    ]
}

/// Ids of everything an organization has.
pub struct Ids {
    pub organization: String,
    pub token: String,
    pub member: String,
    pub company: String,
    pub alias: String,
    pub mapping: String,
    pub psa_company: String,
    pub policy: String,
    pub event_set: String,
    pub window: String,
    pub mute: String,
    pub connection: String,
    pub profile: String,
    pub endpoint: String,
    pub secret: String,
    pub delivery: String,
    pub event: String,
    pub finding: String,
    pub ticket: String,
    pub operation: String,
    pub permission: String,
    pub subscriber: String,
    pub notification: String,
    pub billing_line: String,
    pub billing_entry: String,
    pub psa_billing_line: String,
    pub other_psa_billing_line: String,
    pub usage_mark: String,
    pub usage_report: String,
    pub external_id: String,
    pub run: String,
    pub value: String,
    pub import: String,
    pub item: String,
    pub schedule: String,
}

pub(super) const EVERYTHING: &str = "query($id: ID!) { node(id: $id) { ... on Organization {
    id slug name
    isTicketingEnabled catchAllCompany { id }
    policies(first: 10) { nodes { id name position isEnabled opensTickets ticketProfile { id } eventSet { id } companies { id } } }
    eventSets(first: 10) { nodes { id name isDefault choices { category { key } } } }
    maintenanceWindows(first: 10) { nodes { id name startsAt endsAt weekly { explanation } company { id } } }
    mutes(first: 10) { nodes { id until reason finding { id } } } heldEventCounts { groups { count } }
    accessTokens(first: 10) { nodes { id name role revokedAt previousTokenExpiresAt } }
    members(first: 10) { nodes { id email role isEnabled } }
    companyValues(first: 10) { nodes { id kind name } }
    companies(first: 10) { nodes { id name companyMarket { id } aliases { id value } mappings(first: 5) { nodes { id psaCompany { id name } ticketProfile { id } } } } }
    psaConnections(first: 10) { nodes { id name isEnabled health { status }
      syncRuns(first: 10) { nodes { id status } } syncSchedules { id isEnabled time } billingLines(first: 5, filter: { canBeSet: true }) { nodes { id name } }
      companyImports(first: 1) { nodes { id state items(first: 1) { nodes { id action state } } } } ticketProfiles(first: 5) { nodes { id name } } ticketPermissions { id boards } } }
    billing { calendar { startDay timeZone pushAt version }
      lines(first: 10) { nodes { id product isEnabled externalId company { id } psaCompany { id } nextPush { verdict proposed } } }
      entries(first: 10) { nodes { id state proposed readBack decidedBy } }
      usageMarks(first: 10) { nodes { id product highWater period { name } } } usageReports(first: 10) { nodes { id state quantity } } }
    webhookEndpoints(first: 10) { nodes { id name isEnabled mode secrets { id expiresAt } } }
    webhookSubscribers(first: 10) { nodes { id name isEnabled url kinds policies { id } secrets { hint expiresAt }
      notifications(first: 10) { nodes { id state } } } }
    webhookDeliveries(first: 10) { nodes { id state } }
    events(first: 10) { nodes { id outcome } }
    findings(first: 10) { nodes { id state } }
    tickets(first: 10) { nodes { id state externalId operations(first: 10) { nodes { id state } } } } } } }";

pub async fn everything(app: &TestApp, msp: &Msp<'_>) -> Value {
    app.graphql(EVERYTHING, json!({ "id": msp.organization })).await
}

pub async fn ids(app: &TestApp, msp: &Msp<'_>) -> Ids {
    if everything(app, msp).await.pointer("/node/psaConnections/nodes/0/companyImports/nodes/0").is_none() {
        let value = json!({ "organizationId": msp.organization, "kind": "STATUS", "name": "Health" });
        app.does("companyValueCreate", "companyValue { id }", value).await;
        let input = json!({ "psaConnectionId": msp.connection() });
        app.does("companyImportStart", "companyImport { id }", input).await;
        app.drain().await;
    }
    let all = everything(app, msp).await;
    let at = |path: &str| text(&all, &format!("/node/{path}"));
    Ids {
        organization: at("id"),
        token: at("accessTokens/nodes/0/id"),
        member: at("members/nodes/0/id"),
        company: at("companies/nodes/0/id"),
        alias: at("companies/nodes/0/aliases/0/id"),
        mapping: at("companies/nodes/0/mappings/nodes/0/id"),
        psa_company: at("companies/nodes/0/mappings/nodes/0/psaCompany/id"),
        policy: at("policies/nodes/0/id"),
        event_set: at("eventSets/nodes/0/id"),
        window: at("maintenanceWindows/nodes/0/id"),
        mute: at("mutes/nodes/0/id"),
        connection: at("psaConnections/nodes/0/id"),
        profile: at("psaConnections/nodes/0/ticketProfiles/nodes/0/id"),
        endpoint: at("webhookEndpoints/nodes/0/id"),
        secret: at("webhookEndpoints/nodes/0/secrets/0/id"),
        delivery: at("webhookDeliveries/nodes/0/id"),
        event: at("events/nodes/0/id"),
        finding: at("findings/nodes/0/id"),
        ticket: at("tickets/nodes/0/id"),
        operation: at("tickets/nodes/0/operations/nodes/0/id"),
        permission: at("psaConnections/nodes/0/ticketPermissions/0/id"),
        subscriber: at("webhookSubscribers/nodes/0/id"),
        notification: at("webhookSubscribers/nodes/0/notifications/nodes/0/id"),
        billing_line: at("billing/lines/nodes/0/id"),
        billing_entry: at("billing/entries/nodes/0/id"),
        psa_billing_line: at("psaConnections/nodes/0/billingLines/nodes/1/id"),
        other_psa_billing_line: at("psaConnections/nodes/0/billingLines/nodes/2/id"),
        usage_mark: at("billing/usageMarks/nodes/0/id"),
        usage_report: at("billing/usageReports/nodes/0/id"),
        external_id: at("tickets/nodes/0/externalId"),
        import: at("psaConnections/nodes/0/companyImports/nodes/0/id"),
        item: at("psaConnections/nodes/0/companyImports/nodes/0/items/nodes/0/id"),
        value: at("companyValues/nodes/0/id"),
        run: at("psaConnections/nodes/0/syncRuns/nodes/0/id"),
        schedule: at("psaConnections/nodes/0/syncSchedules/0/id"),
    }
}
