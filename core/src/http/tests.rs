extern crate std;

use super::*;

#[test]
fn an_answer_takes_what_was_written_along_when_it_goes() {
    let mut out = [7; 16];
    let mut response = Response::new(&mut out);
    assert!(response.body_with(|text| text.push("a secret")));
    assert_eq!(response.body(), b"a secret");
    drop(response);
    assert_eq!(out, [0; 16]);
}

#[test]
fn an_answer_shows_its_status_alone() {
    let mut out = [0; 16];
    let mut response = Response::new(&mut out);
    response.set_status(200);
    assert!(response.body_with(|text| text.push("a secret")));
    assert_eq!(std::format!("{response:?}"), "Response { status: 200, .. }");
}

#[test]
fn credentials_are_what_comes_after_the_scheme_and_a_space() {
    let bearer = |value| credentials(value, "Bearer");
    assert_eq!(bearer(b"Bearer a b"), Some(&b"a b"[..]));
    assert_eq!(bearer(b"bEARER   a"), Some(&b"a"[..]));
    assert_eq!(bearer(b"Bearer "), Some(&b""[..]));
    assert_eq!(bearer(b"Bearer"), Some(&b""[..]));
    for another in [&b"Bearers a"[..], b"Beare", b"Basic a", b""] {
        assert_eq!(bearer(another), None);
    }
}
