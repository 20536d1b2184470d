//! Everything that a fault is tried on: gateways, a database, sandboxes, an organization and its senders.

use std::{
    collections::HashMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    auditor::{self, Account, Judgement, UNDER_WAY},
    faults::Run,
    graphql::Asker,
    journal::{Journal, Told},
    load::Door,
    place::Server,
    process::{Gateway, Sandboxes},
    proxy::Proxy,
    psas::Psa,
    setup,
    table::{Row, Verdict},
    time::{self, Time},
};

/// How long a gateway may take to be there again.
pub const READY: Duration = Duration::from_mins(1);
/// How often is looked whether everything rests; and how far the time moves on in a brief round between two looks. Slow
/// enough for holders of a lane to renew its lease.
const LOOKS_EVERY: Duration = Duration::from_millis(500);
const LEAP: Duration = Duration::from_secs(10);
/// How many deliveries the API is asked about at once.
const ASKED: usize = 100;

/// What a fault wants to be tried on.
#[derive(Clone, Debug)]
pub struct Wish {
    pub nodes: usize,
    /// So many of them, from the first one on, do no work.
    pub edges: usize,
    /// The platform of each lane.
    pub lanes: Vec<&'static str>,
    /// A database on this server; else a file.
    pub server: Option<Server>,
    pub settings: Vec<(&'static str, String)>,
    /// Further variables of the gateways' environment.
    pub variables: Vec<(String, String)>,
    /// How many organizations the lanes are dealt out to.
    pub organizations: usize,
    /// The PSAs count calls as their vendors do.
    pub has_limits: bool,
    /// The first node reaches its database by a way that can be cut.
    pub is_cuttable: bool,
    /// Where the gateways keep their files, where not in the arena's own folder.
    pub place: Option<PathBuf>,
    /// The gateways are told what time it is, again and again; else they look at the machine's clock, as in use.
    pub is_time_told: bool,
}

impl Wish {
    /// One node with so many lanes on HaloPSA, and one on each other platform before them: those have fewer customers.
    pub fn usual(halo: usize, others: bool) -> Self {
        let mut lanes = Vec::new();
        if others {
            lanes.extend(["connectwise", "autotask", "syncro", "nable"]);
        }
        lanes.extend(std::iter::repeat_n("halo", halo));
        Self {
            nodes: 1,
            edges: 0,
            lanes,
            server: None,
            settings: Vec::new(),
            variables: Vec::new(),
            organizations: 1,
            has_limits: false,
            is_cuttable: false,
            place: None,
            is_time_told: true,
        }
    }
}

/// It.
pub struct Arena {
    pub run: Run,
    pub nodes: Vec<Gateway>,
    pub sandboxes: Sandboxes,
    pub door: Door,
    pub asker: Asker,
    pub time: Time,
    /// The first node's way to its database, where it can be cut.
    pub way: Option<Proxy>,
    pub database: String,
    pub server: Option<Server>,
    pub folder: PathBuf,
    started: Instant,
}

impl Arena {
    /// Starts all of it; returns when senders may send.
    pub async fn start(run: &Run, wish: Wish) -> Self {
        let started = Instant::now();
        let (run, folder) = (run.clone(), run.folder());
        let database =
            format!("torture_{}_{}", run.fault, psa_gateway::clock::Chance::system().alphanumeric(10));
        let database = database.to_lowercase();
        let place = wish.place.clone().unwrap_or_else(|| folder.clone());
        let url = match &wish.server {
            Some(server) => server.database(&database).await,
            None => format!("sqlite://{}", place.join("gateway.db").display()),
        };
        let settings = settings(&wish, &place, &url);
        let (http, time) = (client(), Time::new(&folder));
        let sandboxes = {
            let (binary, folder, clock) = (run.binary.clone(), folder.clone(), time.file_of("sandboxes"));
            let limits = wish.has_limits;
            let started =
                tokio::task::spawn_blocking(move || Sandboxes::start(&binary, &folder, &clock, limits));
            started.await.expect("the sandboxes")
        };
        let way = match &wish.server {
            Some(server) if wish.is_cuttable => Some(Proxy::start(server.address()).await),
            _ => None,
        };
        let token = {
            let (binary, settings) = (run.binary.clone(), settings.clone());
            tokio::task::spawn_blocking(move || token(&binary, &settings)).await.expect("a token")
        };
        let binary = run.before.as_ref().unwrap_or(&run.binary);
        let mut nodes: Vec<Gateway> = (0..wish.nodes)
            .map(|number| {
                let (name, mut settings) = (format!("node-{number}"), settings.clone());
                if wish.is_time_told {
                    settings.push((time::VARIABLE.to_owned(), time.file_of(&name).display().to_string()));
                }
                if let Some(way) = way.as_ref().filter(|_| number == 0) {
                    settings.push(("DATABASE_URL".to_owned(), by_way_of(&url, way)));
                }
                let mut node = Gateway::new(&name, binary, settings, &folder);
                node.is_edge = number < wish.edges;
                node
            })
            .collect();
        for node in &mut nodes {
            node.start(&[]);
        }
        for node in &mut nodes {
            node.is_ready(&http, READY).await.expect("a gateway");
        }
        let bases: Vec<String> = nodes.iter().map(Gateway::base).collect();
        let asker = Asker { http: http.clone(), token, bases: bases.clone() };
        let (organizations, lanes) =
            setup::organizations(&asker, &sandboxes.psas, &wish.lanes, wish.organizations).await;
        let _ = run.ready.set(Instant::now());
        run.say(&format!("set up in {} s: {} lanes", started.elapsed().as_secs(), wish.lanes.len()));
        let door = Door {
            http,
            organizations: Arc::new(organizations),
            lanes: Arc::new(lanes),
            time: time.clone(),
            is_lenient: false,
            is_behind_stream: wish.settings.iter().any(|(name, _)| *name == "nats_url"),
            bases: Arc::new(Mutex::new(bases)),
            journal: Arc::new(Journal::default()),
            gives_up: Arc::default(),
        };
        Self { run, nodes, sandboxes, door, asker, time, way, database, server: wish.server, folder, started }
    }

