//! What differs between instances.

/// Whether `v4_6_release/` stands for the current codebase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alias {
    /// It answers as the current codebase does.
    #[default]
    Answers,
    /// It answers, but a login that is wrong gets an empty 404 there (the vendor's Developer Guide).
    HidesLogins,
    /// It does not exist.
    Gone,
}

/// What a callback's `Entity` holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// The record under the names of the REST fields, without the fields that have no value.
    #[default]
    Record,
    /// No more than the id and the summary or name.
    Sparse,
    /// Names of old payload versions (`StatusName`, `ClosedFlag`), and none of the message's newer keys.
    Old,
}

/// Switches of an instance; by default an ordinary one in the cloud.
#[derive(Clone, Debug)]
pub struct ConnectWiseOptions {
    /// The current version's folder, with its slash; `v4_6_release/` on a customer's own server.
    pub codebase: String,
    /// Run by the vendor.
    pub is_cloud: bool,
    /// Whether `v4_6_release/` answers besides.
    pub alias: Alias,
    /// Whether discovery tells the API host in `SiteUrl`, as newer answers do.
    pub names_site: bool,
    /// Whether `localhost` is the site that people see, where the API refuses, and `127.0.0.1` the API host.
    pub split_hosts: bool,
    /// The integrations that are registered with the vendor; any GUID is good where this is empty.
    pub client_ids: Vec<String>,
    /// Calls within 60 seconds; more are answered with 429.
    pub calls_per_minute: u32,
    /// The largest `pageSize`; some users saw less than 1,000 (sgtoj/PSConnectWise#2).
    pub page_cap: u64,
    /// How many companies there are.
    pub companies: usize,
    /// The longest `identifier` of a company: the specification says 156, the pages have long had 25.
    pub identifier_length: usize,
    /// The longest path and query in bytes (the Developer Guide says to keep within 2,000 with the host).
    pub longest_url: usize,
    /// What callbacks tell.
    pub payload: Payload,
}

impl Default for ConnectWiseOptions {
    fn default() -> Self {
        Self {
            codebase: "v2025_1/".to_owned(),
            is_cloud: true,
            alias: Alias::Answers,
            names_site: true,
            split_hosts: false,
            client_ids: Vec::new(),
            calls_per_minute: 1_000,
            page_cap: 1_000,
            companies: 130,
            identifier_length: 25,
            longest_url: 2_000,
            payload: Payload::Record,
        }
    }
}
