//! JSON request bodies, with `serde_json` as the oracle.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smallgate_core::codec::form::{Limits, MAX_OCTETS, NotText, Parameters};

fuzz_target!(|body: &[u8]| {
    let limits = Limits {
        octets: MAX_OCTETS,
        parameters: 24,
    };
    let mut with_comma = body.to_vec();
    let lenient = Parameters::from_json(&mut with_comma, &limits, true).is_ok();

    let mut octets = body.to_vec();
    let Ok(parameters) = Parameters::from_json(&mut octets, &limits, false) else {
        return;
    };
    assert!(lenient);
    let oracle = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(oracle) => oracle,
        // JSON's grammar has no largest number.
        Err(error) => {
            assert!(error.to_string().starts_with("number out of range"));
            return;
        }
    };
    let oracle = oracle.as_object().expect("an object");
    assert_eq!(parameters.len(), oracle.len());
    for (name, value) in oracle {
        let expected = match value.as_str() {
            None => Err(NotText),
            Some("") => Ok(None),
            Some(text) => Ok(Some(text)),
        };
        assert_eq!(parameters.value(name), expected);
    }
});
