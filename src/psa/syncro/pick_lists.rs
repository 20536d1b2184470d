//! Syncro's own lists of values. They stand in two answers of settings, and nothing hangs on anything.

use serde_json::Value;

use super::{Connection, companies, errors::short, wire};
use crate::{
    psa::PsaError,
    sync::remote::{PickItem, RemotePickList},
};

/// The statuses that are closed (Haley). Accounts add statuses of their own, and nothing says of any whether
/// it closes: all others are taken for open. The one place to change.
const CLOSED: [&str; 2] = ["Resolved", "Invoiced"];

/// Whether a ticket in that status is closed.
pub(super) fn closes(status: &str) -> bool {
    CLOSED.iter().any(|closed| closed.eq_ignore_ascii_case(status.trim()))
}

/// The lists, and what the settings say besides.
pub(super) struct Lists {
    pub(super) lists: Vec<RemotePickList>,
    /// The account takes no ticket without a type.
    pub(super) requires_ticket_type: bool,
}

impl Connection {
    /// An answer that cannot be had does not cost the lists of the other; a limit, an outage or a refused
    /// login does.
    pub(super) async fn all_pick_lists(&self) -> Result<Lists, PsaError> {
        let of_tickets = settings(self.api.get("/tickets/settings", &[]).await)?;
        let of_account = settings(self.api.get("/settings", &[]).await)?;
        let ticket = of_account.as_ref().map_err(Clone::clone).map(|all| all.get("ticket"));
        let requires_ticket_type =
            of_tickets.as_ref().is_ok_and(|all| wire::is(all, "require_ticket_type") == Some(true));

        let from_tickets = |key: &str| of_tickets.as_ref().map_err(Clone::clone).map(|all| all.get(key));
        let from_account = |key: &str| ticket.clone().map(|ticket| ticket.and_then(|all| all.get(key)));
        let types = from_tickets("ticket_types");
        let types =
            if matches!(types, Ok(Some(Value::Array(_)))) { types } else { from_account("ticket_types") };
        let status = |text: &str| PickItem { closes: Some(closes(text)), ..item(text, text) };
        let lists = vec![
            list("status", from_tickets("ticket_status_list"), |rows| texts(rows, status)),
            list("ticket_type", types, named),
            list("problem_type", from_account("problem_types"), |rows| texts(rows, |text| item(text, text))),
            list("priority", from_account("priorities"), |rows| texts(rows, |text| item(text, text))),
            list("agent", from_tickets("users"), named),
            RemotePickList {
                key: String::from("company_status"),
                items: companies::STATUSES.iter().map(|(value, label)| item(value, label)).collect(),
                problem: None,
            },
        ];
        Ok(Lists { lists, requires_ticket_type })
    }
}

/// The answer, or why its lists are missing; an error that concerns the whole login goes up.
fn settings(answer: Result<Value, PsaError>) -> Result<Result<Value, String>, PsaError> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(error @ (PsaError::Forbidden { .. } | PsaError::Rejected { .. })) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

fn list(
    key: &str,
    rows: Result<Option<&Value>, String>,
    read: impl Fn(&[Value]) -> Vec<PickItem>,
) -> RemotePickList {
    let items = match rows {
        Ok(Some(Value::Array(rows))) => Ok(read(rows)),
        Ok(_) => Err(String::from("Syncro's settings do not show this list")),
        Err(problem) => Err(problem),
    };
    let (items, problem) = match items {
        Ok(items) => (items, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    RemotePickList { key: key.to_owned(), items, problem }
}

fn item(value: &str, label: &str) -> PickItem {
    PickItem { value: value.to_owned(), label: short(label), ..PickItem::default() }
}

/// Values that are their own names; the empty one stands for none and is left out.
fn texts(rows: &[Value], item: impl Fn(&str) -> PickItem) -> Vec<PickItem> {
    let text = |row: &Value| row.as_str().map(str::trim).filter(|text| !text.is_empty()).map(&item);
    let mut items: Vec<PickItem> = Vec::new();
    for new in rows.iter().filter_map(text) {
        if items.iter().all(|known| known.value != new.value) {
            items.push(new);
        }
    }
    items
}

/// Records with an id and a name, or pairs of both, as the list of users has them.
fn named(rows: &[Value]) -> Vec<PickItem> {
    rows.iter()
        .filter_map(|row| {
            if let Value::Array(pair) = row {
                let (id, name) = (wire::whole(pair.first()?)?, pair.get(1)?.as_str()?.trim());
                return (id > 0 && !name.is_empty()).then(|| item(&id.to_string(), name));
            }
            if wire::is(row, "disabled") == Some(true) {
                return None;
            }
            let name = wire::text(row, "name").or_else(|| wire::text(row, "full_name"))?;
            Some(item(&wire::id(row, "id")?.to_string(), name))
        })
        .collect()
}
