//! An issuer of access tokens, in HS256 and in ES256, without a server around it.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::num::NonZeroU32;

use cortex_m_rt::entry;
use smallgate_core::jose::Signer;
use smallgate_core::jwt::{self, TokenFormat};
use smallgate_mps2_an386::Bench;
use smallgate_mps2_an386::tokens::{ES256, HS256, claims, es256_signing_key, hs256_key};

const HUNDRED: NonZeroU32 = NonZeroU32::new(100).unwrap();
const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    if let (Ok(hs256), Ok(es256)) = (hs256_key(), es256_signing_key()) {
        measure(&mut bench, "issue hs256", HUNDRED, &hs256, HS256);
        measure(&mut bench, "issue es256", TEN, &es256, ES256);
    } else {
        bench.check("keys", false);
    }
    bench.end()
}

fn measure(bench: &mut Bench, name: &str, times: NonZeroU32, key: &dyn Signer, expected: &str) {
    let issue = || issues(black_box(key), expected);
    bench.check(name, issue());
    bench.instructions(name, times, issue);
    bench.stack(name, issue);
}

/// Whether the token comes out, octet for octet: ES256 is deterministic too (RFC 6979).
///
/// The buffer is here, so that the stack measured has it.
fn issues(key: &dyn Signer, expected: &str) -> bool {
    let mut out = [0; 512];
    jwt::issue(key, &TokenFormat::ACCESS_TOKEN, &claims(), &mut out)
        .is_ok_and(|token| token.as_str() == expected)
}
