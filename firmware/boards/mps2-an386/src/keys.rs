//! The keys of a provisioning image, for this board's backend.

use smallgate_core::jose::{Hs256Key, KeyError, Signer, Verifier};
use smallgate_firmware::image::{Key, Material};

use crate::{Es256SigningKey, Es256VerifyingKey};

/// A key that is ready to use.
pub enum BoardKey {
    /// Signs and verifies.
    Hs256(Hs256Key),
    /// Signs; its counterpart verifies.
    Es256(Es256SigningKey, Es256VerifyingKey),
    /// Verifies.
    Es256Public(Es256VerifyingKey),
}

impl BoardKey {
    /// Makes it ready to use.
    ///
    /// # Errors
    ///
    /// The octets are no key, or a secret and a point that are no pair.
    pub fn new(key: &Key<'_>) -> Result<Self, KeyError> {
        let name = key.key_id;
        Ok(match key.material {
            Material::Octets(octets) => BoardKey::Hs256(Hs256Key::new(octets, name)?),
            Material::Pair { secret, x, y } => {
                let signing = Es256SigningKey::pair(secret, x, y, name)?;
                let verifying = signing.verifying_key();
                BoardKey::Es256(signing, verifying)
            }
            Material::Point { x, y } => BoardKey::Es256Public(Es256VerifyingKey::new(x, y, name)?),
        })
    }

    /// What signs.
    #[must_use]
    pub fn signer(&self) -> Option<&dyn Signer> {
        match self {
            BoardKey::Hs256(key) => Some(key),
            BoardKey::Es256(key, _) => Some(key),
            BoardKey::Es256Public(_) => None,
        }
    }

    /// What verifies.
    #[must_use]
    pub fn verifier(&self) -> &dyn Verifier {
        match self {
            BoardKey::Hs256(key) => key,
            BoardKey::Es256(_, key) | BoardKey::Es256Public(key) => key,
        }
    }
}
