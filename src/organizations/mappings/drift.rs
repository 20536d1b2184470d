//! Drift: what became of a mapping's other side since it was mapped, and what would mend it.

use std::collections::HashMap;

use entity::{company, company_mapping, psa_company};
use sea_orm::{
    ColumnTrait as _, Condition, ExprTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Alias, Expr, Query},
};
use uuid::Uuid;

use crate::{
    error::Error,
    ground::Ground,
    organizations::{reach, viewer::Viewer},
};

/// What became of the PSA's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DriftKind {
    /// It has another name than when it was mapped.
    Renamed,
    /// The PSA no longer lists it, and lists another one of the same name: they were merged, it seems.
    Merged,
    /// The PSA no longer works for it.
    Inactive,
    /// The PSA no longer lists it.
    Deleted,
    /// Another company of ours is mapped to it, too.
    Shared,
}

/// What would mend it.
#[derive(Clone, Debug, PartialEq)]
pub enum Mend {
    /// Map the company to this one instead.
    MapTo(Box<psa_company::Model>),
    /// Give our company the PSA's name.
    Rename(String),
    /// Set the mapping again as it is: what is different is meant so.
    Keep,
    /// Switch the mapping off.
    Disable,
    /// Take the mapping away.
    Remove,
}

/// One thing that became of a mapping's other side.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// What.
    pub kind: DriftKind,
    /// For people.
    pub message: String,
    /// What would mend it, the best first.
    pub mends: Vec<Mend>,
}

/// The mappings that have drifted, or those that have not.
pub fn condition(has_drifted: bool) -> Condition {
    use company_mapping::Column as C;
    use psa_company::Column as P;
    let of = |column: P| Expr::col((psa_company::Entity, column));
    let this = |column: C| Expr::col((company_mapping::Entity, column));
    let other = Alias::new("other");
    let theirs = Query::select()
        .expr(Expr::value(1))
        .from(psa_company::Entity)
        .and_where(of(P::Id).eq(this(C::PsaCompanyId)))
        .cond_where(
            Condition::any()
                .add(of(P::IsActive).eq(false))
                .add(of(P::MissingSince).is_not_null())
                .add(of(P::Name).ne(this(C::PsaName))),
        )
        .take();
    let shared = Query::select()
        .expr(Expr::value(1))
        .from_as(company_mapping::Entity, other.clone())
        .and_where(Expr::col((other.clone(), C::PsaCompanyId)).eq(this(C::PsaCompanyId)))
        .and_where(Expr::col((other, C::Id)).ne(this(C::Id)))
        .take();
    let drifted = Condition::any().add(Expr::exists(theirs)).add(Expr::exists(shared));
    if has_drifted { drifted } else { Condition::all().not().add(drifted) }
}

/// What became of the other sides of several mappings in reach; what has not drifted is left out.
pub async fn of_mappings(
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Drift>>, Error> {
    let db = ground.db.reader();
    let rows = reach::by_ids::<company_mapping::Entity>(viewer, ground, ids).await?;
    let psa_ids: Vec<Uuid> = rows.values().map(|row| row.psa_company_id).collect();
    let theirs = reach::by_ids::<psa_company::Entity>(viewer, ground, &psa_ids).await?;
    let company_ids: Vec<Uuid> = rows.values().map(|row| row.company_id).collect();
    let ours = reach::by_ids::<company::Entity>(viewer, ground, &company_ids).await?;
    let counts: HashMap<Uuid, i64> = reach::rows::<company_mapping::Entity>(viewer)
        .select_only()
        .column(company_mapping::Column::PsaCompanyId)
        .column_as(company_mapping::Column::Id.count(), "count")
        .filter(company_mapping::Column::PsaCompanyId.is_in(psa_ids))
        .group_by(company_mapping::Column::PsaCompanyId)
        .into_tuple::<(Uuid, i64)>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let heirs = heirs(viewer, ground, theirs.values().filter(|row| row.missing_since.is_some())).await?;
    let mut found = HashMap::new();
    for (id, row) in rows {
        let (Some(their), Some(our)) = (theirs.get(&row.psa_company_id), ours.get(&row.company_id)) else {
            continue;
        };
        let shared = counts.get(&their.id).copied().unwrap_or_default();
        let drifts = drifts(&row, our, their, heirs.get(&their.id), shared);
        if !drifts.is_empty() {
            found.insert(id, drifts);
        }
    }
    Ok(found)
}

/// For companies that are no longer listed, those of the same name that are: one each, and none where there are several.
async fn heirs(
    viewer: &Viewer,
    ground: &Ground,
    missing: impl Iterator<Item = &psa_company::Model>,
) -> Result<HashMap<Uuid, psa_company::Model>, Error> {
    use psa_company::Column as C;
    let missing: Vec<&psa_company::Model> = missing.collect();
    let keys: Vec<&str> = missing.iter().filter_map(|row| row.match_key.as_deref()).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let alive = reach::rows::<psa_company::Entity>(viewer)
        .filter(C::PsaConnectionId.is_in(missing.iter().map(|row| row.psa_connection_id)))
        .filter(C::MatchKey.is_in(keys))
        .filter(C::MissingSince.is_null())
        .filter(C::IsActive.eq(true))
        .all(ground.db.reader())
        .await?;
    let heir = |row: &&psa_company::Model| {
        let mut same = alive.iter().filter(|other| {
            other.psa_connection_id == row.psa_connection_id
                && other.match_key == row.match_key
                && other.id != row.id
        });
        Some((row.id, same.next().filter(|_| same.next().is_none())?.clone()))
    };
    Ok(missing.iter().filter_map(heir).collect())
}

fn drifts(
    row: &company_mapping::Model,
    our: &company::Model,
    their: &psa_company::Model,
    heir: Option<&psa_company::Model>,
    shared: i64,
) -> Vec<Drift> {
    let mut found = Vec::new();
    let name = &their.name;
    if let Some(heir) = heir {
        let message = format!(
            "the PSA no longer lists \"{name}\" ({}), but \"{}\" ({}) of the same name: they were merged, it seems",
            their.external_id, heir.name, heir.external_id
        );
        let mends = vec![Mend::MapTo(Box::new(heir.clone())), Mend::Disable, Mend::Remove];
        found.push(Drift { kind: DriftKind::Merged, message, mends });
    } else if their.missing_since.is_some() {
        let message = format!(
            "the PSA no longer lists \"{name}\" ({}): it was deleted or merged there; map the company to another one",
            their.external_id
        );
        found.push(Drift { kind: DriftKind::Deleted, message, mends: vec![Mend::Disable, Mend::Remove] });
    } else if !their.is_active {
        let message = format!("\"{name}\" is inactive in the PSA: tickets for it may be refused there");
        let mends = vec![Mend::Disable, Mend::Keep, Mend::Remove];
        found.push(Drift { kind: DriftKind::Inactive, message, mends });
    }
    if let Some(then) = row.psa_name.as_ref().filter(|then| *then != name) {
        let message = format!("the PSA's company was \"{then}\" when it was mapped, and is \"{name}\" now");
        let rename = (our.name != *name).then(|| Mend::Rename(name.clone()));
        let mends = rename.into_iter().chain([Mend::Keep, Mend::Remove]).collect();
        found.push(Drift { kind: DriftKind::Renamed, message, mends });
    }
    if shared > 1 {
        let message =
            format!("{shared} companies are mapped to \"{name}\": their tickets go to one customer");
        found.push(Drift { kind: DriftKind::Shared, message, mends: vec![Mend::Keep, Mend::Remove] });
    }
    found
}
