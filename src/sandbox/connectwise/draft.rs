//! A ticket as it would be after a write, and everything that forbids it.

use serde_json::{Value, json};

use super::{
    api,
    errors::Problem,
    resources::{TICKET, Table},
    row::{self, Row},
    seed, store,
    world::ConnectWiseWorld,
};

/// References whose records belong to a board.
const PER_BOARD: [&str; 5] = ["status", "type", "subType", "item", "team"];

impl ConnectWiseWorld {
    /// `current` (empty for a new ticket) with `written` laid over it.
    pub(super) fn draft(&self, current: &Row, written: &Row) -> Result<Row, Vec<Problem>> {
        let is_new = current.is_empty();
        let mut problems = Vec::new();
        let mut row = current.clone();
        let references: Vec<_> = api::references(TICKET.fields).collect();
        for (name, value) in written {
            if references.iter().any(|(reference, _)| reference == name) {
                continue;
            }
            if value.is_null() {
                row.remove(name);
            } else if TICKET.fields.iter().any(|(known, _)| known == name) {
                row.insert(name.clone(), value.clone());
            }
        }
        // Board and company come first: the others must belong to them.
        for (name, table) in [("company", Table::Companies), ("board", Table::Boards)] {
            self.settle(&mut row, written, name, table, None, &mut problems);
        }
        if is_new && !row.contains_key("board") && !written.contains_key("board") {
            row.insert("board".to_owned(), self.shown_reference(Table::Boards, seed::DEFAULT_BOARD));
        }
        let (board, company) = (row::int(&row, "board/id"), row::int(&row, "company/id"));
        for (name, table) in &references {
            if ["company", "board"].contains(name) {
                continue;
            }
            let owner = match table.parent() {
                Some(("board", _)) => board,
                Some(("company", _)) => company,
                _ => None,
            };
            self.settle(&mut row, written, name, *table, owner, &mut problems);
            if !written.contains_key(*name) {
                self.stays(&row, name, *table, owner, &mut problems);
            }
        }
        self.look_up_contact(&mut row, written, company, &mut problems);
        if is_new {
            self.set_defaults(&mut row, board);
        }
        self.check_ticket(&row, written, is_new, &mut problems);
        if problems.is_empty() { Ok(row) } else { Err(problems) }
    }

    /// Resolves a reference that was written.
    fn settle(
        &self,
        row: &mut Row,
        written: &Row,
        name: &str,
        table: Table,
        owner: Option<i64>,
        problems: &mut Vec<Problem>,
    ) {
        match written.get(name) {
            None => {}
            Some(Value::Null) => {
                row.remove(name);
            }
            Some(given) => match self.resolve(table, name, given, owner) {
                Ok(reference) => {
                    row.insert(name.to_owned(), reference);
                }
                Err(problem) => problems.push(problem),
            },
        }
    }

    /// A reference that was not written must still belong to the ticket's board or company.
    fn stays(&self, row: &Row, name: &str, table: Table, owner: Option<i64>, problems: &mut Vec<Problem>) {
        let (Some((parent, parents)), Some(owner)) = (table.parent(), owner) else { return };
        let Some(id) = row::int(row, &format!("{name}/id")) else { return };
        let found = self.find(table, id);
        if found.and_then(|found| row::int(found, &format!("{parent}/id"))) != Some(owner) {
            let spoken = row::text(row, &format!("{name}/name")).unwrap_or_default();
            let (label, owners) = (table.resource().label, parents.resource().label);
            let message = format!("{label} {spoken} not found for {owners} {owner}");
            problems.push(Problem::not_found(&format!("{name}/name"), message));
        }
    }

    /// Finds the contact by an address of mail.
    fn look_up_contact(
        &self,
        row: &mut Row,
        written: &Row,
        company: Option<i64>,
        problems: &mut Vec<Problem>,
    ) {
        let Some(mail) = row::text(written, "contactEmailLookup") else { return };
        let has_mail = |contact: &Row| {
            let items = contact.get("communicationItems").and_then(Value::as_array).into_iter().flatten();
            let mut values = items.filter_map(|item| item.get("value")?.as_str());
            values.any(|value| value.eq_ignore_ascii_case(mail))
        };
        let mut contacts = self.rows(Table::Contacts).iter();
        match contacts.find(|contact| row::int(contact, "company/id") == company && has_mail(contact)) {
            Some(contact) => {
                row.insert("contact".to_owned(), store::reference(Table::Contacts, contact));
            }
            None => {
                problems.push(Problem::not_found("contactEmailLookup", format!("Contact {mail} not found")));
            }
        }
    }

    fn shown_reference(&self, table: Table, id: i64) -> Value {
        self.find(table, id).map(|found| store::reference(table, found)).unwrap_or_default()
    }

