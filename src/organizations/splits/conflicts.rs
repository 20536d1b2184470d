//! What stands in the way of a split, and how to mend it.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    event, event::Outcome, psa_connection, webhook_delivery, webhook_endpoint, webhook_endpoint::Column as E,
};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    sea_query::{Alias, Condition, Expr, ExprTrait as _, Query},
};
use uuid::Uuid;

use super::{
    asked,
    plan::{Conflict, ConflictCode},
    shared::FROM_WEBHOOKS,
};
use crate::{error::Error, organizations::moving::Chosen};

/// How many conflicts of a kind are told one by one.
const MOST_TOLD: u64 = 100;
/// What a company has on a connection: table, the connection's column, and in words.
const ON_CONNECTIONS: &[(&str, &str, &str)] = &[
    ("psa_connection", "id", "the connection is for this company alone"),
    ("company_mapping", "psa_connection_id", "it is mapped there"),
    ("ticket", "psa_connection_id", "it has tickets there"),
    ("billing_line", "psa_connection_id", "it is billed there"),
];

/// What has to be mended before.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    chosen: &Chosen,
) -> Result<Vec<Conflict>, Error> {
    let mut found = on_the_other_side(db, source_id, chosen).await?;
    found.extend(speaks_for_who_stays(db, source_id, chosen).await?);
    found.extend(endpoints_of_who_stays(db, source_id, chosen).await?);
    found.extend(webhooks_of_both(db, source_id, chosen).await?);
    Ok(found)
}

/// A company on one side, and a connection that it is on on the other.
async fn on_the_other_side(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    chosen: &Chosen,
) -> Result<Vec<Conflict>, Error> {
    let mut found: BTreeMap<(Uuid, Uuid), BTreeSet<&str>> = BTreeMap::new();
    for &(table, connection, words) in ON_CONNECTIONS {
        let goes = Expr::col("company_id").is_in(chosen.companies.iter().copied());
        let is_on = Expr::col(connection).is_in(chosen.connections.iter().copied());
        let crossing = Condition::any().add(goes.clone().and(is_on.clone().not())).add(goes.not().and(is_on));
        let query = Query::select()
            .distinct()
            .columns(["company_id", connection])
            .from(Alias::new(table))
            .and_where(Expr::col("organization_id").eq(source_id))
            .and_where(Expr::col("company_id").is_not_null())
            .cond_where(crossing)
            .limit(MOST_TOLD)
            .to_owned();
        for row in db.query_all(&query).await? {
            let pair = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            found.entry(pair).or_default().insert(words);
        }
    }
    let names = asked::company_names(db, source_id, found.keys().map(|(company, _)| *company)).await?;
    let connections: BTreeMap<Uuid, psa_connection::Model> =
        asked::connections(db, source_id).await?.into_iter().map(|row| (row.id, row)).collect();
    let told = found.into_iter().map(|((company_id, connection_id), words)| {
        let company = names.get(&company_id).map(String::as_str).unwrap_or_default();
        let connection = connections.get(&connection_id).map(|row| row.name.as_str()).unwrap_or_default();
        let why = words.into_iter().collect::<Vec<_>>().join(", ");
        if chosen.companies.contains(&company_id) {
            let message = format!(
                "{company} goes, and the connection \"{connection}\" stays: {why}; choose the connection, too, or leave the \
                 company out"
            );
            Conflict { code: ConflictCode::ConnectionStays, message }
        } else {
            let message = format!(
                "{company} stays, and the connection \"{connection}\" goes: {why}; choose the company, too, or leave the \
                 connection out"
            );
            Conflict { code: ConflictCode::CompanyStays, message }
        }
    });
    Ok(told.collect())
}

async fn speaks_for_who_stays(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    chosen: &Chosen,
) -> Result<Vec<Conflict>, Error> {
    let rows = webhook_endpoint::Entity::find()
        .filter(E::OrganizationId.eq(source_id))
        .filter(E::Id.is_in(chosen.endpoints.iter().copied()))
        .filter(E::PsaConnectionId.is_not_null())
        .filter(E::PsaConnectionId.is_not_in(chosen.connections.iter().copied()))
        .order_by_asc(E::Id)
        .all(db)
        .await?;
    let told = rows.into_iter().map(|row| {
        let message = format!(
            "the endpoint \"{}\" goes, and the connection that it speaks for stays; choose that, too, or leave the endpoint \
             out",
            row.name
        );
        Conflict { code: ConflictCode::EndpointsConnectionStays, message }
    });
    Ok(told.collect())
}

