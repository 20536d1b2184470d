//! Events and what became of them, for those who look at them.

use entity::event;
use sea_orm::{
    ColumnTrait as _, Condition, QueryFilter as _, Select,
    sea_query::{ColumnRef, Expr, IntoColumnRef as _},
};
use uuid::Uuid;

use crate::{
    db::{
        filter::{Severities, Span, any_of},
        page::{Order, Search},
    },
    organizations::{
        reach::{self, List},
        viewer::Viewer,
    },
};

/// Below what events are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventsOf {
    /// All of an organization.
    Organization,
    /// Those read from a delivery.
    WebhookDelivery,
    /// Those that speak of a finding.
    Finding,
    /// Those that touched a ticket.
    Ticket,
}

/// Which events; everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventFilter {
    /// With one of these outcomes.
    pub outcomes: Option<Vec<event::Outcome>>,
    /// For one of these reasons.
    pub reasons: Option<Vec<String>>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<String>>,
    /// Said by one of these products.
    pub sources: Option<Vec<String>>,
    /// Of one of these names that senders have for customers.
    pub client_refs: Option<Vec<String>>,
    /// Naming a customer, or naming none.
    pub names_customer: Option<bool>,
    /// Of these severities.
    pub severities: Severities,
    /// About one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// Read in this time.
    pub created: Span,
    /// So in this time, as the sender says.
    pub occurred: Span,
    /// Part of the title or of the sender's name for the customer.
    pub text: Option<String>,
}

/// A list of events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventList {
    /// Below what.
    pub of: EventsOf,
    /// Which.
    pub filter: EventFilter,
    /// In which order.
    pub order: Order<event::Entity>,
}

impl EventList {
    /// All events of deliveries, in the order in which they stand there.
    pub fn of_deliveries() -> Self {
        Self {
            of: EventsOf::WebhookDelivery,
            filter: EventFilter::default(),
            order: Order::ascending(event::Column::Position),
        }
    }
}

impl List for EventList {
    type Entity = event::Entity;

    const COUNT_BOUND: Option<u64> = Some(10_000);

    fn rows(&self, viewer: &Viewer) -> Select<event::Entity> {
        let filter = &self.filter;
        let names = |names: bool| {
            if names { event::Column::ClientRef.is_not_null() } else { event::Column::ClientRef.is_null() }
        };
        reach::rows::<event::Entity>(viewer).filter(
            Condition::all()
                .add(any_of(event::Column::Outcome, filter.outcomes.as_deref()))
                .add(any_of(event::Column::Reason, filter.reasons.as_deref()))
                .add(any_of(event::Column::Kind, filter.kinds.as_deref()))
                .add(filter.severities.hold(event::Column::Severity))
                .add(any_of(event::Column::CompanyId, filter.company_ids.as_deref()))
                .add(filter.created.holds(event::Column::CreatedAt))
                .add(any_of(event::Column::Source, filter.sources.as_deref()))
                .add(any_of(event::Column::ClientRef, filter.client_refs.as_deref()))
                .add_option(filter.names_customer.map(names))
                .add(filter.occurred.holds(event::Column::OccurredAt)),
        )
    }

    fn parent(&self) -> ColumnRef {
        let column = match self.of {
            EventsOf::Organization => event::Column::OrganizationId,
            EventsOf::WebhookDelivery => event::Column::WebhookDeliveryId,
            EventsOf::Finding => event::Column::FindingId,
            EventsOf::Ticket => event::Column::TicketId,
        };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<event::Entity> {
        self.order
    }

    fn search(&self, _viewer: &Viewer) -> Option<Search<event::Entity>> {
        let search = Search::new(self.filter.text.as_deref(), event::Column::CreatedAt)?;
        let search = search.within(Expr::col(event::Column::Title.as_column_ref()));
        Some(search.within(Expr::col(event::Column::ClientRef.as_column_ref())))
    }
}
