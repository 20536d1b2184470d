//! Imports: a PSA's companies are loaded and compared with ours, looked through by somebody, and applied at once.
//!
//! *Load* is a run that reads page after page; each page's companies are stored and compared in the page's own
//! transaction ([`comparing`]). Until somebody says *finish* nothing is applied; then a run applies what was chosen, some
//! at a time ([`applying`]).
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

pub mod applying;
pub mod choosing;
pub mod comparing;
pub mod lookups;

use entity::{
    Timestamp, company_import,
    company_import::ImportState,
    company_import_item::{self, ItemAction, ItemState, Standing},
    psa_connection,
    sync_run::{self, SyncKind, SyncStatus},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _, Select,
    sea_query::{ColumnRef, Expr, IntoColumnRef as _, LockType},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    remote::CompanyFilter,
    runs::{self, tidied},
};
use crate::{
    audit::{self, Change},
    db::{
        filter::{any_of, contains},
        page::Order,
    },
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        once::Done,
        reach::{self, List},
        viewer::{Permission, Viewer},
    },
    queue::lanes,
};

/// How long an import that has ended is kept, in seconds: 30 days.
const KEPT_SECS: i64 = 30 * 86_400;
/// The longest name of who asked, in characters.
const MAX_NAME: usize = 200;

/// The companies that an import is about.
pub fn filter(import: &company_import::Model) -> CompanyFilter {
    serde_json::from_value(import.filter.clone()).unwrap_or_default()
}

fn is_open(state: ImportState) -> bool {
    matches!(state, ImportState::Loading | ImportState::Staged | ImportState::Finishing)
}

pub(super) fn wrong_state(message: &str) -> Error {
    Problem::of("id", ProblemCode::WrongState, message).into()
}

/// Begins an import: its companies are loaded in the background. One at a time a connection.
pub async fn start(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    filter: CompanyFilter,
) -> Result<company_import::Model, Error> {
    let connection = reach::by_id::<psa_connection::Entity>(viewer, ground, psa_connection_id).await?;
    viewer.may(Permission::ManageIntegrations, connection.organization_id)?;
    if !connection.is_enabled {
        let message = "the connection is switched off; switch it on first";
        return Err(Problem::of("psaConnectionId", ProblemCode::WrongState, message).into());
    }
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let import = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use company_import::Column as C;
                once.begin(tx).await?;
                let now = ground_of.clock.now();
                // Two that begin one at once queue here.
                psa_connection::Entity::find_by_id(connection.id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let ours = || {
                    company_import::Entity::find()
                        .filter(C::OrganizationId.eq(connection.organization_id))
                        .filter(C::PsaConnectionId.eq(connection.id))
                };
                let open = [ImportState::Loading, ImportState::Staged, ImportState::Finishing];
                if ours().filter(C::State.is_in(open)).one(tx).await?.is_some() {
                    let message =
                        "another import of this connection is not finished; finish or discard it first";
                    return Err(Problem::of("psaConnectionId", ProblemCode::WrongState, message).into());
                }
                company_import::Entity::delete_many()
                    .filter(C::OrganizationId.eq(connection.organization_id))
                    .filter(C::PsaConnectionId.eq(connection.id))
                    .filter(C::FinishedAt.lt(now.plus_secs(-KEPT_SECS)))
                    .exec(tx)
                    .await?;
                let filter = json!(tidied(filter));
                let kind = SyncKind::CompanyImport;
                let run =
                    runs::new(&ground_of, connection.organization_id, connection.id, kind, filter.clone());
                let import = company_import::Model {
                    id: ground_of.chance.id(now),
                    organization_id: connection.organization_id,
                    psa_connection_id: connection.id,
                    state: ImportState::Loading,
                    filter,
                    load_run_id: Some(run.id),
                    finish_run_id: None,
                    asked_by: by.name.chars().take(MAX_NAME).collect(),
                    version: 1,
                    created_at: now,
                    updated_at: now,
                    finished_at: None,
                };
                run.into_active_model().reset_all().insert(tx).await?;
                let import = import.into_active_model().reset_all().insert(tx).await?;
                lanes::wake(tx, connection.id, now).await?;
                once.finish(tx, &ground_of, &Done::row(import.id)).await?;
                let change = Change::made("companyImportStart", &import).named(connection.name);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(import)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(import)
}

/// Applies what was chosen, in the background.
pub async fn finish(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<company_import::Model, Error> {
    let import = reach::by_id::<company_import::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::ManageIntegrations, import.organization_id)?;
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let import = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use company_import_item::Column as C;
                once.begin(tx).await?;
                let import = locked(tx, id).await?;
                if import.state != ImportState::Staged {
                    return Err(wrong_state(
                        "the import is not staged: only what was loaded and looked through is applied",
                    ));
                }
                let chosen = |action| {
                    company_import_item::Entity::find()
                        .filter(C::CompanyImportId.eq(id))
                        .filter(C::State.eq(ItemState::Staged))
                        .filter(C::Action.eq(action))
                };
                let maps = chosen(ItemAction::Map).count(tx).await?;
                let creates = chosen(ItemAction::Create).count(tx).await?;
                if creates > 0 {
                    by.may(Permission::ManageCompanies, import.organization_id)?;
                }
                let now = ground_of.clock.now();
                let kind = SyncKind::CompanyImportFinish;
                let mut run =
                    runs::new(&ground_of, import.organization_id, import.psa_connection_id, kind, json!({}));
                run.total_count = i64::try_from(maps + creates).ok();
                let run_id = run.id;
                run.into_active_model().reset_all().insert(tx).await?;
                let import = company_import::Model {
                    state: ImportState::Finishing,
                    finish_run_id: Some(run_id),
                    version: import.version + 1,
                    updated_at: now,
                    ..import
                };
                let import = import.into_active_model().reset_all().update(tx).await?;
                once.finish(tx, &ground_of, &Done::row(import.id)).await?;
                let change = Change::of("companyImportFinish", &import)
                    .is("mapCount", maps)
                    .is("createCount", creates);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(import)
            })
        })
        .await?;
    ground.wake.one(crate::ground::Work::Timed);
    Ok(import)
}

