//! Constant time: no branch and no address depends on a secret (R13), but for what everybody may
//! know, which is named here, with how often it is met and why it may be known.
//!
//! `cargo test -p smallgate-tests --features proof --test secret_memcheck`. What runs is the release
//! build of `src/bin/secret_subject` with line numbers, as x86_64 code: valgrind has no SHA
//! extensions, so its SHA-256 is the portable one, which boards have too. A board's own code, ES256 in
//! assembly among it, can not run there.
#![cfg(target_arch = "x86_64")]

#[path = "support/memcheck.rs"]
mod memcheck;

use memcheck::{Known, judge, reports};

/// All of the alphabets of secrets are ASCII, and so is a client secret (RFC 6749 Appendix A.2). This
/// looks for what is not, several octets at once; how often depends on where they lie.
const ASCII: Known = known("run_utf8_validation", u64::MAX);

const fn known(function: &'static str, times: u64) -> Known {
    Known { function, times }
}

fn nothing_but(how: &str, known: &[Known]) {
    let reports = reports(how);
    let times: u64 = reports.iter().map(|report| report.times).sum();
    println!("{how}: {times}, all of them known");
    if let Err(report) = judge(&reports, known) {
        panic!("{how} depends on a secret {report}");
    }
}

#[test]
fn r13_comparing_depends_on_no_secret() {
    nothing_but("comparison", &[]);
}

#[test]
fn r13_hmac_depends_on_no_secret() {
    nothing_but("hmac", &[]);
}

#[test]
fn r13_hs256_depends_on_no_secret() {
    // Two tokens: whether each is good.
    nothing_but("hs256", &[known("verify", 2)]);
}

#[test]
fn r13_es256_signing_depends_on_no_secret() {
    // Each of these is so for all but one in 2^32 of what is drawn, and says nothing of the rest.
    nothing_but(
        "es256",
        &[
            // A key, when it is loaded, and two signatures:
            // the key is below the order, and not zero;
            known("from_bytes", 2),
            // the nonce of RFC 6979 §3.2 is below the order, else the next one is taken;
            known("fill_next_k", 2),
            // it is not zero, and so has an inverse;
            known("sign_prehashed_rfc6979", 2),
            known("invert", 2),
            // r and s, which are sent, are below the order, and neither is zero.
            known("from_scalars", 8),
        ],
    );
}

#[test]
fn r13_hashing_a_password_depends_on_no_secret() {
    nothing_but("password-hash", &[]);
}

#[test]
fn r13_base64url_of_secrets_depends_on_none() {
    // Three texts: whether each is base64url.
    nothing_but("base64url", &[known("decode_secret", 3), ASCII]);
}

/// Basic credentials with a secret that has neither `%` nor `+`: escapes are read one by one.
const BASIC: [Known; 5] = [
    ASCII,
    // How much padding there is, by which the length is known, and whether all of it is base64.
    known("decode", 3),
    // That no character begins before the colon and ends after it.
    known("split_at_first", 1),
    // Whether there are escapes, in name and secret.
    known("half", 2),
    // Whether there is a control character.
    known("parse", 1),
];

#[test]
fn r13_reading_basic_credentials_depends_on_no_secret() {
    nothing_but("basic", &BASIC);
}

#[test]
fn r13_a_client_secret_depends_on_no_secret() {
    let [a, b, c, d, e] = BASIC;
    // Whether it is the right one.
    nothing_but(
        "client-secret-by-basic",
        &[a, b, c, d, e, known("check", 1)],
    );
    // The same for a right one and a wrong one.
    nothing_but("client-secret-by-post", &[known("check", 2)]);
}

#[test]
fn r13_an_api_key_depends_on_no_secret() {
    // Whether it is the right one.
    nothing_but("api-key", &[known("authenticated", 1)]);
}

#[test]
fn r13_a_password_depends_on_no_secret() {
    // Whether it is the right one: a right one and a wrong one.
    nothing_but("password", &[known("advance", 2)]);
}

#[test]
fn r13_a_refresh_token_depends_on_no_secret() {
    // Whether its MAC is right: a right one and a wrong one. A new one is made and sent unseen.
    nothing_but("refresh-token", &[known("verify", 2)]);
}

#[test]
fn r13_a_login_form_depends_on_no_secret() {
    // Whether its MAC is right. A code is made and sent unseen.
    nothing_but("login-form", &[known("verify", 1)]);
}

/// The measuring can fail.
#[test]
fn r13_what_depends_on_a_secret_is_reported() {
    const BRANCH: &str = "Conditional jump or move depends on uninitialised value(s)";
    const ADDRESS: &str = "Use of uninitialised value of size 8";
    for (how, what) in [
        ("early-end", BRANCH),
        ("table", ADDRESS),
        ("public-decode", ADDRESS),
        ("public-encode", ADDRESS),
    ] {
        let reports = reports(how);
        assert!(judge(&reports, &[]).is_err(), "{how} is not reported");
        assert!(reports.iter().all(|report| report.what == what), "{how}");
    }
}

/// One decision is let pass where it is known; one for each octet is not.
#[test]
fn r13_an_early_end_is_no_decision() {
    let reports = reports("early-end");
    assert!(judge(&reports, &[known("is_equal", 1)]).is_err());
    assert!(judge(&reports, &[known("is_equal", 32)]).is_ok());
    assert!(judge(&reports, &[known("equal", 32)]).is_err());
}
