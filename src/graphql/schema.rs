//! The schema, put together from the pieces that the files bring.

use async_graphql::{
    EmptySubscription, MergedObject, SDLExportOptions, Schema, SchemaBuilder, extensions::Tracing,
};

use super::{
    errors::Codes,
    mutations,
    node::NodeQuery,
    outside::{Outside, PublicUrl},
    query, setup,
};
use crate::ground::Ground;

/// What can be read. Lists stand below `Organization`.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub struct QueryRoot(NodeQuery, setup::SetupQuery, query::TicketQuery);

/// What can be done. Each takes one `input` and gives one payload, with `userErrors` for what a person can
/// mend by typing something else.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct MutationRoot(
    mutations::organizations::OrganizationMutation,
    mutations::companies::CompanyMutation,
    mutations::connection_webhooks::ConnectionWebhookMutation,
    mutations::connections::PsaConnectionMutation,
    mutations::profiles::TicketProfileMutation,
    mutations::endpoints::WebhookEndpointMutation,
    mutations::tickets::TicketMutation,
);

/// The schema that is served.
pub type Graph = Schema<QueryRoot, MutationRoot, EmptySubscription>;

/// What a query may cost, checked before it is executed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How deep fields may be nested. GraphiQL's own question about the schema is 15 deep.
    pub depth: usize,
    /// How many fields may be asked for, each counted once for every item of the pages it stands in.
    pub complexity: usize,
    /// How many directives a field may have.
    pub directives: usize,
    /// Whether the schema may be asked for.
    pub introspection: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 16, complexity: 25_000, directives: 5, introspection: true }
    }
}

/// The schema over a ground.
pub fn build(ground: Ground, outside: Outside, limits: Limits) -> Graph {
    let mut schema = bare()
        .limit_recursive_depth(limits.depth + 4)
        .limit_directives(limits.directives)
        .extension(Codes(limits))
        .extension(Tracing)
        .data(ground)
        .data(PublicUrl::new(&outside.public_url))
        .data(outside.outbound);
    if !limits.introspection {
        schema = schema.disable_introspection().disable_suggestions();
    }
    schema.finish()
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

fn bare() -> SchemaBuilder<QueryRoot, MutationRoot, EmptySubscription> {
    Schema::build(QueryRoot::default(), MutationRoot::default(), EmptySubscription)
        .register_output_type::<mutations::UserError>()
}
