//! `Retry-After`: a wait is never negative, never longer than a day, and equal to the written value.

use core::time::Duration;

use crate::UnixTime;
use crate::wire::retry_after::parse;

const DAY: u64 = 24 * 60 * 60;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const LONG_DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Eight bytes for the current time, eight for a moment that is written in every form, and any text as the header.
pub fn retry_after(bytes: &[u8]) {
    let number = |at: usize| {
        let mut octets = [0u8; 8];
        for (i, octet) in octets.iter_mut().enumerate() {
            *octet = bytes.get(at + i).copied().unwrap_or_default();
        }
        u64::from_be_bytes(octets)
    };
    let now = number(0);
    let text = String::from_utf8_lossy(bytes.get(16..).unwrap_or_default());
    any_text(&text, now);
    seconds(number(8), now);
    // Up to the end of 9999, the limit of the forms; the current time is near the moment, where a wait is not capped.
    let moment = number(8) % 253_402_300_800;
    for now in [moment, moment.saturating_sub(now % (2 * DAY)), moment + now % (2 * DAY)] {
        date(moment, now);
    }
}

fn any_text(text: &str, now: u64) {
    let wait = parse(text, UnixTime::from_secs(now));
    assert!(wait.is_none_or(|wait| wait <= Duration::from_secs(DAY)), "{text:?}: {wait:?}");
    assert!(wait.is_none_or(|wait| wait.subsec_nanos() == 0));
    let trimmed = text.trim_matches([' ', '\t']);
    let digits = !trimmed.is_empty() && trimmed.bytes().all(|b| b.is_ascii_digit());
    if digits {
        // As a number of any size: without leading zeros, a day has at most five digits.
        let significant = trimmed.trim_start_matches('0');
        let said = if significant.len() > 5 { DAY } else { significant.parse().unwrap_or(0) };
        assert_eq!(wait, Some(Duration::from_secs(said.min(DAY))), "{text:?}");
    } else if wait.is_some() {
        assert!(
            text.contains(':') && MONTHS.iter().any(|month| text.contains(month)),
            "no number and no date: {text:?}"
        );
    }
}

fn seconds(said: u64, now: u64) {
    let expected = Some(Duration::from_secs(said.min(DAY)));
    for text in [format!("{said}"), format!(" {said}\t"), format!("00{said}")] {
        assert_eq!(parse(&text, UnixTime::from_secs(now)), expected, "{text}");
    }
    for text in [format!("-{said}"), format!("+{said}"), format!("{said}.0"), format!("{said}s"), format!("0x{said}")] {
        assert_eq!(parse(&text, UnixTime::from_secs(now)), None, "{text}");
    }
}

/// A moment in the three forms of RFC 9110 §5.6.7, by a calendar that counts days one by one.
fn date(moment: u64, now: u64) {
    let (year, month, day) = calendar(moment / DAY);
    let (hour, minute, second) = (moment % DAY / 3600, moment % 3600 / 60, moment % 60);
    let weekday = usize::try_from(moment / DAY % 7).expect("below seven");
    let (short, long, month) = (DAYS[weekday], LONG_DAYS[weekday], MONTHS[month]);
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    let expected = Some(Duration::from_secs(moment.saturating_sub(now).min(DAY)));
    let at = UnixTime::from_secs(now);
    for text in [
        format!("{short}, {day:02} {month} {year:04} {clock} GMT"),
        format!("{short} {month} {day:2} {clock} {year:04}"),
    ] {
        assert_eq!(parse(&text, at), expected, "{text} at {now}");
    }
    // Two digits mean the current year, if the moment is at most two days away and no turn of a century is between.
    let text = format!("{long}, {day:02}-{month}-{:02} {clock} GMT", year % 100);
    assert_eq!(parse(&text, at), expected, "{text} at {now}");
    for text in [
        format!("{short}, {day:02} {month} {year:04} {clock} CET"),
        format!("{short}, {day:02} {month} {year:04} {clock}"),
        format!("{short}, {day:02} {month} {year:04} {clock} GMT x"),
        format!("{short}, 00 {month} {year:04} {clock} GMT"),
        format!("{short}, {day:02} {month} {year:04} 24:00:00 GMT"),
    ] {
        assert_eq!(parse(&text, at), None, "{text}");
    }
}

/// The date of a day since 1970-01-01: year, month from 0, day from 1. By subtraction, first in steps of 400 years.
fn calendar(mut days: u64) -> (u64, usize, u64) {
    const FOUR_CENTURIES: u64 = 146_097;
    let mut year = 1970 + days / FOUR_CENTURIES * 400;
    days %= FOUR_CENTURIES;
    let leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month, days + 1)
}
