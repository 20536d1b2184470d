//! Keeping the copy of contacts in step: what is new or other is written, what is as it was is not touched.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::{BTreeMap, HashMap};

use entity::{Timestamp, company_mapping, contact};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, OnConflict},
};
use serde_json::json;
use uuid::Uuid;

use super::{email_key, remote::RemoteContact, settings::Settings};
use crate::{
    ground::Ground,
    sync::{
        companies::{Seen, plain, web_address},
        mapped,
        runs::{Counts, Failure},
    },
};

/// How many rows go into one statement: seventeen columns each, and SQLite takes 32,766 values.
const BATCH: usize = 500;
const MAX_EXTERNAL_ID: usize = 100;
const MAX_TEXT: usize = 255;
const MAX_PHONE: usize = 100;
/// How many addresses of one contact are kept.
const MAX_EMAILS: usize = 20;
/// How much of one field is kept, in characters, and how many fields.
const MAX_VALUE: usize = 2_000;
const MAX_FIELDS: usize = 300;

/// What became of contacts that were stored.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// How many were new, other, the same, or could not be taken.
    pub counts: Counts,
    /// Those that could not, and how to mend it.
    pub failures: Vec<Failure>,
    /// The PSA's ids of those that are in the copy now.
    pub external_ids: Vec<String>,
}

/// What of contacts is taken over.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Whose.
    pub organization_id: Uuid,
    /// Through which connection they were read.
    pub psa_connection_id: Uuid,
    /// The connection's settings.
    pub settings: &'a Settings,
}

