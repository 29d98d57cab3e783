//! Reading a JWK.

use crate::sha256::Sha256;
use zeroize::Zeroizing;

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::codec::base64url;
use crate::codec::json::{Limits, Object, Text, Value};

use super::{Jwk, JwkError, JwkMember, KeyId, Material, Octets};

/// Room for a private RSA key of 4096 bits, of which nothing but a thumbprint is
/// kept.
const LIMITS: Limits = Limits {
    octets: 4096,
    depth: 4,
    members: 32,
    trailing_comma: false,
};

impl Jwk {
    /// Reads a key. "Additional members can be present in the JWK; if not
    /// understood by implementations encountering them, they MUST be ignored"
    /// (RFC 7517 §4). Duplicates, wrong types, and a purpose that is not signing
    /// are refused.
    ///
    /// Whether coordinates are a point on the curve is found out when the key is
    /// used. The text may be secret: wipe it.
    ///
    /// # Errors
    ///
    /// [`JwkError`].
    pub fn parse(text: &[u8]) -> Result<Self, JwkError> {
        let members = Members(Object::parse(text, &LIMITS).map_err(JwkError::Json)?);
        let (material, algorithm) = members.material()?;
        members.check_purpose(algorithm)?;
        Ok(Jwk {
            material,
            key_id: members.key_id()?,
        })
    }
}

struct Members<'a>(Object<'a>);

impl<'a> Members<'a> {
    /// The key, and the one algorithm it may be used with, if that is one of ours.
    fn material(&self) -> Result<(Material, Option<&'static str>), JwkError> {
        let key_type = self.required(JwkMember::KeyType)?;
        if key_type.eq_str("oct") {
            Ok((self.octets()?, Some("HS256")))
        } else if key_type.eq_str("EC") {
            Ok((self.p256()?, Some("ES256")))
        } else if key_type.eq_str("RSA") {
            Ok((self.rsa()?, None))
        } else {
            Err(JwkError::Unsupported(JwkMember::KeyType))
        }
    }

    fn octets(&self) -> Result<Material, JwkError> {
        let mut room = Zeroizing::new([0; Jwk::MAX_OCTETS]);
        let len = self
            .secret(JwkMember::KeyValue, room.as_mut_slice())?
            .ok_or(JwkError::Missing(JwkMember::KeyValue))?;
        Ok(Material::Octets(Octets { room, len }))
    }

    fn p256(&self) -> Result<Material, JwkError> {
        if !self.required(JwkMember::Curve)?.eq_str("P-256") {
            return Err(JwkError::Unsupported(JwkMember::Curve));
        }
        let missing = JwkError::Missing;
        let x = self.coordinate(JwkMember::XCoordinate)?;
        let y = self.coordinate(JwkMember::YCoordinate)?;
        Ok(Material::P256 {
            x: *x.ok_or(missing(JwkMember::XCoordinate))?,
            y: *y.ok_or(missing(JwkMember::YCoordinate))?,
            d: self.coordinate(JwkMember::EccPrivateKey)?,
        })
    }

    /// "The length of this octet string MUST be the full size of a coordinate
    /// for the curve" (RFC 7518 §6.2.1.2), and likewise for `d` (§6.2.2.1).
    fn coordinate(&self, member: JwkMember) -> Result<Option<Zeroizing<[u8; 32]>>, JwkError> {
        let mut octets = Zeroizing::new([0; 32]);
        match self.secret(member, octets.as_mut_slice())? {
            None => Ok(None),
            Some(32) => Ok(Some(octets)),
            Some(_) => Err(JwkError::Length(member)),
        }
    }

    /// The thumbprint of an RSA key (RFC 7638 §3.2: `e`, `kty`, `n`).
    fn rsa(&self) -> Result<Material, JwkError> {
        let mut hash = Sha256::new();
        hash.update(br#"{"e":""#);
        hash.update(self.public_text(JwkMember::Exponent)?.as_bytes());
        hash.update(br#"","kty":"RSA","n":""#);
        hash.update(self.public_text(JwkMember::Modulus)?.as_bytes());
        hash.update(br#""}"#);
        Ok(Material::Rsa {
            thumbprint: hash.finish(),
        })
    }

    /// The characters of a value in base64url, which is checked a block at a time.
    fn public_text(&self, member: JwkMember) -> Result<&'a str, JwkError> {
        let bad = |error| JwkError::Encoding(member, error);
        let text = self
            .required(member)?
            .as_str()
            .ok_or(bad(base64url::Base64Error::InvalidCharacter))?;
        for block in text.as_bytes().chunks(64) {
            base64url::decode(block, &mut [0; 48]).map_err(bad)?;
        }
        Ok(text)
    }

    /// Decodes a value in base64url; how many octets.
    fn secret(&self, member: JwkMember, out: &mut [u8]) -> Result<Option<usize>, JwkError> {
        let Some(text) = self.optional(member)? else {
            return Ok(None);
        };
        let mut characters = Zeroizing::new([0; 86]);
        let characters = text
            .unescape(characters.as_mut_slice())
            .map_err(|_| JwkError::Length(member))?;
        if let Ok(octets) = Base64UrlUnpadded::decode(characters, out) {
            return Ok(Some(octets.len()));
        }
        // What is wrong with it is not secret.
        match base64url::decode_secret(characters.as_bytes(), out) {
            Err(base64url::Base64Error::BufferTooSmall) => Err(JwkError::Length(member)),
            Err(error) => Err(JwkError::Encoding(member, error)),
            Ok(octets) => Ok(Some(octets.len())),
        }
    }

    /// `use` (RFC 7517 §4.2), `key_ops` (§4.3) and `alg` (§4.4) are optional; one
    /// that is there must fit.
    fn check_purpose(&self, algorithm: Option<&str>) -> Result<(), JwkError> {
        if let (Some(ours), Some(named)) = (algorithm, self.optional(JwkMember::Algorithm)?)
            && !named.eq_str(ours)
        {
            return Err(JwkError::Unsupported(JwkMember::Algorithm));
        }
        if let Some(purpose) = self.optional(JwkMember::PublicKeyUse)?
            && !purpose.eq_str("sig")
        {
            return Err(JwkError::NotForSignatures);
        }
        match self.0.member(JwkMember::KeyOperations.name()) {
            None => Ok(()),
            Some(Value::Array(operations)) => {
                let mut signs = false;
                for operation in operations.items() {
                    let Value::Text(operation) = operation else {
                        return Err(JwkError::Type(JwkMember::KeyOperations));
                    };
                    signs |= operation.eq_str("sign") || operation.eq_str("verify");
                }
                if signs {
                    Ok(())
                } else {
                    Err(JwkError::NotForSignatures)
                }
            }
            Some(_) => Err(JwkError::Type(JwkMember::KeyOperations)),
        }
    }

    fn key_id(&self) -> Result<Option<KeyId>, JwkError> {
        let Some(text) = self.optional(JwkMember::KeyId)? else {
            return Ok(None);
        };
        let mut key_id = KeyId::new();
        for character in text.chars() {
            key_id.push(character).map_err(|_| JwkError::KeyIdTooLong)?;
        }
        Ok(Some(key_id))
    }

    fn required(&self, member: JwkMember) -> Result<Text<'a>, JwkError> {
        self.optional(member)?.ok_or(JwkError::Missing(member))
    }

    fn optional(&self, member: JwkMember) -> Result<Option<Text<'a>>, JwkError> {
        match self.0.member(member.name()) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(JwkError::Type(member)),
        }
    }
}
