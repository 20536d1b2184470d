//! The post room: sends queued webhooks, one after the other, each once.
//!
//! Nothing is tried again: for Halo the job is done once a delivery is recorded
//! (usehalo.com/guide/webhook-integration).

use std::{collections::VecDeque, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    access::random_guid,
    dates,
    webhooks::Webhook,
    world::{Shared, World},
};

/// How long a receiver may take, in seconds.
const PATIENCE_SECS: u64 = 10;
/// How many deliveries `GET /WebhookEvent` remembers.
const REMEMBERED: usize = 5_000;

/// What becomes of webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mail {
    /// They are sent.
    #[default]
    Send,
    /// They wait until [`Mail::Send`] is set again.
    Hold,
    /// They are lost, those that wait included.
    Drop,
}

/// What a webhook's body carries besides the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// The whole ticket.
    #[default]
    Full,
    /// A few of its fields.
    Small,
    /// Nothing: "event information only".
    EventOnly,
}

/// A webhook to be sent.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) webhook_id: String,
    pub(super) notification_id: i64,
    pub(super) body: Value,
}

/// What waits to be sent.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    queue: VecDeque<Letter>,
    in_flight: usize,
    pub(super) delivered: usize,
    pub(super) mail: Mail,
    pub(super) payload: Payload,
    /// Whether letters to one webhook go together, as an array.
    pub(super) batched: bool,
}

impl Outgoing {
    pub(super) fn post(&mut self, letter: Letter) {
        if self.mail != Mail::Drop {
            self.queue.push_back(letter);
        }
    }

    pub(super) fn set_mail(&mut self, mail: Mail) {
        self.mail = mail;
        if mail == Mail::Drop {
            self.queue.clear();
        }
    }

    /// How many letters are to be sent now.
    pub(super) fn pending(&self) -> usize {
        self.in_flight + if self.mail == Mail::Send { self.queue.len() } else { 0 }
    }

    /// The next letter, with the others of its batch.
    fn take(&mut self) -> Vec<Letter> {
        if self.mail != Mail::Send {
            return Vec::new();
        }
        let Some(first) = self.queue.pop_front() else { return Vec::new() };
        let mut letters = vec![first];
        while self.batched
            && self.queue.front().map(|next| &next.webhook_id)
                == letters.first().map(|first| &first.webhook_id)
        {
            letters.extend(self.queue.pop_front());
        }
        self.in_flight += letters.len();
        letters
    }
}

/// One request, ready to go.
struct Parcel {
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    webhook_id: String,
    notification_id: i64,
    letters: usize,
}

/// Sends what is queued for as long as the sandbox lives.
pub(super) async fn run(shared: Arc<Shared>) {
    let client = client();
    loop {
        let woken = shared.post.notified();
        let Some(parcel) = shared.with(next) else {
            woken.await;
            continue;
        };
        let started = shared.with(|world| world.now());
        let answer = match (&client, parcel.url.is_empty()) {
            (Some(client), false) => send(client, &parcel).await,
            _ => (0, "The webhook is gone".to_owned()),
        };
        shared.with(|world| record(world, &parcel, &answer, started));
    }
}

#[expect(clippy::disallowed_methods, reason = "the sandbox is an outside world with its own client")]
fn client() -> Option<reqwest::Client> {
    // Plain HTTP needs no provider, but the builder does; one that is installed already stays.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder()
        .timeout(Duration::from_secs(PATIENCE_SECS))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    builder.build().inspect_err(|error| tracing::error!(%error, "The sandbox cannot send webhooks")).ok()
}

fn next(world: &mut World) -> Option<Parcel> {
    if world.down {
        return None;
    }
    let letters = world.outgoing.take();
    let first = letters.first()?;
    let (webhook_id, notification_id) = (first.webhook_id.clone(), first.notification_id);
    let count = letters.len();
    let bodies: Vec<Value> = letters.into_iter().map(|letter| letter.body).collect();
    let body = match (world.outgoing.batched, bodies) {
        (false, mut bodies) => bodies.pop().unwrap_or_default(),
        (true, bodies) => Value::Array(bodies),
    };
    let body = body.to_string().into_bytes();
    let webhook = world.subscriptions.webhook(&webhook_id);
    let mut headers = vec![
        ("content-type".to_owned(), "application/json; charset=utf-8".to_owned()),
        ("app".to_owned(), "Halo PSA".to_owned()),
        ("request-id".to_owned(), random_guid(&world.options)),
    ];
    headers.extend(webhook.and_then(|webhook| proof(webhook, &body)));
    Some(Parcel {
        url: webhook.map_or_else(String::new, |webhook| webhook.text("url").to_owned()),
        headers,
        body,
        webhook_id,
        notification_id,
        letters: count,
    })
}

/// How the receiver can tell that it is Halo. Types 0, 1 and 3 are recorded
/// (django-psa-connector `views.py`); 2 is a guess of a community node.
fn proof(webhook: &Webhook, body: &[u8]) -> Option<(String, String)> {
    let password = webhook.text("basic_password");
    let authorization = |value: String| Some(("authorization".to_owned(), value));
    match webhook.int("authentication_type") {
        1 => {
            let pair = format!("{}:{password}", webhook.text("basic_username"));
            authorization(format!("Basic {}", STANDARD.encode(pair)))
        }
        2 => authorization(format!("Bearer {password}")),
        3 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(password.as_bytes()).ok()?;
            mac.update(body);
            let sum = mac.finalize().into_bytes();
            let text = if webhook.int("digest") == 1 { hex(&sum) } else { STANDARD.encode(sum) };
            let header = webhook.text("authentication_header").to_owned();
            Some((header, format!("{}{text}", webhook.text("signature_prefix"))))
        }
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Status and body of the answer; status 0 where there was none.
async fn send(client: &reqwest::Client, parcel: &Parcel) -> (u16, String) {
    let mut request = client.post(&parcel.url).body(parcel.body.clone());
    for (name, value) in &parcel.headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) => {
            let status = answer.status().as_u16();
            (status, answer.text().await.unwrap_or_default())
        }
        Err(error) => (0, error.to_string()),
    }
}

fn record(world: &mut World, parcel: &Parcel, (status, body): &(u16, String), started: entity::Timestamp) {
    world.outgoing.in_flight -= parcel.letters;
    world.outgoing.delivered += 1;
    let headers: serde_json::Map<String, Value> =
        parcel.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let millis = u32::try_from(world.now().millis_since(started)).unwrap_or(0);
    let event = json!({
        "id": random_guid(&world.options),
        "webhook_id": parcel.webhook_id,
        "notification_id": parcel.notification_id,
        "timestamp": dates::zoneless(started),
        "status": i32::from((200..300).contains(status)),
        "duration": f64::from(millis) / 1000.0,
        "requestheaders": Value::Object(headers).to_string(),
        "requestbody": String::from_utf8_lossy(&parcel.body),
        "responsestatus": status,
        "responsebody": body.chars().take(2_000).collect::<String>(),
        "error": !(200..300).contains(status),
    });
    let sent = &mut world.subscriptions.sent;
    if sent.len() >= REMEMBERED {
        sent.remove(0);
    }
    sent.push(event);
}
