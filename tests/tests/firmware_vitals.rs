//! What a board's task tells of the source of entropy: each change, once.

use std::cell::Cell;

use smallgate_core::time::UnixTime;
use smallgate_firmware::clock::TrustedClock;
use smallgate_firmware::entropy::{EntropyFailed, EntropySource, Generator};
use smallgate_firmware::http::Surroundings;
use smallgate_firmware::vitals::Vitals;

/// A source that looks healthy while it is.
struct Turned<'t> {
    fails: &'t Cell<bool>,
    state: u32,
}

impl EntropySource for Turned<'_> {
    fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed> {
        for octet in octets {
            self.state = self
                .state
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            *octet = (self.state >> 24) as u8;
        }
        match self.fails.get() {
            true => Err(EntropyFailed::NoOctets),
            false => Ok(()),
        }
    }
}

fn started(fails: &Cell<bool>) -> Vitals<Turned<'_>> {
    let clock = TrustedClock::new(UnixTime(1_795_000_000), UnixTime(0));
    let generator = Generator::start(Turned { fails, state: 1 }, b"");
    Vitals::new(clock, generator, || 0, |_, _| ())
}

#[test]
fn a_failure_that_a_request_has_found_is_told_and_its_end_too() {
    let fails = Cell::new(false);
    let vitals = started(&fails);
    assert_eq!(vitals.tend(), None);
    assert!(vitals.is_entropy_healthy());

    fails.set(true);
    let found = (0..1000).find(|_| vitals.entropy().is_none());
    assert!(found.is_some());
    assert!(!vitals.is_entropy_healthy());
    assert_eq!(vitals.tend(), Some(Err(EntropyFailed::NoOctets)));
    assert_eq!(vitals.tend(), None);

    fails.set(false);
    assert_eq!(vitals.tend(), Some(Ok(())));
    assert!(vitals.is_entropy_healthy() && vitals.entropy().is_some());
    assert_eq!(vitals.tend(), None);
}

/// The start told it.
#[test]
fn a_source_that_fails_from_the_start_is_not_told_again() {
    let fails = Cell::new(true);
    let vitals = started(&fails);
    assert_eq!(vitals.tend(), None);
    assert!(!vitals.is_entropy_healthy());
    fails.set(false);
    assert_eq!(vitals.tend(), Some(Ok(())));
}
