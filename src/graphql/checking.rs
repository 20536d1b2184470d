//! Documents are compared with the schema before anything of them is executed.

use std::sync::Arc;

use async_graphql::{
    CacheControl, Response, ServerError, ServerResult, ValidationResult, Variables,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextValidation,
    },
    parser::types::ExecutableDocument,
};

use super::errors::{code, coded};

/// Stands in a request that was let through already: it is executed, and not compared once more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked;

/// Compares documents with the schema, marks errors with their codes, and executes nothing that is not [`Checked`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Checks;

impl ExtensionFactory for Checks {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

/// Whether a request was let through already.
pub(super) fn is_checked(ctx: &ExtensionContext<'_>) -> bool {
    ctx.data_opt::<Checked>().is_some()
}

#[async_trait::async_trait]
impl Extension for Checks {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        next.run(ctx, query, variables).await.map_err(|error| {
            let is_deep = error.message.starts_with("The recursion depth");
            coded(error, if is_deep { code::DEPTH_LIMIT_EXCEEDED } else { code::PARSE_FAILED })
        })
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        if is_checked(ctx) {
            // No limit of the schema's own hangs on these.
            return Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 });
        }
        next.run(ctx)
            .await
            .map_err(|errors| errors.into_iter().map(|error| coded(error, code::VALIDATION_FAILED)).collect())
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if is_checked(ctx) { next.run(ctx, operation_name).await } else { Response::default() }
    }
}

/// Takes the names away that async-graphql helps with where a name is unknown.
pub(super) fn without_help(mut error: ServerError) -> ServerError {
    if let Some(end) = error.message.find(" Did you mean") {
        error.message.truncate(end);
    }
    error
}
