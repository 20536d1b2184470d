//! Companies: an organization's customers, and the names scanners know them by.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod many;

use std::collections::HashMap;

use entity::{billing_line, company, company_alias, finding, ticket};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _,
    ModelTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set, sea_query::LockType,
};
use uuid::Uuid;

use super::{
    form::{Form, no_such, removed, taken},
    organization, policies, reach, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    decisions::held,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

pub use many::{NewCompany, create_many};

/// The source of an alias that holds whichever product sends it.
pub const ANY_SOURCE: &str = "*";
/// The longest source of an alias, in characters.
pub const MAX_SOURCE: usize = 100;
/// The longest alias, in characters.
pub const MAX_ALIAS: usize = 255;

/// A sender's own name or id for a company.
#[derive(Clone, Debug)]
pub struct NewAlias {
    /// The company meant.
    pub company_id: Uuid,
    /// Which product uses it; any where there is none.
    pub source: Option<String>,
    /// The name or id as sent, upper and lower case told apart.
    pub value: String,
}

/// Makes a company.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    name: &str,
) -> Result<company::Model, Error> {
    let new = NewCompany { name: name.to_owned(), aliases: Vec::new() };
    let mut outcomes = create_many(viewer, ground, organization_id, vec![new]).await?;
    outcomes.pop().ok_or(Error::NotFound)?.map_err(Error::Invalid)
}

/// Changes a company's name where its version is the expected one, or none is expected.
pub async fn rename(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    name: Option<&str>,
    expected_version: Option<i32>,
) -> Result<company::Model, Error> {
    own(viewer, ground, id).await?;
    let mut form = Form::default();
    let name = form.name_change(name);
    form.finish()?;
    let in_use = name_in_use(name.as_deref().unwrap_or_default());
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = versions::locked::<company::Entity>(tx, id, expected_version).await?;
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                row.version = Set(old.version + 1);
                row.updated_at = Set(ground_of.clock.now());
                let new = row.update(tx).await.map_err(taken("name", in_use))?;
                audit::record(tx, &ground_of, &by, Change::between("companyUpdate", &old, &new)).await?;
                Ok(new)
            })
        })
        .await
}

/// Removes a company with its aliases and mappings; one that has findings or tickets stays, and so does the catch-all.
pub async fn delete(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<(), Error> {
    let row = own(viewer, ground, id).await?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                organization::is_no_catch_all(tx, row.organization_id, id).await?;
                let has_findings =
                    finding::Entity::find().filter(finding::Column::CompanyId.eq(id)).one(tx).await?.is_some();
                let has_tickets =
                    ticket::Entity::find().filter(ticket::Column::CompanyId.eq(id)).one(tx).await?.is_some();
                let is_billed = billing_line::Entity::find()
                    .filter(billing_line::Column::CompanyId.eq(id))
                    .one(tx)
                    .await?
                    .is_some();
                if is_billed {
                    let message = "the company has billing lines, and their ledger stays; disable them instead";
                    return Err(Problem::of("id", ProblemCode::InUse, message).into());
                }
                if has_findings || has_tickets {
                    let message = "the company has findings or tickets, and stays with them; switch ticketing \
                                   off in its mapping, or unmap it, to hear no more of it";
                    return Err(Problem::of("id", ProblemCode::InUse, message).into());
                }
                policies::forget_company(tx, row.organization_id, id, ground_of.clock.now()).await?;
                let change = Change::removed("companyDelete", &row);
                removed(&row.delete(tx).await?)?;
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Adds an alias, and decides held events again: they may belong to it. Gives the company, too.
pub async fn add_alias(
    viewer: &Viewer,
    ground: &Ground,
    new: NewAlias,
) -> Result<(company_alias::Model, company::Model), Error> {
    let company = own(viewer, ground, new.company_id).await?;
    let mut form = Form::default();
    let source = form.line("source", new.source.as_deref().unwrap_or(ANY_SOURCE), MAX_SOURCE);
    let value = form.line("value", &new.value, MAX_ALIAS);
    form.finish()?;
    let now = ground.clock.now();
    let organization_id = company.organization_id;
    let in_use = alias_in_use(&source, &value);
    let row = company_alias::ActiveModel {
        id: Set(ground.chance.id(now)),
        organization_id: Set(organization_id),
        company_id: Set(company.id),
        source: Set(source),
        value: Set(value),
        created_at: Set(now),
    };
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let made = row.insert(tx).await.map_err(taken("value", in_use))?;
                held::release(tx, organization_id, now).await?;
                audit::record(tx, &ground_of, &by, Change::made("companyAliasAdd", &made)).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok((made, company))
}

/// Removes an alias, and gives the company it was of.
pub async fn remove_alias(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<company::Model, Error> {
    let found = company_alias::Entity::find_by_id(id).one(ground.db.reader()).await?;
    let alias = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    let company = own(viewer, ground, alias.company_id).await?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let change = Change::removed("companyAliasRemove", &alias);
                removed(&alias.delete(tx).await?)?;
                audit::record(tx, &ground_of, &by, change).await
            })
        })
        .await?;
    Ok(company)
}

