//! A window that comes back every week is open by the clocks of its place, in summer and in winter.

use proptest::prelude::*;

use super::*;
use crate::decisions::cadence::minute_of;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn weekly(days: &[u8], from: &str, until: &str, zone: &str) -> Weekly {
    Weekly {
        days: days.iter().copied().collect(),
        from: minute_of(from).unwrap(),
        until: minute_of(until).unwrap(),
        time_zone: zone.to_owned(),
    }
}

fn always() -> Occurrence {
    Occurrence { starts_at: at("2026-01-01T00:00:00Z"), ends_at: at("2028-01-01T00:00:00Z") }
}

fn spans(weekly: &Weekly, from: &str) -> (String, String) {
    let found = weekly.occurrence(always(), at(from)).unwrap();
    (found.starts_at.rfc3339(), found.ends_at.rfc3339())
}

fn span(from: &str, until: &str) -> (String, String) {
    (from.to_owned(), until.to_owned())
}

#[test]
fn it_is_the_same_time_of_the_clock_in_summer_and_winter() {
    let nights = weekly(&[6], "22:00", "06:00", "Europe/Berlin");
    assert_eq!(spans(&nights, "2027-03-20T12:00:00Z"), span("2027-03-20T21:00:00Z", "2027-03-21T05:00:00Z"));
    let short = span("2027-03-27T21:00:00Z", "2027-03-28T04:00:00Z");
    assert_eq!(spans(&nights, "2027-03-21T05:00:00Z"), short, "clocks are put forward in it");
    assert_eq!(spans(&nights, "2027-03-28T03:59:59Z"), short, "and it is open to its end");
    assert_eq!(spans(&nights, "2027-03-28T04:00:00Z"), span("2027-04-03T20:00:00Z", "2027-04-04T04:00:00Z"));
    let long = span("2027-10-30T20:00:00Z", "2027-10-31T05:00:00Z");
    assert_eq!(spans(&nights, "2027-10-31T04:30:00Z"), long, "clocks are put back in it");
}

#[test]
fn a_time_that_clocks_leave_out_is_when_they_were_put_forward_and_of_one_that_comes_twice_the_first_counts() {
    let early = weekly(&[7], "02:30", "04:00", "Europe/Berlin");
    assert_eq!(spans(&early, "2027-03-27T00:00:00Z"), span("2027-03-28T01:00:00Z", "2027-03-28T02:00:00Z"));
    assert_eq!(spans(&early, "2027-10-30T00:00:00Z"), span("2027-10-31T00:30:00Z", "2027-10-31T03:00:00Z"));
    // All of it is left out: the next one is a week later.
    let gone = weekly(&[7], "02:00", "02:30", "Europe/Berlin");
    assert_eq!(spans(&gone, "2027-03-27T00:00:00Z"), span("2027-04-04T00:00:00Z", "2027-04-04T00:30:00Z"));
}

#[test]
fn its_ends_cut_it() {
    let nights = weekly(&[5, 6], "22:00", "06:00", "UTC");
    let bounds = Occurrence { starts_at: at("2026-11-21T03:00:00Z"), ends_at: at("2026-11-21T23:00:00Z") };
    let found = |from: &str| {
        nights.occurrence(bounds, at(from)).map(|found| (found.starts_at.rfc3339(), found.ends_at.rfc3339()))
    };
    let first = span("2026-11-21T03:00:00Z", "2026-11-21T06:00:00Z");
    assert_eq!(found("2026-11-01T00:00:00Z"), Some(first), "the night of Friday, from where it begins");
    let last = span("2026-11-21T22:00:00Z", "2026-11-21T23:00:00Z");
    assert_eq!(found("2026-11-21T06:00:00Z"), Some(last));
    assert_eq!(found("2026-11-21T23:00:00Z"), None);
}

#[test]
fn it_is_told_in_words_and_what_is_wrong_where_it_stands() {
    assert_eq!(
        weekly(&[6, 7, 1], "22:00", "06:00", "Europe/Berlin").words(),
        "every Monday, Saturday and Sunday from 22:00 to 06:00 (Europe/Berlin)"
    );
    assert_eq!(weekly(&[2], "12:00", "13:00", "UTC").words(), "every Tuesday from 12:00 to 13:00 (UTC)");
    let every = weekly(&[1, 2, 3, 4, 5, 6, 7], "02:00", "03:00", "UTC");
    assert_eq!(every.words(), "every day from 02:00 to 03:00 (UTC)");
    let wrong =
        Weekly { days: BTreeSet::new(), from: u16::MAX, until: 1_440, time_zone: "Middle/Earth".to_owned() };
    let fields: Vec<_> =
        wrong.problems("weekly").into_iter().map(|problem| problem.field.join(".")).collect();
    assert_eq!(fields, ["weekly.days", "weekly.from", "weekly.until", "weekly.timeZone"]);
    assert_eq!(every.problems("weekly"), []);
}

proptest! {
    #[test]
    fn the_next_one_is_open_or_ahead_within_two_weeks_and_comes_on_its_day(
        secs in 1_770_000_000_i64..1_820_000_000, from in 0_u16..1440, until in 0_u16..1440,
        zone in 0..chrono_tz::TZ_VARIANTS.len(), day in 1_u8..8,
    ) {
        let zone = chrono_tz::TZ_VARIANTS[zone];
        let weekly = Weekly { days: BTreeSet::from([day]), from, until, time_zone: zone.name().to_owned() };
        let now = Timestamp::from_secs(secs);
        let found = weekly.occurrence(always(), now).unwrap();
        prop_assert!(now < found.ends_at && found.starts_at < found.ends_at, "{weekly:?} {now} {found:?}");
        prop_assert!(found.starts_at <= now.plus_secs(15 * 86_400), "{weekly:?} {now} {found:?}");
        prop_assert!(found.ends_at <= found.starts_at.plus_secs(26 * 3_600), "{weekly:?} {now} {found:?}");
        let begins = found.starts_at.datetime().with_timezone(&zone).date_naive();
        // Some zones put clocks forward at the end of a day: then it begins with the next one.
        let days = [u32::from(day), u32::from(day % 7 + 1)];
        prop_assert!(days.contains(&begins.weekday().number_from_monday()), "{weekly:?} {now} {found:?}");
    }
}
