//! The life of a row of the ledger: the one place that knows.
//!
//! ```text
//! planned → sending → sent → settled, or differs
//!    ↑   ↖    ↓
//!    │    └ unknown → held (a person decides)
//!    └── failed         superseded: another value took its place
//! ```
//!
//! What is [`unknown`](EntryState::Unknown) is looked for before anything else is done to its line. A PSA that is told
//! a value is told it again where it is not there: twice the same is once. One that is told a difference never is:
//! where what is there does not say that it arrived, a person decides.

use entity::{Quantity, billing_entry::EntryState};

/// How a PSA is told quantities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Not at all.
    #[default]
    NotOffered,
    /// As the value that the line is to have.
    Value,
    /// As the difference to the value that it has.
    Difference,
}

/// Something that happens to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// The PSA is about to be asked.
    SendBegins,
    /// The line has the value already: there is nothing to send.
    WasThere,
    /// It was certainly not done; it will be tried again.
    Delayed,
    /// The PSA took it.
    Accepted,
    /// It is not known whether it was done.
    Uncertain,
    /// The PSA said no.
    Refused,
    /// It was read back, and is there.
    SeenThere,
    /// It was read back, and something else is there.
    SeenOther,
    /// A person says that it arrived.
    SaidArrived,
    /// A person says that it did not.
    SaidNotArrived,
    /// What was refused, or not sent in the end, is wanted again.
    RetryPlanned,
    /// Another value takes its place.
    Replaced,
}

/// The state after `happening`; none where it cannot happen in this state: nothing changes then.
pub fn after(state: EntryState, happening: Happening, way: Way) -> Option<EntryState> {
    use EntryState as S;
    use Happening as H;
    Some(match (state, happening) {
        (S::Planned, H::SendBegins) => S::Sending,
        (S::Planned, H::WasThere) | (S::Sent | S::Unknown | S::Held, H::SeenThere) => S::Settled,
        (S::Planned | S::Sending, H::Refused) => S::Failed,
        (S::Sending, H::Delayed)
        | (S::Failed | S::Superseded, H::RetryPlanned)
        | (S::Held, H::SaidNotArrived) => S::Planned,
        (S::Sending, H::Accepted) | (S::Held, H::SaidArrived) => S::Sent,
        (S::Sending | S::Unknown, H::Uncertain) => S::Unknown,
        (S::Sent, H::SeenOther) => S::Differs,
        (S::Unknown, H::SeenOther) => match way {
            Way::Value => S::Planned,
            Way::Difference | Way::NotOffered => S::Held,
        },
        (S::Planned | S::Failed, H::Replaced) => S::Superseded,
        _ => return None,
    })
}

/// Whether nothing else may be sent to the line while one of its entries is in this state.
pub const fn blocks(state: EntryState) -> bool {
    matches!(state, EntryState::Sending | EntryState::Sent | EntryState::Unknown | EntryState::Held)
}

/// All states that do.
pub const BLOCKING: [EntryState; 4] =
    [EntryState::Sending, EntryState::Sent, EntryState::Unknown, EntryState::Held];

