//! Properties of the parsers of forms and Basic credentials, and of the JSON
//! writer: what is encoded is decoded again, nothing panics, nothing comes from
//! outside the input, and other implementations agree.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use smallgate_core::codec::basic::{self, BasicError};
use smallgate_core::codec::form::{
    self, FormError, Parameters, decode_component, encode_component,
};
use smallgate_core::codec::json::{self, Number, Object, Value, Writer};

const WIDE: json::Limits = json::Limits {
    octets: json::MAX_OCTETS,
    depth: 16,
    members: 64,
    trailing_comma: false,
};

fn encoded(text: &str) -> String {
    let mut out = vec![0; text.len() * 3];
    encode_component(text, &mut out).unwrap().to_owned()
}

/// Octets that mean something in a form, and some that do not.
fn form_octets() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        8 => prop::sample::select(&b"&=%+"[..]),
        8 => prop::sample::select(&b"0123456789abcdefABCDEF"[..]),
        2 => prop::sample::select(&b"<'$*;> \0"[..]),
        1 => prop::sample::select(&[0xC3_u8, 0xA9, 0xE2, 0x82, 0xAC, 0xFF][..]),
    ];
    vec(octet, 0..80)
}

/// Whether every `%` of the form is followed by two digits of its own piece.
fn escapes_are_good(body: &[u8]) -> bool {
    body.split(|octet| *octet == b'&').all(|piece| {
        // The name ends at the first `=`, so an escape can't go across it; `=` is no digit anyway.
        piece.iter().enumerate().all(|(at, octet)| {
            *octet != b'%'
                || matches!(piece.get(at + 1..at + 3), Some(digits) if digits.iter().all(u8::is_ascii_hexdigit))
        })
    })
}

