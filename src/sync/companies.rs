//! The copy of a PSA's companies.

use std::collections::BTreeMap;

use entity::{company_mapping, psa_company};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, Select, Set,
    sea_query::{ColumnRef, IntoColumnRef as _, OnConflict, Query},
};
use uuid::Uuid;

use super::remote::RemoteCompany;
use crate::{
    db::{
        filter::{any_of, contains},
        page::Order,
    },
    ground::Ground,
    organizations::{
        reach::{self, List},
        viewer::Viewer,
    },
};

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
    /// Part of the name or of the PSA's id, in any case.
    pub text: Option<String>,
    /// Of one of these types, in the PSA's words.
    pub company_types: Option<Vec<String>>,
    /// Of one of these statuses, in the PSA's words.
    pub statuses: Option<Vec<String>>,
    /// Whether the PSA still works for it.
    pub is_active: Option<bool>,
    /// Whether a company of ours is mapped to it.
    pub is_mapped: Option<bool>,
}

/// The copied companies of a connection, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PsaCompanyList {
    /// Which.
    pub filter: PsaCompanyFilter,
    /// Another order.
    pub order: Option<Order<psa_company::Entity>>,
}

impl List for PsaCompanyList {
    type Entity = psa_company::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<psa_company::Entity> {
        use psa_company::Column as C;
        let filter = &self.filter;
        let is_mapped = filter.is_mapped.map(|is_mapped| {
            let mapped = Query::select()
                .column(company_mapping::Column::PsaCompanyId)
                .from(company_mapping::Entity)
                .take();
            if is_mapped { C::Id.in_subquery(mapped) } else { C::Id.not_in_subquery(mapped) }
        });
        reach::rows::<psa_company::Entity>(viewer).filter(
            Condition::all()
                .add(contains(&[C::Name, C::ExternalId], filter.text.as_deref()))
                .add(any_of(C::CompanyType, filter.company_types.as_deref()))
                .add(any_of(C::Status, filter.statuses.as_deref()))
                .add_option(filter.is_active.map(|is_active| C::IsActive.eq(is_active)))
                .add_option(is_mapped),
        )
    }

    fn parent(&self) -> ColumnRef {
        psa_company::Column::PsaConnectionId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<psa_company::Entity> {
        self.order.unwrap_or(Order::ascending(psa_company::Column::Name))
    }
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
