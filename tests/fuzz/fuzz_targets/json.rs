//! JSON objects, with `serde_json` as the oracle.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smallgate_core::codec::json::{JsonError, Limits, MAX_OCTETS, Number, Object, Value, Writer};

const LIMITS: Limits = Limits {
    octets: MAX_OCTETS,
    depth: 16,
    members: 64,
    trailing_comma: false,
};

fuzz_target!(|text: &[u8]| {
    let oracle = serde_json::from_slice::<serde_json::Value>(text);
    let object = match Object::parse(text, &LIMITS) {
        Ok(object) => object,
        // What the oracle does not refuse, or not before it has read further.
        Err(
            JsonError::TooLong
            | JsonError::TooDeep
            | JsonError::TooManyMembers
            | JsonError::DuplicateMember,
        ) => return,
        Err(_) => {
            assert!(!oracle.is_ok_and(|value| value.is_object()));
            return;
        }
    };
    match oracle {
        Ok(oracle) => compare(&object, &oracle),
        // JSON's grammar has no largest number.
        Err(error) => assert!(error.to_string().starts_with("number out of range")),
    }
});

fn compare(object: &Object<'_>, oracle: &serde_json::Value) {
    assert_eq!(
        Some(object.members().count()),
        oracle.as_object().map(serde_json::Map::len)
    );
    for (name, value) in object.members() {
        let name: String = name.chars().collect();
        compare_value(value, &oracle[&name]);
        assert!(object.member(&name).is_some());
    }
}

fn compare_value(value: Value<'_>, oracle: &serde_json::Value) {
    match value {
        Value::Null => assert!(oracle.is_null()),
        Value::Bool(value) => assert_eq!(Some(value), oracle.as_bool()),
        Value::Number(number) => compare_number(number, oracle),
        Value::Text(text) => {
            let expected = oracle.as_str().expect("a string");
            assert!(text.eq_str(expected));
            assert!(text.chars().eq(expected.chars()));
            let mut out = vec![0; expected.len()];
            assert_eq!(text.unescape(&mut out), Ok(expected));
            write(expected);
        }
        Value::Array(array) => {
            let expected = oracle.as_array().expect("an array");
            assert_eq!(array.items().count(), expected.len());
            for (item, expected) in array.items().zip(expected) {
                compare_value(item, expected);
            }
        }
        Value::Object(text) => {
            let object = Object::parse(text.as_bytes(), &LIMITS).expect("checked before");
            compare(&object, oracle);
        }
    }
}

fn compare_number(number: Number<'_>, oracle: &serde_json::Value) {
    assert!(oracle.is_number());
    if !number.as_str().starts_with('-') {
        assert_eq!(number.as_u64(), oracle.as_u64());
    }
    if let Some(date) = number.as_numeric_date() {
        // The nearest double, which serde_json's own is not always.
        let oracle: f64 = number.as_str().parse().expect("a number");
        assert!((date.seconds as f64) <= oracle && oracle <= (date.seconds + 1) as f64);
    }
}

fn write(text: &str) {
    let mut out = vec![0; text.len() * 6 + 16];
    let mut writer = Writer::new(&mut out);
    writer.begin_object();
    writer.member_text("t", text);
    writer.end_object();
    let written = writer.finish().expect("six octets for one are enough");
    let oracle: serde_json::Value = serde_json::from_slice(written).expect("JSON");
    assert_eq!(oracle["t"], text);
}
