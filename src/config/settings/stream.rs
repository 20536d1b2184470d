//! A stream in front of the database.

use super::{
    Kind::{Secret, Text},
    Preset::{Follows, Is},
    Setting, set,
};

pub(super) const STREAM: &[Setting] = &[
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
];
