//! The time that the core is told: the system's, or one that is turned by hand.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use smallgate_core::time::UnixTime;

use crate::times;

/// Where a [`Reading`] comes from.
pub(crate) enum HostClock {
    /// The system's clock.
    Real {
        /// When the gateway started, or found it again.
        since: AtomicU64,
        /// It is not told to the gateway, as if it had lost the time.
        is_lost: AtomicBool,
    },
    /// Stands still until it is told to move.
    Stepped(Mutex<Reading>),
}

/// What a clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The time, unless the clock is not set.
    pub(crate) now: Option<UnixTime>,
    /// When the gateway started, or its clock was set after it had not been.
    pub(crate) since: UnixTime,
}

/// A computer whose clock is before this has just been switched on and does
/// not know the time: 2025-01-01T00:00:00Z.
const IMPLAUSIBLE_BEFORE: UnixTime = UnixTime(1_735_689_600);

impl HostClock {
    /// The system's clock.
    pub(crate) fn real() -> Self {
        HostClock::Real {
            since: AtomicU64::new(system_time().map_or(0, |now| now.0)),
            is_lost: AtomicBool::new(false),
        }
    }

    /// A clock that shows `now` until it is moved.
    pub(crate) fn stepped(now: Option<UnixTime>) -> Self {
        HostClock::Stepped(Mutex::new(Reading {
            now,
            since: now.unwrap_or(UnixTime(0)),
        }))
    }

    /// Reads a `--clock` argument.
    pub(crate) fn from_argument(text: &str) -> Result<Self, String> {
        match text {
            "real" => Ok(HostClock::real()),
            "unset" => Ok(HostClock::stepped(None)),
            time => times::instant(time)
                .map(|now| HostClock::stepped(Some(now)))
                .map_err(|error| format!("{error}; or `real`, or `unset`")),
        }
    }

