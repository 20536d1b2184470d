//! The event catalogue: everything that senders can tell of.

use async_graphql::{Enum, Object, SimpleObject};

use super::Sender;
use crate::{
    decisions::{
        catalogue::{self, CATEGORIES},
        event_sets,
    },
    scanners,
};

/// What an event does to the finding it speaks of. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "catalogue::Action")]
pub enum EventAction {
    /// The problem is there.
    Open,
    /// More is known of a problem that is there.
    Update,
    /// The problem is gone, or somebody decided that it does not matter.
    Close,
    /// The problem is there again, said expressly (overrides a dismissal).
    Reopen,
    /// Names everything that a scope still has: findings of it that are not named are gone.
    Sweep,
    /// Says nothing of a finding; kept for the record.
    Ignore,
}

/// Everything that senders can tell of: what event sets choose from.
#[derive(SimpleObject)]
pub struct EventCatalogue {
    /// What events can be about, by their keys.
    pub categories: Vec<EventCategory>,
}

impl EventCatalogue {
    /// The one that this version has.
    pub fn known() -> Self {
        Self { categories: CATEGORIES.iter().map(EventCategory).collect() }
    }
}

/// What events can be about.
pub struct EventCategory(pub &'static catalogue::Category);

/// What events can be about.
#[Object]
impl EventCategory {
    /// Stable name, e.g. `vulnerability`.
    async fn key(&self) -> &str {
        self.0.key
    }

    /// For people.
    async fn label(&self) -> &str {
        self.0.label
    }

    /// One sentence for people.
    async fn description(&self) -> &str {
        self.0.description
    }

    /// The kinds of events that it tells of, by their names: its own, and the general ones (`finding.opened` …) that
    /// every category tells of.
    async fn kinds(&self) -> Vec<EventKind> {
        event_sets::kinds_of(self.0).map(EventKind).collect()
    }
}

/// A kind of event.
pub struct EventKind(pub &'static catalogue::EventKind);

/// A kind of event.
#[Object]
impl EventKind {
    /// Stable dotted name, e.g. `finding.opened`.
    async fn name(&self) -> &str {
        self.0.name
    }

    /// One sentence for people.
    async fn description(&self) -> &str {
        self.0.description
    }

    /// What it does to its finding.
    async fn action(&self) -> EventAction {
        self.0.action.into()
    }

    /// The kind that ends what this one begins; null where the problem has no natural end, and a technician closes the
    /// ticket.
    async fn counterpart(&self) -> Option<EventKind> {
        self.0.counterpart().map(EventKind)
    }

    /// The senders that can tell of it.
    async fn senders(&self) -> Vec<Sender> {
        let name = self.0.name;
        let tell = |sender: &&&'static dyn scanners::Sender| sender.kinds().contains(&name);
        scanners::senders().iter().filter(tell).map(|sender| Sender::from(*sender)).collect()
    }
}
