//! What a viewer reaches: rows by their ids, and lists below them.
//!
//! The one place that adds the organization to a query. A domain function that reads begins with
//! [`rows`], which has the wall in it, and cannot forget it.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::{collections::HashMap, hash::Hash, sync::Arc};

use entity::{
    access_token, asset, asset_link, attempt, audit_entry, billing_calendar, billing_entry, billing_line,
    billing_refresh, company, company_alias, company_import, company_import_item, company_mapping,
    company_value, company_value_mapping, company_value_sync, configuration, configuration_setup, contact,
    contact_setup, event, event_set, finding, maintenance_window, member, mute, notification,
    notification_attempt, organization, pick_list, policy, policy_snapshot, psa_billing_line, psa_company,
    psa_connection, psa_ticket, psa_ticket_note, psa_ticket_setup, subscriber_secret, sync_error, sync_run,
    sync_schedule, tally, tally_delta, ticket, ticket_operation, ticket_permission, ticket_profile,
    usage_mark, usage_report, webhook_delivery, webhook_endpoint, webhook_secret, webhook_subscriber,
};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait, QueryFilter as _, QuerySelect as _, Select,
    sea_query::{ColumnRef, Expr},
};
use uuid::Uuid;

use super::viewer::{Permission, Viewer};
use crate::{
    db::page::{self, Bound, Columns, Kept, Lean, Order, Page, Search, Slice, Wanted},
    error::Error,
    ground::Ground,
};

/// Rows that belong to an organization.
pub trait Owned: EntityTrait<Model: Send + Sync + 'static> {
    /// The column that says whose a row is.
    const OWNER: Self::Column;
    /// What looking at a row needs.
    const NEEDS: Permission = Permission::Read;

    /// Which of the rows in reach the viewer sees.
    fn seen(_viewer: &Viewer) -> Condition {
        Condition::all()
    }

    /// The rows of lists, where they leave out what is large.
    fn light(rows: Select<Self>) -> Select<Self> {
        rows
    }
}

macro_rules! owned {
    ($($table:ident)*) => {$(
        impl Owned for $table::Entity {
            const OWNER: Self::Column = $table::Column::OrganizationId;
        }
    )*};
}

owned! {
    asset asset_link company company_alias company_import company_import_item company_mapping company_value company_value_mapping company_value_sync configuration configuration_setup event event_set finding maintenance_window mute notification_attempt pick_list policy policy_snapshot psa_company psa_connection subscriber_secret sync_error sync_run sync_schedule ticket_profile webhook_endpoint webhook_secret webhook_subscriber
    contact contact_setup psa_ticket_setup
}

macro_rules! billed {
    ($($table:ident needs $needed:ident),* $(,)?) => {$(
        impl Owned for $table::Entity {
            const OWNER: Self::Column = $table::Column::OrganizationId;
            const NEEDS: Permission = Permission::$needed;
        }
    )*};
}

billed! {
    billing_calendar needs ManageBilling,
    billing_entry needs ManageBilling,
    billing_line needs ManageBilling,
    billing_refresh needs ManageBilling,
    psa_billing_line needs ManageBilling,
    usage_mark needs ReportUsage,
    usage_report needs ReportUsage,
}

impl Owned for tally::Entity {
    const OWNER: Self::Column = tally::Column::OrganizationId;

    fn seen(viewer: &Viewer) -> Condition {
        viewer.sight().sums(viewer, tally::Column::PlaceId)
    }
}

impl Owned for tally_delta::Entity {
    const OWNER: Self::Column = tally_delta::Column::OrganizationId;

    fn seen(viewer: &Viewer) -> Condition {
        viewer.sight().sums(viewer, tally_delta::Column::PlaceId)
    }
}

impl Owned for ticket::Entity {
    const OWNER: Self::Column = ticket::Column::OrganizationId;

    fn seen(viewer: &Viewer) -> Condition {
        viewer.sight().tickets(viewer)
    }
}

impl Owned for psa_ticket::Entity {
    const OWNER: Self::Column = psa_ticket::Column::OrganizationId;

    fn seen(viewer: &Viewer) -> Condition {
        viewer.sight().psa_tickets(viewer)
    }
}

impl Owned for psa_ticket_note::Entity {
    const OWNER: Self::Column = psa_ticket_note::Column::OrganizationId;

    fn seen(viewer: &Viewer) -> Condition {
        viewer.sight().psa_ticket_notes(viewer)
    }
}

impl Owned for ticket_operation::Entity {
    const OWNER: Self::Column = ticket_operation::Column::OrganizationId;

    fn seen(viewer: &Viewer) -> Condition {
        viewer.sight().operations(viewer)
    }
}

impl Owned for attempt::Entity {
    const OWNER: Self::Column = attempt::Column::OrganizationId;

    fn seen(viewer: &Viewer) -> Condition {
        viewer.sight().attempts(viewer)
    }
}

impl Owned for ticket_permission::Entity {
    const OWNER: Self::Column = ticket_permission::Column::OrganizationId;
    const NEEDS: Permission = Permission::ManageAccess;
}

impl Owned for access_token::Entity {
    const OWNER: Self::Column = access_token::Column::OrganizationId;
    const NEEDS: Permission = Permission::ManageAccess;
}

impl Owned for member::Entity {
    const OWNER: Self::Column = member::Column::OrganizationId;
    const NEEDS: Permission = Permission::ManageAccess;
}

