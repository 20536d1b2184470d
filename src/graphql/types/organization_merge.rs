//! What merging an organization into another one does.

use async_graphql::{Enum, ID, Object, SimpleObject};

use super::Role;
use crate::{
    global_id,
    graphql::ids,
    organizations::mergers::{self, Plan},
};

/// What merging an organization into another one does. Links, keys and marks of tickets, and addresses of endpoints stay
/// as they are.
pub struct OrganizationMergePlan(pub Plan);

/// So many of a kind go along.
#[derive(SimpleObject)]
pub struct OrganizationMergeCount {
    /// The type, as in `PsaConnection`.
    kind: String,
    /// How many.
    count: i64,
}

/// A name that is taken at the target.
#[derive(SimpleObject)]
pub struct OrganizationMergeRename {
    /// The type, as in `PsaConnection`.
    kind: String,
    /// Its global id, which stays.
    node_id: ID,
    /// What it is called.
    name: String,
    /// What it is called afterwards.
    new_name: String,
}

/// Somebody or something that reaches the source, and reaches nothing afterwards: give it a place at the target on purpose.
#[derive(SimpleObject)]
pub struct OrganizationMergeWithdrawal {
    /// What it is, and what becomes of it.
    kind: OrganizationMergeWithdrawalKind,
    /// Its global id.
    node_id: ID,
    /// Its name.
    name: String,
    /// Its role at the source; null for a subscriber.
    role: Option<Role>,
}

/// What reaches an organization. New kinds may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrganizationMergeWithdrawalKind {
    /// A token, which is withdrawn for good: make another one at the target.
    AccessToken,
    /// A member, who is switched off: invite them at the target.
    Member,
    /// A subscriber, which goes along and is switched off: switch it on where it may be told of the target.
    WebhookSubscriber,
}

/// Something that has to be mended before.
#[derive(SimpleObject)]
pub struct OrganizationMergeConflict {
    /// What it is.
    code: OrganizationMergeConflictCode,
    /// For people: what is wrong, and what to do. May change.
    message: String,
}

/// What stands in the way of a merge. New kinds may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrganizationMergeConflictCode {
    /// A company of each has the same alias.
    SameAlias,
    /// A connection of each, both switched on, leads to the same PSA.
    SamePsa,
    /// Only one of them opens tickets at all.
    TicketingDiffers,
    /// Their billing months differ, or only one of them pushes by itself.
    CalendarsDiffer,
}

impl From<mergers::ConflictCode> for OrganizationMergeConflictCode {
    fn from(code: mergers::ConflictCode) -> Self {
        match code {
            mergers::ConflictCode::SameAlias => Self::SameAlias,
            mergers::ConflictCode::SamePsa => Self::SamePsa,
            mergers::ConflictCode::TicketingDiffers => Self::TicketingDiffers,
            mergers::ConflictCode::CalendarsDiffer => Self::CalendarsDiffer,
        }
    }
}

impl From<mergers::Reach> for OrganizationMergeWithdrawalKind {
    fn from(reach: mergers::Reach) -> Self {
        match reach {
            mergers::Reach::Token => Self::AccessToken,
            mergers::Reach::Member => Self::Member,
            mergers::Reach::Subscriber => Self::WebhookSubscriber,
        }
    }
}

/// What merging an organization into another one does. Links, keys and marks of tickets, and addresses of endpoints stay
/// as they are.
#[Object]
impl OrganizationMergePlan {
    /// Names this very plan: give it as `expectedPlan` to have it done. It covers what is set up at the source and who
    /// reaches it, names that are taken, and conflicts; not what comes in every day, such as findings and tickets.
    async fn digest(&self) -> &str {
        &self.0.digest
    }

    /// How much goes along, by type; types that it has none of are left out.
    async fn counts(&self) -> Vec<OrganizationMergeCount> {
        let count = |one: &mergers::Count| OrganizationMergeCount {
            kind: one.kind.clone(),
            count: i64::try_from(one.count).unwrap_or(i64::MAX),
        };
        self.0.counts.iter().map(count).collect()
    }

    /// What is called otherwise afterwards.
    async fn renames(&self) -> Vec<OrganizationMergeRename> {
        let rename = |one: &mergers::Rename| OrganizationMergeRename {
            kind: one.kind(),
            node_id: ID(global_id::encode(&one.kind(), one.id)),
            name: one.name.clone(),
            new_name: one.new_name.clone(),
        };
        self.0.renames.iter().map(rename).collect()
    }

    /// What else is not as it was, in words for people.
    async fn changes(&self) -> &[String] {
        &self.0.changes
    }

    /// Who and what reaches nothing afterwards.
    async fn withdrawals(&self) -> Vec<OrganizationMergeWithdrawal> {
        let withdrawal = |one: &mergers::Withdrawn| OrganizationMergeWithdrawal {
            kind: one.reach.into(),
            node_id: match one.reach {
                mergers::Reach::Token => ids::encode::<entity::access_token::Entity>(one.id),
                mergers::Reach::Member => ids::encode::<entity::member::Entity>(one.id),
                mergers::Reach::Subscriber => ids::encode::<entity::webhook_subscriber::Entity>(one.id),
            },
            name: one.name.clone(),
            role: one.role.map(Into::into),
        };
        self.0.withdrawn.iter().map(withdrawal).collect()
    }

    /// What has to be mended before; while there is any nothing is done.
    async fn conflicts(&self) -> Vec<OrganizationMergeConflict> {
        let conflict = |one: &mergers::Conflict| OrganizationMergeConflict {
            code: one.code.into(),
            message: one.message.clone(),
        };
        self.0.conflicts.iter().map(conflict).collect()
    }
}
