//! A resource server alone: it verifies access tokens, in HS256 and in ES256, and signs nothing.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::num::NonZeroU32;

use cortex_m_rt::entry;
use smallgate_core::jose::{JwsError, Keys, SignatureError, Verifier};
use smallgate_core::jwt::{self, CachingVerifier, TokenCache, Verified, VerifyError};
use smallgate_core::time::UnixTime;
use smallgate_mps2_an386::Bench;
use smallgate_mps2_an386::tokens::{
    CLIENT, ES256, HS256, NOW, VALIDATION, es256_verifying_key, hs256_key,
};

const HUNDRED: NonZeroU32 = NonZeroU32::new(100).unwrap();
const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    if let (Ok(hs256), Ok(es256)) = (hs256_key(), es256_verifying_key()) {
        measure(&mut bench, "verify hs256", HUNDRED, &hs256, HS256);
        measure(&mut bench, "verify es256", TEN, &es256, ES256);
        measure_again(&mut bench, &es256);
    } else {
        bench.check("keys", false);
    }
    bench.end()
}

fn measure(bench: &mut Bench, name: &str, times: NonZeroU32, key: &dyn Verifier, token: &str) {
    let verifiers = [key];
    let keys = Keys::new(&verifiers);
    let verify = || verified(black_box(token), &keys, NOW) == Ok(true);
    bench.check(name, verify() && refuses(token, &keys) == Some(true));
    bench.instructions(name, times, verify);
    bench.stack(name, verify);
}

/// The same token again, from the cache: it is judged as ever, and another is verified.
fn measure_again(bench: &mut Bench, key: &dyn Verifier) {
    let name = "verify es256, again";
    let verifiers = [key];
    let keys = Keys::new(&verifiers);
    let mut cache = TokenCache::<4>::new();
    let cached = CachingVerifier::new(keys, VALIDATION, &mut cache);
    let verify = |token: &str, now| {
        let mut scratch = [0; 512];
        let verified = cached.verify(token.as_bytes(), Some(now), &mut scratch)?;
        Ok::<_, VerifyError>(is_for_us(&verified))
    };
    let again = || verify(black_box(ES256), NOW) == Ok(true);
    let late = UnixTime(NOW.0.saturating_add(3600));
    let right = again()
        && verify(ES256, late) == Err(VerifyError::Expired)
        && verify(HS256, NOW).is_err()
        && again();
    bench.check(name, right);
    bench.instructions(name, HUNDRED, again);
    bench.stack(name, again);
}

/// Whether the token is the one for the client and the scope it should be for.
///
/// The buffer is here, so that the stack measured has it.
fn verified(token: &str, keys: &Keys<'_>, now: UnixTime) -> Result<bool, VerifyError> {
    let mut scratch = [0; 512];
    let verified = jwt::verify(token.as_bytes(), keys, &VALIDATION, Some(now), &mut scratch)?;
    Ok(is_for_us(&verified))
}

fn is_for_us(verified: &Verified<'_>) -> bool {
    let claims = verified.claims();
    claims.client_id == Some(CLIENT) && claims.scope.is_some_and(|scope| scope.contains("write"))
}

/// A changed signature, a changed payload, and the right token an hour later.
fn refuses(token: &str, keys: &Keys<'_>) -> Option<bool> {
    let mismatch = Err(VerifyError::Jws(JwsError::Signature(
        SignatureError::Mismatch,
    )));
    let mut right =
        verified(token, keys, UnixTime(NOW.0.saturating_add(3600))) == Err(VerifyError::Expired);
    let mut dots = token
        .bytes()
        .enumerate()
        .filter(|(_, octet)| *octet == b'.');
    for (dot, _) in [dots.next()?, dots.next()?] {
        let mut changed = [0; 512];
        let changed = changed.get_mut(..token.len())?;
        for (to, from) in changed.iter_mut().zip(token.bytes()) {
            *to = from;
        }
        let octet = changed.get_mut(dot.saturating_add(5))?;
        *octet = if *octet == b'A' { b'B' } else { b'A' };
        right &= verified(core::str::from_utf8(changed).ok()?, keys, NOW) == mismatch;
    }
    Some(right)
}
