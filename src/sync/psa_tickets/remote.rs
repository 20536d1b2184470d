//! A PSA's own tickets and their notes as it shows them, in no platform's own words.

use entity::Timestamp;

/// What a platform says of its tickets, beside number, status, summary and times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says yes or no to one thing that a platform says")]
pub struct TicketAbilities {
    /// They are on boards (queues, kinds of ticket).
    pub boards: bool,
    /// Which contact each is for, by id.
    pub contacts: bool,
    /// Who asked for it.
    pub requesters: bool,
    /// Which notes customers do not see; all count as internal where it does not say.
    pub public_notes: bool,
    /// A list tells every change; otherwise changes of tickets that are older than 30 days can be missed.
    pub all_changes: bool,
}

/// A value of the PSA's, with its name where the answer has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The value.
    pub value: String,
    /// Its name.
    pub label: Option<String>,
}

impl Named {
    /// A value, and its name.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and references, as wires give them")]
    pub fn of(value: impl ToString, label: Option<&str>) -> Self {
        Self { value: value.to_string(), label: label.map(ToOwned::to_owned) }
    }
}

/// A ticket as the PSA knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemotePsaTicket {
    /// The PSA's id.
    pub external_id: String,
    /// The number people see, where it is another.
    pub number: Option<String>,
    /// The PSA's id of the company it belongs to.
    pub company_external_id: Option<String>,
    /// The board it is on.
    pub board: Option<Named>,
    /// Its status.
    pub status: Option<Named>,
    /// Whether it is closed; the pick list `status` tells where this is none.
    pub is_closed: Option<bool>,
    /// Its priority.
    pub priority: Option<Named>,
    /// Its type.
    pub ticket_type: Option<Named>,
    /// One line for people.
    pub summary: String,
    /// The PSA's id of its contact.
    pub contact_external_id: Option<String>,
    /// The contact's name.
    pub contact_name: Option<String>,
    /// Who asked for it: a name or an address.
    pub requester: Option<String>,
    /// Where a person opens it.
    pub url: Option<String>,
    /// When it was made.
    pub opened_at: Option<Timestamp>,
    /// When it was last changed, notes too.
    pub updated_at: Option<Timestamp>,
    /// When it was closed; may be left over from an earlier close.
    pub closed_at: Option<Timestamp>,
}

/// A note on a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteNote {
    /// The PSA's id, unique among the notes of its ticket.
    pub external_id: String,
    /// What it says, plain.
    pub text: String,
    /// Who wrote it.
    pub author: Option<String>,
    /// Whether customers do not see it.
    pub is_internal: bool,
    /// When it was written.
    pub written_at: Option<Timestamp>,
}

/// The notes of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteNotes {
    /// What is there.
    pub items: Vec<RemoteNote>,
    /// There are more than were read.
    pub has_more: bool,
}
