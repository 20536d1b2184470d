//! Where a ticket stands: the one place that knows.
//!
//! ```text
//! planned → creating → open → closing → closed → reopening → open
//!              ↓  ↑      ↑        |                   |
//!            unknown     └────────┴── refused ────────┘
//! ```

use entity::{ticket::TicketState, ticket_operation::OperationKind};

/// Something that happens to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// The PSA is about to be asked to create it.
    CreateBegins,
    /// It was certainly not created; it will be tried again.
    CreateDelayed,
    /// It is not known whether it was created.
    CreateUncertain,
    /// The PSA refused to create it.
    CreateRefused,
    /// It is there.
    Created,
    /// A close is wanted.
    ClosePlanned,
    /// It is closed, by our operation.
    Closed,
    /// The PSA refused to close it.
    CloseRefused,
    /// A reopening is wanted.
    ReopenPlanned,
    /// It is open again, by our operation.
    Reopened,
    /// The PSA refused to open it again.
    ReopenRefused,
    /// Somebody closed it, or removed it, in the PSA.
    ClosedByPerson,
    /// Somebody opened it again in the PSA.
    ReopenedByPerson,
    /// A refused creation is to be tried again.
    RetryPlanned,
}

/// The state after `happening`, where `pending` is the last close or reopening still to be carried out.
/// None where it cannot happen in this state: nothing changes then.
#[expect(clippy::match_same_arms, reason = "one line a step, in the order of a ticket's life")]
pub fn after(
    state: TicketState,
    happening: Happening,
    pending: Option<OperationKind>,
) -> Option<TicketState> {
    use Happening as H;
    use TicketState as S;
    let settled = |otherwise: S| match pending {
        Some(OperationKind::Close) => S::Closing,
        Some(OperationKind::Reopen) => S::Reopening,
        _ => otherwise,
    };
    Some(match (state, happening) {
        (S::Planned | S::Creating, H::CreateBegins) => S::Creating,
        (S::Unknown, H::CreateBegins | H::CreateUncertain | H::CreateDelayed) => S::Unknown,
        (S::Creating, H::CreateDelayed) => S::Planned,
        (S::Creating, H::CreateUncertain) => S::Unknown,
        (S::Creating | S::Unknown, H::CreateRefused) => S::Failed,
        (S::Creating | S::Unknown, H::Created) => settled(S::Open),
        (S::Failed, H::RetryPlanned) => S::Planned,
        // Before the ticket is there, a wanted close or reopening waits behind the creation.
        (S::Planned | S::Creating | S::Unknown | S::Failed, H::ClosePlanned | H::ReopenPlanned) => state,
        (S::Open | S::Reopening | S::Closing, H::ClosePlanned) => S::Closing,
        (S::Closing, H::Closed) => settled(S::Closed),
        (S::Closing, H::CloseRefused) => settled(S::Open),
        (S::Closed | S::Closing, H::ReopenPlanned) => S::Reopening,
        (S::Reopening, H::Reopened) => settled(S::Open),
        // A close that was planned before the reopening is carried out on the way.
        (S::Reopening, H::Closed | H::CloseRefused) => S::Reopening,
        (S::Closing, H::Reopened | H::ReopenRefused) => S::Closing,
        (S::Reopening, H::ReopenRefused) => settled(S::Closed),
        (S::Open, H::ClosedByPerson) => S::Closed,
        (S::Closed, H::ReopenedByPerson) => S::Open,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        WantClosed,
        WantOpen,
        Work { refused: bool },
        PersonCloses,
        PersonReopens,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        prop::collection::vec(
            prop_oneof![
                Just(Step::WantClosed),
                Just(Step::WantOpen),
                any::<bool>().prop_map(|refused| Step::Work { refused }),
                Just(Step::PersonCloses),
                Just(Step::PersonReopens),
            ],
            0..60,
        )
    }

    proptest! {
        /// Against a model that only knows what is open at the PSA and which operations wait: whatever
        /// happens in whatever order, the state tells the truth as soon as nothing is left to do.
        #[test]
        fn says_what_is_at_the_psa_once_nothing_is_left_to_do(steps in steps()) {
            let mut state = TicketState::Planned;
            let mut queue = vec![OperationKind::Create];
            let mut open_at_psa: Option<bool> = None;
            let pending = |queue: &[OperationKind]| queue.iter().rev().copied().find(|kind| *kind != OperationKind::Create);
            let mut all = steps;
            all.extend(vec![Step::Work { refused: false }; 80]);
            for step in all {
                match step {
                    Step::WantClosed => {
                        if let Some(next) = after(state, Happening::ClosePlanned, pending(&queue)) {
                            state = next;
                            queue.push(OperationKind::Close);
                        }
                    }
                    Step::WantOpen => {
                        if let Some(next) = after(state, Happening::ReopenPlanned, pending(&queue)) {
                            state = next;
                            queue.push(OperationKind::Reopen);
                        }
                    }
                    Step::Work { refused } => {
                        if queue.is_empty() { continue; }
                        let kind = queue.remove(0);
                        let happening = match (kind, refused) {
                            (OperationKind::Create, _) => {
                                state = after(state, Happening::CreateBegins, pending(&queue)).unwrap();
                                open_at_psa = Some(true);
                                Happening::Created
                            }
                            (OperationKind::Close, false) => { open_at_psa = Some(false); Happening::Closed }
                            (OperationKind::Close, true) => Happening::CloseRefused,
                            (_, false) => { open_at_psa = Some(true); Happening::Reopened }
                            (_, true) => Happening::ReopenRefused,
                        };
                        let next = after(state, happening, pending(&queue));
                        prop_assert!(next.is_some(), "{state:?} cannot take {happening:?} with {queue:?} waiting");
                        state = next.unwrap();
                        if refused && queue.is_empty() {
                            // After a refusal the PSA is read again; the model does the same.
                            let truth = if open_at_psa == Some(true) { TicketState::Open } else { TicketState::Closed };
                            state = truth;
                        }
                    }
                    Step::PersonCloses => if queue.is_empty() && open_at_psa == Some(true) {
                        state = after(state, Happening::ClosedByPerson, None).unwrap();
                        open_at_psa = Some(false);
                    },
                    Step::PersonReopens => if queue.is_empty() && open_at_psa == Some(false) {
                        state = after(state, Happening::ReopenedByPerson, None).unwrap();
                        open_at_psa = Some(true);
                    },
                }
            }
            prop_assert_eq!(state, if open_at_psa == Some(true) { TicketState::Open } else { TicketState::Closed });
        }
    }
}
