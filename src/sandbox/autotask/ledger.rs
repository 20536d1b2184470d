//! What truly exists, for those who check from outside.

use entity::Timestamp;
use serde_json::{Map, Value};

use super::{
    dates,
    model::{Entity, Pick, Reads, Row},
    picks,
    store::Record,
    world::AutotaskWorld,
};
use crate::sandbox::frame::{LedgerId, LedgerNote, LedgerTicket, marker_in};

impl AutotaskWorld {
    pub(super) fn tickets_of_the_ledger(&self) -> Vec<LedgerTicket> {
        self.store.records(Entity::Tickets).map(|(id, record)| self.ledger_ticket(id, record)).collect()
    }

    fn ledger_ticket(&self, id: i64, record: &Record) -> LedgerTicket {
        let row = &record.row;
        let udfs = row.get("userDefinedFields").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let udfs = udfs.iter().filter_map(|udf| udf.get("value").and_then(Value::as_str));
        let places = [row.text("externalID"), row.text("title"), row.text("description")];
        let marker = places.into_iter().chain(udfs).find_map(marker_in).map(str::to_owned);
        let company = row.int("companyID").unwrap_or_default();
        let name = self.store.get(Entity::Companies, company).map(|row| row.text("companyName"));
        let mut more = Map::new();
        for field in [
            "ticketNumber",
            "externalID",
            "priority",
            "queueID",
            "issueType",
            "subIssueType",
            "resolution",
            "contactID",
            "configurationItemID",
        ] {
            more.insert(field.to_owned(), row.get(field).cloned().unwrap_or_default());
        }
        LedgerTicket {
            id: id.into(),
            marker,
            company: name.unwrap_or_default().to_owned(),
            company_id: company.into(),
            summary: row.text("title").to_owned(),
            body: row.text("description").to_owned(),
            status: label(picks::STATUS, row.int("status")),
            closed: row.int("status") == Some(picks::COMPLETE),
            created_at: zoned(row.text("createDate")).unwrap_or_default(),
            closed_at: zoned(row.text("completedDate")),
            notes: self.ledger_notes(id),
            deleted: record.is_deleted,
            more,
        }
    }

    fn ledger_notes(&self, ticket: i64) -> Vec<LedgerNote> {
        let notes = self.store.rows(Entity::TicketNotes);
        notes
            .filter(|(_, row)| row.int("ticketID") == Some(ticket))
            .map(|(id, row)| LedgerNote {
                id: LedgerId::Number(id),
                text: row.text("description").to_owned(),
                private: row.int("publish") != Some(picks::PUBLISH_TO_ALL),
                who: self.person(row),
                at: zoned(row.text("createDateTime")).unwrap_or_default(),
            })
            .collect()
    }

    fn person(&self, note: &Row) -> String {
        let row = note.int("creatorResourceID").and_then(|id| self.store.get(Entity::Resources, id));
        row.map(|row| format!("{} {}", row.text("firstName"), row.text("lastName"))).unwrap_or_default()
    }
}

fn label(picks: &[Pick], value: Option<i64>) -> String {
    let pick = picks.iter().find(|pick| Some(pick.value) == value);
    pick.map(|pick| pick.label.to_owned()).unwrap_or_default()
}

fn zoned(text: &str) -> Option<String> {
    dates::parse(text).map(Timestamp::rfc3339)
}
