//! Tokens: the input as it is, and, signed, as a header and a payload with a
//! line break between them. `serde_json` is the oracle of what is accepted, and so
//! is `jsonwebtoken`: what passes here passes there.
#![no_main]

use base64ct::{Base64UrlUnpadded, Encoding};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use smallgate_core::jose::{Hs256Key, Keys, Signer, Verifier};
use smallgate_core::jwt::{self, Claim, ScopeForm, TokenFormat, Validation, Verified};
use smallgate_core::time::{Seconds, UnixTime};

const ISSUER: &str = "https://as.example";
const AUDIENCE: &str = "https://rs.example";
const NOW: u64 = 1_700_000_000;
const LEEWAY: u64 = 30;

const ARRAY: TokenFormat = TokenFormat {
    typ: None,
    claims: &[Claim::Subject],
    scope: ScopeForm::Array,
};

fuzz_target!(|input: &[u8]| {
    let key = Hs256Key::new(&[7; 32], Some("k1")).expect("32 octets");
    let _ = verify(&key, TokenFormat::ACCESS_TOKEN, input, |_| ());

    let end = input.iter().position(|octet| *octet == b'\n').unwrap_or(0);
    let (header, payload) = input.split_at(end);
    let payload = payload.strip_prefix(b"\n").unwrap_or(payload);
    let encode = Base64UrlUnpadded::encode_string;
    let signed = format!("{}.{}", encode(header), encode(payload));
    let mut signature = [0; 64];
    let len = key
        .sign(signed.as_bytes(), &mut signature)
        .expect("HMAC does not fail");
    let token = format!("{signed}.{}", encode(&signature[..len]));

    for format in [TokenFormat::ACCESS_TOKEN, ARRAY] {
        let accepted = verify(&key, format, token.as_bytes(), |verified| {
            compare(&verified, payload);
            let _ = verified.extra::<Claims>();
        });
        if accepted.is_ok()
            && let Some(header) = oracle(header)
        {
            assert_eq!(header["alg"], "HS256");
            for forbidden in ["crit", "b64", "jwk", "jku", "x5u", "x5c"] {
                assert!(header.get(forbidden).is_none());
            }
            let known = header.as_object().expect("an object").iter();
            let known = known.filter(|(name, value)| {
                ["alg", "typ", "kid"].contains(&name.as_str()) && value.is_string()
            });
            // That crate reads other members too, each as what it has to be.
            if known.count() == header.as_object().expect("an object").len()
                && let Some(payload) = oracle(payload)
            {
                assert_eq!(elsewhere(&token, format), Ok(payload));
            }
        }
    }
});

/// The claims by `jsonwebtoken`, which reads the time from the system and so does not
/// judge dates here.
fn elsewhere(token: &str, format: TokenFormat) -> Result<Value, String> {
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_aud = format.claims.contains(&Claim::Audience);
    if format.claims.contains(&Claim::Issuer) {
        validation.set_issuer(&[ISSUER]);
    }
    if validation.validate_aud {
        validation.set_audience(&[AUDIENCE]);
    }
    let key = jsonwebtoken::DecodingKey::from_secret(&[7; 32]);
    let decoded = jsonwebtoken::decode::<Value>(token, &key, &validation);
    decoded
        .map(|data| data.claims)
        .map_err(|error| error.to_string())
}

#[derive(serde::Deserialize)]
struct Claims {
    #[expect(dead_code, reason = "read, and not looked at")]
    sub: String,
}

fn verify(
    key: &Hs256Key,
    format: TokenFormat,
    token: &[u8],
    then: impl FnOnce(Verified<'_>),
) -> Result<(), jwt::VerifyError> {
    let named = format.claims.contains(&Claim::Issuer);
    let validation = Validation {
        issuer: named.then_some(ISSUER),
        audience: named.then_some(AUDIENCE),
        leeway: Seconds(30),
        ..Validation::new(format)
    };
    let keys: &[&dyn Verifier] = &[key];
    let mut scratch = vec![0; 2 * token.len()];
    let keys = Keys::new(keys);
    jwt::verify(token, &keys, &validation, Some(UnixTime(NOW)), &mut scratch).map(then)
}

fn compare(verified: &Verified<'_>, payload: &[u8]) {
    let Some(oracle) = oracle(payload) else {
        return;
    };
    let claims = verified.claims();
    for (name, value) in [
        ("iss", claims.issuer),
        ("sub", claims.subject),
        ("client_id", claims.client_id),
        ("jti", claims.jwt_id),
    ] {
        assert_eq!(oracle.get(name).and_then(Value::as_str), value);
        assert_eq!(oracle.get(name).is_some(), value.is_some());
    }
    let exp = oracle["exp"].as_f64().expect("a number");
    assert!((NOW as f64) < exp + LEEWAY as f64);
    for name in ["iat", "nbf"] {
        if let Some(date) = oracle.get(name) {
            assert!(date.as_f64().expect("a number") <= (NOW + LEEWAY) as f64);
        }
    }
    if let Some(scope) = claims.scope {
        let names: Vec<_> = scope.names().collect();
        let expected: Vec<&str> = match &oracle["scope"] {
            Value::String(text) => text.split(' ').filter(|name| !name.is_empty()).collect(),
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().expect("a string"))
                .collect(),
            _ => panic!("a scope of the wrong type"),
        };
        assert_eq!(names, expected);
    }
    if let Some(audience) = claims.audience {
        let expected = match &oracle["aud"] {
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        };
        assert!(
            expected
                .iter()
                .all(|one| audience.contains(one.as_str().expect("a string")))
        );
        assert!(expected.iter().any(|one| one == AUDIENCE));
    }
}

/// What `serde_json` reads; `None` for a number out of its range: JSON's grammar
/// has no largest one.
fn oracle(text: &[u8]) -> Option<Value> {
    match serde_json::from_slice(text) {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(error.to_string().starts_with("number out of range"));
            None
        }
    }
}
