//! Authorization codes from the form to the token at `standard`: R18 to R23.

use smallgate_core::profile;

use super::browser::{asking, demo, redemption, s256, sent_to, with};
use super::session::{Session, refresh_form};
use super::setups::{APP, CALLBACK, DEMO, OTHER, standard, verified};
use crate::flow::{VERIFIER, encode, value};
use crate::golden::members;
use crate::host::Host;
use crate::wire::Response;

pub(super) fn assert_grant_refused(response: &Response) {
    assert_eq!(response.outcome(), (400, "invalid_grant".to_owned()));
}

pub(super) fn assert_good(response: &Response) {
    assert_eq!(response.status, 200, "{}", response.text());
}

pub fn r32_standard_code_gives_the_users_tokens<H: Host>() {
    let session = Session::<H>::start(standard());
    let first = session.token(DEMO, &redemption(&session.code(&demo())));
    assert_good(&first);
    assert_eq!(
        members(first.text()),
        [
            "access_token",
            "token_type",
            "expires_in",
            "refresh_token",
            "scope"
        ]
    );
    assert_eq!(first.member("scope"), "read write");
    let token = verified(
        &profile::STANDARD,
        &first.member("access_token"),
        session.host.now(),
    );
    assert_eq!(
        (&token.claims["sub"], &token.claims["client_id"]),
        (&"94173".into(), &"demo".into())
    );
    assert_eq!(
        session.me(&first.member("access_token")).text(),
        r#"{"sub":"94173","client_id":"demo","scope":"read write","username":"admin@break-out.org"}"#
    );
    let second = session.token(DEMO, &refresh_form(&first));
    assert_good(&second);
    assert_ne!(
        second.member("refresh_token"),
        first.member("refresh_token")
    );
    let narrower = session.token(DEMO, &(refresh_form(&second) + "&scope=read"));
    assert_eq!(narrower.member("scope"), "read");
    // Another token of the same grant: its scope has not changed.
    let whole = session.token(DEMO, &refresh_form(&narrower));
    assert_eq!(whole.member("scope"), "read write");
}

pub fn r19_second_use_of_a_code_revokes<H: Host>() {
    let session = Session::<H>::start(standard());
    let code = session.code(&demo());
    let first = session.token(DEMO, &redemption(&code));
    assert_eq!(session.me(&first.member("access_token")).status, 200);
    let second = session.token(DEMO, &refresh_form(&first));
    assert_grant_refused(&session.token(DEMO, &redemption(&code)));
    for tokens in [&first, &second] {
        let me = session.me(&tokens.member("access_token"));
        assert_eq!(me.outcome(), (401, "invalid_token".to_owned()));
        assert_grant_refused(&session.token(DEMO, &refresh_form(tokens)));
    }
    let log = session.log_with(|log| log.contains("CodeReplayed"));
    assert!(log.contains("code_issued"), "{log}");
}

pub fn r20_codes_end<H: Host>() {
    let mut session = Session::<H>::start(standard().tables("[lifetimes]\ncode = 2"));
    let code = session.code(&demo());
    session.host.pass(2);
    assert_grant_refused(&session.token(DEMO, &redemption(&code)));
    drop(session);
    let mut session = Session::<H>::start(standard().tables("[lifetimes]\ncode = 5"));
    let (early, late) = (session.code(&demo()), session.code(&demo()));
    session.host.pass_just(3);
    assert_good(&session.token(DEMO, &redemption(&early)));
    session.host.pass_just(3);
    assert_grant_refused(&session.token(DEMO, &redemption(&late)));
    if session.host.clock().is_none() {
        return session.out_of_reach("r20: a code lives for 60 seconds by default");
    }
    drop(session);
    // "60 seconds by default".
    let mut session = Session::<H>::start(standard());
    let (early, late) = (session.code(&demo()), session.code(&demo()));
    session.host.pass(59);
    assert_good(&session.token(DEMO, &redemption(&early)));
    session.host.pass(1);
    assert_grant_refused(&session.token(DEMO, &redemption(&late)));
}

