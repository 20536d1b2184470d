//! What is done to many things at once. Each of them has its own outcome, in the order of the input: a wrong one
//! leaves the others done. Everything is written in one transaction.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use entity::{
    company, company_mapping, event_set, organization, psa_company, ticket_operation, ticket_profile,
    webhook_delivery,
};

use super::once::{Asked, Earlier};
use crate::{
    error::{Error, Problem, ProblemCode},
    graphql::{
        Asking as _,
        errors::payload,
        ids::{self, Identified},
        types::{Company, CompanyMapping, TicketOperation, WebhookDelivery},
    },
    organizations::{
        companies::{self, NewCompany},
        mappings::{self, SetMapping},
    },
    queue::redrive,
    tickets::operations,
};

/// How many are done at once.
const MAX: usize = 100;

/// The outcome of each of many: something, or what is wrong with it.
type Outcomes<T> = Vec<std::result::Result<T, Vec<Problem>>>;

/// A company and what it is at a PSA: one of many.
#[derive(Debug, InputObject)]
pub struct CompanyMappingSetManyItem {
    /// Our side.
    pub company_id: ID,
    /// The PSA's side, which says on which connection.
    pub psa_company_id: ID,
    /// Whether tickets are opened for it. Absent leaves it as it is: on, for a new mapping.
    pub is_ticketing_enabled: Option<bool>,
    /// A ticket profile of its own, of the same connection; null takes it away, absent leaves it.
    pub ticket_profile_id: MaybeUndefined<ID>,
    /// An event set of its own, other events open no tickets for it; null takes it away, absent leaves it.
    pub event_set_id: MaybeUndefined<ID>,
    /// Whether the mapping is used at all. Absent leaves it as it is: on, for a new one.
    pub is_enabled: Option<bool>,
    /// Whether its configurations are read where not those of all companies are (see `configurationSyncSet`). Absent
    /// leaves it as it is: off, for a new one.
    pub is_configurations_enabled: Option<bool>,
    /// The `version` that the mapping must have, 0 where there must be none yet; absent for whichever it has.
    pub expected_version: Option<i32>,
}

/// Companies and what they are at PSAs.
#[derive(Debug, InputObject)]
pub struct CompanyMappingSetManyInput {
    /// The mappings, 100 at the most; a company once on each connection.
    pub mappings: Vec<CompanyMappingSetManyItem>,
    /// Your key for this request, 1 to 200 visible characters, e.g. a UUID: asked for again with the same key and
    /// input within 24 hours, it gives the first answer again, with what was wrong then, and does nothing more.
    /// Another input under the same key is the error `IDEMPOTENCY_CONFLICT`. A request of which nothing could be
    /// done is not remembered.
    pub idempotency_key: Option<String>,
}

/// A company to be made, with its aliases: one of many.
#[derive(Debug, InputObject)]
pub struct CompanyCreateManyItem {
    /// Name for people, at most 200 characters; unique in the organization.
    pub name: String,
    /// Names and ids that senders have for it, 20 at the most.
    #[graphql(default)]
    pub aliases: Vec<CompanyCreateManyAlias>,
}

/// A name or id that a sender has for a company that is being made.
#[derive(Debug, InputObject)]
pub struct CompanyCreateManyAlias {
    /// Which product uses it, as its events name it in `source`; absent or `*` for any. At most 100 characters.
    pub source: Option<String>,
    /// The name or id as sent, upper and lower case told apart; at most 255 characters.
    pub value: String,
}

/// Companies to be made.
#[derive(Debug, InputObject)]
pub struct CompanyCreateManyInput {
    /// Whose customers they are.
    pub organization_id: ID,
    /// The companies, 100 at the most.
    pub companies: Vec<CompanyCreateManyItem>,
    /// Your key for this request: see `CompanyMappingSetManyInput.idempotencyKey`.
    pub idempotency_key: Option<String>,
}

/// Which mappings to remove.
#[derive(Debug, InputObject)]
pub struct CompanyMappingRemoveManyInput {
    /// The mappings, 100 at the most.
    pub ids: Vec<ID>,
    /// Your key for this request: see `CompanyMappingSetManyInput.idempotencyKey`.
    pub idempotency_key: Option<String>,
}

/// What to decide again.
#[derive(Debug, InputObject)]
pub struct WebhookDeliveryRedriveManyInput {
    /// The deliveries, 100 at the most.
    pub ids: Vec<ID>,
    /// Your key for this request: see `CompanyMappingSetManyInput.idempotencyKey`.
    pub idempotency_key: Option<String>,
}

/// What to try again.
#[derive(Debug, InputObject)]
pub struct TicketOperationRetryManyInput {
    /// The operations, 100 at the most.
    pub ids: Vec<ID>,
    /// Your key for this request: see `CompanyMappingSetManyInput.idempotencyKey`.
    pub idempotency_key: Option<String>,
}

