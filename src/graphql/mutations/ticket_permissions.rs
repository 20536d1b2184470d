//! What can be done with ticket permissions.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};
use entity::{psa_connection, ticket_permission};
use uuid::Uuid;

use crate::{
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{MEMBER, PsaConnection, Role, TicketField, TicketPermission, profile_rules},
    },
    organizations::{
        connections,
        ticket_permissions::{self, SetRule, Subject},
    },
};

/// For whom a ticket permission is: one of these.
#[derive(Debug, OneofObject)]
pub enum TicketPermissionSubjectInput {
    /// Everybody of this role who has no rule of their own; not for owners and administrators, who could change
    /// the rule.
    Role(Role),
    /// One member.
    MemberId(ID),
}

/// What somebody is to see of a connection's tickets.
#[derive(Debug, InputObject)]
pub struct TicketPermissionSetInput {
    /// For tickets of this connection.
    pub psa_connection_id: ID,
    /// For whom; a rule that they have on it already is made anew.
    pub subject: TicketPermissionSubjectInput,
    /// The boards whose tickets are seen, 100 at the most, as values of the pick list of the platform's profile
    /// field that `isBoard`; absent or null for all, empty for none.
    pub boards: Option<Vec<String>>,
    /// What of a ticket is not seen.
    #[graphql(default)]
    pub hidden_fields: Vec<TicketField>,
    /// Whether notes are seen.
    #[graphql(default = true)]
    pub shows_notes: bool,
    /// Whether notes that customers do not see are among them. Those that the gateway itself writes are such; so are all
    /// of a PSA that does not say which customers see (`PsaTicketCapabilities.hasPublicNotes`).
    #[graphql(default = true)]
    pub shows_internal_notes: bool,
}

payload! {
    /// What `ticketPermissionSet` answers.
    TicketPermissionSetPayload, TicketPermissionSetUserError {
        /// The rule, new or made anew.
        ticket_permission: TicketPermission,
    }
}

/// Which rule to remove.
#[derive(Debug, InputObject)]
pub struct TicketPermissionRemoveInput {
    /// The rule.
    pub id: ID,
}

payload! {
    /// What `ticketPermissionRemove` answers.
    TicketPermissionRemovePayload, TicketPermissionRemoveUserError {
        /// Id of the rule that was removed.
        deleted_ticket_permission_id: ID,
        /// The connection that it was for.
        psa_connection: PsaConnection,
    }
}

/// What can be done with ticket permissions.
#[derive(Default)]
pub struct TicketPermissionMutation;

#[Object]
impl TicketPermissionMutation {
    /// Says which boards, fields and notes of a connection's tickets a role or a member sees: of those that the gateway
    /// made, and of the copies of the PSA's own. It holds from their next request on. Needs `MANAGE_ACCESS`.
    async fn ticket_permission_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who sees what.")] input: TicketPermissionSetInput,
    ) -> Result<Option<TicketPermissionSetPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let psa_connection_id =
                ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let fields = match connections::by_id(viewer, ground, psa_connection_id).await {
                Ok(row) => profile_rules(&row.platform),
                // The domain says which field is wrong.
                Err(Error::NotFound) => Vec::new(),
                Err(error) => return Err(error),
            };
            let wanted = SetRule {
                psa_connection_id,
                subject: subject(input.subject)?,
                boards: input.boards,
                hidden: input.hidden_fields.into_iter().map(Into::into).collect(),
                shows_notes: input.shows_notes,
                shows_internal_notes: input.shows_internal_notes,
            };
            let set = ticket_permissions::set(viewer, ground, &fields, wanted).await?;
            Ok(TicketPermissionSetPayload::done(set.into()))
        };
        TicketPermissionSetPayload::answer(work.await)
    }

    /// Takes a rule away: its role sees all tickets of the connection again, its member what their role sees. Needs
    /// `MANAGE_ACCESS`.
    async fn ticket_permission_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rule.")] input: TicketPermissionRemoveInput,
    ) -> Result<Option<TicketPermissionRemovePayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<ticket_permission::Entity>(&input.id, &["id"])?;
            let row = ticket_permissions::remove(viewer, ground, id).await?;
            let connection = connections::by_id(viewer, ground, row.psa_connection_id).await?;
            Ok(TicketPermissionRemovePayload::done(input.id.clone(), connection.into()))
        };
        TicketPermissionRemovePayload::answer(work.await)
    }
}

fn subject(given: TicketPermissionSubjectInput) -> Result<Subject, Problem> {
    match given {
        TicketPermissionSubjectInput::Role(role) => Ok(Subject::Role(role.into())),
        TicketPermissionSubjectInput::MemberId(id) => member(&id).map(Subject::Member),
    }
}

fn member(id: &ID) -> Result<Uuid, Problem> {
    let found = ids::decode(id).filter(|(name, _)| name == MEMBER).map(|(_, id)| id);
    found.ok_or_else(|| {
        let message = format!("this is no id of the type {MEMBER}");
        Problem::at(&["subject", "memberId"], ProblemCode::Invalid, message)
    })
}
