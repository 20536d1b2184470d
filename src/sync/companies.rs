//! The copy of a PSA's companies.

use std::collections::BTreeMap;

use entity::psa_company;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, Select, Set};
use sea_orm::{
    Condition, ExprTrait as _,
    sea_query::{Expr, Func, LikeExpr, OnConflict},
};
use uuid::Uuid;

use super::remote::RemoteCompany;
use crate::ground::Ground;

/// How many rows go into one statement: eleven columns each, and SQLite takes 32,766 values.
const BATCH: usize = 500;
const MAX_EXTERNAL_ID: usize = 100;
const MAX_TEXT: usize = 255;
const MAX_URL: usize = 2_000;

/// Stores companies as a PSA has just shown them; those known already are overwritten. Gives how many were
/// stored. Texts come from outside: they are cut to their columns, and a company whose id is longer than
/// 100 characters is left out.
pub async fn store_companies(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    companies: &[RemoteCompany],
) -> Result<u64, DbErr> {
    use psa_company::Column as C;
    let now = ground.clock.now();
    // One row an id: a statement may not touch a row twice.
    let mut rows = BTreeMap::new();
    for company in companies {
        let external_id = plain(&company.external_id, usize::MAX);
        let length = external_id.chars().count();
        if external_id.is_empty() || length > MAX_EXTERNAL_ID {
            tracing::warn!(psa_connection.id = %psa_connection_id, length, "a PSA company has an unusable id");
            continue;
        }
        let name = Some(plain(&company.name, MAX_TEXT)).filter(|name| !name.is_empty());
        let row = psa_company::ActiveModel {
            id: Set(ground.chance.id(now)),
            organization_id: Set(organization_id),
            psa_connection_id: Set(psa_connection_id),
            name: Set(name.unwrap_or_else(|| external_id.clone())),
            company_type: Set(company.company_type.as_deref().map(|text| plain(text, MAX_TEXT))),
            status: Set(company.status.as_deref().map(|text| plain(text, MAX_TEXT))),
            is_active: Set(company.is_active),
            external_url: Set(company.url.clone().filter(|url| is_web_address(url))),
            synced_at: Set(now),
            external_id: Set(external_id.clone()),
        };
        rows.insert(external_id, row);
    }
    let count = rows.len();
    let mut rows: Vec<_> = rows.into_values().collect();
    while !rows.is_empty() {
        let batch = rows.split_off(rows.len().saturating_sub(BATCH));
        psa_company::Entity::insert_many(batch)
            .on_conflict(
                OnConflict::columns([C::PsaConnectionId, C::ExternalId])
                    .update_columns([
                        C::Name,
                        C::CompanyType,
                        C::Status,
                        C::IsActive,
                        C::ExternalUrl,
                        C::SyncedAt,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(count as u64)
}

/// Which of the copied companies to show. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PsaCompanyFilter {
    /// Part of the name, in any case.
    pub search: Option<String>,
    /// The type, in the PSA's words.
    pub company_type: Option<String>,
    /// The status, in the PSA's words.
    pub status: Option<String>,
    /// Whether the PSA still works for it.
    pub is_active: Option<bool>,
}

impl PsaCompanyFilter {
    /// Leaves those for which it holds.
    pub fn apply(&self, mut rows: Select<psa_company::Entity>) -> Select<psa_company::Entity> {
        use psa_company::Column as C;
        if let Some(search) = self.search.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            rows = rows.filter(contains(C::Name, search));
        }
        if let Some(company_type) = &self.company_type {
            rows = rows.filter(C::CompanyType.eq(company_type));
        }
        if let Some(status) = &self.status {
            rows = rows.filter(C::Status.eq(status));
        }
        if let Some(is_active) = self.is_active {
            rows = rows.filter(C::IsActive.eq(is_active));
        }
        rows
    }
}

/// Whether a text column holds a text, upper and lower case alike. (SQLite folds the letters of ASCII
/// only: others must be typed as they are there.)
pub fn contains<C: sea_orm::ColumnTrait>(column: C, text: &str) -> Condition {
    let pattern = |text: &str| {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        LikeExpr::new(format!("%{escaped}%")).escape('\\')
    };
    let folded = Expr::expr(Func::lower(Expr::col(column.as_column_ref())));
    Condition::any()
        .add(folded.like(pattern(&text.to_lowercase())))
        .add(Expr::col(column.as_column_ref()).like(pattern(text)))
}

/// Text from outside on one line, at most so many characters: PostgreSQL takes no NUL, lists no line breaks.
pub(super) fn plain(text: &str, max: usize) -> String {
    let spaced: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(max).collect();
    spaced.trim().to_owned()
}

fn is_web_address(url: &str) -> bool {
    url.len() <= MAX_URL && (url.starts_with("https://") || url.starts_with("http://"))
}

#[cfg(test)]
mod tests;
