//! `jwt-compact`: `token` and a `validator`, with `p256`.

use std::hint::black_box;

use chrono::{DateTime, Utc};
use jwt_compact::alg::{Es256, Hs256, Hs256Key, VerifyingKey};
use jwt_compact::prelude::{Claims, Header, TimeOptions, Token, UntrustedToken};
use jwt_compact::{Algorithm, AlgorithmExt};
use smallgate_turns::samples::{EXPIRES_AT, ISSUED_AT, Sample, TYPE};
use smallgate_turns::turns::Case;

use crate::material::{Texts, check_length, octets, point};

pub(crate) fn cases(sample: &'static Sample) -> [Case<'static>; 2] {
    if sample.name == "HS256" {
        let key = Hs256Key::new(octets(sample, "k"));
        return of::<Hs256>(sample, key.clone(), key);
    }
    let signing = <Es256 as Algorithm>::SigningKey::from_slice(&octets(sample, "d"));
    let verifying =
        <<Es256 as Algorithm>::VerifyingKey as VerifyingKey<Es256>>::from_slice(&point(sample));
    of::<Es256>(
        sample,
        signing.expect("a scalar"),
        verifying.expect("a point"),
    )
}

fn of<A: Algorithm + Default + 'static>(
    sample: &'static Sample,
    signing: A::SigningKey,
    verifying: A::VerifyingKey,
) -> [Case<'static>; 2]
where
    A::SigningKey: 'static,
    A::VerifyingKey: 'static,
{
    let name = sample.name;
    let named = |operation| format!("{name} {operation}, jwt-compact");
    [
        Case::new(named("verify"), verify(sample, A::default(), verifying)),
        Case::new(named("issue"), issue(sample, A::default(), signing)),
    ]
}

fn verify<A: Algorithm>(
    sample: &'static Sample,
    algorithm: A,
    key: A::VerifyingKey,
) -> impl FnMut() -> usize {
    let clock = TimeOptions::from_leeway(Default::default());
    move || {
        let token = UntrustedToken::new(black_box(sample.token)).expect("a token");
        let token: Token<Texts> = algorithm
            .validator(&key)
            .validate(&token)
            .expect("a good one");
        assert!(token.header().token_type.as_deref() == Some(TYPE));
        let claims = token.claims();
        claims.validate_expiration(&clock).expect("in time");
        assert!(claims.issued_at <= claims.expiration);
        assert!(claims.custom.iss == sample.issuer && claims.custom.aud == sample.audience);
        black_box(claims);
        claims.custom.jti.len()
    }
}

fn issue<A: Algorithm>(
    sample: &'static Sample,
    algorithm: A,
    key: A::SigningKey,
) -> impl FnMut() -> usize {
    let mut claims = Claims::new(Texts::of(sample));
    claims.issued_at = Some(instant(ISSUED_AT));
    claims.expiration = Some(instant(EXPIRES_AT));
    let header = Header::empty()
        .with_key_id(sample.key_id)
        .with_token_type(TYPE);
    check_length(&algorithm.token(&header, &claims, &key).expect("a token"));
    move || {
        let claims = black_box(&claims);
        algorithm
            .token(&header, claims, &key)
            .expect("a token")
            .len()
    }
}

fn instant(seconds: u64) -> DateTime<Utc> {
    let seconds = i64::try_from(seconds).expect("no such year");
    DateTime::from_timestamp(seconds, 0).expect("an instant")
}
