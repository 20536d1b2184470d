//! Comparing a PSA's companies with ours: what each seems to be here, with score and reasons.
//!
//! A page of companies is compared in a handful of statements, whatever there is: names are looked up in an index, and
//! words that many companies have are left out.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use entity::{
    company, company_import,
    company_import_item::{self, ItemAction, ItemState, Standing},
    company_lookup, company_mapping, psa_company,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, OnConflict},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::lookups;
use crate::{ground::Ground, sync::names};

/// How many lookups one statement asks for.
const LOOKUPS: usize = 2_000;
/// A lookup that more companies have says nothing.
const COMMON: i64 = 25;
/// How many suggestions are kept: the best, and runners-up.
const KEPT: usize = 3;
/// The least score that is worth showing, in hundredths.
const LEAST: u32 = 55;
/// Two suggestions that are nearer than that are not told apart by a machine.
const APART: u32 = 10;
/// How many rows go into one statement.
const ROWS: usize = 500;

/// A company of ours that a company of the PSA might be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Which.
    pub company_id: Uuid,
    /// How sure that is, in hundredths.
    pub score: u32,
    /// Why, for people; the strongest first.
    pub reasons: Vec<String>,
}

/// The suggestions of an item, the best first.
pub fn suggestions(item: &company_import_item::Model) -> Vec<Suggestion> {
    serde_json::from_value(item.suggestions.clone()).unwrap_or_default()
}

/// Adds companies of the PSA to an import, each with what it seems to be here.
pub async fn add(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    import: &company_import::Model,
    rows: &[psa_company::Model],
) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let known = Known::read(tx, import, rows).await?;
    let twice = twice(tx, import, rows).await?;
    let items: Vec<_> = rows.iter().map(|row| item(ground, import, row, &known, &twice)).collect();
    for some in items.chunks(ROWS) {
        let rows = some.iter().cloned().map(|row| row.into_active_model().reset_all());
        company_import_item::Entity::insert_many(rows)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    // One of an earlier page that looked like the only one of its name.
    if !twice.is_empty() {
        use company_import_item::Column as C;
        company_import_item::Entity::update_many()
            .col_expr(C::Standing, Expr::value(Standing::Ambiguous))
            .col_expr(C::Action, Expr::value(ItemAction::None))
            .col_expr(C::CompanyId, Expr::value(None::<Uuid>))
            .filter(C::CompanyImportId.eq(import.id))
            .filter(C::NameKey.is_in(twice.iter().map(String::as_str)))
            .filter(C::Standing.eq(Standing::Exact))
            .exec(tx)
            .await?;
    }
    Ok(())
}

fn name_key(name: &str) -> String {
    name.trim().to_lowercase().chars().take(255).collect()
}

/// The names of these that several active companies of the PSA have.
async fn twice(
    tx: &impl ConnectionTrait,
    import: &company_import::Model,
    rows: &[psa_company::Model],
) -> Result<HashSet<String>, DbErr> {
    use psa_company::Column as C;
    let keys: BTreeSet<&str> = rows.iter().filter_map(|row| row.match_key.as_deref()).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    let mut counts: HashMap<String, u32> = HashMap::new();
    for some in keys.chunks(LOOKUPS) {
        let names: Vec<String> = psa_company::Entity::find()
            .select_only()
            .column(C::Name)
            .filter(C::OrganizationId.eq(import.organization_id))
            .filter(C::PsaConnectionId.eq(import.psa_connection_id))
            .filter(C::MatchKey.is_in(some.iter().copied()))
            .filter(C::IsActive.eq(true))
            .filter(C::MissingSince.is_null())
            .into_tuple()
            .all(tx)
            .await?;
        for name in names {
            *counts.entry(name_key(&name)).or_default() += 1;
        }
    }
    Ok(counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect())
}

