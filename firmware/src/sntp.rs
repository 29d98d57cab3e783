//! The time from a server: SNTP (RFC 4330), a question of 48 octets and an answer
//! of as many.
//!
//! What a server says is not authenticated. An answer is one to the question if
//! it comes from the server's address to the port of the question, and has the
//! question's 64 random bits: nobody who does not see the question answers it.
//! Who sees it can lie; how far,
//! [`TrustedClock`](crate::clock::TrustedClock) bounds.
//!
//! Written by hand, in 2.4 KB of flash and 250 octets of RAM less than with the
//! crate `sntpc` 0.11 (and `sntpc-net-embassy`), measured in the firmware of a
//! Cortex-M4. It makes the same checks, but marks its question with a time, and
//! has each message once more in memory beside the socket.
//!
//! ```
//! use smallgate_firmware::sntp::{Question, SntpError};
//!
//! let question = Question::new([7; 8]);
//! let asked = question.octets();
//! assert_eq!(asked.first(), Some(&0x23)); // version 4, from a client
//! assert_eq!(question.answer(&asked, 0), Err(SntpError::Foreign));
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

use core::fmt;

use smallgate_core::time::{Seconds, UnixTime};

/// The port of SNTP.
pub const PORT: u16 = 123;

/// A message without extensions and authenticator, in octets.
pub const SIZE: usize = 48;

/// A question to a server.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    nonce: [u8; 8],
}

/// The time as a server told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The second that it was when the answer came.
    pub time: UnixTime,
    /// How much of that second had passed, in milliseconds, below 1000.
    pub passed: u32,
    /// How wrong it may be, at least 1: the server's distance from its reference,
    /// and half of the time that the answer took.
    pub uncertainty: Seconds,
}

/// Why a server did not tell the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SntpError {
    /// Nothing came.
    Silent,
    /// What came is no answer to the question: too short, from elsewhere, or
    /// with other octets than the question's.
    Foreign,
    /// The server does not know the time, or just to 16 s.
    Unsynchronised,
    /// The answer contradicts itself.
    Nonsense,
    /// A kiss-o'-death: it is asked too often.
    Rate,
    /// A kiss-o'-death: it does not want to be asked.
    Denied,
    /// The question could not be sent.
    Unreachable,
}

/// Version 4, from a client.
const QUESTION: u8 = 4 << 3 | 3;

/// From a server.
const SERVER: u8 = 4;

/// In the leap indicator: the server's clock is not set.
const ALARM: u8 = 3;

/// The highest stratum of a server that has the time.
const LAST_STRATUM: u8 = 15;

/// "infinity" (RFC 4330 §5): 16 s (RFC 5905 §7.2, MAXDISP), in 2⁻¹⁶ s.
const FAR: u32 = 16 << 16;

/// From 1900 to 1970, in seconds.
const TO_1970: u32 = 2_208_988_800;

impl Question {
    /// A question with `nonce`, which nobody can guess.
    //
    // In the place of the time: servers give it back and make nothing of it.
    #[must_use]
    pub const fn new(nonce: [u8; 8]) -> Self {
        Question { nonce }
    }

    /// What is sent: "all of the NTP header fields [...] may be set to 0, except
    /// the Mode, VN, and optional Transmit Timestamp fields" (RFC 4330 §5).
    #[must_use]
    pub fn octets(&self) -> [u8; SIZE] {
        let mut octets = [0; SIZE];
        let [first, .., a, b, c, d, e, f, g, h] = &mut octets;
        *first = QUESTION;
        [*a, *b, *c, *d, *e, *f, *g, *h] = self.nonce;
        octets
    }