proptest! {
    #[test]
    fn form_components_round_trip(text in any::<String>()) {
        let mut encoded = encoded(&text).into_bytes();
        let oracle: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        prop_assert_eq!(&encoded[..], oracle.as_bytes());
        prop_assert_eq!(decode_component(&mut encoded), Ok(&text[..]));
    }

    #[test]
    fn forms_round_trip(sent in btree_map(any::<String>(), any::<String>(), 0..24)) {
        let body: Vec<String> = sent
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let mut body = body.join("&").into_bytes();
        let limits = form::Limits { octets: body.len(), parameters: 24 };
        let parameters = Parameters::from_form(&mut body, &limits).unwrap();
        let read: BTreeMap<String, String> =
            parameters.iter().map(|(name, value)| (name.into(), value.into())).collect();
        prop_assert_eq!(parameters.len(), sent.len());
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn r03_r04_forms_agree_with_form_urlencoded(body in form_octets()) {
        let oracle: Vec<(String, String)> =
            form_urlencoded::parse(&body).into_owned().collect();
        let names: BTreeMap<&String, ()> = oracle.iter().map(|(name, _)| (name, ())).collect();
        let repeated = names.len() < oracle.len();
        let replaced = oracle.iter().any(|(name, value)| {
            name.contains('\u{FFFD}') || value.contains('\u{FFFD}')
        });
        let limits = form::Limits { octets: 1024, parameters: 24 };
        let mut octets = body.clone();
        match Parameters::from_form(&mut octets, &limits) {
            Ok(parameters) => {
                prop_assert!(escapes_are_good(&body) && !repeated && !replaced);
                let read: Vec<(String, String)> =
                    parameters.iter().map(|(name, value)| (name.into(), value.into())).collect();
                prop_assert_eq!(read, oracle);
            }
            Err(FormError::BadEscape) => prop_assert!(!escapes_are_good(&body)),
            Err(FormError::InvalidUtf8) => prop_assert!(replaced),
            Err(FormError::Repeated) => prop_assert!(repeated),
            Err(FormError::TooManyParameters) => prop_assert!(oracle.len() > 24),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn r05_forms_never_panic_and_stay_within_the_body(
        mut body in prop_oneof![form_octets(), vec(any::<u8>(), 0..80)],
        octets in 0..80_usize,
        parameters in any::<u8>(),
        json in any::<bool>(),
    ) {
        let length = body.len();
        let range = body.as_ptr_range();
        let limits = form::Limits { octets, parameters };
        let read = if json {
            Parameters::from_json(&mut body, &limits, true)
        } else {
            Parameters::from_form(&mut body, &limits)
        };
        let Ok(read) = read else { return Ok(()) };
        prop_assert!(length <= octets);
        prop_assert!(read.len() <= usize::from(parameters));
        for (name, value) in read.iter() {
            for part in [name.as_bytes(), value.as_bytes()] {
                let part = part.as_ptr_range();
                prop_assert!(range.start <= part.start && part.end <= range.end);
            }
        }
    }

    #[test]
    fn json_bodies_round_trip(sent in btree_map(any::<String>(), any::<String>(), 0..24)) {
        let mut body = serde_json::to_vec(&sent).unwrap();
        let limits = form::Limits { octets: body.len(), parameters: 24 };
        let parameters = Parameters::from_json(&mut body, &limits, false).unwrap();
        let read: BTreeMap<String, String> =
            parameters.iter().map(|(name, value)| (name.into(), value.into())).collect();
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn json_strings_round_trip(name in any::<String>(), value in any::<String>()) {
        let mut out = vec![0; 6 * (name.len() + value.len()) + 8];
        let mut writer = Writer::new(&mut out);
        writer.begin_object();
        writer.member_text(&name, &value);
        writer.end_object();
        let document = writer.finish().unwrap();

        let oracle: BTreeMap<String, String> = serde_json::from_slice(document).unwrap();
        prop_assert_eq!(oracle.get(&name), Some(&value));

        let object = Object::parse(document, &WIDE).unwrap();
        let Some(Value::Text(text)) = object.member(&name) else {
            return Err(TestCaseError::fail("no text under its name"));
        };
        prop_assert!(text.eq_str(&value));
        prop_assert!(text.chars().eq(value.chars()));
        prop_assert!(text.as_str().is_none_or(|plain| plain == value));
        let mut unescaped = vec![0; value.len()];
        prop_assert_eq!(text.unescape(&mut unescaped), Ok(&value[..]));
    }

    #[test]
    fn json_integers_round_trip(value in any::<u64>()) {
        let mut out = [0; 32];
        let mut writer = Writer::new(&mut out);
        writer.begin_object();
        writer.member_u64("n", value);
        writer.end_object();
        let object = Object::parse(writer.finish().unwrap(), &WIDE).unwrap();
        let number = object.member("n").and_then(|value| match value {
            Value::Number(number) => Number::as_u64(number),
            _ => None,
        });
        prop_assert_eq!(number, Some(value));
    }

    #[test]
    fn r15_both_readings_of_basic_credentials(
        id in "[^\\x00-\\x1f\\x7f]{0,10}",
        secret in "[^\\x00-\\x1f\\x7f]{0,10}",
    ) {
        let mut scratch = [0; basic::SCRATCH];
        let sent = format!("{}:{}", encoded(&id), encoded(&secret));
        let sent = Base64::encode_string(sent.as_bytes());
        match basic::parse(sent.as_bytes(), &mut scratch) {
            Ok(credentials) => {
                prop_assert_eq!(credentials.id_raw(), encoded(&id));
                prop_assert_eq!(credentials.secret_raw(), encoded(&secret));
                prop_assert_eq!(credentials.id_decoded(), Some(&id[..]));
                prop_assert_eq!(credentials.secret_decoded(), Some(&secret[..]));
            }
            Err(error) => {
                prop_assert_eq!(error, BasicError::TooLong);
                prop_assert!(sent.len() > basic::MAX_CREDENTIALS);
            }
        }

        // Unencoded, as many clients send it.
        let raw = format!("{id}:{secret}");
        let sent = Base64::encode_string(raw.as_bytes());
        let credentials = basic::parse(sent.as_bytes(), &mut scratch).unwrap();
        let (id, secret) = raw.split_once(':').unwrap();
        prop_assert_eq!(credentials.id_raw(), id);
        prop_assert_eq!(credentials.secret_raw(), secret);
    }

    #[test]
    fn r15_basic_credentials_never_panic(
        octets in prop_oneof![
            vec(any::<u8>(), 0..300),
            vec(any::<u8>(), 0..200).prop_map(|plain| Base64::encode_string(&plain).into_bytes()),
            "[%+:0-9a-f=]{0,80}".prop_map(|plain| Base64::encode_string(plain.as_bytes()).into_bytes()),
            "[A-Za-z0-9+/=]{0,40}".prop_map(String::into_bytes),
        ],
        scratch in 0..520_usize,
    ) {
        let mut scratch = vec![0; scratch];
        let oracle = Base64::decode_vec(&String::from_utf8_lossy(&octets));
        let read = basic::parse(&octets, &mut scratch);
        if oracle.is_err() {
            prop_assert!(matches!(read, Err(BasicError::InvalidBase64 | BasicError::TooLong)));
        }
        if let Ok(read) = read {
            let plain = oracle.unwrap();
            prop_assert_eq!(format!("{}:{}", read.id_raw(), read.secret_raw()).into_bytes(), plain);
        }
    }
}

/// The work is bounded by the length, the number of pieces and the pairs of
/// names; these are the forms that make the most of each.
#[test]
fn r05_worst_forms_are_answered() {
    let limits = form::Limits {
        octets: form::MAX_OCTETS,
        parameters: 24,
    };
    let outcome = |mut body: Vec<u8>| Parameters::from_form(&mut body, &limits).map(|p| p.len());

    // 24 names of equal length that differ in the last octet alone, all escaped.
    let names: Vec<String> = (0..24)
        .map(|n| format!("{}%{n:02X}", "%41".repeat(450)))
        .collect();
    let mut body = names.join("&").into_bytes();
    assert!(body.len() > 32_000 && body.len() <= form::MAX_OCTETS);
    assert_eq!(outcome(body.clone()), Ok(24));
    body.truncate(body.len() - 2);
    body.extend_from_slice(b"16"); // the same as the last but one
    assert_eq!(outcome(body), Err(FormError::Repeated));

    assert_eq!(outcome(vec![b'&'; form::MAX_OCTETS]), Ok(0));
    assert_eq!(outcome(vec![b'='; form::MAX_OCTETS]), Ok(1));
    assert_eq!(outcome(vec![b'+'; form::MAX_OCTETS]), Ok(1));
    assert_eq!(
        outcome(vec![b'%'; form::MAX_OCTETS]),
        Err(FormError::BadEscape)
    );
    assert_eq!(
        outcome(vec![b'+'; form::MAX_OCTETS + 1]),
        Err(FormError::TooLong)
    );
    assert_eq!(
        outcome(b"a&".repeat(16_000)),
        Err(FormError::TooManyParameters)
    );
}
