//! Finding a ticket of unknown fate.
//!
//! No key makes a create safe to repeat, and tickets have no field for a reference of ours. The mark stands in
//! the description. It is searched for, and because a search may be refused or lag behind, "none" is answered
//! only after the customer's tickets of the time in question were looked at one by one.

use serde_json::Value;

use super::{
    Connection,
    paging::List,
    text,
    tickets::{description, id_of},
    wire,
};
use crate::{
    psa::PsaError,
    tickets::remote::{Asked, MarkerSearch, RemoteTicket},
};

/// Clocks differ, and a search may be asked for long after the attempt.
const MARGIN_SECS: i64 = 2 * 3_600;
/// How many tickets come at once, descriptions included; parts at most, and tickets read one by one at most,
/// before nothing can be told.
const SIZE: u64 = 200;
const PARTS: usize = 20;
const READS: usize = 40;
/// How many of them are read where a search gave more than it was to give.
const FEW: usize = 5;

impl Connection {
    pub(super) async fn find_marked(&self, search: &MarkerSearch) -> Result<Vec<RemoteTicket>, PsaError> {
        let customer = id_of("company", &search.company_external_id)?;
        if !text::is_ticket_marker(&search.marker) {
            let reason = String::from("this is no mark of a ticket of ours");
            return Err(PsaError::Rejected { field: None, reason });
        }
        let searched = format!(
            "CustomerId eq {customer} and contains(TicketDescription,{})",
            wire::quoted(&search.marker)
        );
        let found = match self.marked(&search.marker, &customer, &searched, true).await {
            Ok(found) => found,
            // `contains` is proven for another column only; looking at every ticket decides.
            Err(PsaError::Rejected { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        if !found.is_empty() {
            return Ok(found);
        }
        let since = wire::utc(search.since.plus_secs(-MARGIN_SECS));
        let until = search.until.map(|until| wire::utc(until.plus_secs(MARGIN_SECS)));
        let until = until.map(|until| format!(" and CreatedDate le {until}")).unwrap_or_default();
        let recent = format!("CustomerId eq {customer} and CreatedDate ge {since}{until}");
        self.marked(&search.marker, &customer, &recent, false).await
    }

    /// Asks the search alone, for all customers. A text that the view shows in part is read again.
    pub(super) async fn by_search(&self, marker: &str) -> Result<Option<Asked>, PsaError> {
        let filter = format!("contains(TicketDescription,{})", wire::quoted(marker));
        let list = List { path: "ticketsview", id: "TicketId", filter: Some(&filter), size: SIZE };
        let (rows, is_all) = match self.pages(list, 2).await {
            Ok(answer) => answer,
            Err(PsaError::Rejected { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (mut found, mut reads, count) = (Vec::new(), 0, rows.len());
        for row in rows {
            let whole = match shown(&row, Some(marker)) {
                Shown::Whole => Some(row),
                Shown::Cut if reads == FEW => None,
                Shown::Cut => {
                    reads += 1;
                    let whole = match wire::guid(&row, "TicketId") {
                        Some(id) => self.whole_ticket(&id).await?,
                        None => None,
                    };
                    whole.map(|mut whole| {
                        keep_customer(&mut whole, &row);
                        whole
                    })
                }
            };
            let ours =
                whole.filter(|row| description(row).and_then(text::ticket_marker).as_deref() == Some(marker));
            found.extend(ours.and_then(|row| self.ticket(&row)));
        }
        Ok(Some(Asked::of(found, count, is_all)))
    }

    /// Of the tickets of a filter those that carry the mark, oldest first. Of a search, what lacks the mark it
    /// was searched by is shown in part; of the rest of it the look at every ticket decides.
    async fn marked(
        &self,
        marker: &str,
        customer: &str,
        filter: &str,
        is_search: bool,
    ) -> Result<Vec<RemoteTicket>, PsaError> {
        let list = List { path: "ticketsview", id: "TicketId", filter: Some(filter), size: SIZE };
        let (rows, is_all) = self.pages(list, PARTS).await?;
        if !is_all && !is_search {
            return Err(cannot_tell("the customer has too many tickets of that time"));
        }
        let (mut found, mut reads) = (Vec::new(), 0);
        for row in rows {
            if wire::guid(&row, "CustomerId").is_some_and(|id| id != customer) {
                continue; // a filter that was not heeded
            }
            let whole = match shown(&row, is_search.then_some(marker)) {
                Shown::Whole => row,
                Shown::Cut if reads == READS && is_search => break,
                Shown::Cut if reads == READS => {
                    return Err(cannot_tell(
                        "too many tickets of this customer would have to be read one by one",
                    ));
                }
                Shown::Cut => {
                    reads += 1;
                    let Some(id) = wire::guid(&row, "TicketId") else {
                        return Err(cannot_tell("MSP Manager lists a ticket without its id"));
                    };
                    let Some(mut whole) = self.whole_ticket(&id).await? else { continue };
                    keep_customer(&mut whole, &row);
                    whole
                }
            };
            if description(&whole).and_then(text::ticket_marker).as_deref() == Some(marker) {
                found.push(((wire::time(&whole, "CreatedDate"), wire::int(&whole, "TicketNumber")), whole));
            }
        }
        found.sort_by_key(|(age, _)| *age);
        Ok(found.iter().filter_map(|(_, row)| self.ticket(row)).collect())
    }
}

/// How much of a ticket's text a row of the view shows.
enum Shown {
    Whole,
    /// Not at all, or perhaps its beginning only.
    Cut,
}

/// A view may cut long texts; no source says. One that ends as a cut text does is read again.
fn shown(row: &Value, searched: Option<&str>) -> Shown {
    match description(row) {
        Some(text) if searched.is_some_and(|marker| !text.contains(marker)) => Shown::Cut,
        Some(text) if text.ends_with('…') || text.ends_with("...") => Shown::Cut,
        Some(_) => Shown::Whole,
        // An empty text is shown as one; a column that is missing or null may hide it.
        None if wire::get(row, "TicketDescription").is_some() => Shown::Whole,
        None => Shown::Cut,
    }
}

/// The entity does not say whose the ticket is; the view did.
fn keep_customer(whole: &mut Value, row: &Value) {
    if let (Some(whole), Some(customer)) = (whole.as_object_mut(), wire::get(row, "CustomerId"))
        && !whole.keys().any(|key| key.eq_ignore_ascii_case("CustomerId"))
    {
        whole.insert(String::from("CustomerId"), customer.clone());
    }
}

fn cannot_tell(why: &str) -> PsaError {
    PsaError::CannotTell { detail: why.to_owned() }
}
