//! The time since the start, and alarms: the CMSDK dual timer as `embassy-time` wants it.
//!
//! Timer 2 runs freely through its 32 bits, in 171 s; timer 1 fires once.

use core::cell::{Cell, RefCell};
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::{Driver, TICK_HZ, time_driver_impl};
use embassy_time_queue_utils::Queue;

use crate::machine::{self, Registers};

const TIMERS: Registers = machine::DUAL_TIMERS;

const ALARM_LOAD: usize = 0x00;
const ALARM_CONTROL: usize = 0x08;
const ALARM_CLEAR: usize = 0x0C;
const FREE_LOAD: usize = 0x20;
const FREE_VALUE: usize = 0x24;
const FREE_CONTROL: usize = 0x28;

const ENABLE: u32 = 1 << 7;
const INTERRUPT: u32 = 1 << 5;
const BITS_32: u32 = 1 << 1;
const ONE_SHOT: u32 = 1;

/// 25 MHz, in ticks of a microsecond.
const CYCLES: u64 = 25_000_000 / TICK_HZ;

/// The longest alarm. One that is later is set again, and the free timer is never let round unseen.
const LONGEST: u64 = 100 * TICK_HZ;

struct DualTimer {
    /// The last reading of the free timer, and how often it went round before.
    seen: Mutex<Cell<(u32, u32)>>,
    queue: Mutex<RefCell<Queue>>,
}

time_driver_impl!(static TIMER: DualTimer = DualTimer {
    seen: Mutex::new(Cell::new((0, 0))),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

/// Starts it.
pub fn start() {
    TIMERS.write(FREE_LOAD, u32::MAX);
    TIMERS.write(FREE_CONTROL, ENABLE | BITS_32);
    machine::unmask_timer();
    hurry();
}

/// What comes from the network waits in QEMU for whatever timer of its own is next, up to half a
/// second. So the first timer runs, every 2 ms, with its interrupt masked: the processor sleeps on.
fn hurry() {
    const VALUE: usize = 0x04;
    const RELOAD: usize = 0x08;
    const CONTROL: usize = 0x00;
    const ENABLE_WITH_INTERRUPT: u32 = 0b1001;
    machine::TIMER.write(RELOAD, 50_000);
    machine::TIMER.write(VALUE, 50_000);
    machine::TIMER.write(CONTROL, ENABLE_WITH_INTERRUPT);
}

/// What the alarm's interrupt is for: whoever waited is woken.
pub fn interrupt() {
    TIMERS.write(ALARM_CLEAR, 1);
    critical_section::with(|section| TIMER.wake(section));
}

impl DualTimer {
    fn cycles(&self, section: CriticalSection<'_>) -> u64 {
        let seen = self.seen.borrow(section);
        let (last, rounds) = seen.get();
        // It counts down.
        let now = !TIMERS.read(FREE_VALUE);
        let rounds = rounds.wrapping_add(u32::from(now < last));
        seen.set((now, rounds));
        u64::from(rounds) << 32 | u64::from(now)
    }

    /// Wakes who is due, and sets the alarm for who is next.
    fn wake(&self, section: CriticalSection<'_>) {
        let Ok(mut queue) = self.queue.borrow(section).try_borrow_mut() else {
            return;
        };
        loop {
            let now = self.cycles(section) / CYCLES;
            let next = queue.next_expiration(now);
            let wait = next.saturating_sub(now).min(LONGEST);
            if wait == 0 {
                continue;
            }
            let cycles = u32::try_from(wait.saturating_mul(CYCLES)).unwrap_or(u32::MAX);
            TIMERS.write(ALARM_CONTROL, 0);
            TIMERS.write(ALARM_LOAD, cycles);
            TIMERS.write(ALARM_CONTROL, ENABLE | INTERRUPT | BITS_32 | ONE_SHOT);
            return;
        }
    }
}

impl Driver for DualTimer {
    fn now(&self) -> u64 {
        critical_section::with(|section| self.cycles(section)) / CYCLES
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|section| {
            let sooner = match self.queue.borrow(section).try_borrow_mut() {
                Ok(mut queue) => queue.schedule_wake(at, waker),
                Err(_) => false,
            };
            if sooner {
                self.wake(section);
            }
        });
    }
}
