//! What runs over copies of contacts, configurations and tickets share: one page of a list after the other, each stored with
//! the place where the run goes on.

use entity::{lane, sync_run};

use super::{
    Workers,
    readings::{PAGES, Stepped},
};
use crate::{error::Error, psa::PsaError, tickets::remote::RemotePage};

/// What stands before the platform's own word for the page in a run's place.
pub(super) const PAGE: &str = "page ";

impl Workers {
    /// Reads a page while the lane is held. `asked` is the platform's own word for it; `what` is listed, in words, and
    /// `narrow` says how there could be less of it.
    pub(super) async fn page_of<T>(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        asked: Option<&str>,
        (what, narrow): (&str, &str),
        reading: impl Future<Output = Result<RemotePage<T>, PsaError>>,
    ) -> Result<RemotePage<T>, Stepped> {
        if run.page_count >= PAGES {
            let reason = format!("there are more {what} than {PAGES} pages hold; {narrow}");
            return Err(Stepped::Failed(PsaError::Rejected { field: None, reason }));
        }
        let read = match self.renewing(held, reading).await {
            Some(Ok(read)) => read,
            Some(Err(error)) => return Err(failed(error)),
            None => return Err(Stepped::Lost),
        };
        if read.next.is_some() && read.next.as_deref() == asked {
            let detail = format!("the PSA gives the same page of {what} again and again");
            return Err(Stepped::Failed(PsaError::Unavailable { detail }));
        }
        Ok(read)
    }
}

/// What was written under the lane, or what kept it from being written.
pub(super) fn written<T>(written: Result<Option<T>, Error>) -> Result<Result<T, Stepped>, Error> {
    match written {
        Ok(Some(value)) => Ok(Ok(value)),
        Ok(None) => Ok(Err(Stepped::Lost)),
        Err(Error::NotFound) => Ok(Err(Stepped::Stopped)),
        Err(error) => Err(error),
    }
}

/// A right that the login lacks ends the run; tickets go their way all the same.
pub(super) fn failed(error: PsaError) -> Stepped {
    Stepped::Failed(match error {
        PsaError::Forbidden { .. } => PsaError::Rejected { field: None, reason: error.to_string() },
        other => other,
    })
}

/// Why nothing of a kind is read of a platform.
pub(super) fn not_offered(what: &str) -> PsaError {
    PsaError::Rejected { field: None, reason: format!("this platform does not offer {what}") }
}
