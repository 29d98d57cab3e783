//! `jwt-simple` with `pure-rust`: `sign_with_options` and `verify_token`, which take the claims and the
//! options for their own.

use std::hint::black_box;

use jwt_simple::Error;
use jwt_simple::prelude::{
    Audiences, Claims, Duration, ECDSAP256KeyPairLike, ECDSAP256PublicKeyLike, ES256KeyPair,
    ES256PublicKey, HS256Key, HeaderOptions, JWTClaims, MACLike, VerificationOptions,
};
use smallgate_turns::samples::{EXPIRES_AT, ISSUED_AT, JWT_ID, Sample, TYPE};
use smallgate_turns::turns::Case;

use crate::material::{Own, check_length, octets, point};

pub(crate) fn cases(sample: &'static Sample) -> [Case<'static>; 2] {
    let name = sample.name;
    let named = |operation| format!("{name} {operation}, jwt-simple");
    if name == "HS256" {
        let key = HS256Key::from_bytes(&octets(sample, "k")).with_key_id(sample.key_id);
        let issuing = key.clone();
        return [
            Case::new(
                named("verify"),
                verify(sample, move |token, options| {
                    key.verify_token(token, Some(options))
                }),
            ),
            Case::new(
                named("issue"),
                issue(sample, move |claims, options| {
                    issuing.authenticate_with_options(claims, options)
                }),
            ),
        ];
    }
    let public = ES256PublicKey::from_bytes(&point(sample)).expect("a point");
    let public = public.with_key_id(sample.key_id);
    let pair = ES256KeyPair::from_bytes(&octets(sample, "d")).expect("a scalar");
    let pair = pair.with_key_id(sample.key_id);
    [
        Case::new(
            named("verify"),
            verify(sample, move |token, options| {
                public.verify_token(token, Some(options))
            }),
        ),
        Case::new(
            named("issue"),
            issue(sample, move |claims, options| {
                pair.sign_with_options(claims, options)
            }),
        ),
    ]
}

fn verify(
    sample: &'static Sample,
    verify: impl Fn(&str, VerificationOptions) -> Result<JWTClaims<Own>, Error>,
) -> impl FnMut() -> usize {
    let options = VerificationOptions {
        required_signature_type: Some(TYPE.into()),
        allowed_issuers: Some([sample.issuer.to_owned()].into()),
        allowed_audiences: Some([sample.audience.to_owned()].into()),
        time_tolerance: Some(Duration::from_secs(0)),
        ..VerificationOptions::default()
    };
    move || {
        let token = black_box(sample.token);
        let claims = verify(token, options.clone()).expect("a good token");
        assert!(claims.expires_at.is_some() && claims.subject.is_some());
        assert!(claims.issued_at <= claims.expires_at);
        black_box(&claims);
        claims.jwt_id.map_or(0, |id| id.len())
    }
}

fn issue(
    sample: &'static Sample,
    issue: impl Fn(JWTClaims<Own>, &HeaderOptions) -> Result<String, Error>,
) -> impl FnMut() -> usize {
    let mut claims = Claims::with_custom_claims(Own::of(sample), Duration::from_secs(1));
    claims.issuer = Some(sample.issuer.into());
    claims.subject = Some(sample.subject.into());
    claims.audiences = Some(Audiences::AsString(sample.audience.into()));
    claims.issued_at = Some(Duration::from_secs(ISSUED_AT));
    claims.expires_at = Some(Duration::from_secs(EXPIRES_AT));
    claims.invalid_before = None;
    claims.jwt_id = Some(JWT_ID.into());
    let options = HeaderOptions {
        signature_type: Some(TYPE.into()),
        ..HeaderOptions::default()
    };
    check_length(&issue(claims.clone(), &options).expect("a token"));
    move || {
        let claims = black_box(&claims).clone();
        issue(claims, &options).expect("a token").len()
    }
}
