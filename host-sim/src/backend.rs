//! Who computes on P-256 here: assembly.

use smallgate_core::jose::KeyError;
use smallgate_es256::{Es256SigningKey, Es256VerifyingKey};
use smallgate_firmware::image::{Es256, ReadyKey};

/// The keys of a provisioning image, for the assembly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assembly;

/// A key of a server.
pub(crate) type ServerKey = ReadyKey<Assembly>;

impl Es256 for Assembly {
    type Signing = Es256SigningKey;
    type Verifying = Es256VerifyingKey;

    fn pair(
        secret: &[u8; 32],
        x: &[u8; 32],
        y: &[u8; 32],
        key_id: Option<&str>,
    ) -> Result<(Es256SigningKey, Es256VerifyingKey), KeyError> {
        let signing = Es256SigningKey::pair(secret, x, y, key_id)?;
        let verifying = signing.verifying_key();
        Ok((signing, verifying))
    }

    fn point(
        x: &[u8; 32],
        y: &[u8; 32],
        key_id: Option<&str>,
    ) -> Result<Es256VerifyingKey, KeyError> {
        Es256VerifyingKey::new(x, y, key_id)
    }
}
