//! Keys as octets, and the claims as a type of one's own.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use smallgate_turns::samples::{JWT_ID, LENGTH, SCOPE, Sample};

/// A member of a sample's JWK, as it stands there.
pub(crate) fn text(sample: &Sample, name: &str) -> String {
    let jwk: serde_json::Value = serde_json::from_str(sample.jwk).expect("JSON");
    jwk[name].as_str().expect("a member").to_owned()
}

/// A member of a sample's JWK, decoded.
pub(crate) fn octets(sample: &Sample, name: &str) -> Vec<u8> {
    let text = text(sample, name);
    BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// The public point as SEC 1 §2.3.3 has it, uncompressed.
pub(crate) fn point(sample: &Sample) -> Vec<u8> {
    [vec![4], octets(sample, "x"), octets(sample, "y")].concat()
}

/// The private key as PKCS #8: RFC 5958's `OneAsymmetricKey` around RFC 5915's `ECPrivateKey`, both of
/// fixed lengths for P-256.
pub(crate) fn pkcs8(sample: &Sample) -> Vec<u8> {
    const BEFORE_D: &[u8] = &[
        0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
        0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x04, 0x6D, 0x30,
        0x6B, 0x02, 0x01, 0x01, 0x04, 0x20,
    ];
    const BEFORE_POINT: &[u8] = &[0xA1, 0x44, 0x03, 0x42, 0x00];
    let (d, point) = (octets(sample, "d"), point(sample));
    [BEFORE_D, &d, BEFORE_POINT, &point].concat()
}

/// The claims that `jwt-simple` has no place for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Own {
    pub(crate) client_id: String,
    pub(crate) scope: String,
}

impl Own {
    pub(crate) fn of(sample: &Sample) -> Self {
        Own {
            client_id: sample.client_id.into(),
            scope: SCOPE.into(),
        }
    }
}

/// The claims that `jwt-compact` has no place for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Texts {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) jti: String,
}

impl Texts {
    pub(crate) fn of(sample: &Sample) -> Self {
        Texts {
            iss: sample.issuer.into(),
            sub: sample.subject.into(),
            aud: sample.audience.into(),
            client_id: sample.client_id.into(),
            scope: SCOPE.into(),
            jti: JWT_ID.into(),
        }
    }
}

/// The same claims make the same length, in whatever order.
pub(crate) fn check_length(token: &str) {
    assert_eq!(token.len(), LENGTH, "{token}");
}