/// What companies of ours could be meant, and which are taken.
struct Known {
    /// Companies by what they are found by.
    found: HashMap<String, Vec<Uuid>>,
    /// Their names, and the names' keys.
    names: HashMap<Uuid, (String, String)>,
    /// What companies of the PSA are mapped from, on this connection.
    mapped: HashMap<Uuid, Uuid>,
    /// Companies that are mapped on this connection.
    taken: HashSet<Uuid>,
}

fn wanted(row: &psa_company::Model) -> BTreeSet<String> {
    let mut all = names::lookups(row.match_key.as_deref().unwrap_or_default());
    all.extend(lookups::of_id(&row.external_id));
    all.extend(row.code.as_deref().and_then(lookups::of_id));
    all.extend(domains(row).iter().map(|domain| lookups::of_domain(domain)));
    all
}

fn domains(row: &psa_company::Model) -> Vec<String> {
    row.email_domains.clone().and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

impl Known {
    async fn read(
        tx: &impl ConnectionTrait,
        import: &company_import::Model,
        rows: &[psa_company::Model],
    ) -> Result<Self, DbErr> {
        use company_lookup::Column as L;
        use company_mapping::Column as M;
        let lookups: BTreeSet<String> = rows.iter().flat_map(wanted).collect();
        let lookups: Vec<String> = lookups.into_iter().collect();
        let mut found: HashMap<String, Vec<Uuid>> = HashMap::new();
        for some in lookups.chunks(LOOKUPS) {
            let of = |column: L| {
                company_lookup::Entity::find()
                    .select_only()
                    .column(column)
                    .filter(L::OrganizationId.eq(import.organization_id))
            };
            let rare: Vec<String> = of(L::Lookup)
                .filter(L::Lookup.is_in(some.iter().map(String::as_str)))
                .group_by(L::Lookup)
                .having(Expr::col(L::Id).count().lte(COMMON))
                .into_tuple()
                .all(tx)
                .await?;
            let rows: Vec<(String, Uuid)> =
                of(L::Lookup).column(L::CompanyId).filter(L::Lookup.is_in(rare)).into_tuple().all(tx).await?;
            for (lookup, company_id) in rows {
                found.entry(lookup).or_default().push(company_id);
            }
        }
        let candidates: BTreeSet<Uuid> = found.values().flatten().copied().collect();
        let candidates: Vec<Uuid> = candidates.into_iter().collect();
        let (mut names, mut taken) = (HashMap::new(), HashSet::new());
        for some in candidates.chunks(LOOKUPS) {
            let rows: Vec<(Uuid, String)> = company::Entity::find()
                .select_only()
                .columns([company::Column::Id, company::Column::Name])
                .filter(company::Column::OrganizationId.eq(import.organization_id))
                .filter(company::Column::Id.is_in(some.iter().copied()))
                .into_tuple()
                .all(tx)
                .await?;
            names.extend(rows.into_iter().map(|(id, name)| {
                let key = names::key(&name);
                (id, (name, key))
            }));
            let rows: Vec<Uuid> = company_mapping::Entity::find()
                .select_only()
                .column(M::CompanyId)
                .filter(M::OrganizationId.eq(import.organization_id))
                .filter(M::PsaConnectionId.eq(import.psa_connection_id))
                .filter(M::CompanyId.is_in(some.iter().copied()))
                .into_tuple()
                .all(tx)
                .await?;
            taken.extend(rows);
        }
        let mut mapped = HashMap::new();
        for some in rows.chunks(LOOKUPS) {
            let rows: Vec<(Uuid, Uuid)> = company_mapping::Entity::find()
                .select_only()
                .columns([M::PsaCompanyId, M::CompanyId])
                .filter(M::OrganizationId.eq(import.organization_id))
                .filter(M::PsaCompanyId.is_in(some.iter().map(|row| row.id)))
                .into_tuple()
                .all(tx)
                .await?;
            mapped.extend(rows);
        }
        Ok(Self { found, names, mapped, taken })
    }

    /// The companies that one of the PSA might be, the likeliest first; whether the first has its very name.
    fn suggest(&self, row: &psa_company::Model) -> (Vec<Suggestion>, bool) {
        let key = row.match_key.as_deref().unwrap_or_default();
        let mut evidence: BTreeMap<Uuid, Vec<(u32, String)>> = BTreeMap::new();
        for lookup in wanted(row) {
            for company_id in self.found.get(&lookup).into_iter().flatten() {
                if self.taken.contains(company_id) {
                    continue;
                }
                let known = evidence.entry(*company_id).or_default();
                match lookup.split_once(':') {
                    Some(("d", domain)) => {
                        known.push((
                            90,
                            format!("a sender knows the company by {domain}, the domain of its addresses"),
                        ));
                    }
                    Some(("i", id)) => {
                        // A short number is somebody's id everywhere.
                        let is_weak = id.len() < 6 && id.chars().all(|c| c.is_ascii_digit());
                        known.push((
                            if is_weak { 60 } else { 88 },
                            format!("a sender knows the company by the id {id}"),
                        ));
                    }
                    _ => {}
                }
            }
        }
        let mut is_exact = Vec::new();
        let mut all = Vec::new();
        for (company_id, mut known) in evidence {
            let Some((name, our_key)) = self.names.get(&company_id) else { continue };
            if name_key(name) == name_key(&row.name) {
                known.push((100, "the same name".to_owned()));
                is_exact.push(company_id);
            } else if !key.is_empty() && our_key == key {
                known.push((95, "the same name but for legal form and spelling".to_owned()));
            } else {
                let likeness = names::likeness(our_key, key);
                if likeness >= 60 {
                    known.push((likeness * 85 / 100, format!("a similar name ({likeness} % alike)")));
                }
            }
            known.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
            let Some((best, _)) = known.first() else { continue };
            let more = u32::try_from(known.len() - 1).unwrap_or_default() * 3;
            let score = if *best == 100 { 100 } else { std::cmp::min(best + more, 99) };
            if score >= LEAST {
                let reasons = known.into_iter().map(|(_, reason)| reason).collect();
                all.push(Suggestion { company_id, score, reasons });
            }
        }
        all.sort_by_key(|suggestion| (std::cmp::Reverse(suggestion.score), suggestion.company_id));
        all.truncate(KEPT);
        let is_only =
            is_exact.len() == 1 && all.first().is_some_and(|first| is_exact.contains(&first.company_id));
        (all, is_only)
    }
}

/// A company of the PSA as an item: only the very same name, on both sides the only one, is staged by itself.
fn item(
    ground: &Ground,
    import: &company_import::Model,
    row: &psa_company::Model,
    known: &Known,
    twice: &HashSet<String>,
) -> company_import_item::Model {
    let now = ground.clock.now();
    let name_key = name_key(&row.name);
    let mapped = known.mapped.get(&row.id).copied();
    let (suggestions, is_exact) = if mapped.is_some() { (Vec::new(), false) } else { known.suggest(row) };
    let best = suggestions.first();
    let runner_up = suggestions.get(1).map_or(0, |second| second.score);
    let standing = match best {
        _ if mapped.is_some() => Standing::Mapped,
        None => Standing::Unmatched,
        Some(_) if twice.contains(&name_key) => Standing::Ambiguous,
        Some(_) if is_exact => Standing::Exact,
        Some(best) if best.score.saturating_sub(runner_up) < APART => Standing::Ambiguous,
        Some(_) => Standing::Suggested,
    };
    let best_company_id = best.map(|best| best.company_id);
    let is_exact = standing == Standing::Exact;
    company_import_item::Model {
        id: ground.chance.id(now),
        organization_id: import.organization_id,
        company_import_id: import.id,
        psa_company_id: row.id,
        name: row.name.clone(),
        name_key,
        standing,
        action: if is_exact { ItemAction::Map } else { ItemAction::None },
        state: ItemState::Staged,
        company_id: mapped.or(best_company_id.filter(|_| is_exact)),
        company_name: None,
        best_company_id,
        score: best.and_then(|best| i32::try_from(best.score).ok()),
        suggestions: json!(suggestions),
        problem: None,
        updated_at: now,
    }
}