    pub fn psa(&self, key: &str) -> &Psa {
        self.sandboxes.psas.iter().find(|psa| psa.key == key).expect("a sandbox of that platform")
    }

    /// Kills a node and starts it again.
    pub async fn kill_and_start(&mut self, node: usize, more: &[(&str, &str)]) {
        self.nodes[node].kill();
        self.nodes[node].start(more);
        let ready = self.nodes[node].is_ready(&self.door.http, READY).await;
        ready.expect("a gateway starts again after it was killed");
    }

    /// Waits until nothing is left to do, with the patience there is; a brief round moves the time on where what is
    /// left waits for it. False where something still was.
    pub async fn rests(&self) -> bool {
        let (begun, mut quiet, mut said) = (Instant::now(), 0, Instant::now());
        let patience = self.run.patience();
        while begun.elapsed() < patience {
            let looked = Instant::now();
            let left = self.left().await;
            let took = looked.elapsed();
            quiet = if left == (0, 0, 0) { quiet + 1 } else { 0 };
            if quiet == 2 {
                return true;
            }
            if said.elapsed() > Duration::from_secs(10) {
                said = Instant::now();
                let (deliveries, tickets, operations) = left;
                self.run.say(&format!(
                    "waiting for rest: {deliveries} deliveries, {tickets} tickets, {operations} operations"
                ));
            }
            // To count a million is work, too: a tenth of the time at the most.
            tokio::time::sleep(LOOKS_EVERY.max(took * 10)).await;
            if self.run.is_brief && self.run.moves_time && begun.elapsed() > Duration::from_secs(2) {
                self.time.goes_on(LEAP);
            }
        }
        false
    }

