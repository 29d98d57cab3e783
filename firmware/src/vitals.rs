//! What a gateway lives on: the time and entropy, kept by one task and read by
//! all.

use core::cell::{Cell, RefCell};
use core::time::Duration;

use embedded_hal::i2c::I2c;
use smallgate_core::http::Source;
use smallgate_core::oauth::Event;
use smallgate_core::secret::Entropy;
use smallgate_core::time::UnixTime;

use crate::clock::{Correction, TimeRefused, TimeSource, TrustedClock};
use crate::entropy::{EntropyFailed, EntropySource, Generator};
use crate::http::Surroundings;
use crate::progress::Pulse;
use crate::rtc::{Rtc, RtcError};

/// A trusted clock and a watched generator, for the tasks of one executor.
pub struct Vitals<S> {
    clock: TrustedClock,
    generator: RefCell<Generator<S>>,
    /// How the source of entropy was when [`Vitals::tend`] told it last.
    told: Cell<Result<(), EntropyFailed>>,
    /// How the real-time clock is.
    rtc: Cell<Result<(), RtcError>>,
    tended: Pulse,
    uptime: fn() -> u64,
    log: fn(&Event<'_>, Source),
}

/// What came of [`Vitals::consult`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consulted {
    /// The time that it told, and what became of that.
    pub told: Option<(UnixTime, Result<Correction, TimeRefused>)>,
    /// Why it tells none, or could not be set, unless that is known.
    pub failed: Option<RtcError>,
    /// It was set to this time.
    pub set: Option<UnixTime>,
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
            told: Cell::new(generator.health()),
            generator: RefCell::new(generator),
            rtc: Cell::new(Ok(())),
            tended: Pulse::new(),
            uptime,
            log,
        }
    }

    /// Looks after the source of entropy: one that is well is mixed in, one that
    /// failed is tested anew. Says how it is, if that changed.
    pub fn tend(&self) -> Option<Result<(), EntropyFailed>> {
        let interval = Duration::from_secs(Self::INTERVAL);
        self.tended.back_within(interval, (self.uptime)());
        let mut generator = self.generator.try_borrow_mut().ok()?;
        let health = match generator.health() {
            Ok(()) => generator.reseed(&(self.uptime)().to_le_bytes()),
            Err(_) => generator.restart(),
        };
        // Compared with what was told: a request may have found the failure first.
        (self.told.replace(health) != health).then_some(health)
    }

    /// Whether [`Vitals::tend`] is not overdue.
    pub fn is_alive(&self) -> bool {
        self.tended.is_alive((self.uptime)())
    }

    /// Something was committed at `floor`: see [`TrustedClock::not_before`].
    pub fn not_before(&self, floor: UnixTime) {
        self.clock.not_before(floor, (self.uptime)());
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
        self.synchronise_since(source, time, 0)
    }

    /// The same where `passed` milliseconds of that second are over.
    ///
    /// # Errors
    ///
    /// It can not be: see [`TrustedClock::synchronise`].
    pub fn synchronise_since(
        &self,
        source: TimeSource,
        time: UnixTime,
        passed: u32,
    ) -> Result<Correction, TimeRefused> {
        let uptime = (self.uptime)().saturating_sub(passed.into());
        self.clock.synchronise(source, time, uptime)
    }

    /// Asks a real-time clock for the time, and gives it the time instead if
    /// that is a server's and the clock's is not.
    pub fn consult<B: I2c>(&self, rtc: &mut Rtc<B>) -> Consulted {
        let read = rtc.read();
        let source = TimeSource::RealTimeClock;
        let told = read.ok().map(|time| (time, self.synchronise(source, time)));
        let is_wrong = match (read, told) {
            (Err(RtcError::TimeLost | RtcError::Nonsense), _) => true,
            (_, Some((_, taken))) => !matches!(taken, Ok(Correction::Agrees)),
            _ => false,
        };
        let now = self.clock.of_server((self.uptime)());
        let set = now
            .filter(|_| is_wrong)
            .map(|now| rtc.set(now).map(|()| now));
        let state = set.map_or(read, |set| set).map(drop);
        let before = self.rtc.replace(state);
        Consulted {
            told,
            failed: state.err().filter(|_| before != state),
            set: set.and_then(Result::ok),
        }
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

    fn is_entropy_healthy(&self) -> bool {
        let generator = self.generator.try_borrow();
        generator.is_ok_and(|generator| generator.health().is_ok())
    }

    fn event(&self, event: &Event<'_>, source: Source) {
        (self.log)(event, source);
    }
}
