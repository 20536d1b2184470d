//! What differs between accounts, or is not known for sure.

/// Switches of an account; by default an ordinary one.
#[derive(Clone, Debug)]
pub struct SyncroOptions {
    /// Whether a ticket needs a ticket type (`require_ticket_type` in the ticket settings).
    pub require_ticket_type: bool,
    /// Whether any text is taken as a priority: the live run had "Low" and "Normal" accepted, which the
    /// settings do not list. Off: only what the settings list.
    pub any_priority: bool,
    /// Whether times come with the account's offset, `-08:00`, in place of `Z`.
    pub local_times: bool,
    /// Customers a page: 25 in the words of the document, up to 100 in its example and live.
    pub customers_per_page: usize,
    /// Tickets a page: 25 in the document, 50 live.
    pub tickets_per_page: usize,
    /// Contacts a page: 25 in the words of the document, 50 in its example and live.
    pub contacts_per_page: usize,
    /// Requests a minute from one address; 180 in the vendor's document.
    pub requests_per_minute: usize,
    /// The longest subject; not documented, 255 is what the vendor's framework keeps of a short text.
    pub longest_subject: usize,
    /// What a host answers that is nobody's account.
    pub wrong_subdomain: WrongSubdomain,
}

impl Default for SyncroOptions {
    fn default() -> Self {
        Self {
            require_ticket_type: false,
            any_priority: false,
            local_times: false,
            customers_per_page: 100,
            tickets_per_page: 50,
            contacts_per_page: 50,
            requests_per_minute: 180,
            longest_subject: 255,
            wrong_subdomain: WrongSubdomain::default(),
        }
    }
}

/// What comes back from `https://{nobody}.syncromsp.com`: every name resolves; the answer is not recorded,
/// but clients met all of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WrongSubdomain {
    /// 404 and a page for people.
    #[default]
    Missing,
    /// 302 to the vendor's own pages.
    Redirect,
    /// 200 and a page for people (wyre-technology/node-syncro treats that as an error).
    Page,
}
