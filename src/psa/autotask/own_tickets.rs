//! The service desk's own tickets, as people see them, and their notes.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use entity::Timestamp;
use serde_json::{Value, json};

use super::{
    Connection,
    api::{PAGE_SIZE, Query, condition},
    pick_lists::COMPLETE,
    tickets::CHANGED_AT,
    wire,
};
use crate::{
    psa::{
        PsaError,
        own_tickets::{MOST_NOTES, OwnTickets},
    },
    sync::psa_tickets::remote::{Named, RemoteNote, RemoteNotes, RemotePsaTicket, TicketAbilities},
    tickets::remote::RemotePage,
};

/// Which notes people at the customer see in the portal: the built-in value "All Autotask Users".
const EVERYBODY: i64 = 1;

/// When anything happened to a ticket: a note, too, which is no change of the ticket itself.
const ACTIVE_AT: &str = "lastActivityDate";

const FIELDS: &[&str] = &[
    "id",
    "ticketNumber",
    "title",
    "companyID",
    "status",
    "queueID",
    "priority",
    "ticketType",
    "contactID",
    "createDate",
    "completedDate",
    CHANGED_AT,
    ACTIVE_AT,
];

/// What every tenant says of its tickets. Who made one is a number; the contact is whom it is for.
pub(super) const ABILITIES: TicketAbilities = TicketAbilities {
    boards: true,
    contacts: true,
    requesters: false,
    public_notes: true,
    all_changes: true,
};

#[async_trait]
impl OwnTickets for Connection {
    async fn own_tickets(
        &self,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<RemotePage<RemotePsaTicket>, PsaError> {
        let (rows, next) = self.changed_rows(since, page, FIELDS, &[CHANGED_AT, ACTIVE_AT]).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            items.extend(self.own_ticket(row).await);
        }
        Ok(RemotePage { items, next, total: None })
    }

    async fn own_notes(&self, external_id: &str) -> Result<RemoteNotes, PsaError> {
        let ticket = wire::record_id("id", external_id)?;
        // The ticket's own path gives one page and no word on where it goes on.
        let query = Query {
            entity: "TicketNotes",
            fields: &[
                "id",
                "ticketID",
                "title",
                "description",
                "publish",
                "creatorResourceID",
                "createDateTime",
            ],
            filter: vec![condition("eq", "ticketID", ticket)],
        };
        let mut rows = Vec::new();
        let mut after = None;
        let has_more = loop {
            let page = self.api.page(&query, after, PAGE_SIZE).await?;
            rows.extend(page.rows);
            after = page.next;
            if after.is_none() || rows.len() >= MOST_NOTES {
                break after.is_some();
            }
        };
        rows.retain(|row| wire::int(row, "ticketID").is_none_or(|id| id == ticket));
        let people = self.names(&rows).await?;
        Ok(RemoteNotes { items: rows.iter().filter_map(|row| note(row, &people)).collect(), has_more })
    }
}

impl Connection {
    async fn own_ticket(&self, row: &Value) -> Option<RemotePsaTicket> {
        let id = wire::id(row, "id")?;
        let named = |key: &str| wire::int(row, key).map(|value| Named::of(value, None));
        let text = |key: &str| wire::text(row, key).map(ToOwned::to_owned);
        Some(RemotePsaTicket {
            external_id: id.to_string(),
            number: text("ticketNumber"),
            company_external_id: wire::id(row, "companyID").map(|id| id.to_string()),
            board: named("queueID"),
            status: named("status"),
            is_closed: wire::int(row, "status").map(|status| status == COMPLETE),
            priority: named("priority"),
            ticket_type: named("ticketType"),
            summary: text("title").unwrap_or_default(),
            contact_external_id: wire::id(row, "contactID").map(|id| id.to_string()),
            contact_name: None,
            requester: None,
            url: self.api.ticket_page(id).await,
            opened_at: wire::time(row, "createDate"),
            updated_at: wire::time(row, CHANGED_AT).max(wire::time(row, ACTIVE_AT)),
            closed_at: wire::time(row, "completedDate"),
        })
    }

    /// The names of those who wrote notes; none where the login may not see people.
    async fn names(&self, notes: &[Value]) -> Result<BTreeMap<i64, String>, PsaError> {
        /// So many are asked for in one condition: a query has 500 alternatives at the most.
        const MOST: usize = 200;
        let ids: BTreeSet<i64> =
            notes.iter().filter_map(|row| wire::id(row, "creatorResourceID")).filter(|id| *id > 0).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let ids: Vec<i64> = ids.into_iter().take(MOST).collect();
        let query = Query {
            entity: "Resources",
            fields: &["id", "firstName", "lastName"],
            filter: vec![condition("in", "id", json!(ids))],
        };
        let rows = match self.api.all(&query).await {
            Ok(rows) => rows,
            Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        };
        let name = |row: &Value| {
            let names = [wire::text(row, "firstName"), wire::text(row, "lastName")];
            let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
            Some((wire::id(row, "id")?, name)).filter(|(_, name)| !name.is_empty())
        };
        Ok(rows.iter().filter_map(name).collect())
    }
}

/// A title is often the first words of the text, and often stands alone.
fn note(row: &Value, people: &BTreeMap<i64, String>) -> Option<RemoteNote> {
    let text = match (wire::text(row, "title"), wire::text(row, "description")) {
        (Some(title), Some(text)) if !text.starts_with(title.trim_end_matches('…')) => {
            format!("{title}\n\n{text}")
        }
        (title, text) => text.or(title)?.to_owned(),
    };
    let author = wire::id(row, "creatorResourceID").filter(|id| *id > 0);
    Some(RemoteNote {
        external_id: wire::id(row, "id")?.to_string(),
        text,
        author: author.map(|id| people.get(&id).cloned().unwrap_or_else(|| format!("resource {id}"))),
        // What is shared with co-managed users only counts as internal: rather too little is shown.
        is_internal: wire::int(row, "publish") != Some(EVERYBODY),
        written_at: wire::time(row, "createDateTime"),
    })
}
