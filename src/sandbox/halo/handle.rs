//! Starting, steering and stopping an instance from Rust.

use std::{io, net::SocketAddr, sync::Arc};

use actix_web::dev::ServerHandle;

use super::{
    delivery::{Mail, Payload},
    faults::Fault,
    ledger::LedgerTicket,
    server,
    technician::Technician,
    world::{Recorded, Shared},
};
use crate::clock::{Chance, Clock};

/// How an instance behaves.
#[derive(Clone, Debug)]
pub struct HaloOptions {
    /// Tells tokens, the rate window, search lag and all dates.
    pub clock: Clock,
    /// Makes the credentials, the tokens and the GUIDs.
    pub chance: Chance,
    /// Address and port; port 0 takes a free one. `127.0.0.1:0` where nothing is said.
    pub bind: String,
    /// Calls to `/api` in a rolling window of 5 minutes. 500 where nothing is said;
    /// 300 to 700 were seen over the years (HaloAPI#31, halocli README).
    pub rate_limit: u32,
    /// Whether a 429 carries `Retry-After`. It does not where nothing is said.
    pub retry_after: bool,
    /// Seconds that a token is good for. 3600 where nothing is said.
    pub token_lifetime_secs: i64,
    /// Rows of the longest page. 100 where nothing is said (HaloAPI#90).
    pub page_cap: usize,
    /// Whether a change to a ticket that leaves out `tickettype_id` or `client_id`
    /// is answered "Record not found", as on some instances (dotMARC). It is not
    /// where nothing is said.
    pub strict_update: bool,
    /// Whether a new ticket must name impact and urgency (or `_novalidate`), as on
    /// newer instances (tier2tickets). It need not where nothing is said.
    pub require_impact_urgency: bool,
}

impl HaloOptions {
    /// An ordinary hosted instance on a free port of this machine.
    pub fn new(clock: Clock, chance: Chance) -> Self {
        Self {
            clock,
            chance,
            bind: "127.0.0.1:0".to_owned(),
            rate_limit: 500,
            retry_after: false,
            token_lifetime_secs: 3600,
            page_cap: 100,
            strict_update: false,
            require_impact_urgency: false,
        }
    }
}

/// A running instance; it stops when this is dropped.
#[derive(Debug)]
pub struct HaloSandbox {
    pub(super) shared: Arc<Shared>,
    server: Server,
    address: SocketAddr,
}

struct Server(ServerHandle);

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

impl HaloSandbox {
    /// Starts an instance on threads of its own; any number of them may run in a process.
    pub async fn start(options: HaloOptions) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(&options.bind)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options));
        let handle = server::start(Arc::clone(&shared), listener).await?;
        Ok(Self { shared, server: Server(handle), address })
    }

    /// The base address: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The API application's client id, a GUID.
    pub fn client_id(&self) -> String {
        self.shared.with(|world| world.access.client_id.clone())
    }

    /// The API application's secret, two GUIDs.
    pub fn client_secret(&self) -> String {
        self.shared.with(|world| world.access.client_secret.clone())
    }

    /// The instance's tenant name.
    pub fn tenant(&self) -> String {
        self.shared.with(|world| world.access.tenant.clone())
    }

    /// Every ticket that was ever made, in the order of creation.
    pub fn ledger(&self) -> Vec<LedgerTicket> {
        self.shared.with(|world| world.ledger())
    }

    /// Adds something that goes wrong.
    pub fn fault(&self, fault: Fault) {
        self.shared.with(|world| world.faults.push(fault));
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        self.shared.with(|world| world.faults.clear());
    }

    /// Lets a person work in Halo's own pages.
    pub fn technician(&self) -> Technician<'_> {
        Technician { sandbox: self }
    }

    /// Waits until no webhook is queued or under way (those held do not count), and
    /// tells how many requests were sent to receivers since the start.
    pub async fn webhooks_sent(&self) -> usize {
        // Closed only when the instance is gone, and then nothing is under way.
        drop(self.shared.pending.subscribe().wait_for(|pending| *pending == 0).await);
        self.shared.with(|world| world.outgoing.delivered)
    }

    /// Sends, holds or loses webhooks from now on.
    pub fn set_mail(&self, mail: Mail) {
        self.shared.with(|world| world.outgoing.set_mail(mail));
    }

    /// What webhooks carry from now on, and whether several for one address go together.
    pub fn set_payload(&self, payload: Payload, batched: bool) {
        self.shared.with(|world| {
            world.outgoing.payload = payload;
            world.outgoing.batched = batched;
        });
    }

    /// The calls to `/api` and `/auth`, oldest first; only the latest 10,000 are kept.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.with(|world| world.calls.iter().cloned().collect())
    }

    /// Limits the API application to these scopes, separated by spaces (`all` at the
    /// start). Tokens handed out before lose what is not in it.
    pub fn set_scope(&self, scope: &str) {
        self.shared.with(|world| scope.clone_into(&mut world.access.scope));
    }

    /// Takes resources (`Client`, `Agent`, `Tickets` …) away from the agent's role: calls
    /// to them get an empty 403. The list replaces the one before.
    pub fn deny(&self, resources: &[&str]) {
        let denied = resources.iter().map(|resource| resource.to_ascii_lowercase()).collect();
        self.shared.with(|world| world.access.denied = denied);
    }

    /// Takes outcomes (actions) away from the agent. The list replaces the one before.
    pub fn deny_outcomes(&self, outcomes: &[i64]) {
        self.shared.with(|world| world.access.denied_outcomes = outcomes.to_vec());
    }

    /// Takes the whole PSA away, or brings it back: while it is away every connection
    /// is cut and no webhook leaves. The sandbox's own paths still answer.
    pub fn down(&self, down: bool) {
        self.shared.with(|world| world.down = down);
    }

    /// Stops the server and waits until it has stopped.
    pub async fn stop(self) {
        self.down(true);
        self.server.0.stop(false).await;
    }
}

impl Drop for HaloSandbox {
    fn drop(&mut self) {
        // Connections that are still open find nobody.
        self.down(true);
        // The order is given at once; only the waiting needs a runtime.
        drop(self.server.0.stop(false));
    }
}
