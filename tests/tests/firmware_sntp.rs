//! SNTP, message by message (R40): what is sent, what is taken for an answer,
//! when a server is asked again, and what becomes of a real-time clock.

use proptest::prelude::*;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::clock::{TimeRefused, TimeSource, TrustedClock};
use smallgate_firmware::sntp::{Question, SIZE, Schedule, SntpError, Told};

const NONCE: [u8; 8] = *b"\x01\xF2\x03\xF4\x05\xF6\x07\xF8";
/// 1970-01-01 in NTP's seconds (RFC 5905, figure 4).
const EPOCH: u32 = 2_208_988_800;
/// 2026-01-01T00:00:00Z.
const NEW_YEAR: u32 = 1_767_225_600;

/// The fields of a message (RFC 4330 §4), those that matter by name.
#[derive(Clone, Copy)]
struct Message {
    leap: u8,
    version: u8,
    mode: u8,
    stratum: u8,
    root_delay: u32,
    root_dispersion: u32,
    identifier: [u8; 4],
    reference: u64,
    originate: [u8; 8],
    transmit: u64,
}

/// A server's answer, which is right.
const GOOD: Message = Message {
    leap: 0,
    version: 4,
    mode: 4,
    stratum: 2,
    root_delay: 0,
    root_dispersion: 0,
    identifier: [192, 0, 2, 1],
    reference: stamp(NEW_YEAR - 64, 0),
    originate: NONCE,
    transmit: stamp(NEW_YEAR, 0),
};

/// NTP's timestamp of a Unix time and a fraction, over the end of 2036's era.
const fn stamp(seconds: u32, fraction: u32) -> u64 {
    (seconds.wrapping_add(EPOCH) as u64) << 32 | fraction as u64
}

impl Message {
    fn octets(&self) -> Vec<u8> {
        let first = self.leap << 6 | self.version << 3 | self.mode;
        // The poll interval and the precision are nobody's concern.
        let mut octets = vec![first, self.stratum, 6, 0xEC];
        octets.extend(self.root_delay.to_be_bytes());
        octets.extend(self.root_dispersion.to_be_bytes());
        octets.extend(self.identifier);
        octets.extend(self.reference.to_be_bytes());
        octets.extend(self.originate);
        octets.extend(self.transmit.to_be_bytes());
        octets.extend(self.transmit.to_be_bytes());
        octets
    }

    fn read_after(&self, took: u32) -> Result<Told, SntpError> {
        Question::new(NONCE).answer(&self.octets(), took)
    }

    fn read(&self) -> Result<Told, SntpError> {
        self.read_after(0)
    }
}

fn time(seconds: u32) -> UnixTime {
    UnixTime(seconds.into())
}

/// "the Mode, VN, and optional Transmit Timestamp fields": RFC 4330 §5.
#[test]
fn a_question_is_version_4_a_client_and_octets_that_nobody_guesses() {
    let octets = Question::new(NONCE).octets();
    assert_eq!(octets.len(), 48);
    assert_eq!(octets[0], 0b00_100_011);
    assert_eq!(octets[1..40], [0; 39]);
    assert_eq!(octets[40..], NONCE);
}

#[test]
fn an_answer_tells_the_time() {
    let told = GOOD.read();
    let expected = Told {
        time: time(NEW_YEAR),
        passed: 0,
        uncertainty: Seconds(1),
    };
    assert_eq!(told, Ok(expected));
    // A server of an older version, and any that has the time.
    for version in 1..=4 {
        assert_eq!(Message { version, ..GOOD }.read(), Ok(expected));
    }
    for stratum in 1..=15 {
        assert_eq!(Message { stratum, ..GOOD }.read(), Ok(expected));
    }
    // A leap second is about to come; the server's reference is not known.
    for leap in 1..=2 {
        assert_eq!(Message { leap, ..GOOD }.read(), Ok(expected));
    }
    let reference = 0;
    assert_eq!(Message { reference, ..GOOD }.read(), Ok(expected));
    // Extensions and an authenticator follow.
    let mut long = GOOD.octets();
    long.extend([0xA5; 20]);
    assert_eq!(Question::new(NONCE).answer(&long, 0), Ok(expected));
}

#[test]
fn the_answer_was_underway_for_half_of_what_it_took() {
    let half = Message {
        transmit: stamp(NEW_YEAR, 1 << 31),
        ..GOOD
    };
    let told = half.read_after(0).unwrap();
    assert_eq!((told.time, told.passed / 10), (time(NEW_YEAR), 49));
    let told = half.read_after(900).unwrap();
    assert_eq!((told.time, told.passed / 10), (time(NEW_YEAR), 94));
    let told = half.read_after(1100).unwrap();
    assert_eq!((told.time, told.passed / 10), (time(NEW_YEAR + 1), 4));
    let told = half.read_after(5000).unwrap();
    assert_eq!((told.time, told.passed / 10), (time(NEW_YEAR + 2), 99));
}