    /// What it shows now.
    pub(crate) fn reading(&self) -> Reading {
        match self {
            HostClock::Real { since, is_lost } => {
                let now = match is_lost.load(Ordering::Acquire) {
                    true => None,
                    false => system_time(),
                };
                let since = match now {
                    // Who goes back before the start has been there since then.
                    Some(now) => since.fetch_min(now.0, Ordering::Relaxed).min(now.0),
                    None => since.load(Ordering::Relaxed),
                };
                let since = UnixTime(since);
                Reading { now, since }
            }
            HostClock::Stepped(reading) => *reading.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves it as the body of `POST /sim/clock` says. The system's can be lost and
    /// found, and not moved.
    pub(crate) fn step(&self, body: &[u8]) -> Result<Reading, StepError> {
        let step = Step::parse(body).map_err(StepError::Malformed)?;
        match (self, step) {
            (HostClock::Real { since, is_lost }, Step::Unset(lost)) => {
                if let (false, Some(now)) = (lost, system_time()) {
                    since.store(now.0, Ordering::Relaxed);
                }
                is_lost.store(lost, Ordering::Release);
                Ok(self.reading())
            }
            (HostClock::Real { .. }, _) => Err(StepError::RealClock),
            (HostClock::Stepped(reading), step) => {
                let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
                *reading = reading.after(step).map_err(StepError::Malformed)?;
                Ok(*reading)
            }
        }
    }
}

impl Reading {
    fn after(self, step: Step) -> Result<Self, String> {
        let now = match (step, self.now) {
            (Step::Unset(true), _) => None,
            (Step::Unset(false), _) => {
                return Err("a clock that is turned by hand has to be set to a time".to_owned());
            }
            (Step::Set(time), _) => Some(time),
            (Step::Advance(_), None) => {
                return Err("the clock is not set, so it can not be advanced".to_owned());
            }
            (Step::Advance(seconds), Some(now)) => Some(UnixTime(
                now.0
                    .checked_add(seconds)
                    .filter(|sum| *sum <= UnixTime::LAST.0)
                    .ok_or("that is beyond the year 9999")?,
            )),
        };
        let since = match (self.now, now) {
            (None, Some(gained)) => gained,
            // Who goes back before the start has been there since then.
            (_, Some(now)) => self.since.min(now),
            (_, None) => self.since,
        };
        Ok(Reading { now, since })
    }
}

pub(crate) fn system_time() -> Option<UnixTime> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let now = UnixTime(now.as_secs());
    (now >= IMPLAUSIBLE_BEFORE).then_some(now)
}

/// Why a clock was not moved.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StepError {
    /// It is the system's.
    RealClock,
    /// The body says nothing that can be done.
    Malformed(String),
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Advance(u64),
    Set(UnixTime),
    /// The time is lost, or found again.
    Unset(bool),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepBody {
    advance: Option<String>,
    set: Option<String>,
    unset: Option<bool>,
}

impl Step {
    fn parse(body: &[u8]) -> Result<Self, String> {
        let body: StepBody = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        match (body.advance, body.set, body.unset) {
            (Some(length), None, None) => times::seconds(&length).map(Step::Advance),
            (None, Some(time), None) => times::instant(&time).map(Step::Set),
            (None, None, Some(lost)) => Ok(Step::Unset(lost)),
            _ => Err(
                r#"exactly one of {"advance":"1h"}, {"set":"2026-01-01T00:00:00Z"} and {"unset":true}"#
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixTime = UnixTime(1_767_225_600);

    fn frozen() -> HostClock {
        HostClock::from_argument("2026-01-01T00:00:00Z").unwrap()
    }

    #[test]
    fn a_frozen_clock_stands_still_until_it_is_advanced() {
        let clock = frozen();
        assert_eq!(clock.reading().now, Some(START));
        clock.step(br#"{"advance":"1h"}"#).unwrap();
        let reading = clock.reading();
        assert_eq!(reading.now, Some(UnixTime(START.0 + 3600)));
        assert_eq!(reading.since, START, "advancing is no restart");
    }

    #[test]
    fn a_frozen_clock_can_be_set_backwards() {
        let clock = frozen();
        clock.step(br#"{"set":"2025-06-01T00:00:00Z"}"#).unwrap();
        let reading = clock.reading();
        assert!(reading.now.unwrap() < START);
        assert_eq!(Some(reading.since), reading.now);
    }

    #[test]
    fn r40_a_clock_can_be_unset_and_serves_since_it_is_set_again() {
        let clock = frozen();
        clock.step(br#"{"unset":true}"#).unwrap();
        assert_eq!(clock.reading().now, None);
        assert!(clock.step(br#"{"advance":"1s"}"#).is_err());
        clock.step(br#"{"set":"2026-02-01T00:00:00Z"}"#).unwrap();
        let reading = clock.reading();
        assert_eq!(Some(reading.since), reading.now);
    }

    #[test]
    fn a_real_clock_is_not_moved() {
        let clock = HostClock::from_argument("real").unwrap();
        for body in [
            &br#"{"advance":"1h"}"#[..],
            br#"{"set":"2026-01-01T00:00:00Z"}"#,
        ] {
            assert_eq!(clock.step(body), Err(StepError::RealClock));
        }
        assert!(clock.reading().now.unwrap() > START);
    }

    #[test]
    fn a_real_clock_is_lost_and_serves_since_it_is_found() {
        let clock = HostClock::Real {
            since: AtomicU64::new(START.0),
            is_lost: AtomicBool::new(false),
        };
        assert_eq!(clock.step(br#"{"unset":true}"#).unwrap().now, None);
        assert_eq!(clock.reading().now, None);
        let found = clock.step(br#"{"unset":false}"#).unwrap();
        assert!(found.since > START);
        assert!(found.now.unwrap() >= found.since);
    }

    /// Who starts with a clock that is fast does not serve since a time to come.
    #[test]
    fn r27_a_real_clock_that_goes_back_before_the_start_takes_that_along() {
        let clock = HostClock::Real {
            since: AtomicU64::new(u64::MAX),
            is_lost: AtomicBool::new(false),
        };
        let first = clock.reading();
        assert_eq!(Some(first.since), first.now);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let second = clock.reading();
        assert_eq!(second.since, first.since);
        assert!(second.now > first.now);
    }

    #[test]
    fn bodies_that_say_nothing_are_refused() {
        let clock = frozen();
        for body in [
            "",
            "{}",
            "1h",
            r#"{"advance":1}"#,
            r#"{"advance":"-1h"}"#,
            r#"{"advance":"9000 weeks","set":"2026-01-01T00:00:00Z"}"#,
            r#"{"unset":false}"#,
            r#"{"advance":"1h","advance":"1h"}"#,
            r#"{"forward":"1h"}"#,
            r#"{"advance":"500000 weeks"}"#,
        ] {
            let refused = clock.step(body.as_bytes());
            assert!(matches!(refused, Err(StepError::Malformed(_))), "{body}");
        }
        assert_eq!(clock.reading().now, Some(START));
    }

    #[test]
    fn arguments_are_real_unset_or_a_time() {
        assert_eq!(
            HostClock::from_argument("unset").unwrap().reading().now,
            None
        );
        assert!(HostClock::from_argument("noon").is_err());
    }
}
