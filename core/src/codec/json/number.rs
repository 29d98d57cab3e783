//! Numbers: RFC 8259 §6, and RFC 7519's dates.

use core::fmt;

use crate::time::UnixTime;

/// A checked JSON number, as it was sent.
#[derive(Clone, Copy)]
pub struct Number<'a>(&'a str);

/// A point in time as RFC 7519 §2 writes it: "A JSON numeric value representing
/// the number of seconds from 1970-01-01T00:00:00Z UTC until the specified
/// UTC date/time, ignoring leap seconds."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NumericDate {
    /// Whole seconds, at most [`UnixTime::LAST`].
    pub seconds: u64,
    /// Whether a part of a second that is not zero was cut off: the date lies
    /// between `seconds` and the second after it.
    pub fraction: bool,
}

impl<'a> Number<'a> {
    pub(super) const fn from_checked(text: &'a str) -> Self {
        Number(text)
    }

    /// The number as it was sent.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// The number, if it is written as an integer without sign, fraction or
    /// exponent and fits.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        self.0.bytes().try_fold(0, with_digit)
    }

    /// The number as a date: not negative, without an exponent, not beyond
    /// [`UnixTime::LAST`].
    ///
    /// RFC 7519 §2: "non-integer values can be represented".
    #[must_use]
    pub fn as_numeric_date(self) -> Option<NumericDate> {
        let mut seconds = 0;
        let mut fraction = false;
        let mut octets = self.0.bytes();
        while let Some(octet) = octets.next() {
            if octet != b'.' {
                seconds = with_digit(seconds, octet)?;
                continue;
            }
            for digit in octets.by_ref() {
                // An exponent hides here, if there is one.
                if !digit.is_ascii_digit() {
                    return None;
                }
                fraction |= digit != b'0';
            }
        }
        let last = UnixTime::LAST.0;
        if seconds > last || (seconds == last && fraction) {
            return None;
        }
        Some(NumericDate { seconds, fraction })
    }
}

/// A value with one more decimal digit.
fn with_digit(value: u64, octet: u8) -> Option<u64> {
    let digit = octet.checked_sub(b'0').filter(|digit| *digit < 10)?;
    value.checked_mul(10)?.checked_add(u64::from(digit))
}

impl fmt::Debug for Number<'_> {
    /// Not the digits: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(..)")
    }
}
