//! What has happened, told to the subscribers who want to know: written in the transaction of what has happened, so
//! that neither is there without the other.
//!
//! Where nobody wants to know, this costs one look into a short index, and nothing is written.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

use entity::{
    event,
    event::Outcome,
    notification::{self, NotificationKind as Kind},
    policy, psa_connection, ticket, webhook_delivery, webhook_subscriber,
};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::content::{self, Closer};
use crate::{
    ground::Ground,
    queue::notifications::{NewNotification, enqueue},
};

/// What has happened to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfTicket {
    /// It is there in the PSA.
    Opened,
    /// The gateway has put this note on it.
    Noted(String),
    /// The gateway has closed it.
    Closed,
    /// A person has closed it in the PSA.
    ClosedByPerson,
    /// It was opened again.
    Reopened,
}

impl OfTicket {
    const fn kind(&self) -> Kind {
        match self {
            Self::Opened => Kind::TicketOpened,
            Self::Noted(_) => Kind::TicketNoted,
            Self::Closed | Self::ClosedByPerson => Kind::TicketClosed,
            Self::Reopened => Kind::TicketReopened,
        }
    }

    const fn closer(&self) -> Option<Closer> {
        match self {
            Self::Closed => Some(Closer::Gateway),
            Self::ClosedByPerson => Some(Closer::Person),
            Self::Opened | Self::Noted(_) | Self::Reopened => None,
        }
    }
}

/// Which policy's something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// No policy's: whoever wants such news is told.
    Anything,
    /// That of the policy that opened the ticket, or wants something told; none where there was none. Who is for some
    /// policies hears of no other.
    Policy(Option<Uuid>),
}

/// The subscribers of an organization that are switched on and want to know of this.
pub(super) async fn wanting(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    kind: Kind,
    of: Of,
) -> Result<Vec<webhook_subscriber::Model>, DbErr> {
    let listening = webhook_subscriber::Entity::find()
        .filter(webhook_subscriber::Column::OrganizationId.eq(organization_id))
        .filter(webhook_subscriber::Column::IsEnabled.eq(true))
        .order_by_asc(webhook_subscriber::Column::Id)
        .all(db)
        .await?;
    let wants = |subscriber: &webhook_subscriber::Model| {
        let is_kind = kinds(subscriber).is_none_or(|kinds| kinds.contains(&kind));
        let is_policy = match of {
            Of::Anything => true,
            Of::Policy(id) => {
                policy_ids(subscriber).is_none_or(|chosen| id.is_some_and(|id| chosen.contains(&id)))
            }
        };
        is_kind && is_policy
    };
    Ok(listening.into_iter().filter(wants).collect())
}

/// The kinds of news that a subscriber wants; none for all. What a newer version wrote is left out.
pub fn kinds(subscriber: &webhook_subscriber::Model) -> Option<Vec<Kind>> {
    let names: Vec<String> = serde_json::from_value(subscriber.kinds.clone()?).unwrap_or_default();
    Some(names.iter().filter_map(|name| Kind::try_from_value(name).ok()).collect())
}

/// The policies of whose tickets and findings a subscriber is told; none for all.
pub fn policy_ids(subscriber: &webhook_subscriber::Model) -> Option<Vec<Uuid>> {
    subscriber.policy_ids.clone().map(|ids| serde_json::from_value(ids).unwrap_or_default())
}

/// Something has happened to a ticket, whose row is locked and written.
pub async fn to_ticket(
    tx: &DatabaseTransaction,
    ground: &Ground,
    ticket: &ticket::Model,
    what: OfTicket,
) -> Result<(), DbErr> {
    let (organization_id, kind) = (ticket.organization_id, what.kind());
    let told = wanting(tx, organization_id, kind, Of::Policy(ticket.policy_id)).await?;
    if told.is_empty() || is_silent(tx, ticket).await? {
        return Ok(());
    }
    let mut data = content::of_ticket(tx, ticket, what.closer()).await?;
    if let (OfTicket::Noted(note), Some(data)) = (&what, data.as_object_mut()) {
        data.insert("note".to_owned(), serde_json::json!({ "text": content::text(note) }));
    }
    let body = content::body(kind, ground.clock.now(), &data);
    let new = told.iter().map(|subscriber| NewNotification {
        organization_id,
        webhook_subscriber_id: subscriber.id,
        kind,
        payload: body.clone(),
        subject_id: ticket.id,
        ticket_id: Some(ticket.id),
        psa_connection_id: Some(ticket.psa_connection_id),
        event_id: None,
        policy_id: ticket.policy_id,
    });
    enqueue(tx, ground, new.collect()).await.map(|_| ())
}

/// Whether the ticket's policy wants nobody told.
async fn is_silent(db: &impl ConnectionTrait, ticket: &ticket::Model) -> Result<bool, DbErr> {
    let Some(id) = ticket.policy_id else { return Ok(false) };
    let policy = policy::Entity::find_by_id(id)
        .filter(policy::Column::OrganizationId.eq(ticket.organization_id))
        .one(db)
        .await?;
    Ok(policy.is_some_and(|policy| policy.notifies == policy::Notifies::Nobody))
}

