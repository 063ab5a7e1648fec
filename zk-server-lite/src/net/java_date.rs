//! Points in time as Java prints them (`Date.toString`), in UTC.

use std::fmt;

/// Milliseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct JavaDate(pub(super) i64);

impl fmt::Display for JavaDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1000);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        // The epoch was a Thursday.
        let weekday = name(&WEEKDAYS, days.saturating_add(4).rem_euclid(7));
        let month = name(&MONTHS, month);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02} UTC {year}")
    }
}

/// Year, month (from 0) and day (from 1) of a day since the epoch.
///
/// A year is taken to begin in March, so that the odd day of a leap year comes last, and years are
/// counted in eras of 400, which are all alike.
const fn civil(days: i64) -> (i64, i64, i64) {
    // From the epoch back to the first of March of year 0.
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March have 31, 30, 31, 30, 31 days, and again.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let january_or_february = month >= 10;
    let month = (month + 2) % 12;
    (year + era * 400 + january_or_february as i64, month, day)
}

fn name(names: &[&'static str], index: i64) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("")
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_printed_as_java_prints_it() {
        for (millis, printed) in [
            (0, "Thu Jan 01 00:00:00 UTC 1970"),
            (-1, "Wed Dec 31 23:59:59 UTC 1969"),
            (951_782_400_000, "Tue Feb 29 00:00:00 UTC 2000"),
            (951_868_799_999, "Tue Feb 29 23:59:59 UTC 2000"),
            (951_868_800_000, "Wed Mar 01 00:00:00 UTC 2000"),
            (1_795_375_103_000, "Sun Nov 22 19:18:23 UTC 2026"),
            (4_107_542_400_000, "Mon Mar 01 00:00:00 UTC 2100"),
            (4_107_456_000_000, "Sun Feb 28 00:00:00 UTC 2100"),
        ] {
            assert_eq!(JavaDate(millis).to_string(), printed, "{millis}");
        }
    }
}
