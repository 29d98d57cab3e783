//! `josekit`: `encode_with_signer`, `decode_with_verifier` and a `JwtPayloadValidator`, with OpenSSL.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use josekit::jwk::Jwk;
use josekit::jws::{ES256, HS256, JwsHeader, JwsSigner, JwsVerifier};
use josekit::jwt::{self, JwtPayload, JwtPayloadValidator};
use smallgate_turns::samples::{EXPIRES_AT, ISSUED_AT, JWT_ID, SCOPE, Sample, TYPE};
use smallgate_turns::turns::Case;

use crate::material::check_length;

pub(crate) fn cases(sample: &'static Sample) -> [Case<'static>; 2] {
    let jwk = Jwk::from_bytes(sample.jwk).expect("a JWK");
    let (signer, verifier): (Box<dyn JwsSigner>, Box<dyn JwsVerifier>) = match sample.name {
        "HS256" => (
            Box::new(HS256.signer_from_jwk(&jwk).expect("a key")),
            Box::new(HS256.verifier_from_jwk(&jwk).expect("a key")),
        ),
        _ => (
            Box::new(ES256.signer_from_jwk(&jwk).expect("a key")),
            Box::new(ES256.verifier_from_jwk(&jwk).expect("a key")),
        ),
    };
    let name = sample.name;
    let named = |operation| format!("{name} {operation}, josekit");
    [
        Case::new(named("verify"), verify(sample, verifier)),
        Case::new(named("issue"), issue(sample, signer)),
    ]
}

fn verify(sample: &'static Sample, verifier: Box<dyn JwsVerifier>) -> impl FnMut() -> usize {
    let mut validator = JwtPayloadValidator::new();
    validator.set_issuer(sample.issuer);
    validator.set_audience(sample.audience);
    move || {
        let token = black_box(sample.token);
        let (payload, header) = jwt::decode_with_verifier(token, &*verifier).expect("a good token");
        validator.set_base_time(SystemTime::now());
        validator.validate(&payload).expect("good claims");
        assert!(header.token_type() == Some(TYPE));
        assert!(payload.expires_at().is_some() && payload.subject().is_some());
        assert!(payload.issued_at() <= payload.expires_at());
        black_box(&payload);
        payload.jwt_id().map_or(0, str::len)
    }
}

fn issue(sample: &'static Sample, signer: Box<dyn JwsSigner>) -> impl FnMut() -> usize {
    let instant = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let mut payload = JwtPayload::new();
    payload.set_issuer(sample.issuer);
    payload.set_subject(sample.subject);
    payload.set_audience(vec![sample.audience]);
    for (name, value) in [("client_id", sample.client_id), ("scope", SCOPE)] {
        let set = payload.set_claim(name, Some(value.into()));
        set.expect("a claim");
    }
    // `set_issued_at` writes 1767225600.0.
    let set = payload.set_claim("iat", Some(ISSUED_AT.into()));
    set.expect("a claim");
    payload.set_expires_at(&instant(EXPIRES_AT));
    payload.set_jwt_id(JWT_ID);
    let mut header = JwsHeader::new();
    header.set_token_type(TYPE);
    header.set_key_id(sample.key_id);
    let issue = move |payload: &JwtPayload| {
        jwt::encode_with_signer(payload, &header, &*signer).expect("a token")
    };
    check_length(&issue(&payload));
    move || issue(black_box(&payload)).len()
}
