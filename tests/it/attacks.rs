//! What strangers and the careless send to the GraphQL door, against the real program with a gigabyte of memory:
//! it says no, stays small, and others are answered meanwhile.

use std::{
    fmt::Write as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{TestApp, wait_until};

/// The gateway in a process that may have one gigabyte of addresses.
struct Capped {
    child: Child,
    url: String,
}

impl Drop for Capped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Capped {
    async fn start(app: &TestApp) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("sh")
            .args(["-c", "ulimit -v 1048576 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_psa-gateway")])
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .env("PSA_GATEWAY_DATA_DIR", app.place.dir())
            .env("DATABASE_URL", app.place.url())
            // Each arena of the allocator takes 64 MB of addresses, used or not.
            .env("MALLOC_ARENA_MAX", "2")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let capped = Self { child, url: format!("http://127.0.0.1:{port}") };
        wait_until("the program answers", || async {
            app.http
                .get(format!("{}/health/ready", capped.url))
                .send()
                .await
                .is_ok_and(|a| a.status().is_success())
        })
        .await;
        capped
    }

    /// The most memory it ever held, in megabytes.
    fn peak_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") / 1024
    }
}

/// An attack: its name, the body, and the codes that may answer it.
struct Attack(&'static str, String, &'static [&'static str]);

const PARSE: &str = "GRAPHQL_PARSE_FAILED";
const VALIDATION: &str = "GRAPHQL_VALIDATION_FAILED";
const INPUT: &str = "BAD_USER_INPUT";
const COST: &str = "COST_LIMIT_EXCEEDED";
const DEPTH: &str = "DEPTH_LIMIT_EXCEEDED";

fn query(text: &str) -> String {
    json!({ "query": text }).to_string()
}

fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().concat()
}

fn attacks() -> Vec<Attack> {
    let mut doubling = String::from("{ ...F0 }");
    for n in 0..20 {
        let _ = write!(doubling, "fragment F{n} on Query{{...F{0} ...F{0}}}", n + 1);
    }
    doubling.push_str("fragment F20 on Query{__typename}");
    let overlapping = many(400, |n| format!("a:node(id:\"{n}\"){{id}} "));
    let pages = "tickets(first:100){nodes{operations(first:100){nodes{attempts(first:100){nodes{number}}}}}}";
    let aliases = many(5_000, |n| format!("a{n}:__typename "));
    let mutations = many(200, |n| format!("m{n}:companyDelete(input:{{id:\"x\"}}){{__typename}} "));
    let variables = many(90, |n| format!("$v{n}:Int=1 "));
    vec![
        Attack("brackets, 1 kB", query(&"{".repeat(1_000)), &[DEPTH, PARSE]),
        Attack(
            "lists in lists",
            query(&format!("{{node(id:{}1{})}}", "[".repeat(500), "]".repeat(500))),
            &[DEPTH],
        ),
        Attack("200 kB of brackets", query(&"[".repeat(200_000)), &[DEPTH, PARSE, COST]),
        Attack("fragments that double", query(&doubling), &[COST, DEPTH, VALIDATION]),
        Attack(
            "a fragment in itself",
            query("{...A} fragment A on Query{...A a:__typename ...A}"),
            &[VALIDATION],
        ),
        Attack("fields that overlap", query(&format!("{{{overlapping}}}")), &[COST, VALIDATION]),
        Attack("aliases", query(&format!("{{{aliases}}}")), &[COST]),
        Attack(
            "directives",
            query(&format!("{{__typename {}}}", "@include(if:true)".repeat(55))),
            &[COST, VALIDATION],
        ),
        Attack(
            "unknown directives, 1 kB",
            query(&format!("{{__typename {}}}", "@a".repeat(480))),
            &[COST, VALIDATION],
        ),
        Attack(
            "pages of pages",
            query(&format!("{{organizations(first:100){{nodes{{{pages}}}}}}}")),
            &[COST],
        ),
        Attack("many deeds at once", query(&format!("mutation{{{mutations}}}")), &[COST]),
        Attack("many variables", query(&format!("query({variables}){{__typename}}")), &[COST, VALIDATION]),
        Attack("commas", query(&",".repeat(60_000)), &[PARSE, COST]),
        Attack("comments", query(&"#\n".repeat(30_000)), &[PARSE, COST]),
        Attack(
            "a text without an end",
            query(&format!("{{node(id:\"\"\"{}", "\\\"\"\"".repeat(15_000))),
            &[PARSE, COST],
        ),
        Attack("a long name", query(&format!("{{{}}}", "a".repeat(60_000))), &[PARSE, VALIDATION, COST]),
        Attack(
            "many ids",
            json!({
                "query": "query($ids:[ID!]!){nodes(ids:$ids){id}}", "variables": { "ids": vec!["x"; 5_000] },
            })
            .to_string(),
            &[INPUT, COST],
        ),
        Attack(
            "deep variables",
            format!(
                "{{\"query\":\"{{__typename}}\",\"variables\":{{\"a\":{}{}}}}}",
                "[".repeat(20_000),
                "]".repeat(20_000)
            ),
            &[INPUT, COST, DEPTH],
        ),
        Attack("a batch", format!("[{}]", vec![query("{__typename}"); 500].join(",")), &[INPUT]),
        Attack(
            "the schema, all of it",
            query("{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}"),
            &[COST, DEPTH, "FORBIDDEN"],
        ),
        Attack("300 kB", query(&" ".repeat(300_000)), &[INPUT]),
        Attack("no JSON", "{".repeat(100_000), &[INPUT]),
    ]
}

async fn send(app: &TestApp, url: &str, token: &str, body: String) -> (u16, Value) {
    let request =
        app.http.post(format!("{url}/graphql")).bearer_auth(token).header("content-type", "application/json");
    let answer = request.body(body).send().await.expect("it answers");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("every answer is JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_documents_are_refused_while_others_are_answered() {
    let app = TestApp::start_on_the_real_clock().await;
    let acme = app.msp("acme").await;
    let (hostile, honest) = (acme.token("VIEWER").await, app.msp("honest").await.token("VIEWER").await);
    let capped = Capped::start(&app).await;
    let (before, mut surprises) = (capped.peak_mb(), Vec::new());
    for Attack(name, body, codes) in attacks() {
        let bytes = body.len();
        let wave = join_all((0..20).map(|_| send(&app, &capped.url, &hostile, body.clone())));
        let other = send(&app, &capped.url, &honest, query("{ viewer { name } }"));
        let limit = Duration::from_secs(30);
        let (answers, (_, seen)) = tokio::time::timeout(limit, async { tokio::join!(wave, other) })
            .await
            .unwrap_or_else(|_| panic!("{name}: {bytes} bytes kept the gateway busy for {limit:?}"));
        assert_eq!(seen["data"]["viewer"]["name"], "VIEWER", "{name}: {seen:#}");
        for (status, answer) in answers {
            let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
            let is_named = answer["errors"][0]["extensions"]["requestId"].is_string();
            if !(codes.contains(&code) || code == "THROTTLED") || status >= 500 || !is_named {
                surprises.push(format!("{name}: {status} {answer}"));
                break;
            }
        }
    }
    assert_eq!(surprises, Vec::<String>::new());
    let peak = capped.peak_mb();
    println!("attacks: {} kinds x 20; {before} MB before, {peak} MB at the most", attacks().len());
    assert!(peak < 512, "{peak} MB");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_do_not_end_are_cut_and_packed_ones_are_not_opened() {
    let app = TestApp::start_on_the_real_clock().await;
    let token = app.msp("acme").await.token("VIEWER").await;
    let capped = Capped::start(&app).await;
    let post = || app.http.post(format!("{}/graphql", capped.url)).bearer_auth(&token);
    let json = ("content-type", "application/json");

    // A gigabyte in pieces, of which the length is not told.
    let pieces = futures_util::stream::iter((0..1_024).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20])));
    let answer = post().header(json.0, json.1).body(reqwest::Body::wrap_stream(pieces)).send().await;
    // The connection may be closed before the answer is read: what counts is that it was not taken.
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 413));

    let packed = post().header(json.0, json.1).header("content-encoding", "gzip").body(vec![0_u8; 64]);
    assert_eq!(packed.send().await.unwrap().status(), 415);
    let peak = capped.peak_mb();
    assert!(peak < 512, "{peak} MB");
}
