//! Following what becomes of tickets at the PSA: those that may have changed are read again, and the PSA's list of
//! changes is looked through for what its webhooks missed.

use entity::{Timestamp, lane};
use tokio_util::sync::CancellationToken;

use super::{
    Client, Workers,
    lane::{TURN, Turn},
};
use crate::{error::Error, queue::lanes::Leaving, tickets::observe};

/// When a ticket that could not be read is read again, in seconds: the others come first.
const READ_LATER_SECS: i64 = 60;
/// How far back before the last look changes are asked for again, in seconds.
const OVERLAP_SECS: i64 = 300;
/// How many pages of changes are read in one go, where the next look can begin at the last change of this one.
const PAGES: usize = 20;
/// How many where it cannot. A list that goes on after so many has no end.
const MOST_PAGES: usize = 500;

/// Whether a look through changes can be broken off and another begin where it ended.
///
/// It can where they come in the order of their times, and the last of them is later than where this look began: were
/// it not, because more of them bear one time than are read in one go, the next look would read the same again, and
/// the one after that.
struct Look {
    since: Timestamp,
    newest: Option<Timestamp>,
    is_in_order: bool,
}

impl Look {
    fn from(since: Timestamp) -> Self {
        Self { since, newest: None, is_in_order: true }
    }

    /// Takes note of the times of one page.
    fn sees(&mut self, times: impl Iterator<Item = Timestamp> + Clone) {
        self.is_in_order &= times.clone().min().is_none_or(|first| self.newest <= Some(first));
        self.newest = times.max().max(self.newest);
    }

    /// Where the next look can begin.
    fn ends_at(&self) -> Option<Timestamp> {
        self.newest.filter(|newest| self.is_in_order && newest.as_secs() > self.since.as_secs())
    }
}

impl Workers {
    /// Reads tickets again that may have changed.
    pub(super) async fn refresh(&self, held: &lane::Model, client: &Client) -> Result<Turn, Error> {
        for ticket in observe::due(&self.0.ground, held.id, TURN as u64).await? {
            match self.read_again(held, client, &ticket).await? {
                Turn::On => {}
                other => return Ok(other),
            }
        }
        Ok(Turn::On)
    }

    /// What has changed at the PSA since the last look: finds what its webhooks missed.
    pub(super) async fn poll(
        &self,
        held: &lane::Model,
        client: &Client,
        leaving: &mut Leaving,
        stop: &CancellationToken,
    ) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        let now = ground.clock.now();
        if !observe::has_tickets(ground, held.id).await? {
            leaving.poll_at = None;
            leaving.poll_cursor = Some(now);
            return Ok(Turn::On);
        }
        let Some(_) = held.poll_at.filter(|at| *at <= now) else {
            leaving.poll_at = held.poll_at.or(Some(now.plus_secs(self.0.options.poll_interval_secs)));
            return Ok(Turn::On);
        };
        // Moved on before anything can fail: a poll that is refused is not tried again at once.
        leaving.poll_at = Some(now.plus_secs(self.0.options.poll_interval_secs));
        let since = held.poll_cursor.unwrap_or(now).plus_secs(-OVERLAP_SECS);
        let mut look = Look::from(since);
        let mut page: Option<String> = None;
        for read in 1.. {
            let changes = match self.renewing(held, client.psa.changed_since(since, page.as_deref())).await {
                Some(Ok(changes)) => changes,
                Some(Err(error)) => return self.after_error(held, &error).await,
                None => return Ok(Turn::Lost),
            };
            look.sees(changes.items.iter().filter_map(|ticket| ticket.updated_at));
            page = changes.next;
            observe::mark_changed(ground, held.id, changes.items).await?;
            if page.is_none() {
                leaving.poll_cursor = Some(now);
                break;
            }
            if read >= PAGES
                && let Some(end) = look.ends_at()
            {
                // More than is read in one go: the next look begins where this one ended, without going back.
                leaving.poll_cursor = Some(end.plus_secs(OVERLAP_SECS));
                leaving.poll_at = Some(now);
                break;
            }
            if read >= MOST_PAGES {
                tracing::warn!(psa_connection.id = %held.id, "the PSA's list of changes has no end; it is asked again later");
                break;
            }
            if stop.is_cancelled() {
                break;
            }
            if !self.is_held(held).await? {
                return Ok(Turn::Lost);
            }
        }
        self.connection_works(held).await?;
        self.refresh(held, client).await
    }

    async fn read_again(
        &self,
        held: &lane::Model,
        client: &Client,
        ticket: &entity::ticket::Model,
    ) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        let Some(external_id) = ticket.external_id.clone() else { return Ok(Turn::On) };
        let remote = match self.renewing(held, client.psa.read_ticket(&external_id, true)).await {
            Some(Ok(remote)) => remote,
            Some(Err(error)) => {
                observe::put_off(ground, ticket, ground.clock.now().plus_secs(READ_LATER_SECS)).await?;
                return self.after_error(held, &error).await;
            }
            None => return Ok(Turn::Lost),
        };
        let (ground, id, asked_at) = (ground.clone(), ticket.id, ticket.refresh_at);
        let written = self.held_write(held, move |tx| {
            Box::pin(async move { Ok(observe::observed(tx, &ground, id, asked_at, remote.as_ref()).await?) })
        });
        Ok(if written.await?.is_some() { Turn::On } else { Turn::Lost })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a look from second 100 that has seen pages with tickets of these seconds.
    fn end_of(pages: &[&[i64]]) -> Option<i64> {
        let mut look = Look::from(Timestamp::from_secs(100));
        for page in pages {
            look.sees(page.iter().copied().map(Timestamp::from_secs));
        }
        look.ends_at().map(Timestamp::as_secs)
    }

    #[test]
    fn a_look_can_go_on_later_where_changes_come_in_order_and_have_moved_on() {
        assert_eq!(end_of(&[&[100, 100], &[100, 130], &[], &[130, 150]]), Some(150));
        assert_eq!(end_of(&[&[100, 100], &[100, 100]]), None, "it would read the same again");
        assert_eq!(end_of(&[&[100, 150], &[130, 170]]), None, "what else is late?");
        assert_eq!(end_of(&[&[], &[]]), None, "no times");
        assert_eq!(end_of(&[&[90], &[95]]), None, "from before it began");
    }
}
