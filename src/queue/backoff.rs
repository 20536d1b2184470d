//! How long to wait before the next try.

/// Seconds to wait after the `failures`-th failure in a row: doubling from `first` up to `cap`, of which a
/// random part between half and all is taken (`fraction` from 0 to 1), so that nobody comes back together.
pub fn delay_secs(failures: u32, first: i64, cap: i64, fraction: f64) -> i64 {
    let doubled =
        first.saturating_mul(1_i64.checked_shl(failures.saturating_sub(1).min(40)).unwrap_or(i64::MAX));
    let ceiling = doubled.clamp(first, cap.max(first));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "seconds up to an hour or so, times a fraction"
    )]
    let taken = (ceiling as f64 * (0.5 + fraction.clamp(0.0, 1.0) / 2.0)).ceil() as i64;
    taken.clamp(1, ceiling.max(1))
}

#[cfg(test)]
mod tests {
    use super::delay_secs;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_at_least_a_second_and_never_beyond_the_cap(failures in 0_u32..200, first in 1_i64..60, cap in 1_i64..7_200, fraction in 0.0_f64..1.0) {
            let delay = delay_secs(failures, first, cap, fraction);
            prop_assert!(delay >= 1 && delay <= cap.max(first));
        }
    }

    #[test]
    fn doubles() {
        assert_eq!([1, 2, 3, 4, 20].map(|n| delay_secs(n, 5, 900, 1.0)), [5, 10, 20, 40, 900]);
    }
}