    /// Reads what came from the server, `took` milliseconds after the question.
    ///
    /// # Errors
    ///
    /// It is no answer to this question ([`SntpError::Foreign`]), and one may
    /// still come; or the answer does not tell the time.
    pub fn answer(&self, octets: &[u8], took: u32) -> Result<Told, SntpError> {
        let (words, _) = octets.as_chunks::<4>();
        let Some(
            &[
                [leap_version_mode, stratum, ..],
                root_delay,
                root_dispersion,
                reference,
                reference_seconds,
                _,
                originate_seconds,
                originate_fraction,
                _,
                _,
                seconds,
                fraction,
            ],
        ) = words.first_chunk()
        else {
            return Err(SntpError::Foreign);
        };
        // "The Originate Timestamp in the server reply should match the Transmit
        // Timestamp used in the client request" (RFC 4330 §5). It comes before all
        // else: a kiss-o'-death is to be the server's too.
        let is_ours = [originate_seconds, originate_fraction].as_flattened() == self.nonce;
        let (leap, version, mode) = (
            leap_version_mode >> 6,
            leap_version_mode >> 3 & 7,
            leap_version_mode & 7,
        );
        if !is_ours || mode != SERVER || !(1..=4).contains(&version) {
            return Err(SntpError::Foreign);
        }
        // "[...] the Stratum field is 0 [...] a Kiss-o'-Death message" (§8).
        if stratum == 0 {
            return Err(match &reference {
                b"DENY" | b"RSTR" => SntpError::Denied,
                b"RATE" => SntpError::Rate,
                _ => SntpError::Unsynchronised,
            });
        }
        let [
            root_delay,
            root_dispersion,
            reference_seconds,
            seconds,
            fraction,
        ] = [
            root_delay,
            root_dispersion,
            reference_seconds,
            seconds,
            fraction,
        ]
        .map(u32::from_be_bytes);
        // A delay is signed; one that is negative comes out as far too long.
        let distance = (root_delay >> 1).saturating_add(root_dispersion);
        if leap == ALARM || stratum > LAST_STRATUM || distance >= FAR {
            return Err(SntpError::Unsynchronised);
        }
        // A server was not set after it told the time. Seconds begin anew in 2036:
        // what is less than half of them ahead is later. 0 is not known.
        let ahead = reference_seconds.wrapping_sub(seconds);
        let is_later = reference_seconds != 0 && (1..1 << 31).contains(&ahead);
        if is_later || (seconds, fraction) == (0, 0) {
            return Err(SntpError::Nonsense);
        }
        Ok(told(seconds, fraction, distance, took))
    }
}

/// The time that was told, when it was read: half of `took` later.
fn told(seconds: u32, fraction: u32, distance: u32, took: u32) -> Told {
    let underway = took / 2;
    // The fraction is in 2⁻³² s; 4,294,968 of those are a millisecond.
    let passed = (fraction / 4_294_968).saturating_add(underway);
    // The distance is in 2⁻¹⁶ s, and below 2²⁰.
    let away = (distance.wrapping_mul(125) >> 13).saturating_add(underway);
    // Of the times that 32 bits can be, the one from 1970 to 2106.
    let second = UnixTime(seconds.wrapping_sub(TO_1970).into());
    Told {
        time: second.plus(Seconds(passed / 1000)),
        passed: passed % 1000,
        uncertainty: Seconds((away / 1000).saturating_add(1)),
    }
}

/// When a server is asked again.
///
/// "A client MUST NOT under any conditions use a poll interval less than 15
/// seconds", and "SHOULD increase the poll interval using exponential backoff"
/// while no answer comes (RFC 4330 §10).
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// In seconds, after an answer.
    regular: u32,
    /// In seconds, after none.
    retry: u32,
}

impl Schedule {
    /// The first wait after a question that was not answered.
    const RETRY: u32 = 15;
    /// The wait after one that was, 16 to 18 minutes.
    const REGULAR: u32 = 960;
    /// The longest, 36 hours: 2¹⁷ s (RFC 5905 §7.2, MAXPOLL).
    const LONGEST: u32 = 1 << 17;

    /// The server was not asked yet.
    #[must_use]
    pub const fn new() -> Self {
        Schedule {
            regular: Self::REGULAR,
            retry: Self::RETRY,
        }
    }

    /// How long to wait after `outcome`, in milliseconds; nothing if the server
    /// is not to be asked again. `random` makes it longer by up to an eighth, so
    /// that many boards that were started at once do not stay at it.
    ///
    /// "DENY, RSTR: The client MUST demobilize any associations to that server
    /// and stop sending packets to that server; RATE: the client MUST immediately
    /// reduce its polling interval to that server and continue to reduce it each
    /// time it receives a RATE kiss code" (RFC 5905 §7.4), of which the interval
    /// is the frequency.
    pub fn next(&mut self, outcome: Result<(), SntpError>, random: u8) -> Option<u32> {
        let wait = match outcome {
            Ok(()) => {
                self.retry = Self::RETRY;
                self.regular
            }
            Err(SntpError::Denied) => return None,
            Err(SntpError::Rate) => {
                self.regular = self.regular.saturating_mul(2).min(Self::LONGEST);
                self.regular
            }
            Err(_) => {
                let retry = self.retry;
                self.retry = retry.saturating_mul(2).min(self.regular);
                retry
            }
        };
        Some(wait.saturating_mul(1000_u32.saturating_add(u32::from(random / 2))))
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for SntpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SntpError::Silent => "the time server does not answer",
            SntpError::Foreign => "what came is not the time server's answer",
            SntpError::Unsynchronised => "the time server does not know the time",
            SntpError::Nonsense => "the time server's answer contradicts itself",
            SntpError::Rate => "the time server is asked too often",
            SntpError::Denied => "the time server does not want to be asked",
            SntpError::Unreachable => "there is no way to the time server",
        })
    }
}

impl core::error::Error for SntpError {}
