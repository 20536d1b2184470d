//! Lists of what decides: event sets, policies, and when to keep quiet.

use entity::{Timestamp, event_set, maintenance_window, mute, policy};
use sea_orm::{ColumnTrait as _, Condition, ExprTrait as _, QueryFilter as _, Select, sea_query::ColumnRef};
use uuid::Uuid;

use super::column;
use crate::{
    db::{
        filter::{any_of, contains},
        page::Order,
    },
    organizations::{
        reach::{self, List},
        viewer::Viewer,
    },
};

/// Event sets of an organization, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventSetList {
    /// The default one, or the others.
    pub is_default: Option<bool>,
    /// Part of the name.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<event_set::Entity>>,
}

impl List for EventSetList {
    type Entity = event_set::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<event_set::Entity> {
        use event_set::Column as C;
        reach::rows::<event_set::Entity>(viewer).filter(
            Condition::all()
                .add_option(self.is_default.map(|is_default| C::IsDefault.eq(is_default)))
                .add(contains(&[C::Name], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        column(event_set::Column::OrganizationId)
    }

    fn order(&self) -> Order<event_set::Entity> {
        self.order.unwrap_or(Order::ascending(event_set::Column::Name))
    }
}

/// Policies of an organization, in the order in which they are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PolicyList {
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// For one of these event sets.
    pub event_set_ids: Option<Vec<Uuid>>,
    /// Part of the name.
    pub text: Option<String>,
}

impl List for PolicyList {
    type Entity = policy::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<policy::Entity> {
        use policy::Column as C;
        reach::rows::<policy::Entity>(viewer).filter(
            Condition::all()
                .add_option(self.is_enabled.map(|is_enabled| C::IsEnabled.eq(is_enabled)))
                .add(any_of(C::EventSetId, self.event_set_ids.as_deref()))
                .add(contains(&[C::Name], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        column(policy::Column::OrganizationId)
    }

    fn order(&self) -> Order<policy::Entity> {
        Order::ascending(policy::Column::Position)
    }
}

/// Maintenance windows of an organization, the latest to begin first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WindowList {
    /// Open by this time, or not open.
    pub is_open: Option<(bool, Timestamp)>,
    /// Those that come back every week and are open then.
    pub open_weekly: Vec<Uuid>,
    /// Over by this time, or not over yet.
    pub is_over: Option<(bool, Timestamp)>,
    /// For one of these companies; those for every company are not among them.
    pub company_ids: Option<Vec<Uuid>>,
    /// Part of the name.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<maintenance_window::Entity>>,
}

impl List for WindowList {
    type Entity = maintenance_window::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<maintenance_window::Entity> {
        use maintenance_window::Column as C;
        let open = |(is_open, now): (bool, Timestamp)| {
            let always = C::Weekly.is_null().and(C::StartsAt.lte(now)).and(C::EndsAt.gt(now));
            let open = always.or(C::Id.is_in(self.open_weekly.iter().copied()));
            if is_open { open } else { open.not() }
        };
        let over =
            |(is_over, now): (bool, Timestamp)| if is_over { C::EndsAt.lte(now) } else { C::EndsAt.gt(now) };
        reach::rows::<maintenance_window::Entity>(viewer).filter(
            Condition::all()
                .add_option(self.is_open.map(open))
                .add_option(self.is_over.map(over))
                .add(any_of(C::CompanyId, self.company_ids.as_deref()))
                .add(contains(&[C::Name], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        column(maintenance_window::Column::OrganizationId)
    }

    fn order(&self) -> Order<maintenance_window::Entity> {
        self.order.unwrap_or(Order::descending(maintenance_window::Column::StartsAt))
    }
}

/// Mutes of an organization, the newest first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MuteList {
    /// Holding by this time, or over.
    pub is_active: Option<(bool, Timestamp)>,
    /// Of one of these findings.
    pub finding_ids: Option<Vec<Uuid>>,
    /// Part of the reason, or of who muted.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<mute::Entity>>,
}

impl List for MuteList {
    type Entity = mute::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<mute::Entity> {
        use mute::Column as C;
        let active = |(is_active, now): (bool, Timestamp)| {
            if is_active { C::Until.gt(now) } else { C::Until.lte(now) }
        };
        reach::rows::<mute::Entity>(viewer).filter(
            Condition::all()
                .add_option(self.is_active.map(active))
                .add(any_of(C::FindingId, self.finding_ids.as_deref()))
                .add(contains(&[C::Reason, C::MutedBy], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        column(mute::Column::OrganizationId)
    }

    fn order(&self) -> Order<mute::Entity> {
        self.order.unwrap_or(Order::descending(mute::Column::CreatedAt))
    }
}
