//! Looking through what was loaded: what is to become of one company, or of all that are alike.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{BTreeSet, HashMap};

use entity::{
    company, company_import,
    company_import::ImportState,
    company_import_item::{self, ItemAction, ItemState, Standing},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, DatabaseTransaction, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, sea_query::Expr,
};
use uuid::Uuid;

use super::{applying::MAX_NAME, locked, wrong_state};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
};

/// How many companies are chosen for at once.
const MAX: usize = 100;

/// What is to become of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Nothing: it is left out.
    Nothing,
    /// This company of ours is mapped to it.
    Map(Uuid),
    /// A company is made, of this name or of its own.
    Create(Option<String>),
}

/// What is to become of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhatOfAll {
    /// The suggested company is mapped, where there is one suggestion that stands apart and is at least that sure, in
    /// hundredths; where something was chosen already it stays.
    TakeSuggestions(u32),
    /// A company is made for each that none of ours is like; where something was chosen already it stays.
    CreateUnmatched,
    /// A company is made for each that is neither mapped nor chosen for.
    CreateRemaining,
    /// Nothing, of any of them.
    Nothing,
}

/// An import that can be looked through: staged, or finished with some that failed.
async fn staged(tx: &DatabaseTransaction, id: Uuid) -> Result<company_import::Model, Error> {
    let import = locked(tx, id).await?;
    match import.state {
        ImportState::Staged => Ok(import),
        ImportState::Finished => {
            let open = company_import::Entity::find()
                .filter(company_import::Column::OrganizationId.eq(import.organization_id))
                .filter(company_import::Column::PsaConnectionId.eq(import.psa_connection_id))
                .filter(company_import::Column::State.is_in([
                    ImportState::Loading,
                    ImportState::Staged,
                    ImportState::Finishing,
                ]))
                .one(tx)
                .await?;
            match open {
                Some(_) => {
                    Err(wrong_state("another import of this connection has begun since; choose there"))
                }
                None => Ok(import),
            }
        }
        ImportState::Loading => Err(wrong_state("the import is still loading; wait until its run has ended")),
        ImportState::Finishing => {
            Err(wrong_state("the import is being applied; wait until its run has ended"))
        }
        ImportState::Discarded => Err(wrong_state("the import was discarded; start another one")),
    }
}

/// The import is staged, again where it was finished.
async fn changed(
    tx: &DatabaseTransaction,
    ground: &Ground,
    import: company_import::Model,
) -> Result<company_import::Model, Error> {
    let import = company_import::Model {
        state: ImportState::Staged,
        finished_at: None,
        version: import.version + 1,
        updated_at: ground.clock.now(),
        ..import
    };
    Ok(import.into_active_model().reset_all().update(tx).await?)
}

/// Chooses what is to become of some companies of an import, all or nothing.
pub async fn choose(
    viewer: &Viewer,
    ground: &Ground,
    import_id: Uuid,
    choices: Vec<(Uuid, What)>,
) -> Result<(company_import::Model, Vec<company_import_item::Model>), Error> {
    let import = reach::by_id::<company_import::Entity>(viewer, ground, import_id).await?;
    viewer.may(Permission::ManageIntegrations, import.organization_id)?;
    let count = choices.len();
    if count == 0 || count > MAX {
        let message = format!("{count} companies are given; give 1 to {MAX}");
        return Err(Problem::of("items", ProblemCode::Invalid, message).into());
    }
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use company_import_item::Column as C;
                let import = staged(tx, import_id).await?;
                let found = company_import_item::Entity::find()
                    .filter(C::CompanyImportId.eq(import_id))
                    .filter(C::Id.is_in(choices.iter().map(|(id, _)| *id)))
                    .all(tx)
                    .await?;
                let mut found: HashMap<Uuid, company_import_item::Model> =
                    found.into_iter().map(|item| (item.id, item)).collect();
                let targets: BTreeSet<Uuid> = choices
                    .iter()
                    .filter_map(|(_, what)| if let What::Map(id) = what { Some(*id) } else { None })
                    .collect();
                let known: BTreeSet<Uuid> = company::Entity::find()
                    .filter(company::Column::OrganizationId.eq(import.organization_id))
                    .filter(company::Column::Id.is_in(targets))
                    .all(tx)
                    .await?
                    .into_iter()
                    .map(|row| row.id)
                    .collect();
                let (mut rows, mut problems) = (Vec::new(), Vec::new());
                for (index, (id, what)) in choices.into_iter().enumerate() {
                    let Some(item) = found.remove(&id) else {
                        let message =
                            "this company is not in the import, or was given twice; take ids from its items";
                        problems
                            .push(Problem::of("id", ProblemCode::NotFound, message).within("items", index));
                        continue;
                    };
                    match check(item, what, &known) {
                        Ok(item) => rows.push(item),
                        Err(problem) => problems.push(problem.within("items", index)),
                    }
                }
                if !problems.is_empty() {
                    return Err(Error::Invalid(problems));
                }
                let now = ground_of.clock.now();
                let mut items = Vec::new();
                for item in rows {
                    let item = company_import_item::Model { updated_at: now, ..item };
                    items.push(item.into_active_model().reset_all().update(tx).await?);
                }
                let import = changed(tx, &ground_of, import).await?;
                let change = Change::of("companyImportChoose", &import).is("itemCount", items.len());
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>((import, items))
            })
        })
        .await
}