impl Owned for audit_entry::Entity {
    const OWNER: Self::Column = audit_entry::Column::OrganizationId;
    const NEEDS: Permission = Permission::ReadAudit;
}

impl Owned for organization::Entity {
    const OWNER: Self::Column = organization::Column::Id;
}

impl Owned for webhook_delivery::Entity {
    const OWNER: Self::Column = webhook_delivery::Column::OrganizationId;

    /// Without the body, which has up to a megabyte.
    fn light(rows: Select<Self>) -> Select<Self> {
        use sea_orm::Iterable as _;
        let kept = webhook_delivery::Column::iter().filter(|c| !matches!(c, webhook_delivery::Column::Body));
        rows.select_only().columns(kept).expr_as(Expr::value(Vec::<u8>::new()), "body")
    }
}

impl Owned for notification::Entity {
    const OWNER: Self::Column = notification::Column::OrganizationId;

    /// Without the body, which has up to 64 KiB, and shows what of a ticket may be kept from the viewer.
    fn light(rows: Select<Self>) -> Select<Self> {
        use sea_orm::Iterable as _;
        let kept = notification::Column::iter().filter(|c| !matches!(c, notification::Column::Payload));
        rows.select_only().columns(kept).expr_as(Expr::value(""), "payload")
    }
}

/// Whether rows may be looked at at all.
fn may_look<E: Owned>(viewer: &Viewer) -> Result<(), Error> {
    if viewer.holds(E::NEEDS) { Ok(()) } else { Err(E::NEEDS.is_lacking()) }
}

/// Every row in the viewer's reach.
pub fn rows<E: Owned>(viewer: &Viewer) -> Select<E> {
    let rows = E::light(E::find()).filter(E::seen(viewer));
    match viewer.organization_id() {
        Some(own) => rows.filter(E::OWNER.eq(own)),
        None => rows,
    }
}

/// Rows by id; what is not there or not the viewer's is left out.
pub async fn by_ids<E: Owned>(
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, E::Model>, Error> {
    may_look::<E>(viewer)?;
    let Some(id) = page::id_column::<E>() else { return Ok(HashMap::new()) };
    let found = rows::<E>(viewer).filter(id.is_in(ids.iter().copied())).all(ground.db.reader()).await?;
    Ok(found.into_iter().map(|row| (page::id_of::<E>(&row), row)).collect())
}

/// The row of that id.
pub async fn by_id<E: Owned>(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<E::Model, Error> {
    by_ids::<E>(viewer, ground, &[id]).await?.remove(&id).ok_or(Error::NotFound)
}

/// A list below a parent: what it holds, below what, in which order.
pub trait List: Clone + Eq + Hash + Send + Sync + 'static {
    /// What it lists.
    type Entity: Owned;

    /// Where counting stops.
    const COUNT_BOUND: Option<u64> = None;

    /// The rows, from [`rows`], with the list's conditions.
    fn rows(&self, viewer: &Viewer) -> Select<Self::Entity>;

    /// The column that says below which parent a row stands.
    fn parent(&self) -> ColumnRef;

    /// The order.
    fn order(&self) -> Order<Self::Entity>;

    /// What is looked for in the rows, where these may be millions.
    fn search(&self, _viewer: &Viewer) -> Option<Search<Self::Entity>> {
        None
    }

    /// What its length adds up to for this viewer, where that is known without counting the rows.
    fn kept(&self, _viewer: &Viewer) -> Option<Vec<Kept>> {
        None
    }
}

/// What a list holds for this viewer.
pub fn wanted<L: List>(viewer: &Viewer, list: &L) -> Wanted<L::Entity> {
    Wanted {
        rows: list.rows(viewer),
        bare: L::Entity::light(L::Entity::find()),
        parent: list.parent(),
        search: list.search(viewer),
        kept: list.kept(viewer),
    }
}

/// The same page of a list below each of several parents, in one statement.
pub async fn slices<L: List>(
    viewer: &Viewer,
    ground: &Ground,
    list: &L,
    parents: &[Uuid],
    page: &Page,
) -> Result<HashMap<Uuid, Slice<<L::Entity as EntityTrait>::Model>>, Error> {
    may_look::<L::Entity>(viewer)?;
    Ok(page::slices(ground.db.reader(), &wanted(viewer, list), parents, list.order(), page).await?)
}

/// The same with these columns of the rows alone; where that is wanted, with the list's length.
pub async fn lean<L: List>(
    viewer: &Viewer,
    ground: &Ground,
    list: &L,
    parents: &[Uuid],
    page: &Page,
    (columns, is_counted): (&Columns, bool),
) -> Result<HashMap<Uuid, Arc<Lean>>, Error> {
    may_look::<L::Entity>(viewer)?;
    let (wanted, count) = (wanted(viewer, list), is_counted.then_some(Bound(L::COUNT_BOUND)));
    Ok(page::lean(ground.db.reader(), &wanted, parents, list.order(), page, columns, count).await?)
}

/// The length of a list below each of several parents, in one statement.
pub async fn counts<L: List>(
    viewer: &Viewer,
    ground: &Ground,
    list: &L,
    parents: &[Uuid],
) -> Result<HashMap<Uuid, u64>, Error> {
    may_look::<L::Entity>(viewer)?;
    Ok(page::count_by_parent(ground.db.reader(), &wanted(viewer, list), parents, L::COUNT_BOUND).await?)
}