/// The aliases of several companies in reach, in the order of their making.
pub async fn aliases(
    viewer: &Viewer,
    ground: &Ground,
    company_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<company_alias::Model>>, Error> {
    let rows = reach::rows::<company_alias::Entity>(viewer)
        .filter(company_alias::Column::CompanyId.is_in(company_ids.iter().copied()))
        .order_by_asc(company_alias::Column::Id)
        .all(ground.db.reader())
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        found.entry(row.company_id).or_default().push(row);
    }
    Ok(found)
}

/// Holds a company of an input's field where it is until the transaction ends: somebody may be removing it.
pub(super) async fn hold(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    id: Option<Uuid>,
    field: &str,
) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    let found = company::Entity::find_by_id(id)
        .filter(company::Column::OrganizationId.eq(organization_id))
        .lock(LockType::KeyShare)
        .one(tx)
        .await?;
    found.map(|_| ()).ok_or_else(|| no_such(field, "company").into())
}

/// A company in reach that the viewer may change.
async fn own(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<company::Model, Error> {
    let found = company::Entity::find_by_id(id).one(ground.db.reader()).await?;
    let row = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::ManageCompanies, row.organization_id)?;
    Ok(row)
}

fn alias_in_use(source: &str, value: &str) -> String {
    let source = if source == ANY_SOURCE { "any source" } else { source };
    format!("\"{value}\" of {source} is a company's alias already; remove it there first")
}

fn name_in_use(name: &str) -> String {
    format!("another company of this organization is named {name}; choose a different name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn alias(company_id: Uuid, source: Option<&str>, value: &str) -> NewAlias {
        NewAlias { company_id, source: source.map(str::to_owned), value: value.to_owned() }
    }

    #[tokio::test]
    async fn an_alias_belongs_to_one_company_until_it_is_removed() {
        let ground = testing::ground().await;
        let (acme, admin) = ground.organization("acme").await;
        let bakery = create(&admin, &ground, acme.id, "Bakery").await.unwrap();
        let mill = create(&admin, &ground, acme.id, "Mill").await.unwrap();
        add_alias(&admin, &ground, alias(bakery.id, None, "c-1")).await.unwrap();
        let (exact, _) = add_alias(&admin, &ground, alias(mill.id, Some("trivy"), " c-1 ")).await.unwrap();
        let again = add_alias(&admin, &ground, alias(bakery.id, Some("trivy"), "c-1")).await;
        let Err(Error::Invalid(problems)) = again else { panic!("one alias for two companies") };
        assert_eq!((problems[0].code, problems[0].field[0].as_str()), (ProblemCode::Taken, "value"));
        assert_eq!(remove_alias(&admin, &ground, exact.id).await.unwrap().id, mill.id);
        add_alias(&admin, &ground, alias(bakery.id, Some("trivy"), "c-1")).await.unwrap();
        delete(&admin, &ground, bakery.id).await.unwrap();
        add_alias(&admin, &ground, alias(mill.id, None, "c-1")).await.unwrap();
    }

    #[tokio::test]
    async fn a_neighbour_neither_sees_nor_changes_a_company() {
        let ground = testing::ground().await;
        let (acme, admin) = ground.organization("acme").await;
        let (globex, neighbour) = ground.organization("globex").await;
        let bakery = create(&admin, &ground, acme.id, "Bakery").await.unwrap();
        let (made, _) = add_alias(&admin, &ground, alias(bakery.id, None, "c-1")).await.unwrap();
        assert!(matches!(
            rename(&neighbour, &ground, bakery.id, Some("x"), None).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(delete(&neighbour, &ground, bakery.id).await, Err(Error::NotFound)));
        let added = add_alias(&neighbour, &ground, alias(bakery.id, None, "c-2")).await;
        assert!(matches!(added, Err(Error::NotFound)));
        assert!(matches!(remove_alias(&neighbour, &ground, made.id).await, Err(Error::NotFound)));
        assert!(matches!(create(&neighbour, &ground, acme.id, "Mill").await, Err(Error::NotFound)));
        create(&neighbour, &ground, globex.id, "Bakery")
            .await
            .expect("a name is free in another organization");
    }
}
