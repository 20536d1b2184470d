//! From news to events: what concerns the watcher is gathered for a moment, read together as it is now, and
//! given out where the watcher may see it and wants to.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use async_graphql::{Error as GraphQLError, ErrorExtensions as _};
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use sea_orm::EntityTrait;
use uuid::Uuid;

use super::{Subscriber, code};
use crate::{
    db::{
        news::{Happened, Heard, Watch, What},
        walled,
    },
    organizations::reach::{self, Owned},
};

/// How long news are gathered: what changes several times within is one event.
const GATHER: Duration = Duration::from_millis(20);
/// How many things are read in one statement.
const READ_AT_ONCE: usize = 100;
/// How much is gathered at once.
const GATHERED: usize = 1_000;

/// Whether a row is wanted.
pub(super) type Matches<M> = Box<dyn Fn(&M) -> bool + Send + Sync>;

/// What a watcher wants to hear of.
pub(super) struct Wanted<E: EntityTrait> {
    /// Of these organizations; of all where there is no list.
    pub(super) organization_ids: Option<Vec<Uuid>>,
    /// Of this thing alone.
    pub(super) id: Option<Uuid>,
    /// Of things that are like this.
    pub(super) matches: Matches<E::Model>,
}

impl<E: EntityTrait> Wanted<E> {
    fn may_concern(&self, happened: &Happened) -> bool {
        self.id.is_none_or(|id| id == happened.id)
            && self.organization_ids.as_ref().is_none_or(|ids| ids.contains(&happened.organization_id))
    }
}

struct Hearing<E: EntityTrait> {
    subscriber: Subscriber,
    watch: Watch,
    wanted: Wanted<E>,
    ready: VecDeque<async_graphql::Result<(Heard, E::Model)>>,
    /// Something was missed: after what is ready comes the end.
    is_behind: bool,
    is_over: bool,
}

/// Events of a kind, as far as the watcher reaches at the moment of each. Watching begins with this call.
pub(super) fn listen<E: Owned>(
    subscriber: &Subscriber,
    what: What,
    wanted: Wanted<E>,
) -> BoxStream<'static, async_graphql::Result<(Heard, E::Model)>> {
    let organization_id =
        subscriber.viewer().organization_id().or(match wanted.organization_ids.as_deref() {
            Some([one]) => Some(*one),
            _ => None,
        });
    let watch = subscriber.ground.db.news().watch(what, organization_id);
    let hearing = Hearing::<E> {
        subscriber: subscriber.clone(),
        watch,
        wanted,
        ready: VecDeque::new(),
        is_behind: false,
        is_over: false,
    };
    stream::unfold(hearing, |mut hearing| async { hearing.next().await.map(|event| (event, hearing)) })
        .boxed()
}

impl<E: Owned> Hearing<E> {
    async fn next(&mut self) -> Option<async_graphql::Result<(Heard, E::Model)>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            if self.is_behind {
                self.is_over = true;
                return Some(Err(behind()));
            }
            self.gather().await;
        }
    }

    async fn gather(&mut self) {
        let mut burst = Vec::new();
        match self.watch.next().await {
            Some(first) if self.concerns(&first) => burst.push(first),
            Some(_) => return,
            None => {
                self.is_behind = true;
                return;
            }
        }
        tokio::time::sleep(GATHER).await;
        while burst.len() < GATHERED
            && let Some(more) = self.watch.waiting()
        {
            if self.concerns(&more) {
                burst.push(more);
            }
        }
        // Of several about one thing the last counts.
        let mut known = HashSet::with_capacity(burst.len());
        burst.reverse();
        burst.retain(|heard| known.insert(heard.happened.id));
        burst.reverse();
        for part in burst.chunks(READ_AT_ONCE) {
            self.read(part).await;
        }
    }

    fn concerns(&self, heard: &Heard) -> bool {
        let reaches = self.subscriber.viewer.borrow().reaches(heard.happened.organization_id);
        reaches && self.wanted.may_concern(&heard.happened)
    }

    /// What is gone meanwhile, or beyond the watcher's reach, is no event.
    async fn read(&mut self, part: &[Heard]) {
        let ids: Vec<Uuid> = part.iter().map(|heard| heard.happened.id).collect();
        let viewer = self.subscriber.viewer();
        let rows = reach::by_ids::<E>(&viewer, &self.subscriber.ground, &ids);
        match walled::within(viewer.organization_id(), rows).await {
            Ok(mut rows) => {
                for heard in part {
                    if let Some(row) = rows.remove(&heard.happened.id)
                        && (self.wanted.matches)(&row)
                    {
                        self.ready.push_back(Ok((*heard, row)));
                    }
                }
            }
            Err(error) => self.ready.push_back(Err(error.into())),
        }
    }
}

fn behind() -> GraphQLError {
    GraphQLError::new(
        "events came faster than they were taken, and some were missed; ask again for what you show, then \
         subscribe again, with a narrower filter",
    )
    .extend_with(|_, values| values.set("code", code::SLOW_CONSUMER))
}