#[test]
fn uncertainty_is_the_servers_distance_and_half_of_the_way() {
    let uncertainty = |root_delay, root_dispersion, took| {
        let message = Message {
            root_delay,
            root_dispersion,
            ..GOOD
        };
        message.read_after(took).unwrap().uncertainty
    };
    const SECOND: u32 = 1 << 16;
    assert_eq!(uncertainty(0, 0, 0), Seconds(1));
    assert_eq!(uncertainty(SECOND, 0, 900), Seconds(1));
    assert_eq!(uncertainty(SECOND, 0, 1000), Seconds(2));
    assert_eq!(uncertainty(2 * SECOND, 0, 0), Seconds(2));
    assert_eq!(uncertainty(0, 3 * SECOND, 4000), Seconds(6));
    assert_eq!(uncertainty(0, 16 * SECOND - 1, 5000), Seconds(19));
}

#[test]
fn a_forged_answer_is_none() {
    let foreign = Err(SntpError::Foreign);
    // Another question's, the first one's that has no such field, one bit off.
    for originate in [[0; 8], [0xFF; 8], [7; 8]] {
        assert_eq!(Message { originate, ..GOOD }.read(), foreign);
    }
    for bit in 0..64 {
        let mut originate = NONCE;
        originate[bit / 8] ^= 1 << (bit % 8);
        let forged = Message { originate, ..GOOD };
        assert_eq!(forged.read(), foreign);
        // Nor does a kiss-o'-death that is forged end anything.
        let kiss = Message {
            stratum: 0,
            identifier: *b"DENY",
            ..forged
        };
        assert_eq!(kiss.read(), foreign);
    }
}

#[test]
fn what_is_no_servers_answer_is_none() {
    let foreign = Err(SntpError::Foreign);
    for mode in [0, 1, 2, 3, 5, 6, 7] {
        assert_eq!(Message { mode, ..GOOD }.read(), foreign);
    }
    for version in [0, 5, 6, 7] {
        assert_eq!(Message { version, ..GOOD }.read(), foreign);
    }
    let octets = GOOD.octets();
    for length in 0..SIZE {
        let question = Question::new(NONCE);
        assert_eq!(question.answer(&octets[..length], 0), foreign);
    }
    // The question itself, come back.
    let question = Question::new(NONCE);
    assert_eq!(question.answer(&question.octets(), 0), foreign);
}

#[test]
fn a_server_that_does_not_know_the_time_is_refused() {
    let unsynchronised = Err(SntpError::Unsynchronised);
    assert_eq!(Message { leap: 3, ..GOOD }.read(), unsynchronised);
    for stratum in 16..=255 {
        assert_eq!(Message { stratum, ..GOOD }.read(), unsynchronised);
    }
    for (root_delay, root_dispersion) in [
        (0, 16 << 16),
        (32 << 16, 0),
        (16 << 16, 8 << 16),
        (0, u32::MAX),
        (u32::MAX, u32::MAX),
        // It is signed.
        (-1_i32 as u32, 0),
    ] {
        let message = Message {
            root_delay,
            root_dispersion,
            ..GOOD
        };
        assert_eq!(message.read(), unsynchronised);
    }
}

#[test]
fn an_answer_that_contradicts_itself_is_refused() {
    let nonsense = Err(SntpError::Nonsense);
    assert_eq!(
        Message {
            transmit: 0,
            ..GOOD
        }
        .read(),
        nonsense
    );
    for ahead in [1, 64, 1 << 30] {
        let reference = stamp(NEW_YEAR + ahead, 0);
        assert_eq!(Message { reference, ..GOOD }.read(), nonsense);
    }
}

#[test]
fn a_kiss_o_death_is_obeyed() {
    // With and without the leap indicator that RFC 4330 §8 has them have.
    for leap in [0, 3] {
        for (code, expected) in [
            (b"DENY", SntpError::Denied),
            (b"RSTR", SntpError::Denied),
            (b"RATE", SntpError::Rate),
            (b"INIT", SntpError::Unsynchronised),
            (b"STEP", SntpError::Unsynchronised),
            (b"XABC", SntpError::Unsynchronised),
            (b"\0\0\0\0", SntpError::Unsynchronised),
        ] {
            let kiss = Message {
                leap,
                stratum: 0,
                identifier: *code,
                ..GOOD
            };
            assert_eq!(kiss.read(), Err(expected));
        }
    }
}

