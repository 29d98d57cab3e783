//! The twin that has to fail: base64url in which one text is read wrongly. Nobody hits four octets by chance;
//! whoever is told how far an input came goes on from there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smallgate_core::codec::base64url::{decode, encode};

const WRONG: &[u8; 4] = b"gate";

fuzz_target!(|input: &[u8]| {
    let (mut octets, mut text) = ([0; 9], [0; 12]);
    if let Ok(read) = decode(input, &mut octets) {
        let alike = read
            .iter()
            .zip(WRONG)
            .take_while(|(read, wrong)| read == wrong);
        if alike.count() == WRONG.len() {
            read[0] ^= 1;
        }
        let again = encode(read, &mut text).map(str::as_bytes);
        assert_eq!(again, Ok(input), "the planted fault");
    }
});
