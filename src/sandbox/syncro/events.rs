//! Webhooks: what a notification set sends.
//!
//! There is no API for them, no signature and no secret, and no name of the event in the body; the shape is
//! what receivers read (see the folder's sources). Nothing is known of retries: there are none here.

use serde_json::json;

use super::{access::SUBDOMAIN, world::SyncroWorld};
use crate::sandbox::frame::Letter;

/// The ticked events of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// "Ticket - created (for anyone)".
    Created,
    /// "Ticket - Status was changed": also on creation.
    StatusChanged,
    /// "Ticket - Someone replied to any ticket".
    Replied,
}

impl SyncroWorld {
    /// Tells every set. Writes through the API are told like those of people.
    pub(super) fn notify(&mut self, ticket: i64, event: Event) {
        let Some(ticket) = self.ticket(ticket) else { return };
        let (number, subject) = (ticket.number, &ticket.subject);
        let text = match event {
            Event::Created => format!("Ticket #{number} was created: {subject}"),
            Event::StatusChanged => format!("Ticket #{number} is now {}: {subject}", ticket.status),
            Event::Replied => format!("Somebody replied to ticket #{number}: {subject}"),
        };
        let link = format!("https://{SUBDOMAIN}.syncromsp.com/tickets/{}", ticket.id);
        let body = json!({
            "text": text,
            "html": format!("<a href=\"{link}\">{}</a>", escaped(&text)),
            "link": link,
            "attributes": self.ticket_row(ticket, false),
        });
        let (body, due) = (body.to_string().into_bytes(), self.now());
        for (number, url) in self.sets.iter().enumerate() {
            self.post.put(Letter {
                subscription: (number + 1).to_string(),
                url: url.clone(),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: body.clone(),
                due,
                tries: 0,
            });
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
