//! Who was there: tokens and members that showed themselves, until it is written down.
//!
//! Requests only note it here. Once a minute the notes are written in one go, so that a token that asks a
//! thousand times a second costs one write a minute.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::{Role, Timestamp};
use uuid::Uuid;

/// How many notes are kept between two writings; who is not among them is noted the next time.
const CAPACITY: usize = 10_000;

/// Who showed themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown {
    /// An access token.
    Token(Uuid),
    /// A member.
    Member(Uuid),
}

/// When and from where, and what the identity provider said of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// When.
    pub at: Timestamp,
    /// From which address.
    pub from: Option<IpAddr>,
    /// What the identity provider says now and the row does not.
    pub news: Option<MemberNews>,
}

/// What has changed of a member at the identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberNews {
    /// The role, and whether the provider says it.
    pub role: Role,
    /// See above.
    pub is_role_claimed: bool,
    /// Name for people.
    pub name: String,
    /// Address of electronic mail.
    pub email: Option<String>,
}

/// The notes. Cheap to clone; clones share them.
#[derive(Clone, Debug, Default)]
pub struct LastSeen(Arc<Mutex<HashMap<Shown, Sight>>>);

impl LastSeen {
    /// Somebody showed themselves.
    pub fn note(&self, who: Shown, sight: Sight) {
        let mut notes = self.lock();
        if notes.len() < CAPACITY || notes.contains_key(&who) {
            notes.insert(who, sight);
        }
    }

    /// All notes; none are left.
    pub fn take(&self) -> Vec<(Shown, Sight)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    /// Notes that could not be written, where there are no newer ones.
    pub fn put_back(&self, notes: Vec<(Shown, Sight)>) {
        let mut kept = self.lock();
        for (who, sight) in notes {
            if kept.len() < CAPACITY {
                kept.entry(who).or_insert(sight);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Shown, Sight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_last_sight_of_each_and_a_bounded_number() {
        let seen = LastSeen::default();
        let sight = |secs| Sight { at: Timestamp::from_secs(secs), from: None, news: None };
        for number in 0..=CAPACITY as u128 {
            seen.note(Shown::Token(Uuid::from_u128(number)), sight(1));
        }
        seen.note(Shown::Token(Uuid::from_u128(7)), sight(2));
        let taken = seen.take();
        assert_eq!(taken.len(), CAPACITY);
        assert!(taken.contains(&(Shown::Token(Uuid::from_u128(7)), sight(2))));
        seen.note(Shown::Token(Uuid::from_u128(7)), sight(3));
        seen.put_back(taken);
        assert!(seen.take().contains(&(Shown::Token(Uuid::from_u128(7)), sight(3))), "the newer one stays");
    }
}
