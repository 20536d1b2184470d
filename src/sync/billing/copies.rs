//! The copy of the lines of a PSA's recurring invoices.

use std::collections::BTreeMap;

use entity::{psa_billing_line, psa_company};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, sea_query::OnConflict,
};
use uuid::Uuid;

use super::remote::RemoteBillingLine;
use crate::{ground::Ground, sync::companies::plain};

/// How many rows go into one statement.
const BATCH: usize = 500;
const MAX_EXTERNAL_ID: usize = 100;
const MAX_TEXT: usize = 255;
const MAX_URL: usize = 2_000;

/// Stores the lines of a company as its PSA has just shown them all: those that are gone go. Texts come from outside:
/// they are cut to their columns, and a line with an unusable id is left out. Gives how many there are.
pub async fn store(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    company: &psa_company::Model,
    lines: &[RemoteBillingLine],
) -> Result<usize, DbErr> {
    use psa_billing_line::Column as C;
    let now = ground.clock.now();
    let mut rows = BTreeMap::new();
    for line in lines {
        let ids = [&line.invoice_external_id, &line.external_id].map(|id| plain(id, usize::MAX));
        if ids.iter().any(|id| id.is_empty() || id.chars().count() > MAX_EXTERNAL_ID) {
            tracing::warn!(psa_company.id = %company.id, "a line of a recurring invoice has an unusable id");
            continue;
        }
        let [invoice_external_id, external_id] = ids.clone();
        let name = |text: &str, id: &str| {
            Some(plain(text, MAX_TEXT)).filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_owned())
        };
        let row = psa_billing_line::Model {
            id: ground.chance.id(now),
            organization_id: company.organization_id,
            psa_connection_id: company.psa_connection_id,
            psa_company_id: company.id,
            invoice_name: name(&line.invoice_name, &invoice_external_id),
            invoice_rhythm: line.invoice_rhythm.as_deref().map(|text| plain(text, MAX_TEXT)),
            name: name(&line.name, &external_id),
            quantity: line.quantity,
            fixed_because: line.fixed_because.as_deref().map(|text| plain(text, 1_000)),
            external_url: line.url.clone().filter(|url| url.len() <= MAX_URL && url.starts_with("http")),
            synced_at: now,
            invoice_external_id,
            external_id,
        };
        rows.insert(ids, row);
    }
    let count = rows.len();
    let mut rows: Vec<_> = rows.into_values().collect();
    while !rows.is_empty() {
        let batch = rows.split_off(rows.len().saturating_sub(BATCH));
        psa_billing_line::Entity::insert_many(
            batch.into_iter().map(|row| row.into_active_model().reset_all()),
        )
        .on_conflict(
            OnConflict::columns([C::PsaCompanyId, C::InvoiceExternalId, C::ExternalId])
                .update_columns([
                    C::InvoiceName,
                    C::InvoiceRhythm,
                    C::Name,
                    C::Quantity,
                    C::FixedBecause,
                    C::ExternalUrl,
                    C::SyncedAt,
                ])
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    }
    psa_billing_line::Entity::delete_many()
        .filter(C::OrganizationId.eq(company.organization_id))
        .filter(C::PsaCompanyId.eq(company.id))
        .filter(C::SyncedAt.lt(now))
        .exec(tx)
        .await?;
    Ok(count)
}

/// Takes over what one line had when it was read, so that lists show it.
pub async fn saw(
    tx: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    line: &RemoteBillingLine,
) -> Result<(), DbErr> {
    use psa_billing_line::Column as C;
    use sea_orm::sea_query::Expr;
    psa_billing_line::Entity::update_many()
        .col_expr(C::Quantity, Expr::value(line.quantity))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::InvoiceExternalId.eq(line.invoice_external_id.as_str()))
        .filter(C::ExternalId.eq(line.external_id.as_str()))
        .exec(tx)
        .await
        .map(|_| ())
}
