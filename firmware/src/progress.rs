//! Whether the gateway makes progress: what a watchdog is fed for.
//!
//! Tasks of one executor that get stuck do it in one of two ways. One that does
//! not return from a poll lets nobody else run, nor who feeds the watchdog. One
//! that waits for what does not come is seen by its [`Pulse`]: before it waits it
//! says when it will be back at the latest.
//!
//! ```
//! use core::time::Duration;
//! use smallgate_firmware::progress::Pulse;
//!
//! let pulse = Pulse::new();
//! assert!(pulse.is_alive(1_000_000)); // it has nothing to do
//! pulse.back_within(Duration::from_secs(5), 2_000);
//! assert!(pulse.is_alive(7_000));
//! assert!(!pulse.is_alive(10_000 + Pulse::GRACE));
//! pulse.rest();
//! assert!(pulse.is_alive(u64::MAX));
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
use core::time::Duration;

/// When a task is back at the latest.
///
/// All methods take `&self` and return at once, for the tasks of one executor.
/// `uptime` is in milliseconds since the board started.
#[derive(Debug)]
pub struct Pulse {
    /// In seconds of uptime.
    due: Cell<u32>,
}

/// Of a task that has nothing to do.
const NEVER: u32 = u32::MAX;

impl Pulse {
    /// How late a task may be, in milliseconds: others had their turn.
    pub const GRACE: u64 = 30_000;

    /// That of a task that has nothing to do.
    #[must_use]
    pub const fn new() -> Self {
        Pulse {
            due: Cell::new(NEVER),
        }
    }

    /// The task will be back within `duration`.
    pub fn back_within(&self, duration: Duration, uptime: u64) {
        let seconds = (uptime.saturating_add(Self::GRACE) / 1000)
            .saturating_add(duration.as_secs())
            .saturating_add(1);
        self.due.set(u32::try_from(seconds).unwrap_or(NEVER));
    }

    /// The task has nothing to do, or waits for one that has a pulse itself.
    pub fn rest(&self) {
        self.due.set(NEVER);
    }

    /// Whether the task is not late.
    #[must_use]
    pub fn is_alive(&self, uptime: u64) -> bool {
        uptime / 1000 <= u64::from(self.due.get()) || self.due.get() == NEVER
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}
