//! JWKs: what is read can be written and read again, and its thumbprint is that
//! of `serde_json`'s and `base64ct`'s reading.
#![no_main]

use base64ct::{Base64UrlUnpadded, Encoding};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use smallgate_core::codec::json::Writer;
use smallgate_core::jose::{Jwk, JwkError};

fuzz_target!(|text: &[u8]| {
    let Ok(key) = Jwk::parse(text) else { return };
    let Some(oracle) = oracle(text) else { return };
    assert_eq!(
        key.key_id(),
        oracle.get("kid").map(|id| id.as_str().expect("a string"))
    );

    let secret = match oracle["kty"].as_str().expect("a string") {
        "oct" => oracle.get("k"),
        "EC" => oracle.get("d"),
        _ => None,
    };
    let secret = secret
        .map(|secret| secret.as_str().expect("a string"))
        .map(|secret| Base64UrlUnpadded::decode_vec(secret).expect("base64url"));
    assert_eq!(key.secret_octets(), secret.as_deref());
    assert_eq!(key.is_private(), secret.is_some());
    let _ = (
        key.hs256_key(),
        key.es256_signing_key(),
        key.es256_verifying_key(),
    );

    if let Some(private) = written(|json| key.write_private(json)) {
        let again = Jwk::parse(private.as_bytes()).expect("just written");
        assert_eq!(again.secret_octets(), key.secret_octets());
        assert_eq!(again.thumbprint(), key.thumbprint());
        assert_eq!(again.key_id(), key.key_id());
    }
    if let Some(public) = written(|json| key.write_public(json)) {
        let again = Jwk::parse(public.as_bytes()).expect("just written");
        assert!(!again.is_private());
        assert_eq!(again.thumbprint(), key.thumbprint());
        assert_eq!(again.coordinates(), key.coordinates());
    }
});

fn written(write: impl FnOnce(&mut Writer<'_>) -> Result<(), JwkError>) -> Option<String> {
    let mut out = [0; 1024];
    let mut json = Writer::new(&mut out);
    write(&mut json).ok()?;
    let written = json.finish().expect("room enough");
    Some(String::from_utf8(written.to_vec()).expect("UTF-8"))
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