/// The item with what was chosen for it.
fn check(
    item: company_import_item::Model,
    what: What,
    known: &BTreeSet<Uuid>,
) -> Result<company_import_item::Model, Problem> {
    if item.state == ItemState::Applied {
        let message = "it was applied already; change its mapping instead";
        return Err(Problem::of("id", ProblemCode::WrongState, message));
    }
    if item.standing == Standing::Mapped && what != What::Nothing {
        let message = "it is mapped already; change that mapping, or copy it to another company";
        return Err(Problem::of("id", ProblemCode::WrongState, message));
    }
    let item =
        company_import_item::Model { state: ItemState::Staged, problem: None, company_name: None, ..item };
    match what {
        What::Nothing => {
            let company_id = item.company_id.filter(|_| item.standing == Standing::Mapped);
            Ok(company_import_item::Model { action: ItemAction::None, company_id, ..item })
        }
        What::Map(id) if known.contains(&id) => {
            Ok(company_import_item::Model { action: ItemAction::Map, company_id: Some(id), ..item })
        }
        What::Map(_) => {
            let message = "there is no such company in this organization; take the id from a list of them";
            Err(Problem::of("companyId", ProblemCode::NotFound, message))
        }
        What::Create(name) => {
            let name = name.map(|name| name.trim().to_owned());
            if name.as_ref().is_some_and(|name| name.is_empty() || name.chars().any(char::is_control)) {
                let message = "write the name on one line, or leave it out for the PSA's own";
                return Err(Problem::of("name", ProblemCode::Invalid, message));
            }
            if name.as_ref().unwrap_or(&item.name).chars().count() > MAX_NAME {
                let message = format!("{MAX_NAME} characters are allowed; give a shorter name");
                return Err(Problem::of("name", ProblemCode::TooLong, message));
            }
            let action = ItemAction::Create;
            Ok(company_import_item::Model { action, company_id: None, company_name: name, ..item })
        }
    }
}

/// Chooses for all companies of an import that are alike. Gives for how many.
pub async fn choose_all(
    viewer: &Viewer,
    ground: &Ground,
    import_id: Uuid,
    what: WhatOfAll,
) -> Result<(company_import::Model, u64), Error> {
    let import = reach::by_id::<company_import::Entity>(viewer, ground, import_id).await?;
    viewer.may(Permission::ManageIntegrations, import.organization_id)?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use company_import_item::Column as C;
                let import = staged(tx, import_id).await?;
                let unchosen = Condition::all().add(C::Action.eq(ItemAction::None));
                let (action, company, which) = match what {
                    WhatOfAll::TakeSuggestions(least) => (
                        ItemAction::Map,
                        Expr::col(C::BestCompanyId),
                        unchosen
                            .add(C::Standing.is_in([Standing::Suggested, Standing::Exact]))
                            .add(C::Score.gte(i32::try_from(least).unwrap_or(i32::MAX))),
                    ),
                    WhatOfAll::CreateUnmatched => (
                        ItemAction::Create,
                        Expr::value(None::<Uuid>),
                        unchosen.add(C::Standing.eq(Standing::Unmatched)),
                    ),
                    WhatOfAll::CreateRemaining => (
                        ItemAction::Create,
                        Expr::value(None::<Uuid>),
                        unchosen.add(C::Standing.ne(Standing::Mapped)),
                    ),
                    WhatOfAll::Nothing => (
                        ItemAction::None,
                        Expr::value(None::<Uuid>),
                        Condition::all().add(C::Action.ne(ItemAction::None)),
                    ),
                };
                let chosen = company_import_item::Entity::update_many()
                    .col_expr(C::Action, Expr::value(action))
                    .col_expr(C::CompanyId, company)
                    .col_expr(C::State, Expr::value(ItemState::Staged))
                    .col_expr(C::UpdatedAt, Expr::value(ground_of.clock.now()))
                    .filter(C::CompanyImportId.eq(import_id))
                    .filter(C::State.ne(ItemState::Applied))
                    .filter(which)
                    .exec(tx)
                    .await?
                    .rows_affected;
                let import = changed(tx, &ground_of, import).await?;
                let change = Change::of("companyImportChooseAll", &import).is("itemCount", chosen);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>((import, chosen))
            })
        })
        .await
}
