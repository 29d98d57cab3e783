//! HS256: HMAC using SHA-256 (RFC 7518 §3.2).

use core::fmt;

use super::jws::encoded_header;
use super::sealed::Here;
use super::{
    ACCESS_TOKEN, Algorithm, KeyError, KeyId, MAX_SIGNATURE, SignError, SignatureError, Signer,
    Verifier, owned_key_id,
};
use crate::codec::base64url;
use crate::secret::constant_time_eq;
use crate::sha256::HmacKey;

/// A symmetric key that signs and verifies.
///
/// The key itself is not kept: only the two states of SHA-256 after its inner
/// and outer pad, so that no call pays for the key again. They are wiped when
/// the key is let go, and a call's copies at its end.
#[derive(Clone)]
pub struct Hs256Key {
    keyed: HmacKey,
    key_id: Option<KeyId>,
    /// Of access tokens, encoded; empty if there is no room for it.
    header: heapless::String<MAX_HEADER>,
}

/// The characters of an access token's header, with the longest [`KeyId`] that has
/// nothing to escape, where they are kept: to write them anew takes as long as to
/// hash a block.
const MAX_HEADER: usize = match HAS_ROOM {
    true => base64url::encoded_len(br#"{"alg":"HS256","typ":"at+jwt","kid":""}"#.len() + 48),
    false => 0,
};

/// Machines of 32 bits are taken to have none.
const HAS_ROOM: bool = cfg!(target_pointer_width = "64");

impl Hs256Key {
    /// The fewest octets of a key: "A key of the same size as the hash output
    /// (for instance, 256 bits for "HS256") or larger MUST be used with this
    /// algorithm" (RFC 7518 §3.2).
    pub const MIN_OCTETS: usize = 32;

    /// Takes `octets`, which are random and secret, as a key with the name
    /// `key_id`.
    ///
    /// A public key is no secret. Whoever takes the file of one for an HMAC key
    /// lets everybody sign, so what looks like one is refused: PEM, an OpenSSH
    /// line, a JWK, a DER `SubjectPublicKeyInfo` of an RSA or EC key, and an
    /// uncompressed SEC1 point (65 octets, the first of them 4).
    ///
    /// ```
    /// use smallgate_core::jose::{Hs256Key, KeyError};
    ///
    /// assert!(Hs256Key::new(&[7; 32], Some("2026-01")).is_ok());
    /// assert_eq!(Hs256Key::new(b"secret", None).unwrap_err(), KeyError::TooShort);
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`], [`KeyError::PublicKey`] or
    /// [`KeyError::KeyIdTooLong`].
    pub fn new(octets: &[u8], key_id: Option<&str>) -> Result<Self, KeyError> {
        if octets.len() < Self::MIN_OCTETS {
            return Err(KeyError::TooShort);
        }
        if looks_public(octets) {
            return Err(KeyError::PublicKey);
        }
        let mut key = Hs256Key {
            keyed: HmacKey::new(octets),
            key_id: owned_key_id(key_id)?,
            header: heapless::String::new(),
        };
        if HAS_ROOM {
            key.header = encoded_header(&key, ACCESS_TOKEN).unwrap_or_default();
        }
        Ok(key)
    }
}

impl Signer for Hs256Key {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Hs256
    }

    fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    fn sign(&self, input: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Result<usize, SignError> {
        let tag = self.keyed.tag(input);
        *signature.first_chunk_mut().ok_or(SignError::Backend)? = tag;
        Ok(tag.len())
    }

    fn encoded_header(&self, typ: Option<&str>, _: Here) -> Option<&str> {
        (HAS_ROOM && typ == ACCESS_TOKEN && !self.header.is_empty()).then_some(&self.header)
    }
}

impl Verifier for Hs256Key {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Hs256
    }

    fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// "The comparison of the computed HMAC value to the JWS Signature value
    /// MUST be done in a constant-time manner" (RFC 7518 §3.2), after an exact
    /// check of the length.
    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signature: &[u8; 32] = signature.try_into().map_err(|_| SignatureError::Length)?;
        if constant_time_eq(&self.keyed.tag(input), signature) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

impl fmt::Debug for Hs256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hs256Key")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// Whether `octets` are a public key in one of its usual clothes. None of them
/// is met by chance: the weakest is a key of exactly 65 random octets, one in
/// 256 of which begins with a 4.
fn looks_public(octets: &[u8]) -> bool {
    /// The object identifiers of RFC 5480 §2.1.1 and RFC 3279 §2.3.1.
    const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
    const RSA_ENCRYPTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];

    let text = octets.trim_ascii_start();
    let has = |part: &[u8], within: &[u8]| within.windows(part.len()).any(|window| window == part);
    let is_text = [&b"-----BEGIN "[..], b"ssh-", b"ecdsa-sha2-"]
        .iter()
        .any(|beginning| text.starts_with(beginning));
    let is_jwk = text.first() == Some(&b'{') && has(b"\"kty\"", text);
    let beginning = octets.get(..32).unwrap_or(octets);
    let is_der = octets.first() == Some(&0x30)
        && (has(EC_PUBLIC_KEY, beginning) || has(RSA_ENCRYPTION, beginning));
    let is_point = octets.len() == 65 && octets.first() == Some(&0x04);
    is_text || is_jwk || is_der || is_point
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_access_tokens_is_ready_where_there_is_room_for_it() {
        let has = |key_id, typ| {
            let key = Hs256Key::new(&[7; 32], key_id).unwrap();
            key.encoded_header(typ, Here(())).is_some()
        };
        let (longest, escaped) = (["k"; 48].concat(), ["\""; 48].concat());
        for key_id in [None, Some(""), Some("k1"), Some("é\"\\\n"), Some(&*longest)] {
            assert_eq!(has(key_id, ACCESS_TOKEN), HAS_ROOM, "{key_id:?}");
            for typ in [None, Some(""), Some("JWT"), Some("AT+JWT")] {
                assert!(!has(key_id, typ), "{key_id:?} {typ:?}");
            }
        }
        assert!(!has(Some(&*escaped), ACCESS_TOKEN));
    }
}
