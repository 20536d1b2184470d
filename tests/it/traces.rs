//! One trace, from the webhook through the decision to the PSA call.

use std::{
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry::trace::{SpanId, SpanKind, TraceId};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tracing_subscriber::{Layer, registry::LookupSpan};

use psa_gateway::sandbox::frame::Sandbox as _;

use crate::support::{TestApp, finding, wait_until};

/// Spans of the traces that a test asked for.
static SPANS: Mutex<Vec<SpanData>> = Mutex::new(Vec::new());
static WATCHED: Mutex<Vec<TraceId>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Keeping;

impl SpanExporter for Keeping {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mine = batch.into_iter().filter(|span| watched.contains(&span.span_context.trace_id()));
        SPANS.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
        Ok(())
    }
}

/// The layer that this program's tests run under.
pub fn kept<S>() -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    let provider = SdkTracerProvider::builder().with_simple_exporter(Keeping).build();
    psa_gateway::telemetry::traces::layer(provider)
}

/// A trace that somebody else has begun: its id, and the header they send.
fn begun_elsewhere() -> (TraceId, SpanId, String) {
    let chance = psa_gateway::clock::Chance::system();
    let (trace, span) = (TraceId::from_bytes(chance.bytes()), SpanId::from_bytes(chance.bytes()));
    WATCHED.lock().unwrap().push(trace);
    (trace, span, format!("00-{trace}-{span}-01"))
}

/// Spans of a trace by name, in the order of their ends.
fn named(trace: TraceId, name: &str) -> Vec<SpanData> {
    let spans = SPANS.lock().unwrap();
    spans.iter().filter(|s| s.span_context.trace_id() == trace && s.name == name).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_its_decision_and_the_call_to_the_psa_are_one_trace() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.drain().await;
    let (trace, caller, header) = begun_elsewhere();

    let posted = acme.signed(&finding("CVE-1")).header("traceparent", &header).send().await.unwrap();
    assert_eq!(posted.status().as_u16(), 202);
    // Somebody else's webhook, decided in the same batch, has a trace of its own.
    acme.posts(&finding("CVE-2")).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 2);

    let one = |name: &str| match named(trace, name).as_slice() {
        [one] => one.clone(),
        others => panic!("{} spans called {name}", others.len()),
    };
    let (request, delivery, operation) = (one("request"), one("delivery"), one("operation"));
    assert_eq!((request.parent_span_id, &request.span_kind), (caller, &SpanKind::Server));
    assert_eq!(delivery.parent_span_id, request.span_context.span_id());
    assert_eq!(operation.parent_span_id, delivery.span_context.span_id());
    let calls = named(trace, "psa.call");
    assert!(!calls.is_empty());
    for call in calls {
        assert_eq!(call.parent_span_id, operation.span_context.span_id());
        assert_eq!(call.span_kind, SpanKind::Client);
        let status = call.attributes.iter().find(|pair| pair.key.as_str() == "http.response.status_code");
        assert!(status.is_some(), "{:?}", call.attributes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboards_trace_goes_on_in_graphql_and_nonsense_in_its_header_changes_nothing() {
    let app = TestApp::start().await;
    let (trace, caller, header) = begun_elsewhere();
    for header in [header.as_str(), "00-nonsense-01", "", "ff-00000000000000000000000000000000-x-01"] {
        let asked = app.http.post(app.url("/graphql")).bearer_auth(&app.token).header("traceparent", header);
        let answer = asked.json(&json!({ "query": "{ __typename }" })).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{header}");
    }
    let requests = named(trace, "request");
    assert_eq!(requests.iter().map(|span| span.parent_span_id).collect::<Vec<_>>(), [caller]);
}

/// A gateway in a process of its own, which does not outlive its test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A collector that keeps what it is sent: the head and the body of each request.
async fn collector() -> (String, Arc<Mutex<Vec<(String, Vec<u8>)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&kept);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                loop {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    let head = String::from_utf8(head).unwrap().to_lowercase();
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
                    stream.read_exact(&mut body).await.unwrap();
                    requests.lock().unwrap().push((head, body));
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    (address, kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_sends_its_traces_to_the_collector() {
    let app = TestApp::start_on_the_real_clock().await;
    let (address, collected) = collector().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = Command::new(env!("CARGO_BIN_EXE_psa-gateway"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .env("PSA_GATEWAY_DATA_DIR", app.place.dir())
        .env("DATABASE_URL", app.place.url())
        .env("PSA_GATEWAY_LOG_FILTER", "off")
        .env("PSA_GATEWAY_OTEL_ENDPOINT", &address)
        .env("PSA_GATEWAY_OTEL_SERVICE_NAME", "gateway-under-test")
        .env("PSA_GATEWAY_OTEL_HEADERS", "x-api-key=abc")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut program = Program(program);
    let (trace, _, header) = begun_elsewhere();
    wait_until("the program answers", || async {
        let asked =
            app.http.get(format!("http://127.0.0.1:{port}/health/live")).header("traceparent", &header);
        asked.send().await.is_ok()
    })
    .await;
    // Told to stop, it sends what waits, whatever is logged.
    assert!(Command::new("kill").args(["-TERM", &program.0.id().to_string()]).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || program.0.wait().unwrap().success());
    let ended = tokio::time::timeout(std::time::Duration::from_mins(1), ended).await;
    assert!(ended.expect("it ends when it is told to").unwrap());
    let collected = collected.lock().unwrap();
    let holds = |body: &[u8], needle: &[u8]| body.windows(needle.len()).any(|window| window == needle);
    let sent = collected.iter().find(|(_, body)| holds(body, &trace.to_bytes()));
    let (head, body) = sent.expect("the trace arrives");
    assert!(head.starts_with("post /v1/traces "), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf") && head.contains("x-api-key: abc"),
        "{head}"
    );
    assert!(holds(body, b"gateway-under-test") && holds(body, b"request"));
}
