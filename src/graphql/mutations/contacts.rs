//! What can be done with contacts.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use entity::{company, psa_connection, sync_run};

use super::once::{Asked, Earlier};
use crate::{
    error::{Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{PsaConnection, SyncRun},
    },
    organizations::connections,
    psa,
    sync::{
        contacts::{self, Offered, SettingsChange, remote::FieldCondition},
        runs::{self, Wanted},
    },
};

/// Through which connection to read contacts.
#[derive(Debug, InputObject)]
pub struct PsaConnectionSyncContactsInput {
    /// The connection.
    pub id: ID,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `psaConnectionSyncContacts` answers.
    PsaConnectionSyncContactsPayload, PsaConnectionSyncContactsUserError {
        /// The reading that was queued, or the same one that waits already.
        sync_run: SyncRun,
    }
}

/// What a field must say of contacts that are to be read.
#[derive(Debug, InputObject)]
pub struct ContactConditionInput {
    /// The key of the field, one of `ContactSync.fields`.
    pub field_key: String,
    /// One of these, in upper or lower case; null for anything.
    pub value_in: Option<Vec<String>>,
    /// Whether it says anything at all; null for either.
    pub is_known: Option<bool>,
}

/// How contacts are to be read; what is absent stays.
#[derive(Debug, InputObject)]
pub struct ContactSyncSetInput {
    /// Through which connection.
    pub psa_connection_id: ID,
    /// Whether they are read.
    pub is_enabled: Option<bool>,
    /// The keys of the fields to be kept, beside name, e-mail, telephone and job title.
    pub field_keys: Option<Vec<String>>,
    /// Whose: these companies of yours, as far as they are mapped; null for all that are mapped, also those that will be.
    pub company_ids: MaybeUndefined<Vec<ID>>,
    /// Of one of these types, by their values; null for all.
    pub type_in: MaybeUndefined<Vec<String>>,
    /// What their fields must say; all of it must be true.
    pub conditions: Option<Vec<ContactConditionInput>>,
    /// Whether inactive ones are read, too.
    pub has_inactive: Option<bool>,
}

payload! {
    /// What `contactSyncSet` answers.
    ContactSyncSetPayload, ContactSyncSetUserError {
        /// The connection.
        psa_connection: PsaConnection,
    }
}

/// A value, null, or nothing said.
#[expect(clippy::option_option, reason = "outside: whether it changes; inside: to what")]
fn said<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// What the platform of that key has of contacts.
fn offered(platform: &str) -> Option<Offered> {
    let platform = psa::platform(platform)?;
    let (abilities, catalogue) = platform.contacts()?;
    Some(Offered { label: platform.label(), abilities, catalogue })
}

/// What can be done with contacts.
#[derive(Default)]
pub struct ContactMutation;

#[Object]
impl ContactMutation {
    /// Reads the PSA's contacts anew, in the background: its fields and types, and where they are switched on the contacts
    /// of mapped companies. Needs `CHECK_INTEGRATIONS`.
    async fn psa_connection_sync_contacts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Through which connection.")] input: PsaConnectionSyncContactsInput,
    ) -> Result<Option<PsaConnectionSyncContactsPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let platform = connections::by_id(viewer, ground, id).await?.platform;
            if offered(&platform).is_none() {
                let message = "the API of this platform gives no contacts; there is nothing to be read";
                return Err(Problem::of("id", ProblemCode::WrongState, message).into());
            }
            let run = runs::request(viewer, ground, id, Wanted::Contacts).await?;
            Ok(PsaConnectionSyncContactsPayload::done(run.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let sync_run = earlier.row::<sync_run::Entity>().await?.map(Into::into);
            Ok(PsaConnectionSyncContactsPayload { sync_run, user_errors: Vec::new() })
        };
        PsaConnectionSyncContactsPayload::answer(asked.answer(work, again).await)
    }

    /// Sets which contacts are read, and what of them. The next run goes by it. Needs `MANAGE_INTEGRATIONS`.
    async fn contact_sync_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: ContactSyncSetInput,
    ) -> Result<Option<ContactSyncSetPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.psa_connection_id, &["psaConnectionId"])?;
            let companies = said(input.company_ids).map(|ids| {
                ids.map(|ids| {
                    ids.iter().map(|id| ids::parse::<company::Entity>(id, &["companyIds"])).collect()
                })
                .transpose()
            });
            let condition = |condition: ContactConditionInput| FieldCondition {
                key: condition.field_key,
                values: condition.value_in,
                is_known: condition.is_known,
            };
            let change = SettingsChange {
                is_enabled: input.is_enabled,
                fields: input.field_keys,
                company_ids: companies.transpose()?,
                types: said(input.type_in),
                conditions: input.conditions.map(|list| list.into_iter().map(condition).collect()),
                include_inactive: input.has_inactive,
            };
            let platform = connections::by_id(viewer, ground, id).await?.platform;
            let connection = contacts::set(viewer, ground, id, change, offered(&platform)).await?;
            Ok(ContactSyncSetPayload::done(connection.into()))
        };
        ContactSyncSetPayload::answer(work.await)
    }
}
