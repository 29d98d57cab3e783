//! HMAC_DRBG of NIST SP 800-90A Rev. 1, over HMAC-SHA256.

use smallgate_core::sha256::HmacKey;
use zeroize::Zeroize;

/// HMAC_DRBG (SP 800-90A Rev. 1 §10.1.2) over HMAC-SHA256, 256 bits strong.
///
/// After each request the key and the value are replaced by what can not be
/// computed back (§10.1.2.5, step 6), so that whoever reads the memory learns
/// nothing that was given out before. The generator alone checks nothing and
/// counts nothing: [`Generator`](super::Generator) does.
pub struct HmacDrbg {
    /// *Key* of §10.1.2.1.
    key: [u8; SIZE],
    /// *V* of §10.1.2.1.
    value: [u8; SIZE],
}

/// *outlen* of SHA-256, in octets.
const SIZE: usize = 32;

/// "max_number_of_bits_per_request: 2^19" (SP 800-90A Rev. 1 table 2), in
/// octets.
const MAX_REQUEST: usize = 65_536;

impl HmacDrbg {
    /// Instantiates it (§10.1.2.3): `entropy` of 256 bits at least, a `nonce` of
    /// 128, and what no other device has in its `personalization`.
    #[must_use]
    pub fn new(entropy: &[u8], nonce: &[u8], personalization: &[u8]) -> Self {
        let mut drbg = HmacDrbg {
            key: [0; SIZE],
            value: [1; SIZE],
        };
        drbg.update([entropy, nonce, personalization]);
        drbg
    }

    /// Reseeds it (§10.1.2.4). What it had stays in: entropy is only added.
    pub fn reseed(&mut self, entropy: &[u8], additional: &[u8]) {
        self.update([entropy, additional, &[]]);
    }

    /// Fills `octets` (§10.1.2.5), as one request, or several where one may not
    /// ask for so many.
    pub fn fill(&mut self, octets: &mut [u8]) {
        for request in octets.chunks_mut(MAX_REQUEST) {
            for chunk in request.chunks_mut(SIZE) {
                self.value = self.mac(&[&self.value]);
                for (octet, value) in chunk.iter_mut().zip(&self.value) {
                    *octet = *value;
                }
            }
            self.update([&[]; 3]);
        }
    }

    /// HMAC_DRBG_Update (§10.1.2.2): the second half runs if there is any
    /// provided data.
    fn update(&mut self, [a, b, c]: [&[u8]; 3]) {
        let is_provided = !(a.is_empty() && b.is_empty() && c.is_empty());
        for round in 0..=u8::from(is_provided) {
            let key = self.mac(&[&self.value, &[round], a, b, c]);
            self.key.zeroize();
            self.key = key;
            self.value = self.mac(&[&self.value]);
        }
    }

    #[inline(never)]
    fn mac(&self, parts: &[&[u8]]) -> [u8; SIZE] {
        let mut mac = HmacKey::new(&self.key).begin();
        for part in parts {
            mac.update(part);
        }
        mac.finish()
    }
}

impl Drop for HmacDrbg {
    fn drop(&mut self) {
        self.key.zeroize();
        self.value.zeroize();
    }
}

impl core::fmt::Debug for HmacDrbg {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HmacDrbg(..)")
    }
}