/// What is sent so that a line that has `before` has `proposed`; none where it has that already.
pub fn to_send(way: Way, before: Quantity, proposed: Quantity) -> Option<Quantity> {
    match way {
        _ if before == proposed => None,
        Way::Value => Some(proposed),
        Way::Difference => Some(Quantity(proposed.0.saturating_sub(before.0))),
        Way::NotOffered => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How one call to the PSA goes.
    #[derive(Clone, Copy, Debug)]
    enum Fate {
        Answered,
        LostAfter,
        LostBefore,
        Refused,
        Away,
        /// The program dies before it is sent, and after.
        DiesBefore,
        DiesAfter,
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// The mark is this by now, and a push is due.
        Push(i64),
        /// A person corrects to this.
        Correct(i64),
        /// The worker has its turn, and the call has this fate; reading works, or does not.
        Work(Fate, bool),
        /// A person looks into the PSA and says how it is.
        Decide,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let fate = prop_oneof![
            4 => Just(Fate::Answered),
            1 => Just(Fate::LostAfter),
            1 => Just(Fate::LostBefore),
            1 => Just(Fate::Refused),
            1 => Just(Fate::Away),
            1 => Just(Fate::DiesBefore),
            1 => Just(Fate::DiesAfter),
        ];
        let step = prop_oneof![
            3 => (0_i64..6).prop_map(Step::Push),
            1 => (0_i64..6).prop_map(Step::Correct),
            6 => (fate, prop::bool::weighted(0.8)).prop_map(|(fate, reads)| Step::Work(fate, reads)),
            1 => Just(Step::Decide),
        ];
        prop::collection::vec(step, 0..80)
    }

    /// An entry, and what is true of it though nobody knows.
    #[derive(Debug)]
    struct Entry {
        state: EntryState,
        proposed: Quantity,
        sent: Quantity,
        correction: usize,
        /// How often the PSA carried it out since the last time that was known.
        done: u32,
    }

    /// A line in a PSA that does what it is told, and the gateway's worker.
    struct World {
        way: Way,
        value: Quantity,
        entries: Vec<Entry>,
    }

    impl World {
        fn current(&self) -> Option<usize> {
            self.entries.iter().position(|entry| blocks(entry.state) || entry.state == EntryState::Planned)
        }

        fn happens(&mut self, index: usize, happening: Happening) {
            let entry = &mut self.entries[index];
            entry.state = after(entry.state, happening, self.way)
                .unwrap_or_else(|| panic!("{happening:?} in {:?}", entry.state));
        }

        fn plan(&mut self, proposed: Quantity, correction: usize) {
            if self.entries.iter().any(|entry| blocks(entry.state)) {
                return;
            }
            let same = self
                .entries
                .iter()
                .position(|entry| entry.proposed == proposed && entry.correction == correction);
            match same.map(|index| (index, self.entries[index].state)) {
                Some((index, EntryState::Failed | EntryState::Superseded)) => {
                    self.happens(index, Happening::RetryPlanned);
                }
                Some(_) => return,
                None => {
                    let state = EntryState::Planned;
                    self.entries.push(Entry { state, proposed, sent: Quantity(0), correction, done: 0 });
                }
            }
            let kept = same.unwrap_or(self.entries.len() - 1);
            for index in 0..self.entries.len() {
                if index != kept && self.entries[index].state == EntryState::Planned {
                    self.happens(index, Happening::Replaced);
                }
            }
        }

        fn carried_out(&mut self, index: usize) {
            let sent = self.entries[index].sent;
            self.value = if self.way == Way::Value { sent } else { Quantity(self.value.0 + sent.0) };
            self.entries[index].done += 1;
        }

        fn work(&mut self, fate: Fate, reads: bool) {
            let Some(index) = self.current() else { return };
            if self.entries[index].state == EntryState::Sending {
                // Left behind by one that died.
                return self.happens(index, Happening::Uncertain);
            }
            if self.entries[index].state == EntryState::Held || !reads {
                return;
            }
            let seen = self.value;
            let is_there = seen == self.entries[index].proposed;
            match self.entries[index].state {
                EntryState::Planned => {
                    let Some(sent) = to_send(self.way, seen, self.entries[index].proposed) else {
                        return self.happens(index, Happening::WasThere);
                    };
                    let entry = &mut self.entries[index];
                    (entry.sent, entry.done) = (sent, 0);
                    self.happens(index, Happening::SendBegins);
                    match fate {
                        Fate::Answered => {
                            self.carried_out(index);
                            self.happens(index, Happening::Accepted);
                        }
                        Fate::LostAfter => {
                            self.carried_out(index);
                            self.happens(index, Happening::Uncertain);
                        }
                        Fate::LostBefore => self.happens(index, Happening::Uncertain),
                        Fate::Refused => self.happens(index, Happening::Refused),
                        Fate::Away => self.happens(index, Happening::Delayed),
                        Fate::DiesBefore => {}
                        Fate::DiesAfter => self.carried_out(index),
                    }
                }
                EntryState::Sent | EntryState::Unknown => {
                    let seen = if is_there { Happening::SeenThere } else { Happening::SeenOther };
                    self.happens(index, seen);
                }
                _ => {}
            }
        }

        fn decide(&mut self) {
            let Some(index) = self.current() else { return };
            if self.entries[index].state == EntryState::Held {
                let arrived = self.entries[index].done > 0;
                let said = if arrived { Happening::SaidArrived } else { Happening::SaidNotArrived };
                self.happens(index, said);
            }
        }
    }

    proptest! {
        /// Against a line in a PSA that nobody else touches: whatever is lost on the way, what is sent is carried out
        /// once, and as soon as nothing is left to do and nobody is asked, the line has what the ledger says.
        #[test]
        fn nothing_is_carried_out_twice_and_the_ledger_tells_what_is_there(
            steps in steps(), is_difference in any::<bool>(), before in 0_i64..6,
        ) {
            let way = if is_difference { Way::Difference } else { Way::Value };
            let mut world = World { way, value: Quantity::whole(before), entries: Vec::new() };
            let mut corrections = 0;
            let mut all = steps;
            // Then all goes well, and the person looks.
            for _ in 0..8 {
                all.extend([Step::Work(Fate::Answered, true), Step::Decide]);
            }
            for step in all {
                match step {
                    Step::Push(mark) => world.plan(Quantity::whole(mark), 0),
                    Step::Correct(value) => {
                        corrections += 1;
                        world.plan(Quantity::whole(value), corrections);
                    }
                    Step::Work(fate, reads) => world.work(fate, reads),
                    Step::Decide => world.decide(),
                }
                let blocking = world.entries.iter().filter(|entry| blocks(entry.state)).count();
                prop_assert!(blocking <= 1, "one at a time: {:?}", world.entries);
                for entry in &world.entries {
                    prop_assert!(entry.done <= 1, "carried out twice: {:?}", world.entries);
                }
            }
            prop_assert!(world.current().is_none(), "something is left to do: {:?}", world.entries);
            let differs = world.entries.iter().any(|entry| entry.state == EntryState::Differs);
            prop_assert!(!differs, "nobody else touched it: {:?}", world.entries);
        }
    }

    #[test]
    fn what_is_over_stays_as_it_is() {
        use Happening as H;
        let all = [
            H::SendBegins,
            H::WasThere,
            H::Delayed,
            H::Accepted,
            H::Uncertain,
            H::Refused,
            H::SeenThere,
            H::SeenOther,
            H::SaidArrived,
            H::SaidNotArrived,
            H::RetryPlanned,
            H::Replaced,
        ];
        for state in [EntryState::Settled, EntryState::Differs] {
            for happening in all {
                for way in [Way::Value, Way::Difference] {
                    assert_eq!(after(state, happening, way), None, "{happening:?} in {state:?}");
                }
            }
        }
        for state in BLOCKING {
            assert!(blocks(state));
            assert_eq!(after(state, H::Replaced, Way::Value), None, "nothing takes the place of {state:?}");
        }
    }

    #[test]
    fn a_difference_of_unknown_fate_is_never_sent_again_by_itself() {
        assert_eq!(after(EntryState::Unknown, Happening::SeenOther, Way::Difference), Some(EntryState::Held));
        assert_eq!(after(EntryState::Unknown, Happening::SeenOther, Way::Value), Some(EntryState::Planned));
        assert_eq!(after(EntryState::Held, Happening::SendBegins, Way::Difference), None);
        let (before, proposed) = (Quantity::whole(10), Quantity::whole(7));
        assert_eq!(to_send(Way::Difference, before, proposed), Some(Quantity::whole(-3)));
        assert_eq!(to_send(Way::Value, before, proposed), Some(proposed));
        assert_eq!(to_send(Way::Difference, proposed, proposed), None);
    }
}
