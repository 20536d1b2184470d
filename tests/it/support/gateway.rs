//! A whole gateway on a port of its own, with a clock that stands still until it is moved.

use std::sync::Arc;

use psa_gateway::{
    app::{App, Seams},
    clock::{Chance, Clock},
    config::Config,
    sandbox::{
        frame::{Ground, Sandbox},
        halo::{HaloOptions, HaloSandbox},
    },
    scanners::signature::sns::Fetch,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Msp, Place, leaks};

/// Where the clock stands when a test begins: 2026-11-21T09:00:00Z.
pub const START: i64 = 1_795_251_600;

/// The gateway, its database and the PSA beside it.
pub struct TestApp {
    /// The program.
    pub app: App,
    /// Time, for everybody.
    pub clock: Clock,
    /// The PSA.
    pub halo: HaloSandbox,
    /// The administrator of the installation.
    pub token: String,
    /// For requests.
    pub http: reqwest::Client,
    /// Its data; shared where a second node runs on it.
    pub place: Arc<Place>,
}

impl TestApp {
    /// Starts everything on a database of its own. Workers work when [`TestApp::drain`] is called.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with settings of its own.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_at(Clock::manual(entity::Timestamp::from_secs(START)), settings).await
    }

    /// The same with time going by.
    pub async fn start_on_the_real_clock() -> Self {
        Self::start_at(Clock::system(), &[]).await
    }

    /// Another gateway with a database of its own, where it is as late as with the other.
    pub async fn start_at_the_time_of(other: &Self) -> Self {
        Self::start_at(other.clock.clone(), &[]).await
    }

    /// The same with settings of its own, by a clock that others have too.
    pub async fn start_by(clock: Clock, settings: &[(&str, &str)]) -> Self {
        Self::start_at(clock, settings).await
    }

    /// The same with somebody in Amazon's place.
    pub async fn start_beside(amazon: Arc<dyn Fetch>) -> Self {
        let clock = Clock::manual(entity::Timestamp::from_secs(START));
        Self::start_anywhere(clock, &[], Some(amazon)).await
    }

    async fn start_at(clock: Clock, settings: &[(&str, &str)]) -> Self {
        Self::start_anywhere(clock, settings, None).await
    }

    async fn start_anywhere(clock: Clock, settings: &[(&str, &str)], amazon: Option<Arc<dyn Fetch>>) -> Self {
        leaks::watch();
        let ground = Ground { clock: clock.clone(), chance: Chance::system() };
        let halo =
            HaloSandbox::start(ground, "127.0.0.1:0", HaloOptions::default()).await.expect("a sandbox");
        let place = Arc::new(Place::new().await);
        let app = start(&place, &clock, settings, amazon).await;
        let token = psa_gateway::organizations::tokens::first_administrator(&app.ground).await;
        let token = token.expect("a token is made").expect("the first one").expose_secret().to_owned();
        leaks::is_secret(&token);
        let made = Self { app, clock, halo, token, http: client(), place };
        leaks::is_secret(&made.client_secret());
        made
    }

    /// What the gateway signs in to the PSA with.
    pub fn client_secret(&self) -> String {
        let form = self.halo.credentials();
        form.into_iter().find(|(key, _)| *key == "client_secret").expect("a secret").1
    }

    /// What Prometheus would read.
    pub async fn metrics(&self) -> String {
        self.http.get(self.url("/metrics")).send().await.expect("an answer").text().await.expect("text")
    }

    /// Another node on the same database, with the same time.
    pub async fn another_node(&self) -> App {
        self.another_node_with(&[]).await
    }

    /// The same with settings of its own.
    pub async fn another_node_with(&self, settings: &[(&str, &str)]) -> App {
        start(&self.place, &self.clock, settings, None).await
    }

    /// A gateway on other data, with the same time.
    pub async fn on_other_data(&self, place: &Place) -> App {
        start(place, &self.clock, &[], None).await
    }

    /// What its commands work with.
    pub fn seams(&self) -> Seams {
        Seams { clock: self.clock.clone(), ..Seams::default() }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.address())
    }

    /// Does all work that is due now, as the workers would.
    pub async fn drain(&self) {
        drain(&self.app).await;
    }

    /// Moves the clock by steps of five minutes, or larger ones over more than two hours, doing what is due at each.
    pub async fn pass(&self, secs: i64) {
        let mut left = secs;
        while left > 0 {
            let step = left.min(300.max(secs / 24));
            self.clock.advance_secs(step);
            self.drain().await;
            left -= step;
        }
    }

    /// Asks GraphQL as somebody; the whole answer.
    pub async fn graphql_as(&self, token: &str, query: &str, variables: Value) -> Value {
        let request = self.http.post(self.url("/graphql")).bearer_auth(token);
        let answer = request.json(&json!({ "query": query, "variables": variables })).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }

    /// Asks GraphQL as the administrator; the data, where nothing went wrong.
    pub async fn graphql(&self, query: &str, variables: Value) -> Value {
        data(&self.graphql_as(&self.token, query, variables).await)
    }

    /// Asks for a mutation as the administrator; the whole answer, with what is selected of its payload.
    pub async fn asks(&self, mutation: &str, selection: &str, input: Value) -> Value {
        let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {name}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ field code message }} }} }}"
        );
        self.graphql_as(&self.token, &query, json!({ "input": input })).await
    }

    /// The same for one that must be done; its payload.
    pub async fn does(&self, mutation: &str, selection: &str, input: Value) -> Value {
        data(&self.asks(mutation, selection, input).await)[mutation].clone()
    }

    /// A new MSP, with nothing set up.
    pub async fn msp(&self, slug: &str) -> Msp<'_> {
        Msp::new(self, &self.halo, slug).await
    }

    /// A new MSP that uses another PSA, with nothing set up.
    pub async fn msp_with<'a>(&'a self, psa: &'a dyn Sandbox, slug: &str) -> Msp<'a> {
        Msp::new(self, psa, slug).await
    }
}

