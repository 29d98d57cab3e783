//! Points in time and lengths of time, in whole seconds.

use core::fmt;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted: the
/// `NumericDate` of RFC 7519 §2, in 64 bits throughout.
///
/// The core knows no clock: a caller passes `Option<UnixTime>`, and `None` is a
/// clock that has not been set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// 9999-12-31T23:59:59Z: no token, record or claim goes beyond it.
    pub const LAST: UnixTime = UnixTime(253_402_300_799);

    /// This moment and `length` more, never past [`UnixTime::LAST`].
    #[must_use]
    // Not inlined: 64 bits are two registers, and this is called from everywhere.
    #[inline(never)]
    pub const fn plus(self, length: Seconds) -> UnixTime {
        let sum = self.0.saturating_add(length.0 as u64);
        if sum > Self::LAST.0 {
            Self::LAST
        } else {
            UnixTime(sum)
        }
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: UnixTime) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A length of time in seconds, up to 136 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Seconds(pub u32);

impl Seconds {
    /// `days` times 86,400 seconds, at most `u32::MAX` seconds.
    #[must_use]
    pub const fn days(days: u32) -> Seconds {
        Seconds(days.saturating_mul(86_400))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Seconds, UnixTime};

    #[test]
    fn no_sum_is_past_the_last_second() {
        let last = UnixTime::LAST;
        assert_eq!(UnixTime(last.0 - 3).plus(Seconds(2)), UnixTime(last.0 - 1));
        assert_eq!(UnixTime(last.0 - 2).plus(Seconds(2)), last);
        for late in [last.0 - 1, last.0, last.0 + 1, u64::MAX] {
            assert_eq!(UnixTime(late).plus(Seconds(2)), last, "{late}");
        }
    }
}
