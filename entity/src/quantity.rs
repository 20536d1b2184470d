//! How much of something is billed.

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

/// An amount of something that is billed, in thousandths: counts are whole, some things (gigabytes) are not.
///
/// An integer compares and subtracts in the same way on both databases, and is the same whichever way a PSA
/// writes it (`9.99`, `"9.990"`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Quantity(pub i64);

impl Quantity {
    /// The greatest that is taken: a billion.
    pub const MAX: Self = Self(1_000_000_000_000);

    /// A whole number of them.
    pub const fn whole(count: i64) -> Self {
        Self(count.saturating_mul(1_000))
    }

    /// The whole number that it is; none where it has a fraction.
    pub const fn as_whole(self) -> Option<i64> {
        if self.0 % 1_000 == 0 { Some(self.0 / 1_000) } else { None }
    }

    /// Reads a decimal number as people and JSON write it; none where it is no such number, has more than three
    /// decimal places that say something, or lies beyond a billion either way.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 10 || !is_number(whole) || !is_number(part) {
            return None;
        }
        let part = part.trim_end_matches('0');
        if part.len() > 3 {
            return None;
        }
        let thousandths: i64 = format!("{part:0<3}").parse().ok()?;
        let all = whole.parse::<i64>().ok()?.checked_mul(1_000)?.checked_add(thousandths)?;
        (all <= Self::MAX.0).then_some(Self(sign * all))
    }

    /// Reads a number as JSON has it; none as for [`Quantity::parse`].
    pub fn from_f64(number: f64) -> Option<Self> {
        // Six places are enough to see that a fourth one says something, and few enough to forgive a binary fraction.
        number.is_finite().then(|| format!("{number:.6}")).and_then(|text| Self::parse(&text))
    }

    /// As a number for JSON.
    #[expect(clippy::cast_precision_loss, reason = "at most a billion of thousandths: 2^40")]
    pub const fn as_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, all) = if self.0 < 0 { ("-", self.0.unsigned_abs()) } else { ("", self.0.unsigned_abs()) };
        let (whole, part) = (all / 1_000, all % 1_000);
        if part == 0 {
            write!(f, "{sign}{whole}")
        } else {
            let part = format!("{part:03}");
            write!(f, "{sign}{whole}.{}", part.trim_end_matches('0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        for (text, thousandths, shown) in [
            ("9.99", Some(9_990), "9.99"),
            ("9.990000", Some(9_990), "9.99"),
            ("42", Some(42_000), "42"),
            ("42.0", Some(42_000), "42"),
            ("-3", Some(-3_000), "-3"),
            ("-0.5", Some(-500), "-0.5"),
            ("0.0005", None, ""),
            ("", None, ""),
            (".5", None, ""),
            ("1e3", None, ""),
            ("99999999999", None, ""),
            ("1000000000", Some(1_000_000_000_000), "1000000000"),
        ] {
            let read = Quantity::parse(text);
            assert_eq!(read.map(|quantity| quantity.0), thousandths, "{text}");
            assert_eq!(read.map(|quantity| quantity.to_string()).unwrap_or_default(), shown, "{text}");
        }
        assert_eq!(Quantity::from_f64(0.1 + 0.2), Some(Quantity(300)));
        assert_eq!((Quantity::from_f64(f64::NAN), Quantity::from_f64(0.0001)), (None, None));
        assert_eq!((Quantity(2_000).as_whole(), Quantity(2_500).as_whole()), (Some(2), None));
    }
}
