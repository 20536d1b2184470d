//! Somebody who wants to know what becomes of tickets: an HTTP server that keeps what it is told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use entity::Timestamp;
use psa_gateway::{
    queue::received::Headers,
    scanners::signature::{self, CandidateKey, Evidence, Means, Scheme, VerifyingKey},
};
use serde_json::Value;
use uuid::Uuid;

/// The server.
pub struct Receiver {
    /// Where it is told.
    pub url: String,
    told: Arc<Mutex<Vec<Told>>>,
    status: Arc<AtomicU16>,
    retry_after: Arc<AtomicU16>,
}

/// What it was told in one request.
#[derive(Clone, Debug)]
pub struct Told {
    headers: Headers,
    bytes: Vec<u8>,
    /// The body.
    pub body: Value,
}

impl Told {
    /// What has happened.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().expect("a type")
    }

    /// What it is recognised by.
    pub fn id(&self) -> String {
        self.header("webhook-id")
    }

    /// How many signatures it has.
    pub fn signature_count(&self) -> usize {
        self.header("webhook-signature").split(' ').count()
    }

    fn header(&self, name: &str) -> String {
        self.headers.single(name).expect("once").expect("a header").to_owned()
    }

    /// When it was sent, as it says.
    pub fn sent_at(&self) -> Timestamp {
        Timestamp::from_secs(self.header("webhook-timestamp").parse().expect("seconds"))
    }

    /// Whether who knows this secret takes it for the gateway's.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let scheme = Scheme::from_key("standard_webhooks").expect("a scheme");
        let key = VerifyingKey::parse(scheme, secret).expect("a secret");
        let keys = [CandidateKey { id: Uuid::nil(), key }];
        let evidence = Evidence {
            headers: &self.headers,
            query: "",
            path_secret: None,
            body: &self.bytes,
            settings: &Value::Null,
            certificate: None,
        };
        let means = Means { now: self.sent_at(), tolerance_secs: 300, digest: &|_| [0; 32] };
        signature::verify(scheme, &keys, &evidence, &means).is_ok()
    }
}

impl Receiver {
    /// On a port of its own; takes everything.
    pub async fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hooks/in", listener.local_addr().expect("an address"));
        let (told, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU16::new(204)));
        let retry_after = Arc::new(AtomicU16::new(0));
        let (kept, answers, waits) = (Arc::clone(&told), Arc::clone(&status), Arc::clone(&retry_after));
        let server = HttpServer::new(move || {
            let (kept, answers, waits) = (Arc::clone(&kept), Arc::clone(&answers), Arc::clone(&waits));
            let take = move |request: HttpRequest, body: web::Bytes| {
                let headers = request.headers().iter();
                let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().expect("text")));
                let one = Told {
                    headers: Headers::new(headers),
                    bytes: body.to_vec(),
                    body: serde_json::from_slice(&body).expect("JSON"),
                };
                kept.lock().expect("unpoisoned").push(one);
                let status = answers.load(Ordering::SeqCst);
                let mut answer = HttpResponse::build(status.try_into().expect("a status"));
                if waits.load(Ordering::SeqCst) > 0 {
                    answer.insert_header(("retry-after", waits.load(Ordering::SeqCst).to_string()));
                }
                std::future::ready(answer.finish())
            };
            App::new().route("/hooks/in", web::post().to(take))
        });
        tokio::spawn(server.workers(1).disable_signals().listen(listener).expect("it listens").run());
        Self { url, told, status, retry_after }
    }

    /// From now on it answers with this status.
    pub fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// From now on it asks to be left alone for so many seconds; 0 for not at all.
    pub fn asks_to_wait(&self, secs: u16) {
        self.retry_after.store(secs, Ordering::SeqCst);
    }

    /// Everything it was told, in the order in which it came, whatever it answered.
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().expect("unpoisoned").clone()
    }

    /// The kinds of what it was told.
    pub fn kinds(&self) -> Vec<String> {
        self.told().iter().map(|told| told.kind().to_owned()).collect()
    }
}
