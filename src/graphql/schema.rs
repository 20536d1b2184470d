//! The schema, put together from the pieces that the files bring.

use std::sync::Arc;

use async_graphql::{MergedObject, SDLExportOptions, Schema, SchemaBuilder, ValidationMode};

use super::{
    checking::Checks,
    deprecations::CountsDeprecated,
    limits::{Limits, price::Prices},
    mutations,
    node::NodeQuery,
    public_url::PublicUrl,
    query, reading, setup,
    subscriptions::{EachEvent, SubscriptionRoot},
};
use crate::metrics::Metrics;

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

/// What a process serves all its databases with: each is some megabytes of names.
#[derive(Clone)]
pub struct Graphs {
    /// Executes what [`Graphs::whole`] let through, which is most: it does not compare it with itself again.
    pub(super) lean: Graph,
    /// What documents are compared with, and their use of what is deprecated counted by. It executes subscriptions, and
    /// what asks about the schema itself.
    pub(super) whole: Graph,
    pub(super) prices: Arc<Prices>,
}

impl std::fmt::Debug for Graphs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graphs").finish_non_exhaustive()
    }
}

impl Graphs {
    /// For resolvers that reach the world outside so.
    pub fn new(public_url: &str, metrics: &Metrics, limits: &Limits) -> Self {
        // A net under `limits::shape`, which says more.
        let built = || bare().limit_recursive_depth(limits.depth + 8).data(PublicUrl::new(public_url));
        // Without extensions: where there are any, whatever they do, they are called for each field of an answer. Not even
        // async-graphql's own tracing: its spans hold documents with their variables, secrets among them.
        //
        // And async-graphql looks through all types with each field of a query, for one by which federation would have to
        // be on. Nothing of federation gets past the schema that checks.
        let lean = built().validation_mode(ValidationMode::Fast).enable_federation().finish();
        let whole = built()
            .extension(CountsDeprecated::new(metrics.clone()))
            .extension(Checks)
            .extension(EachEvent)
            .finish();
        Self { lean, prices: Arc::new(Prices::of(&whole.sdl())), whole }
    }
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
