//! What is built on a connection, and what may therefore not change.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::BTreeMap;

use entity::{billing_line, company, company_mapping, ticket, ticket_profile, webhook_endpoint};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
};
use uuid::Uuid;

use crate::{
    error::{Error, Problem, ProblemCode},
    organizations::form::no_such,
};

/// Whether the login now goes to another address than before.
pub(super) fn is_elsewhere(was: &serde_json::Value, settings: &BTreeMap<String, String>) -> bool {
    settings.get("domain").map(String::as_str) != was.get("domain").and_then(serde_json::Value::as_str)
}

/// Whether companies are mapped on a connection.
pub(super) async fn has_mappings(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    id: Uuid,
) -> Result<bool, DbErr> {
    let mapping = company_mapping::Entity::find()
        .filter(company_mapping::Column::OrganizationId.eq(organization_id))
        .filter(company_mapping::Column::PsaConnectionId.eq(id))
        .one(tx)
        .await?;
    Ok(mapping.is_some())
}

/// Whether a connection can be for one company only: it is the organization's, and no other is mapped here.
pub(super) async fn limit_to(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    id: Uuid,
    company_id: Option<Uuid>,
) -> Result<(), Error> {
    const FIELD: &str = "companyId";
    let Some(company_id) = company_id else { return Ok(()) };
    let company = company::Entity::find_by_id(company_id)
        .filter(company::Column::OrganizationId.eq(organization_id))
        .one(tx)
        .await?;
    if company.is_none() {
        return Err(no_such(FIELD, "company").into());
    }
    let others = company_mapping::Entity::find()
        .filter(company_mapping::Column::OrganizationId.eq(organization_id))
        .filter(company_mapping::Column::PsaConnectionId.eq(id))
        .filter(company_mapping::Column::CompanyId.ne(company_id))
        .count(tx)
        .await?;
    if others > 0 {
        let message =
            format!("{others} other companies are mapped on this connection; remove their mappings first");
        return Err(Problem::of(FIELD, ProblemCode::InUse, message).into());
    }
    Ok(())
}

/// What a connection is used by, in words.
pub(super) async fn users(tx: &DatabaseTransaction, id: Uuid) -> Result<Vec<&'static str>, DbErr> {
    let mut users = Vec::new();
    let ours = ticket_profile::Column::PsaConnectionId.eq(id);
    if ticket_profile::Entity::find().filter(ours).one(tx).await?.is_some() {
        users.push("ticket profiles");
    }
    let ours = company_mapping::Column::PsaConnectionId.eq(id);
    if company_mapping::Entity::find().filter(ours).one(tx).await?.is_some() {
        users.push("company mappings");
    }
    let ours = billing_line::Column::PsaConnectionId.eq(id);
    if billing_line::Entity::find().filter(ours).one(tx).await?.is_some() {
        users.push("billing lines");
    }
    let ours = webhook_endpoint::Column::PsaConnectionId.eq(id);
    if webhook_endpoint::Entity::find().filter(ours).one(tx).await?.is_some() {
        users.push("webhook endpoints");
    }
    if ticket::Entity::find().filter(ticket::Column::PsaConnectionId.eq(id)).one(tx).await?.is_some() {
        users.push("tickets");
    }
    Ok(users)
}
