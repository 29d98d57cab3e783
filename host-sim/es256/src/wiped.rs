//! Wiping a private key of `ring`, which leaves that to its callers' memory.

#![expect(
    unsafe_code,
    reason = "a value whose octets are to be overwritten once it is dropped can only be `MaybeUninit`"
)]

use std::mem::MaybeUninit;

use ring::signature::EcdsaKeyPair;
use zeroize::Zeroize;

/// A key pair whose octets are overwritten when it is let go.
///
/// Invariant: what is inside is initialized until [`Drop`].
pub(crate) struct Wiped(MaybeUninit<EcdsaKeyPair>);

/// All of it is in here.
const _: () = assert!(!std::mem::needs_drop::<EcdsaKeyPair>());

impl Wiped {
    /// In a box, so that no copy is left where it was moved from.
    pub(crate) fn new(pair: EcdsaKeyPair) -> Box<Self> {
        Box::new(Wiped(MaybeUninit::new(pair)))
    }

    pub(crate) fn get(&self) -> &EcdsaKeyPair {
        // SAFETY: by the invariant.
        unsafe { self.0.assume_init_ref() }
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        // There is nothing to drop in it, as said above.
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use ring::rand::SystemRandom;
    use ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;

    use super::*;

    #[test]
    fn no_octet_of_a_key_is_left() {
        let random = SystemRandom::new();
        let of = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(of, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(of, made.as_ref(), &random).unwrap();
        let mut room = MaybeUninit::new(Wiped(MaybeUninit::new(pair)));
        let at = room.as_mut_ptr();
        // SAFETY: a whole one is there, and is not used as one again.
        unsafe { at.drop_in_place() };
        // SAFETY: each octet was overwritten, and the room is held.
        let left = unsafe { std::slice::from_raw_parts(at.cast::<u8>(), size_of::<Wiped>()) };
        assert!(left.iter().all(|octet| *octet == 0));
    }
}
