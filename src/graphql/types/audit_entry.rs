//! Who changed what.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use entity::{audit_entry, organization};
use uuid::Uuid;

use super::{DateTimeFilter, Organization};
use crate::{
    audit::{
        INSTALLATION,
        read::AuditList,
        verify::{actor_id, hex},
    },
    error::{Error, Problem, ProblemCode},
    global_id,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        scalars::{DateTime, Json},
    },
};

/// By what somebody who changed something is known. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "audit_entry::ActorKind")]
pub enum AuditActorKind {
    /// The gateway itself: its own set-up, and commands run on its machine.
    Gateway,
    /// An access token.
    Token,
    /// A member.
    Member,
}

/// Somebody who changed something, as they were then.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditActor {
    /// By what they are known.
    pub kind: AuditActorKind,
    /// The token's or member's name at that time.
    pub name: String,
    /// Global id of the token or member, also where it is gone; null for the gateway itself. Not named `id`: clients
    /// keep one name for an id, and this one's was true then.
    pub node_id: Option<ID>,
}

/// Something that was changed, as it was then.
#[derive(Clone, Debug, SimpleObject)]
pub struct AuditTarget {
    /// Its type in this schema, e.g. `CompanyMapping`.
    #[graphql(name = "type")]
    pub type_name: String,
    /// Its name at that time.
    pub name: String,
    /// Its global id, also where it is gone.
    pub node_id: ID,
}

/// A change that somebody made. It stays as it was written, for good.
pub struct AuditEntry(pub audit_entry::Model);

impl From<audit_entry::Model> for AuditEntry {
    fn from(row: audit_entry::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// An audit log, the newest entry first.
    AuditEntryConnection, AuditEntryEdge, AuditEntry, AuditList, bounded
}

/// Which entries; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AuditLogFilter {
    /// One of these was done: names of mutations, e.g. `companyMappingSet`.
    pub action: Option<Vec<String>>,
    /// This token or member did it.
    pub actor_id: Option<ID>,
    /// To this: any id, also of what is gone.
    pub target_id: Option<ID>,
    /// When it was done.
    pub at: Option<DateTimeFilter>,
    /// Part of what was done, of the actor's or the target's name, or of what changed; in upper or lower case.
    pub query: Option<String>,
}

impl AuditLogFilter {
    /// The domain's list.
    pub fn read(self) -> Result<AuditList, Error> {
        Ok(AuditList {
            actions: self.action,
            actor_ids: any(self.actor_id.as_ref(), "actorId")?,
            target_ids: any(self.target_id.as_ref(), "targetId")?,
            at: DateTimeFilter::read(self.at),
            text: self.query,
        })
    }
}

/// The row of an id of any type.
fn any(id: Option<&ID>, field: &str) -> Result<Option<Vec<Uuid>>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let Some((_, row)) = ids::decode(id) else {
        let message = "this is no id; take one from what this API answers";
        return Err(Problem::at(&["filter", field], ProblemCode::Invalid, message));
    };
    Ok(Some(vec![row]))
}

fn json(text: Option<&str>) -> Option<Json> {
    text.and_then(|text| serde_json::from_str(text).ok()).map(Json)
}

/// A change that somebody made. It stays as it was written, for good.
#[Object]
impl AuditEntry {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<audit_entry::Entity>(self.0.id)
    }

    /// In whose log it stands; null for the installation's own.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        if self.0.organization_id == INSTALLATION {
            return Ok(None);
        }
        let found = ctx.loaders()?.row::<organization::Entity>(self.0.organization_id).await?;
        Ok(found.map(Organization))
    }

    /// Its place in that log: 1 for the first, and no number is left out.
    async fn number(&self) -> i64 {
        self.0.number
    }

    /// When it was done.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// Who did it.
    async fn actor(&self) -> AuditActor {
        AuditActor {
            kind: self.0.actor_kind.into(),
            name: self.0.actor_name.clone(),
            node_id: actor_id(&self.0).map(ID),
        }
    }

    /// The address they called from; null for the gateway itself.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// The request that they asked with, as the logs and the header `x-request-id` have it.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What was done: the name of the mutation.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// What it was done to.
    async fn target(&self) -> AuditTarget {
        AuditTarget {
            type_name: self.0.target_type.clone(),
            name: self.0.target_name.clone(),
            node_id: ID(global_id::encode(&self.0.target_type, self.0.target_id)),
        }
    }

    /// What changed, as it was before: an object by the names that this API has. Never a secret. Null where there
    /// was nothing.
    async fn before(&self) -> Option<Json> {
        json(self.0.before.as_deref())
    }

    /// What changed, as it is since: an object by the names that this API has. Never a secret; another login shows
    /// as `"credentials": "changed"`. Null where there is nothing.
    async fn after(&self) -> Option<Json> {
        json(self.0.after.as_deref())
    }

    /// SHA-256 of all of this and of the hash before, in hexadecimal digits: entries cannot be changed, left out or
    /// put in without `psa-gateway audit verify` finding it.
    async fn hash(&self) -> String {
        hex(&self.0.hash)
    }
}
