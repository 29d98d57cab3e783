//! Basic credentials: read as they are sent, and as the plain text of good base64.
#![no_main]

use base64ct::{Base64, Encoding};
use libfuzzer_sys::fuzz_target;
use smallgate_core::codec::basic::{self, BasicError};
use smallgate_core::codec::form::decode_component;

fuzz_target!(|octets: &[u8]| {
    read(octets);
    read(Base64::encode_string(octets).as_bytes());
});

fn read(credentials: &[u8]) {
    let mut scratch = [0; basic::SCRATCH];
    let oracle = std::str::from_utf8(credentials)
        .ok()
        .and_then(|text| Base64::decode_vec(text).ok());
    match (basic::parse(credentials, &mut scratch), oracle) {
        (Ok(read), Some(plain)) => {
            let sent = [read.id_raw(), read.secret_raw()].join(":").into_bytes();
            assert_eq!(sent, plain);
            assert!(!read.id_raw().contains(':'));
            decoded(read.id_raw(), read.id_decoded());
            decoded(read.secret_raw(), read.secret_decoded());
        }
        (Ok(_), None) => panic!("not base64"),
        (Err(BasicError::TooLong), _) => assert!(credentials.len() > basic::MAX_CREDENTIALS),
        (Err(BasicError::InvalidBase64), oracle) => assert_eq!(oracle, None),
        (Err(BasicError::NoColon), oracle) => assert!(oracle.is_some_and(|o| !o.contains(&b':'))),
        (Err(BasicError::InvalidUtf8), oracle) => {
            assert!(oracle.is_some_and(|o| std::str::from_utf8(&o).is_err()));
        }
        (Err(BasicError::ControlCharacter), oracle) => {
            assert!(oracle.is_some_and(|o| o.iter().any(u8::is_ascii_control)));
        }
    }
}

fn decoded(raw: &str, decoded: Option<&str>) {
    let mut copy = raw.as_bytes().to_vec();
    let expected = decode_component(&mut copy)
        .ok()
        .filter(|text| !text.bytes().any(|octet| octet.is_ascii_control()));
    assert_eq!(decoded, expected);
}
