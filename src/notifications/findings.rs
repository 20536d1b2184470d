//! News of findings for which no ticket is wanted: that one is there, and that it is over.

use entity::{finding, notification::NotificationKind};
use sea_orm::{DatabaseTransaction, DbErr};
use uuid::Uuid;

use super::{
    content,
    happenings::{Of, wanting},
};
use crate::{ground::Ground, queue::notifications::NewNotification};

/// What is to be told of a finding because a policy wants it told; nothing where nobody wants to know. Whoever asks
/// enqueues it at the end of the transaction, when everything else is locked.
pub async fn about(
    (tx, ground): (&DatabaseTransaction, &Ground),
    kind: NotificationKind,
    finding: &finding::Model,
    policy_id: Uuid,
    event_id: Option<Uuid>,
) -> Result<Vec<NewNotification>, DbErr> {
    let organization_id = finding.organization_id;
    let told = wanting(tx, organization_id, kind, Of::Policy(Some(policy_id))).await?;
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let data = content::of_finding(tx, finding, policy_id).await?;
    let body = content::body(kind, ground.clock.now(), &data);
    let new = told.into_iter().map(|subscriber| NewNotification {
        organization_id,
        webhook_subscriber_id: subscriber.id,
        kind,
        payload: body.clone(),
        subject_id: finding.id,
        ticket_id: None,
        psa_connection_id: None,
        event_id,
        policy_id: Some(policy_id),
    });
    Ok(new.collect())
}
