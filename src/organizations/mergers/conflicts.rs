//! What stands in the way of a merge, and how to mend it.

use std::collections::BTreeMap;

use entity::{billing_calendar, billing_line, company_alias, organization, psa_connection, usage_mark};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
    sea_query::{Alias, Expr, ExprTrait as _, Query},
};
use uuid::Uuid;

use super::{
    InstanceOf,
    plan::{Conflict, ConflictCode},
};
use crate::error::Error;

/// How many conflicts of a kind are told one by one.
const MOST_TOLD: u64 = 100;

/// What has to be mended before.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    source: &organization::Model,
    target: &organization::Model,
    instance_of: InstanceOf,
) -> Result<Vec<Conflict>, Error> {
    let mut found = aliases_of_both(db, source, target).await?;
    found.extend(instances_of_both(db, source, target, instance_of).await?);
    if source.is_ticketing_enabled != target.is_ticketing_enabled {
        let (off, on) = if source.is_ticketing_enabled {
            (&target.slug, &source.slug)
        } else {
            (&source.slug, &target.slug)
        };
        let message = format!(
            "{off} opens no tickets at all, and {on} does; switch both the same way (`organizationUpdate`, \
             `isTicketingEnabled`)"
        );
        found.push(Conflict { code: ConflictCode::TicketingDiffers, message });
    }
    found.extend(calendars_differ(db, source, target).await?);
    Ok(found)
}

/// One name for two companies: nobody could say whom a sender means.
async fn aliases_of_both(
    db: &impl ConnectionTrait,
    source: &organization::Model,
    target: &organization::Model,
) -> Result<Vec<Conflict>, DbErr> {
    use company_alias::Column as A;
    let (ours, theirs) = (Alias::new("company_alias"), Alias::new("theirs"));
    let same = Query::select()
        .expr(Expr::value(1))
        .from_as(Alias::new("company_alias"), theirs.clone())
        .and_where(Expr::col((theirs.clone(), A::OrganizationId)).eq(target.id))
        .and_where(Expr::col((theirs.clone(), A::Value)).equals((ours.clone(), A::Value)))
        .and_where(Expr::col((theirs, A::Source)).equals((ours, A::Source)))
        .to_owned();
    let aliases = company_alias::Entity::find()
        .filter(A::OrganizationId.eq(source.id))
        .filter(Expr::exists(same))
        .order_by_asc(A::Value)
        .limit(MOST_TOLD)
        .all(db)
        .await?;
    let told = aliases.into_iter().map(|alias| {
        let of = if alias.source.is_empty() { String::new() } else { format!(" of {}", alias.source) };
        let message = format!(
            "the alias \"{}\"{of} names a company of {} and one of {}; remove it from one of them (`companyAliasRemove`)",
            alias.value, source.slug, target.slug
        );
        Conflict { code: ConflictCode::SameAlias, message }
    });
    Ok(told.collect())
}

async fn instances_of_both(
    db: &impl ConnectionTrait,
    source: &organization::Model,
    target: &organization::Model,
    instance_of: InstanceOf,
) -> Result<Vec<Conflict>, DbErr> {
    let mut found = Vec::new();
    let ours = enabled_connections(db, source.id).await?;
    let mut theirs: BTreeMap<String, psa_connection::Model> = BTreeMap::new();
    for row in enabled_connections(db, target.id).await? {
        theirs.insert(instance_of(&row), row);
    }
    for row in ours {
        if let Some(other) = theirs.get(&instance_of(&row)) {
            let message = format!(
                "the connection \"{}\" of {} and \"{}\" of {} lead to the same PSA, where each would hear of the other's \
                 tickets; switch one of them off (`psaConnectionUpdate`, `isEnabled: false`)",
                row.name, source.slug, other.name, target.slug
            );
            found.push(Conflict { code: ConflictCode::SamePsa, message });
        }
    }
    Ok(found)
}

async fn enabled_connections(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
) -> Result<Vec<psa_connection::Model>, DbErr> {
    psa_connection::Entity::find()
        .filter(psa_connection::Column::OrganizationId.eq(organization_id))
        .filter(psa_connection::Column::IsEnabled.eq(true))
        .order_by_asc(psa_connection::Column::Id)
        .all(db)
        .await
}

/// Billing months that begin elsewhere would be counted, and pushed, a second time.
async fn calendars_differ(
    db: &impl ConnectionTrait,
    source: &organization::Model,
    target: &organization::Model,
) -> Result<Option<Conflict>, DbErr> {
    let lines = billing_line::Entity::find()
        .filter(billing_line::Column::OrganizationId.eq(source.id))
        .count(db)
        .await?;
    let marks =
        usage_mark::Entity::find().filter(usage_mark::Column::OrganizationId.eq(source.id)).count(db).await?;
    let (ours, theirs) = (calendar(db, source.id).await?, calendar(db, target.id).await?);
    // Where the target has none, the source's goes along.
    if lines + marks == 0 || theirs.is_none() || ours == theirs {
        return Ok(None);
    }
    let message = format!(
        "the billing months of {} and {} do not begin at the same time, or only one of them pushes by itself; set both the \
         same (`billingCalendarSet`: `startDay`, `timeZone`, `isPushEnabled`), best at a change of months",
        source.slug, target.slug
    );
    Ok(Some(Conflict { code: ConflictCode::CalendarsDiffer, message }))
}

async fn calendar(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
) -> Result<Option<(i32, String, bool)>, DbErr> {
    let found = billing_calendar::Entity::find()
        .filter(billing_calendar::Column::OrganizationId.eq(organization_id))
        .one(db)
        .await?;
    Ok(found.map(|row| (row.start_day, row.time_zone, row.is_push_enabled)))
}
