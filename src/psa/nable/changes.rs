//! What has changed since a time.
//!
//! There are no webhooks, so this is all there is. That the view can be filtered by `UpdatedDate` is likely
//! and unproven; the filters by `CompletedDate` and `CreatedDate` are proven. The connection remembers for a
//! day which of them works.

use std::sync::{Mutex, PoisonError};

use entity::Timestamp;
use serde_json::Value;

use super::{Connection, wire};
use crate::{
    psa::PsaError,
    tickets::remote::{RemotePage, RemoteTicket},
};

/// How many tickets come at once.
const SIZE: usize = 200;

/// The columns: all are in use by a client.
const COLUMNS: &str = "TicketId,TicketNumber,TicketStatusCode,TicketStatusName,CustomerId,CompletedDate,CreatedDate,UpdatedDate";

/// How long it is remembered that a better column was refused, in seconds.
const REMEMBERED_SECS: i64 = 86_400;

/// How far back a list may reach that was asked for changes since a time, before it is plain that the time
/// was ignored, in seconds.
const IGNORED_AFTER_SECS: i64 = 86_400;

/// Where the day of creation is all that can be asked for, tickets of so many seconds are listed with their
/// status: older ones are found by reading each.
const CREATED_WITHIN_SECS: i64 = 30 * 86_400;

/// By which column changes are looked for, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// Every change.
    Updated,
    /// Closes.
    Completed,
    /// Every status, of tickets of the last weeks.
    Created,
}

impl Look {
    const fn column(self) -> &'static str {
        match self {
            Self::Updated => "UpdatedDate",
            Self::Completed => "CompletedDate",
            Self::Created => "CreatedDate",
        }
    }

    const fn next(self) -> Option<Self> {
        match self {
            Self::Updated => Some(Self::Completed),
            Self::Completed => Some(Self::Created),
            Self::Created => None,
        }
    }

    fn start(self, since: Timestamp) -> Timestamp {
        let earlier = if self == Self::Created { CREATED_WITHIN_SECS } else { 0 };
        Timestamp::from_secs(since.as_secs() - earlier)
    }
}

/// Rows, the word for the next page, and how many there are in all.
pub(super) type ChangedRows = (Vec<Value>, Option<String>, Option<u64>);

/// The column that works, and until when that is believed.
#[derive(Default)]
pub(super) struct KnownLook(Mutex<Option<(Look, Timestamp)>>);

impl KnownLook {
    fn get(&self, now: Timestamp) -> Look {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|(_, until)| now < *until).map_or(Look::Updated, |(look, _)| look)
    }

    fn set(&self, look: Look, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((look, now.plus_secs(REMEMBERED_SECS)));
    }
}

/// Where a list goes on: from a time, and past so many rows of that very second. A list counted by rows alone
/// would lose a ticket whenever one that was shown already is changed again and moves to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    look: Look,
    from: Timestamp,
    skip: usize,
}

impl Place {
    fn word(self) -> String {
        format!("{}:{}:{}", self.look.column(), self.from.as_secs(), self.skip)
    }

    fn read(word: &str) -> Option<Self> {
        let mut parts = word.split(':');
        let column = parts.next()?;
        let look =
            [Look::Updated, Look::Completed, Look::Created].into_iter().find(|l| l.column() == column)?;
        Some(Self {
            look,
            from: Timestamp::from_secs(parts.next()?.parse().ok()?),
            skip: parts.next()?.parse().ok()?,
        })
    }
}

impl Connection {
    pub(super) async fn changed_page(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteTicket>, PsaError> {
        let looks = [Look::Updated, Look::Completed, Look::Created];
        let (rows, next, total) = self.changed_rows(since, page, COLUMNS, &looks).await?;
        let mut items: Vec<_> = rows.iter().filter_map(|row| self.ticket(row)).collect();
        items.sort_by_key(|ticket| ticket.updated_at.max(ticket.closed_at));
        Ok(RemotePage { items, next, total })
    }

    /// One page of rows of the view by the first of some columns that is not known to fail, the word for the next one, and
    /// how many there are in all where that is said.
    pub(super) async fn changed_rows(
        &self,
        since: Timestamp,
        page: Option<&str>,
        columns: &str,
        looks: &[Look],
    ) -> Result<ChangedRows, PsaError> {
        if let Some(place) = page.and_then(Place::read) {
            return self.changes(since, place, columns).await;
        }
        let now = self.api.http.clock.now();
        let known = self.look.get(now);
        let mut looks = looks.iter().copied().filter(|look| *look >= known).peekable();
        while let Some(look) = looks.next() {
            let place = Place { look, from: look.start(since), skip: 0 };
            match self.changes(since, place, columns).await {
                Err(PsaError::Rejected { reason, .. }) if looks.peek().is_some() => {
                    let column = look.column();
                    tracing::warn!(column, reason, "MSP Manager does not filter tickets by this column");
                    self.look.set(look.next().unwrap_or(look), now);
                }
                result => return result,
            }
        }
        Err(PsaError::Unavailable { detail: String::from("MSP Manager filters tickets by no known column") })
    }

    async fn changes(&self, since: Timestamp, place: Place, columns: &str) -> Result<ChangedRows, PsaError> {
        let column = place.look.column();
        let mut query = vec![
            ("$filter", format!("{column} ge {}", wire::utc(place.from))),
            ("$orderby", format!("{column} asc")),
            ("$select", columns.to_owned()),
            ("$top", SIZE.to_string()),
        ];
        if place.skip > 0 {
            query.push(("$skip", place.skip.to_string()));
        }
        let rows = self.api.list("ticketsview", &query).await?;
        let time = |row| wire::time(row, column).map(|at| Timestamp::from_secs(at.as_secs()));
        let last = rows.items.iter().filter_map(time).max();
        let is_ignored = last.is_some_and(|last| last < place.from.plus_secs(-IGNORED_AFTER_SECS));
        if is_ignored {
            // As good as refused: another column is looked by.
            let reason = format!("the filter by {column} is not heeded");
            return Err(PsaError::Rejected { field: Some(column.to_owned()), reason });
        }
        let came = rows.items.len();
        let goes_on = came > 0 && (came == SIZE || rows.link.is_some());
        let next = goes_on.then(|| match last.filter(|last| *last > place.from) {
            Some(last) => Place { from: last, skip: 0, ..place },
            None => Place { skip: place.skip + came, ..place },
        });
        let mut items = rows.items;
        let from = Timestamp::from_secs(since.as_secs());
        let changed = if place.look == Look::Completed { "CompletedDate" } else { "UpdatedDate" };
        items.retain(|row| wire::time(row, changed).is_none_or(|at| at >= from));
        Ok((items, next.map(Place::word), rows.total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written_and_read_and_nonsense_is_the_start() {
        let place = Place { look: Look::Completed, from: Timestamp::from_secs(1_763_719_200), skip: 7 };
        assert_eq!(Place::read(&place.word()), Some(place));
        for word in ["", "x:1:2", "UpdatedDate:x:0", "UpdatedDate:1"] {
            assert_eq!(Place::read(word), None);
        }
    }
}
