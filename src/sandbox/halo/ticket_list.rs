//! Reading tickets: by id, listed and searched.

use entity::Timestamp;

use super::{
    dates, errors,
    listing::{self, holds},
    query::ReadsQuery as _,
    ticket::{Form, Ticket},
    world::HaloWorld,
};
use crate::sandbox::frame::{Call, Query, Reply};

/// What a list of tickets was narrowed to: read once, for there may be very many of them.
struct Filter<'a> {
    client: Option<i64>,
    site: Option<i64>,
    user: Option<i64>,
    agent: Option<i64>,
    kind: Option<i64>,
    status: Option<Vec<i64>>,
    priority: Option<Vec<i64>>,
    ids: Option<Vec<i64>>,
    open: bool,
    closed: bool,
    team: Option<&'a str>,
    search_id: Option<&'a str>,
    /// Fields, and what each has to hold.
    holding: Vec<(&'static str, &'a str)>,
    search: Option<&'a str>,
    dated: Option<Dated>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    updated_from: Option<Timestamp>,
    updated_to: Option<Timestamp>,
}

/// Parameters that search one field.
const SEARCHED: [(&str, &str); 4] = [
    ("search_summary", "summary"),
    ("search_details", "details"),
    ("search_supplier_reference", "supplier_reference"),
    ("client_ref", "client_reference"),
];

impl<'a> Filter<'a> {
    fn read(query: &'a Query) -> Result<Self, Reply> {
        let (open_only, closed_only) = (query.flag("open_only")?, query.flag("closed_only")?);
        let dated = query.text("datesearch").map(Dated::read);
        let ids = query.ints("ticketids")?;
        let updated_from = query.date("lastupdatefromdate")?;
        // Whether a plain list holds closed tickets is not known for sure; here it does
        // not, unless one asks for them, names ids or searches by date.
        let closed = !open_only
            && (closed_only
                || query.flag("includeclosed")?
                || ids.is_some()
                || dated.is_some()
                || updated_from.is_some());
        let kind = query.int("requesttype_id")?;
        let holding = SEARCHED.iter().filter_map(|(name, field)| Some((*field, query.text(name)?))).collect();
        Ok(Self {
            client: query.int("client_id")?,
            site: query.int("site_id")?,
            user: query.int("user_id")?,
            agent: query.int("agent_id")?,
            kind: if kind.is_some() { kind } else { query.int("requesttype")? },
            status: match query.ints("status")? {
                None => query.int("status_id")?.map(|id| vec![id]),
                several => several,
            },
            priority: query.ints("priority")?,
            ids,
            open: !closed_only,
            closed,
            team: query.text("team"),
            search_id: query.text("search_id"),
            holding,
            search: query.text("search"),
            dated,
            start: query.date("startdate")?,
            end: query.date("enddate")?,
            updated_from,
            updated_to: query.date("lastupdatetodate")?,
        })
    }

    fn takes(&self, ticket: &Ticket) -> bool {
        let is = |wanted: Option<i64>, name: &str| wanted.is_none_or(|id| ticket.int(name) == id);
        let among = |wanted: &Option<Vec<i64>>, name: &str| {
            wanted.as_ref().is_none_or(|list| list.contains(&ticket.int(name)))
        };
        self.updated_from.is_none_or(|from| ticket.updated_at >= from)
            && self.updated_to.is_none_or(|to| ticket.updated_at <= to)
            && self.dated.is_none_or(|dated| {
                dated.of(ticket).is_some_and(|at| {
                    self.start.is_none_or(|start| at >= start) && self.end.is_none_or(|end| at <= end)
                })
            })
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&ticket.id))
            && self.search_id.is_none_or(|id| ticket.id.to_string() == id)
            && is(self.client, "client_id")
            && is(self.site, "site_id")
            && is(self.user, "user_id")
            && is(self.agent, "agent_id")
            && is(self.kind, "tickettype_id")
            && among(&self.status, "status_id")
            && among(&self.priority, "priority_id")
            && (self.open && self.closed || if ticket.is_closed() { self.closed } else { self.open })
            && self.team.is_none_or(|team| team == ticket.text("team"))
            && self.holding.iter().all(|(field, part)| holds(ticket.text(field), part))
            && self.search.is_none_or(|part| {
                holds(ticket.text("summary"), part)
                    || holds(ticket.text("details"), part)
                    || ticket.id.to_string() == part
            })
    }
}

/// A date of a ticket by which lists are narrowed and ordered.
#[derive(Clone, Copy)]
enum Dated {
    Closed,
    LastAction,
    Updated,
    Occurred,
    Created,
    /// A field that has none: no ticket has a date there.
    Unknown,
}

impl Dated {
    fn read(field: &str) -> Self {
        match field.to_ascii_lowercase().as_str() {
            "dateclosed" => Self::Closed,
            "lastactiondate" => Self::LastAction,
            "last_update" | "lastupdate" => Self::Updated,
            "dateoccurred" => Self::Occurred,
            "datecreated" | "dateoccured" => Self::Created,
            _ => Self::Unknown,
        }
    }

    fn of(self, ticket: &Ticket) -> Option<Timestamp> {
        match self {
            Self::Closed => ticket.closed_at,
            Self::LastAction => Some(ticket.last_action_at),
            Self::Updated => Some(ticket.updated_at),
            Self::Occurred => dates::read(ticket.text("dateoccurred")),
            Self::Created => Some(ticket.created_at),
            Self::Unknown => None,
        }
    }
}

impl HaloWorld {
    pub(super) fn list_tickets(&self, call: &Call) -> Result<Reply, Reply> {
        let (query, now) = (&call.query(), self.now());
        let filter = Filter::read(query)?;
        let mut found: Vec<&Ticket> = self
            .tickets
            .iter()
            .filter(|ticket| !ticket.deleted && ticket.listed_from <= now && filter.takes(ticket))
            .collect();
        match query.text("order").map(|field| (field.eq_ignore_ascii_case("id"), Dated::read(field))) {
            None => found.reverse(),
            // They lie in the order of their ids.
            Some((true, _)) => {}
            Some((false, dated)) => found.sort_by_key(|ticket| (dated.of(ticket), ticket.id)),
        }
        if query.flag("orderdesc")? && query.text("order").is_some() {
            found.reverse();
        }
        let row = |ticket| self.ticket_json(ticket, Form::Row);
        listing::page_of(query, "tickets", found, self.options.page_cap, row)
    }

    pub(super) fn get_ticket(&self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let included = call.query().flag("includedetails")?;
        let ticket = self.ticket(id).ok_or_else(errors::not_found)?;
        Ok(Reply::ok(&self.ticket_json(ticket, Form::Detail { included })))
    }
}
