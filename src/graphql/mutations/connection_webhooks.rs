//! The gateway's own webhook in a PSA, and clearing a connection.

use std::time::Duration;

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{psa_connection, webhook_endpoint::Registration};

use crate::{
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{PsaConnection, PsaConnectionClearPreview},
    },
    ground::Ground,
    organizations::{
        clearing, connections,
        endpoints::{Learning, NewEndpoint},
        registrations,
        viewer::Permission,
    },
    psa::{self, http::Outbound},
};

/// How long a PSA is waited for when its webhook is taken out.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where to register the gateway's webhook.
#[derive(Debug, InputObject)]
pub struct PsaConnectionRegisterWebhookInput {
    /// The connection.
    pub id: ID,
}

payload! {
    /// What `psaConnectionRegisterWebhook` answers.
    PsaConnectionRegisterWebhookPayload, PsaConnectionRegisterWebhookUserError {
        /// The connection; its `webhookHealth` shows how it goes on.
        psa_connection: PsaConnection,
    }
}

/// Where to take the gateway's webhook out.
#[derive(Debug, InputObject)]
pub struct PsaConnectionRemoveWebhookInput {
    /// The connection.
    pub id: ID,
}

payload! {
    /// What `psaConnectionRemoveWebhook` answers.
    PsaConnectionRemoveWebhookPayload, PsaConnectionRemoveWebhookUserError {
        /// The connection. The gateway asks the PSA every few minutes instead.
        psa_connection: PsaConnection,
        /// Why the webhook may still stand in the PSA; take it out there by hand then.
        left_behind: String,
    }
}

/// Which connection to switch off and clear.
#[derive(Debug, InputObject)]
pub struct PsaConnectionClearInput {
    /// The connection.
    pub id: ID,
    /// The connection's name, typed again to confirm.
    pub confirm_name: String,
}

payload! {
    /// What `psaConnectionClear` answers.
    PsaConnectionClearPayload, PsaConnectionClearUserError {
        /// The connection, switched off and without credentials.
        psa_connection: PsaConnection,
        /// What was taken away.
        cleared: PsaConnectionClearPreview,
        /// Why a webhook may still stand in the PSA; take it out there by hand then.
        left_behind: String,
    }
}

/// What can be done with the webhooks of connections.
#[derive(Default)]
pub struct ConnectionWebhookMutation;

#[Object]
impl ConnectionWebhookMutation {
    /// Has the gateway register its own webhook in the PSA, look at it several times a day and mend it. The PSA is
    /// called in the background. Needs `MANAGE_INTEGRATIONS`.
    async fn psa_connection_register_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which connection.")] input: PsaConnectionRegisterWebhookInput,
    ) -> Result<Option<PsaConnectionRegisterWebhookPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let row = connections::by_id(viewer, ground, id).await?;
            viewer.may(Permission::ManageIntegrations, row.organization_id)?;
            let platform = psa::platform(&row.platform);
            let scheme = platform.and_then(|platform| {
                let scheme = platform.webhook_schemes().first()?;
                platform.capabilities().webhook_registration.then_some((platform, scheme))
            });
            let Some((platform, scheme)) = scheme else {
                let message = "the gateway cannot register webhooks in this kind of PSA; see its webhook schemes for \
                               what to enter there by hand, or leave it: changes are asked for every few minutes";
                return Err(Problem::of("id", ProblemCode::WrongState, message).into());
            };
            let new = NewEndpoint {
                organization_id: row.organization_id,
                name: row.name.clone(),
                sender: row.platform.clone(),
                is_platform: true,
                psa_connection_id: Some(id),
                scheme: scheme.key.to_owned(),
                secret: platform.make_webhook_secret(scheme.key, &ground.chance).map(Into::into),
                is_registered: true,
                allowed_addresses: Vec::new(),
                settings: None,
                learning: Learning::default(),
                problems: Vec::new(),
            };
            registrations::request(viewer, ground, new, id).await?;
            Ok(PsaConnectionRegisterWebhookPayload::done(row.into()))
        };
        PsaConnectionRegisterWebhookPayload::answer(work.await)
    }

    /// Takes the gateway's webhook out of the PSA and switches its endpoint off. Needs `MANAGE_INTEGRATIONS`.
    async fn psa_connection_remove_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which connection.")] input: PsaConnectionRemoveWebhookInput,
    ) -> Result<Option<PsaConnectionRemoveWebhookPayload>> {
        let (viewer, ground, outbound) = (ctx.viewer()?, ctx.ground()?, ctx.data::<Outbound>()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let row = connections::by_id(viewer, ground, id).await?;
            viewer.may(Permission::ManageIntegrations, row.organization_id)?;
            let left_behind = take_out(ground, outbound, &row).await?;
            registrations::give_up(viewer, ground, id).await?;
            Ok(PsaConnectionRemoveWebhookPayload {
                psa_connection: Some(row.into()),
                left_behind,
                user_errors: Vec::new(),
            })
        };
        PsaConnectionRemoveWebhookPayload::answer(work.await)
    }

    /// "Disable & Clear Data": switches a connection off and takes away its credentials, mappings and copies of the
    /// PSA's data. Tickets and their history stay and are no longer followed. `clearPreview` counts before. Needs
    /// `MANAGE_INTEGRATIONS`.
    async fn psa_connection_clear(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which connection.")] input: PsaConnectionClearInput,
    ) -> Result<Option<PsaConnectionClearPayload>> {
        let (viewer, ground, outbound) = (ctx.viewer()?, ctx.ground()?, ctx.data::<Outbound>()?);
        let work = async {
            let id = ids::parse::<psa_connection::Entity>(&input.id, &["id"])?;
            let row = connections::by_id(viewer, ground, id).await?;
            viewer.may(Permission::ManageIntegrations, row.organization_id)?;
            clearing::confirm(&row, &input.confirm_name)?;
            let left_behind = take_out(ground, outbound, &row).await?;
            let (row, cleared) = clearing::clear(viewer, ground, id).await?;
            Ok(PsaConnectionClearPayload {
                psa_connection: Some(row.into()),
                cleared: Some(cleared.into()),
                left_behind,
                user_errors: Vec::new(),
            })
        };
        PsaConnectionClearPayload::answer(work.await)
    }
}

/// Takes the gateway's webhooks out of a PSA while there are credentials to do so with. What could not be taken
/// out is told, and hinders nothing.
async fn take_out(
    ground: &Ground,
    outbound: &Outbound,
    row: &psa_connection::Model,
) -> Result<Option<String>, Error> {
    let standing: Vec<_> = registrations::of_connection(ground, row.id)
        .await?
        .into_iter()
        .filter(|endpoint| endpoint.registration != Registration::ByHand)
        .filter_map(|endpoint| endpoint.registered_id)
        .collect();
    if standing.is_empty() {
        return Ok(None);
    }
    let Some(platform) = psa::platform(&row.platform) else { return Ok(None) };
    let login = connections::credentials(ground, row).await?;
    let budget = psa::budget_of(platform, outbound, row.organization_id, row.id, &connections::settings(row));
    let Ok(client) = platform.connect(login, psa::counted(ground, outbound, budget)) else {
        return Ok(Some("the stored login cannot be used".to_owned()));
    };
    for external_id in standing {
        match tokio::time::timeout(PATIENCE, client.remove_webhook(&external_id)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Ok(Some(error.to_string())),
            Err(_) => return Ok(Some("the PSA did not answer in time".to_owned())),
        }
    }
    Ok(None)
}
