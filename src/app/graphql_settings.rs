//! The GraphQL door's settings, from the configuration.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;

use crate::{
    config::Config,
    graphql::{Allowance, Graphiql, Limits, Registered, Settings, cors::Origins},
};

/// Reads the registered documents, where there are any, so that a gateway without them does not start.
pub(super) fn of(config: &Config) -> anyhow::Result<Settings> {
    let graphql = &config.graphql;
    let documents = graphql.documents.as_ref().map(|place| {
        Registered::load(place)
            .map_err(anyhow::Error::msg)
            .context("the registered documents (`graphql_documents`) cannot be used")
    });
    Ok(Settings {
        max_body_bytes: config.graphql_max_body_bytes,
        timeout: Duration::from_secs(config.request_timeout_secs),
        limits: Limits {
            document_bytes: graphql.max_document_bytes,
            tokens: graphql.max_tokens,
            depth: graphql.max_depth,
            fields: graphql.max_fields,
            aliases: graphql.max_aliases,
            root_fields: graphql.max_root_fields,
            directives: graphql.max_directives,
            directives_per_field: graphql.max_directives_per_field,
            list_items: graphql.max_list_items,
            fragments: graphql.max_fragments,
            cost: graphql.max_cost,
            introspection: config.introspection,
        },
        allowance: Allowance { bucket: graphql.cost_bucket, restore_per_sec: graphql.cost_restore_per_sec },
        persisted_queries: graphql.persisted_queries,
        documents: documents.transpose()?.map(Arc::new),
        origins: Origins::new(graphql.cors_origins.iter().cloned()),
        graphiql: Graphiql { is_open: config.graphiql, assets: config.graphiql_assets.clone() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_door_are_those_of_the_settings() {
        let set = of(&Config::from_pairs([]).unwrap()).unwrap();
        let preset = Limits { introspection: false, ..Limits::default() };
        assert_eq!(format!("{:?}", set.limits), format!("{preset:?}"));
        assert_eq!(format!("{:?}", set.allowance), format!("{:?}", Allowance::default()));
        assert_eq!(set.persisted_queries, Settings::default().persisted_queries);
        assert_eq!(set.origins, Origins::default());
    }

    #[test]
    fn documents_that_cannot_be_read_are_told_at_the_start() {
        let nowhere = std::env::temp_dir().join("psa-gateway-no-such-folder");
        let config = Config::from_pairs([("graphql_documents", nowhere.display().to_string())]).unwrap();
        assert!(format!("{:#}", of(&config).unwrap_err()).contains("no-such-folder"));
    }
}
