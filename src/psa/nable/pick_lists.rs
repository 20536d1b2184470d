//! MSP Manager's own lists of values, as far as it shows them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Connection, paging::List, profile, wire};
use crate::{
    psa::PsaError,
    sync::remote::{PickItem, RemotePickList},
};

/// How many of the newest tickets are looked at for names of statuses and priorities.
const TICKETS: u64 = 500;

/// How many rows of a list are read at once, and how many parts at most.
const SIZE: u64 = 500;
const PARTS: usize = 10;

/// Lists of which only a client's guess tells that they exist; one that answers with what is wanted is used.
const STATUS_LIST: &str = "TicketStatuses";
const SUB_ISSUE_LIST: &str = "SubIssueTypes";

/// Names under which codes, ids and words may stand in lists that no source shows.
const STATUS_CODES: &[&str] = &["TicketStatusCode", "StatusCode", "Code"];
const STATUS_NAMES: &[&str] = &["TicketStatusName", "StatusName", "Name"];
const ISSUE_IDS: &[&str] = &["IssueTypeId", "TicketIssueTypeId", "Id"];
const ISSUE_NAMES: &[&str] = &["IssueTypeName", "TicketIssueTypeName", "Name"];
const SUB_ISSUE_IDS: &[&str] = &["SubIssueTypeId", "TicketSubIssueTypeId", "IssueSubTypeId", "Id"];
const SUB_ISSUE_NAMES: &[&str] = &["SubIssueTypeName", "TicketSubIssueTypeName", "IssueSubTypeName", "Name"];
const SUB_ISSUES_WITHIN: &[&str] = &["SubIssueTypes", "TicketSubIssueTypes", "IssueSubTypes"];

/// Words by code, as tickets show them.
type Words = BTreeMap<i64, String>;

impl Connection {
    /// One list that cannot be read does not cost the others; a limit, an outage or a refused login does.
    pub(super) async fn all_pick_lists(&self) -> Result<Vec<RemotePickList>, PsaError> {
        let mut lists = Vec::new();
        let (statuses, priorities) = match self.words_of_tickets().await {
            Ok(words) => words,
            // Names are only nicer than the codes that are known anyway.
            Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => (Words::new(), Words::new()),
            Err(error) => return Err(error),
        };
        add(&mut lists, "status", self.statuses(statuses).await)?;
        add(&mut lists, "service_item", self.service_item_names().await)?;
        let types = self.whole(List { path: "IssueTypes", id: "", filter: None, size: SIZE }).await;
        let (types, sub_types) = match types {
            Ok(rows) => (Ok(items(&rows, ISSUE_IDS, ISSUE_NAMES)), self.sub_issue_types(&rows).await),
            Err(error) => (Err(error.clone()), Err(error)),
        };
        add(&mut lists, "issue_type", types)?;
        add(&mut lists, "sub_issue_type", sub_types)?;
        add(&mut lists, "priority", Ok(self::priorities(&priorities)))?;
        let users = self.whole(List { path: "Users", id: "UserId", filter: None, size: SIZE }).await;
        add(&mut lists, "agent", users.map(|rows| agents(&rows)))?;
        add(&mut lists, "billable", Ok(vec![item("true", "Billable"), item("false", "Not billable")]))?;
        add(&mut lists, "company_status", self.company_statuses().await)?;
        Ok(lists)
    }

    async fn whole(&self, list: List<'_>) -> Result<Vec<Value>, PsaError> {
        self.pages(list, PARTS).await.map(|(rows, _)| rows)
    }

    /// What the newest tickets call their statuses and priorities: the columns are proven, a list is not.
    async fn words_of_tickets(&self) -> Result<(Words, Words), PsaError> {
        let columns = "TicketStatusCode,TicketStatusName,TicketPriorityCode,TicketPriorityName";
        let query = [
            ("$select", columns.to_owned()),
            ("$orderby", String::from("CreatedDate desc")),
            ("$top", TICKETS.to_string()),
        ];
        let rows = self.api.list("ticketsview", &query).await?.items;
        let words = |code: &str, name: &str| -> Words {
            let pair = |row: &Value| Some((wire::int(row, code)?, wire::text(row, name)?.to_owned()));
            // The newest ticket's word counts.
            rows.iter().rev().filter_map(pair).collect()
        };
        Ok((words("TicketStatusCode", "TicketStatusName"), words("TicketPriorityCode", "TicketPriorityName")))
    }

