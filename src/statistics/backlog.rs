//! What waits for somebody or something, and since when.

use std::collections::HashMap;

use entity::{
    Timestamp, event,
    ticket::{self, TicketState},
    ticket_operation::{self, OperationState},
    webhook_delivery::{self, DeliveryState},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait as _, QueryTrait as _,
    sea_query::{Asterisk, Expr, ExprTrait as _, Func, Order, Query, SelectStatement, UnionType},
};
use uuid::Uuid;

use crate::{
    error::Error,
    ground::Ground,
    organizations::{
        reach::{self, Owned},
        viewer::Viewer,
    },
};

/// Where counting stops.
pub const BOUND: u64 = 10_000;
/// SQLite takes 500 selects in one statement.
const ORGANIZATIONS_AT_ONCE: usize = 50;

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// Events that are held.
    HeldEvents,
    /// Deliveries that are not decided yet.
    UndecidedDeliveries,
    /// Deliveries that are dead.
    DeadDeliveries,
    /// Operations whose time has come.
    DueOperations,
    /// Operations that were given up.
    FailedOperations,
    /// Tickets of which it is not known whether the PSA made them.
    UnknownTickets,
    /// Tickets that the PSA refused.
    FailedTickets,
}

impl Waiting {
    /// All of them, in the order they come about.
    pub const ALL: [Self; 7] = [
        Self::HeldEvents,
        Self::UndecidedDeliveries,
        Self::DeadDeliveries,
        Self::DueOperations,
        Self::FailedOperations,
        Self::UnknownTickets,
        Self::FailedTickets,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::HeldEvents => "held_events",
            Self::UndecidedDeliveries => "undecided_deliveries",
            Self::DeadDeliveries => "dead_deliveries",
            Self::DueOperations => "due_operations",
            Self::FailedOperations => "failed_operations",
            Self::UnknownTickets => "unknown_tickets",
            Self::FailedTickets => "failed_tickets",
        }
    }
}

/// How much waits, and since when the oldest does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// How many; [`BOUND`] where it is that many or more.
    pub count: u64,
    /// Since when the oldest waits.
    pub oldest_at: Option<Timestamp>,
}

/// What waits in each organization, in one statement for fifty of them.
pub async fn of(
    viewer: &Viewer,
    ground: &Ground,
    organization_ids: &[Uuid],
) -> Result<HashMap<Uuid, HashMap<Waiting, Queue>>, Error> {
    let now = ground.clock.now();
    let mut found: HashMap<Uuid, HashMap<Waiting, Queue>> =
        organization_ids.iter().map(|id| (*id, HashMap::new())).collect();
    for some in organization_ids.chunks(ORGANIZATIONS_AT_ONCE) {
        let arms = some.iter().flat_map(|id| Waiting::ALL.map(|waiting| arm(viewer, *id, waiting, now)));
        let all = arms.reduce(|mut all, arm| all.union(UnionType::All, arm).take());
        let Some(statement) = all else { continue };
        for row in ground.db.reader().query_all(&statement).await? {
            let name: String = row.try_get("", "what")?;
            let Some(waiting) = Waiting::ALL.into_iter().find(|waiting| waiting.name() == name) else {
                continue;
            };
            let count: i64 = row.try_get("", "how_many")?;
            let queue = Queue {
                count: u64::try_from(count).unwrap_or_default(),
                oldest_at: row.try_get::<Option<i64>>("", "oldest")?.map(Timestamp),
            };
            found.entry(row.try_get("", "whose")?).or_default().insert(waiting, queue);
        }
    }
    Ok(found)
}

fn arm(viewer: &Viewer, organization_id: Uuid, waiting: Waiting, now: Timestamp) -> SelectStatement {
    use ticket_operation::Column as O;
    use webhook_delivery::Column as D;
    let held = || event::Column::Outcome.eq(event::Outcome::Held);
    let rows = match waiting {
        Waiting::HeldEvents => rows::<event::Entity>(viewer, held(), event::Column::CreatedAt),
        Waiting::UndecidedDeliveries => {
            rows::<webhook_delivery::Entity>(viewer, D::State.eq(DeliveryState::Received), D::ReceivedAt)
        }
        Waiting::DeadDeliveries => {
            rows::<webhook_delivery::Entity>(viewer, D::State.eq(DeliveryState::Dead), D::ReceivedAt)
        }
        Waiting::DueOperations => {
            let is_due = O::State.eq(OperationState::Ready).and(O::RunAt.lte(now));
            rows::<ticket_operation::Entity>(viewer, is_due, O::RunAt)
        }
        Waiting::FailedOperations => {
            rows::<ticket_operation::Entity>(viewer, O::State.eq(OperationState::Failed), O::CreatedAt)
        }
        Waiting::UnknownTickets => of_tickets(viewer, TicketState::Unknown),
        Waiting::FailedTickets => of_tickets(viewer, TicketState::Failed),
    };
    let (mut rows, owner) = rows;
    rows.and_where(owner.eq(organization_id)).limit(BOUND);
    let mut arm = Query::select();
    arm.expr_as(Expr::cust(format!("'{}'", waiting.name())), "what")
        .expr_as(Expr::value(organization_id), "whose")
        .expr_as(Func::count(Expr::col(Asterisk)), "how_many")
        .expr_as(Expr::col(("waiting", "since")).min(), "oldest")
        .from_subquery(rows, "waiting");
    arm
}

fn of_tickets(viewer: &Viewer, state: TicketState) -> (SelectStatement, Expr) {
    rows::<ticket::Entity>(viewer, ticket::Column::State.eq(state), ticket::Column::CreatedAt)
}

/// Rows by the time they wait since, the oldest first; and whose each is.
fn rows<E: Owned>(viewer: &Viewer, condition: Expr, since: E::Column) -> (SelectStatement, Expr) {
    let since = Expr::col(since.as_column_ref());
    let mut rows = reach::rows::<E>(viewer).into_query();
    rows.clear_selects()
        .expr_as(since.clone(), "since")
        .and_where(condition)
        .order_by_expr(since, Order::Asc);
    (rows, Expr::col(E::OWNER.as_column_ref()))
}
