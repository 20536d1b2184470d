//! What differs from instance to instance.

/// How an instance behaves; an ordinary hosted one where nothing is said.
#[derive(Clone, Debug)]
pub struct HaloOptions {
    /// Calls to `/api` in a rolling window of 5 minutes. 500 where nothing is said;
    /// 300 to 700 were seen over the years (HaloAPI#31, halocli README).
    pub rate_limit: u32,
    /// Whether a 429 carries `Retry-After`. It does not where nothing is said.
    pub retry_after: bool,
    /// Seconds that a token is good for. 3600 where nothing is said.
    pub token_lifetime_secs: i64,
    /// Rows of the longest page. 100 where nothing is said (HaloAPI#90).
    pub page_cap: usize,
    /// Whether a change to a ticket that leaves out `tickettype_id` or `client_id`
    /// is answered "Record not found", as on some instances (dotMARC). It is not
    /// where nothing is said.
    pub strict_update: bool,
    /// Whether a new ticket must name impact and urgency (or `_novalidate`), as on
    /// newer instances (tier2tickets). It need not where nothing is said.
    pub require_impact_urgency: bool,
}

impl Default for HaloOptions {
    fn default() -> Self {
        Self {
            rate_limit: 500,
            retry_after: false,
            token_lifetime_secs: 3600,
            page_cap: 100,
            strict_update: false,
            require_impact_urgency: false,
        }
    }
}
