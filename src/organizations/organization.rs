//! Organizations: made by operators of the installation, each with its built-in policy.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{Timestamp, organization};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set, sea_query::LockType,
};
use uuid::Uuid;

use super::{
    companies,
    form::{Form, taken},
    once::Done,
    policies, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    decisions::held,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

/// An organization to be made.
#[derive(Clone, Debug)]
pub struct NewOrganization {
    /// Short name in addresses and commands: 2 to 64 of `a-z`, `0-9` and `-`; unique in the installation.
    pub slug: String,
    /// Name for people, at most 200 characters.
    pub name: String,
}

/// Makes an organization and its built-in policy. For administrators of the installation.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    new: NewOrganization,
) -> Result<organization::Model, Error> {
    viewer.may_operate_installation()?;
    let mut form = Form::default();
    let row = draft(&mut form, ground, &new);
    form.finish()?;
    let now = ground.clock.now();
    let policy = policies::built_in(row.id, ground.chance.id(now), now);
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let made = insert(tx, row).await?;
                policy.insert(tx).await?;
                once.finish(tx, &ground_of, &Done::row(made.id)).await?;
                // What an operator does with the installation stands in the installation's log.
                let change = Change::made("organizationCreate", &made).in_installation();
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    tracing::info!(organization.id = %made.id, by = viewer.name, "an organization was made");
    Ok(made)
}

