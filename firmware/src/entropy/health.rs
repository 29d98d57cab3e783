//! The health of a source: SP 800-90B §4.4, and whether it runs in circles.

use smallgate_core::sha256::Sha256;
use zeroize::Zeroize;

use super::EntropyFailed;

/// How many octets are looked at together: the window of the adaptive
/// proportion test, "512 if the noise source is not binary" (SP 800-90B
/// §4.4.2).
pub(super) const WINDOW: usize = 512;

/// So many equal octets in a row are no chance: 1 + ⌈−log₂ α / H⌉ (§4.4.1),
/// with H = 1 bit in an octet and α = 2⁻³⁰.
const REPETITION_CUTOFF: u16 = 31;

/// The first octet of a window so often in it is no chance:
/// 1 + critbinom(512, 2⁻ᴴ, 1 − α) (§4.4.2), with the same H and α.
const PROPORTION_CUTOFF: usize = 325;

/// The longest circle that is looked for within a window. Longer ones are found
/// when they bring a whole window back.
const LONGEST_CIRCLE: usize = WINDOW / 2;

/// What was seen of a source so far.
pub(super) struct Health {
    /// The last octet, and how often it came in a row.
    last: u8,
    in_a_row: u16,
    /// Of the last window.
    fingerprint: [u8; 8],
}

impl Health {
    pub(super) const fn new() -> Self {
        Health {
            last: 0,
            in_a_row: 0,
            fingerprint: [0; 8],
        }
    }

    /// Forgets the row of equal octets, but not the window: a source that was
    /// disturbed gives another one.
    pub(super) const fn restart(&mut self) {
        self.in_a_row = 0;
    }

    /// Looks at the next octets of the source and condenses them to a seed, with
    /// SHA-256, a vetted conditioning component (SP 800-90B §3.1.5.1.1).
    ///
    /// # Errors
    ///
    /// The source is not healthy.
    pub(super) fn condense(&mut self, window: &[u8; WINDOW]) -> Result<[u8; 32], EntropyFailed> {
        let repetition = self.repetition(window);
        let mut seed = Sha256::of(window);
        let healthy = repetition
            .and_then(|()| proportion(window))
            .and_then(|()| circles(window))
            .and_then(|()| self.recurrence(&seed));
        if healthy.is_err() {
            seed.zeroize();
        }
        healthy.map(|()| seed)
    }

    /// The repetition count test (§4.4.1).
    fn repetition(&mut self, window: &[u8; WINDOW]) -> Result<(), EntropyFailed> {
        let mut longest = 0;
        for octet in window {
            self.in_a_row = match *octet == self.last {
                true => self.in_a_row.saturating_add(1),
                false => 1,
            };
            self.last = *octet;
            longest = longest.max(self.in_a_row);
        }
        match longest >= REPETITION_CUTOFF {
            true => Err(EntropyFailed::Stuck),
            false => Ok(()),
        }
    }

    /// Whether the window before was the same one. What is remembered of it is a
    /// hash of its hash, of no use to whoever reads the memory.
    fn recurrence(&mut self, seed: &[u8; 32]) -> Result<(), EntropyFailed> {
        let [a, b, c, d, e, f, g, h, ..] = Sha256::of(seed);
        let fingerprint = [a, b, c, d, e, f, g, h];
        let before = core::mem::replace(&mut self.fingerprint, fingerprint);
        match before == fingerprint {
            true => Err(EntropyFailed::Repeats),
            false => Ok(()),
        }
    }
}

/// The adaptive proportion test (§4.4.2).
fn proportion(window: &[u8; WINDOW]) -> Result<(), EntropyFailed> {
    let [first, ..] = window;
    match window.iter().filter(|octet| *octet == first).count() >= PROPORTION_CUTOFF {
        true => Err(EntropyFailed::Biased),
        false => Ok(()),
    }
}

/// "If the developer wishes to use tests other than the approved" ones, they are
/// added to them (§4.5): a source that gives the same few octets over and over
/// passes both, if no octet prevails among them.
fn circles(window: &[u8; WINDOW]) -> Result<(), EntropyFailed> {
    let returns = |length: usize| {
        let later = window.get(length..).unwrap_or_default();
        window.starts_with(later)
    };
    match (1..=LONGEST_CIRCLE).any(returns) {
        true => Err(EntropyFailed::Repeats),
        false => Ok(()),
    }
}