/// Gives an import up: nothing, or nothing more, is applied. What was applied stays.
pub async fn discard(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<company_import::Model, Error> {
    let import = reach::by_id::<company_import::Entity>(viewer, ground, id).await?;
    viewer.may(Permission::ManageIntegrations, import.organization_id)?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let import = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now = ground_of.clock.now();
                let import = locked(tx, id).await?;
                if !is_open(import.state) {
                    return Err(wrong_state("the import has ended already; there is nothing to discard"));
                }
                let import = company_import::Model {
                    state: ImportState::Discarded,
                    version: import.version + 1,
                    updated_at: now,
                    finished_at: Some(now),
                    ..import
                };
                let import = import.into_active_model().reset_all().update(tx).await?;
                for run_id in import.load_run_id.into_iter().chain(import.finish_run_id) {
                    let why = Some("the import was discarded".to_owned());
                    match runs::end(tx, run_id, SyncStatus::Cancelled, why, now).await {
                        Ok(()) | Err(Error::NotFound) => {}
                        Err(error) => return Err(error),
                    }
                }
                company_import_item::Entity::delete_many()
                    .filter(company_import_item::Column::CompanyImportId.eq(id))
                    .filter(company_import_item::Column::State.eq(ItemState::Staged))
                    .exec(tx)
                    .await?;
                audit::record(tx, &ground_of, &by, Change::of("companyImportDiscard", &import)).await?;
                Ok::<_, Error>(import)
            })
        })
        .await?;
    Ok(import)
}

pub(super) async fn locked(
    tx: &sea_orm::DatabaseTransaction,
    id: Uuid,
) -> Result<company_import::Model, Error> {
    company_import::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?.ok_or(Error::NotFound)
}

/// The import that a run loads.
pub async fn of_run(
    db: &impl ConnectionTrait,
    run: &sync_run::Model,
) -> Result<Option<company_import::Model>, DbErr> {
    company_import::Entity::find()
        .filter(company_import::Column::OrganizationId.eq(run.organization_id))
        .filter(company_import::Column::PsaConnectionId.eq(run.psa_connection_id))
        .filter(company_import::Column::LoadRunId.eq(run.id))
        .one(db)
        .await
}

/// A run of an import has ended: what was loaded can be looked through, and what was applied is done.
pub(super) async fn run_ended(
    tx: &impl ConnectionTrait,
    run: &sync_run::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    use company_import::Column as C;
    let (of, from, to) = match run.kind {
        SyncKind::CompanyImport => (C::LoadRunId, ImportState::Loading, ImportState::Staged),
        SyncKind::CompanyImportFinish if run.status == SyncStatus::Succeeded => {
            (C::FinishRunId, ImportState::Finishing, ImportState::Finished)
        }
        SyncKind::CompanyImportFinish => (C::FinishRunId, ImportState::Finishing, ImportState::Staged),
        SyncKind::Companies
        | SyncKind::PickLists
        | SyncKind::Configurations
        | SyncKind::Contacts
        | SyncKind::Assets
        | SyncKind::Tickets => {
            return Ok(());
        }
    };
    let finished_at = (to == ImportState::Finished).then_some(now);
    company_import::Entity::update_many()
        .col_expr(C::State, Expr::value(to))
        .col_expr(C::UpdatedAt, Expr::value(now))
        .col_expr(C::FinishedAt, Expr::value(finished_at))
        .filter(C::PsaConnectionId.eq(run.psa_connection_id))
        .filter(of.eq(run.id))
        .filter(C::State.eq(from))
        .exec(tx)
        .await
        .map(|_| ())
}

/// The imports of a connection, the newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ImportList;

impl List for ImportList {
    type Entity = company_import::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<company_import::Entity> {
        reach::rows::<company_import::Entity>(viewer)
    }

    fn parent(&self) -> ColumnRef {
        company_import::Column::PsaConnectionId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<company_import::Entity> {
        Order::descending(company_import::Column::CreatedAt)
    }
}

/// The companies of an import, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ItemList {
    /// That seem to be one of these here.
    pub standings: Option<Vec<Standing>>,
    /// Of which one of these is to become.
    pub actions: Option<Vec<ItemAction>>,
    /// Of which one of these became.
    pub states: Option<Vec<ItemState>>,
    /// Part of the name.
    pub text: Option<String>,
}

impl List for ItemList {
    type Entity = company_import_item::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<company_import_item::Entity> {
        use company_import_item::Column as C;
        reach::rows::<company_import_item::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::Standing, self.standings.as_deref()))
                .add(any_of(C::Action, self.actions.as_deref()))
                .add(any_of(C::State, self.states.as_deref()))
                .add(contains(&[C::Name], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        company_import_item::Column::CompanyImportId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<company_import_item::Entity> {
        Order::ascending(company_import_item::Column::Name)
    }
}