    /// How many deliveries are not decided, tickets not settled, and operations not carried out.
    pub async fn left(&self) -> (u64, u64, u64) {
        let query = "query($id: ID!, $states: [TicketState!]) { node(id: $id) { ... on Organization {
               webhookDeliveries(first: 1, filter: { state: { in: [RECEIVED] } }) { totalCount }
               tickets(first: 1, filter: { state: { in: $states } }) { totalCount }
               ticketOperations(first: 1, filter: { state: { in: [READY] } }) { totalCount } } } }";
        let mut left = (0, 0, 0);
        for organization in self.door.organizations.iter() {
            let variables = json!({ "id": organization.id, "states": UNDER_WAY });
            let data = self.asker.ask(query, variables).await;
            let count = |what: &str| data["node"][what]["totalCount"].as_u64().unwrap_or(0);
            left.0 += count("webhookDeliveries");
            left.1 += count("tickets");
            left.2 += count("ticketOperations");
        }
        left
    }

    /// What the public API says of every delivery that a sender was told of.
    async fn accounts(&self, deliveries: &[String]) -> HashMap<String, Account> {
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on WebhookDelivery {
               id state problem events(first: 5) { nodes {
                 outcome reason ticket { state reason { code } } } } } } }";
        let mut accounts = HashMap::new();
        for (at, some) in deliveries.chunks(ASKED).enumerate() {
            let data = self.asker.ask(query, json!({ "ids": some })).await;
            for node in data["nodes"].as_array().into_iter().flatten() {
                if let Some(id) = node["id"].as_str() {
                    accounts.insert(id.to_owned(), account(node));
                }
            }
            if at % 200 == 199 {
                self.run.say(&format!("asked about {} of {} deliveries", (at + 1) * ASKED, deliveries.len()));
            }
        }
        accounts
    }

    /// What it says of a webhook of which the sender only knows its own id.
    async fn account_of(&self, told: &Told) -> Option<(String, Account)> {
        let query = "query($id: ID!, $message: String!) { node(id: $id) { ... on Organization {
               webhookDeliveries(first: 1, filter: { query: $message }) { nodes {
                 messageId id state problem events(first: 5) { nodes {
                   outcome reason ticket { state reason { code } } } } } } } } }";
        let organization = &self.door.organizations[self.door.lanes[told.lane].organization];
        let data = self.asker.ask(query, json!({ "id": organization.id, "message": told.message })).await;
        let node = data.pointer("/node/webhookDeliveries/nodes/0")?;
        let id = node["id"].as_str().filter(|_| node["messageId"] == *told.message)?;
        Some((id.to_owned(), account(node)))
    }

    async fn audit(&self) -> Judgement {
        let mut told = self.door.journal.all();
        let mut deliveries: Vec<String> = told.iter().map(|one| one.delivery.clone()).collect();
        deliveries.sort_unstable();
        deliveries.dedup();
        deliveries.retain(|delivery| !delivery.is_empty());
        let mut accounts = self.accounts(&deliveries).await;
        if self.door.is_behind_stream {
            for one in &mut told {
                if accounts.contains_key(&one.delivery) {
                    continue;
                }
                if let Some((id, account)) = self.account_of(one).await {
                    one.delivery.clone_from(&id);
                    accounts.insert(id, account);
                }
            }
        }
        // After the API: what it calls done stands in the ledgers by now.
        let mut ledger = Vec::new();
        for psa in &self.sandboxes.psas {
            ledger.extend(psa.tickets(&self.door.http).await);
        }
        let companies: Vec<String> = self.door.lanes.iter().map(|lane| lane.company.clone()).collect();
        auditor::judge(&told, &ledger, &companies, &accounts, &self.door.journal.unsure())
    }

    /// Waits for rest, judges, and cleans up. `measured` are promises besides the auditor's that broke.
    pub async fn close(mut self, done: String, mut remarks: Vec<String>, measured: Vec<String>) -> Row {
        let is_at_rest = self.rests().await;
        let judged = self.audit().await;
        let journal = &self.door.journal;
        let mut broken = judged.broken();
        broken.extend(measured);
        if journal.count() == 0 {
            broken.push("nothing was accepted".to_owned());
        }
        if done.starts_with("0 ") {
            broken.push("nothing was done to it: the machine was too slow".to_owned());
        }
        if !is_at_rest {
            remarks.push("judged before all was at rest".to_owned());
            if judged.pending > 0 && !(self.run.is_brief && self.run.scale.patience.is_none()) {
                broken.push(format!("{} were still pending after all the patience", judged.pending));
            }
        }
        if !journal.refused().is_empty() {
            let refused: Vec<_> =
                journal.refused().iter().map(|(status, count)| format!("{count} × {status}")).collect();
            remarks.push(format!("refused {}", refused.join(", ")));
        }
        let row = Row {
            fault: self.run.fault,
            seed: self.run.seed,
            database: if self.server.is_some() { "PostgreSQL" } else { "SQLite" },
            done,
            sent: journal.sent(),
            told: journal.count(),
            judged,
            remark: remarks.join(" · "),
            verdict: if broken.is_empty() { Verdict::Held } else { Verdict::Broken(broken) },
            took: self.started.elapsed(),
        };
        for node in &mut self.nodes {
            node.kill();
        }
        self.door.gives_up.store(true, std::sync::atomic::Ordering::SeqCst);
        if row.verdict == Verdict::Held && !self.run.keep {
            if let Some(server) = &self.server {
                server.drop_database(&self.database).await;
                if let Server::Own(own) = server {
                    // While its folder is there.
                    let _ = own.end("immediate");
                }
            }
            let _ = fs::remove_dir_all(&self.folder);
        } else {
            self.run.say(&format!("kept: {}", self.folder.display()));
        }
        row
    }
}

