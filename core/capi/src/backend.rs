//! Who computes on P-256: assembly, pure Rust, or nobody but callbacks.

#[cfg(all(feature = "asm", target_arch = "arm"))]
pub(crate) use smallgate_cortex_m::Assembly as Backend;
#[cfg(all(feature = "p256", not(all(feature = "asm", target_arch = "arm"))))]
pub(crate) use smallgate_firmware::image::Software as Backend;

#[cfg(not(any(feature = "p256", all(feature = "asm", target_arch = "arm"))))]
pub(crate) use absent::Absent as Backend;

/// Whether there is one.
pub(crate) const PRESENT: bool = cfg!(any(
    feature = "p256",
    all(feature = "asm", target_arch = "arm")
));

#[cfg(not(any(feature = "p256", all(feature = "asm", target_arch = "arm"))))]
mod absent {
    use smallgate_core::jose::{
        Algorithm, KeyError, MAX_SIGNATURE, SignError, SignatureError, Signer, Verifier,
    };
    use smallgate_firmware::image::Es256;

    pub(crate) struct Absent;

    /// No key of ES256 is made without a backend.
    pub(crate) enum NoKey {}

    impl Es256 for Absent {
        type Signing = NoKey;
        type Verifying = NoKey;

        fn pair(
            _: &[u8; 32],
            _: &[u8; 32],
            _: &[u8; 32],
            _: Option<&str>,
        ) -> Result<(NoKey, NoKey), KeyError> {
            Err(KeyError::WrongKeyType)
        }

        fn point(_: &[u8; 32], _: &[u8; 32], _: Option<&str>) -> Result<NoKey, KeyError> {
            Err(KeyError::WrongKeyType)
        }
    }

    impl Signer for NoKey {
        fn algorithm(&self) -> Algorithm {
            match *self {}
        }

        fn key_id(&self) -> Option<&str> {
            match *self {}
        }

        fn sign(&self, _: &[u8], _: &mut [u8; MAX_SIGNATURE]) -> Result<usize, SignError> {
            match *self {}
        }
    }

    impl Verifier for NoKey {
        fn algorithm(&self) -> Algorithm {
            match *self {}
        }

        fn key_id(&self) -> Option<&str> {
            match *self {}
        }

        fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), SignatureError> {
            match *self {}
        }
    }
}
