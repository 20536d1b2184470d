//! What every domain function works with.

pub mod dies;
mod endpoint_cache;
mod last_seen;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{
    clock::{Chance, Clock},
    db::Db,
    vault::Vault,
};

pub use endpoint_cache::{EndpointCache, EndpointKeys, EndpointSecret, Generation};
pub use last_seen::{LastSeen, MemberNews, Shown, Sight};

/// Database, time, chance and secrets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The database.
    pub db: Db,
    /// Time.
    pub clock: Clock,
    /// Chance.
    pub chance: Chance,
    /// Secrets at rest.
    pub vault: Vault,
    /// Tells this node's workers that there is work.
    pub wake: Wake,
    /// Webhook endpoints looked up a moment ago.
    pub endpoints: EndpointCache,
    /// Tokens and members that showed themselves.
    pub seen: LastSeen,
}

/// Tells workers that there is work, after the commit that made it. A hint: they also look by
/// themselves once a second, which finds the work of other nodes.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<(Notify, Notify)>);

impl Wake {
    /// There are deliveries to decide.
    pub fn inbox(&self) {
        self.0.0.notify_one();
    }

    /// There are operations, polls or readings to carry out.
    pub fn outbox(&self) {
        self.0.1.notify_one();
    }

    /// Waits for [`Wake::inbox`].
    pub async fn inbox_called(&self) {
        self.0.0.notified().await;
    }

    /// Waits for [`Wake::outbox`].
    pub async fn outbox_called(&self) {
        self.0.1.notified().await;
    }
}
