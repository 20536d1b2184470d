//! Time and chance, taken from outside.
//!
//! Production reads the machine's clock and its random source here and nowhere
//! else; tests hand in a clock that they move and a source that they seed.

mod moved;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use entity::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Tells the time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Machine,
    Manual(Arc<AtomicI64>),
    Agreed(Arc<Agreed>),
}

/// Time as another told it, counted on by what has passed since, whatever the machine's clock says meanwhile.
#[derive(Debug)]
struct Agreed {
    begun: Instant,
    /// What time it was when this began, in microseconds.
    at_begin: AtomicI64,
}

impl Agreed {
    fn now(&self) -> i64 {
        let passed = i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.at_begin.load(Ordering::SeqCst).saturating_add(passed)
    }
}

/// What took longer says too little about what time it is.
const LONGEST_ASKING: Duration = Duration::from_secs(1);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Kind::Machine)
    }

    /// A clock that stands at `start` until it is moved; clones move together.
    pub fn manual(start: Timestamp) -> Self {
        Self(Kind::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// Where this is the machine's clock, one that [agrees](Self::agree) with another's: a machine whose clock is wrong,
    /// or is set while it works, then has the same time as the others. Until then it has the machine's.
    #[must_use]
    pub fn agreeable(&self) -> Self {
        if !matches!(self.0, Kind::Machine) {
            return self.clone();
        }
        let at_begin = AtomicI64::new(machine() + moved::of_machine());
        Self(Kind::Agreed(Arc::new(Agreed { begun: Instant::now(), at_begin })))
    }

    /// Now, to the microsecond.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::Machine => Timestamp(machine() + moved::of_machine() + moved::of_all()),
            Kind::Manual(at) => Timestamp(at.load(Ordering::SeqCst)),
            Kind::Agreed(agreed) => Timestamp(agreed.now() + moved::of_all()),
        }
    }

    /// What another said when it was asked what time it is, which took so long; says by how many microseconds this
    /// clock was set. Not for less than the answer leaves open, and only a clock that is [agreeable](Self::agreeable).
    pub fn agree(&self, theirs: Timestamp, took: Duration) -> Option<i64> {
        let Kind::Agreed(agreed) = &self.0 else { return None };
        let half = i64::try_from(took.as_micros() / 2).unwrap_or(i64::MAX);
        let off = theirs.0.saturating_add(half).saturating_sub(agreed.now());
        if took > LONGEST_ASKING || off.abs() <= half {
            return None;
        }
        agreed.at_begin.fetch_add(off, Ordering::SeqCst);
        Some(off)
    }

    /// Moves a manual clock forward; others cannot be moved and stay.
    pub fn advance_secs(&self, secs: i64) {
        if let Kind::Manual(at) = &self.0 {
            at.fetch_add(secs.saturating_mul(1_000_000), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one home of the machine's clock")]
fn machine() -> i64 {
    Timestamp::from_datetime(chrono::Utc::now()).0
}

/// Makes unguessable bytes, and ids that sort by time.
#[derive(Clone, Debug, Default)]
pub struct Chance {
    /// Seed and blocks taken, of a repeatable source.
    seeded: Option<Arc<Mutex<(u64, u64)>>>,
    /// Milliseconds and counter of the id made last.
    last: Arc<Mutex<(u64, u16)>>,
}

impl Chance {
    /// The operating system's random source.
    pub fn system() -> Self {
        Self::default()
    }

    /// A repeatable source for tests; clones share one sequence.
    pub fn seeded(seed: u64) -> Self {
        Self { seeded: Some(Arc::new(Mutex::new((seed, 0)))), last: Arc::default() }
    }

    /// Fills `bytes`.
    ///
    /// # Panics
    /// Where the operating system has no random source: nothing secret can be made then.
    #[expect(clippy::disallowed_methods, reason = "the one home of the machine's random source")]
    #[expect(clippy::expect_used, reason = "going on without randomness would make guessable secrets")]
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.seeded {
            None => getrandom::fill(bytes).expect("the operating system gives no random bytes"),
            Some(state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in bytes.chunks_mut(32) {
                    let block =
                        Sha256::new().chain_update(state.0.to_le_bytes()).chain_update(state.1.to_le_bytes());
                    state.1 += 1;
                    chunk.copy_from_slice(block.finalize().get(..chunk.len()).unwrap_or_default());
                }
            }
        }
    }

    /// An array of random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A version 7 UUID: milliseconds of `now`, a counter, 62 random bits. Each is greater than the one
    /// before from the same source, within a millisecond too (RFC 9562, section 6.2, method 1), and where
    /// the clock was set back.
    pub fn id(&self, now: Timestamp) -> Uuid {
        const COUNTER_BITS: u16 = 0x0fff;
        let mut random = self.bytes::<10>();
        let millis = u64::try_from(now.0 / 1_000).unwrap_or_default();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            // Half of the counter is left to count with.
            (before, _) if before < millis => {
                (millis, u16::from_be_bytes([random[0], random[1]]) & (COUNTER_BITS >> 1))
            }
            (before, COUNTER_BITS..) => (before + 1, 0),
            (before, counter) => (before, counter + 1),
        };
        let (millis, counter) = *last;
        [random[0], random[1]] = counter.to_be_bytes();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// `len` letters and digits (62 of them, 5.95 bits each), without bias.
    pub fn alphanumeric(&self, len: usize) -> String {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut text = String::with_capacity(len);
        while text.len() < len {
            for byte in self.bytes::<64>() {
                // 248 = 4 × 62: higher bytes would favour the first letters.
                if let Some(letter) = ALPHABET.get(usize::from(byte) % 62)
                    && byte < 248
                    && text.len() < len
                {
                    text.push(char::from(*letter));
                }
            }
        }
        text
    }

    /// A fraction from 0 (included) to 1 (not included), for jitter.
    pub fn fraction(&self) -> f64 {
        f64::from(u32::from_le_bytes(self.bytes())) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Timestamp::from_secs(100));
        let same = clock.clone();
        same.advance_secs(5);
        assert_eq!(clock.now(), Timestamp::from_secs(105));
    }

    #[test]
    fn a_clock_agrees_with_another_and_not_with_what_is_too_vague() {
        let clock = Clock::system().agreeable();
        let hour = 3_600_000_000;
        let later = Timestamp(clock.now().0 + hour);
        assert_eq!(clock.agree(later, Duration::from_secs(2)), None, "an answer that took too long");
        assert!(
            clock.agree(later, Duration::from_millis(1)).is_some_and(|set| (set - hour).abs() < 1_000_000)
        );
        assert!(clock.now() >= later);
        assert_eq!(
            clock.agree(clock.now(), Duration::from_millis(20)),
            None,
            "within what the answer leaves open"
        );
        let manual = Clock::manual(Timestamp::from_secs(100)).agreeable();
        assert_eq!(manual.agree(later, Duration::ZERO), None);
        assert_eq!(manual.now(), Timestamp::from_secs(100));
    }

    #[test]
    fn ids_of_later_times_sort_later_and_seeds_repeat() {
        let chance = Chance::seeded(1);
        let (a, b) = (chance.id(Timestamp::from_secs(1)), chance.id(Timestamp::from_secs(2)));
        assert!(a < b);
        assert_eq!(a.get_version_num(), 7);
        assert_eq!(Chance::seeded(1).id(Timestamp::from_secs(1)), a);
        assert_ne!(Chance::seeded(2).id(Timestamp::from_secs(1)), a);
    }

    #[test]
    fn ids_made_within_one_millisecond_sort_as_they_were_made() {
        let chance = Chance::seeded(1);
        let ids: Vec<_> = (0..10_000).map(|_| chance.id(Timestamp::from_secs(1))).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(chance.id(Timestamp::from_secs(0)) > ids[9_999], "a clock that was set back changes nothing");
    }

    #[test]
    fn alphanumeric_text_has_the_length_asked_for() {
        let text = Chance::system().alphanumeric(43);
        assert_eq!(text.len(), 43);
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric()));
    }
}
