//! Keeping the copy in step: what is new or other is written, what is as it was is not touched.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use entity::{Timestamp, psa_company, psa_connection};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, OnConflict},
};
use serde_json::json;
use uuid::Uuid;

use super::plain;
use crate::{
    error::Error,
    ground::Ground,
    sync::{
        names,
        remote::RemoteCompany,
        runs::{Counts, Failure},
    },
};

/// How many rows go into one statement: nineteen columns each, and SQLite takes 32,766 values.
const BATCH: usize = 500;
const MAX_EXTERNAL_ID: usize = 100;
const MAX_TEXT: usize = 255;
const MAX_URL: usize = 2_000;
/// How many domains and values of one company are kept.
const MAX_LIST: usize = 20;
/// How many companies are remembered as seen by one run.
const MAX_SEEN: usize = 2_000_000;

/// What became of companies that were stored.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// How many were new, other, the same, or could not be taken.
    pub counts: Counts,
    /// Those that could not, and how to mend it.
    pub failures: Vec<Failure>,
    /// The copies as they are now, of all that could.
    pub rows: Vec<psa_company::Model>,
}

/// Stores companies as a PSA has just shown them. What is as it was is not written. Texts come from outside: they are
/// cut to their columns, and a company whose id is longer than 100 characters is left out.
pub async fn store_companies(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    companies: &[RemoteCompany],
) -> Result<Stored, DbErr> {
    use psa_company::Column as C;
    let mut stored = Stored::default();
    // One row an id: a statement may not touch a row twice.
    let mut wanted = BTreeMap::new();
    for company in companies {
        match read(ground, organization_id, psa_connection_id, company) {
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
        let known: HashMap<String, psa_company::Model> = psa_company::Entity::find()
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::PsaConnectionId.eq(psa_connection_id))
            .filter(C::ExternalId.is_in(batch.iter().map(|row| row.external_id.as_str())))
            .all(tx)
            .await?
            .into_iter()
            .map(|row| (row.external_id.clone(), row))
            .collect();
        let mut written = Vec::new();
        for row in batch {
            let (row, is_written) = settle(known.get(&row.external_id), row, &mut stored.counts);
            if is_written {
                written.push(row.clone().into_active_model().reset_all());
            }
            stored.rows.push(row);
        }
        if written.is_empty() {
            continue;
        }
        psa_company::Entity::insert_many(written)
            .on_conflict(
                OnConflict::columns([C::PsaConnectionId, C::ExternalId])
                    .update_columns([
                        C::Name,
                        C::CompanyType,
                        C::Status,
                        C::IsActive,
                        C::ExternalUrl,
                        C::SyncedAt,
                        C::Code,
                        C::Market,
                        C::EmailDomains,
                        C::ValueIds,
                        C::MatchKey,
                        C::MissingSince,
                        C::ChangedAt,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(stored)
}

/// The row as it is to stand, and whether it has to be written for that.
fn settle(
    known: Option<&psa_company::Model>,
    new: &psa_company::Model,
    counts: &mut Counts,
) -> (psa_company::Model, bool) {
    let Some(old) = known else {
        counts.created += 1;
        return (new.clone(), true);
    };
    let same = psa_company::Model {
        synced_at: old.synced_at,
        match_key: old.match_key.clone(),
        changed_at: old.changed_at,
        id: old.id,
        ..new.clone()
    };
    if same == *old {
        counts.unchanged += 1;
        // Rows of an earlier version are not known by a key yet; that is no change in the PSA.
        let keyed = psa_company::Model { match_key: new.match_key.clone(), ..same };
        let is_keyed = keyed.match_key == old.match_key;
        return (keyed, !is_keyed);
    }
    counts.updated += 1;
    (psa_company::Model { id: old.id, changed_at: Some(new.synced_at), ..new.clone() }, true)
}

/// A company from outside as a row.
fn read(
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    company: &RemoteCompany,
) -> Result<psa_company::Model, Failure> {
    let now = ground.clock.now();
    let external_id = plain(&company.external_id, usize::MAX);
    let name = Some(plain(&company.name, MAX_TEXT)).filter(|name| !name.is_empty());
    let length = external_id.chars().count();
    if external_id.is_empty() || length > MAX_EXTERNAL_ID {
        tracing::warn!(psa_connection.id = %psa_connection_id, length, "a PSA company has an unusable id");
        let message = if external_id.is_empty() {
            "the PSA gives no id for it; save the company once in the PSA, then sync again".to_owned()
        } else {
            format!(
                "its id in the PSA has {length} characters, {MAX_EXTERNAL_ID} are allowed; give it a shorter one there"
            )
        };
        let external_id = Some(external_id.chars().take(MAX_TEXT).collect());
        return Err(Failure { external_id, name, message });
    }
    let name = name.unwrap_or_else(|| external_id.clone());
    let text = |text: &Option<String>| text.as_deref().map(|text| plain(text, MAX_TEXT));
    let domains: Vec<_> = company.email_domains.iter().take(MAX_LIST).map(|d| plain(d, MAX_TEXT)).collect();
    let value = |text: &String| plain(text, MAX_TEXT);
    let value_ids: BTreeMap<&String, Vec<String>> = company
        .value_ids
        .iter()
        .map(|(list, values)| (list, values.iter().take(MAX_LIST).map(value).collect()))
        .collect();
    Ok(psa_company::Model {
        id: ground.chance.id(now),
        organization_id,
        psa_connection_id,
        match_key: Some(names::key(&name)),
        name,
        company_type: text(&company.company_type),
        status: text(&company.status),
        is_active: company.is_active,
        external_url: company.url.clone().filter(|url| is_web_address(url)),
        synced_at: now,
        external_id,
        code: company.code.as_deref().map(|code| plain(code, MAX_EXTERNAL_ID)),
        market: text(&company.market),
        email_domains: Some(json!(domains)),
        value_ids: Some(json!(value_ids)),
        missing_since: None,
        changed_at: None,
    })
}

fn is_web_address(url: &str) -> bool {
    url.len() <= MAX_URL && (url.starts_with("https://") || url.starts_with("http://"))
}

/// Which companies a run has seen: eight bytes each, kept by the node that carries it out. A run that went on somewhere
/// else has not seen everything, and then nothing is said to be missing.
#[derive(Clone, Debug, Default)]
pub struct Seen(HashSet<u64>);

impl Seen {
    /// These were seen, too. False where they are too many to remember.
    pub fn add(&mut self, rows: &[psa_company::Model]) -> bool {
        self.add_ids(rows.iter().map(|row| row.external_id.as_str()))
    }

    /// The records of these ids in the PSA were seen, too. False where they are too many to remember.
    pub fn add_ids<'a>(&mut self, external_ids: impl IntoIterator<Item = &'a str>) -> bool {
        self.0.extend(external_ids.into_iter().map(digest));
        self.0.len() <= MAX_SEEN
    }

    /// Whether the record of that id in the PSA was seen.
    pub fn has(&self, external_id: &str) -> bool {
        self.0.contains(&digest(external_id))
    }
}

fn digest(external_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    external_id.hash(&mut hasher);
    hasher.finish()
}

/// The next companies of the copy that a run over all of them has not seen, behind the one of an id: their ids, and
/// behind which to go on. `with_inactive` says whether it was to see inactive ones, too.
pub async fn unseen(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    seen: &Seen,
    with_inactive: bool,
    after: Uuid,
) -> Result<(Vec<Uuid>, Option<Uuid>), DbErr> {
    use psa_company::Column as C;
    let rows: Vec<(Uuid, String, bool)> = psa_company::Entity::find()
        .select_only()
        .columns([C::Id, C::ExternalId, C::IsActive])
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
    let is_missing = |(_, external_id, is_active): &&(Uuid, String, bool)| {
        (*is_active || with_inactive) && !seen.0.contains(&digest(external_id))
    };
    Ok((rows.iter().filter(is_missing).map(|row| row.0).collect(), next))
}

/// Marks companies of the copy that the PSA no longer lists.
pub async fn mark_missing(tx: &impl ConnectionTrait, ids: &[Uuid], now: Timestamp) -> Result<(), DbErr> {
    use psa_company::Column as C;
    psa_company::Entity::update_many()
        .col_expr(C::MissingSince, Expr::value(Some(now)))
        .filter(C::Id.is_in(ids.iter().copied()))
        .filter(C::MissingSince.is_null())
        .exec(tx)
        .await
        .map(|_| ())
}

/// All companies of a connection were read up to now.
pub async fn all_read(
    tx: &impl ConnectionTrait,
    psa_connection_id: Uuid,
    at: Timestamp,
) -> Result<(), Error> {
    psa_connection::Entity::update_many()
        .col_expr(psa_connection::Column::CompaniesSyncedAt, Expr::value(Some(at)))
        .filter(psa_connection::Column::Id.eq(psa_connection_id))
        .exec(tx)
        .await?;
    Ok(())
}
