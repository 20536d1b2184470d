//! Endpoints that one sender uses for companies of both sides: each side has one.
//!
//! What the companies that go have from it points to the new organization's. A webhook that speaks of nobody else goes as it is.
//! Of one that speaks of others, too, only what was read goes: the new organization gets a row without its headers and body,
//! as if they had been removed for their age.

use std::collections::BTreeSet;

use entity::{Timestamp, webhook_delivery, webhook_delivery::DeliveryState, webhook_endpoint};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Alias, Condition, Expr, ExprTrait as _, JoinType, Query, SelectStatement, UnionType},
};
use serde_json::json;
use uuid::Uuid;

use super::plan::Plan;
use crate::{
    ground::Ground,
    organizations::{endpoints, moving::Chosen},
};

/// Tables of what was read from webhooks: their companies, and the webhooks.
pub(super) const FROM_WEBHOOKS: &[&str] = &["event", "usage_report"];
/// How many webhooks are copied at once.
const BATCH: u64 = 1_000;

/// The endpoints of the source that stay, and have something of companies that go.
pub(super) async fn endpoints(
    db: &impl ConnectionTrait,
    source_id: Uuid,
    chosen: &Chosen,
) -> Result<Vec<webhook_endpoint::Model>, DbErr> {
    use webhook_endpoint::Column as E;
    let mut ids = BTreeSet::<Uuid>::new();
    for &table in FROM_WEBHOOKS {
        let query = Query::select()
            .distinct()
            .column(("webhook_delivery", "webhook_endpoint_id"))
            .from(Alias::new(table))
            .inner_join(
                webhook_delivery::Entity,
                Expr::col(("webhook_delivery", "id")).equals((table, "webhook_delivery_id")),
            )
            .and_where(Expr::col((table, "organization_id")).eq(source_id))
            .and_where(Expr::col((table, "company_id")).is_in(chosen.companies.iter().copied()))
            .to_owned();
        for row in db.query_all(&query).await? {
            ids.insert(row.try_get_by_index(0)?);
        }
    }
    let learned = Query::select()
        .distinct()
        .column("baseline_endpoint_id")
        .from(Alias::new("finding"))
        .and_where(Expr::col("organization_id").eq(source_id))
        .and_where(Expr::col("company_id").is_in(chosen.companies.iter().copied()))
        .and_where(Expr::col("baseline_endpoint_id").is_not_null())
        .to_owned();
    for row in db.query_all(&learned).await? {
        ids.insert(row.try_get_by_index(0)?);
    }
    let ids = ids.into_iter().filter(|id| !chosen.endpoints.contains(id));
    webhook_endpoint::Entity::find()
        .filter(E::OrganizationId.eq(source_id))
        .filter(E::Id.is_in(ids))
        .filter(E::PsaConnectionId.is_null())
        .order_by_asc(E::Id)
        .all(db)
        .await
}

/// Makes the copies, and has what went follow. Call it when all else has gone.
pub(super) async fn follow(
    tx: &DatabaseTransaction,
    ground: &Ground,
    plan: &mut Plan,
    (source_id, target_id): (Uuid, Uuid),
) -> Result<(), DbErr> {
    for old in left_behind(tx, plan, (source_id, target_id)).await? {
        let copy = endpoints::like(ground, &old, target_id);
        let copy_id = copy.id;
        plan.made("webhook_endpoint", old.id, &old.name, copy_id);
        webhook_endpoint::Entity::insert(copy.into_active_model()).exec_without_returning(tx).await?;
        let both = Both { source: source_id, target: target_id, old: old.id, copy: copy_id };
        both.give_whole(tx).await?;
        both.copy_rest(tx, ground).await?;
        for table in FROM_WEBHOOKS {
            both.point(tx, table).await?;
        }
        let learned = Query::update()
            .table(Alias::new("finding"))
            .value("baseline_endpoint_id", copy_id)
            .and_where(Expr::col("organization_id").eq(target_id))
            .and_where(Expr::col("baseline_endpoint_id").eq(old.id))
            .to_owned();
        tx.execute(&learned).await?;
    }
    Ok(())
}

/// The endpoints of the source that were planned to be copied, and those whose webhooks brought something that went meanwhile.
async fn left_behind(
    tx: &DatabaseTransaction,
    plan: &Plan,
    (source_id, target_id): (Uuid, Uuid),
) -> Result<Vec<webhook_endpoint::Model>, DbErr> {
    use {webhook_delivery::Column as D, webhook_endpoint::Column as E};
    let mut ids: BTreeSet<Uuid> =
        plan.copies.iter().filter(|one| one.table == "webhook_endpoint").map(|one| one.id).collect();
    for table in FROM_WEBHOOKS {
        let found = webhook_delivery::Entity::find()
            .select_only()
            .column(D::WebhookEndpointId)
            .distinct()
            .filter(D::OrganizationId.eq(source_id))
            .filter(D::Id.in_subquery(webhooks_of(table, target_id)))
            .into_tuple::<Uuid>();
        ids.extend(found.all(tx).await?);
    }
    webhook_endpoint::Entity::find()
        .filter(E::OrganizationId.eq(source_id))
        .filter(E::Id.is_in(ids))
        .order_by_asc(E::Id)
        .all(tx)
        .await
}

/// The webhooks that rows of an organization were read from.
fn webhooks_of(table: &'static str, organization_id: Uuid) -> SelectStatement {
    Query::select()
        .column("webhook_delivery_id")
        .from(Alias::new(table))
        .and_where(Expr::col("organization_id").eq(organization_id))
        .and_where(Expr::col("webhook_delivery_id").is_not_null())
        .take()
}

