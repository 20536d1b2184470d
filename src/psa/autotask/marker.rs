//! Finding a ticket of unknown fate: our mark stands in `externalID`, which can be asked for exactly.

use super::{
    Connection,
    api::{Query, condition},
    tickets::FIELDS,
    wire,
};
use crate::{
    psa::PsaError,
    tickets::remote::{MarkerSearch, RemoteTicket},
};

impl Connection {
    /// By rising id, which is the order of creation.
    pub(super) async fn find_marked(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError> {
        let query = Query {
            entity: "Tickets",
            fields: FIELDS,
            filter: vec![condition("eq", "externalID", search.marker.as_str())],
        };
        let mut found = Vec::new();
        for row in self.api.all(&query).await? {
            match wire::get(&row, "externalID").map(|value| value.as_str().map(str::trim)) {
                // Autotask compares without regard to case.
                Some(Some(mark)) if mark == search.marker => found.extend(self.ticket(&row).await),
                Some(Some(mark)) if mark.eq_ignore_ascii_case(&search.marker) => {}
                _ => {
                    return Err(PsaError::Unavailable {
                        detail: String::from(
                            "it cannot be told whether the ticket is there: Autotask lists tickets that were not asked for",
                        ),
                    });
                }
            }
        }
        Ok(found)
    }
}