/// Something of a company that stays came in at an endpoint that goes.
async fn endpoints_of_who_stays(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    chosen: &Chosen,
) -> Result<Vec<Conflict>, Error> {
    if chosen.endpoints.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
    let companies = Query::select()
        .column("id")
        .from(Alias::new("company"))
        .and_where(Expr::col("organization_id").eq(source_id))
        .take();
    for &table in FROM_WEBHOOKS {
        let query = Query::select()
            .distinct()
            .column(("webhook_delivery", "webhook_endpoint_id"))
            .column((table, "company_id"))
            .from(Alias::new(table))
            .inner_join(
                webhook_delivery::Entity,
                Expr::col(("webhook_delivery", "id")).equals((table, "webhook_delivery_id")),
            )
            .and_where(Expr::col((table, "organization_id")).eq(source_id))
            .and_where(
                Expr::col(("webhook_delivery", "webhook_endpoint_id"))
                    .is_in(chosen.endpoints.iter().copied()),
            )
            .and_where(Expr::col((table, "company_id")).is_not_in(chosen.companies.iter().copied()))
            // One that is there no more stays nowhere.
            .and_where(Expr::col((table, "company_id")).in_subquery(companies.clone()))
            .limit(MOST_TOLD)
            .to_owned();
        for row in db.query_all(&query).await? {
            found.insert((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
        }
    }
    let learned = Query::select()
        .distinct()
        .columns(["baseline_endpoint_id", "company_id"])
        .from(Alias::new("finding"))
        .and_where(Expr::col("organization_id").eq(source_id))
        .and_where(Expr::col("baseline_endpoint_id").is_in(chosen.endpoints.iter().copied()))
        .and_where(Expr::col("company_id").is_not_in(chosen.companies.iter().copied()))
        .limit(MOST_TOLD)
        .to_owned();
    for row in db.query_all(&learned).await? {
        found.insert((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    }
    let names = asked::company_names(db, source_id, found.iter().map(|(_, company)| *company)).await?;
    let endpoints = endpoint_names(db, source_id, found.iter().map(|(endpoint, _)| *endpoint)).await?;
    let told = found.iter().map(|(endpoint, company)| {
        let (endpoint, company) = (endpoints.get(endpoint), names.get(company));
        let message = format!(
            "the endpoint \"{}\" goes, and has something of {}, which stays; leave the endpoint out (the new organization \
             gets one like it), or choose the company, too",
            endpoint.map(String::as_str).unwrap_or_default(),
            company.map(String::as_str).unwrap_or_default()
        );
        Conflict { code: ConflictCode::EndpointsCompanyStays, message }
    });
    Ok(told.collect())
}

/// Something of a company that goes is held, and would be read again from a webhook that speaks of others, too.
async fn webhooks_of_both(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    chosen: &Chosen,
) -> Result<Vec<Conflict>, Error> {
    use {event::Column as V, webhook_delivery::Column as D};
    let stays = |table: &'static str| {
        Condition::any()
            .add(Expr::col((table, "company_id")).is_null())
            .add(Expr::col((table, "company_id")).is_not_in(chosen.companies.iter().copied()))
    };
    let other = Query::select()
        .expr(Expr::value(1))
        .from_as(event::Entity, Alias::new("other"))
        .and_where(Expr::col(("other", "webhook_delivery_id")).equals(("event", "webhook_delivery_id")))
        .cond_where(stays("other"))
        .take();
    let query = Query::select()
        .distinct()
        .column((webhook_delivery::Entity, D::WebhookEndpointId))
        .from(event::Entity)
        .inner_join(
            webhook_delivery::Entity,
            Expr::col((webhook_delivery::Entity, D::Id)).equals((event::Entity, V::WebhookDeliveryId)),
        )
        .and_where(Expr::col((event::Entity, V::OrganizationId)).eq(source_id))
        .and_where(Expr::col((event::Entity, V::Outcome)).eq(Outcome::Held.to_value()))
        .and_where(Expr::col((event::Entity, V::CompanyId)).is_in(chosen.companies.iter().copied()))
        .and_where(
            Expr::col((webhook_delivery::Entity, D::WebhookEndpointId))
                .is_not_in(chosen.endpoints.iter().copied()),
        )
        .and_where(Expr::exists(other))
        .limit(MOST_TOLD)
        .to_owned();
    let rows = db.query_all(&query).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
    let names = endpoint_names(db, source_id, ids).await?;
    let told = names.into_values().map(|name| {
        let message = format!(
            "at the endpoint \"{name}\" something of a company that goes is held, from a webhook that speaks of companies \
             that stay, too: it cannot be read again on both sides; mend what it waits for (`heldEventCounts`) first"
        );
        Conflict { code: ConflictCode::WebhookOfBoth, message }
    });
    Ok(told.collect())
}

async fn endpoint_names(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<BTreeMap<Uuid, String>, Error> {
    let rows = webhook_endpoint::Entity::find()
        .filter(E::OrganizationId.eq(source_id))
        .filter(E::Id.is_in(ids))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
