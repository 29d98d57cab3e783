//! A Smallgate that runs somewhere: what the suite needs of a desktop, a board
//! or a C program in order to test it as it is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::wire::Response;

/// Where a host's clock stands when it starts: 2026-01-01T00:00:00Z.
pub const START: u64 = 1_767_225_600;

/// What a host is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The configuration, as the desktop reads it; other hosts get the same,
    /// packed. It names the profile.
    pub toml: String,
    /// Whether the clock is set at the start.
    pub clock_set: bool,
}

/// A clock that a test turns. It stands still otherwise.
pub trait Clock {
    /// Moves it on.
    fn advance(&mut self, seconds: u64);
    /// Sets it to a Unix time, earlier or later.
    fn set(&mut self, time: u64);
}

/// How the bus of the sensors is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// As it should be.
    Works,
    /// Every transaction fails at once.
    Broken,
    /// No transaction comes to an end.
    Hangs,
}

/// How the source of entropy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// As it should be.
    Works,
    /// It gives no octets.
    Starved,
    /// It gives the same octets again and again.
    Repeats,
}

/// A running host. It ends when it is dropped.
pub trait Host: Sized {
    /// Starts a host and waits until it answers.
    fn start(setup: &Setup) -> Self;

    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// About what its clock says, unless a test turned it or it is not set.
    fn now(&self) -> u64 {
        START
    }

    /// Its clock, if a test can turn it. Without one, cases wait, in setups with
    /// lifetimes of seconds.
    fn clock(&mut self) -> Option<&mut dyn Clock>;

    /// What no test can show on it, by the names that the cases have for it. A
    /// case that leaves something out which is not named here fails.
    fn out_of_reach() -> &'static [&'static str] {
        &[]
    }

    /// Where connections from this machine's `127.0.0.1` come from, as it sees
    /// them.
    fn seen_as() -> IpAddr {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    }

    /// Stops it and starts it anew with the same setup; the address may be
    /// another one.
    fn restart(&mut self);

    /// Whether its grants outlive that, as it is started here.
    fn keeps_grants() -> bool {
        false
    }

    /// Everything it logged so far.
    fn log(&self) -> String;

    /// How many clients it takes at once without turning one away.
    fn connections(&self) -> usize {
        24
    }

    /// An address of this machine from which it sees another source than
    /// usual, if there is one.
    fn elsewhere(&self) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)))
    }

    /// How many octets a header field may have at least, whatever else is in
    /// the head.
    fn longest_field(&self) -> usize {
        4000
    }

    /// Whether it takes bodies in chunks. "A server MAY reject a request that
    /// contains a message body but not a Content-Length by responding with 411"
    /// (RFC 9112 §6.3).
    fn takes_chunks(&self) -> bool {
        true
    }

    /// Whether it says 408 when a body does not come in time, before it ends the
    /// connection.
    fn says_when_a_body_is_late(&self) -> bool {
        true
    }

    /// An answer with the fields of the host's own framing (`date`,
    /// `content-length`, `connection`) spelled and placed as others have them.
    fn framed_as_others(answer: Response) -> Response {
        answer
    }

    /// Brings the sensor of the device `name` to a temperature of whole degrees.
    /// There is one such sensor, at address 0x4c.
    fn set_temperature(&mut self, name: &str, degrees: u8);

    /// Takes the sensor of the device `name` off the bus, if it is there.
    fn unplug(&mut self, name: &str);

    /// Whether the output of the device `name`, which is at `pin`, is high, as
    /// one sees it who looks at it.
    fn is_high(&self, name: &str, pin: u8) -> bool;

    /// Presses the button of the device `name`, or lets go of it; false if
    /// nobody can.
    fn press(&mut self, name: &str, pressed: bool) -> bool;

    /// Has the bus of the sensors work again, fail at once, or hang; false if it
    /// always works.
    fn turn_bus(&mut self, bus: Bus) -> bool;

    /// Has the source of entropy work again, give nothing, or repeat itself. The
    /// host may need 256 requests or a minute to find out.
    fn turn_noise(&mut self, noise: Noise);

    /// Makes the time unknown, as after a power loss, or known again; false if
    /// nobody can while it serves.
    fn lose_clock(&mut self, lost: bool) -> bool;

    /// Lets `seconds` pass, by turning the clock or by waiting. Cases that use
    /// it shorten the lifetimes in their setup, so that waiting is bearable.
    fn pass(&mut self, seconds: u64) {
        match self.clock() {
            Some(clock) => clock.advance(seconds),
            // A little more, since the test's seconds begin when they will.
            None => std::thread::sleep(Duration::from_secs(seconds + 1)),
        }
    }

    /// Lets `seconds` pass and hardly more. What it shows afterwards may be one
    /// more than that, or one less than what a case took its start for.
    fn pass_just(&mut self, seconds: u64) {
        match self.clock() {
            Some(clock) => clock.advance(seconds),
            None => std::thread::sleep(Duration::from_secs(seconds)),
        }
    }
}
