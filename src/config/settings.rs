//! Every setting, once: its name, its default, what it does. Reading, checking and the documentation that
//! `check-config --print` shows are all made from this table.

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
pub(super) const SETTINGS: &[Setting] = &[
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
        "Connections this gateway opens to the database at the most.",
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
        "graphiql",
        Flag,
        Is("false"),
        "Serve the GraphiQL page to browsers at /graphql. Turns `introspection` on.",
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
    set("request_timeout_secs", Whole(1, 300), Is("10"), "How long a GraphQL request may take, in seconds."),
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
];

/// The setting of that name.
pub(super) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// Every setting with its default, as a file that could be used as it is.
pub(super) fn print() -> String {
    let mut text = String::from(
        "# PSA Gateway: every setting with its default. Copy to psa-gateway.toml what should differ.\n\
         #\n\
         # The same names work in the environment, in capitals after PSA_GATEWAY_ (PSA_GATEWAY_LISTEN), and\n\
         # the common ones as flags (--listen). Flags go before the environment, the environment before this\n\
         # file. An empty variable counts as none.\n",
    );
    for setting in SETTINGS {
        let value = |value: &str| match setting.kind {
            Whole(..) | Flag => value.to_owned(),
            List(_) if value.is_empty() => "[]".to_owned(),
            List(_) => format!("[\"{value}\"]"),
            Text(_) | Secret(_) => format!("\"{value}\""),
        };
        let line = match setting.preset {
            Is(preset) => format!("{} = {}", setting.name, value(preset)),
            Follows(how, example) => {
                format!("# Where it is missing: {how}.\n# {} = {}", setting.name, value(example))
            }
        };
        text.extend(["\n# ", setting.about, "\n# A value is ", &setting.expected(), ".\n", &line, "\n"]);
    }
    text
}
