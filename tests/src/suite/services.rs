//! Codes and refresh tokens as Drillster and Dressipi document them, with live
//! values; and the refresh tokens of the other two.

use smallgate_core::profile;

use super::browser::{s256, with};
use super::codes::{assert_good, assert_grant_refused};
use super::session::{Session, refresh_form};
use super::setups::{
    API_KEY, BREAKOUT, CALLBACK, DRESSIPI, DRILLSTER, OUT_OF_BAND, breakout, dressipi, drillster,
    standard, teen_quotes, verified,
};
use crate::flow::{VERIFIER, encode};
use crate::golden::members;
use crate::host::{Host, Setup};
use crate::wire::{Request, Response};

/// Drillster's request for tokens: its fields in its order, lines joined.
pub(super) fn drillster_token<H: Host>(session: &Session<H>, grant: &str) -> Response {
    let (id, secret) = DRILLSTER;
    let form = format!("client_id={id}&client_secret={secret}&{grant}");
    session.post("/daas/oauth/token", None, &form)
}

/// "Drillster's authorization request comes without redirect_uri".
pub(super) const DRILLSTER_ASK: [(&str, &str); 3] = [
    ("response_type", "code"),
    ("client_id", DRILLSTER.0),
    ("state", "1"),
];

pub fn r32_drillster_code_and_refresh_as_documented<H: Host>() {
    let mut session = Session::<H>::start(drillster());
    let code = session.code(&DRILLSTER_ASK);
    let form = format!("grant_type=authorization_code&code={code}");
    let first = drillster_token(&session, &form);
    assert_good(&first);
    let order = [
        "access_token",
        "expires_in",
        "jti",
        "refresh_token",
        "scope",
        "token_type",
    ];
    assert_eq!(members(first.text()), order);
    let body = first.json();
    let token = verified(
        &profile::DRILLSTER,
        &first.member("access_token"),
        session.host.now(),
    );
    assert_eq!(
        members(&token.payload),
        ["sub", "exp", "jti", "client_id", "scope"]
    );
    assert_eq!(token.claims["scope"], serde_json::json!(["ROLE_USER"]));
    assert_eq!(token.claims["sub"], "94173");
    assert_eq!(token.claims["client_id"], DRILLSTER.0);
    assert_eq!(token.claims["jti"], body["jti"]);
    assert_eq!(first.member("jti").len(), 36);
    assert_eq!(
        (first.member("scope"), first.member("token_type")),
        ("ROLE_USER".into(), "bearer".into())
    );
    assert!([2_591_999, 2_592_000].contains(&body["expires_in"].as_u64().unwrap()));
    assert_eq!(
        session.me(&first.member("access_token")).member("sub"),
        "94173"
    );

    let second = drillster_token(&session, &refresh_form(&first));
    assert_good(&second);
    assert_eq!(members(second.text()), order);
    assert_eq!(
        drillster_token(&session, &refresh_form(&first)).member("refresh_token"),
        second.member("refresh_token"),
        "in grace"
    );
    session.host.pass(11);
    assert_grant_refused(&drillster_token(&session, &refresh_form(&first)));
    assert_grant_refused(&drillster_token(&session, &refresh_form(&second)));
    assert_eq!(session.me(&second.member("access_token")).status, 401);
}

pub fn r19_drillster_code_is_good_once<H: Host>() {
    let session = Session::<H>::start(drillster());
    let form = format!(
        "grant_type=authorization_code&code={}",
        session.code(&DRILLSTER_ASK)
    );
    let first = drillster_token(&session, &form);
    assert_good(&first);
    assert_grant_refused(&drillster_token(&session, &form));
    assert_eq!(session.me(&first.member("access_token")).status, 401);
    assert_grant_refused(&drillster_token(
        &session,
        "grant_type=authorization_code&code=cIEL8h",
    ));
}

