//! Tickets by the time of their last change.

use entity::Timestamp;
use serde_json::Value;

use super::{
    Connection,
    conditions::Conditions,
    paging::PAGE_SIZE,
    tickets::{FIELDS, is_of_project},
    wire,
};
use crate::{
    psa::PsaError,
    tickets::remote::{RemotePage, RemoteTicket},
};

/// How far back a list may reach that was asked for changes since a time, before it is plain that the
/// time was ignored.
const IGNORED_AFTER_SECS: i64 = 86_400;

/// Where the list goes on: from a time, and which page of what has changed since. Times lead, because
/// changing tickets wander to the end and the numbers of pages shift under one who counts them; pages
/// count only where more tickets than a page holds were changed in the same second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    from_secs: i64,
    page: u32,
}

impl Place {
    fn read(word: Option<&str>, since: Timestamp) -> Self {
        let read = |word: &str| {
            let (from, page) = word.split_once(':')?;
            Some(Self { from_secs: from.parse().ok()?, page: page.parse().ok().filter(|page| *page > 0)? })
        };
        word.and_then(read).unwrap_or(Self { from_secs: since.as_secs(), page: 1 })
    }

    fn word(self) -> String {
        format!("{}:{}", self.from_secs, self.page)
    }

    /// The place after a full page.
    fn after(self, rows: &[Value]) -> Self {
        let times: Vec<_> = rows.iter().map(|row| wire::info_time(row, "lastUpdated")).collect();
        let last = times.last().copied().flatten().map(Timestamp::as_secs);
        match last {
            // The second of the last row is asked for again: more may have changed in it.
            Some(last) if last > self.from_secs && times.is_sorted() => Self { from_secs: last, page: 1 },
            _ => Self { page: self.page.saturating_add(1), ..self },
        }
    }
}

impl Connection {
    pub(super) async fn changed_page(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemoteTicket>, PsaError> {
        let (rows, next) = self.changed_rows(since, page, FIELDS).await?;
        let of_service = rows.iter().filter(|row| !is_of_project(row));
        let mut items: Vec<_> = of_service.filter_map(|row| self.ticket(row)).collect();
        items.sort_by_key(|ticket| ticket.updated_at);
        Ok(RemotePage { items, next, total: None })
    }

    /// One page of the rows of tickets that changed, those of projects too, and the word for the next one.
    pub(super) async fn changed_rows(
        &self,
        since: Timestamp,
        page: Option<&str>,
        fields: &str,
    ) -> Result<(Vec<Value>, Option<String>), PsaError> {
        let place = Place::read(page, since);
        let from = Timestamp::from_secs(place.from_secs);
        let query = [
            ("conditions", Conditions::default().since("lastUpdated", from).text()),
            ("orderBy", String::from("lastUpdated asc")),
            ("pageSize", PAGE_SIZE.to_string()),
            ("page", place.page.to_string()),
            ("fields", fields.to_owned()),
        ];
        let rows = self.api.rows("/service/tickets", &query).await?;
        let ignored = from.plus_secs(-IGNORED_AFTER_SECS);
        if rows.items.iter().any(|row| wire::info_time(row, "lastUpdated").is_some_and(|at| at < ignored)) {
            let detail = String::from("ConnectWise does not keep to the time asked for");
            return Err(PsaError::Unavailable { detail });
        }
        let goes_on = !rows.items.is_empty() && (rows.has_next || rows.items.len() >= PAGE_SIZE);
        let next = goes_on.then(|| place.after(&rows.items).word());
        let mut items = rows.items;
        items.retain(|row| wire::info_time(row, "lastUpdated").is_none_or(|at| at >= from));
        Ok((items, next))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(at: &str) -> Value {
        json!({"id": 1, "_info": {"lastUpdated": at}})
    }

    #[test]
    fn a_place_follows_the_time_and_counts_only_within_a_second() {
        let place = Place { from_secs: 1_795_255_200, page: 1 }; // 2026-11-21T10:00:00Z
        let rows = [row("2026-11-21T10:00:00Z"), row("2026-11-21T10:00:07Z")];
        assert_eq!(place.after(&rows), Place { from_secs: 1_795_255_207, page: 1 });
        let same = [row("2026-11-21T10:00:00Z"), row("2026-11-21T10:00:00Z")];
        assert_eq!(place.after(&same), Place { page: 2, ..place });
        let in_disorder = [row("2026-11-21T10:00:09Z"), row("2026-11-21T10:00:07Z")];
        assert_eq!(place.after(&in_disorder), Place { page: 2, ..place });
        let since = Timestamp::from_secs(5);
        assert_eq!(Place::read(Some(&place.word()), since), place);
        for nonsense in ["", "x", "1", "1:0", "1:x", "1:-1"] {
            assert_eq!(Place::read(Some(nonsense), since), Place { from_secs: 5, page: 1 }, "{nonsense}");
        }
    }
}
