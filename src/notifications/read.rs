//! Notifications and the tries to send them, for those who look at them.

use std::collections::HashMap;

use entity::{
    notification::{self, NotificationKind, NotificationState},
    notification_attempt,
};
use sea_orm::{
    ColumnTrait as _, Condition, QueryFilter as _, QuerySelect as _, Select,
    sea_query::{ColumnRef, IntoColumnRef as _},
};
use uuid::Uuid;

use crate::{
    db::{
        filter::{Span, any_of},
        page::Order,
    },
    error::Error,
    ground::Ground,
    organizations::{
        reach::{self, List},
        viewer::{Permission, Viewer},
    },
};

/// Below what notifications are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotificationsOf {
    /// All of an organization.
    Organization,
    /// Those of a subscriber.
    WebhookSubscriber,
}

/// Which notifications; everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NotificationFilter {
    /// In one of these states.
    pub states: Option<Vec<NotificationState>>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<NotificationKind>>,
    /// For one of these subscribers.
    pub webhook_subscriber_ids: Option<Vec<Uuid>>,
    /// About one of these tickets.
    pub ticket_ids: Option<Vec<Uuid>>,
    /// Of what happened in this time.
    pub created: Span,
}

/// A list of notifications.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NotificationList {
    /// Below what.
    pub of: NotificationsOf,
    /// Which.
    pub filter: NotificationFilter,
    /// In which order.
    pub order: Order<notification::Entity>,
}

impl List for NotificationList {
    type Entity = notification::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<notification::Entity> {
        use notification::Column as C;
        let filter = &self.filter;
        reach::rows::<notification::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::State, filter.states.as_deref()))
                .add(any_of(C::Kind, filter.kinds.as_deref()))
                .add(any_of(C::WebhookSubscriberId, filter.webhook_subscriber_ids.as_deref()))
                .add(any_of(C::TicketId, filter.ticket_ids.as_deref()))
                .add(filter.created.holds(C::CreatedAt)),
        )
    }

    fn parent(&self) -> ColumnRef {
        let column = match self.of {
            NotificationsOf::Organization => notification::Column::OrganizationId,
            NotificationsOf::WebhookSubscriber => notification::Column::WebhookSubscriberId,
        };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<notification::Entity> {
        self.order
    }
}

/// The tries to send a notification, the first one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotificationAttemptList;

impl List for NotificationAttemptList {
    type Entity = notification_attempt::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<notification_attempt::Entity> {
        reach::rows(viewer)
    }

    fn parent(&self) -> ColumnRef {
        notification_attempt::Column::NotificationId.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<notification_attempt::Entity> {
        Order::ascending(notification_attempt::Column::Number)
    }
}

/// The bodies of notifications, which lists leave out. They hold what a board or a field that is kept from somebody
/// would show: only who may choose what others are told sees them.
pub async fn payloads(
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, String>, Error> {
    use notification::Column as C;
    if !viewer.holds(Permission::ManageEndpoints) {
        return Err(Permission::ManageEndpoints.is_lacking());
    }
    let rows = reach::rows::<notification::Entity>(viewer).filter(C::Id.is_in(ids.iter().copied()));
    let found: Vec<(Uuid, String)> =
        rows.select_only().column(C::Id).column(C::Payload).into_tuple().all(ground.db.reader()).await?;
    Ok(found.into_iter().collect())
}
