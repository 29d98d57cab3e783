//! How far the time is trusted.
//!
//! A board does not know the time when it starts. A source tells it: a real-time
//! clock with a battery, an SNTP server. From then on the board's uptime counts
//! on, and sources correct it.
//!
//! | a source says | before the first time | later |
//! | --- | --- | --- |
//! | more than a day before the image was made, or before what was committed | refused | refused |
//! | more than 10 years after the image was made | refused | refused |
//! | a server's, more than 30 days after either | refused until it was told three times | – |
//! | more than a day away from the time, or from what it was before the corrections of the last day | – | refused |
//! | anything else | taken | taken |
//!
//! SNTP is not authenticated, and a battery runs out: "one spoofed SNTP answer
//! must not end the device". What is committed in a wrong time is the floor from
//! then on, so a server's first time that is far from all that is known has to
//! be confirmed by two more answers, which go on as the uptime does; one that is
//! less than 30 days ahead is right again by itself. What was refused is told to the
//! caller, for the log. A board that was given a wrong time at first, within the
//! 10 years, keeps it until it is restarted, and its real-time clock is set if
//! that was wrong. After the 10 years a device needs a new image.
//!
//! While the time is not known the core answers 503, and 503 too while it is
//! behind what was committed.
//!
//! ```
//! use smallgate_core::time::UnixTime;
//! use smallgate_firmware::clock::{Correction, TimeRefused, TimeSource, TrustedClock};
//!
//! let provisioned_at = UnixTime(1_795_000_000);
//! let clock = TrustedClock::new(provisioned_at, UnixTime(0));
//! assert_eq!(clock.now(500), None);
//!
//! // A battery that ran out: 1970.
//! let rtc = TimeSource::RealTimeClock;
//! assert_eq!(
//!     clock.synchronise(rtc, UnixTime(86_400), 600),
//!     Err(TimeRefused::TooEarly),
//! );
//! let set = clock.synchronise(rtc, UnixTime(1_800_000_000), 700);
//! assert_eq!(set, Ok(Correction::First));
//! assert_eq!(clock.now(60_700), Some(UnixTime(1_800_000_060)));
//! ```
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

use core::cell::Cell;
use core::fmt;

use smallgate_core::time::{Seconds, UnixTime};

/// Who tells the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TimeSource {
    /// A real-time clock on the board: to the second, and it drifts.
    RealTimeClock,
    /// A server, whose answer may be wrong by this much: half of the time that
    /// it took, and what the server says of itself (its root distance).
    Sntp {
        /// At least a second is assumed, since times are whole seconds.
        uncertainty: Seconds,
    },
}

impl TimeSource {
    /// A difference of so many seconds is none.
    const fn tolerance(self) -> u64 {
        match self {
            TimeSource::RealTimeClock
            | TimeSource::Sntp {
                uncertainty: Seconds(0),
            } => 1,
            TimeSource::Sntp { uncertainty } => uncertainty.0 as u64,
        }
    }
}

/// What a time that was taken did to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Correction {
    /// The time is known from now on.
    First,
    /// Nothing: the clock agrees, as far as the source knows.
    Agrees,
    /// Nothing: a server was heard within the last day, and knows better.
    Outranked,
    /// The clock was slow, and went forward by so much.
    Forward(Seconds),
    /// The clock was fast by so much, and goes back; by up to
    /// [`TrustedClock::HOLD`] it waits instead.
    Back(Seconds),
}

/// Why a time was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TimeRefused {
    /// It is more than a day before the image was made, or before something
    /// that was committed.
    TooEarly,
    /// It is more than 10 years after the image was made.
    TooLate,
    /// It is the first one, a server's, and more than 30 days after the image was
    /// made and after all that was committed: it has to be told again.
    Unconfirmed,
    /// It is more than a day away from the time that the clock has, or would
    /// have without the corrections of the last day.
    Jump,
}

/// The time, as far as it is trusted.
///
/// All methods take `&self` and return at once, for the tasks of one executor.
/// `uptime` is in milliseconds since the board started, and never goes back.
#[derive(Debug)]
pub struct TrustedClock {
    earliest: Cell<UnixTime>,
    latest: UnixTime,
    /// A first time that is to be confirmed.
    heard: Cell<Option<Heard>>,
    set: Cell<Option<Set>>,
}

