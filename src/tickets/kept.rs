//! How long a list of tickets is, from kept counts: a dashboard asks for that with each page, and the tickets of an
//! organization that are open, or ever were, are too many to be counted each time.

use entity::{
    tally::{self, About, Period},
    tally_delta, ticket,
};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, IntoSimpleExpr as _, QueryTrait as _,
    sea_query::{Expr, SelectStatement},
};
use uuid::Uuid;

use super::read::{TicketFilter, TicketList, TicketsOf};
use crate::{
    db::{
        filter::{Span, any_of},
        page::Kept,
    },
    organizations::{
        reach::{self, List as _},
        viewer::Viewer,
    },
};

/// What the list's length is made of; none where it must be counted. Kept counts tell tickets apart by state, severity
/// and connection, and leave test tickets out, which are few and are counted.
pub(super) fn length(viewer: &Viewer, list: &TicketList) -> Option<Vec<Kept>> {
    let TicketFilter {
        states,
        severities,
        company_ids: None,
        psa_connection_ids,
        psa_company_ids: None,
        platforms: None,
        created: Span { from: None, until: None },
        updated: Span { from: None, until: None },
        closed: Span { from: None, until: None },
        is_test: None | Some(false),
        text: None,
    } = &list.filter
    else {
        return None;
    };
    // Who sees some boards of a connection alone may know of no other's number; and some orders leave tickets out.
    let is_whole = viewer.sight().limited().is_empty() && !list.order.is_by(ticket::Column::ClosedAt);
    if list.of != TicketsOf::Organization || !is_whole {
        return None;
    }
    let states: Option<Vec<String>> =
        states.as_deref().map(|states| states.iter().map(ticket::TicketState::to_value).collect());
    let of = |mut rows: SelectStatement, number: Expr| {
        rows.clear_selects().expr_as(number, Kept::NUMBER);
        rows
    };
    let folded = {
        use tally::Column as T;
        let mut rows = of(reach::rows::<tally::Entity>(viewer).into_query(), T::Count.into_simple_expr());
        rows.and_where(T::Period.eq(Period::Month))
            .and_where(T::About.eq(About::TicketCreated))
            .and_where(T::CompanyId.eq(Uuid::nil()))
            .cond_where(any_of(T::State, states.as_deref()))
            .cond_where(severities.hold(T::Severity))
            .cond_where(any_of(T::PlaceId, psa_connection_ids.as_deref()));
        Kept { rows, parent: T::OrganizationId.as_column_ref().into() }
    };
    let waiting = {
        use tally_delta::Column as D;
        let rows = reach::rows::<tally_delta::Entity>(viewer).into_query();
        let mut rows = of(rows, D::Count.into_simple_expr());
        rows.and_where(D::About.eq(About::TicketCreated))
            .cond_where(any_of(D::State, states.as_deref()))
            .cond_where(severities.hold(D::Severity))
            .cond_where(any_of(D::PlaceId, psa_connection_ids.as_deref()));
        Kept { rows, parent: D::OrganizationId.as_column_ref().into() }
    };
    let mut parts = vec![folded, waiting];
    if list.filter.is_test.is_none() {
        let mut rows = of(list.rows(viewer).into_query(), Expr::value(1_i64));
        // As the index of these says it, and not as a value that is bound.
        rows.and_where(ticket::Column::IsTest.into_simple_expr());
        parts.push(Kept { rows, parent: ticket::Column::OrganizationId.as_column_ref().into() });
    }
    Some(parts)
}