/// Seconds begin anew in February 2036, within the life of an image of today.
#[test]
fn the_time_goes_on_after_2036() {
    for seconds in [NEW_YEAR, 2_085_978_495, 2_085_978_497, 4_070_908_800] {
        let message = Message {
            reference: stamp(seconds - 64, 0),
            transmit: stamp(seconds, 0),
            ..GOOD
        };
        assert_eq!(message.read().map(|told| told.time), Ok(time(seconds)));
    }
}

#[test]
fn r40_an_answer_from_1970_or_2099_leaves_the_clock_unset() {
    let clock = TrustedClock::new(time(NEW_YEAR), UnixTime(0));
    for (seconds, refused) in [
        (0, TimeRefused::TooEarly),
        (4_070_908_800, TimeRefused::TooLate),
    ] {
        let message = Message {
            reference: 0,
            transmit: stamp(seconds, 0),
            ..GOOD
        };
        let told = message.read().unwrap();
        assert_eq!(told.time, time(seconds));
        let source = TimeSource::Sntp {
            uncertainty: told.uncertainty,
        };
        assert_eq!(clock.synchronise(source, told.time, 0), Err(refused));
        assert_eq!(clock.now(0), None);
    }
}

/// Waits in seconds after each outcome, without their spreading.
fn waits(outcomes: &[Result<(), SntpError>]) -> Vec<u32> {
    let mut schedule = Schedule::new();
    let waits = outcomes.iter();
    waits
        .map_while(|outcome| schedule.next(*outcome, 0))
        .map(|wait| {
            assert_eq!(wait % 1000, 0);
            wait / 1000
        })
        .collect()
}

const SILENT: Result<(), SntpError> = Err(SntpError::Silent);

#[test]
fn a_server_is_asked_every_16_minutes() {
    assert_eq!(waits(&[Ok(()), Ok(()), Ok(())]), [960, 960, 960]);
}

/// RFC 4330 §10: 15 seconds at least, and exponential backoff.
#[test]
fn a_server_that_is_silent_is_asked_less_and_less_often() {
    let expected = [15, 30, 60, 120, 240, 480, 960, 960, 960];
    assert_eq!(waits(&[SILENT; 9]), expected);
    // And anew, once it has answered.
    let outcomes = [SILENT, SILENT, Ok(()), SILENT, SILENT];
    assert_eq!(waits(&outcomes), [15, 30, 960, 15, 30]);
}

/// RFC 5905 §7.4.
#[test]
fn a_server_that_is_asked_too_often_is_asked_half_as_often_from_then_on() {
    let rate = Err(SntpError::Rate);
    let outcomes = [Ok(()), rate, Ok(()), rate, SILENT, Ok(())];
    assert_eq!(waits(&outcomes), [960, 1920, 1920, 3840, 15, 3840]);
    let most = waits(&[rate; 40]);
    assert_eq!(most.last(), Some(&(1 << 17)));
}

#[test]
fn a_server_that_denies_is_not_asked_again() {
    let denied = Err(SntpError::Denied);
    assert_eq!(waits(&[Ok(()), denied, Ok(())]), [960]);
}

#[test]
fn clients_are_spread_over_an_eighth_of_the_time() {
    let wait = |random| Schedule::new().next(Ok(()), random).unwrap();
    let mut all: Vec<u32> = (0..=255).map(wait).collect();
    assert_eq!(all.first(), Some(&960_000));
    assert_eq!(all.last(), Some(&(960 * 1127)));
    all.dedup();
    assert_eq!(all.len(), 128);
}

proptest! {
    /// Whatever comes is read without a panic, and nothing is taken that does
    /// not have the question's octets.
    #[test]
    fn octets_of_any_kind(mut octets in prop::collection::vec(any::<u8>(), 0..100), took: u32, ours: bool) {
        if ours && let Some(place) = octets.get_mut(24..32) {
            place.copy_from_slice(&NONCE);
        }
        let read = Question::new(NONCE).answer(&octets, took);
        if octets.get(24..32) != Some(&NONCE) {
            prop_assert_eq!(read, Err(SntpError::Foreign));
        }
        if let Ok(told) = read {
            prop_assert!(told.passed < 1000);
            prop_assert!(told.uncertainty >= Seconds(1));
        }
    }

    /// The time is what was sent, and what half of the way took.
    #[test]
    fn times_of_any_kind(seconds: u32, fraction: u32, took in 0_u32..5000) {
        prop_assume!((seconds.wrapping_add(EPOCH), fraction) != (0, 0));
        let message = Message { reference: 0, transmit: stamp(seconds, fraction), ..GOOD };
        let told = message.read_after(took).unwrap();
        let expected = u64::from(seconds) * 1000
            + ((u64::from(fraction) * 1000) >> 32)
            + u64::from(took / 2);
        let read = told.time.0 * 1000 + u64::from(told.passed);
        prop_assert!(expected.abs_diff(read) <= 1, "{} {}", expected, read);
    }
}
