//! News between the nodes of one PostgreSQL database: `LISTEN` and `NOTIFY`.
//!
//! Notices are sent in transactions of their own, many news in one, and never in the transaction that tells
//! them: PostgreSQL lets only one transaction with a notice commit at a time (`PreCommit_Notify` in its
//! `async.c`), which would queue every webhook behind every other.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use entity::Timestamp;
use sea_orm::sqlx::{
    self, PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Happened, Heard, News, OUTGOING, What};

/// The channel. Channels belong to a database, so that gateways on other databases hear nothing.
const CHANNEL: &str = "psa_gateway_news";
/// A notice need not survive a power cut, so that its commit waits for no disk.
const NOTICE: &str = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";
/// How long news are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(5);
/// How long until a lost connection is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// One piece of news, packed: kind, organization, id, time, number.
const PACKED: usize = 1 + 16 + 16 + 8 + 8;
/// How many go into one notice: PostgreSQL takes less than 8,000 bytes.
const IN_ONE: usize = 110;

impl News {
    /// Begins to exchange news with the other nodes, until `stop` is called. Once this returns, what they
    /// tell is heard here, unless the database could not be reached: then it is tried again.
    pub async fn join_others(
        &self,
        pool: &PgPool,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let (sender, outgoing) = mpsc::channel(OUTGOING);
        let _ = self.0.others.set(sender);
        // A connection apart from the pool, which would lack one for ever otherwise.
        let own = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let own = own.connect_lazy_with(pool.connect_options().as_ref().clone());
        let listener = listen(&own).await;
        let (news, pool) = (self.clone(), pool.clone());
        async move {
            tokio::join!(
                send(news.clone(), pool, outgoing, stop.clone()),
                receive(news, own, listener, stop)
            );
        }
    }
}

async fn listen(pool: &PgPool) -> Option<PgListener> {
    let listening = async {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    match listening.await {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%error, "other nodes cannot be heard; trying again");
            None
        }
    }
}

async fn receive(news: News, pool: PgPool, first: Option<PgListener>, stop: CancellationToken) {
    let hearing = async {
        let mut listener = first;
        loop {
            let Some(open) = &mut listener else {
                tokio::time::sleep(AGAIN).await;
                listener = listen(&pool).await;
                continue;
            };
            // Comes back by itself after a lost connection, listening again.
            match open.recv().await {
                Ok(notice) => {
                    for heard in unpack(notice.payload(), news.0.node) {
                        news.spread(heard);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "other nodes are no longer heard; trying again");
                    listener = None;
                }
            }
        }
    };
    tokio::select! {
        () = hearing => {}
        () = stop.cancelled() => {}
    }
}

async fn send(news: News, pool: PgPool, mut outgoing: mpsc::Receiver<Heard>, stop: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            _ = outgoing.recv_many(&mut batch, OUTGOING) => {}
            () = stop.cancelled() => return,
        }
        tokio::time::sleep(GATHER).await;
        while batch.len() < OUTGOING
            && let Ok(more) = outgoing.try_recv()
        {
            batch.push(more);
        }
        coalesce(&mut batch);
        for part in batch.chunks(IN_ONE) {
            let notice = sqlx::query(NOTICE).bind(CHANNEL).bind(pack(part, news.0.node));
            if let Err(error) = notice.execute(&pool).await {
                tracing::warn!(%error, "other nodes could not be told news; those who watch there miss them");
            }
        }
        batch.clear();
    }
}

/// Leaves the last of what was told of one thing more than once.
fn coalesce(batch: &mut Vec<Heard>) {
    let mut known = std::collections::HashSet::with_capacity(batch.len());
    batch.reverse();
    batch.retain(|heard| known.insert((heard.happened.what, heard.happened.id)));
    batch.reverse();
}

fn pack(part: &[Heard], node: u64) -> String {
    let mut bytes = Vec::with_capacity(8 + part.len() * PACKED);
    bytes.extend(node.to_be_bytes());
    for Heard { happened, number, .. } in part {
        bytes.push(happened.what as u8);
        bytes.extend(happened.organization_id.as_bytes());
        bytes.extend(happened.id.as_bytes());
        bytes.extend(happened.at.0.to_be_bytes());
        bytes.extend(number.to_be_bytes());
    }
    STANDARD_NO_PAD.encode(bytes)
}

/// What other nodes tell; nothing where it is this node's own, or no notice of ours.
fn unpack(notice: &str, own: u64) -> Vec<Heard> {
    let bytes = STANDARD_NO_PAD.decode(notice).unwrap_or_default();
    let Some((node, packed)) = bytes.split_first_chunk::<8>() else { return Vec::new() };
    let node = u64::from_be_bytes(*node);
    if node == own {
        return Vec::new();
    }
    packed.chunks_exact(PACKED).filter_map(|one| unpack_one(one, node)).collect()
}

fn unpack_one(packed: &[u8], node: u64) -> Option<Heard> {
    let (what, rest) = packed.split_first()?;
    let (organization_id, rest) = rest.split_first_chunk::<16>()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (at, rest) = rest.split_first_chunk::<8>()?;
    let (number, _) = rest.split_first_chunk::<8>()?;
    let happened = Happened {
        // A newer node may tell what this one does not know.
        what: What::from_number(*what)?,
        organization_id: Uuid::from_bytes(*organization_id),
        id: Uuid::from_bytes(*id),
        at: Timestamp(i64::from_be_bytes(*at)),
    };
    Some(Heard { happened, node, number: u64::from_be_bytes(*number) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heard(what: What, id: u128, number: u64) -> Heard {
        let happened = Happened {
            what,
            organization_id: Uuid::from_u128(7),
            id: Uuid::from_u128(id),
            at: Timestamp(-1),
        };
        Heard { happened, node: 3, number }
    }

    #[test]
    fn a_full_notice_fits_and_says_the_same_at_the_other_end() {
        let part: Vec<Heard> = (0..IN_ONE as u64).map(|n| heard(What::TicketUpdated, n.into(), n)).collect();
        let notice = pack(&part, 3);
        assert!(notice.len() < 8_000, "{} bytes", notice.len());
        assert_eq!(unpack(&notice, 4), part);
        assert_eq!(unpack(&notice, 3), [], "a node's own news are not heard twice");
    }

    #[test]
    fn of_a_burst_about_one_thing_the_last_is_sent() {
        let mut batch = vec![
            heard(What::TicketUpdated, 1, 1),
            heard(What::DeliveryReceived, 1, 2),
            heard(What::TicketUpdated, 1, 3),
        ];
        coalesce(&mut batch);
        assert_eq!(batch, [heard(What::DeliveryReceived, 1, 2), heard(What::TicketUpdated, 1, 3)]);
    }

    proptest! {
        #[test]
        fn any_notice_is_read_without_a_panic(notice in ".{0,200}") {
            let _ = unpack(&notice, 1);
        }
    }
}
