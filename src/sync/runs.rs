//! Runs of a sync: asked for by people and schedules, carried out by the worker that holds the connection's lane.
//!
//! A kind of run is a value of [`SyncKind`] and of [`Wanted`], a step in `workers/readings.rs`, and nothing else: its
//! place, its counts, its errors, its end and its schedule are kept here, whatever it reads.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod steps;
mod stopping;

use entity::{
    psa_connection, sync_error,
    sync_run::{self, SyncKind, SyncStatus},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    sea_query::{ColumnRef, IntoColumnRef as _, LockType},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(super) use steps::end;
pub use steps::{Counts, Failure, KEPT_ERRORS, Step, begin, fail, finish, goes_on, next_run, put_off, step};
pub use stopping::cancel;

use super::remote::CompanyFilter;
use crate::{
    audit::{self, Change},
    db::{
        filter::{Span, any_of},
        page::Order,
    },
    error::{Error, Problem, ProblemCode},
    global_id,
    ground::Ground,
    organizations::{
        once::{Done, Once},
        reach::{self, List},
        viewer::{Permission, Viewer},
    },
    queue::lanes,
};

/// What is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Companies, these.
    Companies(CompanyFilter),
    /// All pick lists.
    PickLists,
    /// Contacts, as the connection's settings say.
    Contacts,
    /// Configurations, as the connection's settings say.
    Configurations,
    /// No reading: the PSA is to be told of assets.
    Assets,
    /// The PSA's own tickets, as the connection's settings say.
    Tickets,
}

/// Asks for the pick lists on behalf of nobody: their time has come.
pub async fn request_lists(
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
) -> Result<sync_run::Model, Error> {
    request_scheduled(ground, organization_id, psa_connection_id, Wanted::PickLists).await
}

/// Asks for a run on behalf of nobody: its time has come. Where the same one waits already, that is given.
pub async fn request_scheduled(
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    wanted: Wanted,
) -> Result<sync_run::Model, Error> {
    enqueue(ground, Once::default(), organization_id, psa_connection_id, wanted, None).await
}

/// Asks for a reading. Where the same one waits already, that is given.
pub async fn request(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    wanted: Wanted,
) -> Result<sync_run::Model, Error> {
    let found = psa_connection::Entity::find_by_id(psa_connection_id).one(ground.db.reader()).await?;
    let connection = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::CheckIntegrations, connection.organization_id)?;
    if !connection.is_enabled {
        let message = "the connection is switched off; switch it on first";
        return Err(Problem::of("id", ProblemCode::WrongState, message).into());
    }
    let by = Some((viewer.clone(), connection.clone()));
    enqueue(ground, viewer.once(), connection.organization_id, connection.id, wanted, by).await
}

