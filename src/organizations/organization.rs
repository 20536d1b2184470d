//! Organizations: made by operators of the installation, each with its built-in policy.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::organization;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, Set,
};
use uuid::Uuid;

use super::{
    form::{Form, taken},
    once::Done,
    policies, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
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
    let slug = new.slug.trim().to_owned();
    if !is_slug(&slug) {
        let message = "a slug has 2 to 64 characters, of a to z, 0 to 9 and hyphens; e.g. acme-it";
        form.add(Problem::of("slug", ProblemCode::Invalid, message));
    }
    let name = form.name(&new.name);
    form.finish()?;
    let now = ground.clock.now();
    let id = ground.chance.id(now);
    let policy = policies::built_in(id, ground.chance.id(now), now);
    let row = organization::ActiveModel {
        id: Set(id),
        slug: Set(slug.clone()),
        name: Set(name),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let in_use = format!("the slug {slug} is another organization's; choose a different one");
                let made = row.insert(tx).await.map_err(taken("slug", in_use))?;
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

fn is_slug(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The organization of that id, where it is in reach.
pub async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<organization::Model, Error> {
    viewer.may(Permission::Read, id)?;
    organization::Entity::find_by_id(id).one(ground.db.reader()).await?.ok_or(Error::NotFound)
}

/// The organization of that slug, where it is in reach.
pub async fn by_slug(viewer: &Viewer, ground: &Ground, slug: &str) -> Result<organization::Model, Error> {
    let found = organization::Entity::find()
        .filter(organization::Column::Slug.eq(slug))
        .one(ground.db.reader())
        .await?;
    found.filter(|row| viewer.reaches(row.id)).ok_or(Error::NotFound)
}

/// Changes an organization's name where its version is the expected one, or none is expected; the slug stays, for scripts and addresses rely on it.
pub async fn rename(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    name: Option<&str>,
    expected_version: Option<i32>,
) -> Result<organization::Model, Error> {
    viewer.may(Permission::ManageOrganization, id)?;
    let mut form = Form::default();
    let name = form.name_change(name);
    form.finish()?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = versions::locked::<organization::Entity>(tx, id, expected_version).await?;
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                row.version = Set(old.version + 1);
                row.updated_at = Set(ground_of.clock.now());
                let new = row.update(tx).await?;
                let change = Change::between("organizationUpdate", &old, &new);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok(new)
            })
        })
        .await
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
        let renamed = rename(&admin, &ground, acme.id, Some(" Acme IT "), None).await.unwrap();
        assert_eq!(renamed.name, "Acme IT");
    }

    #[tokio::test]
    async fn a_strangers_organization_is_not_found() {
        let ground = testing::ground().await;
        let (acme, _) = ground.organization("acme").await;
        let (_, neighbour) = ground.organization("globex").await;
        assert!(matches!(by_id(&neighbour, &ground, acme.id).await, Err(Error::NotFound)));
        assert!(matches!(by_slug(&neighbour, &ground, "acme").await, Err(Error::NotFound)));
        assert!(matches!(rename(&neighbour, &ground, acme.id, Some("x"), None).await, Err(Error::NotFound)));
        assert_eq!(by_slug(&Viewer::gateway(), &ground, "acme").await.unwrap().id, acme.id);
    }
}