pub(super) fn dressipi_ask() -> Vec<(&'static str, &'static str)> {
    let pairs = [
        ("response_type", "code"),
        ("client_id", DRESSIPI),
        ("redirect_uri", OUT_OF_BAND),
        ("state", "1"),
    ];
    [&pairs[..], &s256()].concat()
}

/// Dressipi's body parameters in the order of its document.
pub(super) fn dressipi_code(code: &str) -> [(&str, &str); 5] {
    [
        ("redirect_uri", OUT_OF_BAND),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", DRESSIPI),
        ("code_verifier", VERIFIER),
    ]
}

pub(super) fn dressipi_refresh(token: &str) -> [(&str, &str); 4] {
    [
        ("redirect_uri", OUT_OF_BAND),
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", DRESSIPI),
    ]
}

pub(super) fn dressipi_form(pairs: &[(&str, &str)]) -> Request {
    Request::new("POST", "/oauth/token").form(&encode(pairs))
}

pub(super) fn dressipi_json(pairs: &[(&str, &str)]) -> Request {
    let members = pairs
        .iter()
        .map(|(name, value)| format!("{}:{}", serde_json::json!(name), serde_json::json!(value)));
    let body = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
    Request::new("POST", "/oauth/token").body("application/json", &body)
}

pub fn r32_dressipi_code_and_refresh_as_documented<H: Host>() {
    for as_body in [dressipi_form, dressipi_json] {
        let session = Session::<H>::start(dressipi());
        let code = session.code(&dressipi_ask());
        let first = session.ask(&as_body(&dressipi_code(&code)));
        assert_good(&first);
        let order = ["access_token", "refresh_token", "expires_in", "token_type"];
        assert_eq!(members(first.text()), order);
        assert_eq!(first.json()["expires_in"], 86_400);
        assert_eq!(first.member("token_type"), "Bearer");
        let token = verified(
            &profile::DRESSIPI,
            &first.member("access_token"),
            session.host.now(),
        );
        assert_eq!(members(&token.payload), ["exp", "iat", "sub"]);
        assert_eq!(token.claims["sub"], "94173", "a string");
        let issued = token.claims["iat"].as_u64().expect("a number");
        assert_eq!(token.claims["exp"], issued + 86_400);
        let second = session.ask(&as_body(&dressipi_refresh(&first.member("refresh_token"))));
        assert_good(&second);
        assert_eq!(members(second.text()), order);
        assert_ne!(
            second.member("refresh_token"),
            first.member("refresh_token")
        );
        assert_grant_refused(&session.ask(&as_body(&dressipi_code(&code))));
        let revoked = as_body(&dressipi_refresh(&second.member("refresh_token")));
        assert_grant_refused(&session.ask(&revoked));
    }
}

pub fn r21_dressipi_names_its_redirect_uri_on_both_grants<H: Host>() {
    let session = Session::<H>::start(dressipi());
    let code = session.code(&dressipi_ask());
    let refused = |pairs: &[(&str, &str)]| {
        for uri in [
            None,
            Some(""),
            Some("urn:ietf:wg:oauth:2.0:oob"),
            Some(CALLBACK),
        ] {
            for as_body in [dressipi_form, dressipi_json] {
                let response = session.ask(&as_body(&with(pairs, "redirect_uri", uri)));
                assert_eq!(
                    response.outcome(),
                    (400, "invalid_request".to_owned()),
                    "{uri:?}"
                );
            }
        }
    };
    refused(&dressipi_code(&code));
    let first = session.ask(&dressipi_form(&dressipi_code(&code)));
    assert_good(&first);
    let token = first.member("refresh_token");
    refused(&dressipi_refresh(&token));
    let elsewhere = dressipi_refresh(&token);
    let elsewhere = with(&elsewhere, "client_id", Some("another_app"));
    assert_grant_refused(&session.ask(&dressipi_form(&elsewhere)));
    assert_good(&session.ask(&dressipi_form(&dressipi_refresh(&token))));
}