/// A time that was told more than once, as it was told last.
#[derive(Clone, Copy, Debug)]
struct Heard {
    moment: Moment,
    times: u8,
}

#[derive(Clone, Copy, Debug)]
struct Set {
    /// What the time is counted on from.
    from: Moment,
    /// What jumps are measured from, at most a day of uptime old: many answers
    /// that are a day off each lead no farther than one.
    measured: Moment,
    /// The time does not go back behind this.
    held: UnixTime,
    serving_since: UnixTime,
    /// When a server was heard, as uptime.
    server_heard: Option<u64>,
}

/// The time at an uptime.
#[derive(Clone, Copy, Debug)]
struct Moment {
    time: UnixTime,
    uptime: u64,
}

impl Moment {
    fn counted_on(&self, uptime: u64) -> UnixTime {
        let passed = uptime.saturating_sub(self.uptime) / 1000;
        UnixTime(self.time.0.saturating_add(passed).min(UnixTime::LAST.0))
    }
}

impl Set {
    fn now(&self, uptime: u64) -> UnixTime {
        self.from.counted_on(uptime).max(self.held)
    }

    /// A server was heard within the last day.
    fn is_servers(&self, uptime: u64) -> bool {
        self.server_heard
            .is_some_and(|heard| uptime.saturating_sub(heard) < DAY_OF_UPTIME)
    }
}

/// The longest jump, once the time is known.
const DAY: Seconds = Seconds::days(1);

/// How far after the making of its image a device is thought to live: 10 years.
const LIFE: Seconds = Seconds::days(3653);

const DAY_OF_UPTIME: u64 = 86_400_000;

/// So far ahead of all that is known a server's first time may be.
const NEAR: Seconds = Seconds::days(30);

/// How often it has to be told if it is farther.
const CONFIRMED: u8 = 3;

impl TrustedClock {
    /// Up to this a clock that is fast stands still until the time has come,
    /// instead of going back: what was committed a moment ago is then never
    /// ahead of the time.
    pub const HOLD: Seconds = Seconds(10);

    /// A clock that is not set. The image was made at `provisioned_at`, and
    /// nothing was committed after `floor`: what a store that outlives a reset
    /// has seen, else 0.
    #[must_use]
    pub const fn new(provisioned_at: UnixTime, floor: UnixTime) -> Self {
        let newest = if floor.0 > provisioned_at.0 {
            floor
        } else {
            provisioned_at
        };
        TrustedClock {
            earliest: Cell::new(UnixTime(newest.0.saturating_sub(DAY.0 as u64))),
            latest: provisioned_at.plus(LIFE),
            heard: Cell::new(None),
            set: Cell::new(None),
        }
    }

    /// Something was committed at `floor`, as it turns out now. A time that would
    /// have been refused with that is not the time any more.
    pub fn not_before(&self, floor: UnixTime, uptime: u64) {
        let earliest = UnixTime(floor.0.saturating_sub(u64::from(DAY.0)));
        self.earliest.set(self.earliest.get().max(earliest));
        let set = self.set.get();
        let set = set.filter(|set| set.now(uptime) >= self.earliest.get());
        self.set.set(set);
    }

    /// The time, unless it is not known.
    #[must_use]
    pub fn now(&self, uptime: u64) -> Option<UnixTime> {
        Some(self.set.get()?.now(uptime))
    }

    /// The time, if a server was heard within the last day: better than what a
    /// real-time clock says.
    #[must_use]
    pub fn of_server(&self, uptime: u64) -> Option<UnixTime> {
        let set = self.set.get()?;
        set.is_servers(uptime).then(|| set.now(uptime))
    }

    /// Since when the time is known and has made no leap ahead: what
    /// [`Clock::serving_since`](smallgate_core::oauth::Clock::serving_since)
    /// asks for. 0 while it is not known.
    #[must_use]
    pub fn serving_since(&self) -> UnixTime {
        self.set.get().map_or(UnixTime(0), |set| set.serving_since)
    }