/// The row of an organization to be made.
pub(super) fn draft(form: &mut Form, ground: &Ground, new: &NewOrganization) -> organization::Model {
    let slug = new.slug.trim().to_owned();
    if !is_slug(&slug) {
        let message = "a slug has 2 to 64 characters, of a to z, 0 to 9 and hyphens; e.g. acme-it";
        form.add(Problem::of("slug", ProblemCode::Invalid, message));
    }
    let now = ground.clock.now();
    organization::Model {
        id: ground.chance.id(now),
        slug,
        name: form.name(&new.name),
        is_ticketing_enabled: true,
        catch_all_company_id: None,
        merged_into_id: None,
        merged_at: None,
        moving_to: None,
        moved_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// Stores it, where no other has its slug.
pub(super) async fn insert(
    tx: &DatabaseTransaction,
    row: organization::Model,
) -> Result<organization::Model, Error> {
    let in_use = slug_is_taken(&row.slug);
    row.into_active_model().reset_all().insert(tx).await.map_err(taken("slug", in_use))
}

/// What is wrong with a slug that another organization has.
pub(super) fn slug_is_taken(slug: &str) -> String {
    format!("the slug {slug} is another organization's; choose a different one")
}

fn is_slug(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The organization of that id, where it is in reach.
pub async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<organization::Model, Error> {
    viewer.may(Permission::Read, id)?;
    organization::Entity::find_by_id(id).one(ground.db.reader()).await?.ok_or(Error::NotFound)
}

/// The same, to make something in it: one that was merged into another takes nothing any more.
pub(crate) async fn living(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<organization::Model, Error> {
    let found = by_id(viewer, ground, id).await?;
    match was_merged(&found, "organizationId") {
        Some(problem) => Err(problem.into()),
        None => Ok(found),
    }
}

/// The organization that a field of an input names.
pub(super) async fn named(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    field: &str,
) -> Result<organization::Model, Error> {
    by_id(viewer, ground, id).await.map_err(|error| match error {
        Error::NotFound => {
            let message = "there is no such organization; look at `organizations`";
            Problem::of(field, ProblemCode::NotFound, message).into()
        }
        other => other,
    })
}

/// What is wrong with naming an organization that was merged into another.
pub(super) fn was_merged(row: &organization::Model, field: &str) -> Option<Problem> {
    if let Some(there) = &row.moving_to {
        let message = format!(
            "the organization {} lives in the shard {there}, or is on its way there; ask there (header PSA-Gateway-Shard)",
            row.slug
        );
        return Some(Problem::of(field, ProblemCode::WrongState, message));
    }
    row.merged_into_id?;
    let message = format!(
        "the organization {} was merged into another one (`mergedInto`), which has all that it had; name that one",
        row.slug
    );
    Some(Problem::of(field, ProblemCode::WrongState, message))
}

/// Whether an organization is served from this database. Where it is on its way from or to another one, nobody can say
/// anything for it just now.
pub async fn is_here(ground: &Ground, id: Uuid) -> Result<bool, Error> {
    let found: Option<(Option<String>, Option<Timestamp>)> = organization::Entity::find_by_id(id)
        .select_only()
        .columns([organization::Column::MovingTo, organization::Column::MovedAt])
        .into_tuple()
        .one(ground.db.reader())
        .await?;
    match found {
        Some((Some(_), None)) => {
            Err(Error::Unavailable(DbErr::Custom("the organization is being moved to another shard".into())))
        }
        Some((None, _)) => Ok(true),
        Some((Some(_), Some(_))) | None => Ok(false),
    }
}

/// The organization of that slug, where it is in reach.
pub async fn by_slug(viewer: &Viewer, ground: &Ground, slug: &str) -> Result<organization::Model, Error> {
    let found = organization::Entity::find()
        .filter(organization::Column::Slug.eq(slug))
        .one(ground.db.reader())
        .await?;
    found.filter(|row| viewer.reaches(row.id)).ok_or(Error::NotFound)
}

/// Every organization that has a row in this database, by slug: those that were merged or live elsewhere, too. For operators
/// of the installation.
pub async fn all(viewer: &Viewer, ground: &Ground) -> Result<Vec<organization::Model>, Error> {
    viewer.may_operate_installation()?;
    Ok(organization::Entity::find().order_by_asc(organization::Column::Slug).all(ground.db.reader()).await?)
}

/// What is to be changed of an organization; what is none stays. The slug stays in any case: scripts and
/// addresses rely on it.
#[derive(Clone, Debug, Default)]
pub struct OrganizationChange {
    /// Another name.
    pub name: Option<String>,
    /// Whether events open tickets at all.
    pub is_ticketing_enabled: Option<bool>,
    /// The company that takes what names no known one; `Some(None)` for holding it.
    pub catch_all_company_id: Option<Option<Uuid>>,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

/// Changes an organization. Switching tickets on, and choosing a catch-all, decides held events again.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: OrganizationChange,
) -> Result<organization::Model, Error> {
    viewer.may(Permission::ManageOrganization, id)?;
    let mut form = Form::default();
    let name = form.name_change(change.name.as_deref());
    form.finish()?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = versions::locked::<organization::Entity>(tx, id, change.expected_version).await?;
                companies::hold(tx, id, change.catch_all_company_id.flatten(), "catchAllCompanyId").await?;
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                if let Some(is_enabled) = change.is_ticketing_enabled {
                    row.is_ticketing_enabled = Set(is_enabled);
                }
                if let Some(company_id) = change.catch_all_company_id {
                    row.catch_all_company_id = Set(company_id);
                }
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let new = row.update(tx).await?;
                let catches = new.catch_all_company_id.is_some()
                    && new.catch_all_company_id != old.catch_all_company_id;
                if catches || new.is_ticketing_enabled && !old.is_ticketing_enabled {
                    held::release(tx, id, now).await?;
                }
                let change = Change::between("organizationUpdate", &old, &new);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(new)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(changed)
}

/// Whether a company can go: not while it is the catch-all. Whoever chooses one waits until the transaction ends.
pub(super) async fn is_no_catch_all(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    company_id: Uuid,
) -> Result<(), Error> {
    let found = organization::Entity::find_by_id(organization_id).lock(LockType::NoKeyUpdate).one(tx).await?;
    if found.is_none_or(|row| row.catch_all_company_id != Some(company_id)) {
        return Ok(());
    }
    let message = "the company is the organization's catch-all; choose another one there first, or none";
    Err(Problem::of("id", ProblemCode::InUse, message).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_slug_is_taken_once_and_all_problems_are_told_at_once() {
        let ground = testing::ground().await;
        let (acme, admin) = ground.organization("acme").await;
        let new = |slug: &str, name: &str| NewOrganization { slug: slug.into(), name: name.into() };
        let gateway = Viewer::gateway();
        let Err(Error::Invalid(problems)) = create(&gateway, &ground, new("acme", "Other")).await else {
            panic!("a second acme");
        };
        assert_eq!((problems[0].code, problems[0].field[0].as_str()), (ProblemCode::Taken, "slug"));
        let Err(Error::Invalid(problems)) = create(&gateway, &ground, new("A b", " ")).await else {
            panic!("neither slug nor name");
        };
        assert_eq!(problems.len(), 2);
        let refused = create(&admin, &ground, new("other", "Other")).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
        let rename =
            |name: &str| OrganizationChange { name: Some(name.into()), ..OrganizationChange::default() };
        let renamed = update(&admin, &ground, acme.id, rename(" Acme IT ")).await.unwrap();
        assert_eq!(renamed.name, "Acme IT");
    }

    #[tokio::test]
    async fn a_strangers_organization_is_not_found() {
        let ground = testing::ground().await;
        let (acme, _) = ground.organization("acme").await;
        let (_, neighbour) = ground.organization("globex").await;
        assert!(matches!(by_id(&neighbour, &ground, acme.id).await, Err(Error::NotFound)));
        assert!(matches!(by_slug(&neighbour, &ground, "acme").await, Err(Error::NotFound)));
        let rename = OrganizationChange { name: Some("x".into()), ..OrganizationChange::default() };
        assert!(matches!(update(&neighbour, &ground, acme.id, rename).await, Err(Error::NotFound)));
        assert_eq!(by_slug(&Viewer::gateway(), &ground, "acme").await.unwrap().id, acme.id);
    }
}