    /// The service's own list where it has one, else the codes that are known; the words of tickets in both.
    async fn statuses(&self, mut words: Words) -> Result<Vec<PickItem>, PsaError> {
        let listed = match self.api.list_if_any(STATUS_LIST, &[]).await {
            Ok(rows) => rows.map(|rows| rows.items).unwrap_or_default(),
            Err(PsaError::Forbidden { .. } | PsaError::Rejected { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let code_of = |row: &Value| STATUS_CODES.iter().find_map(|key| wire::int(row, key));
        for row in listed.iter().filter(|row| !wire::is_out_of_use(row)) {
            if let (Some(code), Some(name)) = (code_of(row), wire::any_text(row, STATUS_NAMES)) {
                words.insert(code, name.to_owned());
            }
        }
        // The one open status that is known is added only where no other is seen.
        let has_open = words.keys().any(|code| !profile::closes(*code));
        for (code, name, closes) in profile::STATUSES {
            if closes || !has_open {
                words.entry(code).or_insert_with(|| name.to_owned());
            }
        }
        let item = |(code, name): (i64, String)| PickItem {
            closes: Some(profile::closes(code)),
            ..item(&code.to_string(), &name)
        };
        Ok(words.into_iter().map(item).collect())
    }

    /// Within the issue types where they come so, else from a list of their own.
    async fn sub_issue_types(&self, types: &[Value]) -> Result<Vec<PickItem>, PsaError> {
        let mut found = Vec::new();
        for row in types {
            let Some(parent) = wire::any_guid(row, ISSUE_IDS) else { continue };
            let within = SUB_ISSUES_WITHIN.iter().find_map(|key| wire::get(row, key)?.as_array());
            found.extend(within.into_iter().flatten().filter_map(|row| sub_type(row, Some(parent.clone()))));
        }
        if !found.is_empty() {
            return Ok(once(found.into_iter()));
        }
        match self.api.list_if_any(SUB_ISSUE_LIST, &[]).await? {
            Some(rows) => Ok(once(rows.items.iter().filter_map(|row| {
                sub_type(row, wire::any_guid(row, &["IssueTypeId", "TicketIssueTypeId"]))
            }))),
            // This service has no such list: there is nothing to choose.
            None => Ok(Vec::new()),
        }
    }
}

fn sub_type(row: &Value, parent: Option<String>) -> Option<PickItem> {
    let id = wire::any_guid(row, SUB_ISSUE_IDS).filter(|_| !wire::is_out_of_use(row))?;
    let mut item = item(&id, wire::any_text(row, SUB_ISSUE_NAMES).unwrap_or(&id));
    if let Some(parent) = parent {
        item.parents.insert(String::from("issue_type"), vec![parent]);
    }
    Some(item)
}

/// Adds a list, or what kept it away; errors that concern the whole login go up.
fn add(
    lists: &mut Vec<RemotePickList>,
    key: &str,
    items: Result<Vec<PickItem>, PsaError>,
) -> Result<(), PsaError> {
    let (items, problem) = match items {
        Ok(items) => (items, None),
        Err(error @ (PsaError::Forbidden { .. } | PsaError::Rejected { .. })) => {
            (Vec::new(), Some(error.to_string()))
        }
        Err(error) => return Err(error),
    };
    lists.push(RemotePickList { key: key.to_owned(), items, problem });
    Ok(())
}

fn item(value: &str, label: &str) -> PickItem {
    PickItem { value: value.to_owned(), label: label.to_owned(), ..PickItem::default() }
}

fn once(items: impl Iterator<Item = PickItem>) -> Vec<PickItem> {
    let mut seen = BTreeSet::new();
    items.filter(|item| seen.insert(item.value.clone())).collect()
}

fn items(rows: &[Value], ids: &[&str], names: &[&str]) -> Vec<PickItem> {
    once(rows.iter().filter(|row| !wire::is_out_of_use(row)).filter_map(|row| {
        let id = wire::any_guid(row, ids)?;
        Some(item(&id, wire::any_text(row, names).unwrap_or(&id)))
    }))
}

fn priorities(words: &Words) -> Vec<PickItem> {
    let named = profile::PRIORITIES.iter().map(|(code, name)| (*code, (*name).to_owned()));
    let all: Words = named.chain(words.clone()).collect();
    all.into_iter().map(|(code, name)| item(&code.to_string(), &name)).collect()
}

fn agents(rows: &[Value]) -> Vec<PickItem> {
    once(rows.iter().filter(|row| !wire::is_out_of_use(row)).filter_map(|row| {
        let id = wire::guid(row, "UserId")?;
        let part = |keys: &[&str]| wire::any_text(row, keys).unwrap_or_default().to_owned();
        let name = [part(&["FirstName", "UserFirstName"]), part(&["LastName", "UserLastName"])].join(" ");
        let name = match name.trim() {
            "" => part(&["DisplayName", "UserName", "Name", "EmailAddress", "UserEmailAddress"]),
            name => name.to_owned(),
        };
        Some(item(&id, if name.is_empty() { &id } else { &name }))
    }))
}
