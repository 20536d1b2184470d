//! Ending what a snapshot no longer names.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and company")]

use std::collections::HashSet;

use entity::finding::{self, FindingState};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockType},
};
use uuid::Uuid;

use super::record::{About, close_reason_word};
use crate::decisions::event::{CloseReason, Event};

/// How many rows one statement changes.
const CHUNK: usize = 500;

/// A finding that is gone.
#[derive(Clone, Debug)]
pub struct Gone {
    /// Its id.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// Whether subscribers were told of it.
    pub is_told: bool,
}

/// Resolves the open findings of a scope that a snapshot does not name and that nobody has seen since. Rows are
/// locked in the order of their keys.
pub async fn sweep(
    tx: &DatabaseTransaction,
    about: About,
    event: &Event,
    scope: &str,
) -> Result<Vec<Gone>, DbErr> {
    use finding::Column as C;
    let open: Vec<(Uuid, String, String, bool)> = finding::Entity::find()
        .select_only()
        .columns([C::Id, C::Key, C::Title, C::IsTold])
        .filter(C::OrganizationId.eq(about.organization_id))
        .filter(C::CompanyId.eq(about.company_id))
        .filter(C::Source.eq(&event.source))
        .filter(C::ScopeKey.eq(scope))
        .filter(C::State.eq(FindingState::Open))
        .filter(C::LastOccurredAt.lte(about.occurred_at))
        .order_by_asc(C::Key)
        .lock(LockType::Update)
        .into_tuple()
        .all(tx)
        .await?;
    let present: HashSet<&str> = event.present.iter().map(String::as_str).collect();
    let gone: Vec<Gone> = open
        .into_iter()
        .filter(|(_, key, ..)| !present.contains(key.as_str()))
        .map(|(id, _, title, is_told)| Gone { id, title, is_told })
        .collect();
    for chunk in gone.chunks(CHUNK) {
        finding::Entity::update_many()
            .col_expr(C::State, Expr::value(FindingState::Resolved.to_value()))
            .col_expr(C::ResolvedAt, Expr::value(Some(about.occurred_at)))
            .col_expr(C::CloseReason, Expr::value(Some(close_reason_word(CloseReason::Fixed))))
            .col_expr(C::LastOccurredAt, Expr::value(about.occurred_at))
            .col_expr(C::LastKind, Expr::value(event.kind.name))
            .filter(C::OrganizationId.eq(about.organization_id))
            .filter(C::Id.is_in(chunk.iter().map(|finding| finding.id)))
            .exec(tx)
            .await?;
    }
    Ok(gone)
}
