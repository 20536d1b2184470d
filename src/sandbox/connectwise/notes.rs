//! Notes of tickets, each on at least one of three tabs.

use serde_json::{Value, json};

use super::{
    api,
    deeds::API_MEMBER,
    deliveries::Action,
    errors::{self, Problem},
    listing::Listing,
    resources::{NOTE, Table},
    row::{self, Row},
    store,
    world::ConnectWiseWorld,
    writing,
};
use crate::sandbox::frame::{Call, Reply};

/// Where a note stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tabs {
    /// Discussion, which the customer sees.
    pub(super) discussion: bool,
    /// Internal analysis.
    pub(super) internal: bool,
    /// Resolution.
    pub(super) resolution: bool,
}

impl ConnectWiseWorld {
    /// `…/tickets/{id}/notes`.
    pub(super) fn serve_notes(&mut self, call: &Call, id: i64, parts: &[&str]) -> Result<Reply, Reply> {
        let ticket = self.service_ticket(id)?;
        match (call.method.as_str(), parts) {
            ("GET", []) => Ok(Listing::read(call, NOTE.fields, &self.options)?.page(ticket.notes.iter())),
            ("GET", ["count"]) => {
                Ok(Listing::read(call, NOTE.fields, &self.options)?.count(ticket.notes.iter()))
            }
            ("GET", [note]) => {
                let wanted = api::number(note)?;
                let found = ticket.notes.iter().find(|found| row::id(found) == wanted);
                Ok(api::one(call, 200, found.ok_or_else(|| errors::not_found(NOTE.label, note))?))
            }
            ("POST", []) => self.create_note(call, id),
            (method, [] | [_]) => Err(errors::wrong_method(method)),
            _ => Err(errors::no_endpoint()),
        }
    }

    fn create_note(&mut self, call: &Call, id: i64) -> Result<Reply, Reply> {
        let body = writing::object(call, NOTE.name)?;
        let refuse = |problems: Vec<Problem>| errors::invalid(NOTE.name, &problems);
        let written = writing::checked(&NOTE, &[], body).map_err(refuse)?;
        let text = row::text(&written, "text").filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| refuse(vec![Problem::missing("text")]))?;
        let tabs = Tabs {
            discussion: row::flag(&written, "detailDescriptionFlag"),
            internal: row::flag(&written, "internalAnalysisFlag"),
            resolution: row::flag(&written, "resolutionFlag"),
        };
        if !(tabs.discussion || tabs.internal || tabs.resolution) {
            let message =
                "One of detailDescriptionFlag, internalAnalysisFlag and resolutionFlag must be true.";
            return Err(refuse(vec![Problem::invalid("detailDescriptionFlag", message)]));
        }
        let company = row::int(&self.service_ticket(id)?.row, "company/id");
        let given = |name: &str| written.get(name).filter(|given| !given.is_null());
        let mut member = API_MEMBER;
        if let Some(given) = given("member") {
            let found = self.resolve(Table::Members, "member", given, None);
            let found = found.map_err(|problem| refuse(vec![problem]))?;
            member = found.get("id").and_then(Value::as_i64).unwrap_or(API_MEMBER);
        }
        if let Some(given) = given("contact") {
            let found = self.resolve(Table::Contacts, "contact", given, company);
            found.map_err(|problem| refuse(vec![problem]))?;
        }
        let text = text.to_owned();
        let note = self.append_note(id, &text, tabs, member);
        self.saved(id, API_MEMBER, Action::Updated, false);
        let notes = &self.service_ticket(id)?.notes;
        let found = notes.iter().find(|found| row::id(found) == note);
        Ok(api::one(call, 201, found.ok_or_else(errors::no_endpoint)?))
    }

    /// Writes a note and tells its id; saving the ticket is left to the caller.
    pub(super) fn append_note(&mut self, ticket: i64, text: &str, tabs: Tabs, member: i64) -> i64 {
        self.last_note += 1;
        let id = self.last_note;
        let now = self.now();
        let who = self.member_name(member);
        let writer = self.find(Table::Members, member).map(|found| store::reference(Table::Members, found));
        let mut note: Row = row::row(json!({
            "id": id,
            "ticketId": ticket,
            "text": text,
            "detailDescriptionFlag": tabs.discussion,
            "internalAnalysisFlag": tabs.internal,
            "resolutionFlag": tabs.resolution,
            "issueFlag": false,
            "member": writer,
            "customerUpdatedFlag": false,
            "dateCreated": row::time(now),
            "createdBy": who,
            "internalFlag": tabs.internal,
            "externalFlag": tabs.discussion || tabs.resolution,
        }));
        store::stamp(&mut note, &who, now);
        if let Some(ticket) = self.ticket_mut(ticket) {
            ticket.notes.push(note);
        }
        id
    }
}