/// The worst of what is said of a delivery's events.
fn account(delivery: &Value) -> Account {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match delivery["state"].as_str() {
        Some("RECEIVED") => return Account::Waiting,
        Some("DEAD") => return Account::Reason(text(&delivery["problem"])),
        _ => {}
    }
    let Some(event) = delivery["events"]["nodes"].as_array().and_then(|events| events.first()) else {
        return Account::Missing;
    };
    match event["outcome"].as_str().unwrap_or_default() {
        "HELD" | "WAITING" | "SUPPRESSED" | "INVALID" | "IGNORED" => Account::Reason(text(&event["reason"])),
        _ => Account::Ticket {
            state: text(&event["ticket"]["state"]),
            reason: event["ticket"]["reason"]["code"].as_str().map(str::to_owned),
        },
    }
}

/// The same database, reached by another way.
fn by_way_of(url: &str, way: &Proxy) -> String {
    let mut url = url::Url::parse(url).expect("an address");
    url.set_host(Some("127.0.0.1")).expect("a host");
    url.set_port(Some(way.port)).expect("a port");
    url.to_string()
}

fn settings(wish: &Wish, place: &std::path::Path, url: &str) -> Vec<(String, String)> {
    let mut settings = vec![
        ("DATABASE_URL".to_owned(), url.to_owned()),
        ("PSA_GATEWAY_DATA_DIR".to_owned(), place.join("gateway").display().to_string()),
    ];
    let usual = [
        ("psa_private_addresses", "*"),
        ("psa_calls", "halo=1000000,connectwise=1000000,autotask=1000000,syncro=1000000,nable=1000000"),
        ("connectwise_client_id", "01234567-89ab-4cde-8123-456789abcdef"),
        ("lane_workers", "8"),
        ("limit_per_address_per_sec", "0"),
        ("limit_per_token_per_sec", "0"),
        ("limit_per_endpoint_per_sec", "0"),
        ("graphql_cost_bucket", "1000000000"),
        ("graphql_cost_restore_per_sec", "1000000000"),
        ("request_timeout_secs", "60"),
        ("log_filter", "warn"),
        ("log_format", "human"),
    ];
    let usual = usual.iter().filter(|(name, _)| !wish.settings.iter().any(|(own, _)| own == name));
    let all = usual.map(|(name, value)| (*name, (*value).to_owned())).chain(wish.settings.iter().cloned());
    settings.extend(all.map(|(name, value)| (format!("PSA_GATEWAY_{}", name.to_uppercase()), value)));
    settings.extend(wish.variables.iter().cloned());
    // An empty one is the same as none.
    settings.retain(|(_, value)| !value.is_empty());
    settings
}

/// An operator's token, made on the command line.
fn token(binary: &std::path::Path, settings: &[(String, String)]) -> String {
    let made = Command::new(binary)
        .args(["token", "create", "--installation", "--role", "owner", "--name", "torture"])
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    assert!(made.status.success(), "no token: {}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("a token").trim().to_owned()
}

/// For webhooks and for questions. No connection is kept: a load balancer would not keep one to a node that is gone.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client")
}
