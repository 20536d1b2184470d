//! Making many companies at once, with their aliases.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{HashMap, HashSet};

use entity::{Timestamp, company, company_alias};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _, sea_query::OnConflict,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ANY_SOURCE, MAX_ALIAS, MAX_SOURCE, alias_in_use, name_in_use};
use crate::{
    audit::{self, Change},
    decisions::held,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        form::Form,
        once::Done,
        organization,
        viewer::{Permission, Viewer},
    },
};

/// How many aliases a company may be made with.
const MAX_NEW_ALIASES: usize = 20;

/// A company to be made.
#[derive(Clone, Debug)]
pub struct NewCompany {
    /// Name for people.
    pub name: String,
    /// Its aliases: source (any where there is none) and value.
    pub aliases: Vec<(Option<String>, String)>,
}

/// A company and its aliases, as they are to be written.
struct Rows {
    company: company::Model,
    aliases: Vec<company_alias::Model>,
}

type Outcome<T> = Result<T, Vec<Problem>>;

/// Makes companies with their aliases, each with its own outcome: a wrong one leaves the others done. Names
/// and aliases that are in use are looked up in one statement of each kind, and all that hold are written in one
/// of each; held events are released once, where an alias may have brought them home.
pub async fn create_many(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    wanted: Vec<NewCompany>,
) -> Result<Vec<Outcome<company::Model>>, Error> {
    viewer.may(Permission::ManageCompanies, organization_id)?;
    organization::living(viewer, ground, organization_id).await?;
    let now = ground.clock.now();
    let read: Vec<_> = wanted.into_iter().map(|new| read(ground, organization_id, now, new)).collect();
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let outcomes = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let checked = check(tx, organization_id, read).await?;
                let mut aliases = aliases(&checked);
                let has_aliases = aliases.values().any(|aliases| !aliases.is_empty());
                let outcomes = write(tx, organization_id, checked).await?;
                if has_aliases {
                    held::release(tx, organization_id, now).await?;
                }
                once.finish(tx, &ground_of, &Done::rows(&outcomes, |row: &company::Model| row.id)).await?;
                let changes = outcomes.iter().flatten().map(|made| {
                    let change = Change::made("companyCreate", made);
                    match aliases.remove(&made.id) {
                        Some(aliases) if !aliases.is_empty() => change.is("aliases", aliases),
                        _ => change,
                    }
                });
                let changes = changes.collect();
                audit::record_all(tx, &ground_of, &by, changes).await?;
                Ok::<_, Error>(outcomes)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(outcomes)
}

/// The aliases of each company, for the audit log.
fn aliases(checked: &[Outcome<Rows>]) -> HashMap<Uuid, Vec<Value>> {
    let alias = |alias: &company_alias::Model| json!({ "source": alias.source, "value": alias.value });
    let of_company = |rows: &Rows| (rows.company.id, rows.aliases.iter().map(alias).collect());
    checked.iter().flatten().map(of_company).collect()
}

