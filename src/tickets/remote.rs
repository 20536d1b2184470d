//! What we ask of a PSA about tickets, and what it answers, in no platform's own words.

use std::collections::BTreeMap;

use entity::Timestamp;

/// A ticket to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketDraft {
    /// Our mark, unique in the installation (`PSAGW-` and 20 letters and digits): written where the
    /// platform can be asked for it, so that a ticket of unknown fate is found again.
    pub marker: String,
    /// The PSA's own id of the company.
    pub company_external_id: String,
    /// One line. A platform with a shorter limit cuts it and puts the whole at the top of the body.
    pub title: String,
    /// Plain text, as long as it needs to be.
    pub body: String,
    /// Values of the ticket profile, by key of the platform's profile field.
    pub fields: BTreeMap<String, String>,
    /// The status to create it in, as a value of the pick list `status`.
    pub status: Option<String>,
}

/// A note to be added to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteDraft {
    /// Our mark of this note, so that a note of unknown fate is found again.
    pub marker: String,
    /// Plain text.
    pub text: String,
    /// Hidden from the customer.
    pub is_private: bool,
    /// Values of the ticket profile (a platform may need one, such as Halo's note outcome).
    pub fields: BTreeMap<String, String>,
}

/// A change of a ticket's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusChange {
    /// The PSA's id of the ticket.
    pub external_id: String,
    /// A value of the pick list `status`.
    pub status: String,
    /// Why, for platforms that want it with the change (a resolution text). Plain text; the notes on the
    /// ticket say it too.
    pub text: Option<String>,
    /// Values of the ticket profile.
    pub fields: BTreeMap<String, String>,
    /// It closes the ticket; otherwise it opens it again.
    pub is_close: bool,
}

/// Where to look for a ticket of unknown fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerSearch {
    /// The mark.
    pub marker: String,
    /// The company it was meant for.
    pub company_external_id: String,
    /// It cannot be older than this …
    pub since: Timestamp,
    /// … nor newer than this, where that is known.
    pub until: Option<Timestamp>,
}

/// What a PSA's own filter gave for a mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The tickets that carry it, oldest first.
    pub marked: Vec<RemoteTicket>,
    /// How many others came with them: there are none where the filter does what it is to do.
    pub others: usize,
}

impl Asked {
    /// What is not known to be ours is another's: also a row that could not be read, and what stands on further pages.
    pub fn of(marked: Vec<RemoteTicket>, rows: usize, is_all: bool) -> Self {
        Self { others: rows.saturating_sub(marked.len()) + usize::from(!is_all), marked }
    }

    /// Whether it is this ticket and no other.
    pub fn is_only(&self, external_id: &str) -> bool {
        self.others == 0 && matches!(self.marked.as_slice(), [one] if one.external_id == external_id)
    }
}

/// A ticket as the PSA shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteTicket {
    /// The PSA's id.
    pub external_id: String,
    /// The number people see, where it is another.
    pub number: Option<String>,
    /// Where a person opens it.
    pub url: Option<String>,
    /// The PSA's id of the company it belongs to.
    pub company_external_id: Option<String>,
    /// Its status, as a value of the pick list `status`.
    pub status: Option<String>,
    /// The status in words, where the answer has it.
    pub status_label: Option<String>,
    /// The board it is on, as a value of the platform's profile field for boards, where the answer has it.
    pub board: Option<String>,
    /// Our mark, where the answer has it.
    pub marker: Option<String>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it was closed; may be left over from an earlier close.
    pub closed_at: Option<Timestamp>,
    /// Who closed it, where the platform was asked and says so.
    pub closed_by: Option<String>,
}

/// A page of something, and where the next one starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePage<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The platform's own word for the next page; none after the last.
    pub next: Option<String>,
    /// How many there are in all, where the platform says so.
    pub total: Option<u64>,
}

/// What a PSA's own webhook says happened: a hint, to be checked by reading the ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketHint {
    /// The PSA's id of the ticket.
    pub external_id: String,
    /// The event in the platform's words, e.g. `ticket status changed`.
    pub event: String,
    /// When, as the PSA says.
    pub occurred_at: Option<Timestamp>,
    /// The status it says the ticket has, where it says so.
    pub status: Option<String>,
    /// Who did it: the PSA's id of the person.
    pub actor_id: Option<String>,
    /// Our mark, where the body carries it.
    pub marker: Option<String>,
}
