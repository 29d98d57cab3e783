//! `jsonwebtoken`: `encode` and `decode` with a type of one's own.

use std::hint::black_box;

use jsonwebtoken::crypto::{aws_lc, rust_crypto};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use smallgate_turns::samples::{ES256, EXPIRES_AT, HS256, ISSUED_AT, JWT_ID, SCOPE, Sample, TYPE};
use smallgate_turns::turns::Case;

use crate::material::{check_length, octets, pkcs8, text};

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

/// The backend is one for the whole process.
pub(crate) fn cases(backend: &str) -> Vec<Case<'static>> {
    let provider = match backend {
        "rust_crypto" => &rust_crypto::DEFAULT_PROVIDER,
        "aws_lc_rs" => &aws_lc::DEFAULT_PROVIDER,
        _ => panic!("no backend: {backend}"),
    };
    provider.install_default().expect("it is the first");
    let mut cases = Vec::new();
    for sample in [&HS256, &ES256] {
        let (name, whose) = (sample.name, format!("jsonwebtoken {backend}"));
        cases.push(Case::new(format!("{name} verify, {whose}"), verify(sample)));
        cases.push(Case::new(format!("{name} issue, {whose}"), issue(sample)));
    }
    cases
}

fn algorithm(sample: &Sample) -> Algorithm {
    match sample.name {
        "HS256" => Algorithm::HS256,
        _ => Algorithm::ES256,
    }
}

fn verify(sample: &'static Sample) -> impl FnMut() -> usize {
    let key = match algorithm(sample) {
        Algorithm::HS256 => DecodingKey::from_secret(&octets(sample, "k")),
        _ => DecodingKey::from_ec_components(&text(sample, "x"), &text(sample, "y"))
            .expect("a point"),
    };
    let mut validation = Validation::new(algorithm(sample));
    validation.leeway = 0;
    validation.set_issuer(&[sample.issuer]);
    validation.set_audience(&[sample.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    move || {
        let token = black_box(sample.token);
        let data = decode::<Claims>(token, &key, &validation).expect("a good token");
        assert!(data.header.typ.as_deref() == Some(TYPE));
        assert!(data.claims.iat <= data.claims.exp);
        black_box(&data);
        data.claims.jti.len()
    }
}

fn issue(sample: &'static Sample) -> impl FnMut() -> usize {
    let key = match algorithm(sample) {
        Algorithm::HS256 => EncodingKey::from_secret(&octets(sample, "k")),
        _ => EncodingKey::from_ec_der(&pkcs8(sample)),
    };
    let claims = Claims {
        iss: sample.issuer.into(),
        sub: sample.subject.into(),
        aud: sample.audience.into(),
        client_id: sample.client_id.into(),
        scope: SCOPE.into(),
        iat: ISSUED_AT,
        exp: EXPIRES_AT,
        jti: JWT_ID.into(),
    };
    let mut header = Header::new(algorithm(sample));
    header.typ = Some(TYPE.into());
    header.kid = Some(sample.key_id.into());
    check_length(&encode(&header, &claims, &key).expect("a token"));
    move || {
        let claims = black_box(&claims);
        encode(&header, claims, &key).expect("a token").len()
    }
}
