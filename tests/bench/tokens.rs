//! Smallgate's side: issue and verify.

use std::time::SystemTime;

use smallgate_core::jose::{Keys as KeySet, Verifier};
use smallgate_core::jwt::{self, CachingVerifier, TokenCache, TokenFormat, Validation};
use smallgate_core::time::UnixTime;
use smallgate_turns::turns::Case;

use crate::keys::Keys;

pub(crate) fn cases(keys: &Keys) -> Vec<Case<'_>> {
    let (name, backend) = (keys.sample.name, keys.backend);
    vec![
        Case::new(format!("{name} verify{backend}"), verify(keys)).frugal(),
        Case::new(format!("{name} issue{backend}"), issue(keys)).frugal(),
    ]
}

/// The same token again, beside its first time.
pub(crate) fn again(keys: &Keys) -> Case<'_> {
    let set = KeySet::new(vec![&*keys.verifier].leak());
    let cache = Box::leak(Box::new(TokenCache::<64>::new()));
    let verifier = CachingVerifier::new(set, keys.validation(), cache);
    let mut scratch = [0; 512];
    let verify = move || {
        let token = std::hint::black_box(keys.sample.token).as_bytes();
        let verified = verifier.verify(token, now(), &mut scratch);
        let verified = verified.expect("a good token");
        std::hint::black_box(&verified);
        verified.text().len()
    };
    let (name, backend) = (keys.sample.name, keys.backend);
    Case::new(format!("{name} again{backend}"), verify).frugal()
}

/// The clock is read for each token, as the peer reads it.
pub(crate) fn now() -> Option<UnixTime> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.ok().map(|since| UnixTime(since.as_secs()))
}

pub(crate) fn verify(keys: &Keys) -> impl FnMut() -> usize {
    verify_as(keys, keys.validation())
}

/// As a token from elsewhere, whose claims stand in another order than ours.
pub(crate) fn scanned(keys: &Keys) -> impl FnMut() -> usize {
    let mut claims = TokenFormat::ACCESS_TOKEN.claims.to_vec();
    claims.reverse();
    let format = TokenFormat {
        claims: claims.leak(),
        ..TokenFormat::ACCESS_TOKEN
    };
    verify_as(
        keys,
        Validation {
            format,
            ..keys.validation()
        },
    )
}

fn verify_as<'k>(keys: &'k Keys, validation: Validation<'k>) -> impl FnMut() -> usize + 'k {
    let mut scratch = [0; 512];
    move || {
        let verifiers: [&dyn Verifier; 1] = [&*keys.verifier];
        let set = KeySet::new(&verifiers);
        let token = std::hint::black_box(keys.sample.token).as_bytes();
        let verified = jwt::verify(token, &set, &validation, now(), &mut scratch);
        let verified = verified.expect("a good token");
        std::hint::black_box(&verified);
        verified.text().len()
    }
}

fn issue(keys: &Keys) -> impl FnMut() -> usize {
    let claims = keys.claims();
    let mut out = [0; 512];
    move || {
        let claims = std::hint::black_box(&claims);
        let token = jwt::issue(&*keys.signer, &TokenFormat::ACCESS_TOKEN, claims, &mut out);
        token.expect("a token").as_str().len()
    }
}
