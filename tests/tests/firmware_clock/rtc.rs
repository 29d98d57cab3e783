//! A real-time clock, by a model of its registers.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_hal::i2c::{self, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use smallgate_core::time::UnixTime;
use smallgate_firmware::clock::TrustedClock;
use smallgate_firmware::rtc::{Rtc, RtcError};

use crate::trust::{DAY, MADE, RTC, START, sntp, unset};

/// A DS1338 as its datasheet has it: a pointer that a write sets and that goes
/// round, and its registers.
#[derive(Clone)]
pub(crate) struct Chip(pub(crate) Rc<RefCell<Registers>>);

pub(crate) struct Registers {
    pub(crate) octets: [u8; 64],
    pointer: usize,
    pub(crate) fault: Option<ErrorKind>,
}

#[derive(Debug)]
pub(crate) struct Fault(ErrorKind);

impl i2c::Error for Fault {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

impl ErrorType for Chip {
    type Error = Fault;
}

impl I2c for Chip {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Fault> {
        let mut chip = self.0.borrow_mut();
        if let Some(kind) = chip.fault {
            return Err(Fault(kind));
        }
        if address != 0x68 {
            let nobody = NoAcknowledgeSource::Address;
            return Err(Fault(ErrorKind::NoAcknowledge(nobody)));
        }
        for operation in operations {
            match operation {
                Operation::Write(octets) => {
                    let (pointer, values) = octets.split_first().unwrap();
                    chip.pointer = usize::from(*pointer);
                    for value in values {
                        let at = chip.pointer % 64;
                        // A stopped oscillator's flag can only be cleared.
                        chip.octets[at] = match at {
                            7 => value & (chip.octets[7] | !0x20),
                            _ => *value,
                        };
                        chip.pointer += 1;
                    }
                }
                Operation::Read(octets) => {
                    for octet in octets.iter_mut() {
                        *octet = chip.octets[chip.pointer % 64];
                        chip.pointer += 1;
                    }
                }
            }
        }
        Ok(())
    }
}

/// 2026-11-22T19:47:53Z, a Sunday, with the control register as it is after
/// power came and the flag was cleared.
pub(crate) const SHOWN: [u8; 8] = [0x53, 0x47, 0x19, 0x01, 0x22, 0x11, 0x26, 0x93];
pub(crate) const SHOWN_TIME: UnixTime = UnixTime(MADE.0 + 19 * 3600 + 47 * 60 + 53);

pub(crate) fn chip(registers: [u8; 8]) -> Chip {
    let mut octets = [0xEE; 64];
    octets[..8].copy_from_slice(&registers);
    Chip(Rc::new(RefCell::new(Registers {
        octets,
        pointer: 33,
        fault: None,
    })))
}

fn read(registers: [u8; 8]) -> Result<UnixTime, RtcError> {
    Rtc::new(chip(registers)).read()
}

/// What the chip shows with one register changed.
fn with(register: usize, value: u8) -> Result<UnixTime, RtcError> {
    let mut registers = SHOWN;
    registers[register] = value;
    read(registers)
}

#[test]
fn a_real_time_clock_is_read() {
    assert_eq!(read(SHOWN), Ok(SHOWN_TIME));
    for (registers, time) in [
        // 2000-01-01T00:00:00Z
        ([0x00, 0x00, 0x00, 7, 0x01, 0x01, 0x00, 0], 946_684_800),
        // 2024-02-29T12:30:00Z
        ([0x00, 0x30, 0x12, 5, 0x29, 0x02, 0x24, 0], 1_709_209_800),
        // 2038-01-19T03:14:08Z
        ([0x08, 0x14, 0x03, 3, 0x19, 0x01, 0x38, 0], 2_147_483_648),
        // 2099-12-31T23:59:59Z
        ([0x59, 0x59, 0x23, 5, 0x31, 0x12, 0x99, 0], 4_102_444_799),
    ] {
        assert_eq!(read(registers), Ok(UnixTime(time)), "{registers:x?}");
    }
}

#[test]
fn a_clock_of_12_hours_is_read() {
    let midnight = MADE.0 + 47 * 60 + 53;
    for (hours, hour) in [
        (0x52, 0), // 12 AM
        (0x41, 1),
        (0x49, 9),
        (0x51, 11),
        (0x72, 12), // 12 PM
        (0x61, 13),
        (0x71, 23),
    ] {
        let expected = UnixTime(midnight + hour * 3600);
        assert_eq!(with(2, hours), Ok(expected), "{hours:#x}");
    }
}

#[test]
fn r40_a_clock_that_stood_still_has_no_time() {
    // CH, as a DS1307 has it after its first power.
    assert_eq!(with(0, 0x53 | 0x80), Err(RtcError::TimeLost));
    assert_eq!(
        read([0x80, 0, 0, 1, 1, 1, 0, 0x03]),
        Err(RtcError::TimeLost)
    );
    // OSF, as a DS1338 has it.
    assert_eq!(with(7, 0x93 | 0x20), Err(RtcError::TimeLost));
    // Both flags are lost, and what is shown is nonsense as well.
    assert_eq!(read([0xFF; 8]), Err(RtcError::TimeLost));
}

#[test]
fn r40_nonsense_is_no_time() {
    for (register, values) in [
        // Digits that are none, and numbers that are too large.
        (0, &[0x5A, 0x0F, 0x60, 0x7F][..]),
        (1, &[0x4A, 0x60, 0x80, 0xFF]),
        // 24 h; 12 h: 0, 13, with a digit that is none; and an unused bit.
        (2, &[0x24, 0x1A, 0x30, 0x40, 0x53, 0x4A, 0x73, 0x99, 0xC1]),
        (4, &[0x00, 0x31, 0x32, 0x1A, 0x40, 0x62]),
        // The top bit: a century that this family does not have.
        (5, &[0x00, 0x13, 0x0A, 0x91, 0x31]),
        (6, &[0xA0, 0x0A, 0xFF]),
    ] {
        for value in values {
            assert_eq!(
                with(register, *value),
                Err(RtcError::Nonsense),
                "register {register}: {value:#x}"
            );
        }
    }
    assert_eq!(read([0; 8]), Err(RtcError::Nonsense), "day and month 0");
}

#[test]
fn a_month_has_its_days() {
    let on = |day, month, year| read([0, 0, 0, 1, day, month, year, 0]);
    for (month, days) in [
        (0x01, 0x31),
        (0x02, 0x28),
        (0x03, 0x31),
        (0x04, 0x30),
        (0x05, 0x31),
        (0x06, 0x30),
        (0x07, 0x31),
        (0x08, 0x31),
        (0x09, 0x30),
        (0x10, 0x31),
        (0x11, 0x30),
        (0x12, 0x31),
    ] {
        assert!(on(days, month, 0x26).is_ok(), "{days:x} {month:x}");
        // 0x29 and 1 are no digits, but nothing is beyond 0x31 either way.
        let next = if days & 0x0F == 9 { 0x30 } else { days + 1 };
        assert_eq!(on(next, month, 0x26), Err(RtcError::Nonsense));
    }
    assert!(on(0x29, 0x02, 0x24).is_ok());
    assert!(on(0x29, 0x02, 0x00).is_ok());
    assert_eq!(on(0x30, 0x02, 0x24), Err(RtcError::Nonsense));
}

#[test]
fn r40_a_bus_that_fails_tells_no_time() {
    for (kind, expected) in [
        (
            ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address),
            RtcError::Absent,
        ),
        (
            ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown),
            RtcError::Absent,
        ),
        (ErrorKind::Bus, RtcError::Bus),
        (ErrorKind::ArbitrationLoss, RtcError::Bus),
        (ErrorKind::Other, RtcError::Bus),
    ] {
        let chip = chip(SHOWN);
        chip.0.borrow_mut().fault = Some(kind);
        let mut rtc = Rtc::new(chip.clone());
        assert_eq!(rtc.read(), Err(expected));
        assert_eq!(rtc.set(START), Err(expected));
        // And when it works again, it does.
        chip.0.borrow_mut().fault = None;
        assert_eq!(rtc.read(), Ok(SHOWN_TIME));
    }
}

