//! A dashboard that keeps a connection open: `graphql-transport-ws` as its text has it, and server-sent
//! events.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

use super::TestApp;

/// How long something may take that is to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A WebSocket of a client.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
}

impl Socket {
    /// Opens one; headers beside those of the protocol.
    pub async fn try_open(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{address}/graphql").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        let tcp = TcpStream::connect(address).await.expect("the gateway listens");
        Ok(Self { stream: client_async(request, tcp).await?.0 })
    }

    /// Opens one with the right subprotocol.
    pub async fn open(address: SocketAddr) -> Self {
        Self::try_open(address, &[PROTOCOL]).await.expect("a socket")
    }

    /// One that has said who it is.
    pub async fn signed_in(address: SocketAddr, token: &str) -> Self {
        let mut socket = Self::open(address).await;
        socket.introduces(token).await;
        assert_eq!(socket.hears().await, json!({ "type": "connection_ack" }));
        socket
    }

    /// Says who it is.
    pub async fn introduces(&mut self, token: &str) {
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        self.sends(json!({ "type": "connection_init", "payload": payload })).await;
    }

    /// Sends a message.
    pub async fn sends(&mut self, message: Value) {
        self.sends_raw(Message::text(message.to_string())).await;
    }

    /// Sends a frame.
    pub async fn sends_raw(&mut self, message: Message) {
        self.stream.send(message).await.expect("it is sent");
    }

    /// Asks for an operation.
    pub async fn subscribes(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.sends(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// Asks for an operation, and knows that it has begun: the answer to a ping comes after.
    pub async fn watches(&mut self, id: &str, query: &str, variables: Value) {
        self.subscribes(id, query, variables).await;
        self.settles().await;
    }

    /// What was sent before has been taken.
    pub async fn settles(&mut self) {
        self.subscribes("settled", "{ __typename }", json!({})).await;
        assert_eq!(self.hears().await["type"], "next");
        assert_eq!(self.hears().await, json!({ "id": "settled", "type": "complete" }));
    }

    /// The next message.
    pub async fn hears(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("a message was to come, and this came: {other:?}"),
        }
    }

    /// The data of the next event.
    pub async fn event(&mut self, id: &str) -> Value {
        let message = self.hears().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!(id)), "{message:#}");
        assert!(message["payload"].get("errors").is_none(), "{message:#}");
        message["payload"]["data"].clone()
    }

    /// Whether it is let in after it said who it is.
    pub async fn is_taken(&mut self) -> bool {
        match self.frame().await {
            Message::Text(text) => text.contains("connection_ack"),
            _ => false,
        }
    }

    /// Code and reason of the end, which comes next.
    pub async fn end(&mut self) -> (u16, String) {
        match self.frame().await {
            Message::Close(Some(frame)) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("the end was to come, and this came: {other:?}"),
        }
    }

    /// The same after what was under way of an operation.
    pub async fn end_after(&mut self, id: &str) -> (u16, String) {
        loop {
            match self.frame().await {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!(id)));
                }
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                other => panic!("the end was to come, and this came: {other:?}"),
            }
        }
    }

    async fn frame(&mut self) -> Message {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("it comes in time");
            match frame.expect("it is open").expect("a frame") {
                Message::Ping(_) | Message::Pong(_) => {}
                other => return other,
            }
        }
    }
}

/// What is asked for in the handshake.
pub const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

/// An event stream of a client.
pub struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    /// Begins an operation.
    pub async fn open(app: &TestApp, token: &str, query: &str, variables: Value) -> Self {
        let request = app.http.post(app.url("/graphql/stream")).bearer_auth(token);
        let request = request.header("accept", "text/event-stream");
        let sent = request.json(&json!({ "query": query, "variables": variables })).send().await;
        let response = sent.expect("an answer");
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        let mut events = Self { response, text: String::new() };
        assert_eq!(events.part().await.as_deref(), Some(":"), "a first byte, for browsers");
        events
    }

    /// The next event, comments left out: its name and data; none at the end.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let part = self.part().await?;
            let Some((event, data)) = part.split_once('\n') else { continue };
            let event = event.strip_prefix("event: ").expect("an event").to_owned();
            let data = data.strip_prefix("data: ").expect("data");
            return Some((event, serde_json::from_str(data).unwrap_or(Value::Null)));
        }
    }

    async fn part(&mut self) -> Option<String> {
        loop {
            if let Some((part, rest)) = self.text.split_once("\n\n") {
                let (part, rest) = (part.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(part);
            }
            let chunk =
                tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("it comes in time");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).expect("UTF-8"));
        }
    }
}