/// An endpoint of the source, and the new organization's for it.
struct Both {
    source: Uuid,
    target: Uuid,
    old: Uuid,
    copy: Uuid,
}

impl Both {
    /// The webhooks that rows were read from: those of one organization, without those of another.
    fn webhooks(&self, of: &[(Uuid, UnionType)]) -> SelectStatement {
        let parts = of
            .iter()
            .flat_map(|(owner, how)| FROM_WEBHOOKS.iter().map(|table| (webhooks_of(table, *owner), *how)));
        let all = parts.reduce(|(mut all, _), (more, how)| (all.union(how, more).take(), how));
        all.map_or_else(|| webhooks_of("event", self.target), |(all, _)| all)
    }

    /// The source's webhooks of which something went.
    fn spoken_of(&self) -> Condition {
        use webhook_delivery::Column as D;
        Condition::all()
            .add(D::OrganizationId.eq(self.source))
            .add(D::WebhookEndpointId.eq(self.old))
            .add(D::Id.in_subquery(self.webhooks(&[(self.target, UnionType::Distinct)])))
    }

    /// What speaks of nobody who stays goes as it is.
    async fn give_whole(&self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        use webhook_delivery::Column as D;
        let alone = [(self.target, UnionType::Distinct), (self.source, UnionType::Except)];
        let goes = self.spoken_of().add(D::Id.in_subquery(self.webhooks(&alone)));
        webhook_delivery::Entity::update_many()
            .col_expr(D::OrganizationId, Expr::value(self.target))
            .col_expr(D::WebhookEndpointId, Expr::value(self.copy))
            .col_expr(D::WebhookSecretId, Expr::value(None::<Uuid>))
            .filter(goes)
            .exec(tx)
            .await
            .map(|_| ())
    }

    /// What speaks of both stays; the new organization gets a row for it, without what others sent.
    async fn copy_rest(&self, tx: &DatabaseTransaction, ground: &Ground) -> Result<(), DbErr> {
        use webhook_delivery::Column as D;
        let now = ground.clock.now();
        let mut after = Uuid::nil();
        loop {
            let rows: Vec<(Uuid, String, String, String, Timestamp, Option<Timestamp>)> =
                webhook_delivery::Entity::find()
                    .select_only()
                    .columns([D::Id, D::MessageId, D::RequestId, D::VerifiedBy, D::ReceivedAt, D::DecidedAt])
                    .filter(self.spoken_of())
                    .filter(D::Id.gt(after))
                    .order_by_asc(D::Id)
                    .limit(BATCH)
                    .into_tuple()
                    .all(tx)
                    .await?;
            let Some((last, ..)) = rows.last() else { break };
            after = *last;
            let copies =
                rows.into_iter().map(|(_, message_id, request_id, verified_by, received_at, decided_at)| {
                    webhook_delivery::Model {
                        id: ground.chance.id(received_at),
                        organization_id: self.target,
                        webhook_endpoint_id: self.copy,
                        message_id,
                        request_id,
                        verified_by,
                        webhook_secret_id: None,
                        headers: json!([]),
                        body: Vec::new(),
                        received_at,
                        duplicate_count: 0,
                        state: DeliveryState::Received,
                        problem: None,
                        run_at: None,
                        attempts: 0,
                        lease_until: Timestamp(0),
                        fence: 0,
                        decided_at: decided_at.or(Some(now)),
                        trace_context: None,
                        body_removed_at: Some(now),
                    }
                    .into_active_model()
                });
            webhook_delivery::Entity::insert_many(copies).exec_without_returning(tx).await?;
        }
        // A delivery is counted when it leaves the state it came in. What waits there has its body.
        webhook_delivery::Entity::update_many()
            .col_expr(D::State, Expr::value(DeliveryState::Understood.to_value()))
            .filter(D::WebhookEndpointId.eq(self.copy))
            .filter(D::State.eq(DeliveryState::Received))
            .filter(D::BodyRemovedAt.is_not_null())
            .exec(tx)
            .await
            .map(|_| ())
    }

    /// What went was read from the new organization's rows: they have the messages' ids.
    async fn point(&self, tx: &DatabaseTransaction, table: &'static str) -> Result<(), DbErr> {
        let (copied, stays) = ("copied", "stays");
        let copy = Query::select()
            .column((copied, "id"))
            .from_as(Alias::new("webhook_delivery"), Alias::new(copied))
            .join_as(
                JoinType::InnerJoin,
                Alias::new("webhook_delivery"),
                Alias::new(stays),
                Expr::col((stays, "message_id")).equals((copied, "message_id")),
            )
            .and_where(Expr::col((copied, "webhook_endpoint_id")).eq(self.copy))
            .and_where(Expr::col((stays, "id")).equals((table, "webhook_delivery_id")))
            .take();
        let of_both = Query::select()
            .column("id")
            .from(Alias::new("webhook_delivery"))
            .and_where(Expr::col("organization_id").eq(self.source))
            .and_where(Expr::col("webhook_endpoint_id").eq(self.old))
            .take();
        let update = Query::update()
            .table(Alias::new(table))
            .value("webhook_delivery_id", Expr::from(copy))
            .and_where(Expr::col("organization_id").eq(self.target))
            .and_where(Expr::col("webhook_delivery_id").in_subquery(of_both))
            .to_owned();
        tx.execute(&update).await.map(|_| ())
    }
}
