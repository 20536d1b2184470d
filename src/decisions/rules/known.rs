//! Rules as they were read before, where they still are as they were.
//!
//! Reading hundreds of policies with their conditions takes longer than deciding a batch of events by them. What is read
//! in each transaction is how they stand: which there are, in which order, how often each was changed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use entity::{event_set, organization, policy};
use sea_orm::{
    ConnectionTrait, DbErr, FromQueryResult,
    sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement, UnionType},
};
use uuid::Uuid;

use super::Rules;
use crate::ground::Ground;

/// Of how many organizations rules are remembered.
const ORGANIZATIONS: usize = 256;

/// What was read, by organization.
#[derive(Debug, Default)]
struct Known(Mutex<HashMap<Uuid, Read>>);

/// Rules, and how they stood when they were read.
type Read = (Vec<Stand>, Arc<Rules>);

/// How a policy, an event set or the organization's switch stands.
#[derive(Debug, PartialEq, Eq, FromQueryResult)]
struct Stand {
    id: Uuid,
    position: i32,
    version: i32,
    /// Whether it is the organization, and tickets are on.
    is_on: bool,
}

impl Rules {
    /// Those of an organization as they are now: read again only where they have changed.
    pub(in crate::decisions) async fn recall(
        db: &impl ConnectionTrait,
        ground: &Ground,
        organization_id: Uuid,
    ) -> Result<Arc<Self>, DbErr> {
        let known = ground.memory.of::<Known>();
        let rows = db.query_all(&stands(organization_id)).await?;
        let stands: Vec<Stand> =
            rows.iter().map(|row| Stand::from_query_result(row, "")).collect::<Result<_, _>>()?;
        if let Some((as_they_stood, rules)) =
            known.0.lock().unwrap_or_else(PoisonError::into_inner).get(&organization_id)
            && *as_they_stood == stands
        {
            return Ok(Arc::clone(rules));
        }
        let rules = Arc::new(Self::load(db, organization_id).await?);
        // An edit may have been committed between the statements: what was read must be what stands there.
        if rules.are(&stands) {
            let mut known = known.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= ORGANIZATIONS && !known.contains_key(&organization_id) {
                known.clear();
            }
            known.insert(organization_id, (stands, Arc::clone(&rules)));
        }
        Ok(rules)
    }

    fn are(&self, stands: &[Stand]) -> bool {
        let of_policy = |rule: &super::Rule| Stand {
            id: rule.policy.id,
            position: rule.policy.position,
            version: rule.policy.version,
            is_on: false,
        };
        let of_set =
            |set: &event_set::Model| Stand { id: set.id, position: -1, version: set.version, is_on: false };
        let switch =
            Stand { id: self.organization_id, position: -2, version: 0, is_on: self.is_ticketing_enabled };
        let mut own: Vec<Stand> = self.policies.iter().map(of_policy).collect();
        own.extend(self.sets.values().map(of_set));
        own.push(switch);
        own.sort_by_key(|stand| (stand.position, stand.id));
        let mut theirs: Vec<&Stand> = stands.iter().collect();
        theirs.sort_by_key(|stand| (stand.position, stand.id));
        own.iter().eq(theirs)
    }
}

fn stands(organization_id: Uuid) -> SelectStatement {
    use {event_set::Column as S, organization::Column as O, policy::Column as P};
    let off = || Expr::value(false);
    let sets = Query::select()
        .column(S::Id)
        .expr(Expr::value(-1))
        .column(S::Version)
        .expr(off())
        .from(event_set::Entity)
        .and_where(Expr::col(S::OrganizationId).eq(organization_id))
        .take();
    let switch = Query::select()
        .column(O::Id)
        .expr(Expr::value(-2))
        .expr(Expr::value(0))
        .column(O::IsTicketingEnabled)
        .from(organization::Entity)
        .and_where(Expr::col(O::Id).eq(organization_id))
        .take();
    Query::select()
        .column(P::Id)
        .column(P::Position)
        .column(P::Version)
        .expr_as(off(), "is_on")
        .from(policy::Entity)
        .and_where(Expr::col(P::OrganizationId).eq(organization_id))
        .union(UnionType::All, sets)
        .union(UnionType::All, switch)
        // One order, so that the same rules are seen to be the same.
        .order_by(P::Position, Order::Asc)
        .order_by(P::Id, Order::Asc)
        .take()
}

#[cfg(test)]
mod tests {
    use entity::{Timestamp, event_set::RemediationGrain};
    use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
    use serde_json::json;

    use super::*;
    use crate::{error::Error, testing};

    async fn change(ground: &Ground, statement: sea_orm::sea_query::UpdateStatement) {
        let written = ground.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(tx.execute(&statement).await.map(|_| ())?) })
        });
        written.await.unwrap();
    }

    #[tokio::test]
    async fn what_was_read_is_taken_again_until_anything_of_it_changes() {
        let ground = testing::ground().await;
        let (acme, _) = ground.organization("acme").await;
        let recall = async || Rules::recall(ground.db.reader(), &ground, acme.id).await.unwrap();
        let first = recall().await;
        assert!(!first.policies.is_empty(), "an organization begins with policies");
        assert!(Arc::ptr_eq(&first, &recall().await));
        let before = ground.db.statements();
        recall().await;
        assert_eq!(ground.db.statements() - before, 1);

        let renamed = Query::update()
            .table(policy::Entity)
            .value(policy::Column::Name, "Another")
            .value(policy::Column::Version, Expr::col(policy::Column::Version).add(1))
            .and_where(policy::Column::OrganizationId.eq(acme.id))
            .take();
        change(&ground, renamed).await;
        let second = recall().await;
        assert!(second.policies.iter().all(|rule| rule.policy.name == "Another"));

        let off = Query::update()
            .table(organization::Entity)
            .value(organization::Column::IsTicketingEnabled, false)
            .and_where(organization::Column::Id.eq(acme.id))
            .take();
        change(&ground, off).await;
        let third = recall().await;
        assert!(!third.is_ticketing_enabled);

        let set = event_set::Model {
            id: Uuid::from_u128(7),
            organization_id: acme.id,
            name: "Some".to_owned(),
            is_default: false,
            remediation_grain: RemediationGrain::Company,
            choices: json!([]),
            version: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let made = ground.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                event_set::Entity::insert(set.into_active_model()).exec_without_returning(tx).await?;
                Ok(())
            })
        });
        made.await.unwrap();
        assert!(recall().await.sets.contains_key(&Uuid::from_u128(7)));

        let gone = ground.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                policy::Entity::delete_many()
                    .filter(policy::Column::OrganizationId.eq(acme.id))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        });
        gone.await.unwrap();
        assert!(recall().await.policies.is_empty());
        assert!(Arc::ptr_eq(&recall().await, &recall().await));
    }
}
