//! The schema, put together from the pieces that the files bring.

use async_graphql::{MergedObject, SDLExportOptions, Schema, SchemaBuilder, ValidationMode};

use super::{
    deprecations::CountsDeprecated,
    errors::OnlyChecks,
    limits::Limits,
    mutations,
    node::NodeQuery,
    outside::{Outside, PublicUrl},
    query, reading, setup,
    subscriptions::{EachEvent, SubscriptionRoot},
};
use crate::ground::Ground;

/// What can be read. Lists stand below `Organization`.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub struct QueryRoot(
    NodeQuery,
    setup::SetupQuery,
    query::TicketQuery,
    query::DecidingQuery,
    reading::ReadingQuery,
);

/// What can be done. Each takes one `input` and gives one payload, with `userErrors` for what a person can
/// mend by typing something else.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct MutationRoot(
    mutations::organizations::OrganizationMutation,
    mutations::mergers::MergerMutation,
    mutations::splits::SplitMutation,
    mutations::members::MemberMutation,
    mutations::tokens::AccessTokenMutation,
    mutations::companies::CompanyMutation,
    mutations::company_values::CompanyValueMutation,
    mutations::assets::AssetMutation,
    mutations::contacts::ContactMutation,
    mutations::psa_tickets::PsaTicketMutation,
    mutations::configurations::ConfigurationMutation,
    mutations::imports::CompanyImportMutation,
    mutations::connection_webhooks::ConnectionWebhookMutation,
    mutations::connections::PsaConnectionMutation,
    mutations::event_sets::EventSetMutation,
    mutations::maintenance_windows::MaintenanceWindowMutation,
    mutations::mutes::MuteMutation,
    mutations::policies::PolicyMutation,
    mutations::profiles::TicketProfileMutation,
    mutations::endpoints::WebhookEndpointMutation,
    mutations::endpoint_baseline::EndpointBaselineMutation,
    mutations::subscribers::WebhookSubscriberMutation,
    mutations::syncs::SyncMutation,
    mutations::tickets::TicketMutation,
    mutations::ticket_permissions::TicketPermissionMutation,
    mutations::many::ManyMutation,
    mutations::billing::BillingMutation,
    mutations::usage::UsageMutation,
);

/// The schema that is served.
pub type Graph = Schema<QueryRoot, MutationRoot, SubscriptionRoot>;

/// The schema over a ground, which executes what [`checking`] let through: it does not compare it with itself again.
/// What asks about the schema itself is executed by [`streaming`].
///
/// Without extensions: one that has any, whatever it does, is called for each field of an answer. Not even async-graphql's
/// own tracing: its spans hold documents with their variables, secrets among them.
pub fn build(ground: Ground, outside: &Outside, limits: &Limits) -> Graph {
    // async-graphql looks through all types with each field of a query, for one by which it would have to be on. Nothing
    // of federation gets past the schema that checks.
    executing(ground, outside, limits).enable_federation().finish()
}

/// The same for subscriptions.
pub fn streaming(ground: Ground, outside: &Outside, limits: &Limits) -> Graph {
    executing(ground, outside, limits).extension(EachEvent).finish()
}

fn executing(
    ground: Ground,
    outside: &Outside,
    limits: &Limits,
) -> SchemaBuilder<QueryRoot, MutationRoot, SubscriptionRoot> {
    bare()
        .validation_mode(ValidationMode::Fast)
        // A net under `limits::shape`, which says more.
        .limit_recursive_depth(limits.depth + 8)
        .data(ground)
        .data(PublicUrl::new(&outside.public_url))
        .data(outside.outbound.clone())
}

/// The schema that documents are compared with, and their use of what is deprecated counted by. One that is `silent`
/// does not help with its names: what is unknown is unknown.
pub fn checking(limits: &Limits, outside: &Outside, silent: bool) -> Graph {
    let schema = bare()
        .limit_recursive_depth(limits.depth + 8)
        .extension(CountsDeprecated::new(outside.metrics.clone()))
        .extension(OnlyChecks);
    if silent { schema.disable_suggestions().finish() } else { schema.finish() }
}

/// The schema as text: what `schema.graphql` holds.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by()
        .prefer_single_line_descriptions()
        .use_space_ident();
    bare().finish().sdl_with_options(options)
}

fn bare() -> SchemaBuilder<QueryRoot, MutationRoot, SubscriptionRoot> {
    Schema::build(QueryRoot::default(), MutationRoot::default(), SubscriptionRoot)
        .register_output_type::<mutations::UserError>()
}