/// What was typed in, as rows.
fn read(ground: &Ground, organization_id: Uuid, now: Timestamp, new: NewCompany) -> Outcome<Rows> {
    let mut form = Form::default();
    let company = company::Model {
        id: ground.chance.id(now),
        organization_id,
        name: form.name(&new.name),
        company_type_id: None,
        company_status_id: None,
        company_market_id: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let count = new.aliases.len();
    if count > MAX_NEW_ALIASES {
        let message = format!(
            "{count} aliases are given, {MAX_NEW_ALIASES} are allowed; add the others with companyAliasAdd"
        );
        form.add(Problem::of("aliases", ProblemCode::TooLong, message));
    }
    let mut aliases = Vec::new();
    for (index, (source, value)) in new.aliases.into_iter().enumerate() {
        let mut line = Form::default();
        let source = line.line("source", source.as_deref().unwrap_or(ANY_SOURCE), MAX_SOURCE);
        let value = line.line("value", &value, MAX_ALIAS);
        if let Err(problems) = line.problems() {
            form.extend(problems.into_iter().map(|problem| problem.within("aliases", index)));
        }
        let (id, company_id) = (ground.chance.id(now), company.id);
        aliases.push(company_alias::Model {
            id,
            organization_id,
            company_id,
            source,
            value,
            created_at: now,
        });
    }
    form.problems()?;
    Ok(Rows { company, aliases })
}

/// Refuses what is in use already, here or earlier in the same list.
async fn check(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    read: Vec<Outcome<Rows>>,
) -> Result<Vec<Outcome<Rows>>, DbErr> {
    use company_alias::Column as A;
    let names = read.iter().flatten().map(|rows| rows.company.name.clone());
    let mut names: HashSet<String> = company::Entity::find()
        .filter(company::Column::OrganizationId.eq(organization_id))
        .filter(company::Column::Name.is_in(names))
        .select_only()
        .column(company::Column::Name)
        .into_tuple::<String>()
        .all(tx)
        .await?
        .into_iter()
        .collect();
    let values: Vec<String> =
        read.iter().flatten().flat_map(|rows| &rows.aliases).map(|alias| alias.value.clone()).collect();
    let mut aliases = HashSet::new();
    if !values.is_empty() {
        let found = company_alias::Entity::find()
            .filter(A::OrganizationId.eq(organization_id))
            .filter(A::Value.is_in(values))
            .all(tx)
            .await?;
        aliases = found.into_iter().map(|alias| (alias.source, alias.value)).collect();
    }
    let mut check_one = |rows: Rows| {
        let mut form = Form::default();
        if !names.insert(rows.company.name.clone()) {
            form.add(name_taken(&rows.company));
        }
        for (index, alias) in rows.aliases.iter().enumerate() {
            if !aliases.insert((alias.source.clone(), alias.value.clone())) {
                form.add(alias_taken(alias, index));
            }
        }
        form.problems().map(|()| rows)
    };
    Ok(read.into_iter().map(|rows| check_one(rows?)).collect())
}

/// Writes all of them. What somebody else has written since they were checked is seen by what is missing
/// afterwards, and leaves the others alone.
async fn write(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    checked: Vec<Outcome<Rows>>,
) -> Result<Vec<Outcome<company::Model>>, DbErr> {
    let companies = checked.iter().flatten().map(|rows| rows.company.clone());
    let companies: Vec<_> = companies.map(|row| row.into_active_model().reset_all()).collect();
    if companies.is_empty() {
        return Ok(checked.into_iter().map(|rows| rows.map(|rows| rows.company)).collect());
    }
    let new: Vec<Uuid> = checked.iter().flatten().map(|rows| rows.company.id).collect();
    company::Entity::insert_many(companies)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    let made: HashSet<Uuid> = company::Entity::find()
        .select_only()
        .column(company::Column::Id)
        .filter(company::Column::OrganizationId.eq(organization_id))
        .filter(company::Column::Id.is_in(new))
        .into_tuple::<Uuid>()
        .all(tx)
        .await?
        .into_iter()
        .collect();
    let known = write_aliases(tx, organization_id, &checked, &made).await?;
    let mut lost = Vec::new();
    let outcomes = checked
        .into_iter()
        .map(|rows| {
            let rows = rows?;
            if !made.contains(&rows.company.id) {
                return Err(vec![name_taken(&rows.company)]);
            }
            let missing = |(_, alias): &(usize, &company_alias::Model)| !known.contains(&alias.id);
            let missing = rows.aliases.iter().enumerate().filter(missing);
            let problems: Vec<_> = missing.map(|(index, alias)| alias_taken(alias, index)).collect();
            if problems.is_empty() {
                return Ok(rows.company);
            }
            lost.push(rows.company.id);
            Err(problems)
        })
        .collect();
    if !lost.is_empty() {
        company::Entity::delete_many()
            .filter(company::Column::OrganizationId.eq(organization_id))
            .filter(company::Column::Id.is_in(lost))
            .exec(tx)
            .await?;
    }
    Ok(outcomes)
}

/// Writes the aliases of companies that were made; gives the ids of those that are there then.
async fn write_aliases(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    checked: &[Outcome<Rows>],
    made: &HashSet<Uuid>,
) -> Result<HashSet<Uuid>, DbErr> {
    use company_alias::Column as A;
    let rows = checked.iter().flatten().filter(|rows| made.contains(&rows.company.id));
    let aliases: Vec<_> = rows.flat_map(|rows| rows.aliases.iter().cloned()).collect();
    if aliases.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<Uuid> = aliases.iter().map(|alias| alias.id).collect();
    company_alias::Entity::insert_many(aliases.into_iter().map(|row| row.into_active_model().reset_all()))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    let known = company_alias::Entity::find()
        .select_only()
        .column(A::Id)
        .filter(A::OrganizationId.eq(organization_id))
        .filter(A::Id.is_in(ids))
        .into_tuple::<Uuid>()
        .all(tx)
        .await?;
    Ok(known.into_iter().collect())
}

fn name_taken(company: &company::Model) -> Problem {
    Problem::of("name", ProblemCode::Taken, name_in_use(&company.name))
}

fn alias_taken(alias: &company_alias::Model, index: usize) -> Problem {
    let message = alias_in_use(&alias.source, &alias.value);
    Problem::of("value", ProblemCode::Taken, message).within("aliases", index)
}
