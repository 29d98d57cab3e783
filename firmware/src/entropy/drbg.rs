//! Hash_DRBG of NIST SP 800-90A Rev. 1, over SHA-256.

use core::fmt;

use smallgate_core::sha256::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// Hash_DRBG (SP 800-90A Rev. 1 §10.1.1) over SHA-256, 256 bits strong.
///
/// After each request the value is replaced by one that it can not be computed
/// back from (§10.1.1.4, steps 4 and 5), so that whoever reads the memory learns
/// nothing that was given out before. The generator alone checks nothing and
/// counts no requests but for that: [`Generator`](super::Generator) does.
pub struct HashDrbg {
    /// *V* of §10.1.1.1.
    value: Seed,
    /// *C*: derived from the value at each reseeding.
    constant: Seed,
    /// *reseed_counter*: requests since, and 1.
    counter: u32,
}

/// *seedlen* is 440 bits for SHA-256 (table 2), and a value with its padding is
/// one block to hash.
const SIZE: usize = 55;

type Seed = [u8; SIZE];

/// "max_number_of_bits_per_request: 2^19" (table 2), in octets.
const MAX_REQUEST: usize = 65_536;

impl HashDrbg {
    /// Instantiates it (§10.1.1.2): `entropy` of 256 bits at least, a `nonce` of
    /// 128, and what no other device has in its `personalization`.
    #[must_use]
    pub fn new(entropy: &[u8], nonce: &[u8], personalization: &[u8]) -> Self {
        Self::seeded(derive([entropy, nonce, personalization, &[]]))
    }

    /// Reseeds it (§10.1.1.3). What it had stays in: entropy is only added.
    pub fn reseed(&mut self, entropy: &[u8], additional: &[u8]) {
        *self = Self::seeded(derive([&[1], &self.value, entropy, additional]));
    }

    fn seeded(value: Seed) -> Self {
        HashDrbg {
            constant: derive([&[0], &value, &[], &[]]),
            value,
            counter: 1,
        }
    }

    /// Fills `octets` (§10.1.1.4), as one request, or several where one may not
    /// ask for so many.
    pub fn fill(&mut self, octets: &mut [u8]) {
        for request in octets.chunks_mut(MAX_REQUEST) {
            // Hashgen.
            let mut data = Zeroizing::new(self.value);
            for chunk in request.chunks_mut(HASH) {
                copy(&hash(&[&*data]), chunk);
                add(&mut data, &[1]);
            }
            let step = hash(&[&[3], &self.value]);
            add(&mut self.value, &*step);
            add(&mut self.value, &self.constant);
            add(&mut self.value, &self.counter.to_be_bytes());
            self.counter = self.counter.saturating_add(1);
        }
    }
}

/// *outlen* of SHA-256, in octets.
const HASH: usize = 32;

#[inline(never)]
fn hash(parts: &[&[u8]]) -> Zeroizing<[u8; HASH]> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    Zeroizing::new(hash.finish())
}

/// Hash_df (§10.3.1) for 440 bits.
fn derive(parts: [&[u8]; 4]) -> Seed {
    const BITS: [u8; 4] = [0, 0, 1, 0xB8];
    let [a, b, c, d] = parts;
    let mut seed = [0; SIZE];
    for (counter, chunk) in (1..).zip(seed.chunks_mut(HASH)) {
        copy(&hash(&[&[counter], &BITS, a, b, c, d]), chunk);
    }
    seed
}

fn copy(from: &[u8; HASH], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Adds a number, as numbers of their last octets, modulo 2⁴⁴⁰.
fn add(sum: &mut Seed, number: &[u8]) {
    let mut digits = number.iter().rev();
    let mut carry = 0;
    for octet in sum.iter_mut().rev() {
        let digit = digits.next().copied().unwrap_or(0);
        [*octet, carry] = u16::from(*octet)
            .wrapping_add(digit.into())
            .wrapping_add(carry.into())
            .to_le_bytes();
    }
}

impl Drop for HashDrbg {
    fn drop(&mut self) {
        self.value.zeroize();
        self.constant.zeroize();
    }
}

impl fmt::Debug for HashDrbg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashDrbg(..)")
    }
}
