//! Lists of connections and of what hangs on them.

use entity::{psa_connection, ticket_profile, webhook_endpoint, webhook_subscriber};
use sea_orm::{ColumnTrait as _, Condition, QueryFilter as _, Select, sea_query::ColumnRef};
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

/// Connections of an organization, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConnectionList {
    /// To this platform.
    pub platform: Option<String>,
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// In one of these healths.
    pub healths: Option<Vec<psa_connection::Health>>,
    /// Part of the name.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<psa_connection::Entity>>,
}

impl List for ConnectionList {
    type Entity = psa_connection::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<psa_connection::Entity> {
        use psa_connection::Column as C;
        reach::rows::<psa_connection::Entity>(viewer).filter(
            Condition::all()
                .add_option(self.platform.as_deref().map(|platform| C::Platform.eq(platform)))
                .add_option(self.is_enabled.map(|is_enabled| C::IsEnabled.eq(is_enabled)))
                .add(any_of(C::Health, self.healths.as_deref()))
                .add(contains(&[C::Name], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        column(psa_connection::Column::OrganizationId)
    }

    fn order(&self) -> Order<psa_connection::Entity> {
        self.order.unwrap_or(Order::ascending(psa_connection::Column::Name))
    }
}

/// Ticket profiles, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProfileList {
    /// Of a connection, rather than of an organization.
    pub of_connection: bool,
    /// On one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// The default one, or the others.
    pub is_default: Option<bool>,
    /// Part of the name.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<ticket_profile::Entity>>,
}

impl List for ProfileList {
    type Entity = ticket_profile::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<ticket_profile::Entity> {
        use ticket_profile::Column as C;
        reach::rows::<ticket_profile::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(C::PsaConnectionId, self.psa_connection_ids.as_deref()))
                .add_option(self.is_default.map(|is_default| C::IsDefault.eq(is_default)))
                .add(contains(&[C::Name], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        use ticket_profile::Column as C;
        column(if self.of_connection { C::PsaConnectionId } else { C::OrganizationId })
    }

    fn order(&self) -> Order<ticket_profile::Entity> {
        self.order.unwrap_or(Order::ascending(ticket_profile::Column::Name))
    }
}

/// Webhook endpoints, the newest first unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EndpointList {
    /// Of a connection, rather than of an organization.
    pub of_connection: bool,
    /// Of this sender.
    pub sender: Option<String>,
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// Registered in the PSA in one of these ways.
    pub registrations: Option<Vec<webhook_endpoint::Registration>>,
    /// Speaking for one of these connections.
    pub psa_connection_ids: Option<Vec<Uuid>>,
    /// Part of the name.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<webhook_endpoint::Entity>>,
}

impl List for EndpointList {
    type Entity = webhook_endpoint::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<webhook_endpoint::Entity> {
        use webhook_endpoint::Column as C;
        reach::rows::<webhook_endpoint::Entity>(viewer).filter(
            Condition::all()
                .add_option(self.sender.as_deref().map(|sender| C::Sender.eq(sender)))
                .add_option(self.is_enabled.map(|is_enabled| C::IsEnabled.eq(is_enabled)))
                .add(any_of(C::Registration, self.registrations.as_deref()))
                .add(any_of(C::PsaConnectionId, self.psa_connection_ids.as_deref()))
                .add(contains(&[C::Name], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        use webhook_endpoint::Column as C;
        column(if self.of_connection { C::PsaConnectionId } else { C::OrganizationId })
    }

    fn order(&self) -> Order<webhook_endpoint::Entity> {
        self.order.unwrap_or(Order::descending(webhook_endpoint::Column::CreatedAt))
    }
}

/// Subscribers of an organization, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SubscriberList {
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// Part of the name.
    pub text: Option<String>,
    /// Another order.
    pub order: Option<Order<webhook_subscriber::Entity>>,
}

impl List for SubscriberList {
    type Entity = webhook_subscriber::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<webhook_subscriber::Entity> {
        use webhook_subscriber::Column as C;
        reach::rows::<webhook_subscriber::Entity>(viewer).filter(
            Condition::all()
                .add_option(self.is_enabled.map(|is_enabled| C::IsEnabled.eq(is_enabled)))
                .add(contains(&[C::Name], self.text.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        column(webhook_subscriber::Column::OrganizationId)
    }

    fn order(&self) -> Order<webhook_subscriber::Entity> {
        self.order.unwrap_or(Order::ascending(webhook_subscriber::Column::Name))
    }
}
