//! Organizations with companies, profiles and tickets, written straight into their tables.

use std::sync::Arc;

use entity::{
    Severity, Timestamp, company, company_mapping, organization, psa_company, psa_connection, ticket,
    ticket::TicketState, ticket_profile,
};
use psa_gateway::{app::App, clock::Chance, global_id, statistics::fold};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait as _, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    ModelTrait,
};
use serde_json::json;
use uuid::Uuid;

const ORGANIZATIONS: usize = 200;
const COMPANIES: usize = 50;
const PROFILES: usize = 5;
/// How many rows one statement writes.
const ROWS: usize = 500;

/// One organization's rows.
struct Rows {
    organization: organization::Model,
    connection: psa_connection::Model,
    companies: Vec<company::Model>,
    remote: Vec<psa_company::Model>,
    mappings: Vec<company_mapping::Model>,
    profiles: Vec<ticket_profile::Model>,
    tickets: Vec<ticket::Model>,
}

/// Writes them, and gives the organizations' global ids.
pub(super) async fn furnish(app: &App, tickets: usize) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::with_capacity(ORGANIZATIONS);
    for number in 0..ORGANIZATIONS {
        let rows =
            Arc::new(rows(&app.ground.chance, number, tickets / ORGANIZATIONS, app.ground.clock.now()));
        ids.push(global_id::encode("Organization", rows.organization.id));
        let written =
            app.ground.db.write::<_, DbErr, _>(move |tx| Box::pin(async move { write(tx, &rows).await }));
        written.await?;
    }
    while fold::fold(&app.ground).await? {}
    if !app.ground.db.is_sqlite() {
        // As PostgreSQL's autovacuum does within a minute of so many new rows; a benchmark is over before that.
        app.ground.db.reader().execute_unprepared("VACUUM (ANALYZE)").await?;
    }
    Ok(ids)
}

async fn write(tx: &DatabaseTransaction, rows: &Rows) -> Result<(), DbErr> {
    insert(tx, std::slice::from_ref(&rows.organization)).await?;
    insert(tx, std::slice::from_ref(&rows.connection)).await?;
    insert(tx, &rows.companies).await?;
    insert(tx, &rows.remote).await?;
    insert(tx, &rows.mappings).await?;
    insert(tx, &rows.profiles).await?;
    insert(tx, &rows.tickets).await
}