/// The data of an answer without errors, top-level or the user's.
pub fn data(answer: &Value) -> Value {
    assert!(answer.get("errors").is_none(), "errors: {answer:#}");
    for (_, payload) in answer["data"].as_object().into_iter().flatten() {
        let problems = payload.get("userErrors").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(problems, 0, "user errors: {payload:#}");
    }
    answer["data"].clone()
}

/// Does all work that is due now on one node.
pub async fn drain(app: &App) {
    for _ in 0..2_000 {
        let mut has_worked = false;
        for (_, _, workers) in &app.shards {
            has_worked |= workers.step().await.expect("a step");
        }
        if !has_worked {
            return;
        }
    }
    panic!("work does not end");
}

async fn start(place: &Place, clock: &Clock, more: &[(&str, &str)], amazon: Option<Arc<dyn Fetch>>) -> App {
    let seams = Seams { clock: clock.clone(), chance: Chance::system(), is_stepped: true, amazon };
    App::start(&config(place, more), None, seams).await.expect("the gateway starts")
}

/// What a gateway with its data there is set up with.
pub fn config(place: &Place, more: &[(&str, &str)]) -> Config {
    let mut settings = vec![
        ("listen", "127.0.0.1:0".to_owned()),
        ("data_dir", place.dir().display().to_string()),
        ("database_url", place.url().to_owned()),
        ("psa_private_addresses", "*".to_owned()),
        ("introspection", "true".to_owned()),
        ("connectwise_client_id", "01234567-89ab-4cde-8123-456789abcdef".to_owned()),
        ("database_max_connections", "4".to_owned()),
    ];
    settings.retain(|(key, _)| !more.iter().any(|(other, _)| other == key));
    settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
    Config::from_pairs(settings).expect("a configuration")
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Waits for something that real processes do in their own time, for a minute at the most.
pub async fn wait_until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !is_so().await {
        assert!(std::time::Instant::now() < end, "waited a minute in vain for this: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
