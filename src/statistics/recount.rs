//! Counting everything anew, to hold the kept counts against it.
#![expect(clippy::disallowed_methods, reason = "counts of all organizations are compared alike")]

use std::collections::BTreeMap;

use entity::{
    Timestamp,
    tally::{self, About, Period},
    tally_delta, ticket,
    webhook_delivery::{self, DeliveryState},
};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, sea_query::Alias,
};
use uuid::Uuid;

use super::buckets::{day_of, month_of};
use crate::{error::Error, ground::Ground};

/// What a count is of: organization, period, what, company, day, place, severity, state.
pub type Key = (Uuid, Period, About, Uuid, i32, Uuid, i16, String);

/// A count, how many of it have a duration, and the sum of these in seconds.
pub type Sum = (i64, i64, i64);

/// A kept count that is not what a recount gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of what.
    pub key: Key,
    /// As it is kept.
    pub kept: Sum,
    /// As it is.
    pub counted: Sum,
}

/// Where the kept counts differ from a recount of everything. Reads every ticket and delivery there is, into
/// memory: for tests and for looking into a doubt, while nothing is written. Deliveries that were removed for their age
/// (`keep_events_days`) stay counted, and show as a difference.
pub async fn differences(ground: &Ground) -> Result<Vec<Difference>, Error> {
    let (kept, counted) = (kept(ground).await?, counted(ground).await?);
    let keys: std::collections::BTreeSet<&Key> = kept.keys().chain(counted.keys()).collect();
    let of = |sums: &BTreeMap<Key, Sum>, key: &Key| sums.get(key).copied().unwrap_or_default();
    Ok(keys
        .into_iter()
        .map(|key| Difference { key: key.clone(), kept: of(&kept, key), counted: of(&counted, key) })
        .filter(|difference| difference.kept != difference.counted)
        .collect())
}

fn add(sums: &mut BTreeMap<Key, Sum>, key: Key, (count, timed, seconds): Sum) {
    let sum = sums.entry(key).or_default();
    *sum = (sum.0 + count, sum.1 + timed, sum.2 + seconds);
}

/// Adds a fact of a company to the four counts it belongs to.
fn add_fact(sums: &mut BTreeMap<Key, Sum>, key: Key, sum: Sum) {
    let (organization_id, _, about, company_id, day, place_id, severity, state) = key;
    let mut companies = vec![company_id];
    companies.extend((!company_id.is_nil()).then(Uuid::nil));
    for company_id in companies {
        for (period, day) in [(Period::Day, day), (Period::Month, month_of(day))] {
            let key = (organization_id, period, about, company_id, day, place_id, severity, state.clone());
            add(sums, key, sum);
        }
    }
}

async fn kept(ground: &Ground) -> Result<BTreeMap<Key, Sum>, Error> {
    let mut sums = BTreeMap::new();
    for row in tally::Entity::find().all(ground.db.reader()).await? {
        let key = (
            row.organization_id,
            row.period,
            row.about,
            row.company_id,
            row.day,
            row.place_id,
            row.severity,
            row.state,
        );
        add(&mut sums, key, (row.count, row.timed, row.seconds));
    }
    for row in tally_delta::Entity::find().all(ground.db.reader()).await? {
        let key = (
            row.organization_id,
            Period::Day,
            row.about,
            row.company_id,
            row.day,
            row.place_id,
            row.severity,
            row.state,
        );
        add_fact(&mut sums, key, (row.count, row.timed, row.seconds));
    }
    Ok(sums)
}

async fn counted(ground: &Ground) -> Result<BTreeMap<Key, Sum>, Error> {
    let mut sums = BTreeMap::new();
    let tickets = ticket::Entity::find().filter(ticket::Column::IsTest.eq(false));
    for row in tickets.all(ground.db.reader()).await? {
        let of = |about, at: Timestamp, state: String| {
            let (day, place) = (day_of(at), row.psa_connection_id);
            (
                row.organization_id,
                Period::Day,
                about,
                row.company_id,
                day,
                place,
                row.severity.to_value(),
                state,
            )
        };
        let since = |from: Option<Timestamp>, to: Timestamp| match from {
            Some(from) => (1, 1, (to.0 - from.0).max(0) / 1_000_000),
            None => (1, 0, 0),
        };
        add_fact(&mut sums, of(About::TicketCreated, row.created_at, row.state.to_value()), (1, 0, 0));
        if let Some(at) = row.opened_at {
            let first_seen = first_seen(ground, row.id).await?;
            add_fact(&mut sums, of(About::TicketOpened, at, String::new()), since(first_seen, at));
        }
        if let Some(at) = row.closed_at {
            add_fact(&mut sums, of(About::TicketClosed, at, String::new()), since(row.opened_at, at));
        }
    }
    let deliveries = webhook_delivery::Entity::find()
        .select_only()
        .columns([
            webhook_delivery::Column::OrganizationId,
            webhook_delivery::Column::WebhookEndpointId,
            webhook_delivery::Column::ReceivedAt,
            webhook_delivery::Column::State,
            webhook_delivery::Column::DuplicateCount,
        ])
        .filter(webhook_delivery::Column::State.ne(DeliveryState::Received));
    let rows: Vec<(Uuid, Uuid, i64, String, i32)> = deliveries.into_tuple().all(ground.db.reader()).await?;
    for (organization_id, endpoint_id, at, state, repeated) in rows {
        let of = |about, state| {
            let day = day_of(Timestamp(at));
            (organization_id, Period::Day, about, Uuid::nil(), day, endpoint_id, 0, state)
        };
        add_fact(&mut sums, of(About::Delivery, state), (1, 0, 0));
        if repeated > 0 {
            add_fact(&mut sums, of(About::DeliveryRepeated, String::new()), (repeated.into(), 0, 0));
        }
    }
    Ok(sums)
}

/// A column that no entity names: triggers alone keep it.
async fn first_seen(ground: &Ground, ticket_id: Uuid) -> Result<Option<Timestamp>, Error> {
    let row: Option<Option<i64>> = ticket::Entity::find_by_id(ticket_id)
        .select_only()
        .column_as(sea_orm::sea_query::Expr::col(Alias::new("first_seen_at")), "first_seen_at")
        .into_tuple()
        .one(ground.db.reader())
        .await?;
    Ok(row.flatten().map(Timestamp))
}
