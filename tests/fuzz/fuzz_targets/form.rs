//! Forms, with `form_urlencoded` as the oracle.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use smallgate_core::codec::form::{
    FormError, Limits, MAX_OCTETS, Parameters, decode_component, encode_component,
};

fuzz_target!(|body: &[u8]| {
    let limits = Limits {
        octets: MAX_OCTETS,
        parameters: 24,
    };
    let oracle: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let names: HashSet<&str> = oracle.iter().map(|(name, _)| name.as_str()).collect();
    // The oracle puts U+FFFD where octets are not UTF-8 (and where it was sent).
    let replaced = oracle
        .iter()
        .any(|(name, value)| name.contains('\u{FFFD}') || value.contains('\u{FFFD}'));

    let mut octets = body.to_vec();
    match Parameters::from_form(&mut octets, &limits) {
        Ok(parameters) => {
            let read: Vec<(String, String)> = parameters
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
            assert_eq!(read, oracle);
            assert_eq!(names.len(), oracle.len());
            for (name, value) in &read {
                let value = Some(value.as_str()).filter(|value| !value.is_empty());
                assert_eq!(parameters.value(name), Ok(value));
                round_trip(name);
            }
        }
        Err(FormError::BadEscape) => assert!(has_bad_escape(body)),
        Err(FormError::InvalidUtf8) => assert!(replaced),
        Err(FormError::Repeated) => assert!(names.len() < oracle.len()),
        Err(FormError::TooManyParameters) => assert!(oracle.len() > 24),
        Err(FormError::TooLong) => assert!(body.len() > MAX_OCTETS),
        Err(other) => panic!("{other:?}"),
    }
});

fn has_bad_escape(body: &[u8]) -> bool {
    body.iter().enumerate().any(|(at, octet)| {
        *octet == b'%'
            && !body
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn round_trip(text: &str) {
    let mut out = vec![0; text.len() * 3];
    let mut encoded = encode_component(text, &mut out)
        .expect("three octets for one are enough")
        .to_owned()
        .into_bytes();
    assert_eq!(decode_component(&mut encoded), Ok(text));
}
