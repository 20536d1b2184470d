//! Starting, steering and stopping an instance from Rust.

use std::{collections::BTreeSet, fmt, io, net::SocketAddr, sync::Arc};

use actix_web::dev::ServerHandle;
use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::{
    faults::Fault,
    ledger::{LedgerBilling, LedgerTicket},
    post::{Letter, Mail},
    server,
    world::{Calls, Deed, DeedError, Ground, Recorded, Right, Shared, World},
};

/// How to start any vendor's ordinary instance: time and chance, and the address to listen at, such as
/// `127.0.0.1:0` for a free port.
pub type Start = fn(Ground, String) -> BoxFuture<'static, io::Result<Box<dyn Sandbox>>>;

/// A vendor that can be started.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The platform's key.
    pub key: &'static str,
    /// For people.
    pub label: &'static str,
    /// Starts an ordinary instance.
    pub start: Start,
}

impl Kind {
    /// That of a world.
    pub const fn of<W: World>() -> Self {
        Self {
            key: W::KEY,
            label: W::LABEL,
            start: |ground, bind| {
                Box::pin(async move {
                    let instance = Instance::<W>::start(ground, &bind, W::Options::default()).await?;
                    Ok(Box::new(instance) as Box<dyn Sandbox>)
                })
            },
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

/// A running instance of whichever vendor; it stops when this is dropped.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// The platform's key.
    fn key(&self) -> &'static str;
    /// What to let fail.
    fn calls(&self) -> Calls;
    /// The base address: `http://127.0.0.1:PORT`.
    fn url(&self) -> String;
    /// What a customer types into the credential form, by key of the field.
    fn credentials(&self) -> Vec<(&'static str, String)>;
    /// Every ticket that was ever made, in the order of creation.
    fn ledger(&self) -> Vec<LedgerTicket>;
    /// The lines of all recurring invoices, in the order of creation; empty where the vendor has none.
    fn billing(&self) -> Vec<LedgerBilling>;
    /// Adds something that goes wrong.
    fn fault(&self, fault: Fault);
    /// Nothing goes wrong any more.
    fn clear_faults(&self);
    /// Names of people who can do deeds.
    fn people(&self) -> Vec<String>;
    /// A person does something to a ticket in the vendor's own pages.
    fn deed(&self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError>;
    /// Takes rights from the login and gives all others back; false where this vendor cannot take these.
    fn deny(&self, denied: &[Right]) -> bool;
    /// Sends, doubles, holds or loses webhooks from now on.
    fn set_mail(&self, mail: Mail);
    /// A person enters a webhook's address in the vendor's pages; false where there is no such page.
    fn set_up_webhook(&self, address: &str, secret: Option<&str>) -> bool;
    /// Waits until no webhook is due or under way (those held do not count), and tells how many requests were
    /// sent to receivers since the start.
    async fn webhooks_sent(&self) -> usize;
    /// The webhooks that were sent, as they went, oldest first; the latest 10,000 of them.
    fn letters(&self) -> Vec<Letter>;
    /// The calls to the vendor's own paths, oldest first; the latest 10,000 of them.
    fn requests(&self) -> Vec<Recorded>;
    /// As many calls as anybody likes from now on, as for a vendor's own load test.
    fn lift_limits(&self);
    /// Takes the whole PSA away, or brings it back: while it is away every connection is cut and no webhook
    /// leaves. The sandbox's own paths still answer.
    fn down(&self, down: bool);
    /// Stops the server and waits until it has stopped.
    async fn stop(self: Box<Self>);
}

/// A running instance; it stops when this is dropped.
pub struct Instance<W: World> {
    shared: Arc<Shared<W>>,
    server: ServerHandle,
    address: SocketAddr,
}

impl<W: World> fmt::Debug for Instance<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", W::KEY, self.address)
    }
}

impl<W: World> Instance<W> {
    /// Starts an instance on threads of its own; any number of them may run in a process.
    pub async fn start(ground: Ground, bind: &str, options: W::Options) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(bind)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(ground, options));
        let server = server::start(Arc::clone(&shared), listener).await?;
        Ok(Self { shared, server, address })
    }

    /// Looks at or changes what the vendor remembers.
    pub fn with<T>(&self, change: impl FnOnce(&mut W) -> T) -> T {
        self.shared.with(|inside| change(&mut inside.world))
    }
}

#[async_trait]
impl<W: World> Sandbox for Instance<W> {
    fn key(&self) -> &'static str {
        W::KEY
    }

    fn calls(&self) -> Calls {
        W::CALLS
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        let url = self.url();
        self.with(|world| world.credentials(&url))
    }

    fn ledger(&self) -> Vec<LedgerTicket> {
        self.with(|world| world.ledger())
    }

    fn billing(&self) -> Vec<LedgerBilling> {
        self.with(|world| world.billing())
    }

    fn fault(&self, fault: Fault) {
        self.shared.with(|inside| inside.faults.push(fault));
    }

    fn clear_faults(&self) {
        self.shared.with(|inside| inside.faults.clear());
    }

    fn people(&self) -> Vec<String> {
        self.with(|world| world.people())
    }

    fn deed(&self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError> {
        self.with(|world| world.deed(ticket, who, deed))
    }

    fn deny(&self, denied: &[Right]) -> bool {
        let denied: BTreeSet<_> = denied.iter().copied().collect();
        self.with(|world| world.deny(&denied))
    }

    fn set_mail(&self, mail: Mail) {
        self.shared.set_mail(mail);
    }

    fn set_up_webhook(&self, address: &str, secret: Option<&str>) -> bool {
        self.with(|world| world.set_up_webhook(address, secret))
    }

    async fn webhooks_sent(&self) -> usize {
        // Counts anew, by what the clock says now.
        self.shared.with(|_| ());
        // Closed only when the instance is gone, and then nothing is under way.
        drop(self.shared.pending.subscribe().wait_for(|pending| *pending == 0).await);
        self.with(|world| world.post().delivered())
    }

    fn letters(&self) -> Vec<Letter> {
        self.shared.with(|inside| inside.letters.iter().cloned().collect())
    }

    fn requests(&self) -> Vec<Recorded> {
        self.shared.with(|inside| inside.calls.iter().cloned().collect())
    }

    fn lift_limits(&self) {
        self.with(World::lift_limits);
    }

    fn down(&self, down: bool) {
        self.shared.with(|inside| inside.down = down);
    }

    async fn stop(self: Box<Self>) {
        self.down(true);
        self.server.stop(false).await;
    }
}

impl<W: World> Drop for Instance<W> {
    fn drop(&mut self) {
        // Connections that are still open find nobody.
        self.shared.with(|inside| inside.down = true);
        // The order is given at once; only the waiting needs a runtime.
        drop(self.server.stop(false));
    }
}
