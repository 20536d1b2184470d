//! Time that somebody else moves, so that it can be shown what three days without a PSA do, or a clock that is wrong.
//!
//! Only in a program that was built for development, or with the cargo feature `torture`; in one that is built for use
//! nothing moves. There the variable `TORTURE_CLOCK` names a file with two numbers of milliseconds: by how much this
//! machine's clock is wrong, and by how much all the world has moved on. It may be changed at any time.

#[cfg(any(debug_assertions, feature = "torture"))]
mod told {
    use std::{
        path::{Path, PathBuf},
        sync::{
            OnceLock,
            atomic::{AtomicI64, Ordering},
        },
        time::Duration,
    };

    const LOOKS_EVERY: Duration = Duration::from_millis(10);

    static MOVED: [AtomicI64; 2] = [AtomicI64::new(0), AtomicI64::new(0)];
    static LOOKED: OnceLock<()> = OnceLock::new();

    #[expect(
        clippy::disallowed_methods,
        reason = "no setting, and a thread of its own: a program for use has neither"
    )]
    pub(super) fn moved(which: usize) -> i64 {
        LOOKED.get_or_init(|| {
            let Some(path) = std::env::var_os("TORTURE_CLOCK").map(PathBuf::from) else { return };
            look(&path);
            std::thread::spawn(move || {
                loop {
                    std::thread::sleep(LOOKS_EVERY);
                    look(&path);
                }
            });
        });
        MOVED.get(which).map_or(0, |moved| moved.load(Ordering::SeqCst))
    }

    fn look(path: &Path) {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let numbers: Vec<i64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        // Not one that is just being written.
        if numbers.len() == MOVED.len() {
            for (moved, millis) in MOVED.iter().zip(numbers) {
                moved.store(millis.saturating_mul(1_000), Ordering::SeqCst);
            }
        }
    }
}

/// By how much the machine's clock is wrong, in microseconds.
#[cfg(any(debug_assertions, feature = "torture"))]
pub(super) fn of_machine() -> i64 {
    told::moved(0)
}

/// By how much everybody's time has moved on, in microseconds.
#[cfg(any(debug_assertions, feature = "torture"))]
pub(super) fn of_all() -> i64 {
    told::moved(1)
}

/// Nothing: this program is built for use.
#[cfg(not(any(debug_assertions, feature = "torture")))]
pub(super) const fn of_machine() -> i64 {
    0
}

/// Nothing: this program is built for use.
#[cfg(not(any(debug_assertions, feature = "torture")))]
pub(super) const fn of_all() -> i64 {
    0
}
