//! What a gateway lives on: the time and entropy, kept by one task and read by
//! all.

use core::cell::RefCell;

use smallgate_core::http::Source;
use smallgate_core::oauth::Event;
use smallgate_core::secret::Entropy;
use smallgate_core::time::UnixTime;

use crate::clock::{Correction, TimeRefused, TimeSource, TrustedClock};
use crate::entropy::{EntropyFailed, EntropySource, Generator};
use crate::http::Surroundings;

/// A trusted clock and a watched generator, for the tasks of one executor.
pub struct Vitals<S> {
    clock: TrustedClock,
    generator: RefCell<Generator<S>>,
    uptime: fn() -> u64,
    log: fn(&Event<'_>, Source),
}

impl<S: EntropySource> Vitals<S> {
    /// How often [`Vitals::tend`] is to be called, in seconds.
    pub const INTERVAL: u64 = 60;

    /// The `uptime` is in milliseconds since the board started, and never goes
    /// back; `log` is told what happens in exchanges.
    #[must_use]
    pub const fn new(
        clock: TrustedClock,
        generator: Generator<S>,
        uptime: fn() -> u64,
        log: fn(&Event<'_>, Source),
    ) -> Self {
        Vitals {
            clock,
            generator: RefCell::new(generator),
            uptime,
            log,
        }
    }

    /// Looks after the source of entropy: one that is well is mixed in, one that
    /// failed is tested anew. Says how it is, if that changed.
    pub fn tend(&self) -> Option<Result<(), EntropyFailed>> {
        let mut generator = self.generator.try_borrow_mut().ok()?;
        let before = generator.health();
        let after = match before {
            Ok(()) => generator.reseed(&(self.uptime)().to_le_bytes()),
            Err(_) => generator.restart(),
        };
        (before != after).then_some(after)
    }

    /// Takes the time that a source tells.
    ///
    /// # Errors
    ///
    /// It can not be: see [`TrustedClock::synchronise`].
    pub fn synchronise(
        &self,
        source: TimeSource,
        time: UnixTime,
    ) -> Result<Correction, TimeRefused> {
        self.clock.synchronise(source, time, (self.uptime)())
    }

    /// `N` octets that nobody else gets; none when the source is not healthy.
    pub fn octets<const N: usize>(&self) -> Option<[u8; N]> {
        self.generator.try_borrow_mut().ok()?.octets()
    }
}

impl<S: EntropySource> Surroundings for Vitals<S> {
    fn uptime(&self) -> u32 {
        u32::try_from((self.uptime)() / 1000).unwrap_or(u32::MAX)
    }

    fn now(&self) -> Option<UnixTime> {
        self.clock.now((self.uptime)())
    }

    fn serving_since(&self) -> UnixTime {
        self.clock.serving_since()
    }

    fn entropy(&self) -> Option<[u8; Entropy::SIZE]> {
        self.octets()
    }

    fn event(&self, event: &Event<'_>, source: Source) {
        (self.log)(event, source);
    }
}
