//! What of the source's own order becomes part of the target's, and what ends.

use entity::{
    Timestamp, access_token, billing_calendar, company, company_mapping, event_set, member, organization,
    psa_connection, ticket_permission, ticket_profile, usage_report, webhook_subscriber,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, DbErr,
    EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Set,
    sea_query::{Alias, Expr, Query},
};
use serde_json::json;
use uuid::Uuid;

use super::plan::{self, Plan};
use crate::{
    audit::Change,
    db::news::{self, Happened, What},
    decisions::rules,
};

/// Puts the source's things in the target's order, while they still are the source's.
pub(super) async fn settle(
    tx: &DatabaseTransaction,
    source: &organization::Model,
    target: &organization::Model,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), DbErr> {
    for rename in &plan.renames {
        let update = Query::update()
            .table(Alias::new(rename.table))
            .value("name", rename.new_name.clone())
            .and_where(Expr::col("organization_id").eq(source.id))
            .and_where(Expr::col("id").eq(rename.id))
            .to_owned();
        tx.execute(&update).await?;
    }
    policies(tx, source.id, target.id, now).await?;
    profiles(tx, source.id).await?;
    event_sets(tx, source.id, target.id).await?;
    connections(tx, source.id).await?;
    billing(tx, source.id, target.id).await?;
    subscribers(tx, source.id, now).await?;
    // Who is meant by them is withdrawn.
    ticket_permission::Entity::delete_many()
        .filter(ticket_permission::Column::OrganizationId.eq(source.id))
        .filter(ticket_permission::Column::MemberId.is_not_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Behind the target's, and for no company but those that they were for.
async fn policies(
    tx: &DatabaseTransaction,
    source_id: Uuid,
    target_id: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    let companies: Vec<Uuid> = company::Entity::find()
        .select_only()
        .column(company::Column::Id)
        .filter(company::Column::OrganizationId.eq(source_id))
        .order_by_asc(company::Column::Id)
        .into_tuple()
        .all(tx)
        .await?;
    let last = plan::policies(tx, target_id).await?.last().map_or(0, |policy| policy.position);
    for (position, policy) in (last.saturating_add(1)..).zip(plan::policies(tx, source_id).await?) {
        let is_for_all = rules::scope(&policy).is_none();
        let version = policy.version;
        let mut row = policy.into_active_model();
        row.position = Set(position);
        if is_for_all {
            row.company_ids = Set(Some(json!(companies)));
        }
        row.version = Set(version + 1);
        row.updated_at = Set(now);
        row.update(tx).await?;
    }
    Ok(())
}

/// The target's default stays the only one. Mappings that relied on the source's name it from now on: their companies are
/// mapped nowhere else.
async fn profiles(tx: &DatabaseTransaction, source_id: Uuid) -> Result<(), DbErr> {
    use company_mapping::Column as M;
    let defaults = ticket_profile::Entity::find()
        .filter(ticket_profile::Column::OrganizationId.eq(source_id))
        .filter(ticket_profile::Column::IsDefault.eq(true))
        .order_by_asc(ticket_profile::Column::Id)
        .all(tx)
        .await?;
    for profile in defaults {
        company_mapping::Entity::update_many()
            .col_expr(M::TicketProfileId, Expr::value(profile.id))
            .col_expr(M::Version, Expr::col(M::Version).add(1))
            .filter(M::OrganizationId.eq(source_id))
            .filter(M::PsaConnectionId.eq(profile.psa_connection_id))
            .filter(M::TicketProfileId.is_null())
            .exec(tx)
            .await?;
        let version = profile.version;
        let mut row = profile.into_active_model();
        row.is_default = Set(false);
        row.version = Set(version + 1);
        row.update(tx).await?;
    }
    Ok(())
}

/// There is one default among event sets.
async fn event_sets(tx: &DatabaseTransaction, source_id: Uuid, target_id: Uuid) -> Result<(), DbErr> {
    use event_set::Column as C;
    let theirs = event_set::Entity::find()
        .filter(C::OrganizationId.eq(target_id))
        .filter(C::IsDefault.eq(true))
        .one(tx)
        .await?;
    if theirs.is_some() {
        event_set::Entity::update_many()
            .col_expr(C::IsDefault, Expr::value(false))
            .filter(C::OrganizationId.eq(source_id))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Whoever keeps a client of a connection makes it anew: its credentials are sealed elsewhere, and its calls count for
/// the target.
async fn connections(tx: &DatabaseTransaction, source_id: Uuid) -> Result<(), DbErr> {
    use psa_connection::Column as C;
    psa_connection::Entity::update_many()
        .col_expr(C::CredentialsVersion, Expr::col(C::CredentialsVersion).add(1))
        .filter(C::OrganizationId.eq(source_id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// They are told nothing of the target, unless somebody switches them on again.
async fn subscribers(tx: &DatabaseTransaction, source_id: Uuid, now: Timestamp) -> Result<(), DbErr> {
    use webhook_subscriber::Column as C;
    webhook_subscriber::Entity::update_many()
        .col_expr(C::IsEnabled, Expr::value(false))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::value(now))
        .filter(C::OrganizationId.eq(source_id))
        .filter(C::IsEnabled.eq(true))
        .exec(tx)
        .await
        .map(|_| ())
}

/// The target's calendar counts, where it has one; and what both were told is told once.
async fn billing(tx: &DatabaseTransaction, source_id: Uuid, target_id: Uuid) -> Result<(), DbErr> {
    use {billing_calendar::Column as B, usage_report::Column as U};
    let theirs =
        billing_calendar::Entity::find().filter(B::OrganizationId.eq(target_id)).one(tx).await?.is_some();
    if theirs {
        billing_calendar::Entity::delete_many().filter(B::OrganizationId.eq(source_id)).exec(tx).await?;
    }
    let known = usage_report::Entity::find()
        .select_only()
        .column(U::Fingerprint)
        .filter(U::OrganizationId.eq(target_id))
        .into_query();
    usage_report::Entity::delete_many()
        .filter(U::OrganizationId.eq(source_id))
        .filter(U::Fingerprint.in_subquery(known))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Withdraws all who reached the source; what of it stands in logs.
pub(super) async fn withdraw(
    tx: &DatabaseTransaction,
    source_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Change>, DbErr> {
    let mut changes = Vec::new();
    let tokens = access_token::Entity::find()
        .filter(access_token::Column::OrganizationId.eq(source_id))
        .filter(access_token::Column::RevokedAt.is_null())
        .order_by_asc(access_token::Column::Id)
        .all(tx)
        .await?;
    for old in tokens {
        let mut row = old.clone().into_active_model();
        row.revoked_at = Set(Some(now));
        let new = row.update(tx).await?;
        access_changed(source_id, new.id, now);
        changes.push(Change::between("accessTokenRevoke", &old, &new));
    }
    let members = member::Entity::find()
        .filter(member::Column::OrganizationId.eq(source_id))
        .filter(member::Column::IsEnabled.eq(true))
        .order_by_asc(member::Column::Id)
        .all(tx)
        .await?;
    for old in members {
        let mut row = old.clone().into_active_model();
        row.is_enabled = Set(false);
        row.updated_at = Set(now);
        let new = row.update(tx).await?;
        access_changed(source_id, new.id, now);
        changes.push(Change::between("memberUpdate", &old, &new));
    }
    Ok(changes)
}

fn access_changed(organization_id: Uuid, id: Uuid, at: Timestamp) {
    news::tell(Happened { what: What::AccessChanged, organization_id, id, at });
}

/// What is left of the source: where it went.
pub(super) async fn leave(
    tx: &DatabaseTransaction,
    source: &organization::Model,
    target_id: Uuid,
    now: Timestamp,
) -> Result<organization::Model, DbErr> {
    let mut row = source.clone().into_active_model();
    row.catch_all_company_id = Set(None);
    row.merged_into_id = Set(Some(target_id));
    row.merged_at = Set(Some(now));
    row.version = Set(source.version + 1);
    row.updated_at = Set(now);
    row.update(tx).await
}