async fn insert<M>(tx: &DatabaseTransaction, rows: &[M]) -> Result<(), DbErr>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    <M::Entity as EntityTrait>::ActiveModel: Send,
{
    for chunk in rows.chunks(ROWS) {
        let rows = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
        M::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

fn rows(chance: &Chance, number: usize, tickets: usize, now: Timestamp) -> Rows {
    let id = || chance.id(now);
    let (organization_id, psa_connection_id) = (id(), id());
    let profiles: Vec<_> = (0..PROFILES)
        .map(|profile| ticket_profile::Model {
            id: id(),
            organization_id,
            psa_connection_id,
            name: format!("Profile {profile} of {number}"),
            is_default: profile == 0,
            fields: json!({}),
            board: None,
            status_on_create: None,
            status_on_close: "9".to_owned(),
            title_template: None,
            body_template: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
        .collect();
    let companies: Vec<_> = (0..COMPANIES)
        .map(|company| company::Model {
            id: id(),
            organization_id,
            name: format!("Company {number}-{company:02}"),
            company_type_id: None,
            company_status_id: None,
            company_market_id: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
        .collect();
    let remote: Vec<_> = (0..COMPANIES)
        .map(|company| psa_company::Model {
            id: id(),
            organization_id,
            psa_connection_id,
            external_id: format!("ext-{:08}", number * COMPANIES + company),
            name: format!("Company {number}-{company:02}"),
            company_type: None,
            status: None,
            is_active: true,
            external_url: None,
            synced_at: now,
            code: None,
            market: None,
            email_domains: None,
            value_ids: None,
            match_key: None,
            missing_since: None,
            changed_at: None,
        })
        .collect();
    let mappings = companies.iter().zip(&remote).map(|(company, remote)| company_mapping::Model {
        id: id(),
        organization_id,
        company_id: company.id,
        psa_connection_id,
        psa_company_id: remote.id,
        is_ticketing_enabled: true,
        ticket_profile_id: None,
        event_set_id: None,
        is_enabled: true,
        is_configurations_enabled: false,
        origin: company_mapping::MappingOrigin::Manual,
        confidence: None,
        mapped_at: None,
        psa_name: None,
        version: 1,
        created_at: now,
        updated_at: now,
    });
    let mappings = mappings.collect();
    let tickets = (0..tickets)
        .map(|ticket| {
            let (company, profile) = (ticket % COMPANIES, ticket % PROFILES);
            let of = |ids: &[Uuid], index: usize| ids.get(index).copied().unwrap_or_default();
            let company_ids: Vec<Uuid> = companies.iter().map(|row| row.id).collect();
            let remote_ids: Vec<Uuid> = remote.iter().map(|row| row.id).collect();
            let profile_ids: Vec<Uuid> = profiles.iter().map(|row| row.id).collect();
            let places = (of(&company_ids, company), of(&remote_ids, company), of(&profile_ids, profile));
            let at = now.plus_secs(-i64::try_from(ticket * SECONDS / tickets).unwrap_or_default());
            one(id(), (organization_id, psa_connection_id), places, (number, ticket), at)
        })
        .collect();
    Rows {
        organization: organization::Model {
            id: organization_id,
            slug: format!("organization-{number:03}"),
            name: format!("Organization {number:03}"),
            is_ticketing_enabled: true,
            catch_all_company_id: None,
            merged_into_id: None,
            merged_at: None,
            moving_to: None,
            moved_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        },
        connection: connection(psa_connection_id, organization_id, now),
        companies,
        remote,
        mappings,
        profiles,
        tickets,
    }
}

fn connection(id: Uuid, organization_id: Uuid, now: Timestamp) -> psa_connection::Model {
    psa_connection::Model {
        id,
        organization_id,
        platform: "halo".to_owned(),
        name: "Halo".to_owned(),
        is_enabled: true,
        settings: json!({}),
        sealed_credentials: Vec::new(),
        credentials_hint: String::new(),
        credentials_version: 1,
        credentials_updated_at: now,
        health: psa_connection::Health::Healthy,
        health_checked_at: None,
        health_message: None,
        verification: json!([]),
        verification_due_at: None,
        company_id: None,
        companies_synced_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// How long the tickets of an organization took to come, however many they are.
const SECONDS: usize = 36 * 86_400;

/// Two in ten are open, as many are opened, one is closing, five are closed.
fn one(
    id: Uuid,
    (organization_id, psa_connection_id): (Uuid, Uuid),
    (company_id, psa_company_id, ticket_profile_id): (Uuid, Uuid, Uuid),
    (number, ticket): (usize, usize),
    at: Timestamp,
) -> ticket::Model {
    let state = match ticket * 7 % 10 {
        0 | 1 => TicketState::Open,
        2 | 3 => TicketState::Creating,
        4 => TicketState::Closing,
        _ => TicketState::Closed,
    };
    let is_closed = state == TicketState::Closed;
    let severity = match ticket * 3 % 10 {
        0..=3 => Severity::Low,
        4..=6 => Severity::Medium,
        7 | 8 => Severity::High,
        _ => Severity::Critical,
    };
    let external = number * 1_000_000 + ticket;
    ticket::Model {
        id,
        organization_id,
        psa_connection_id,
        company_id,
        psa_company_id,
        ticket_profile_id,
        policy_id: None,
        group_key: format!("finding:{id}"),
        open_group_key: (!is_closed).then(|| format!("finding:{id}")),
        state,
        state_reason: None,
        state_message: None,
        marker: format!("PG-{external:09}"),
        external_id: Some(format!("T{external:09}")),
        external_number: Some(external.to_string()),
        external_url: None,
        external_status: None,
        board: None,
        title: format!("Backup failed on host-{ticket:04} of tenant {number}"),
        severity,
        is_test: false,
        previous_ticket_id: None,
        operation_count: 1,
        noted_at: None,
        refresh_at: None,
        first_seen_at: Some(at),
        opened_at: Some(at),
        closed_at: is_closed.then_some(at.plus_secs(30)),
        closed_by: None,
        overrides: None,
        is_touched: false,
        listed_at: None,
        note_due_at: None,
        close_due_at: None,
        flap_count: 0,
        flapped_at: None,
        created_at: at,
        updated_at: at,
    }
}
