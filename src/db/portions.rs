//! Statements for many rows whose texts repeat, so that the database keeps them prepared.
//!
//! A statement for 37 rows has another text than one for 38, and each new text is parsed and planned: for some dozen
//! rows that costs more than writing them. Rows are taken in powers of two, so that a kind of statement has a dozen
//! texts in all.

/// Splits rows into portions of 1, 2, 4 … rows, the largest first, of `most` rows at the most.
pub fn of<T>(rows: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let count = power(rest.len().min(most))?;
        let (portion, others) = rest.split_at_checked(count)?;
        rest = others;
        Some(portion)
    })
}

/// Keys to ask for, in as many places as a power of two: the last is asked for again in those that are left over.
pub fn filled<T: Clone>(keys: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut keys: Vec<T> = keys.into_iter().collect();
    if let Some(last) = keys.last().cloned() {
        keys.resize(keys.len().next_power_of_two(), last);
    }
    keys
}

/// The greatest power of two that is not above this.
fn power(number: usize) -> Option<usize> {
    number.checked_ilog2().map(|log| 1 << log)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_rows_are_there_in_their_order_and_texts_repeat(count in 0_usize..2_000, most in 1_usize..600) {
            let rows: Vec<usize> = (0..count).collect();
            let portions: Vec<&[usize]> = of(&rows, most).collect();
            prop_assert_eq!(&portions.concat(), &rows);
            prop_assert!(portions.iter().all(|part| part.len().is_power_of_two() && part.len() <= most));
            prop_assert!(portions.is_sorted_by(|a, b| a.len() >= b.len()));
        }

        #[test]
        fn what_is_filled_asks_for_the_same(keys in proptest::collection::vec(0_u8..9, 0..300)) {
            let filled = filled(keys.clone());
            prop_assert!(filled.is_empty() || filled.len().is_power_of_two());
            prop_assert_eq!(&filled[..keys.len()], &keys);
            prop_assert!(filled[keys.len()..].iter().all(|key| Some(key) == keys.last()));
        }
    }
}
