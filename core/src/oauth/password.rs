//! People's passwords: PBKDF2-HMAC-SHA256 (RFC 8018 §5.2), hashed in slices so
//! that a device goes on answering meanwhile.

#[cfg(test)]
mod tests;

use core::fmt;

use zeroize::Zeroize;

use crate::secret::constant_time_eq;
use crate::sha256::HmacKey;

/// What a configuration keeps of a password.
#[derive(Clone, Copy)]
pub struct PasswordHash {
    /// The iteration count, at least 1.
    pub iterations: u32,
    /// The salt, random for each user.
    pub salt: [u8; 16],
    /// The first block of PBKDF2's output.
    pub hash: [u8; 32],
}

impl PasswordHash {
    /// Hashes `password` at one go.
    #[must_use]
    pub fn new(password: &str, salt: [u8; 16], iterations: u32) -> Self {
        let mut work = PasswordWork::new(password.as_bytes(), &salt, iterations);
        work.advance(u32::MAX);
        PasswordHash {
            iterations,
            salt,
            hash: work.sum,
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// A password that is being hashed.
pub(super) struct PasswordWork {
    /// Keyed with the password.
    prf: HmacKey,
    last: [u8; 32],
    sum: [u8; 32],
    /// Iterations that go into `sum`.
    left: u32,
    /// Iterations after those, for nothing but their time.
    idle: u32,
}

impl PasswordWork {
    /// Does the first of `iterations`.
    pub(super) fn new(password: &[u8], salt: &[u8], iterations: u32) -> Self {
        Self::new_among(password, salt, iterations, iterations)
    }

    /// The same, but what follows takes `most` iterations in all, so that users
    /// with different counts take the same time.
    pub(super) fn new_among(password: &[u8], salt: &[u8], iterations: u32, most: u32) -> Self {
        let prf = HmacKey::new(password);
        // "U_1 = PRF (P, S || INT (i))", and i is 1: one block is all we keep.
        let mut first = prf.begin();
        first.update(salt);
        first.update(&[0, 0, 0, 1]);
        let first = first.finish();
        PasswordWork {
            prf,
            last: first,
            sum: first,
            left: iterations.saturating_sub(1),
            idle: most.saturating_sub(iterations.max(1)),
        }
    }

    /// Does up to `iterations` more; true once all are done.
    pub(super) fn advance(&mut self, iterations: u32) -> bool {
        for _ in 0..iterations {
            let counts = self.left > 0;
            if counts {
                self.left = self.left.saturating_sub(1);
            } else if self.idle > 0 {
                self.idle = self.idle.saturating_sub(1);
            } else {
                break;
            }
            self.last = self.prf.tag(&self.last);
            let mask = if counts { 0xFF } else { 0 };
            for (sum, octet) in self.sum.iter_mut().zip(&self.last) {
                *sum ^= octet & mask;
            }
        }
        self.left == 0 && self.idle == 0
    }

    /// Whether the password that was hashed is the one behind `expected`.
    /// Before all iterations are done it is not.
    pub(super) fn matches(&self, expected: &[u8; 32]) -> bool {
        constant_time_eq(&self.sum, expected) && self.left == 0
    }
}

impl Drop for PasswordWork {
    fn drop(&mut self) {
        self.last.zeroize();
        self.sum.zeroize();
    }
}