    /// Takes the time that a source tells, if it can be. The uptime is that of
    /// the moment the time was right.
    ///
    /// # Errors
    ///
    /// The time is not to be trusted; the clock goes on as before.
    pub fn synchronise(
        &self,
        source: TimeSource,
        time: UnixTime,
        uptime: u64,
    ) -> Result<Correction, TimeRefused> {
        if time < self.earliest.get() {
            return Err(TimeRefused::TooEarly);
        }
        if time > self.latest {
            return Err(TimeRefused::TooLate);
        }
        let before = self.set.get();
        let told = Moment { time, uptime };
        let (set, correction) = match before {
            None if !self.is_confirmed(source, told) => return Err(TimeRefused::Unconfirmed),
            None => (Set::first(told), Correction::First),
            Some(before) => before.corrected(source, told)?,
        };
        let server_heard = match source {
            TimeSource::RealTimeClock => set.server_heard,
            TimeSource::Sntp { .. } => Some(uptime),
        };
        self.set.set(Some(Set {
            server_heard,
            ..set
        }));
        Ok(correction)
    }

    /// Whether a first time is to be taken: it is near, or was heard before.
    fn is_confirmed(&self, source: TimeSource, told: Moment) -> bool {
        let near = self.earliest.get().plus(DAY).plus(NEAR);
        if source == TimeSource::RealTimeClock || told.time <= near {
            return true;
        }
        let before = self.heard.get().filter(|heard| {
            let expected = heard.moment.counted_on(told.uptime);
            apart(told.time, expected) <= source.tolerance().saturating_add(1)
        });
        let times = before.map_or(0, |heard| heard.times).saturating_add(1);
        self.heard.set(Some(Heard {
            moment: told,
            times,
        }));
        times >= CONFIRMED
    }
}

impl Set {
    const fn first(moment: Moment) -> Self {
        Set {
            from: moment,
            measured: moment,
            held: UnixTime(0),
            serving_since: moment.time,
            server_heard: None,
        }
    }

    fn corrected(
        mut self,
        source: TimeSource,
        told: Moment,
    ) -> Result<(Self, Correction), TimeRefused> {
        let Moment { time, uptime } = told;
        let present = self.from.counted_on(uptime);
        if uptime.saturating_sub(self.measured.uptime) >= DAY_OF_UPTIME {
            self.measured = Moment {
                time: present,
                uptime,
            };
        }
        let difference = apart(time, present);
        let jump = difference.max(apart(time, self.measured.counted_on(uptime)));
        if jump > u64::from(DAY.0) {
            return Err(TimeRefused::Jump);
        }
        let is_outranked = source == TimeSource::RealTimeClock && self.is_servers(uptime);
        if difference <= source.tolerance() {
            return Ok((self, Correction::Agrees));
        }
        if is_outranked {
            return Ok((self, Correction::Outranked));
        }
        // At most a day.
        let by = Seconds(u32::try_from(difference).unwrap_or(u32::MAX));
        let set = Set { from: told, ..self };
        Ok(if time > present {
            // What was in its grace before the leap is in it still, as after a
            // start: a lost answer must not become a theft.
            let serving_since = set.now(uptime);
            (
                Set {
                    serving_since,
                    ..set
                },
                Correction::Forward(by),
            )
        } else {
            let held = match by <= TrustedClock::HOLD {
                true => self.now(uptime),
                false => UnixTime(0),
            };
            let serving_since = self.serving_since.min(time);
            (
                Set {
                    held,
                    serving_since,
                    ..set
                },
                Correction::Back(by),
            )
        })
    }
}

const fn apart(one: UnixTime, other: UnixTime) -> u64 {
    one.0.abs_diff(other.0)
}

impl fmt::Display for TimeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeRefused::TooEarly => "the time is before what was written",
            TimeRefused::TooLate => "the time is too far ahead",
            TimeRefused::Unconfirmed => "the time is far ahead, and has to be told again",
            TimeRefused::Jump => "the time is more than a day away",
        })
    }
}

impl core::error::Error for TimeRefused {}
