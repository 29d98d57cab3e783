//! Entropy: a board's raw source, watched, and a generator that it seeds.
//!
//! ```text
//! EntropySource ─→ health tests ─→ SHA-256 ─→ Hash_DRBG ─→ octets
//!                       └ one fails: nothing comes out until a start-up test passes
//! ```
//!
//! The generator is Hash_DRBG (NIST SP 800-90A) since SHA-256 is on the board
//! already. On a Cortex-M4 it takes 1.9 KB of flash with all that is here, where
//! ChaCha20 alone takes 3.1 (`chacha20` 0.10) or 4.5 (`rand_chacha` 0.10). The
//! octets of a request take four blocks of SHA-256, 17,700 instructions;
//! HMAC_DRBG, 220 octets smaller, would take sixteen.
//!
//! # What is asked of a source
//!
//! At least one bit of min-entropy in each octet, which is little: noise that is
//! not conditioned may have more, a TRNG's output has eight. 512 octets become a
//! seed of 256 bits, so that the least that is asked for is twice what is
//! needed. A source with less has to gather before it hands out an octet.
//!
//! # What the health tests see
//!
//! The repetition count test and the adaptive proportion test of NIST SP
//! 800-90B §4.4, for that one bit, each wrong once in 2³⁰ windows of a healthy
//! source; and circles: the same up to 256 octets over and over, or the same
//! window twice in a row. They find a source that is broken. They do not find
//! one that is predictable and looks random, such as a generator with a fixed
//! seed: no test of its output does.
//!
//! ```
//! use smallgate_firmware::entropy::{EntropyFailed, EntropySource, Generator};
//!
//! /// In place of the hardware here: a generator of whoever knows its state.
//! struct Trng(u32);
//!
//! impl EntropySource for Trng {
//!     fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed> {
//!         for octet in octets {
//!             self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
//!             *octet = (self.0 >> 24) as u8;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut generator = Generator::start(Trng(4711), b"serial number 4711");
//! let one = generator.octets::<48>();
//! assert!(one.is_some());
//! assert_ne!(one, generator.octets());
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

mod drbg;
mod health;

use core::fmt;

use zeroize::{Zeroize, Zeroizing};

pub use drbg::HashDrbg;
use health::{Health, WINDOW};

/// A board's raw source of randomness, with at least one bit of min-entropy in
/// each octet.
pub trait EntropySource {
    /// Fills `octets` with fresh ones. It may block, for as long as the board
    /// can do without its workers: 512 octets are asked for at a time.
    ///
    /// # Errors
    ///
    /// The hardware says that it failed: [`EntropyFailed::NoOctets`].
    fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed>;
}

/// What is wrong with the source of entropy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EntropyFailed {
    /// It gives no octets.
    NoOctets,
    /// The same octet came too often in a row: the repetition count test.
    Stuck,
    /// One octet comes too often: the adaptive proportion test.
    Biased,
    /// The same octets come again and again.
    Repeats,
}

/// After so many requests the generator reseeds itself. It is far below the 2⁴⁸
/// that SP 800-90A allows, since a source that died is found at a reseeding.
pub const REQUESTS_PER_SEED: u16 = 256;

/// A generator of random octets that nobody can guess, for as long as the source
/// that seeds it is healthy.
///
/// When a health test fails, the generator yields nothing until a start-up test
/// passes: see [`Generator::restart`]. A failure is not latched for ever. A
/// source is disturbed by heat or a dip of its supply and comes back, and a
/// gateway that nobody visits should come back with it; and nothing is lost by
/// that, since the generator's state is never thrown away: what a restart
/// gathers is only added.
pub struct Generator<S> {
    source: S,
    health: Health,
    drbg: HashDrbg,
    /// Requests until it reseeds itself.
    left: u16,
    state: Result<(), EntropyFailed>,
}

impl<S: EntropySource> Generator<S> {
    /// Runs the start-up test on 1,024 octets of `source`, and seeds a generator
    /// with them: "the start-up tests shall run the continuous health tests over
    /// at least 1024 consecutive samples" (SP 800-90B §4.3). Whether that went
    /// well, [`Generator::health`] says.
    ///
    /// The `personalization` is not secret. It should be what no other device
    /// has, and no other start of this one: an address, a serial number, a
    /// counter of starts, the time if it is known. It keeps two devices apart
    /// whose sources are worse than they seem.
    #[must_use]
    pub fn start(source: S, personalization: &[u8]) -> Self {
        let mut generator = Generator {
            source,
            health: Health::new(),
            drbg: HashDrbg::new(&[], &[], personalization),
            left: 0,
            state: Err(EntropyFailed::NoOctets),
        };
        generator.state = generator.start_up();
        generator
    }

    /// Whether octets come out, and if not, what the source did.
    ///
    /// # Errors
    ///
    /// The last failure of the source, which no restart has followed that
    /// passed.
    pub const fn health(&self) -> Result<(), EntropyFailed> {
        self.state
    }

    /// Fills `octets`. On an error they are all zero.
    ///
    /// # Errors
    ///
    /// The source is not healthy.
    pub fn fill(&mut self, octets: &mut [u8]) -> Result<(), EntropyFailed> {
        octets.zeroize();
        if self.left == 0 {
            self.reseed(&[])?;
        }
        self.state?;
        self.left = self.left.saturating_sub(1);
        self.drbg.fill(octets);
        Ok(())
    }

    /// `N` octets that nobody else gets; none when the source is not healthy.
    pub fn octets<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut octets = [0; N];
        self.fill(&mut octets).ok()?;
        Some(octets)
    }

    /// Looks at 512 more octets of the source and mixes them in, and
    /// `additional` with them, which need not be secret: when which packet came,
    /// the time. A board does this every minute, so that a source that died is
    /// found although nobody asks for anything.
    ///
    /// # Errors
    ///
    /// The source is not healthy, or was not before.
    pub fn reseed(&mut self, additional: &[u8]) -> Result<(), EntropyFailed> {
        self.state?;
        self.state = self.seed(additional);
        self.state
    }

    /// Runs the start-up test again, and mixes in what it gathers. Octets come
    /// out afterwards if it passes; if it does not, none, even if they did
    /// before.
    ///
    /// # Errors
    ///
    /// The source is not healthy.
    pub fn restart(&mut self) -> Result<(), EntropyFailed> {
        self.health.restart();
        self.state = self.start_up();
        self.state
    }

    /// Two windows are the 1,024 octets of a start-up test. Their two seeds of
    /// 256 bits are more than the 384 that entropy and nonce of an instantiation
    /// have (SP 800-90A Rev. 1 §8.6.7). The generator is instantiated with the
    /// personalization alone and nothing is taken from it until both are in.
    fn start_up(&mut self) -> Result<(), EntropyFailed> {
        self.seed(&[])?;
        self.seed(&[])
    }

    fn seed(&mut self, additional: &[u8]) -> Result<(), EntropyFailed> {
        let mut window = Zeroizing::new([0; WINDOW]);
        self.source.fill(&mut *window)?;
        let seed = Zeroizing::new(self.health.condense(&window)?);
        self.drbg.reseed(&*seed, additional);
        self.left = REQUESTS_PER_SEED;
        Ok(())
    }
}

impl<S> fmt::Debug for Generator<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for EntropyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EntropyFailed::NoOctets => "the source of entropy gives no octets",
            EntropyFailed::Stuck => "the source of entropy is stuck",
            EntropyFailed::Biased => "the source of entropy is biased",
            EntropyFailed::Repeats => "the source of entropy repeats itself",
        })
    }
}

impl core::error::Error for EntropyFailed {}
