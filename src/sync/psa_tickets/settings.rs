//! Whether and how far back a connection's own tickets are copied.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::HashMap;

use entity::{Timestamp, company_mapping, psa_connection, psa_ticket_setup};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, LockType},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
};

/// How far back the first run reads where nobody says, in days, and at most.
const USUAL_DAYS: u32 = 90;
const MAX_DAYS: u32 = 3_650;
/// A run asks again for what changed so shortly before the last one: the PSA's clock may be behind ours, and what was
/// written a moment ago may not be listed yet.
const OVERLAP_SECS: i64 = 900;
const DAY_SECS: i64 = 86_400;

/// What somebody chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Tickets that changed within so many days are copied; older ones when they change.
    pub days: u32,
    /// With their notes.
    pub includes_notes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { days: USUAL_DAYS, includes_notes: true }
    }
}

impl Settings {
    /// Those of a row.
    pub fn of(row: &psa_ticket_setup::Model) -> Self {
        serde_json::from_value(row.settings.clone()).unwrap_or_default()
    }
}

/// What to change; what is none stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct SettingsChange {
    /// Whether tickets are copied.
    pub is_enabled: Option<bool>,
    /// How far back, in days.
    pub days: Option<u32>,
    /// Whether with their notes.
    pub includes_notes: Option<bool>,
}

/// Sets whether and how far back tickets are copied. `is_offered` says whether the platform shows its tickets.
pub async fn set(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    change: SettingsChange,
    is_offered: bool,
) -> Result<psa_connection::Model, Error> {
    let connection = reach::by_id::<psa_connection::Entity>(viewer, ground, psa_connection_id).await?;
    viewer.may(Permission::ManageIntegrations, connection.organization_id)?;
    if !is_offered {
        let message = "the API of this platform does not show its own tickets; nothing can be copied here";
        return Err(Problem::of("psaConnectionId", ProblemCode::WrongState, message).into());
    }
    if change.days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        let message = format!("1 to {MAX_DAYS} days are allowed; give a number between them");
        return Err(Problem::of("days", ProblemCode::Invalid, message).into());
    }
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // Two that set the same at once queue here.
                psa_connection::Entity::find_by_id(connection.id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let old = of_connection(tx, connection.organization_id, connection.id).await?;
                let is_new = old.is_none();
                let mut row =
                    old.unwrap_or_else(|| new(&ground_of, connection.organization_id, connection.id));
                let before = Settings::of(&row);
                let settings = Settings {
                    days: change.days.unwrap_or(before.days),
                    includes_notes: change.includes_notes.unwrap_or(before.includes_notes),
                };
                let mut entry = Change::of("psaTicketSyncSet", &connection);
                if let Some(is_enabled) = change.is_enabled {
                    entry = entry.is("isEnabled", is_enabled);
                }
                if settings != before {
                    entry = entry.was("settings", json!(before)).is("settings", json!(settings));
                }
                if settings.days > before.days {
                    // What lies further back is still to be read.
                    row.synced_at = None;
                }
                row.is_enabled = change.is_enabled.unwrap_or(row.is_enabled);
                row.settings = json!(settings);
                row.updated_at = ground_of.clock.now();
                if is_new {
                    row.into_active_model().reset_all().insert(tx).await?;
                } else {
                    row.version += 1;
                    row.into_active_model().reset_all().update(tx).await?;
                }
                audit::record(tx, &ground_of, &by, entry).await?;
                Ok::<_, Error>(connection)
            })
        })
        .await
}

fn new(ground: &Ground, organization_id: Uuid, psa_connection_id: Uuid) -> psa_ticket_setup::Model {
    let now = ground.clock.now();
    psa_ticket_setup::Model {
        id: ground.chance.id(now),
        organization_id,
        psa_connection_id,
        is_enabled: false,
        settings: json!(Settings::default()),
        synced_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// How a connection's own tickets are copied; none where nobody has set anything.
pub async fn of_connection(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
) -> Result<Option<psa_ticket_setup::Model>, DbErr> {
    psa_ticket_setup::Entity::find()
        .filter(psa_ticket_setup::Column::OrganizationId.eq(organization_id))
        .filter(psa_ticket_setup::Column::PsaConnectionId.eq(psa_connection_id))
        .one(db)
        .await
}

/// The same of several connections in reach.
pub async fn of_connections(
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, psa_ticket_setup::Model>, Error> {
    let rows = reach::rows::<psa_ticket_setup::Entity>(viewer)
        .filter(psa_ticket_setup::Column::PsaConnectionId.is_in(ids.iter().copied()))
        .all(ground.db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.psa_connection_id, row)).collect())
}

/// From when on a run asks for changes: since the run before, or as far back as was chosen where that read other companies
/// than are mapped now.
pub async fn since(
    db: &impl ConnectionTrait,
    setup: &psa_ticket_setup::Model,
    now: Timestamp,
) -> Result<Timestamp, DbErr> {
    use company_mapping::Column as M;
    let earliest = now.plus_secs(-i64::from(Settings::of(setup).days) * DAY_SECS);
    let Some(synced_at) = setup.synced_at else { return Ok(earliest) };
    let newer = company_mapping::Entity::find()
        .filter(M::OrganizationId.eq(setup.organization_id))
        .filter(M::PsaConnectionId.eq(setup.psa_connection_id))
        .filter(M::IsEnabled.eq(true))
        .filter(M::UpdatedAt.gte(synced_at))
        .one(db)
        .await?;
    Ok(if newer.is_some() { earliest } else { synced_at.plus_secs(-OVERLAP_SECS) })
}

/// All changes of a connection's tickets were read up to a time, by settings that were not changed since: then what they
/// are for now is still to be read.
pub async fn all_read(
    tx: &impl ConnectionTrait,
    psa_connection_id: Uuid,
    at: Timestamp,
) -> Result<(), DbErr> {
    use psa_ticket_setup::Column as C;
    psa_ticket_setup::Entity::update_many()
        .col_expr(C::SyncedAt, Expr::value(Some(at)))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::UpdatedAt.lte(at))
        .exec(tx)
        .await
        .map(|_| ())
}
