//! Times as a person in one place reads them. Words for days and months are the faces' business.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// Now, here. It comes in as an argument, so that pictures and tests stand still.
#[derive(Debug, Clone)]
pub struct Clock {
    now: Timestamp,
    zone: TimeZone,
}

/// Days for which a weekday's name is clear: a week ago has the same name as today.
const WEEKDAY_IS_CLEAR_DAYS: i32 = 6;

/// A moment in the past, as exactly as a list has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Today at this time.
    Time(Time),
    /// In the last days: the weekday tells which.
    Weekday(Date),
    /// This year.
    Day(Date),
    /// Longer ago.
    Year(Date),
}

impl Clock {
    /// The clock on the wall of `zone`.
    pub fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now, zone }
    }

    /// The clock on this computer's wall.
    pub fn local() -> Self {
        Self::new(Timestamp::now(), TimeZone::system())
    }

    /// Now, in Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.now.as_millisecond()).unwrap_or(0)
    }

    /// Where it hangs.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The day and time of a Unix time in milliseconds. Times no calendar knows become its last.
    pub fn civil(&self, ms: u64) -> (Date, Time) {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        let zoned = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX).to_zoned(self.zone.clone());
        (zoned.date(), zoned.time())
    }

    /// Today.
    pub fn today(&self) -> Date {
        self.now.to_zoned(self.zone.clone()).date()
    }

    /// A Unix time in milliseconds, as exactly as a list has room for.
    pub fn moment(&self, ms: u64) -> Moment {
        let (date, time) = self.civil(ms);
        let today = self.today();
        let days = today.since(date).map_or(i32::MAX, |span| span.get_days());
        match days {
            // A clock that is a little ahead says "today" too.
            ..=0 => Moment::Time(time),
            1..=WEEKDAY_IS_CLEAR_DAYS => Moment::Weekday(date),
            _ if date.year() == today.year() => Moment::Day(date),
            _ => Moment::Year(date),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn clock() -> Clock {
        let zone = TimeZone::get("Europe/Lisbon").unwrap();
        let now = date(2026, 11, 21).at(14, 10, 0, 0).to_zoned(zone.clone()).unwrap();
        Clock::new(now.timestamp(), zone)
    }

    fn ms(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_millisecond() as u64
    }

    #[test]
    fn nearer_moments_are_told_more_exactly() {
        let clock = clock();
        assert_eq!(clock.moment(ms("2026-11-21T00:01:00Z")), Moment::Time(jiff::civil::time(0, 1, 0, 0)));
        assert_eq!(clock.moment(ms("2026-11-20T23:59:00Z")), Moment::Weekday(date(2026, 11, 20)));
        assert_eq!(clock.moment(ms("2026-11-15T12:00:00Z")), Moment::Weekday(date(2026, 11, 15)));
        assert_eq!(clock.moment(ms("2026-11-14T12:00:00Z")), Moment::Day(date(2026, 11, 14)));
        assert_eq!(clock.moment(ms("2025-11-21T12:00:00Z")), Moment::Year(date(2025, 11, 21)));
    }

    #[test]
    fn a_time_is_told_in_the_zone_of_the_reader() {
        // Lisbon keeps summer time in July.
        assert_eq!(clock().civil(ms("2026-07-01T23:30:00Z")).0, date(2026, 7, 2));
    }

    #[test]
    fn a_clock_far_ahead_does_no_harm() {
        assert!(matches!(clock().moment(u64::MAX), Moment::Time(_)));
    }
}