pub fn r21_a_code_is_its_clients_and_its_redirect_uris<H: Host>() {
    let session = Session::<H>::start(standard());
    let code = session.code(&demo());
    assert_grant_refused(&session.token(OTHER, &redemption(&code)));
    let public = format!("client_id={APP}&{}", redemption(&code));
    assert_grant_refused(&session.post("/oauth/token", None, &public));
    let form = redemption(&code);
    let uri = format!("&{}", encode(&[("redirect_uri", CALLBACK)]));
    for other in [
        String::new(),
        uri.replace("cb", "cb2"),
        "&redirect_uri=".to_owned(),
    ] {
        let changed = form.replace(&uri, &other);
        assert_ne!(changed, form);
        assert_grant_refused(&session.token(DEMO, &changed));
    }
    assert_good(&session.token(DEMO, &form));
    // None was named, so none is needed.
    let unnamed = with(&demo(), "redirect_uri", None);
    let code = session.code(&unnamed);
    let form = redemption(&code).replace(&uri, "");
    assert_good(&session.token(DEMO, &form));
}

pub fn r22_the_verifier_belongs_to_the_challenge<H: Host>() {
    let session = Session::<H>::start(standard());
    let form = redemption(&session.code(&demo()));
    let verifier = format!("code_verifier={VERIFIER}");
    for (changed, error) in [
        (String::new(), "invalid_grant"),
        (verifier.replace("dBjft", "dBjfu"), "invalid_grant"),
        (verifier.replace("Xk", ""), "invalid_request"),
        (verifier.clone() + "%20", "invalid_request"),
        (
            format!("code_verifier={}", "a".repeat(129)),
            "invalid_request",
        ),
    ] {
        let refused = session.token(DEMO, &form.replace(&verifier, &changed));
        assert_eq!(refused.outcome(), (400, error.to_owned()), "{changed}");
    }
    assert_good(&session.token(DEMO, &form));
    let plain: Vec<_> = demo()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("code_"))
        .collect();
    let form = redemption(&session.code(&plain));
    assert_grant_refused(&session.token(DEMO, &form));
    assert_good(&session.token(DEMO, &form.replace(&format!("&{verifier}"), "")));
}

pub fn r22_public_clients_use_pkce<H: Host>() {
    let session = Session::<H>::start(standard());
    let uri = "http://127.0.0.1:49152/cb";
    let plain = [
        ("response_type", "code"),
        ("client_id", APP),
        ("redirect_uri", uri),
    ];
    let refused = session.ask(&asking(&plain));
    assert_eq!(value(&sent_to(&refused, uri), "error"), "invalid_request");
    let code = session.code(&[&plain[..], &s256()].concat());
    let form = encode(&[
        ("grant_type", "authorization_code"),
        ("client_id", APP),
        ("redirect_uri", uri),
        ("code", &code),
    ]);
    assert_grant_refused(&session.post("/oauth/token", None, &form));
    let form = format!("{form}&code_verifier={VERIFIER}");
    let first = session.post("/oauth/token", None, &form);
    assert_good(&first);
    assert_eq!(
        session.me(&first.member("access_token")).member("sub"),
        "94173"
    );
    let refresh = format!("client_id={APP}&{}", refresh_form(&first));
    let second = session.post("/oauth/token", None, &refresh);
    assert_good(&second);
    assert_ne!(
        second.member("refresh_token"),
        first.member("refresh_token")
    );
}

pub fn r23_codes_are_long_and_never_the_same<H: Host>() {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let session = Session::<H>::start(standard());
    let mut codes: Vec<_> = (0..20).map(|_| session.code(&demo())).collect();
    for code in &codes {
        assert_eq!(code.len(), 44);
        assert_eq!(
            Base64UrlUnpadded::decode_vec(code).map(|octets| octets.len()),
            Ok(33)
        );
        // A code that is altered anywhere is nobody's.
        let flipped = |at: usize| {
            let other = if code[at..].starts_with('A') {
                "B"
            } else {
                "A"
            };
            format!("{}{other}{}", &code[..at], &code[at + 1..])
        };
        assert_grant_refused(&session.token(DEMO, &redemption(&flipped(code.len() / 2))));
    }
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), 20);
}
