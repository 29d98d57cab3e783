extern crate std;

use std::string::String;
use std::vec;

use base64ct::{Base64, Encoding};

use super::*;

fn encoded(plain: &[u8]) -> String {
    let mut out = vec![0; 512];
    String::from(Base64::encode(plain, &mut out).unwrap())
}

type Halves = (String, Option<String>, String, Option<String>);

fn read(plain: &[u8]) -> Result<Halves, BasicError> {
    let mut scratch = [0; SCRATCH];
    let credentials = parse(encoded(plain).as_bytes(), &mut scratch)?;
    Ok((
        credentials.id_raw().into(),
        credentials.id_decoded().map(Into::into),
        credentials.secret_raw().into(),
        credentials.secret_decoded().map(Into::into),
    ))
}

#[test]
fn r15_both_readings_are_kept() {
    for (plain, id, id_decoded, secret, secret_decoded) in [
        // RFC 7617 §2.
        (
            "Aladdin:open sesame",
            "Aladdin",
            Some("Aladdin"),
            "open sesame",
            Some("open sesame"),
        ),
        // RFC 7617 §2.1.
        ("test:123£", "test", Some("test"), "123£", Some("123£")),
        (
            "a%3Ab:c%3ad%C3%A9",
            "a%3Ab",
            Some("a:b"),
            "c%3ad%C3%A9",
            Some("c:dé"),
        ),
        ("a+b:c+d", "a+b", Some("a b"), "c+d", Some("c d")),
        // A raw secret that cannot have been encoded.
        ("id:100%", "id", Some("id"), "100%", None),
        ("id:%zz", "id", Some("id"), "%zz", None),
        ("id:%FF", "id", Some("id"), "%FF", None),
        ("id:%00%7f", "id", Some("id"), "%00%7f", None),
        ("%:x", "%", None, "x", Some("x")),
        ("::", "", Some(""), ":", Some(":")),
        (":", "", Some(""), "", Some("")),
        ("id:a:b", "id", Some("id"), "a:b", Some("a:b")),
    ] {
        let expected = (
            id.into(),
            id_decoded.map(Into::into),
            secret.into(),
            secret_decoded.map(Into::into),
        );
        assert_eq!(read(plain.as_bytes()), Ok(expected), "{plain}");
    }
}

#[test]
fn r15_bad_credentials_refused() {
    for (plain, error) in [
        (&b""[..], BasicError::NoColon),
        (b"no colon", BasicError::NoColon),
        (b"a%3Ab", BasicError::NoColon),
        (b"a:\xFF", BasicError::InvalidUtf8),
        (b"\xC3:\xA9", BasicError::InvalidUtf8),
        (b"a\0:b", BasicError::ControlCharacter),
        (b"a:b\n", BasicError::ControlCharacter),
        (b"a:\x7F", BasicError::ControlCharacter),
    ] {
        assert_eq!(read(plain), Err(error), "{plain:?}");
    }
}

#[test]
fn r15_base64_is_strict() {
    let mut scratch = [0; SCRATCH];
    for text in [
        "YTpi=",
        "YTpi====",
        "YTp",
        "YTo",
        "YQ=",
        "YTo==",
        "Y",
        "YT pi",
        "YTpi\n",
        " YTpi",
        "YTp\u{e9}",
        // URL-safe alphabet; the standard one spells it 8J+YgDrwn5iA.
        "8J-YgDrwn5iA",
        // Stray bits after the last octet: `YTo=` is right.
        "YTp=",
        "Og==Og==",
        "Oh==",
    ] {
        let refused = parse(text.as_bytes(), &mut scratch).err();
        assert_eq!(refused, Some(BasicError::InvalidBase64), "{text:?}");
    }
    assert!(parse(b"YTo=", &mut scratch).is_ok());
    assert!(parse(b"8J+YgDrwn5iA", &mut scratch).is_ok());
}

#[test]
fn r05_length_is_bounded() {
    let mut plain = vec![b'%'; 192];
    plain[0] = b':';
    let text = encoded(&plain);
    assert_eq!(text.len(), MAX_CREDENTIALS);
    let mut scratch = [0; SCRATCH];
    assert!(parse(text.as_bytes(), &mut scratch).is_ok());
    assert!(parse(text.as_bytes(), &mut scratch[..384]).is_ok());
    assert_eq!(
        parse(text.as_bytes(), &mut scratch[..383]).err(),
        Some(BasicError::TooLong)
    );

    plain.push(b'x');
    let text = encoded(&plain);
    let mut large = [0; 4096];
    assert_eq!(
        parse(text.as_bytes(), &mut large).err(),
        Some(BasicError::TooLong)
    );
    assert_eq!(parse(b"Og==", &mut []).err(), Some(BasicError::TooLong));
}

#[test]
fn r08_debug_shows_nothing() {
    let mut scratch = [0; SCRATCH];
    let text = encoded(b"client:hunter2");
    let credentials = parse(text.as_bytes(), &mut scratch).unwrap();
    assert_eq!(std::format!("{credentials:?}"), "BasicCredentials(..)");
}
