//! SHA-256 and HMAC-SHA256 alone, whose instructions are known from elsewhere: what the measuring
//! is measured by.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::num::NonZeroU32;

use cortex_m_rt::entry;
use smallgate_core::sha256::{HmacKey, Sha256};
use smallgate_mps2_an386::Bench;

const HUNDRED: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// FIPS 180-4, as in NIST's examples: SHA-256 of "abc".
const ABC: [u8; 32] = [
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
];

/// RFC 4231 §4.3, test case 2: key "Jefe", data "what do ya want for nothing?".
const JEFE: [u8; 32] = [
    0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
    0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
];

#[entry]
fn main() -> ! {
    let mut bench = Bench::start();
    bench.check("sha-256, FIPS 180-4", Sha256::of(b"abc") == ABC);
    bench.check(
        "hmac-sha256, RFC 4231 4.3",
        HmacKey::new(b"Jefe").tag(b"what do ya want for nothing?") == JEFE,
    );
    let message = black_box([0x5a_u8; 1024]);
    let short = black_box([0x5a_u8; 64]);
    bench.instructions("sha-256 64 B", HUNDRED, || used(Sha256::of(&short)));
    bench.instructions("sha-256 1 KiB", HUNDRED, || used(Sha256::of(&message)));
    let hmac = |message: &[u8]| used(HmacKey::new(&[7; 32]).tag(message));
    bench.instructions("hmac 64 B", HUNDRED, || hmac(&short));
    bench.instructions("hmac 1 KiB", HUNDRED, || hmac(&message));
    bench.stack("hmac 1 KiB", || hmac(&message));
    bench.end()
}

fn used(result: [u8; 32]) -> bool {
    black_box(result);
    true
}
