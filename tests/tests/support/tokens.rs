//! Tokens made by hand, so that they can be made wrong.

use base64ct::{Base64UrlUnpadded, Encoding};
use smallgate_core::jose::{Es256SigningKey, Hs256Key, Signer};

/// The name of both keys.
pub(crate) const KEY_ID: &str = "k1";
/// The symmetric key.
pub(crate) const HS256_SECRET: [u8; 32] = [7; 32];
/// The private key.
pub(crate) const ES256_SECRET: [u8; 32] = [9; 32];

/// The symmetric key.
pub(crate) fn hs256() -> Hs256Key {
    Hs256Key::new(&HS256_SECRET, Some(KEY_ID)).unwrap()
}

/// The private key.
pub(crate) fn es256() -> Es256SigningKey {
    Es256SigningKey::new(&ES256_SECRET, Some(KEY_ID)).unwrap()
}

/// base64url.
pub(crate) fn encoded(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(octets)
}

/// The signature over `input`.
pub(crate) fn signature(signer: &dyn Signer, input: &str) -> Vec<u8> {
    let mut signature = [0; 64];
    let len = signer.sign(input.as_bytes(), &mut signature).unwrap();
    signature[..len].to_vec()
}
