//! Which path is whose.

use super::{access::Permission as P, replies, world::SyncroWorld};
use crate::sandbox::frame::{Call, Reply};

impl SyncroWorld {
    pub(super) fn route(&mut self, call: &Call) -> Result<Reply, Reply> {
        self.enter(call)?;
        let segments = call.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        // Beside the API are the pages for people.
        let ["api", "v1", path @ ..] = segments.as_slice() else {
            return Err(Reply::html(404, "The page you were looking for doesn't exist"));
        };
        let ask = |permission| self.access.ask(permission);
        match (call.method.as_str(), path) {
            ("GET", ["me"]) => Ok(self.me()),
            ("GET", ["settings"]) => Ok(self.settings()),
            ("GET", ["tickets", "settings"]) => Ok(self.ticket_settings()),
            ("GET", ["users"]) => Ok(Self::list_users()),
            ("GET", ["users", id]) => self.get_user(number(id)?),

            ("GET", ["customers"]) => ask(P::CustomersList).and_then(|()| self.list_customers(call)),
            ("GET", ["customers", "autocomplete"]) => {
                ask(P::CustomersList).map(|()| self.autocomplete_customers(call))
            }
            ("GET", ["customers", id]) => ask(P::CustomersView).and_then(|()| self.get_customer(id)),
            ("POST", ["customers"]) => {
                ask(P::CustomersCreate)?;
                self.create_customer(call)
            }

            ("GET", ["contacts"]) => ask(P::CustomersView).map(|()| self.list_contacts(call)),
            ("GET", ["contacts", id]) => {
                ask(P::CustomersView)?;
                self.get_contact(number(id)?)
            }
            ("POST", ["contacts"]) => {
                ask(P::CustomersEdit)?;
                self.create_contact(call)
            }
            ("PUT", ["contacts", id]) => {
                ask(P::CustomersEdit)?;
                self.update_contact(call, number(id)?)
            }

            ("GET", ["tickets"]) => ask(P::TicketsList).and_then(|()| self.list_tickets(call)),
            ("POST", ["tickets"]) => {
                ask(P::TicketsCreate)?;
                self.create_ticket(call)
            }
            ("GET", ["tickets", id]) => {
                ask(P::TicketsView)?;
                self.get_ticket(number(id)?)
            }
            ("PUT", ["tickets", id]) => {
                ask(P::TicketsEdit)?;
                self.update_ticket(call, number(id)?)
            }
            // A gateway's token is not ticked to delete.
            ("DELETE", ["tickets", _]) => Err(replies::not_allowed()),
            ("GET", ["tickets", id, "comments"]) => {
                ask(P::TicketsView)?;
                self.list_comments(call, number(id)?)
            }
            ("POST", ["tickets", id, "comment"]) => {
                ask(P::TicketsEdit)?;
                self.post_comment(call, number(id)?)
            }

            ("GET", ["customer_assets"]) => ask(P::AssetsList).map(|()| self.list_assets(call)),
            ("GET", ["customer_assets", id]) => {
                ask(P::AssetsView)?;
                self.get_asset(number(id)?)
            }
            ("POST", ["customer_assets"]) => {
                ask(P::AssetsCreate)?;
                self.create_asset(call)
            }
            ("PUT", ["customer_assets", id]) => {
                ask(P::AssetsEdit)?;
                self.update_asset(call, number(id)?)
            }

            ("GET", ["schedules"]) => ask(P::SchedulesList).map(|()| self.list_schedules(call)),
            ("GET", ["schedules", id]) => {
                ask(P::SchedulesList)?;
                self.get_schedule(number(id)?)
            }
            ("PUT", ["schedules", id, "line_items", line]) => {
                ask(P::SchedulesEdit)?;
                self.update_schedule_line(call, number(id)?, number(line)?)
            }

            // A verb that a path does not have is answered like a path that does not exist.
            _ => Err(replies::error(404, "Not found")),
        }
    }
}

/// An id in a path; what is none finds nothing.
fn number(text: &str) -> Result<i64, Reply> {
    text.parse().map_err(|_| replies::not_found())
}
