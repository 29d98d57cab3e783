extern crate std;

use std::vec::Vec;

use super::*;

const ISSUED: &str = r#"{"iss":"https://as.example","sub":"","aud":"rs","client_id":"app","scope":"read write","iat":1700000000,"exp":253402300799,"jti":"1"}"#;

const FORMAT: TokenFormat = TokenFormat::ACCESS_TOKEN;

const LIMITS: Limits = Limits {
    octets: 256,
    depth: 2,
    members: 8,
    trailing_comma: false,
};

fn at_once<'t>(payload: &'t str, format: &TokenFormat, limits: &Limits) -> Option<Received<'t>> {
    let mut received = Received::EMPTY;
    let text = received.read_issued(payload.as_bytes(), format, limits)?;
    assert_eq!(text, payload);
    Some(received)
}

fn scanned<'t>(payload: &'t str, format: &TokenFormat, limits: &Limits) -> Option<Received<'t>> {
    let mut received = Received::EMPTY;
    let object = Object::parse(payload.as_bytes(), limits).ok()?;
    received.read(&object, format.scope).ok()?;
    Some(received)
}

fn same(one: &Received<'_>, other: &Received<'_>) -> bool {
    (one.texts, one.escaped, one.dates) == (other.texts, other.escaped, other.dates)
}

#[test]
fn what_is_issued_is_read_at_once_and_as_any_other() {
    let without_scope = ISSUED.replace(r#""scope":"read write","#, "");
    for payload in [ISSUED, &without_scope, &ISSUED.replace("1700000000", "0")] {
        let issued = at_once(payload, &FORMAT, &LIMITS).expect("one of ours");
        let scanned = scanned(payload, &FORMAT, &LIMITS).expect("a good one");
        assert!(same(&issued, &scanned), "{payload}");
    }
}

/// Each octet of a payload of ours replaced, left out, and one put before it.
fn nearly_issued() -> impl Iterator<Item = Vec<u8>> {
    let octets = br#"{}[]",:\ 09-.eE+tn"#.iter().chain(b"a/\n\0\x7F\xC3");
    octets.flat_map(|octet| {
        (0..=ISSUED.len()).flat_map(|at| {
            let (before, after) = ISSUED.as_bytes().split_at(at);
            let put = [before, &[*octet], after].concat();
            let tail = after.get(1..).unwrap_or_default();
            [
                put,
                [before, &[*octet], tail].concat(),
                [before, tail].concat(),
            ]
        })
    })
}

#[test]
fn what_is_read_at_once_is_nothing_that_would_be_read_otherwise() {
    let (mut issued, mut refused) = (0, 0);
    for payload in nearly_issued() {
        let Ok(payload) = core::str::from_utf8(&payload) else {
            let mut received = Received::EMPTY;
            assert!(received.read_issued(&payload, &FORMAT, &LIMITS).is_none());
            continue;
        };
        let Some(one) = at_once(payload, &FORMAT, &LIMITS) else {
            refused += 1;
            continue;
        };
        let other = scanned(payload, &FORMAT, &LIMITS).expect(payload);
        assert!(same(&one, &other), "{payload}");
        issued += 1;
    }
    assert!(issued > 500 && refused > 5000, "{issued} {refused}");
}

#[test]
fn a_payload_is_within_its_limits() {
    let octets = ISSUED.len();
    for limits in [Limits { octets, ..LIMITS }, Limits { depth: 1, ..LIMITS }] {
        assert!(at_once(ISSUED, &FORMAT, &limits).is_some(), "{limits:?}");
    }
    for limits in [
        Limits {
            octets: octets - 1,
            ..LIMITS
        },
        Limits { depth: 0, ..LIMITS },
        Limits {
            members: 7,
            ..LIMITS
        },
    ] {
        assert!(at_once(ISSUED, &FORMAT, &limits).is_none(), "{limits:?}");
        assert!(scanned(ISSUED, &FORMAT, &limits).is_none(), "{limits:?}");
    }
}

#[test]
fn a_format_says_how_a_scope_is_spelled() {
    for scope in [ScopeForm::Array, ScopeForm::Absent] {
        let format = TokenFormat { scope, ..FORMAT };
        assert!(at_once(ISSUED, &format, &LIMITS).is_none(), "{scope:?}");
    }
}

#[test]
fn a_claim_that_a_format_lists_twice_is_not_read_twice() {
    let format = TokenFormat {
        claims: &[Claim::ExpiresAt, Claim::ExpiresAt],
        ..FORMAT
    };
    let payload = r#"{"exp":1,"exp":2}"#;
    assert!(at_once(payload, &format, &LIMITS).is_none());
    assert!(scanned(payload, &format, &LIMITS).is_none());
}

#[test]
fn a_date_is_none_beyond_the_last() {
    let later = ISSUED.replace("253402300799", "253402300800");
    assert!(at_once(&later, &FORMAT, &LIMITS).is_none());
    assert!(scanned(&later, &FORMAT, &LIMITS).is_none());
}
