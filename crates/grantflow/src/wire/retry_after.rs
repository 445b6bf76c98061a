//! `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in any of the three forms of RFC 9110 §5.6.7.

use core::time::Duration;

use crate::value::time::UnixTime;

/// A longer wait is not plausible.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait from `now`: never negative, at most 24 hours. `None` if it is neither a number nor a date.
pub(crate) fn parse(value: &str, now: UnixTime) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Digits that do not fit are more than the maximum.
        return Some(value.parse().map_or(MAX, Duration::from_secs).min(MAX));
    }
    Some(date(value, now)?.saturating_since(now).min(MAX))
}

fn date(text: &str, now: UnixTime) -> Option<UnixTime> {
    let mut parts = text.split([' ', ',']).filter(|part| !part.is_empty());
    let _weekday = parts.next()?;
    let second = parts.next()?;
    let (day, month, year, clock, zone) = if second.contains('-') {
        // RFC 850: `Sunday, 06-Nov-94 08:49:37 GMT`.
        let mut date = second.split('-');
        let (day, month, year) = (date.next()?, date.next()?, date.next()?);
        (day, month, full_year(number(year, 2)?, now)?, parts.next()?, parts.next())
    } else if second.bytes().all(|b| b.is_ascii_digit()) {
        // IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
        (second, parts.next()?, number(parts.next()?, 4)?, parts.next()?, parts.next())
    } else {
        // asctime: `Sun Nov  6 08:49:37 1994`.
        let (day, clock) = (parts.next()?, parts.next()?);
        (day, second, number(parts.next()?, 4)?, clock, Some("GMT"))
    };
    if zone != Some("GMT") || parts.next().is_some() {
        return None;
    }
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        .iter()
        .position(|name| *name == month)? as u64
        + 1;
    let day = number(day, 2)?;
    let mut clock = clock.split(':');
    let (hour, minute, second) = (number(clock.next()?, 2)?, number(clock.next()?, 2)?, number(clock.next()?, 2)?);
    let possible = (1970..=9999).contains(&year) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !possible || clock.next().is_some() {
        return None;
    }
    let days = days_since_epoch(year, month, day)?;
    Some(UnixTime::from_secs(days * 86_400 + hour * 3_600 + minute * 60 + second))
}

/// A year of which only the last two digits are known: the latest one that is at most 50 years ahead (RFC 9110 §5.6.7).
/// It counts whole years, which may differ by months after half a century.
fn full_year(digits: u64, now: UnixTime) -> Option<u64> {
    const YEAR: u64 = 31_556_952;
    let latest = (1970 + now.as_secs() / YEAR).checked_add(50)?;
    let past = (latest + 100 - digits) % 100;
    latest.checked_sub(past)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. A year is counted from March, so that the leap day comes
/// last, and months have the lengths 31, 30, 31, 30, 31 repeatedly.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let day_of_year = (month * 153 + 2) / 5 + day - 1;
    // There are 719 468 days between 0000-03-01 and 1970-01-01.
    (year * 365 + leap_days + day_of_year).checked_sub(719_468)
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= digits && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_date_forms() {
        // The example of RFC 9110 §5.6.7.
        let moment = UnixTime::from_secs(784_111_777);
        let now = UnixTime::from_secs(1_750_000_000);
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sunday, 06-Nov-94 08:49:37 GMT"] {
            assert_eq!(date(text, now), Some(moment), "{text}");
        }
        assert_eq!(date("Sunday, 06-Nov-26 08:49:37 GMT", now), Some(UnixTime::from_secs(1_793_954_977)));
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT", now), Some(UnixTime::from_secs(0)));
        assert_eq!(date("Thu, 29 Feb 2024 00:00:00 GMT", now), Some(UnixTime::from_secs(1_709_164_800)));
    }

    #[test]
    fn two_digits_are_at_most_fifty_years_ahead() {
        for (now, digits, year) in [
            (1_750_000_000, 94, 1994), // 2025
            (1_750_000_000, 25, 2025),
            (1_750_000_000, 0, 2000),
            (1_750_000_000, 75, 2075),
            (1_750_000_000, 76, 1976),
            (946_600_000, 0, 2000), // the end of 1999
            (946_600_000, 49, 2049),
            (946_600_000, 50, 1950),
            (4_000_000_000, 46, 2146), // 2096
        ] {
            assert_eq!(full_year(digits, UnixTime::from_secs(now)), Some(year), "{digits} at {now}");
        }
        let now = UnixTime::from_secs(1_750_000_000);
        assert_eq!(parse("Sunday, 06-Nov-94 08:49:37 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse("Sunday, 06-Nov-94 08:49:37 GMT", UnixTime::from_secs(u64::MAX)), None);
    }

    #[test]
    fn waits_are_bounded_and_never_negative() {
        let now = UnixTime::from_secs(784_111_777);
        let wait = |text| parse(text, now).map(|d| d.as_secs());
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait(" 0 "), Some(0));
        assert_eq!(wait("100000000000000000000"), Some(86_400));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(wait("Sun, 06 Nov 1994 08:48:37 GMT"), Some(0));
        assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT"), Some(86_400));
        for bad in [
            "",
            "-1",
            "1.5",
            "soon",
            "+3",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
        ] {
            assert_eq!(wait(bad), None, "{bad}");
        }
    }
}
