//! Listing and searching tickets.

use entity::Timestamp;
use serde_json::json;

use super::{
    dates, paging, replies,
    settings::{self, USERS},
    tickets::Ticket,
    world::SyncroWorld,
};
use crate::sandbox::frame::{Call, Query, Reply};

/// A pseudo-status: everything but what counts as closed.
const NOT_CLOSED: &str = "Not Closed";

/// What a list was narrowed to. Parameters that the vendor does not know are passed over.
struct Filter<'a> {
    customer: Option<i64>,
    contact: Option<i64>,
    user: Option<i64>,
    number: Option<&'a str>,
    status: Option<&'a str>,
    words: Option<&'a str>,
    created_after: Option<Timestamp>,
    resolved_after: Option<Timestamp>,
    updated_after: Option<Timestamp>,
}

impl<'a> Filter<'a> {
    fn read(query: &'a Query) -> Result<Self, Reply> {
        // What is no number equals no ticket's.
        let int = |name| query.text(name).map(|text| text.parse().unwrap_or(-1));
        let mine = query.text("mine").is_some_and(is_true).then_some(USERS[0].id);
        Ok(Self {
            customer: int("customer_id"),
            contact: int("contact_id"),
            user: mine.or(int("user_id")),
            number: query.text("number"),
            status: query.text("status"),
            words: query.text("query"),
            created_after: time(query, "created_after")?,
            resolved_after: time(query, "resolved_after")?,
            updated_after: time(query, "since_updated_at")?,
        })
    }

    fn takes(&self, ticket: &Ticket) -> bool {
        let after = |at: Option<Timestamp>, from: Option<Timestamp>| {
            from.is_none_or(|from| at.is_some_and(|at| at > from))
        };
        self.customer.is_none_or(|id| ticket.customer_id == id)
            && self.contact.is_none_or(|id| ticket.contact_id == Some(id))
            && self.user.is_none_or(|id| ticket.user_id == Some(id))
            && self.number.is_none_or(|number| ticket.number.to_string() == number)
            && self.status.is_none_or(|status| match status {
                NOT_CLOSED => !settings::is_closed(&ticket.status),
                exact => ticket.status == exact,
            })
            && self.words.is_none_or(|words| is_found(ticket, words))
            && after(Some(ticket.created_at), self.created_after)
            && after(ticket.resolved_at, self.resolved_after)
            && after(Some(ticket.updated_at), self.updated_after)
    }
}

impl SyncroWorld {
    /// `GET /tickets`, the newest first.
    pub(super) fn list_tickets(&self, call: &Call) -> Result<Reply, Reply> {
        let (query, now) = (call.query(), self.now());
        let filter = Filter::read(&query)?;
        let seen = |ticket: &&Ticket| !ticket.deleted && ticket.listed_from <= now && filter.takes(ticket);
        let found = self.tickets.iter().rev().filter(seen).collect();
        let page = paging::cut(&query, self.options.tickets_per_page, found);
        let with_all = query.text("all_comments").is_some_and(is_true);
        let rows: Vec<_> = page.rows.iter().map(|ticket| self.ticket_row(ticket, with_all)).collect();
        Ok(Reply::ok(&json!({ "tickets": rows, "meta": page.meta(false, false) })))
    }
}

fn is_true(text: &str) -> bool {
    text == "true" || text == "1"
}

/// Whether every word is somewhere in it: the search is full-text, not exact.
fn is_found(ticket: &Ticket, words: &str) -> bool {
    let mut text = format!("{} {}", ticket.number, ticket.subject);
    for comment in &ticket.comments {
        text.push(' ');
        text.push_str(&comment.body);
    }
    words.split_whitespace().all(|word| paging::holds(&text, word))
}

/// A time in a query. What becomes of one that cannot be read is not recorded: refused.
pub(super) fn time(query: &Query, name: &str) -> Result<Option<Timestamp>, Reply> {
    let Some(text) = query.text(name) else { return Ok(None) };
    let refusal = || replies::error(422, &format!("{name} is not a valid date"));
    dates::read(text).map(Some).ok_or_else(refusal)
}
