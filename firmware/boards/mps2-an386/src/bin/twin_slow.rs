//! `verify` done three times: the limit of its instructions must be broken.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::num::NonZeroU32;

use cortex_m_rt::entry;
use smallgate_core::jose::{Keys, Verifier};
use smallgate_core::jwt;
use smallgate_mps2_an386::Bench;
use smallgate_mps2_an386::tokens::{ES256, HS256, NOW, VALIDATION, es256_verifying_key, hs256_key};

const TEN: NonZeroU32 = NonZeroU32::new(10).unwrap();

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    if let (Ok(hs256), Ok(es256)) = (hs256_key(), es256_verifying_key()) {
        bench.instructions("verify hs256", TEN, || thrice(HS256, &hs256));
        bench.instructions("verify es256", TEN, || thrice(ES256, &es256));
    } else {
        bench.check("keys", false);
    }
    bench.end()
}

fn thrice(token: &str, key: &dyn Verifier) -> bool {
    let verify = || {
        let mut scratch = [0; 512];
        let token = black_box(token).as_bytes();
        jwt::verify(
            token,
            &Keys::new(&[key]),
            &VALIDATION,
            Some(NOW),
            &mut scratch,
        )
        .is_ok()
    };
    verify() && verify() && verify()
}