async fn enqueue(
    ground: &Ground,
    once: Once,
    organization_id: Uuid,
    connection_id: Uuid,
    wanted: Wanted,
    by: Option<(Viewer, psa_connection::Model)>,
) -> Result<sync_run::Model, Error> {
    let (kind, filter, action) = match wanted {
        Wanted::Companies(filter) => {
            (SyncKind::Companies, json!(tidied(filter)), "psaConnectionSyncCompanies")
        }
        Wanted::PickLists => (SyncKind::PickLists, json!({}), "psaConnectionSyncPickLists"),
        Wanted::Contacts => (SyncKind::Contacts, json!({}), "psaConnectionSyncContacts"),
        Wanted::Configurations => (SyncKind::Configurations, json!({}), "psaConnectionSyncConfigurations"),
        Wanted::Assets => (SyncKind::Assets, json!({}), "psaConnectionPushAssets"),
        Wanted::Tickets => (SyncKind::Tickets, json!({}), "psaConnectionSyncTickets"),
    };
    let now = ground.clock.now();
    let mut row = new(ground, organization_id, connection_id, kind, filter.clone());
    row.is_scheduled = by.is_none();
    let ground_of = ground.clone();
    let run = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                // Two that ask for the same at once queue here.
                psa_connection::Entity::find_by_id(connection_id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let waiting = sync_run::Entity::find()
                    .filter(sync_run::Column::OrganizationId.eq(organization_id))
                    .filter(sync_run::Column::PsaConnectionId.eq(connection_id))
                    .filter(sync_run::Column::Status.eq(SyncStatus::Queued))
                    .filter(sync_run::Column::Kind.eq(kind))
                    .order_by_asc(sync_run::Column::Id)
                    .all(tx)
                    .await?;
                if let Some(same) = waiting.into_iter().find(|run| run.filter == filter) {
                    once.finish(tx, &ground_of, &Done::row(same.id)).await?;
                    return Ok(same);
                }
                // What the connection's runs may spend of its calls may be spent for now.
                row.due_at = under_way(tx, connection_id).await?.and_then(|run| run.due_at);
                let run = row.into_active_model().reset_all().insert(tx).await?;
                lanes::wake(tx, connection_id, now).await?;
                once.finish(tx, &ground_of, &Done::row(run.id)).await?;
                if let Some((viewer, connection)) = by {
                    let mut change =
                        Change::of(action, &connection).is("syncRunId", global_id::encode("SyncRun", run.id));
                    let chosen: Map<String, Value> = run
                        .filter
                        .as_object()
                        .into_iter()
                        .flatten()
                        .filter(|(_, value)| !value.is_null() && **value != Value::Bool(false))
                        .map(|(name, value)| (name.clone(), value.clone()))
                        .collect();
                    if !chosen.is_empty() {
                        change = change.is("filter", chosen);
                    }
                    audit::record(tx, &ground_of, &viewer, change).await?;
                }
                Ok::<_, Error>(run)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(run)
}

/// A run that waits for its turn.
pub fn new(
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    kind: SyncKind,
    filter: Value,
) -> sync_run::Model {
    let now = ground.clock.now();
    sync_run::Model {
        id: ground.chance.id(now),
        organization_id,
        psa_connection_id,
        kind,
        filter,
        status: SyncStatus::Queued,
        done_count: 0,
        total_count: None,
        problem: None,
        created_at: now,
        started_at: None,
        finished_at: None,
        cursor: None,
        due_at: None,
        page_count: 0,
        created_count: 0,
        updated_count: 0,
        unchanged_count: 0,
        failed_count: 0,
        is_scheduled: false,
    }
}

/// The connection's run that is under way, where one is.
async fn under_way(
    tx: &DatabaseTransaction,
    psa_connection_id: Uuid,
) -> Result<Option<sync_run::Model>, DbErr> {
    sync_run::Entity::find()
        .filter(sync_run::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(sync_run::Column::Status.eq(SyncStatus::Running))
        .order_by_asc(sync_run::Column::Id)
        .one(tx)
        .await
}

pub(super) fn tidied(filter: CompanyFilter) -> CompanyFilter {
    let tidy = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    CompanyFilter {
        search: tidy(filter.search),
        company_type: tidy(filter.company_type),
        status: tidy(filter.status),
        market: tidy(filter.market),
        include_inactive: filter.include_inactive,
    }
}

/// Readings, the newest first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RunList {
    /// Of an organization, rather than of a connection.
    pub of_organization: bool,
    /// In one of these states.
    pub statuses: Option<Vec<SyncStatus>>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<SyncKind>>,
    /// Through one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// Asked for in this time.
    pub created: Span,
    /// Another order.
    pub order: Option<Order<sync_run::Entity>>,
}

impl List for RunList {
    type Entity = sync_run::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<sync_run::Entity> {
        use sync_run::Column as C;
        reach::rows::<sync_run::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::Status, self.statuses.as_deref()))
                .add(any_of(C::Kind, self.kinds.as_deref()))
                .add(any_of(C::PsaConnectionId, self.psa_connection_ids.as_deref()))
                .add(self.created.holds(C::CreatedAt)),
        )
    }

    fn parent(&self) -> ColumnRef {
        use sync_run::Column as C;
        let column = if self.of_organization { C::OrganizationId } else { C::PsaConnectionId };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<sync_run::Entity> {
        self.order.unwrap_or(Order::descending(sync_run::Column::CreatedAt))
    }
}

/// The errors of a run, in the order in which they were met: the first of them, the others are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ErrorList;

impl List for ErrorList {
    type Entity = sync_error::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<sync_error::Entity> {
        reach::rows::<sync_error::Entity>(viewer)
    }

    fn parent(&self) -> ColumnRef {
        sync_error::Column::SyncRunId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<sync_error::Entity> {
        Order::ascending(sync_error::Column::CreatedAt)
    }
}

/// The companies a run is to read.
pub fn company_filter(run: &sync_run::Model) -> CompanyFilter {
    serde_json::from_value(run.filter.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