/// Stores contacts as a PSA has just shown them: those of companies that are mapped, or chosen. What is as it was is not
/// written. Texts come from outside: they are cut to their columns.
pub async fn store_contacts(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    plan: Plan<'_>,
    items: &[RemoteContact],
) -> Result<Stored, DbErr> {
    use contact::Column as C;
    let mut stored = Stored::default();
    let owners = owners(tx, plan, items).await?;
    // One row an id: a statement may not touch a row twice.
    let mut wanted = BTreeMap::new();
    for item in items {
        let owner = item.company_external_id.as_ref().and_then(|id| owners.get(id));
        let Some(owner) = owner else { continue };
        match read(ground, plan, *owner, item) {
            Ok(row) => {
                wanted.insert(row.external_id.clone(), row);
            }
            Err(failure) => {
                stored.counts.failed += 1;
                stored.failures.push(failure);
            }
        }
    }
    let wanted: Vec<_> = wanted.into_values().collect();
    for batch in wanted.chunks(BATCH) {
        let known: HashMap<String, contact::Model> = contact::Entity::find()
            .filter(C::OrganizationId.eq(plan.organization_id))
            .filter(C::PsaConnectionId.eq(plan.psa_connection_id))
            .filter(C::ExternalId.is_in(batch.iter().map(|row| row.external_id.as_str())))
            .all(tx)
            .await?
            .into_iter()
            .map(|row| (row.external_id.clone(), row))
            .collect();
        let mut written = Vec::new();
        for row in batch {
            stored.external_ids.push(row.external_id.clone());
            if let Some(row) = settle(known.get(&row.external_id), row, &mut stored.counts) {
                written.push(row.into_active_model().reset_all());
            }
        }
        if written.is_empty() {
            continue;
        }
        contact::Entity::insert_many(written)
            .on_conflict(
                OnConflict::columns([C::PsaConnectionId, C::ExternalId])
                    .update_columns([
                        C::PsaCompanyId,
                        C::Name,
                        C::Email,
                        C::EmailKeys,
                        C::Phone,
                        C::JobTitle,
                        C::ContactType,
                        C::IsActive,
                        C::ExternalUrl,
                        C::Fields,
                        C::MissingSince,
                        C::ChangedAt,
                        C::SyncedAt,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(stored)
}

/// The companies of the PSA whose contacts are taken over, by the PSA's id.
async fn owners(
    tx: &impl ConnectionTrait,
    plan: Plan<'_>,
    items: &[RemoteContact],
) -> Result<HashMap<String, Uuid>, DbErr> {
    let ids = items.iter().filter_map(|item| item.company_external_id.as_ref());
    let chosen = plan.settings.company_ids.as_ref();
    let chosen = chosen.map(|ids| company_mapping::Column::CompanyId.is_in(ids.iter().copied()));
    let chosen = Condition::all().add_option(chosen);
    mapped::by_external_id(tx, plan.organization_id, plan.psa_connection_id, ids, chosen).await
}

/// The row as it is to be written; none where it is as it was.
fn settle(
    known: Option<&contact::Model>,
    new: &contact::Model,
    counts: &mut Counts,
) -> Option<contact::Model> {
    let Some(old) = known else {
        counts.created += 1;
        return Some(new.clone());
    };
    let same =
        contact::Model { id: old.id, synced_at: old.synced_at, changed_at: old.changed_at, ..new.clone() };
    if same == *old {
        counts.unchanged += 1;
        return None;
    }
    counts.updated += 1;
    Some(contact::Model { id: old.id, changed_at: Some(new.synced_at), ..new.clone() })
}

/// A contact from outside as a row.
fn read(
    ground: &Ground,
    plan: Plan<'_>,
    psa_company_id: Uuid,
    item: &RemoteContact,
) -> Result<contact::Model, Failure> {
    let now = ground.clock.now();
    let text = |text: &str| plain(text, MAX_TEXT);
    let external_id = plain(&item.external_id, usize::MAX);
    let emails: Vec<&str> =
        item.emails.iter().map(|email| email.trim()).filter(|email| email_key(email).is_some()).collect();
    let email = text(emails.first().copied().unwrap_or_default());
    let name = Some(text(&item.name)).filter(|name| !name.is_empty());
    let length = external_id.chars().count();
    if external_id.is_empty() || length > MAX_EXTERNAL_ID {
        let message = format!(
            "their id in the PSA has {length} characters, 1 to {MAX_EXTERNAL_ID} are allowed; save them once in the PSA"
        );
        let external_id = Some(external_id.chars().take(MAX_TEXT).collect());
        return Err(Failure { external_id, name, message });
    }
    let fields: BTreeMap<String, String> = item
        .fields
        .iter()
        .filter(|(key, _)| plan.settings.fields.contains(key))
        .take(MAX_FIELDS)
        .map(|(key, value)| (text(key), plain(value, MAX_VALUE)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let mut keys: Vec<String> = emails.iter().take(MAX_EMAILS).filter_map(|email| email_key(email)).collect();
    keys.sort();
    keys.dedup();
    let types: Vec<&str> = item.types.iter().map(|kind| kind.label.trim()).collect();
    let or_email = || Some(email.clone()).filter(|email| !email.is_empty());
    Ok(contact::Model {
        id: ground.chance.id(now),
        organization_id: plan.organization_id,
        psa_connection_id: plan.psa_connection_id,
        psa_company_id,
        name: name.or_else(or_email).unwrap_or_else(|| external_id.clone()),
        email,
        email_keys: keys.concat(),
        phone: plain(item.phone.as_deref().unwrap_or_default(), MAX_PHONE),
        job_title: text(item.job_title.as_deref().unwrap_or_default()),
        contact_type: Some(text(&types.join(", "))).filter(|types| !types.is_empty()),
        is_active: item.is_active,
        external_url: web_address(item.url.as_deref()),
        fields: json!(fields),
        missing_since: None,
        changed_at: None,
        synced_at: now,
        external_id,
    })
}

/// The next contacts of the copy that a run over all of them has not seen, behind the one of an id: their ids, and behind
/// which to go on.
pub async fn unseen(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    seen: &Seen,
    after: Uuid,
) -> Result<(Vec<Uuid>, Option<Uuid>), DbErr> {
    use contact::Column as C;
    let rows: Vec<(Uuid, String)> = contact::Entity::find()
        .select_only()
        .columns([C::Id, C::ExternalId])
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::MissingSince.is_null())
        .filter(C::Id.gt(after))
        .order_by_asc(C::Id)
        .limit(BATCH as u64)
        .into_tuple()
        .all(db)
        .await?;
    let next = (rows.len() == BATCH).then(|| rows.last().map(|row| row.0)).flatten();
    Ok((rows.iter().filter(|row| !seen.has(&row.1)).map(|row| row.0).collect(), next))
}

/// Marks contacts of the copy that the PSA no longer lists: they are inactive from now on.
pub async fn mark_missing(
    tx: &impl ConnectionTrait,
    organization_id: Uuid,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<(), DbErr> {
    use contact::Column as C;
    contact::Entity::update_many()
        .col_expr(C::MissingSince, Expr::value(Some(now)))
        .col_expr(C::IsActive, Expr::value(false))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::Id.is_in(ids.iter().copied()))
        .filter(C::MissingSince.is_null())
        .exec(tx)
        .await
        .map(|_| ())
}
