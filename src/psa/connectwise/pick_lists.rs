//! ConnectWise's own lists of values.

use futures_util::future::join_all;
use serde_json::Value;

use super::{
    Connection,
    boards::{self, in_order},
    profile, wire,
};
use crate::{
    psa::PsaError,
    sync::remote::{PickItem, RemotePickList},
};

/// Boards whose lists are read; each takes six calls of the budget.
const BOARDS: usize = 80;
/// Boards read at the same time.
const AT_ONCE: usize = 3;
/// Lists of a board.
const OF_BOARD: [&str; 5] = ["status", "ticket_type", "subtype", "item", "team"];

impl Connection {
    /// One list that cannot be read does not cost the others; a limit, a refused login or an outage of more
    /// than one list does.
    pub(super) async fn all_pick_lists(&self) -> Result<Vec<RemotePickList>, PsaError> {
        let mut lists = Lists::default();
        match self.service_boards().await {
            Ok(rows) => {
                lists.add("board", Ok(rows.iter().filter_map(boards::item).collect()))?;
                self.add_boards(&mut lists, &rows).await?;
            }
            Err(error) => {
                lists.add("board", Err(error.clone()))?;
                for key in OF_BOARD {
                    lists.push(key, Vec::new(), Some(error.to_string()));
                }
            }
        }
        let priorities = self.all_rows("/service/priorities", &[]).await;
        lists.add("priority", priorities.map(|rows| items(in_order(&rows))))?;
        for (key, path, twin) in [
            ("source", "/service/sources", "/service/sources/info"),
            ("sla", "/service/slas/info", "/service/SLAs"),
            ("company_type", "/company/companies/types", "/company/companies/info/types"),
            ("company_status", "/company/companies/statuses", ""),
            ("company_market", "/company/marketDescriptions/info", "/company/marketDescriptions"),
        ] {
            let rows = self.either(path, twin).await;
            lists.add(key, rows.map(|rows| items(rows.iter().collect())))?;
        }
        let members = self.either("/system/members", "/system/info/members").await;
        lists.add("agent", members.map(|rows| rows.iter().filter_map(member).collect()))?;
        for key in ["impact", "urgency"] {
            let level = |level: &str| PickItem {
                value: level.to_owned(),
                label: level.to_owned(),
                ..PickItem::default()
            };
            lists.add(key, Ok(profile::LEVELS.into_iter().map(level).collect()))?;
        }
        Ok(lists.done)
    }

    /// Boards that take service tickets.
    pub(super) async fn service_boards(&self) -> Result<Vec<Value>, PsaError> {
        let rows = self.all_rows("/service/boards", &[]).await?;
        let is_used = |row: &Value| {
            wire::is(row, "projectFlag") != Some(true) && wire::is(row, "inactiveFlag") != Some(true)
        };
        Ok(rows.into_iter().filter(is_used).collect())
    }

    async fn add_boards(&self, lists: &mut Lists, rows: &[Value]) -> Result<(), PsaError> {
        let ids: Vec<_> = rows.iter().filter_map(|row| wire::id(row, "id")).collect();
        if ids.len() > BOARDS {
            tracing::warn!(boards = ids.len(), read = BOARDS, "more boards than are read for their lists");
        }
        let mut found = Vec::new();
        let read: Vec<_> = ids.into_iter().take(BOARDS).collect();
        for some in read.chunks(AT_ONCE) {
            found
                .extend(join_all(some.iter().map(|id| self.lists_of_board(*id))).await.into_iter().flatten());
        }
        for key in OF_BOARD {
            let (mut items, mut refused) = (Vec::new(), None);
            let (mut read, mut outage) = (0, None);
            for (_, list) in found.iter().filter(|(of, _)| *of == key) {
                match list {
                    Ok(some) => {
                        read += 1;
                        items.extend(some.iter().cloned());
                    }
                    // A board that this login may not see is left out; one that is out of order would be lost.
                    Err(error @ (PsaError::Forbidden { .. } | PsaError::Rejected { .. })) => {
                        refused.get_or_insert_with(|| error.clone());
                    }
                    Err(error) => {
                        outage.get_or_insert_with(|| error.clone());
                    }
                }
            }
            let problem = outage.or(refused.filter(|_| read == 0));
            lists.add(key, problem.map_or(Ok(items), Err))?;
        }
        Ok(())
    }

    /// A list, or its twin that shows less and wants fewer rights or is missing in fewer versions.
    pub(super) async fn either(&self, path: &str, twin: &str) -> Result<Vec<Value>, PsaError> {
        match self.all_rows(path, &[]).await {
            Err(error @ (PsaError::Forbidden { .. } | PsaError::Rejected { .. })) if !twin.is_empty() => {
                // What the first one wants is what to tick.
                self.all_rows(twin, &[]).await.map_err(|other| match other {
                    PsaError::Forbidden { .. } | PsaError::Rejected { .. } => error,
                    other => other,
                })
            }
            rows => rows,
        }
    }
}

/// Lists as they come.
#[derive(Default)]
struct Lists {
    done: Vec<RemotePickList>,
    outages: u32,
}

impl Lists {
    /// Adds a list, or what kept it away; errors that concern more than it go up.
    fn add(&mut self, key: &str, items: Result<Vec<PickItem>, PsaError>) -> Result<(), PsaError> {
        match items {
            Ok(items) => self.push(key, items, None),
            Err(error @ (PsaError::Forbidden { .. } | PsaError::Rejected { .. })) => {
                self.push(key, Vec::new(), Some(error.to_string()));
            }
            Err(error @ PsaError::Unavailable { .. }) if self.outages == 0 => {
                self.outages += 1;
                self.push(key, Vec::new(), Some(error.to_string()));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn push(&mut self, key: &str, items: Vec<PickItem>, problem: Option<String>) {
        self.done.push(RemotePickList { key: key.to_owned(), items, problem });
    }
}

fn items(rows: Vec<&Value>) -> Vec<PickItem> {
    rows.into_iter().filter_map(boards::item).collect()
}

/// A person who can own tickets: no API member (license class A in the vendor's document).
fn member(row: &Value) -> Option<PickItem> {
    if wire::text(row, "licenseClass") == Some("A") {
        return None;
    }
    let mut item = boards::item(row)?;
    let names: Vec<_> = ["firstName", "lastName"].iter().filter_map(|key| wire::text(row, key)).collect();
    let identifier = wire::text(row, "identifier");
    item.label = match (names.is_empty(), identifier) {
        (false, Some(identifier)) => format!("{} ({identifier})", names.join(" ")),
        (false, None) => names.join(" "),
        (true, _) => identifier.unwrap_or(&item.value).to_owned(),
    };
    Some(item)
}
