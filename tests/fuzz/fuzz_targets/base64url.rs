//! base64url both ways, with `base64ct` as the oracle.
#![no_main]

use base64ct::{Base64UrlUnpadded, Encoding};
use libfuzzer_sys::fuzz_target;
use smallgate_core::codec::base64url::{
    decode, decode_secret, decoded_len, encode, encode_secret, encoded_len,
};

fuzz_target!(|input: &[u8]| {
    let expected = Base64UrlUnpadded::encode_string(input);
    let mut text = vec![0; encoded_len(input.len())];
    assert_eq!(encode(input, &mut text), Ok(&*expected));
    assert_eq!(encode_secret(input, &mut text), Ok(&*expected));
    let mut octets = vec![0; decoded_len(expected.len())];
    assert_eq!(
        decode(expected.as_bytes(), &mut octets).expect("just encoded"),
        input
    );

    let oracle = std::str::from_utf8(input)
        .ok()
        .and_then(|text| Base64UrlUnpadded::decode_vec(text).ok());
    let mut octets = vec![0; input.len()];
    let decoded = decode(input, &mut octets)
        .ok()
        .map(|octets| octets.to_vec());
    assert_eq!(decoded, oracle);
    let secret = decode_secret(input, &mut octets)
        .ok()
        .map(|octets| octets.to_vec());
    assert_eq!(secret, oracle);
    if let Some(octets) = decoded {
        assert_eq!(
            encode(&octets, &mut vec![0; input.len()]).map(str::as_bytes),
            Ok(input)
        );
    }
});
