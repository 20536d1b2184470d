//! Operations over connections that stay open: WebSockets (`graphql-transport-ws`, at `/graphql`) and
//! server-sent events (`/graphql/stream`, one operation each).
//!
//! Both know who is asking for as long as they are open: the token is looked at again from time to time,
//! and at once where news say that access has changed. What is open is counted, and bounded for the whole
//! node, for an organization and for a token.
//!
//! The protocols: <https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md>,
//! <https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>.

mod answers;
mod asker;
mod events;
mod flow;
mod operation;
mod origin;
mod places;
mod protocol;
mod socket;
mod subscription_root;

use actix_web::{guard::GuardContext, http::header};
use tokio_util::sync::CancellationToken;

pub use events::serve as serve_events;
pub use socket::serve as serve_socket;

use self::places::Places;

/// How connections that stay open are taken.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The longest message of a WebSocket client, in bytes.
    pub max_message_bytes: usize,
    /// Operations under way on one WebSocket at the most.
    pub operations: usize,
    /// Open connections at the most.
    pub connections: usize,
    /// … of one organization.
    pub per_organization: usize,
    /// … of one token or member.
    pub per_asker: usize,
    /// How long a WebSocket client may take to introduce itself, in seconds.
    pub init_secs: i64,
    /// How often the token is looked at again, in seconds.
    pub recheck_secs: i64,
    /// Where browsers' pages may come from, besides the gateway's own address; `*` for anywhere.
    pub origins: Vec<String>,
    /// Where others reach the gateway.
    pub public_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_message_bytes: 256 * 1024,
            operations: 50,
            connections: 10_000,
            per_organization: 1_000,
            per_asker: 100,
            init_secs: 3,
            recheck_secs: 30,
            origins: Vec::new(),
            public_url: String::new(),
        }
    }
}

/// What connections that stay open share: actix `web::Data`.
#[derive(Debug)]
pub struct Streams {
    settings: Settings,
    places: Places,
    stop: CancellationToken,
}

impl Streams {
    /// Open until `stop` is called.
    pub fn new(settings: Settings, stop: CancellationToken) -> Self {
        let places = Places::new(settings.connections, settings.per_organization, settings.per_asker);
        Self { settings, places, stop }
    }
}

/// Whether a request wants to become a WebSocket: a guard for its route.
pub fn wants_socket(context: &GuardContext<'_>) -> bool {
    let headers = &context.head().headers;
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("websocket")))
}
