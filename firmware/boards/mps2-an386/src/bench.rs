//! Measuring: a line on the host's standard output for each figure, and for each thing that must hold.
//!
//! ```text
//! instructions 48080 hmac 1 KiB
//! stack 512 hmac 1 KiB
//! check ok hmac 1 KiB
//! done
//! ```
//!
//! Nothing here formats with `core::fmt` or can panic, so that what a program links beyond the
//! `empty` one is what it measures.

use core::hint::black_box;
use core::num::NonZeroU32;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_semihosting::debug;
use cortex_m_semihosting::hio::{HostStream, hstdout};

use crate::machine;

/// Under `-icount shift=0` an instruction takes a nanosecond, and SysTick counts at 25 MHz.
const INSTRUCTIONS_PER_TICK: u32 = 40;

/// SysTick counts down from here: all of its 24 bits.
const RELOAD: u32 = 0x00FF_FFFF;

/// The measuring of one program.
pub struct Bench {
    host: HostStream,
    clock: SYST,
    held: bool,
}

impl Bench {
    /// Takes the board's clock and the host's standard output; ends the program if it can't.
    #[must_use]
    pub fn start() -> Self {
        let (Some(board), Ok(host)) = (cortex_m::Peripherals::take(), hstdout()) else {
            fail()
        };
        let mut clock = board.SYST;
        clock.set_clock_source(SystClkSource::Core);
        clock.set_reload(RELOAD);
        clock.enable_counter();
        Self {
            host,
            clock,
            held: true,
        }
    }

    /// Says whether something that must hold does; one that does not makes the program fail.
    pub fn check(&mut self, name: &str, holds: bool) {
        self.held &= holds;
        self.line(
            if holds { "check ok " } else { "check FAILED " },
            None,
            name,
        );
    }

    /// Counts the instructions of one `operation`, as the mean of `times`. Each must yield true.
    ///
    /// All of them together must take fewer than 671 million, or the clock wraps; that is seen, and fails.
    pub fn instructions(
        &mut self,
        name: &str,
        times: NonZeroU32,
        mut operation: impl FnMut() -> bool,
    ) {
        let (_, nothing) = self.ticks(times, &mut || true);
        let (held, ticks) = self.ticks(times, &mut operation);
        match (held, ticks.zip(nothing)) {
            (true, Some((ticks, nothing))) => {
                let instructions = ticks
                    .saturating_sub(nothing)
                    .saturating_mul(INSTRUCTIONS_PER_TICK);
                self.line("instructions ", Some(instructions / times), name);
            }
            _ => self.check(name, false),
        }
    }

    /// How deep into the stack one `operation` reaches, in octets. It must yield true.
    ///
    /// What the operation keeps in its own frame counts; what it only borrows does not.
    pub fn stack(&mut self, name: &str, mut operation: impl FnMut() -> bool) {
        let (held, depth) = machine::stack_depth(&mut operation);
        match (held, depth) {
            (true, Some(depth)) => self.line("stack ", Some(depth), name),
            _ => self.check(name, false),
        }
    }

    /// Ends the program; QEMU's exit status says whether everything held.
    pub fn end(mut self) -> ! {
        if !self.held {
            fail()
        }
        self.line("done", None, "");
        loop {
            debug::exit(debug::EXIT_SUCCESS);
        }
    }

    /// The ticks of so many runs, unless the clock wrapped, and whether each run yielded true.
    #[inline(never)]
    fn ticks(
        &mut self,
        times: NonZeroU32,
        operation: &mut dyn FnMut() -> bool,
    ) -> (bool, Option<u32>) {
        // Opaque, so that every operation is called in the same way and none merges with the loop.
        let operation = black_box(operation);
        let mut held = true;
        self.clock.clear_current();
        let start = SYST::get_current();
        for _ in 0..times.get() {
            held &= operation();
        }
        let end = SYST::get_current();
        // The first tick after clearing reloads the counter, and the current value is 0 till then.
        // What takes less than a tick ends there, too.
        let [start, end] = [start, end].map(|value| if value == 0 { RELOAD } else { value });
        let ticks = (!self.clock.has_wrapped()).then_some(start.saturating_sub(end));
        (held, ticks)
    }

    fn line(&mut self, kind: &str, number: Option<u32>, name: &str) {
        let mut digits = [0; 11];
        let number = number.map_or(&[][..], |number| decimal(number, &mut digits));
        for part in [kind.as_bytes(), number, name.as_bytes(), b"\n"] {
            if self.host.write_all(part).is_err() {
                fail()
            }
        }
    }
}

/// Ends the program; QEMU's exit status says that it failed.
pub(crate) fn fail() -> ! {
    loop {
        debug::exit(debug::EXIT_FAILURE);
    }
}

/// The number in decimal, and a space.
fn decimal(number: u32, room: &mut [u8; 11]) -> &[u8] {
    let mut rest = number;
    let mut used = 0_usize;
    for (place, octet) in room.iter_mut().rev().enumerate() {
        if place == 0 {
            *octet = b' ';
        } else {
            let [digit, ..] = (rest % 10).to_le_bytes();
            *octet = b'0'.saturating_add(digit);
            rest /= 10;
        }
        used = place;
        if place > 0 && rest == 0 {
            break;
        }
    }
    let start = room.len().saturating_sub(used.saturating_add(1));
    room.get(start..).unwrap_or_default()
}
