//! A real-time clock of the DS1307 and DS1338 family, over `embedded-hal`'s I2C.
//!
//! The registers are read by hand, for 1.0 KB of flash on a Cortex-M4. The crate
//! `ds1307` 0.6 does it with `chrono`, for 4.6 KB; it does not look at the
//! DS1338's flag of an oscillator that stopped, and takes digits that are none
//! (0x1F as 25), so that a disturbed bus gives a wrong time instead of none.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

use core::fmt;

use embedded_hal::i2c::{ErrorKind, I2c};
use smallgate_core::time::UnixTime;

/// A DS1307, a DS1338, or one that has the same registers.
#[derive(Debug)]
pub struct Rtc<B> {
    bus: B,
}

/// Why a real-time clock does not tell the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RtcError {
    /// Nobody answers at its address.
    Absent,
    /// The bus fails.
    Bus,
    /// It stood still: it was never set, or had no battery. What it shows is no
    /// time.
    TimeLost,
    /// What it shows is no time.
    Nonsense,
    /// It does not show this year: it has 2000 to 2099.
    Year,
}

const ADDRESS: u8 = 0x68;

/// Seconds, minutes, hours, day of the week, day, month, year, control.
const REGISTERS: usize = 8;

/// In the seconds: the oscillator is stopped.
const CLOCK_HALT: u8 = 0x80;
/// In the hours: 12 of them, with [`AFTERNOON`].
const TWELVE_HOURS: u8 = 0x40;
const AFTERNOON: u8 = 0x20;
/// The control register.
const CONTROL: u8 = 7;
/// In the control register of the DS1338: the oscillator was stopped. The
/// DS1307 has a zero there.
const STOPPED: u8 = 0x20;

/// 2000-01-01T00:00:00Z, where its years begin.
const BEGINNING: u32 = 946_684_800;

impl<B: I2c> Rtc<B> {
    /// The clock on this bus.
    pub const fn new(bus: B) -> Self {
        Rtc { bus }
    }

    /// The time, which is UTC.
    ///
    /// # Errors
    ///
    /// See [`RtcError`].
    pub fn read(&mut self) -> Result<UnixTime, RtcError> {
        let mut registers = [0; REGISTERS];
        self.bus
            .write_read(ADDRESS, &[0], &mut registers)
            .map_err(failed)?;
        let [seconds, minutes, hours, _weekday, day, month, year, control] = registers;
        if seconds & CLOCK_HALT != 0 || control & STOPPED != 0 {
            return Err(RtcError::TimeLost);
        }
        time([seconds, minutes, hours, day, month, year]).ok_or(RtcError::Nonsense)
    }

    /// Sets it, and starts it if it stood still.
    ///
    /// # Errors
    ///
    /// See [`RtcError`].
    pub fn set(&mut self, now: UnixTime) -> Result<(), RtcError> {
        let [seconds, minutes, hours, weekday, day, month, year] =
            registers(now).ok_or(RtcError::Year)?;
        let setting = [0, seconds, minutes, hours, weekday, day, month, year];
        self.bus.write(ADDRESS, &setting).map_err(failed)?;
        let mut control = [0];
        self.bus
            .write_read(ADDRESS, &[CONTROL], &mut control)
            .map_err(failed)?;
        let [control] = control;
        if control & STOPPED == 0 {
            return Ok(());
        }
        self.bus
            .write(ADDRESS, &[CONTROL, control & !STOPPED])
            .map_err(failed)
    }
}

fn failed<E: embedded_hal::i2c::Error>(error: E) -> RtcError {
    match error.kind() {
        ErrorKind::NoAcknowledge(_) => RtcError::Absent,
        _ => RtcError::Bus,
    }
}

/// Two decimal digits from `least` to `most`.
fn decimal(register: u8, least: u8, most: u8) -> Option<u32> {
    let (tens, ones) = (register >> 4, register & 0x0F);
    let value = tens.checked_mul(10)?.checked_add(ones)?;
    (ones < 10 && (least..=most).contains(&value)).then_some(value.into())
}

fn hour(register: u8) -> Option<u32> {
    if register & TWELVE_HOURS == 0 {
        return decimal(register, 0, 23);
    }
    let hour = decimal(register & !(TWELVE_HOURS | AFTERNOON), 1, 12)?;
    let afternoon = if register & AFTERNOON == 0 { 0 } else { 12 };
    // Twelve o'clock comes before one.
    hour.checked_rem(12)?.checked_add(afternoon)
}

fn time([seconds, minutes, hours, day, month, year]: [u8; 6]) -> Option<UnixTime> {
    let year = decimal(year, 0, 99)?;
    let month = decimal(month, 1, 12)?;
    let day = decimal(day, 1, days_of(month, year))?;
    let days = (0..year)
        .map(days_of_year)
        .chain((1..month).map(|month| days_of(month, year).into()))
        .fold(day.wrapping_sub(1), u32::wrapping_add);
    let hours = days.wrapping_mul(24).wrapping_add(hour(hours)?);
    let minutes = hours
        .wrapping_mul(60)
        .wrapping_add(decimal(minutes, 0, 59)?);
    let seconds = minutes
        .wrapping_mul(60)
        .wrapping_add(decimal(seconds, 0, 59)?);
    // The last one is in 2099, before 2³² seconds.
    Some(UnixTime(BEGINNING.wrapping_add(seconds).into()))
}

/// What the registers of seconds to year are at this time.
fn registers(now: UnixTime) -> Option<[u8; 7]> {
    let seconds = u32::try_from(now.0).ok()?.checked_sub(BEGINNING)?;
    let (minutes, second) = (seconds / 60, seconds % 60);
    let (hours, minute) = (minutes / 60, minutes % 60);
    let (days, hour) = (hours / 24, hours % 24);
    // 2000-01-01 was a Saturday; the clock just counts the weekdays from 1 to 7.
    let weekday = days.wrapping_add(6) % 7;
    let mut day = days;
    let mut year = 0;
    while day >= days_of_year(year) {
        day = day.wrapping_sub(days_of_year(year));
        year = year.checked_add(1).filter(|year| *year < 100)?;
    }
    let mut month = 1;
    while day >= days_of(month, year).into() {
        day = day.wrapping_sub(days_of(month, year).into());
        month = month.checked_add(1).filter(|month| *month <= 12)?;
    }
    let [day, weekday] = [day, weekday].map(|from_zero| from_zero.wrapping_add(1));
    Some([second, minute, hour, weekday, day, month, year].map(digits))
}

/// A number below 100 in two decimal digits.
fn digits(value: u32) -> u8 {
    let [digits, ..] = (((value / 10) << 4) | (value % 10)).to_le_bytes();
    digits
}

/// From 2000 to 2099 every fourth year is a leap year.
const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4)
}

const fn days_of_year(year: u32) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

const fn days_of(month: u32, year: u32) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for RtcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RtcError::Absent => "there is no real-time clock",
            RtcError::Bus => "the real-time clock's bus fails",
            RtcError::TimeLost => "the real-time clock stood still",
            RtcError::Nonsense => "the real-time clock shows no time",
            RtcError::Year => "the real-time clock does not show this year",
        })
    }
}

impl core::error::Error for RtcError {}