/// Makes a payload of many results and the type of one: its place, what was done to it, and what is wrong.
macro_rules! many {
    ($(#[$doc:meta])* $name:ident, $result:ident, $error:ident, $list:literal {
        $(#[$field_doc:meta])* $field:ident: $type:ty
    }) => {
        payload! {
            $(#[$doc])*
            $name, $error {
                /// What became of each, in the order of the input.
                results: Vec<$result>,
            }
        }

        /// What became of one of them.
        #[derive(SimpleObject)]
        pub struct $result {
            /// Its place in the input's list, from 0.
            pub index: i32,
            $(#[$field_doc])*
            pub $field: Option<$type>,
            /// What is wrong with it; empty when it was done.
            pub user_errors: Vec<$error>,
        }

        impl $name {
            /// Each with its place; problems with the path from the input on.
            fn of<T>(outcomes: Outcomes<T>, show: impl Fn(T) -> Option<$type>) -> Self {
                let result = |(index, outcome): (usize, std::result::Result<T, Vec<Problem>>)| {
                    let place = i32::try_from(index).unwrap_or(i32::MAX);
                    match outcome {
                        Ok(done) => $result { index: place, $field: show(done), user_errors: Vec::new() },
                        Err(problems) => {
                            let problems = problems.into_iter().map(|problem| problem.within($list, index));
                            $result { index: place, $field: None, user_errors: problems.map($error).collect() }
                        }
                    }
                };
                Self::done(outcomes.into_iter().enumerate().map(result).collect())
            }
        }
    };
}

many! {
    /// What `companyMappingSetMany` answers.
    CompanyMappingSetManyPayload, CompanyMappingSetManyResult, CompanyMappingSetManyUserError, "mappings" {
        /// The mapping, new or changed; null where something is wrong, or it was removed since the first answer.
        company_mapping: CompanyMapping
    }
}

many! {
    /// What `companyCreateMany` answers.
    CompanyCreateManyPayload, CompanyCreateManyResult, CompanyCreateManyUserError, "companies" {
        /// The new company; null where something is wrong, or it was removed since the first answer.
        company: Company
    }
}

many! {
    /// What `companyMappingRemoveMany` answers.
    CompanyMappingRemoveManyPayload, CompanyMappingRemoveManyResult, CompanyMappingRemoveManyUserError, "ids" {
        /// Id of the mapping that was removed; null where something is wrong.
        deleted_company_mapping_id: ID
    }
}

many! {
    /// What `webhookDeliveryRedriveMany` answers.
    WebhookDeliveryRedriveManyPayload, WebhookDeliveryRedriveManyResult, WebhookDeliveryRedriveManyUserError, "ids" {
        /// The delivery, waiting to be worked on; null where something is wrong.
        webhook_delivery: WebhookDelivery
    }
}

many! {
    /// What `ticketOperationRetryMany` answers.
    TicketOperationRetryManyPayload, TicketOperationRetryManyResult, TicketOperationRetryManyUserError, "ids" {
        /// The operation, waiting to be tried; null where something is wrong.
        ticket_operation: TicketOperation
    }
}

/// What is done to many things at once.
#[derive(Default)]
pub struct ManyMutation;

#[Object]
impl ManyMutation {
    /// Maps companies to those of PSAs, or maps them anew; a wrong one leaves the others done, and held events are
    /// decided again. Needs `MANAGE_INTEGRATIONS`.
    async fn company_mapping_set_many(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The two sides of each.")] input: CompanyMappingSetManyInput,
    ) -> Result<Option<CompanyMappingSetManyPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            at_most("mappings", input.mappings.len())?;
            let wanted = input.mappings.into_iter().map(mapping).collect();
            let outcomes = mappings::set_many(viewer, ground, wanted).await?;
            Ok(CompanyMappingSetManyPayload::of(outcomes, |row| Some(row.into())))
        };
        let again = async |earlier: Earlier<'_>| {
            let outcomes = earlier.rows::<company_mapping::Entity>().await?;
            Ok(CompanyMappingSetManyPayload::of(outcomes, |row| row.map(Into::into)))
        };
        CompanyMappingSetManyPayload::answer(asked.answer(work, again).await)
    }

    /// Makes companies with their aliases; a wrong one leaves the others made, and held events are decided again.
    /// Needs `MANAGE_COMPANIES`.
    async fn company_create_many(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The companies.")] input: CompanyCreateManyInput,
    ) -> Result<Option<CompanyCreateManyPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let id = ids::parse::<organization::Entity>(&input.organization_id, &["organizationId"])?;
            at_most("companies", input.companies.len())?;
            let wanted = input.companies.into_iter().map(|item| NewCompany {
                name: item.name,
                aliases: item.aliases.into_iter().map(|alias| (alias.source, alias.value)).collect(),
            });
            let outcomes = companies::create_many(viewer, ground, id, wanted.collect()).await?;
            Ok(CompanyCreateManyPayload::of(outcomes, |row| Some(row.into())))
        };
        let again = async |earlier: Earlier<'_>| {
            let outcomes = earlier.rows::<company::Entity>().await?;
            Ok(CompanyCreateManyPayload::of(outcomes, |row| row.map(Into::into)))
        };
        CompanyCreateManyPayload::answer(asked.answer(work, again).await)
    }

    /// Takes mappings away: events of their companies are held from then on. Needs `MANAGE_INTEGRATIONS`.
    async fn company_mapping_remove_many(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which mappings.")] input: CompanyMappingRemoveManyInput,
    ) -> Result<Option<CompanyMappingRemoveManyPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let show = |id| Some(ids::encode::<company_mapping::Entity>(id));
        let work = async {
            let wanted = wanted::<company_mapping::Entity>(&input.ids)?;
            let outcomes = mappings::remove_many(viewer, ground, wanted).await?;
            Ok(CompanyMappingRemoveManyPayload::of(outcomes, show))
        };
        let again = async |earlier: Earlier<'_>| Ok(CompanyMappingRemoveManyPayload::of(earlier.ids(), show));
        CompanyMappingRemoveManyPayload::answer(asked.answer(work, again).await)
    }

    /// Decides deliveries again: what was held or could not be read. What was decided stays, so that no ticket is
    /// doubled. Needs `OPERATE`.
    async fn webhook_delivery_redrive_many(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to decide again.")] input: WebhookDeliveryRedriveManyInput,
    ) -> Result<Option<WebhookDeliveryRedriveManyPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let wanted = wanted::<webhook_delivery::Entity>(&input.ids)?;
            let outcomes = redrive::redrive_many(viewer, ground, wanted).await?;
            Ok(WebhookDeliveryRedriveManyPayload::of(outcomes, |row| Some(row.into())))
        };
        let again = async |earlier: Earlier<'_>| {
            let outcomes = earlier.rows::<webhook_delivery::Entity>().await?;
            Ok(WebhookDeliveryRedriveManyPayload::of(outcomes, |row| row.map(Into::into)))
        };
        WebhookDeliveryRedriveManyPayload::answer(asked.answer(work, again).await)
    }

    /// Tries operations again that were given up; one that cannot be tried leaves the others to be tried. Needs
    /// `OPERATE`.
    async fn ticket_operation_retry_many(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to try again.")] input: TicketOperationRetryManyInput,
    ) -> Result<Option<TicketOperationRetryManyPayload>> {
        let asked = Asked::of(ctx, input.idempotency_key.as_ref())?;
        let (viewer, ground) = (asked.viewer(), ctx.ground()?);
        let work = async {
            let wanted = wanted::<ticket_operation::Entity>(&input.ids)?;
            let outcomes = operations::retry_many(viewer, ground, wanted).await?;
            Ok(TicketOperationRetryManyPayload::of(outcomes, |row| Some(row.into())))
        };
        let again = async |earlier: Earlier<'_>| {
            let outcomes = earlier.rows::<ticket_operation::Entity>().await?;
            Ok(TicketOperationRetryManyPayload::of(outcomes, |row| row.map(Into::into)))
        };
        TicketOperationRetryManyPayload::answer(asked.answer(work, again).await)
    }
}

