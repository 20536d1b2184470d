//! Every list's first page is read from an index, in order, on both databases.

use entity::{
    attempt, company, company_mapping, event, finding, maintenance_window, mute, notification,
    notification_attempt, ticket, ticket::TicketState, ticket_operation, usage_report::UsageState,
    webhook_delivery,
};
use sea_orm::{ConnectionTrait as _, DbErr, Statement, sea_query::Query};

use super::{
    read::{count_too, statement},
    *,
};
use crate::{
    decisions::events::{EventFilter, EventList, EventsOf},
    findings::read::{FindingFilter, FindingList, FindingsOf},
    fixtures,
    ground::Ground,
    notifications::read::{NotificationAttemptList, NotificationFilter, NotificationList, NotificationsOf},
    organizations::{
        lists::{
            CompanyList, ConnectionList, EndpointList, EventSetList, INSTALLATION, MappingList, MappingsOf,
            MuteList, OrganizationList, PolicyList, ProfileList, SubscriberList, TokenList, WindowList,
        },
        reach::{self, List},
        viewer::Viewer,
    },
    queue::deliveries::{DeliveriesOf, DeliveryFilter, DeliveryList},
    sync::{
        billing::lists::{BillingLineList, EntryList, MarkList, PsaBillingLineList, ReportList},
        companies::PsaCompanyList,
        runs::RunList,
    },
    tickets::read::{
        AttemptList, OperationFilter, OperationList, OperationsOf, TicketFilter, TicketList, TicketsOf,
    },
};

/// The lines of the plan of a page.
async fn plan<L: List>(ground: &Ground, list: &L, parents: &[Uuid]) -> Vec<String> {
    let wanted = reach::wanted(&Viewer::gateway(), list);
    let backend = ground.db.reader().get_database_backend();
    explain(ground, &statement(backend, &wanted, parents, list.order(), &Page::first(50), None).unwrap())
        .await
}

async fn explain(ground: &Ground, statement: &SelectStatement) -> Vec<String> {
    let backend = ground.db.reader().get_database_backend();
    let Statement { sql, values, .. } = backend.build(statement);
    let is_sqlite = ground.db.is_sqlite();
    let explain = if is_sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN (COSTS OFF)" };
    let explain = Statement { sql: format!("{explain} {sql}"), values, db_backend: backend };
    ground
        .db
        .write::<_, DbErr, _>(move |tx| {
            Box::pin(async move {
                if !is_sqlite {
                    // The tables are empty: what a plan could do without an index must not look cheaper.
                    tx.execute_unprepared(
                        "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off",
                    )
                    .await?;
                }
                let rows = tx.query_all_raw(explain).await?;
                let name = if is_sqlite { "detail" } else { "QUERY PLAN" };
                rows.iter().map(|row| row.try_get("", name)).collect()
            })
        })
        .await
        .unwrap()
}

/// Whether everything is sorted. Rows of a whole order that differ in the id alone may be.
fn sorts(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("-> ").trim_start();
    line.starts_with("Sort") && !line.starts_with("Sort Key") || line == "USE TEMP B-TREE FOR ORDER BY"
}

/// Whether a table is read from end to end. The parents asked for are.
fn scans(line: &str) -> bool {
    line.contains("Seq Scan") || (line.trim_start().starts_with("SCAN") && !line.contains("VALUES"))
}

async fn check<L: List>(ground: &Ground, name: &str, list: L) {
    let lines = plan(ground, &list, &[Uuid::from_u128(1)]).await;
    assert!(!lines.iter().any(|line| sorts(line)), "{name} is sorted: {lines:#?}");
    assert!(!lines.iter().any(|line| scans(line)), "{name} is read whole: {lines:#?}");
    let lines = plan(ground, &list, &[Uuid::from_u128(1), Uuid::from_u128(2)]).await;
    // SQLite puts the pages of several parents, which it has read by then, into one order.
    let expected = usize::from(ground.db.is_sqlite());
    let sorted = lines.iter().filter(|line| sorts(line)).count();
    assert!(sorted <= expected, "{name} is sorted below several: {lines:#?}");
    let whole = lines.iter().filter(|line| scans(line)).count();
    assert_eq!(whole, 0, "{name} is read whole below several: {lines:#?}");
}