pub fn r22_dressipi_without_the_verifier_gets_nothing<H: Host>() {
    let session = Session::<H>::start(dressipi());
    let code = session.code(&dressipi_ask());
    let pairs = dressipi_code(&code);
    let other = VERIFIER.replace("dBjft", "dBjfu");
    for verifier in [None, Some(other.as_str())] {
        let request = dressipi_form(&with(&pairs, "code_verifier", verifier));
        assert_grant_refused(&session.ask(&request));
    }
    assert_good(&session.ask(&dressipi_form(&pairs)));
}

pub fn r41_dressipi_token_in_its_own_header_too<H: Host>() {
    let session = Session::<H>::start(dressipi());
    let code = session.code(&dressipi_ask());
    let first = session.ask(&dressipi_form(&dressipi_code(&code)));
    let token = first.member("access_token");
    let me = || Request::new("GET", "/me/");
    let own = session.ask(&me().header("x-dressipi-jwt", &token));
    assert_eq!(
        own.text(),
        r#"{"sub":"94173","username":"admin@break-out.org"}"#
    );
    assert_eq!(session.me(&token).text(), own.text());
    let twice = me()
        .header("x-dressipi-jwt", &token)
        .header("Authorization", &format!("Bearer {token}"));
    assert_eq!(
        session.ask(&twice).outcome(),
        (400, "invalid_request".to_owned())
    );
    let bad = session.ask(&me().header("x-dressipi-jwt", "x"));
    assert_eq!(bad.outcome(), (401, "invalid_token".to_owned()));
    // "the token endpoint neither needs nor refuses it".
    let refresh = first.member("refresh_token");
    let refresh = dressipi_refresh(&refresh);
    assert_good(&session.ask(&dressipi_form(&refresh).header("x-dressipi-jwt", &token)));
    drop(session);
    let session = Session::<H>::start(standard());
    let elsewhere = session.ask(&me().header("x-dressipi-jwt", &token));
    assert_eq!(elsewhere.status, 401);
}

pub(super) fn with_key() -> Setup {
    dressipi().top(&format!("api_key = \"{API_KEY}\""))
}

pub fn dressipi_api_key_is_asked_for_once_configured<H: Host>() {
    let session = Session::<H>::start(with_key());
    let code = session.code(&dressipi_ask());
    let request = || dressipi_form(&dressipi_code(&code));
    let wrong = API_KEY.replace("an-", "no-");
    for refused in [
        request(),
        request().header("x-api-key", &wrong),
        request().header("x-api-key", ""),
        request().header("x-api-key", &API_KEY[1..]),
    ] {
        let refused = session.ask(&refused);
        assert_eq!(refused.outcome(), (401, "invalid_client".to_owned()));
        assert!(refused.header("www-authenticate").is_some());
    }
    session.log_with(|log| log.matches("wrong API key").count() == 4);
    assert_good(&session.ask(&request().header("x-api-key", API_KEY)));
    drop(session);
    // Not configured: whatever comes is none of the server's business.
    let session = Session::<H>::start(dressipi());
    let code = session.code(&dressipi_ask());
    let sent = dressipi_form(&dressipi_code(&code)).header("x-api-key", &wrong);
    assert_good(&session.ask(&sent));
}

pub fn teen_quotes_and_breakout_refresh_too<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    let first = session.quote("grant_type=client_credentials");
    let second = session.quote(&refresh_form(&first));
    assert_eq!(members(second.text()), members(first.text()));
    assert_ne!(
        second.member("refresh_token"),
        first.member("refresh_token")
    );
    drop(session);
    let session = Session::<H>::start(breakout());
    let first = session.log_in();
    let again = session.token(BREAKOUT, &refresh_form(&first));
    assert_eq!(members(again.text()), members(first.text()));
    assert_eq!(again.member("refresh_token"), first.member("refresh_token"));
}
