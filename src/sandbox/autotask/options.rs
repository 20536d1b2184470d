//! Switches for what differs between tenants, or is not known for sure.

/// How an instance behaves; an ordinary one by default.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct AutotaskOptions {
    /// Whether the customer lives in another zone now: discovery tells another address, and the old one
    /// answers 401.
    pub zone_moved: bool,
    /// What a login reads of entities that its security level does not show.
    pub denied: Denied,
    /// Whether a wrong integration code or user name is answered with 500 and a text, as was reported in 2023
    /// (apigrate/autotask-restapi#19); otherwise every wrong credential is 401 without a body, as was measured
    /// in October 2026.
    pub older_refusals: bool,
    /// Calls of all integrations together in a rolling hour.
    pub hourly_limit: usize,
    /// Milliseconds added to each call from half of that on, and from three quarters on.
    pub slow_down_ms: (u64, u64),
    /// The status that goes with the refusal at the limit; it is not known for sure.
    pub over_limit_status: u16,
    /// Calls at the same time on one endpoint.
    pub threads: u32,
    /// The status of a call too many at the same time: usually 429, at times another (n8n-nodes-autotask).
    pub threads_status: u16,
    /// Seconds in `Retry-After` of both refusals; no such header is documented.
    pub retry_after: Option<u64>,
    /// Whether a ticket needs a due date; ticket categories can give one (WYRE-AI/msp-claude-plugins#31).
    pub needs_due_date: bool,
    /// Whether the ticket category demands a resolution on completion.
    pub needs_resolution: bool,
    /// How long a note may be: 3,200 in older instances, 32,000 in newer ones; not verified.
    pub note_length: usize,
    /// Whether the security level says "Can create WebHooks", which none does at first.
    pub may_create_webhooks: bool,
    /// How many webhooks the security level allows.
    pub most_webhooks: usize,
    /// How long a new webhook is not ready, in milliseconds by the clock.
    pub webhook_ready_ms: i64,
    /// Whether bodies go out with plain text while the signature is still over the escaped form, which is how
    /// one receiver explained what it saw (n8n-nodes-autotask).
    pub plain_payload: bool,
    /// Whether payloads say `PersonID`; both spellings were reported.
    pub person_id_in_capitals: bool,
    /// Whether `EventTime` ends in Z; both forms were reported.
    pub event_time_with_zone: bool,
}

/// What a login reads of entities that its security level does not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Denied {
    /// Nothing, without an error.
    #[default]
    Empty,
    /// 500 with a text about permissions.
    Error,
}

impl Default for AutotaskOptions {
    fn default() -> Self {
        Self {
            zone_moved: false,
            denied: Denied::Empty,
            older_refusals: false,
            hourly_limit: 10_000,
            slow_down_ms: (500, 1_000),
            over_limit_status: 429,
            threads: 3,
            threads_status: 429,
            retry_after: None,
            needs_due_date: true,
            needs_resolution: false,
            note_length: 3_200,
            may_create_webhooks: true,
            most_webhooks: 20,
            webhook_ready_ms: 3_000,
            plain_payload: false,
            person_id_in_capitals: false,
            event_time_with_zone: true,
        }
    }
}
