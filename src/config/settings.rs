//! Every setting, once: its name, its default, what it does. Reading, checking and the documentation that
//! `check-config --print` shows are all made from this table.

mod access;
mod keeping;
mod print;
mod stream;

pub(super) use print::print;

use self::{
    Kind::{Flag, List, Secret, Text, Whole},
    Preset::{Follows, Is},
};

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text, described in words.
    Text(&'static str),
    /// A whole number from the first to the second.
    Whole(i64, i64),
    /// True or false.
    Flag,
    /// Several texts: a list in the file, separated by commas elsewhere.
    List(&'static str),
    /// A text that is never shown.
    Secret(&'static str),
}

/// What holds where nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    /// This value, as the environment would say it.
    Is(&'static str),
    /// It follows from others: in words, and an example.
    Follows(&'static str, &'static str),
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) preset: Preset,
    pub(super) about: &'static str,
}

impl Setting {
    pub(super) const fn is_secret(&self) -> bool {
        matches!(self.kind, Secret(_))
    }

    /// What a value must be, to go on after "expected".
    pub(super) fn expected(&self) -> String {
        match self.kind {
            Text(what) | List(what) | Secret(what) => what.to_owned(),
            Whole(least, most) => format!("a whole number from {least} to {most}"),
            Flag => "true or false".to_owned(),
        }
    }
}

const fn set(name: &'static str, kind: Kind, preset: Preset, about: &'static str) -> Setting {
    Setting { name, kind, preset, about }
}

/// In the order of the documentation. A name ending in `_file` is the twin of the secret before it.
pub(super) const SETTINGS: &[Setting] =
    &joined::<{ WITHOUT_ACCESS.len() + access::ACCESS.len() }>(WITHOUT_ACCESS, access::ACCESS);

const WITHOUT_ACCESS: &[Setting] =
    &joined::<{ WITHOUT_STREAM.len() + stream::BESIDE.len() }>(WITHOUT_STREAM, stream::BESIDE);

const WITHOUT_STREAM: &[Setting] =
    &joined::<{ GENERAL.len() + keeping::KEEPING.len() }>(GENERAL, keeping::KEEPING);

/// Two lists, one behind the other.
#[expect(clippy::indexing_slicing, reason = "done by the compiler, which tells where an index is wrong")]
const fn joined<const LEN: usize>(first: &[Setting], second: &[Setting]) -> [Setting; LEN] {
    let mut all = [first[0]; LEN];
    let mut at = 1;
    while at < LEN {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}

const GENERAL: &[Setting] = &[
    set(
        "listen",
        Text("an address and a port such as 127.0.0.1:8080 or [::]:8080"),
        Is("127.0.0.1:8080"),
        "Where HTTP is served. Put a TLS proxy before it to serve other machines.",
    ),
    set(
        "public_url",
        Text("an http:// or https:// address without query or fragment"),
        Follows("http:// and `listen`", "https://gateway.example.com"),
        "The address under which others reach the gateway; webhook addresses begin with it.",
    ),
    set(
        "data_dir",
        Text("a folder"),
        Is("psa-gateway-data"),
        "Folder for what the gateway keeps itself, from the current folder; made where it is missing.",
    ),
    set(
        "database_url",
        Secret("an address that begins with sqlite:// or postgres://"),
        Follows(
            "the SQLite file `gateway.db` in `data_dir`",
            "postgres://gateway:PASSWORD@db.example.com/gateway",
        ),
        "The database. Also read from DATABASE_URL. PostgreSQL may be shared by several gateways.",
    ),
    set(
        "database_url_file",
        Text("a file"),
        Follows("none", "/run/secrets/database_url"),
        "File that holds `database_url`. Also read from DATABASE_URL_FILE.",
    ),
    set(
        "database_max_connections",
        Whole(1, 1_000),
        Is("16"),
        "Connections this gateway opens to the database at the most; on PostgreSQL three more: one to hear of other \
         gateways' changes, two to take webhooks in.",
    ),
    set(
        "master_key",
        Secret("64 hexadecimal digits, as `openssl rand -hex 32` makes them"),
        Follows("what `master_key_file` holds", "(64 hexadecimal digits)"),
        "The key under which all stored secrets are sealed. Prefer the file; keep a copy apart from the database.",
    ),
    set(
        "master_key_file",
        Text("a file"),
        Follows(
            "`master.key` in `data_dir`, made at the first start; a file named here must be there",
            "/run/secrets/master_key",
        ),
        "File that holds the master key; only its owner may read it.",
    ),
    set(
        "master_key_previous",
        Secret("master keys of 64 hexadecimal digits, separated by commas"),
        Follows("none", "(64 hexadecimal digits)"),
        "Further master keys that open what is stored but seal nothing new: older ones, until `psa-gateway \
         keys rotate` has run, or the next one, before it becomes `master_key` on all nodes. Prefer files.",
    ),
    set(
        "master_key_previous_files",
        List("files such as /run/secrets/master_key_2025"),
        Is(""),
        "Files that hold such further master keys, one each.",
    ),
    set(
        "master_key_vault_url",
        Text("an https:// address, or an http:// one of this machine"),
        Follows("the master key is not fetched", "https://vault.example.com:8200/v1/secret/data/psa-gateway"),
        "The secret in HashiCorp Vault, OpenBao or another server with their API (KV version 1 or 2) that holds \
         the master key. It is read once, at the start.",
    ),
    set(
        "master_key_vault_field",
        Text("the name of a field"),
        Is("master_key"),
        "The secret's field that holds the master key.",
    ),
    set(
        "master_key_vault_previous_fields",
        List("names of fields"),
        Is(""),
        "The secret's fields that hold further master keys, as `master_key_previous` does.",
    ),
    set(
        "master_key_vault_token",
        Secret("a token that may read the secret"),
        Follows("none, which is an error where `master_key_vault_url` is set", "hvs.…"),
        "What the key server knows this gateway by. Prefer the file.",
    ),
    set(
        "master_key_vault_token_file",
        Text("a file"),
        Follows("none", "/run/secrets/vault_token"),
        "File that holds `master_key_vault_token`, such as a Vault agent keeps.",
    ),
    set(
        "master_key_vault_namespace",
        Text("a namespace such as admin/msp"),
        Follows("none", "admin/msp"),
        "The namespace of the secret, where the key server has namespaces.",
    ),
    set(
        "master_key_vault_authority",
        Text("a file of certificates (PEM)"),
        Follows("the system's authorities alone", "/etc/ssl/vault-ca.pem"),
        "Certificates of the authority that the key server's own certificate comes from.",
    ),
    set(
        "graphiql",
        Flag,
        Is("false"),
        "Serve the GraphiQL page to every browser at /graphql, instead of to those who show a token of a developer, \
         administrator or owner. Turns `introspection` on.",
    ),
    set(
        "graphiql_assets",
        Text("an http:// or https:// address, or a path that begins with /"),
        Is("https://cdn.jsdelivr.net/npm"),
        "Where browsers load GraphiQL's files from; their content is pinned, so any copy will do.",
    ),
    set("introspection", Flag, Is("false"), "Answer GraphQL queries about the schema itself."),
    set(
        "graphql_max_body_bytes",
        Whole(1_024, 16 * 1_024 * 1_024),
        Is("262144"),
        "The longest GraphQL request, in bytes.",
    ),
    set(
        "graphql_max_document_bytes",
        Whole(1_024, 1_024 * 1_024),
        Is("65536"),
        "The longest GraphQL document, in bytes; variables do not count.",
    ),
    set(
        "graphql_max_tokens",
        Whole(100, 100_000),
        Is("10000"),
        "Tokens of a GraphQL document at the most, and values in its variables.",
    ),
    set(
        "graphql_max_depth",
        Whole(2, 50),
        Is("16"),
        "How deep the fields of a GraphQL document may be nested.",
    ),
    set(
        "graphql_max_fields",
        Whole(10, 50_000),
        Is("5000"),
        "Fields and values of a GraphQL document at the most, once its fragments and variables are in place.",
    ),
    set("graphql_max_aliases", Whole(0, 10_000), Is("100"), "Aliases of a GraphQL document at the most."),
    set(
        "graphql_max_root_fields",
        Whole(1, 10_000),
        Is("50"),
        "Fields at the root of a GraphQL operation at the most.",
    ),
    set(
        "graphql_max_directives",
        Whole(0, 10_000),
        Is("50"),
        "Directives of a GraphQL document at the most.",
    ),
    set(
        "graphql_max_directives_per_field",
        Whole(0, 100),
        Is("5"),
        "Directives in one place of a GraphQL document at the most.",
    ),
    set(
        "graphql_max_list_items",
        Whole(1, 10_000),
        Is("1000"),
        "Items of a list in the arguments or variables of a GraphQL request at the most.",
    ),
    set("graphql_max_fragments", Whole(0, 500), Is("100"), "Fragments of a GraphQL document at the most."),
    set(
        "graphql_max_cost",
        Whole(100, 10_000_000),
        Is("25000"),
        "What one GraphQL operation may cost: 1 for each field, times the sizes of the pages it stands in.",
    ),
    set(
        "graphql_cost_bucket",
        Whole(100, 1_000_000_000),
        Is("500000"),
        "What an organization may spend on GraphQL at once, at each gateway; what is not used is given back.",
    ),
    set(
        "graphql_cost_restore_per_sec",
        Whole(1, 1_000_000_000),
        Is("25000"),
        "What of that comes back each second.",
    ),
    set(
        "graphql_persisted_queries",
        Whole(0, 100_000),
        Is("1000"),
        "How many documents are kept that clients name by their hash (Apollo's automatic persisted queries); \
         0 turns them off.",
    ),
    set(
        "graphql_documents",
        Text("a file or a folder"),
        Follows("every document runs", "/etc/psa-gateway/documents"),
        "The only GraphQL documents that run: .graphql files, or .json as Relay's and Apollo's tools write it.",
    ),
    set(
        "cors_origins",
        List("origins such as https://dashboard.example.com; or only *"),
        Is(""),
        "Web pages of other origins that may use GraphQL from a browser, with a token of their own.",
    ),
    set(
        "request_timeout_secs",
        Whole(1, 300),
        Is("10"),
        "How long a GraphQL operation may take, in seconds; a query then stops in the database, too.",
    ),
    set(
        "graphql_socket_message_bytes",
        Whole(1_024, 16 * 1_024 * 1_024),
        Is("262144"),
        "The longest message that a WebSocket client may send, in bytes.",
    ),
    set(
        "graphql_socket_operations",
        Whole(1, 1_000),
        Is("50"),
        "How many operations one WebSocket may have under way.",
    ),
    set(
        "graphql_sockets",
        Whole(1, 1_000_000),
        Is("10000"),
        "How many WebSockets and event streams this gateway holds open at the most.",
    ),
    set(
        "graphql_sockets_per_organization",
        Whole(1, 1_000_000),
        Is("1000"),
        "How many of them one organization may have on this gateway.",
    ),
    set(
        "graphql_sockets_per_token",
        Whole(1, 1_000_000),
        Is("100"),
        "How many of them one access token or member may have on this gateway.",
    ),
    set(
        "graphql_socket_recheck_secs",
        Whole(1, 3_600),
        Is("30"),
        "How often the token of an open WebSocket or event stream is looked at again, in seconds. One that is \
         revoked is noticed at once; this finds what has expired.",
    ),
    set(
        "webhook_max_body_bytes",
        Whole(1_024, 64 * 1_024 * 1_024),
        Is("1048576"),
        "The longest webhook, in bytes; longer ones are answered 413.",
    ),
    set(
        "webhook_body_timeout_secs",
        Whole(1, 120),
        Is("10"),
        "How long a webhook's body may take to arrive, in seconds.",
    ),
    set(
        "webhook_tolerance_secs",
        Whole(1, 3_600),
        Is("300"),
        "How far the time of a signed webhook may lie from ours, in seconds, before or after.",
    ),
    set(
        "psa_private_addresses",
        List("host names, addresses and networks such as halo.internal, 10.1.2.3, 10.1.0.0/16; or only *"),
        Is(""),
        "PSAs in private networks that may be called; * allows every private address (development only).",
    ),
    set(
        "psa_timeout_secs",
        Whole(1, 80),
        Is("30"),
        "How long a call to a PSA may take, in seconds; less than the 90 for which a connection is leased.",
    ),
    set(
        "psa_poll_interval_secs",
        Whole(10, 86_400),
        Is("300"),
        "How often a PSA is asked what has changed, in seconds, in case its webhooks were lost.",
    ),
    set(
        "psa_calls",
        List("platforms with numbers of calls such as halo=700, syncro=120"),
        Is(""),
        "Calls at the most in a platform's own window, where the usual number does not suit: of Autotask per \
         hour, of HaloPSA per five minutes, of the others per minute.",
    ),
    set(
        "outbound_address",
        Text("an IP address of this machine"),
        Follows("the system chooses", "192.0.2.10"),
        "The address that calls to PSAs and other outside servers come from, for their allow-lists. With an \
         IPv4 address only IPv4 is used, with an IPv6 address only IPv6.",
    ),
    set(
        "outbound_proxy",
        Secret("an http:// or https:// address without a path, with user:password@ where it asks for that"),
        Follows(
            "calls go out directly; variables such as HTTPS_PROXY do not count",
            "http://proxy.internal:3128",
        ),
        "The HTTP proxy that public addresses are called through. It looks their names up, so it has to refuse \
         private addresses itself. What `psa_private_addresses` names is called directly.",
    ),
    set(
        "outbound_proxy_file",
        Text("a file"),
        Follows("none", "/run/secrets/outbound_proxy"),
        "File that holds `outbound_proxy`.",
    ),
    set(
        "connectwise_client_id",
        Secret("the GUID that developer.connectwise.com gave to this product"),
        Follows("ConnectWise PSA cannot be connected", "01234567-89ab-cdef-0123-456789abcdef"),
        "What ConnectWise knows this gateway by; every call to ConnectWise PSA carries it.",
    ),
    set(
        "connectwise_client_id_file",
        Text("a file"),
        Follows("none", "/run/secrets/connectwise_client_id"),
        "File that holds `connectwise_client_id`.",
    ),
    set("inbox_workers", Whole(1, 64), Is("2"), "How many workers decide deliveries at the same time."),
    set("lane_workers", Whole(1, 256), Is("4"), "How many PSA connections are served at the same time."),
    set(
        "shutdown_notice_secs",
        Whole(0, 120),
        Is("2"),
        "How long a gateway that was told to stop still takes requests, in seconds: `/health/ready` says 503 and \
         connections are not kept, so that a load balancer turns to others.",
    ),
    set(
        "shutdown_grace_secs",
        Whole(0, 600),
        Is("20"),
        "How long work in progress may take to end when the gateway is stopped, in seconds.",
    ),
    set(
        "node_name",
        Text("1 to 64 letters, digits, dots, dashes and underscores"),
        Follows("the machine's name and the process's number", "gateway-1"),
        "What this gateway calls itself in leases and logs; each one on a shared database needs its own.",
    ),
    set(
        "log_format",
        Text("auto, human or json"),
        Is("auto"),
        "How logs are written to standard error; auto is human in a terminal and json elsewhere.",
    ),
    set(
        "log_filter",
        Text("a level (error, warn, info, debug, trace) or filters such as info,psa_gateway::queue=debug"),
        Is("info"),
        "What is logged.",
    ),
    set(
        "otel_endpoint",
        Text("an http:// or https:// address, in a program built with the cargo feature `otel`"),
        Follows("traces are not sent", "http://127.0.0.1:4318"),
        "The OpenTelemetry collector that traces are sent to (OTLP over HTTP; /v1/traces is added).",
    ),
    set(
        "otel_service_name",
        Text("a name of 1 to 200 characters"),
        Is("psa-gateway"),
        "What this gateway is called in traces.",
    ),
    set(
        "otel_sample_percent",
        Whole(0, 100),
        Is("100"),
        "How many in a hundred traces are sent, of those that begin here.",
    ),
    set(
        "otel_headers",
        Secret("headers such as x-api-key=abc, separated by commas"),
        Follows("none", "x-api-key=abc"),
        "Headers that the collector asks for.",
    ),
    set(
        "otel_headers_file",
        Text("a file"),
        Follows("none", "/run/secrets/otel_headers"),
        "File that holds `otel_headers`.",
    ),
];

/// The setting of that name.
pub(super) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}