#[test]
fn setting_starts_a_clock_that_stood_still() {
    let chip = chip([0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xB3]);
    let mut rtc = Rtc::new(chip.clone());
    assert_eq!(rtc.read(), Err(RtcError::TimeLost));
    rtc.set(SHOWN_TIME).unwrap();
    assert_eq!(rtc.read(), Ok(SHOWN_TIME));
    // The rest of the control register is whoever's it was, and so is the RAM.
    let octets = chip.0.borrow().octets;
    assert_eq!(octets[..8], SHOWN);
    assert!(octets[8..].iter().all(|octet| *octet == 0xEE));
}

#[test]
fn years_that_the_clock_does_not_have_are_not_set() {
    let chip = chip(SHOWN);
    let mut rtc = Rtc::new(chip.clone());
    for time in [0, 946_684_799, 4_102_444_800, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(rtc.set(UnixTime(time)), Err(RtcError::Year), "{time}");
    }
    assert_eq!(chip.0.borrow().octets[..8], SHOWN);
}

/// The date of a day after 1970-01-01, counted day by day.
struct Calendar {
    year: u32,
    month: u32,
    day: u32,
}

impl Calendar {
    fn next(&mut self) {
        // In this century.
        let february = if self.year.is_multiple_of(4) { 29 } else { 28 };
        let days = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        self.day += 1;
        if self.day > days[self.month as usize - 1] {
            self.day = 1;
            self.month += 1;
        }
        if self.month > 12 {
            self.month = 1;
            self.year += 1;
        }
    }
}

