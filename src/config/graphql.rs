//! The settings of the GraphQL door.

use std::path::PathBuf;

use url::Url;

use super::{check::Read, layers::texts, settings::setting};

/// How far GraphQL requests may go, and who may send them from a browser.
#[derive(Clone, Debug)]
pub struct GraphqlConfig {
    /// The longest document, in bytes.
    pub max_document_bytes: usize,
    /// Tokens of a document, and values of its variables.
    pub max_tokens: usize,
    /// Levels of fields.
    pub max_depth: usize,
    /// Fields and values, fragments and variables in their places.
    pub max_fields: usize,
    /// Aliases of a document.
    pub max_aliases: usize,
    /// Fields at the root of an operation.
    pub max_root_fields: usize,
    /// Directives of a document.
    pub max_directives: usize,
    /// Directives in one place.
    pub max_directives_per_field: usize,
    /// Items of a list in arguments or variables.
    pub max_list_items: usize,
    /// Fragments of a document.
    pub max_fragments: usize,
    /// Cost of an operation.
    pub max_cost: usize,
    /// What an organization's bucket of cost holds.
    pub cost_bucket: u64,
    /// What of it comes back each second.
    pub cost_restore_per_sec: u64,
    /// Persisted queries that are kept.
    pub persisted_queries: usize,
    /// The only documents that run.
    pub documents: Option<PathBuf>,
    /// Origins whose pages may ask; or only `*`.
    pub cors_origins: Vec<String>,
}

impl Read {
    pub(super) fn graphql(&mut self) -> Option<GraphqlConfig> {
        let max_document_bytes = self.whole("graphql_max_document_bytes");
        let max_tokens = self.whole("graphql_max_tokens");
        let max_depth = self.whole("graphql_max_depth");
        let max_fields = self.whole("graphql_max_fields");
        let max_aliases = self.whole("graphql_max_aliases");
        let max_root_fields = self.whole("graphql_max_root_fields");
        let max_directives = self.whole("graphql_max_directives");
        let max_directives_per_field = self.whole("graphql_max_directives_per_field");
        let max_list_items = self.whole("graphql_max_list_items");
        let max_fragments = self.whole("graphql_max_fragments");
        let max_cost: Option<usize> = self.whole("graphql_max_cost");
        let cost_bucket: Option<u64> = self.whole("graphql_cost_bucket");
        let cost_restore_per_sec = self.whole("graphql_cost_restore_per_sec");
        let persisted_queries = self.whole("graphql_persisted_queries");
        let documents = self.optional("graphql_documents", |path| {
            (!path.is_empty()).then(|| std::path::absolute(path).ok()).flatten().map(Some)
        });
        let cors_origins = self.cors_origins();
        if let (Some(cost), Some(bucket)) = (max_cost, cost_bucket)
            && cost as u64 > bucket
        {
            self.problem(format!(
                "graphql_max_cost: {cost} is more than graphql_cost_bucket holds ({bucket}): nobody could ever \
                 ask for that much"
            ));
        }
        Some(GraphqlConfig {
            max_document_bytes: max_document_bytes?,
            max_tokens: max_tokens?,
            max_depth: max_depth?,
            max_fields: max_fields?,
            max_aliases: max_aliases?,
            max_root_fields: max_root_fields?,
            max_directives: max_directives?,
            max_directives_per_field: max_directives_per_field?,
            max_list_items: max_list_items?,
            max_fragments: max_fragments?,
            max_cost: max_cost?,
            cost_bucket: cost_bucket?,
            cost_restore_per_sec: cost_restore_per_sec?,
            persisted_queries: persisted_queries?,
            documents: documents?,
            cors_origins: cors_origins?,
        })
    }

    fn cors_origins(&mut self) -> Option<Vec<String>> {
        let setting = setting("cors_origins")?;
        let Some((origin, written)) = self.find(setting.name) else { return Some(Vec::new()) };
        let origins = match texts(setting, &written) {
            Ok(origins) => origins,
            Err(what) => {
                self.wrong(setting, &origin, what);
                return None;
            }
        };
        let wrong = origins.iter().find(|text| !(is_origin(text) || *text == "*" && origins.len() == 1));
        if let Some(text) = wrong {
            self.wrong(setting, &origin, &format!("`{text}`"));
            return None;
        }
        self.choose(setting, &origins.join(","), origin);
        Some(origins)
    }
}

/// An origin as browsers write it: nothing behind the port, no port that is the usual one, small letters.
fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_web = matches!(url.scheme(), "http" | "https");
        is_web && !text.contains('*') && url.origin().ascii_serialization() == text
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn with(name: &str, value: &str) -> Result<Config, String> {
        Config::from_pairs([(name, value.to_owned())]).map_err(|problems| problems.to_string())
    }

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for good in ["https://dash.example.com", "http://localhost:5173,https://[::1]:8443", "*"] {
            let config = with("cors_origins", good).unwrap();
            assert_eq!(config.graphql.cors_origins.join(","), good);
        }
        for wrong in [
            "dash.example.com",
            "https://dash.example.com/",
            "https://dash.example.com:443",
            "https://Dash.example.com",
            "https://*.example.com",
            "*,https://dash.example.com",
            "null",
            "file:///etc",
        ] {
            assert!(with("cors_origins", wrong).unwrap_err().contains("cors_origins"), "{wrong}");
        }
    }

    #[test]
    fn what_one_operation_may_cost_fits_into_the_bucket() {
        let pairs = [("graphql_max_cost", "5000".to_owned()), ("graphql_cost_bucket", "4000".to_owned())];
        let problem = Config::from_pairs(pairs).unwrap_err().to_string();
        assert!(problem.contains("5000 is more than graphql_cost_bucket holds (4000)"), "{problem}");
    }
}