fn at_most(list: &str, count: usize) -> std::result::Result<(), Error> {
    if count <= MAX {
        return Ok(());
    }
    let message = format!("{count} are given, {MAX} are done at once; send the others in another request");
    Err(Problem::of(list, ProblemCode::TooLong, message).into())
}

/// The ids of a list, each read by itself.
fn wanted<E: Identified>(list: &[ID]) -> std::result::Result<Outcomes<uuid::Uuid>, Error> {
    at_most("ids", list.len())?;
    Ok(list.iter().map(|id| ids::parse::<E>(id, &[]).map_err(|problem| vec![problem])).collect())
}

/// The two sides of a mapping with its settings, read; everything that is wrong at once.
pub(super) fn mapping(item: CompanyMappingSetManyItem) -> std::result::Result<SetMapping, Vec<Problem>> {
    let company_id = ids::parse::<company::Entity>(&item.company_id, &["companyId"]);
    let psa_company_id = ids::parse::<psa_company::Entity>(&item.psa_company_id, &["psaCompanyId"]);
    let profile_id =
        ids::parse_undefined::<ticket_profile::Entity>(item.ticket_profile_id, &["ticketProfileId"]);
    let event_set_id = ids::parse_undefined::<event_set::Entity>(item.event_set_id, &["eventSetId"]);
    match (company_id, psa_company_id, profile_id, event_set_id) {
        (Ok(company_id), Ok(psa_company_id), Ok(ticket_profile_id), Ok(event_set_id)) => Ok(SetMapping {
            company_id,
            psa_company_id,
            is_ticketing_enabled: item.is_ticketing_enabled,
            ticket_profile_id,
            event_set_id,
            is_enabled: item.is_enabled,
            is_configurations_enabled: item.is_configurations_enabled,
            origin: None,
            expected_version: item.expected_version,
        }),
        (company, psa_company, profile, event_set) => {
            let problems = [company.err(), psa_company.err(), profile.err(), event_set.err()];
            Err(problems.into_iter().flatten().collect())
        }
    }
}
