//! `verify` with a frame of 9 KiB around it: the stack's limit must be broken.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use smallgate_core::jose::{Keys, Verifier};
use smallgate_core::jwt;
use smallgate_mps2_an386::Bench;
use smallgate_mps2_an386::tokens::{ES256, NOW, VALIDATION, es256_verifying_key};

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    if let Ok(key) = es256_verifying_key() {
        bench.stack("verify es256", || {
            let mut scratch = black_box([0; 9 * 1024]);
            let verifiers: [&dyn Verifier; 1] = [&key];
            let keys = Keys::new(&verifiers);
            jwt::verify(
                ES256.as_bytes(),
                &keys,
                &VALIDATION,
                Some(NOW),
                &mut scratch,
            )
            .is_ok()
        });
    } else {
        bench.check("key", false);
    }
    bench.end()
}