#[test]
fn every_day_of_the_century_is_set_and_read() {
    let bcd = |number: u32| u8::from_str_radix(&number.to_string(), 16).unwrap();
    let mut date = Calendar {
        year: 2000,
        month: 1,
        day: 1,
    };
    let mut midnight = 946_684_800;
    let chip = chip(SHOWN);
    let mut rtc = Rtc::new(chip.clone());
    while date.year < 2100 {
        let time = UnixTime(midnight + midnight / DAY * 7919 % DAY);
        rtc.set(time).unwrap();
        assert_eq!(rtc.read(), Ok(time));
        let octets = chip.0.borrow().octets;
        let expected = [bcd(date.day), bcd(date.month), bcd(date.year - 2000)];
        assert_eq!(octets[4..7], expected, "{time}");
        // 1970-01-01 was a Thursday; 1 is Sunday here.
        assert_eq!(u64::from(octets[3]), (midnight / DAY + 4) % 7 + 1);
        date.next();
        midnight += DAY;
    }
    assert_eq!(midnight, 4_102_444_800);
}

#[test]
fn r40_every_value_of_every_register_is_a_number_or_nonsense() {
    for (register, least, most) in [
        (0, 0, 59),
        (1, 0, 59),
        (2, 0, 23),
        (4, 1, 30),
        (5, 1, 12),
        (6, 0, 99),
    ] {
        let mut good = 0;
        for value in 0..=255_u8 {
            if matches!((register, value), (0, 0x80..) | (2, _) if value & 0xC0 != 0) {
                // Halted, or in 12 hours: see there.
                continue;
            }
            let number = format!("{value:x}").parse::<u8>();
            let is_number = number.is_ok_and(|number| (least..=most).contains(&number));
            assert_eq!(
                with(register, value).is_ok(),
                is_number,
                "register {register}: {value:#x}"
            );
            good += u32::from(is_number);
        }
        assert_eq!(good, u32::from(most - least) + 1);
    }
}

#[test]
fn a_board_with_a_battery_knows_the_time_and_one_without_does_not() {
    // What a board does at its start and every minute.
    let ask = |rtc: &mut Rtc<Chip>, clock: &TrustedClock, at: u64| {
        if let Ok(time) = rtc.read() {
            let _told_to_the_log = clock.synchronise(RTC, time, at);
        }
    };
    let clock = unset();
    ask(&mut Rtc::new(chip(SHOWN)), &clock, 5);
    assert_eq!(clock.now(5), Some(SHOWN_TIME));

    let clock = unset();
    let lost = chip([0x80, 0, 0, 1, 1, 1, 0, 0]);
    let mut rtc = Rtc::new(lost);
    ask(&mut rtc, &clock, 5);
    assert_eq!(clock.now(5), None);
    // A server tells the time; the clock is set, and knows it at the next start.
    clock.synchronise(sntp(1), SHOWN_TIME, 9000).unwrap();
    rtc.set(clock.now(9000).unwrap()).unwrap();
    let restarted = unset();
    ask(&mut rtc, &restarted, 5);
    assert_eq!(restarted.now(5), Some(SHOWN_TIME));
}
