//! Beside the database: a stream in front of it, and further ones.

use super::{
    Kind::{Secret, Text},
    Preset::{Follows, Is},
    Setting, set,
};

pub(super) const BESIDE: &[Setting] = &[
    set(
        "nats_url",
        Secret("an address that begins with nats:// or tls://, or several separated by commas"),
        Follows(
            "none: webhooks go into the database at once",
            "nats://gateway:PASSWORD@nats.example.com:4222",
        ),
        "NATS with JetStream, as a stream in front of the database: a webhook that it has acknowledged is accepted, also while \
         the database is away. Gateways that work bring what it holds into the database.",
    ),
    set(
        "nats_url_file",
        Text("a file"),
        Follows("none", "/run/secrets/nats_url"),
        "File that holds `nats_url`.",
    ),
    set(
        "nats_stream",
        Text("a name of 1 to 64 letters, digits, hyphens and underscores"),
        Is("psa-gateway-webhooks"),
        "Name of the stream; made where it is missing, in files and on one server. Its subjects begin with it.",
    ),
    set(
        "shards",
        Secret(
            "names and addresses such as west=postgres://…, separated by white space; a name has 1 to 32 of a to z, 0 to 9 and \
             hyphens, and is not main",
        ),
        Follows(
            "none: all organizations live in the database",
            "west=postgres://gateway:PASSWORD@west.example.com/gateway",
        ),
        "Further PostgreSQL databases of this installation. An organization lives in one of them, or in the database above, \
         which is called main; `psa-gateway organization move` brings it to another one. Each is served as if it were the \
         only one: connections and workers count for each.",
    ),
    set(
        "shards_file",
        Text("a file"),
        Follows("none", "/run/secrets/shards"),
        "File that holds `shards`, for example one to a line.",
    ),
];
