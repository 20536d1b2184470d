//! What platforms can do.

use crate::{queue::budget::RateLimit, sync::billing::ledger::Way};

/// What a platform can do beyond creating, reading, noting and closing tickets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says yes or no to one thing a platform can do")]
pub struct Capabilities {
    /// A closed ticket can be opened again.
    pub reopen: bool,
    /// A note can be hidden from the customer.
    pub private_notes: bool,
    /// It sends webhooks of its own.
    pub webhooks: bool,
    /// How long a new ticket can stay invisible to its search, in seconds.
    pub search_delay_secs: i64,
    /// How many calls may be made, where the operator does not say otherwise; none where the platform
    /// sets no limit.
    pub rate: Option<RateLimit>,
    /// Who shares that many calls.
    pub rate_scope: RateScope,
    /// How many calls that share them may be under way at the same time; no limit where it is 0.
    pub parallel: u32,
    /// The gateway can register its own webhook and mend it.
    pub webhook_registration: bool,
    /// Which of the pick lists `company_type`, `company_status` and `company_market` its companies have values of.
    pub company_values: &'static [&'static str],
    /// How it is told what to bill.
    pub billing: Way,
}

/// Who shares a number of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateScope {
    /// Every login has its own.
    #[default]
    Login,
    /// All logins of an organization to one instance of the PSA, as [`super::Platform::tenant`] names it.
    Tenant,
    /// Everything this installation does with the platform: the vendor counts by source address.
    Installation,
}
