//! What can be done with tickets, their operations and the deliveries they come from.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{
    company_mapping, finding, psa_connection, ticket, ticket_operation, ticket_profile, webhook_delivery,
};

use super::once::{Asked, Earlier};
use crate::{
    error::{Error, Problem},
    graphql::{
        Asking as _,
        errors::payload,
        ids,
        types::{Ticket, TicketOperation, WebhookDelivery},
    },
    queue::redrive,
    tickets::{
        link::{self, Link},
        operations, sample,
    },
};

/// What to decide again.
#[derive(Debug, InputObject)]
pub struct WebhookDeliveryRedriveInput {
    /// The delivery.
    pub id: ID,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `webhookDeliveryRedrive` answers.
    WebhookDeliveryRedrivePayload, WebhookDeliveryRedriveUserError {
        /// The delivery, waiting to be worked on.
        webhook_delivery: WebhookDelivery,
    }
}

/// What to try again.
#[derive(Debug, InputObject)]
pub struct TicketOperationRetryInput {
    /// The operation.
    pub id: ID,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `ticketOperationRetry` answers.
    TicketOperationRetryPayload, TicketOperationRetryUserError {
        /// The operation, waiting to be tried.
        ticket_operation: TicketOperation,
    }
}

/// Which test ticket to make.
#[derive(Debug, InputObject)]
pub struct TicketSendTestInput {
    /// For whom, on which connection.
    pub company_mapping_id: ID,
    /// How it is made and closed; where none is given, the mapping's profile, else the default.
    pub ticket_profile_id: Option<ID>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again and does nothing more. Another input under the
    /// same key is the error `IDEMPOTENCY_CONFLICT`. A request that was refused is not remembered.
    pub idempotency_key: Option<String>,
}

payload! {
    /// What `ticketSendTest` answers.
    TicketSendTestPayload, TicketSendTestUserError {
        /// The test ticket. Its `operations` CREATE, READ_BACK and CLOSE are the steps of the test: ask for
        /// them again until all are over.
        ticket: Ticket,
    }
}

/// Which ticket of the PSA belongs to which finding.
#[derive(Debug, InputObject)]
pub struct TicketLinkInput {
    /// The problem that the ticket is about.
    pub finding_id: ID,
    /// The connection to the PSA that has the ticket; the finding's company must be mapped on it.
    pub psa_connection_id: ID,
    /// The PSA's own id of the ticket, as its address in the PSA shows it (in some PSAs not the number that people
    /// see).
    pub external_id: String,
    /// How it is closed; where none is given, the mapping's profile, else the default.
    pub ticket_profile_id: Option<ID>,
}

payload! {
    /// What `ticketLink` answers.
    TicketLinkPayload, TicketLinkUserError {
        /// The ticket. Its operation LINK reads it from the PSA: it fails where the ticket is not there or is
        /// another company's.
        ticket: Ticket,
    }
}

/// What can be done with tickets.
#[derive(Default)]
pub struct TicketMutation;

#[Object]
impl TicketMutation {
    /// Decides a delivery again: what was held or could not be read. What was decided stays, so that no ticket is
    /// doubled. Needs `OPERATE`.
    async fn webhook_delivery_redrive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to decide again.")] input: WebhookDeliveryRedriveInput,
    ) -> Result<Option<WebhookDeliveryRedrivePayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<webhook_delivery::Entity>(&input.id, &["id"])?;
            let row = redrive::redrive(viewer, ground, id).await?;
            Ok(WebhookDeliveryRedrivePayload::done(row.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let webhook_delivery = earlier.row::<webhook_delivery::Entity>().await?.map(Into::into);
            Ok(WebhookDeliveryRedrivePayload { webhook_delivery, user_errors: Vec::new() })
        };
        WebhookDeliveryRedrivePayload::answer(asked.answer(work, again).await)
    }

    /// Tries an operation again that was given up. Needs `OPERATE`.
    async fn ticket_operation_retry(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to try again.")] input: TicketOperationRetryInput,
    ) -> Result<Option<TicketOperationRetryPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<ticket_operation::Entity>(&input.id, &["id"])?;
            let row = operations::retry(viewer, ground, id).await?;
            Ok(TicketOperationRetryPayload::done(row.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let ticket_operation = earlier.row::<ticket_operation::Entity>().await?.map(Into::into);
            Ok(TicketOperationRetryPayload { ticket_operation, user_errors: Vec::new() })
        };
        TicketOperationRetryPayload::answer(asked.answer(work, again).await)
    }

    /// Links a ticket that somebody made in the PSA to a finding: what is reported later is noted on it rather than
    /// opening another. Needs `OPERATE`.
    async fn ticket_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ticket belongs to what.")] input: TicketLinkInput,
    ) -> Result<Option<TicketLinkPayload>> {
        let (viewer, ground) = (ctx.viewer()?, ctx.ground()?);
        let work = async {
            let wanted = Link {
                finding_id: ids::parse::<finding::Entity>(&input.finding_id, &["findingId"])?,
                psa_connection_id: ids::parse::<psa_connection::Entity>(
                    &input.psa_connection_id,
                    &["psaConnectionId"],
                )?,
                external_id: input.external_id,
                ticket_profile_id: ids::parse_option::<ticket_profile::Entity>(
                    input.ticket_profile_id.as_ref(),
                    &["ticketProfileId"],
                )?,
            };
            Ok(TicketLinkPayload::done(link::link(viewer, ground, wanted).await?.into()))
        };
        TicketLinkPayload::answer(work.await)
    }

    /// Makes a test ticket in the PSA, reads it back and closes it. Needs `OPERATE`.
    async fn ticket_send_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which test ticket to make.")] input: TicketSendTestInput,
    ) -> Result<Option<TicketSendTestPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let row = sample::send(viewer, ground, read(&input)?).await?;
            Ok(TicketSendTestPayload::done(row.into()))
        };
        let again = async |earlier: Earlier<'_>| {
            let ticket = earlier.row::<ticket::Entity>().await?.map(Into::into);
            Ok(TicketSendTestPayload { ticket, user_errors: Vec::new() })
        };
        TicketSendTestPayload::answer(asked.answer(work, again).await)
    }
}

fn read(input: &TicketSendTestInput) -> Result<sample::SendTest, Error> {
    let mapping = ids::parse::<company_mapping::Entity>(&input.company_mapping_id, &["company_mapping_id"]);
    let profile =
        ids::parse_option::<ticket_profile::Entity>(input.ticket_profile_id.as_ref(), &["ticket_profile_id"]);
    match (mapping, profile) {
        (Ok(company_mapping_id), Ok(ticket_profile_id)) => {
            Ok(sample::SendTest { company_mapping_id, ticket_profile_id })
        }
        (mapping, profile) => {
            let problems: Vec<Problem> = mapping.err().into_iter().chain(profile.err()).collect();
            Err(Error::Invalid(problems))
        }
    }
}
