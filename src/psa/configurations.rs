//! Configurations of a PSA, the assets of its companies: an ability that most have.

use async_trait::async_trait;

use super::{PsaError, not_offered};
use crate::{
    sync::remote::{ConfigurationCatalogue, ConfigurationDraft, ConfigurationQuery, RemoteConfiguration},
    tickets::remote::RemotePage,
};

/// A PSA's configurations. Which platforms have them, [`super::Platform::configurations`] says.
#[async_trait]
pub trait Configurations: Send + Sync {
    /// What this tenant has: fields, also those that people have made there, types and statuses.
    async fn catalogue(&self) -> Result<ConfigurationCatalogue, PsaError>;

    /// One page of configurations; `page` is the `next` of the page before.
    async fn read_page(
        &self,
        query: &ConfigurationQuery,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteConfiguration>, PsaError>;

    /// Makes one (see [`super::Platform::writes_configurations`]). Whoever calls has looked whether it is there: the PSA
    /// may take the same a second time.
    async fn create(&self, _draft: &ConfigurationDraft) -> Result<RemoteConfiguration, PsaError> {
        Err(not_offered("making configurations"))
    }

    /// Changes what is known of one; the rest stays as it is there. None where it is gone. One that the draft does not
    /// speak of stays as it is, and is given as it is.
    async fn update(
        &self,
        _external_id: &str,
        _draft: &ConfigurationDraft,
    ) -> Result<Option<RemoteConfiguration>, PsaError> {
        Err(not_offered("changing configurations"))
    }

    /// Attaches one to a ticket that is there, where the platform takes it no earlier; what is attached already stays so.
    /// Others have taken it with the ticket: nothing is done.
    async fn attach(&self, _ticket: &str, _external_id: &str) -> Result<(), PsaError> {
        Ok(())
    }
}
