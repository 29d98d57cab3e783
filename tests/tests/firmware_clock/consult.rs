//! A gateway between its real-time clock and a server: who sets whom.

use std::cell::Cell;

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use smallgate_core::time::UnixTime;
use smallgate_firmware::clock::{Correction, TimeRefused};
use smallgate_firmware::entropy::{EntropyFailed, EntropySource, Generator};
use smallgate_firmware::http::Surroundings;
use smallgate_firmware::rtc::{Rtc, RtcError};
use smallgate_firmware::vitals::{Consulted, Vitals};

use crate::rtc::{Chip, SHOWN, SHOWN_TIME, chip};
use crate::trust::{DAY, sntp, unset};

thread_local! {
    static UPTIME: Cell<u64> = const { Cell::new(0) };
}

fn at(uptime: u64) {
    UPTIME.set(uptime);
}

/// Nothing here needs any.
struct NoEntropy;

impl EntropySource for NoEntropy {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyFailed> {
        Err(EntropyFailed::NoOctets)
    }
}

/// A gateway that has just started.
fn started() -> Vitals<NoEntropy> {
    at(0);
    let generator = Generator::start(NoEntropy, b"");
    Vitals::new(unset(), generator, || UPTIME.get(), |_, _| ())
}

/// A DS1307 after its first power.
const LOST: [u8; 8] = [0x80, 0, 0, 1, 1, 1, 0, 0x03];

const NOTHING: Consulted = Consulted {
    told: None,
    failed: None,
    set: None,
};

fn fail(chip: &Chip, kind: Option<ErrorKind>) {
    chip.0.borrow_mut().fault = kind;
}

#[test]
fn a_real_time_clock_tells_the_time_at_the_start() {
    let vitals = started();
    let mut rtc = Rtc::new(chip(SHOWN));
    let told = |taken| Consulted {
        told: Some((SHOWN_TIME, taken)),
        ..NOTHING
    };
    assert_eq!(vitals.consult(&mut rtc), told(Ok(Correction::First)));
    assert_eq!(vitals.now(), Some(SHOWN_TIME));
    assert_eq!(vitals.consult(&mut rtc), told(Ok(Correction::Agrees)));
}

#[test]
fn a_real_time_clock_that_stood_still_is_set_by_a_servers_time() {
    let vitals = started();
    let chip = chip(LOST);
    let mut rtc = Rtc::new(chip.clone());
    let lost = Consulted {
        failed: Some(RtcError::TimeLost),
        ..NOTHING
    };
    assert_eq!(vitals.consult(&mut rtc), lost);
    // It is told once.
    assert_eq!(vitals.consult(&mut rtc), NOTHING);
    assert_eq!(vitals.now(), None);

    at(60_500);
    vitals.synchronise_since(sntp(1), SHOWN_TIME, 500).unwrap();
    at(61_000);
    let now = UnixTime(SHOWN_TIME.0 + 1);
    let set = Consulted {
        set: Some(now),
        ..NOTHING
    };
    assert_eq!(vitals.consult(&mut rtc), set);
    assert_eq!(Rtc::new(chip.clone()).read(), Ok(now));
    let agrees = Consulted {
        told: Some((now, Ok(Correction::Agrees))),
        ..NOTHING
    };
    assert_eq!(vitals.consult(&mut rtc), agrees);
    // The next start has the time from the first second.
    let restarted = started();
    restarted.consult(&mut Rtc::new(chip));
    assert_eq!(restarted.now(), Some(now));
}

#[test]
fn a_real_time_clock_that_is_wrong_is_set_by_a_servers_time() {
    let right = UnixTime(SHOWN_TIME.0 + 3600);
    for (registers, told) in [
        // An hour slow, and of another century.
        (SHOWN, Ok(Correction::Outranked)),
        (
            [0x53, 0x47, 0x19, 1, 0x22, 0x11, 0x99, 0],
            Err(TimeRefused::TooLate),
        ),
        (
            [0x53, 0x47, 0x19, 1, 0x22, 0x11, 0x00, 0],
            Err(TimeRefused::TooEarly),
        ),
    ] {
        let vitals = started();
        vitals.synchronise(sntp(1), right).unwrap();
        let chip = chip(registers);
        let consulted = vitals.consult(&mut Rtc::new(chip.clone()));
        assert_eq!(consulted.told.map(|(_, taken)| taken), Some(told));
        assert_eq!((consulted.set, consulted.failed), (Some(right), None));
        assert_eq!(Rtc::new(chip).read(), Ok(right));
    }
}

/// Two clocks that are both wrong set each other to nothing.
#[test]
fn a_real_time_clock_is_set_by_nobody_but_a_server_of_today() {
    let vitals = started();
    let chip = chip(SHOWN);
    let mut rtc = Rtc::new(chip.clone());
    vitals.consult(&mut rtc);
    // It goes back an hour: no server says that this is wrong.
    chip.0.borrow_mut().octets[2] = 0x18;
    let consulted = vitals.consult(&mut rtc);
    let back = consulted.told.map(|(_, taken)| taken);
    assert!(matches!(back, Some(Ok(Correction::Back(_)))), "{back:?}");
    assert_eq!(consulted.set, None);

    vitals.synchronise(sntp(1), SHOWN_TIME).unwrap();
    at(DAY * 1000);
    let consulted = vitals.consult(&mut rtc);
    assert_eq!(consulted.set, None, "{consulted:?}");
}

#[test]
fn a_real_time_clock_that_does_not_answer_is_left_alone() {
    let nobody = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
    for (kind, error) in [
        (nobody, RtcError::Absent),
        (ErrorKind::ArbitrationLoss, RtcError::Bus),
    ] {
        let vitals = started();
        vitals.synchronise(sntp(1), SHOWN_TIME).unwrap();
        let chip = chip(LOST);
        fail(&chip, Some(kind));
        let mut rtc = Rtc::new(chip.clone());
        let failed = Consulted {
            failed: Some(error),
            ..NOTHING
        };
        assert_eq!(vitals.consult(&mut rtc), failed);
        assert_eq!(vitals.consult(&mut rtc), NOTHING);
        // It comes back, and goes again: both are news.
        fail(&chip, None);
        assert_eq!(vitals.consult(&mut rtc).set, Some(SHOWN_TIME));
        fail(&chip, Some(kind));
        assert_eq!(vitals.consult(&mut rtc), failed);
    }
}
