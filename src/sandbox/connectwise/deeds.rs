//! What people do in ConnectWise's own pages.

use super::{
    deliveries::Action,
    notes::Tabs,
    resources::Table,
    row::{self, Row},
    store,
    world::ConnectWiseWorld,
};
use crate::sandbox::frame::Deed;

/// The member whose keys the integration uses.
pub(super) const API_MEMBER: i64 = 243;

/// Technicians and their members.
pub(super) const PEOPLE: [(&str, i64); 2] = [("Dana Smith", 176), ("Sam Lee", 181)];

impl ConnectWiseWorld {
    /// A member's identifier.
    pub(super) fn member_name(&self, id: i64) -> String {
        let found = self.find(Table::Members, id).and_then(|member| row::text(member, "identifier"));
        found.unwrap_or_default().to_owned()
    }

    pub(super) fn person_does(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), String> {
        let person = PEOPLE.iter().find(|(name, _)| name.eq_ignore_ascii_case(who.trim()));
        let (_, member) = *person.ok_or_else(|| format!("no member called {who}"))?;
        let missing = || format!("no ticket {ticket}");
        let id: i64 = ticket.parse().map_err(|_| missing())?;
        let board = row::int(&self.ticket(id).ok_or_else(missing)?.row, "board/id");
        match deed {
            Deed::Close { text } => {
                if !text.trim().is_empty() {
                    self.person_notes(id, member, text, Tabs { resolution: true, ..Tabs::default() });
                }
                self.person_sets(id, member, board, |status| row::flag(status, "closedStatus"))
            }
            Deed::Reopen => self.person_sets(id, member, board, |status| {
                !row::flag(status, "closedStatus") && !row::flag(status, "defaultFlag")
            }),
            Deed::Status { status } => {
                let wanted: i64 = status.parse().map_err(|_| format!("no status {status}"))?;
                self.person_sets(id, member, board, |status| row::id(status) == wanted)
            }
            Deed::Note { text, private } => {
                self.person_notes(
                    id,
                    member,
                    text,
                    Tabs { discussion: !private, internal: *private, resolution: false },
                );
                Ok(())
            }
            Deed::Delete => {
                self.remove_ticket(id, member);
                Ok(())
            }
        }
    }

    fn person_notes(&mut self, id: i64, member: i64, text: &str, tabs: Tabs) {
        self.append_note(id, text, tabs, member);
        self.saved(id, member, Action::Updated, false);
    }

    fn person_sets(
        &mut self,
        id: i64,
        member: i64,
        board: Option<i64>,
        is_wanted: impl Fn(&Row) -> bool,
    ) -> Result<(), String> {
        let mut statuses = self.rows(Table::Statuses).iter();
        let found = statuses.find(|status| {
            row::int(status, "board/id") == board && !row::flag(status, "inactive") && is_wanted(status)
        });
        let status = found.ok_or("the ticket's board has no such status")?;
        let status = store::reference(Table::Statuses, status);
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.row.insert("status".to_owned(), status);
        }
        self.saved(id, member, Action::Updated, false);
        Ok(())
    }
}