/// Events of a delivery may just have been held: those at these places. `known` is what the delivery's events were
/// before; what was held already for the same reason is no news. Gives what is to be told.
pub async fn held(
    tx: &DatabaseTransaction,
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    positions: &[i32],
    known: &HashMap<i32, event::Model, impl BuildHasher + Sync>,
) -> Result<Vec<NewNotification>, DbErr> {
    if wanting(tx, delivery.organization_id, Kind::EventHeld, Of::Anything).await?.is_empty() {
        return Ok(Vec::new());
    }
    let mut events = event::Entity::find()
        .filter(event::Column::OrganizationId.eq(delivery.organization_id))
        .filter(event::Column::WebhookDeliveryId.eq(delivery.id))
        .filter(event::Column::Position.is_in(positions.iter().copied()))
        .filter(event::Column::Outcome.eq(Outcome::Held))
        .order_by_asc(event::Column::Position)
        .all(tx)
        .await?;
    events.retain(|row| {
        let before = known.get(&row.position);
        before.is_none_or(|before| before.outcome != Outcome::Held || before.reason != row.reason)
    });
    newly_held(tx, ground, delivery.organization_id, events).await
}

/// Events of an organization are held that were not before. All of a delivery that are held for one reason are told
/// together. Gives what is to be told.
pub async fn newly_held(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
    events: Vec<event::Model>,
) -> Result<Vec<NewNotification>, DbErr> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let told = wanting(tx, organization_id, Kind::EventHeld, Of::Anything).await?;
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let mut groups: BTreeMap<(Uuid, String, Option<String>), Vec<event::Model>> = BTreeMap::new();
    for row in events {
        let group = (row.webhook_delivery_id, row.reason.clone(), row.client_ref.clone());
        groups.entry(group).or_default().push(row);
    }
    let (mut new, now) = (Vec::new(), ground.clock.now());
    for group in groups.values() {
        let Some(first) = group.first() else { continue };
        let body = content::body(Kind::EventHeld, now, &content::of_held(tx, group).await?);
        new.extend(told.iter().map(|subscriber| NewNotification {
            organization_id,
            webhook_subscriber_id: subscriber.id,
            kind: Kind::EventHeld,
            payload: body.clone(),
            subject_id: first.id,
            ticket_id: None,
            psa_connection_id: None,
            event_id: Some(first.id),
            policy_id: None,
        }));
    }
    Ok(new)
}

/// A connection's health is another than it was, and its row is written. Who was told that it is broken is told when
/// it is not, whatever lies between; nobody is told the same twice.
pub async fn to_connection(
    tx: &DatabaseTransaction,
    ground: &Ground,
    connection: &psa_connection::Model,
    is_ok: bool,
    message: &str,
) -> Result<(), DbErr> {
    use notification::Column as C;
    let kind = if is_ok { Kind::ConnectionRecovered } else { Kind::ConnectionBroken };
    let told = wanting(tx, connection.organization_id, kind, Of::Anything).await?;
    if told.is_empty() {
        return Ok(());
    }
    let body = content::body(kind, ground.clock.now(), &content::of_connection(connection, is_ok, message));
    let mut new = Vec::new();
    for subscriber in told {
        let last = notification::Entity::find()
            .filter(C::WebhookSubscriberId.eq(subscriber.id))
            .filter(C::SubjectId.eq(connection.id))
            .order_by_desc(C::Number)
            .limit(1)
            .one(tx)
            .await?;
        let was_broken = last.is_some_and(|last| last.kind == Kind::ConnectionBroken);
        if was_broken != is_ok {
            continue;
        }
        new.push(NewNotification {
            organization_id: connection.organization_id,
            webhook_subscriber_id: subscriber.id,
            kind,
            payload: body.clone(),
            subject_id: connection.id,
            ticket_id: None,
            psa_connection_id: Some(connection.id),
            event_id: None,
            policy_id: None,
        });
    }
    enqueue(tx, ground, new).await.map(|_| ())
}

/// A person wants to see whether anything arrives. None where the subscriber is gone.
pub async fn test(
    tx: &DatabaseTransaction,
    ground: &Ground,
    subscriber: &webhook_subscriber::Model,
) -> Result<Option<notification::Model>, DbErr> {
    let new = NewNotification {
        organization_id: subscriber.organization_id,
        webhook_subscriber_id: subscriber.id,
        kind: Kind::WebhookTest,
        payload: content::body(Kind::WebhookTest, ground.clock.now(), &content::of_test(subscriber)),
        subject_id: subscriber.id,
        ticket_id: None,
        psa_connection_id: None,
        event_id: None,
        policy_id: None,
    };
    Ok(enqueue(tx, ground, vec![new]).await?.pop())
}
