//! How many connections may be open: in all, of one organization, of one token or member.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use crate::organizations::viewer::{Known, Viewer};

/// What is counted for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Everybody,
    Organization(Uuid),
    Asker(Known, Option<Uuid>),
}

/// Counts what is open. Clones count together.
#[derive(Clone, Debug)]
pub(super) struct Places {
    open: Arc<Mutex<HashMap<Whose, usize>>>,
    in_all: usize,
    per_organization: usize,
    per_asker: usize,
}

/// The right to be open, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    whose: Vec<Whose>,
}

impl Places {
    pub(super) fn new(in_all: usize, per_organization: usize, per_asker: usize) -> Self {
        Self { open: Arc::default(), in_all, per_organization, per_asker }
    }

    /// For a connection of somebody who has not said who they are.
    pub(super) fn enter(&self) -> Option<Place> {
        self.take(vec![(Whose::Everybody, self.in_all)])
    }

    /// For a connection of somebody, beside [`Places::enter`].
    pub(super) fn sit(&self, viewer: &Viewer) -> Option<Place> {
        let asker = Whose::Asker(viewer.known(), viewer.organization_id());
        let mut whose = vec![(asker, self.per_asker)];
        if let Some(id) = viewer.organization_id() {
            whose.push((Whose::Organization(id), self.per_organization));
        }
        self.take(whose)
    }

    fn take(&self, wanted: Vec<(Whose, usize)>) -> Option<Place> {
        let mut open = self.lock();
        if wanted.iter().any(|(whose, most)| open.get(whose).is_some_and(|count| count >= most)) {
            return None;
        }
        let whose: Vec<Whose> = wanted.into_iter().map(|(whose, _)| whose).collect();
        for one in &whose {
            *open.entry(one.clone()).or_default() += 1;
        }
        Some(Place { places: self.clone(), whose })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Whose, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.lock();
        for whose in &self.whose {
            if let Some(count) = open.get_mut(whose) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    open.remove(whose);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::Role;

    use super::*;

    fn viewer(token: u128, organization: u128) -> Viewer {
        Viewer::of_organization(
            Known::Token(Uuid::from_u128(token)),
            "t",
            Uuid::from_u128(organization),
            Role::Viewer,
        )
    }

    #[test]
    fn each_bound_holds_by_itself_and_what_is_closed_frees_its_place() {
        let places = Places::new(2, 3, 2);
        let first = places.sit(&viewer(1, 1)).unwrap();
        let _second = places.sit(&viewer(1, 1)).unwrap();
        assert!(places.sit(&viewer(1, 1)).is_none(), "two for one token");
        let _third = places.sit(&viewer(2, 1)).unwrap();
        assert!(places.sit(&viewer(3, 1)).is_none(), "three for one organization");
        assert!(places.sit(&viewer(4, 2)).is_some(), "the neighbour is not concerned");
        drop(first);
        assert!(places.sit(&viewer(1, 1)).is_some());

        let doors = (places.enter(), places.enter());
        assert!(places.enter().is_none());
        drop(doors);
        assert!(places.enter().is_some());
    }
}