    fn set_defaults(&self, row: &mut Row, board: Option<i64>) {
        let usual = |table: Table| {
            let of_board = |found: &&Row| {
                table.parent().is_none_or(|(field, _)| row::int(found, &format!("{field}/id")) == board)
            };
            let mut rows = self.rows(table).iter().filter(of_board);
            rows.find(|found| row::flag(found, "defaultFlag")).map(|found| store::reference(table, found))
        };
        let references = [
            ("status", Table::Statuses),
            ("team", Table::Teams),
            ("priority", Table::Priorities),
            ("source", Table::Sources),
            ("sla", Table::Slas),
        ];
        for (name, table) in references {
            if let Some(reference) = usual(table).filter(|_| !row.contains_key(name)) {
                row.insert(name.to_owned(), reference);
            }
        }
        let values: [(&str, Value); 14] = [
            ("recordType", json!("ServiceTicket")),
            ("severity", json!("Medium")),
            ("impact", json!("Medium")),
            ("allowAllClientsPortalView", json!(false)),
            ("customerUpdatedFlag", json!(false)),
            ("automaticEmailContactFlag", json!(false)),
            ("automaticEmailResourceFlag", json!(false)),
            ("automaticEmailCcFlag", json!(false)),
            ("closedFlag", json!(false)),
            ("hasChildTicket", json!(false)),
            ("hasMergedChildTicketFlag", json!(false)),
            ("isInSla", json!(false)),
            ("actualHours", json!(0.0)),
            ("integratorTags", json!([])),
        ];
        for (name, value) in values {
            row.entry(name).or_insert(value);
        }
        row.entry("customFields").or_insert_with(|| json!([seed::custom_field(None)]));
    }

    /// The rules that need the whole ticket.
    fn check_ticket(&self, row: &Row, written: &Row, is_new: bool, problems: &mut Vec<Problem>) {
        if row::text(row, "summary").is_none_or(|summary| summary.trim().is_empty()) {
            problems.push(Problem::missing("summary"));
        }
        for name in ["company", "board", "status", "priority"] {
            let is_given = written.get(name).is_some_and(|given| !given.is_null());
            // Without a board there is no list to take a status from.
            let waits = name == "status" && !row.contains_key("board");
            if !row.contains_key(name) && !is_given && !waits {
                problems.push(Problem::missing(name));
            }
        }
        if row::text(row, "recordType") != Some("ServiceTicket") {
            problems.push(Problem::invalid("recordType", "The record type must be ServiceTicket here."));
        }
        let board = row::int(row, "board/id").and_then(|id| self.find(Table::Boards, id));
        if let Some(board) = board.filter(|board| row::flag(board, "projectFlag")) {
            let message = format!("Service Board {} not found", row::id(board));
            problems.push(Problem::not_found("board/id", message));
        }
        if is_new || written.contains_key("company") {
            problems.extend(self.company_complaint(row));
        }
        if PER_BOARD.iter().any(|name| written.contains_key(*name)) || written.contains_key("board") {
            problems.extend(self.association_complaint(row));
        }
        let known: Vec<_> =
            self.rows(Table::IntegratorTags).iter().filter_map(|tag| row::text(tag, "text")).collect();
        for tag in row.get("integratorTags").and_then(Value::as_array).into_iter().flatten() {
            if !tag.as_str().is_some_and(|tag| known.contains(&tag)) {
                problems
                    .push(Problem::not_found("integratorTags", format!("Integrator Tag {tag} not found")));
            }
        }
        for field in row.get("customFields").and_then(Value::as_array).into_iter().flatten() {
            if field.get("id").and_then(Value::as_i64) != Some(seed::CUSTOM_FIELD) {
                problems.push(Problem::not_found("customFields", "Custom Field not found"));
            }
        }
    }

    /// Some statuses of a company forbid new tickets.
    fn company_complaint(&self, row: &Row) -> Option<Problem> {
        let company = self.find(Table::Companies, row::int(row, "company/id")?)?;
        let status = self.find(Table::CompanyStatuses, row::int(company, "status/id")?)?;
        let message = row::text(status, "notificationMessage").unwrap_or_default();
        row::flag(status, "disallowSavingFlag").then(|| Problem::invalid("company/id", message))
    }

    /// Only the list of associations tells which type, subtype and item go together.
    fn association_complaint(&self, row: &Row) -> Option<Problem> {
        let [kind, sub, item] = ["type", "subType", "item"].map(|name| row::int(row, &format!("{name}/id")));
        let fits = |association: &&Row| {
            row::int(association, "type/id") == kind
                && row::int(association, "subType/id") == sub
                && item.is_none_or(|item| row::int(association, "item/id") == Some(item))
        };
        let (field, message) = match (kind, sub, item) {
            (_, None, Some(_)) => ("item/id", "The item field needs a subType."),
            (None, Some(_), _) => ("subType/id", "The subType field needs a type."),
            (_, None, None) => return None,
            _ if self.rows(Table::Associations).iter().any(|association| fits(&association)) => return None,
            _ => ("subType/id", "The type, subType and item are not associated with each other."),
        };
        Some(Problem::invalid(field, message))
    }
}
