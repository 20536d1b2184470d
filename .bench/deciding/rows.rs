//! An organization with everything that a ticket needs, written straight into its tables.

use entity::{
    Severity, Timestamp, company, company_alias, company_mapping, organization, policy, psa_company,
    psa_connection, ticket_profile, webhook_endpoint,
};
use psa_gateway::{app::App, queue::lanes};
use sea_orm::{DbErr, EntityTrait as _, IntoActiveModel as _};
use serde_json::json;
use uuid::Uuid;

use super::Size;

/// Writes it, and gives the endpoint that its scanner posts to.
pub(super) async fn furnish(app: &App, size: &Size, slug: &str) -> anyhow::Result<webhook_endpoint::Model> {
    let (ground, now) = (app.ground.clone(), app.ground.clock.now());
    let id = || ground.chance.id(now);
    let (organization_id, connection_id) = (id(), id());
    let endpoint = endpoint(id(), organization_id, slug, now);
    let organization = organization::Model {
        id: organization_id,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        is_ticketing_enabled: true,
        catch_all_company_id: None,
        merged_into_id: None,
        merged_at: None,
        moving_to: None,
        moved_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let (connection, profile) =
        (connection(connection_id, organization_id, now), profile(id(), organization_id, connection_id, now));
    let (mut companies, mut aliases, mut remote, mut mappings) = (vec![], vec![], vec![], vec![]);
    for number in 0..size.companies {
        let (company_id, psa_company_id) = (id(), id());
        let name = format!("Client {number}");
        companies.push(
            company::Model {
                id: company_id,
                organization_id,
                name: name.clone(),
                company_type_id: None,
                company_status_id: None,
                company_market_id: None,
                version: 1,
                created_at: now,
                updated_at: now,
            }
            .into_active_model(),
        );
        aliases.push(
            company_alias::Model {
                id: id(),
                organization_id,
                company_id,
                source: "scanner".to_owned(),
                value: format!("client-{number}"),
                created_at: now,
            }
            .into_active_model(),
        );
        remote.push(
            psa_company::Model {
                id: psa_company_id,
                organization_id,
                psa_connection_id: connection_id,
                external_id: number.to_string(),
                name,
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
            }
            .into_active_model(),
        );
        mappings.push(
            company_mapping::Model {
                id: id(),
                organization_id,
                company_id,
                psa_connection_id: connection_id,
                psa_company_id,
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
            }
            .into_active_model(),
        );
    }
    let policies: Vec<_> = (0..size.policies)
        .map(|number| policy((id(), organization_id), number, size.storm_cap, now).into_active_model())
        .collect();
    let stored = endpoint.clone();
    app.ground
        .db
        .write::<_, DbErr, _>(move |tx| {
            Box::pin(async move {
                organization::Entity::insert(organization.into_active_model())
                    .exec_without_returning(tx)
                    .await?;
                psa_connection::Entity::insert(connection.into_active_model())
                    .exec_without_returning(tx)
                    .await?;
                lanes::create(tx, organization_id, connection_id, now).await?;
                ticket_profile::Entity::insert(profile.into_active_model())
                    .exec_without_returning(tx)
                    .await?;
                company::Entity::insert_many(companies).exec_without_returning(tx).await?;
                company_alias::Entity::insert_many(aliases).exec_without_returning(tx).await?;
                psa_company::Entity::insert_many(remote).exec_without_returning(tx).await?;
                company_mapping::Entity::insert_many(mappings).exec_without_returning(tx).await?;
                policy::Entity::insert_many(policies).exec_without_returning(tx).await?;
                webhook_endpoint::Entity::insert(stored.into_active_model())
                    .exec_without_returning(tx)
                    .await?;
                Ok(())
            })
        })
        .await?;
    Ok(endpoint)
}

fn endpoint(id: Uuid, organization_id: Uuid, key: &str, now: Timestamp) -> webhook_endpoint::Model {
    webhook_endpoint::Model {
        id,
        organization_id,
        key: key.to_owned(),
        name: "Scanner".to_owned(),
        sender: "events".to_owned(),
        psa_connection_id: None,
        scheme: "standard_webhooks.v1".to_owned(),
        is_enabled: true,
        registration: webhook_endpoint::Registration::ByHand,
        registered_id: None,
        registration_message: None,
        registration_checked_at: None,
        registration_due_at: None,
        wanted_key: None,
        allowed_addresses: None,
        settings: None,
        mode: webhook_endpoint::Mode::Live,
        baseline_until: None,
        version: 1,
        created_at: now,
        updated_at: now,
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

fn profile(
    id: Uuid,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    now: Timestamp,
) -> ticket_profile::Model {
    ticket_profile::Model {
        id,
        organization_id,
        psa_connection_id,
        name: "Default".to_owned(),
        is_default: true,
        fields: json!({}),
        board: None,
        status_on_create: None,
        status_on_close: "9".to_owned(),
        title_template: None,
        body_template: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// A policy for one product, from a medium severity on.
fn policy(
    (id, organization_id): (Uuid, Uuid),
    number: usize,
    storm_cap: Option<usize>,
    now: Timestamp,
) -> policy::Model {
    let conditions = json!({ "all": [
        { "severity": { "is": { "atLeast": "medium" }, "orUnknown": true } },
        { "any": [
            { "text": { "field": "product", "is": { "oneOf": [format!("product-{number:03}")] } } },
            { "text": { "field": "title", "is": { "contains": format!("module-{number:03}") } } },
        ] },
        { "not": { "text": { "field": "assetName", "is": { "oneOf": ["laboratory"] } } } },
    ] });
    policy::Model {
        id,
        organization_id,
        position: i32::try_from(number).unwrap_or(i32::MAX),
        name: format!("Product {number}"),
        description: String::new(),
        is_enabled: true,
        event_set_id: None,
        company_ids: None,
        conditions: Some(conditions),
        minimum_severity: Severity::Unknown,
        ticket_profile_id: None,
        reopen_window_secs: 86_400,
        // Longer than the week: what is seen again every day gets no note every day.
        note_interval_secs: 14 * 86_400,
        handling: storm_cap.map(|cap| json!({ "storm_cap": cap })),
        opens_tickets: true,
        notifies: policy::Notifies::All,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}
