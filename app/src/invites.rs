//! What the faces offer when an invitation is made: for how long, and for how many people.

use std::time::{SystemTime, UNIX_EPOCH};

const HOUR_S: u64 = 60 * 60;
const DAY_S: u64 = 24 * HOUR_S;

/// For how long an invitation is good if nothing else is asked for, in seconds.
pub const EXPIRY_DEFAULT_S: u64 = 7 * DAY_S;

/// Now, in Unix milliseconds.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// For how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expiry {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week.
    #[default]
    Week,
    /// Until it is taken back.
    Never,
}

impl Expiry {
    /// All that is offered, the shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Never];

    /// Until when, if it begins now; `None` for ever.
    pub fn until_ms(self, now_ms: u64) -> Option<u64> {
        let seconds = match self {
            Self::Hour => HOUR_S,
            Self::Day => DAY_S,
            Self::Week => EXPIRY_DEFAULT_S,
            Self::Never => return None,
        };
        Some(now_ms + seconds * 1000)
    }

    /// The id of its words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Hour => "expiry-hour",
            Self::Day => "expiry-day",
            Self::Week => "expiry-week",
            Self::Never => "expiry-never",
        }
    }
}

/// For how many people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Uses {
    /// One.
    #[default]
    One,
    /// Ten.
    Ten,
    /// Whoever has it.
    Any,
}

impl Uses {
    /// All that is offered.
    pub const ALL: [Self; 3] = [Self::One, Self::Ten, Self::Any];

    /// How many; `None` for any number.
    pub fn count(self) -> Option<u32> {
        match self {
            Self::One => Some(1),
            Self::Ten => Some(10),
            Self::Any => None,
        }
    }

    /// The id of its words.
    pub fn words(self) -> &'static str {
        match self {
            Self::One => "uses-one",
            Self::Ten => "uses-ten",
            Self::Any => "uses-any",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_good_for_as_long_as_it_says() {
        let hours: Vec<_> = Expiry::ALL.map(|expiry| expiry.until_ms(0)).to_vec();
        assert_eq!(hours, [Some(3_600_000), Some(86_400_000), Some(604_800_000), None]);
    }
}