/// All of them but two: the findings of a ticket by the time they were seen, and the tickets of a finding. These
/// stand in another table than their membership; there are as many as one ticket holds.
#[tokio::test]
async fn the_first_page_of_every_list_comes_from_an_index_in_its_order() {
    use event::Column as E;
    use finding::Column as F;
    use ticket::Column as T;
    use ticket_operation::Column as O;

    let ground = &fixtures::ground().await;
    let tickets = |of, order| TicketList { of, filter: TicketFilter::default(), order };
    for column in [T::CreatedAt, T::UpdatedAt, T::ClosedAt, T::Severity] {
        let list = tickets(TicketsOf::Organization, Order::descending(column));
        check(ground, &format!("tickets by {column:?}"), list).await;
    }
    for of in [TicketsOf::Company, TicketsOf::PsaConnection] {
        check(ground, &format!("tickets {of:?}"), tickets(of, Order::descending(T::CreatedAt))).await;
    }
    let filter = TicketFilter { states: Some(vec![TicketState::Open]), ..TicketFilter::default() };
    let order = Order::descending(T::CreatedAt);
    check(ground, "open tickets", TicketList { of: TicketsOf::Organization, filter, order }).await;

    let findings = |of, order| FindingList { of, filter: FindingFilter::default(), order };
    for column in [F::LastSeenAt, F::FirstSeenAt, F::Severity] {
        let list = findings(FindingsOf::Organization, Order::descending(column));
        check(ground, &format!("findings by {column:?}"), list).await;
    }
    check(ground, "findings of a company", findings(FindingsOf::Company, Order::descending(F::LastSeenAt)))
        .await;

    let events = |of, filter, order| EventList { of, filter, order };
    for column in [E::CreatedAt, E::OccurredAt] {
        let list = events(EventsOf::Organization, EventFilter::default(), Order::descending(column));
        check(ground, &format!("events by {column:?}"), list).await;
    }
    for of in [EventsOf::Finding, EventsOf::Ticket] {
        let list = events(of, EventFilter::default(), Order::descending(E::CreatedAt));
        check(ground, &format!("events {of:?}"), list).await;
    }
    let held = EventFilter { outcomes: Some(vec![event::Outcome::Held]), ..EventFilter::default() };
    check(ground, "held events", events(EventsOf::Organization, held, Order::descending(E::CreatedAt))).await;
    check(ground, "events of a delivery", EventList::of_deliveries()).await;

    for of in [DeliveriesOf::Organization, DeliveriesOf::WebhookEndpoint] {
        let order = Order::descending(webhook_delivery::Column::ReceivedAt);
        let list = DeliveryList { of, filter: DeliveryFilter::default(), order };
        check(ground, &format!("deliveries {of:?}"), list).await;
    }
    for (of, order) in [
        (OperationsOf::Organization, Order::descending(O::CreatedAt)),
        (OperationsOf::Organization, Order::ascending(O::RunAt)),
        (OperationsOf::Ticket, Order::ascending(O::Position)),
    ] {
        let list = OperationList { of, filter: OperationFilter::default(), order };
        check(ground, &format!("operations {order:?}"), list).await;
    }
    assert!(AttemptList.order().is_by(attempt::Column::Number));
    check(ground, "attempts", AttemptList).await;

    for of in [NotificationsOf::Organization, NotificationsOf::WebhookSubscriber] {
        let order = Order::descending(notification::Column::CreatedAt);
        let list = NotificationList { of, filter: NotificationFilter::default(), order };
        check(ground, &format!("notifications {of:?}"), list).await;
    }
    assert!(NotificationAttemptList.order().is_by(notification_attempt::Column::Number));
    check(ground, "attempts at notifications", NotificationAttemptList).await;

    for of in
        [MappingsOf::Organization, MappingsOf::Company, MappingsOf::PsaConnection, MappingsOf::PsaCompany]
    {
        let list = MappingList { of, ..MappingList::default() };
        assert!(list.order().is_by(company_mapping::Column::CreatedAt));
        check(ground, &format!("mappings {of:?}"), list).await;
    }
    assert!(CompanyList::default().order().is_by(company::Column::Name));
    check(ground, "companies", CompanyList::default()).await;
    check(ground, "PSA companies", PsaCompanyList::default()).await;
    check(ground, "connections", ConnectionList::default()).await;
    check(ground, "tokens", TokenList::default()).await;
    check(ground, "subscribers", SubscriberList::default()).await;
    check(ground, "event sets", EventSetList::default()).await;
    check(ground, "policies", PolicyList::default()).await;
    for column in [maintenance_window::Column::StartsAt, maintenance_window::Column::EndsAt] {
        let order = Some(Order::ascending(column));
        check(ground, &format!("windows by {column:?}"), WindowList { order, ..WindowList::default() }).await;
    }
    for column in [mute::Column::CreatedAt, mute::Column::Until] {
        let order = Some(Order::ascending(column));
        check(ground, &format!("mutes by {column:?}"), MuteList { order, ..MuteList::default() }).await;
    }
    for of_connection in [false, true] {
        check(ground, "profiles", ProfileList { of_connection, ..ProfileList::default() }).await;
        check(ground, "endpoints", EndpointList { of_connection, ..EndpointList::default() }).await;
        check(ground, "readings", RunList { of_organization: !of_connection, ..RunList::default() }).await;
    }
    check(ground, "billing lines", BillingLineList::default()).await;
    for of_line in [false, true] {
        check(ground, "billing entries", EntryList { of_line, ..EntryList::default() }).await;
    }
    check(ground, "usage marks", MarkList::default()).await;
    check(ground, "usage reports", ReportList::default()).await;
    let held = ReportList { states: Some(vec![UsageState::Held]), ..ReportList::default() };
    check(ground, "held usage reports", held).await;
    check(ground, "lines of recurring invoices", PsaBillingLineList::default()).await;
    let lines = plan(ground, &OrganizationList::default(), &[INSTALLATION]).await;
    assert!(!lines.iter().any(|line| sorts(line)), "organizations are sorted: {lines:#?}");
}

/// As many tickets as an organization ever had are not read to say how many there are.
#[tokio::test]
async fn the_length_of_a_list_of_tickets_is_read_from_kept_counts() {
    let ground = fixtures::ground().await;
    let id = Uuid::from_u128(1);
    for states in [None, Some(vec![TicketState::Open])] {
        let list = TicketList {
            of: TicketsOf::Organization,
            filter: TicketFilter { states, ..TicketFilter::default() },
            order: Order::descending(ticket::Column::CreatedAt),
        };
        let wanted = reach::wanted(&Viewer::gateway(), &list);
        let mut length = Query::select();
        count_too(&mut length, &wanted, id, None);
        let lines = explain(&ground, &length).await;
        let reads = |line: &str| scans(line) && ["ticket", "tally"].iter().any(|table| line.contains(table));
        assert!(!lines.iter().any(|line| reads(line)), "{list:?}: {lines:#?}");
        for index in ["tally", "ix_tally_delta_day", "ix_ticket_test"] {
            assert!(lines.iter().any(|line| line.contains(index)), "{list:?}, {index}: {lines:#?}");
        }
    }
}
