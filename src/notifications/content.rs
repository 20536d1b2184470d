//! The bodies that subscribers are sent. They hold no secret, and never more than [`MAX_BODY`].
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{
    Timestamp, company, company_alias, event, finding, notification::NotificationKind, policy,
    psa_connection, ticket, ticket_finding, webhook_subscriber,
};
use sea_orm::{
    ActiveEnum, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::global_id;

/// The longest body, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1_024;
/// How many findings of a ticket, events that are held, or aliases of a company are named; the rest is counted.
const MOST: u64 = 50;
/// The longest name or title, in characters.
const MAX_LINE: usize = 500;
/// The longest text, in characters.
const MAX_TEXT: usize = 4_000;
/// Lists of a body that may be cut so that it fits, the first one first.
const LISTS: [&str; 3] = ["/data/findings", "/data/events", "/data/company/aliases"];

/// A body as it is sent: what has happened, when, and to what.
pub(super) fn body(kind: NotificationKind, at: Timestamp, data: &Value) -> String {
    fitted(json!({ "type": kind.to_value(), "timestamp": at.rfc3339(), "data": data }))
}

/// Cuts lists in half until all fits. Texts are short enough to fit by themselves.
fn fitted(mut body: Value) -> String {
    loop {
        let text = body.to_string();
        if text.len() <= MAX_BODY || !shorten(&mut body) {
            return text;
        }
    }
}

fn shorten(body: &mut Value) -> bool {
    let long = |body: &Value, at: &&str| {
        body.pointer(at).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    let Some(at) = LISTS.iter().find(|at| long(body, at)) else { return false };
    if let Some(list) = body.pointer_mut(at).and_then(Value::as_array_mut) {
        list.truncate(list.len() / 2);
    }
    true
}

fn line(text: &str) -> String {
    text.chars().take(MAX_LINE).collect()
}

pub(super) fn text(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

fn word(state: &impl ActiveEnum<Value = String>) -> String {
    state.to_value().to_uppercase()
}

pub(super) fn organization(id: Uuid) -> Value {
    json!({ "id": global_id::encode("Organization", id) })
}

/// Who closed a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closer {
    Person,
    Gateway,
}

/// All of a ticket that a subscriber is told: for whom, where, what stands on it.
pub(super) async fn of_ticket(
    tx: &DatabaseTransaction,
    ticket: &ticket::Model,
    closer: Option<Closer>,
) -> Result<Value, DbErr> {
    let organization_id = ticket.organization_id;
    let on_it = || ticket_finding::Entity::find().filter(ticket_finding::Column::TicketId.eq(ticket.id));
    let members = on_it().select_only().column(ticket_finding::Column::FindingId).into_query();
    let findings = finding::Entity::find()
        .filter(finding::Column::OrganizationId.eq(organization_id))
        .filter(finding::Column::Id.in_subquery(members))
        .order_by_desc(finding::Column::Severity)
        .order_by_asc(finding::Column::Id)
        .limit(MOST)
        .all(tx)
        .await?;
    let finding_count = on_it().count(tx).await?;
    let findings: Vec<Value> = findings.iter().map(finding_itself).collect();
    Ok(json!({
        "organization": organization(organization_id),
        "company": company(tx, organization_id, ticket.company_id).await?,
        "psa_connection": connection(tx, organization_id, ticket.psa_connection_id).await?,
        "policy_id": ticket.policy_id.map(|id| global_id::encode("Policy", id)),
        "ticket": ticket_itself(ticket, closer),
        "findings": findings,
        "finding_count": finding_count,
    }))
}

fn finding_itself(finding: &finding::Model) -> Value {
    json!({
        "id": global_id::encode("Finding", finding.id),
        "source": line(&finding.source),
        "key": line(&finding.key),
        "title": line(&finding.title),
        "severity": finding.severity.word().to_uppercase(),
        "state": word(&finding.state),
    })
}

/// A finding for which a policy wants no ticket: for whom, by which policy, and how it is.
pub(super) async fn of_finding(
    tx: &DatabaseTransaction,
    finding: &finding::Model,
    policy_id: Uuid,
) -> Result<Value, DbErr> {
    let organization_id = finding.organization_id;
    let policy = policy::Entity::find_by_id(policy_id)
        .filter(policy::Column::OrganizationId.eq(organization_id))
        .one(tx)
        .await?;
    let asset = |key: &str| finding.asset.get(key).and_then(Value::as_str).map(line);
    let mut about = finding_itself(finding);
    if let Some(about) = about.as_object_mut() {
        about.insert("category".to_owned(), json!(line(&finding.category)));
        about.insert("asset".to_owned(), json!({ "uid": asset("uid"), "name": asset("name") }));
        about.insert("evidence_url".to_owned(), json!(finding.evidence_url.as_deref().map(line)));
        about.insert("first_seen_at".to_owned(), json!(finding.first_seen_at.rfc3339()));
        about.insert("last_seen_at".to_owned(), json!(finding.last_seen_at.rfc3339()));
        about.insert("seen_count".to_owned(), json!(finding.seen_count));
        about.insert("resolved_at".to_owned(), json!(finding.resolved_at.map(Timestamp::rfc3339)));
        about.insert("close_reason".to_owned(), json!(finding.close_reason));
    }
    Ok(json!({
        "organization": organization(organization_id),
        "company": company(tx, organization_id, finding.company_id).await?,
        "policy": {
            "id": global_id::encode("Policy", policy_id),
            "name": policy.map(|policy| policy.name),
        },
        "finding": about,
    }))
}

fn ticket_itself(ticket: &ticket::Model, closer: Option<Closer>) -> Value {
    let closed_by = ticket.closed_by.as_deref().map(|name| {
        let kind = match closer {
            Some(Closer::Person) => Some("person"),
            Some(Closer::Gateway) => Some("gateway"),
            None => None,
        };
        json!({ "name": line(name), "kind": kind })
    });
    json!({
        "id": global_id::encode("Ticket", ticket.id),
        "external_id": ticket.external_id,
        "number": ticket.external_number,
        "url": ticket.external_url.as_deref().map(line),
        "status": ticket.external_status,
        "state": word(&ticket.state),
        "state_reason": ticket.state_reason,
        "title": line(&ticket.title),
        "severity": ticket.severity.word().to_uppercase(),
        "is_test": ticket.is_test,
        "opened_at": ticket.opened_at.map(Timestamp::rfc3339),
        "closed_at": ticket.closed_at.map(Timestamp::rfc3339),
        "closed_by": closed_by,
    })
}

/// A company with the names that senders have for it.
async fn company(tx: &DatabaseTransaction, organization_id: Uuid, id: Uuid) -> Result<Value, DbErr> {
    let found = company::Entity::find_by_id(id)
        .filter(company::Column::OrganizationId.eq(organization_id))
        .one(tx)
        .await?;
    let aliases = company_alias::Entity::find()
        .filter(company_alias::Column::OrganizationId.eq(organization_id))
        .filter(company_alias::Column::CompanyId.eq(id))
        .order_by_asc(company_alias::Column::Id)
        .limit(MOST)
        .all(tx)
        .await?;
    let aliases: Vec<Value> =
        aliases.iter().map(|alias| json!({ "source": alias.source, "value": alias.value })).collect();
    Ok(json!({
        "id": global_id::encode("Company", id),
        "name": found.map(|company| company.name),
        "aliases": aliases,
    }))
}

async fn connection(tx: &DatabaseTransaction, organization_id: Uuid, id: Uuid) -> Result<Value, DbErr> {
    let found = psa_connection::Entity::find_by_id(id)
        .filter(psa_connection::Column::OrganizationId.eq(organization_id))
        .one(tx)
        .await?;
    Ok(found.as_ref().map_or(Value::Null, connection_itself))
}

fn connection_itself(row: &psa_connection::Model) -> Value {
    json!({ "id": global_id::encode("PsaConnection", row.id), "platform": row.platform, "name": row.name })
}

/// How a connection is.
pub(super) fn of_connection(row: &psa_connection::Model, is_ok: bool, message: &str) -> Value {
    json!({
        "organization": organization(row.organization_id),
        "psa_connection": connection_itself(row),
        "health": { "status": if is_ok { "HEALTHY" } else { "FAILING" }, "message": text(message) },
    })
}

/// Events of one delivery that are held for one reason; there is at least one.
pub(super) async fn of_held(tx: &DatabaseTransaction, events: &[event::Model]) -> Result<Value, DbErr> {
    let Some(first) = events.first() else { return Ok(Value::Null) };
    let company = match first.company_id {
        Some(id) => company(tx, first.organization_id, id).await?,
        None => Value::Null,
    };
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let named: Vec<Value> = events
        .iter()
        .take(most)
        .map(|event| {
            json!({
                "id": global_id::encode("Event", event.id),
                "kind": line(&event.kind),
                "source": line(&event.source),
                "key": event.finding_key.as_deref().map(line),
                "title": line(&event.title),
                "severity": event.severity.word().to_uppercase(),
                "occurred_at": event.occurred_at.rfc3339(),
            })
        })
        .collect();
    Ok(json!({
        "organization": organization(first.organization_id),
        "company": company,
        "client_ref": first.client_ref.as_deref().map(line),
        "webhook_delivery_id": global_id::encode("WebhookDelivery", first.webhook_delivery_id),
        "reason": first.reason,
        "explanation": text(&first.explanation),
        "events": named,
        "event_count": events.len(),
    }))
}

/// Nothing has happened: a person wants to see whether it arrives.
pub(super) fn of_test(subscriber: &webhook_subscriber::Model) -> Value {
    json!({
        "organization": organization(subscriber.organization_id),
        "webhook_subscriber": {
            "id": global_id::encode("WebhookSubscriber", subscriber.id),
            "name": subscriber.name,
        },
        "message": "This is a test. Nothing has happened.",
    })
}
