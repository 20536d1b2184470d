//! What splitting an organization does.

use async_graphql::{Enum, ID, Object, SimpleObject};

use crate::{
    global_id,
    organizations::splits::{self, Plan},
};

/// What splitting an organization does. Links, keys and marks of tickets, and addresses of endpoints that go stay as they
/// are.
pub struct OrganizationSplitPlan(pub Plan);

/// So many of a kind go along.
#[derive(SimpleObject)]
pub struct OrganizationSplitCount {
    /// The type, as in `PsaConnection`.
    kind: String,
    /// How many.
    count: i64,
}

/// Something that both need: it stays, and the new organization gets one like it.
#[derive(SimpleObject)]
pub struct OrganizationSplitCopy {
    /// The type, as in `EventSet`. An endpoint that is copied has an address of its own, and no secret yet:
    /// `webhookEndpointRotateSecret` makes one.
    kind: String,
    /// Its global id.
    node_id: ID,
    /// Its name; empty where it has none.
    name: String,
    /// The global id of the new organization's; null while it is only planned.
    copy_id: Option<ID>,
}

/// Something that has to be mended before.
#[derive(SimpleObject)]
pub struct OrganizationSplitConflict {
    /// What it is.
    code: OrganizationSplitConflictCode,
    /// For people: what is wrong, and what to do. May change.
    message: String,
}

/// What stands in the way of a split. New kinds may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrganizationSplitConflictCode {
    /// A company goes that is mapped, has tickets or is billed on a connection that stays.
    ConnectionStays,
    /// A company stays that is mapped, has tickets or is billed on a connection that goes.
    CompanyStays,
    /// An endpoint goes that speaks for a connection that stays.
    EndpointsConnectionStays,
    /// An endpoint goes that has something of a company that stays.
    EndpointsCompanyStays,
    /// Something is held from a webhook that speaks of companies that go, and of others.
    WebhookOfBoth,
}

impl From<splits::ConflictCode> for OrganizationSplitConflictCode {
    fn from(code: splits::ConflictCode) -> Self {
        match code {
            splits::ConflictCode::ConnectionStays => Self::ConnectionStays,
            splits::ConflictCode::CompanyStays => Self::CompanyStays,
            splits::ConflictCode::EndpointsConnectionStays => Self::EndpointsConnectionStays,
            splits::ConflictCode::EndpointsCompanyStays => Self::EndpointsCompanyStays,
            splits::ConflictCode::WebhookOfBoth => Self::WebhookOfBoth,
        }
    }
}

/// What splitting an organization does. Links, keys and marks of tickets, and addresses of endpoints that go stay as they
/// are.
#[Object]
impl OrganizationSplitPlan {
    /// Names this very plan: give it as `expectedPlan` to have it done. It covers what is set up of what goes, what is
    /// copied, and conflicts; not what comes in every day, such as findings and tickets.
    async fn digest(&self) -> &str {
        &self.0.digest
    }

    /// How much goes along, by type; types of which nothing does are left out.
    async fn counts(&self) -> Vec<OrganizationSplitCount> {
        let count = |one: &splits::Count| OrganizationSplitCount {
            kind: one.kind.clone(),
            count: i64::try_from(one.count).unwrap_or(i64::MAX),
        };
        self.0.counts.iter().map(count).collect()
    }

    /// What both have afterwards.
    async fn copies(&self) -> Vec<OrganizationSplitCopy> {
        let copy = |one: &splits::Copy| OrganizationSplitCopy {
            kind: one.kind(),
            node_id: ID(global_id::encode(&one.kind(), one.id)),
            name: one.name.clone(),
            copy_id: one.copy_id.map(|id| ID(global_id::encode(&one.kind(), id))),
        };
        self.0.copies.iter().map(copy).collect()
    }

    /// What else is not as it was, in words for people.
    async fn changes(&self) -> &[String] {
        &self.0.changes
    }

    /// What has to be mended before; while there is any nothing is done.
    async fn conflicts(&self) -> Vec<OrganizationSplitConflict> {
        let conflict = |one: &splits::Conflict| OrganizationSplitConflict {
            code: one.code.into(),
            message: one.message.clone(),
        };
        self.0.conflicts.iter().map(conflict).collect()
    }
}
