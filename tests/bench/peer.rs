//! The peer's side: `jsonwebtoken` as its documentation shows it, `encode` and
//! `decode` with a type of one's own.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::keys::{self, Keys as OurKeys};
use crate::turns::Case;

/// The same key, parsed once.
pub(crate) struct Keys {
    algorithm: Algorithm,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    client_id: String,
    scope: String,
    iat: u64,
    exp: u64,
    jti: String,
}

impl Keys {
    pub(crate) fn new(ours: &OurKeys) -> Self {
        let member = |name: &str| ours.jwk[name].as_str().expect("a string");
        if ours.name == "HS256" {
            let octets = octets(member("k"));
            return Keys {
                algorithm: Algorithm::HS256,
                encoding: EncodingKey::from_secret(&octets),
                decoding: DecodingKey::from_secret(&octets),
            };
        }
        let (x, y) = (member("x"), member("y"));
        Keys {
            algorithm: Algorithm::ES256,
            encoding: EncodingKey::from_ec_der(&pkcs8(
                &octets(member("d")),
                &octets(x),
                &octets(y),
            )),
            decoding: DecodingKey::from_ec_components(x, y).expect("a point"),
        }
    }
}

fn octets(text: &str) -> Vec<u8> {
    let mut out = [0; 64];
    smallgate_core::codec::base64url::decode(text.as_bytes(), &mut out)
        .expect("base64url")
        .to_vec()
}

/// RFC 5958's `OneAsymmetricKey` around RFC 5915's `ECPrivateKey`, both of fixed
/// lengths for P-256.
fn pkcs8(d: &[u8], x: &[u8], y: &[u8]) -> Vec<u8> {
    const BEFORE_D: &[u8] = &[
        0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
        0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x04, 0x6D, 0x30,
        0x6B, 0x02, 0x01, 0x01, 0x04, 0x20,
    ];
    const BEFORE_POINT: &[u8] = &[0xA1, 0x44, 0x03, 0x42, 0x00, 0x04];
    [BEFORE_D, d, BEFORE_POINT, x, y].concat()
}

pub(crate) fn cases<'a>(ours: &'a OurKeys, keys: &'a Keys) -> Vec<Case<'a>> {
    let name = ours.name;
    vec![
        Case::new(format!("{name} verify, jsonwebtoken"), verify(ours, keys)),
        Case::new(format!("{name} issue, jsonwebtoken"), issue(ours, keys)),
    ]
}

fn verify<'a>(ours: &'a OurKeys, keys: &'a Keys) -> impl FnMut() -> usize + 'a {
    let mut validation = Validation::new(keys.algorithm);
    validation.leeway = 0;
    validation.set_issuer(&[ours.claims.issuer]);
    validation.set_audience(&[ours.claims.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    move || {
        let token = std::hint::black_box(ours.token);
        let data = decode::<Claims>(token, &keys.decoding, &validation).expect("a good token");
        // What it leaves to its caller, and Smallgate checks.
        assert!(data.header.typ.as_deref() == Some("at+jwt"));
        assert!(data.claims.iat <= data.claims.exp);
        std::hint::black_box(&data);
        data.claims.jti.len()
    }
}

fn issue<'a>(ours: &'a OurKeys, keys: &'a Keys) -> impl FnMut() -> usize + 'a {
    let text = ours.claims;
    let claims = Claims {
        iss: text.issuer.into(),
        sub: text.subject.into(),
        aud: text.audience.into(),
        client_id: text.client_id.into(),
        scope: keys::SCOPE.into(),
        iat: keys::ISSUED_AT,
        exp: keys::EXPIRES_AT,
        jti: keys::JWT_ID.into(),
    };
    let mut header = Header::new(keys.algorithm);
    header.typ = Some("at+jwt".into());
    header.kid = Some(ours.kid.into());
    let length = encode(&header, &claims, &keys.encoding)
        .expect("a token")
        .len();
    assert_eq!(
        length,
        ours.token.len(),
        "the same claims make the same length"
    );
    move || {
        let claims = std::hint::black_box(&claims);
        encode(&header, claims, &keys.encoding)
            .expect("a token")
            .len()
    }
}
