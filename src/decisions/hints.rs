//! What a PSA's own webhooks say: hints. The ticket is read again before anything is believed.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use entity::{
    Severity, event,
    event::Outcome::{self, Echo, Followed, Ignored},
    ticket, webhook_delivery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _, sea_query::LockType,
};
use uuid::Uuid;

use super::trail::{Decision, Trail};
use crate::{
    ground::Ground,
    queue::lanes,
    tickets::{pen::Pen, plan, remote::TicketHint},
};

/// Takes in what a delivery of a PSA hints at. A delivery that was taken in once is left alone.
pub async fn take_in(
    tx: &DatabaseTransaction,
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    psa_connection_id: Uuid,
    hints: Vec<TicketHint>,
) -> Result<Vec<Outcome>, DbErr> {
    let is_known = event::Entity::find()
        .filter(event::Column::OrganizationId.eq(delivery.organization_id))
        .filter(event::Column::WebhookDeliveryId.eq(delivery.id))
        .one(tx)
        .await?
        .is_some();
    if is_known {
        return Ok(Vec::new());
    }
    let mut outcomes = Vec::new();
    let now = ground.clock.now();
    // Tickets are locked in one order in every transaction.
    let mut numbered: Vec<_> = (0_i32..).zip(hints).collect();
    numbered.sort_by(|(_, a), (_, b)| a.external_id.cmp(&b.external_id));
    for (position, hint) in numbered {
        let mut trail = Trail::default();
        let (decision, ticket) =
            weigh(tx, ground, delivery.organization_id, psa_connection_id, &hint, &mut trail).await?;
        let row = event::Model {
            id: ground.chance.id(now),
            organization_id: delivery.organization_id,
            webhook_delivery_id: delivery.id,
            position,
            kind: "psa.ticket_changed".to_owned(),
            source: "psa".to_owned(),
            client_ref: None,
            company_id: ticket.as_ref().map(|ticket| ticket.company_id),
            severity: ticket.as_ref().map_or(Severity::Unknown, |ticket| ticket.severity),
            title: format!("{} ({})", hint.event, hint.external_id).chars().take(200).collect(),
            finding_key: None,
            occurred_at: hint.occurred_at.unwrap_or(delivery.received_at),
            outcome: decision.outcome,
            reason: decision.reason.to_owned(),
            explanation: decision.explanation,
            steps: trail.into_json(),
            finding_id: None,
            ticket_id: decision.ticket_id,
            created_at: now,
            decided_at: now,
        };
        row.into_active_model().insert(tx).await?;
        outcomes.push(decision.outcome);
    }
    if outcomes.contains(&Followed) {
        lanes::wake(tx, psa_connection_id, now).await?;
    }
    Ok(outcomes)
}

async fn weigh(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    hint: &TicketHint,
    trail: &mut Trail,
) -> Result<(Decision, Option<ticket::Model>), DbErr> {
    let ticket = ticket::Entity::find()
        .filter(ticket::Column::OrganizationId.eq(organization_id))
        .filter(ticket::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(ticket::Column::ExternalId.eq(&hint.external_id))
        .lock(LockType::Update)
        .one(tx)
        .await?;
    let Some(ticket) = ticket else {
        trail.step("ticket", "none of ours has this id");
        let words = format!("the PSA's ticket {} is none of ours", hint.external_id);
        return Ok((Decision::new(Ignored, "not_ours", words), None));
    };
    if hint.status.is_some() && hint.status == ticket.external_status {
        trail.step("ticket", "the status is the one we know");
        let words = "the ticket's status is the one we know: our own write coming back, or a change that does not concern us";
        return Ok((Decision::new(Echo, "nothing_new", words).ticket(ticket.id), Some(ticket)));
    }
    let now = ground.clock.now();
    let mut changed = ticket.clone();
    changed.refresh_at = Some(now);
    let changed = plan::save(Pen::at_once(tx, ground), changed).await?;
    trail.step("ticket", "to be read again");
    let words = "the ticket is read again, and what it says is taken over";
    Ok((Decision::new(Followed, "read_again", words).ticket(changed.id), Some(changed)))
}
