//! The client_credentials grant (RFC 6749 §4.4), and what is in its tokens.

use smallgate_core::profile;

use super::session::{Session, basic, post};
use super::setups::{AUDIENCE, DEMO, ISSUER, OTHER, QUOTES, standard, teen_quotes, verified};
use crate::golden::members;
use crate::host::Host;
use crate::wire::Request;

const FIRST: &str = "grant_type=client_credentials";

/// RFC 9068 §2.2: "iss, exp, aud, sub, client_id, iat, jti", and `scope` where
/// there is one.
pub(super) const CLAIMS: [&str; 8] = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "scope",
    "iat",
    "exp",
    "jti",
];

pub fn r32_standard_token_is_es256_with_the_rfc9068_claims<H: Host>() {
    let session = Session::<H>::start(standard());
    let response = session.token(DEMO, &format!("{FIRST}&scope=write+read"));
    assert_eq!(response.status, 200);
    let names = ["access_token", "token_type", "expires_in", "scope"];
    assert_eq!(members(response.text()), names);
    assert_eq!(response.member("token_type"), "Bearer");
    assert_eq!(response.json()["expires_in"], 3600);
    assert_eq!(response.member("scope"), "read write");

    let now = session.host.now();
    let token = verified(&profile::STANDARD, &response.member("access_token"), now);
    assert_eq!(token.header, r#"{"alg":"ES256","typ":"at+jwt","kid":"e1"}"#);
    assert_eq!(members(&token.payload), CLAIMS);
    let claims = token.claims;
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&ISSUER.into(), &AUDIENCE.into())
    );
    assert_eq!(
        (&claims["sub"], &claims["client_id"]),
        (&"demo".into(), &"demo".into())
    );
    assert_eq!(claims["scope"], "read write");
    let issued = claims["iat"].as_u64().unwrap();
    assert!(issued.abs_diff(now) < 30);
    assert_eq!(claims["exp"], issued + 3600);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 22);
}

pub fn r32_teen_quotes_token_is_hs256_with_the_rfc9068_claims<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    let response = session.quote(FIRST);
    assert_eq!(response.status, 200);
    let names = [
        "access_token",
        "token_type",
        "expires",
        "expires_in",
        "refresh_token",
    ];
    assert_eq!(members(response.text()), names);
    assert_eq!(response.member("token_type"), "bearer");
    assert_eq!(response.member("refresh_token").len(), 44);

    let now = session.host.now();
    let token = verified(&profile::TEEN_QUOTES, &response.member("access_token"), now);
    assert_eq!(token.header, r#"{"alg":"HS256","typ":"at+jwt","kid":"h1"}"#);
    assert_eq!(members(&token.payload), CLAIMS);
    assert_eq!(token.claims["sub"], "42");
    assert_eq!(token.claims["client_id"], "42");
    assert_eq!(token.claims["scope"], "read");
    let issued = token.claims["iat"].as_u64().unwrap();
    assert_eq!(token.claims["exp"], issued + 604_800);
    assert_eq!(response.json()["expires"], issued + 604_800);
    assert_eq!(response.json()["expires_in"], 604_800);
}

pub fn scope_is_asked_for_defaulted_and_refused<H: Host>() {
    let session = Session::<H>::start(standard());
    for (asked, given) in [
        ("", "read"),
        ("read", "read"),
        ("write", "write"),
        ("write+read", "read write"),
        ("read+read", "read"),
    ] {
        let response = session.token(DEMO, &format!("{FIRST}&scope={asked}"));
        assert_eq!(response.member("scope"), given, "{asked}");
        let token = verified(
            &profile::STANDARD,
            &response.member("access_token"),
            session.host.now(),
        );
        assert_eq!(token.claims["scope"], given, "{asked}");
    }
    for asked in [
        "admin",
        "read+admin",
        "nothing",
        "READ",
        "read++write",
        "+read",
        "read+",
        "read%09write",
        "%22",
    ] {
        let response = session.token(DEMO, &format!("{FIRST}&scope={asked}"));
        assert_eq!(
            response.outcome(),
            (400, "invalid_scope".to_owned()),
            "{asked}"
        );
    }
}

pub fn expiry_is_told_as_the_profile_does<H: Host>() {
    let lifetimes = "[lifetimes]\naccess_token = 77";
    let session = Session::<H>::start(standard().tables(lifetimes));
    assert_eq!(session.token(DEMO, FIRST).json()["expires_in"], 77);
    drop(session);
    let session = Session::<H>::start(teen_quotes().tables(lifetimes));
    let response = session.quote(FIRST).json();
    assert_eq!(response["expires_in"], 77);
    let now = session.host.now();
    assert!(response["expires"].as_u64().unwrap().abs_diff(now + 77) < 30);
}

/// "The example ends in a trailing comma", and the form is taken as well.
pub fn teen_quotes_takes_the_documented_json_and_form<H: Host>() {
    let session = Session::<H>::start(teen_quotes());
    let (id, secret) = QUOTES;
    let document = format!(
        "{{\n   \"grant_type\":\"client_credentials\",\n   \"client_id\":\"{id}\",\n   \
         \"client_secret\":\"{secret}\",\n}}"
    );
    let json = session.ask(&Request::new("POST", "/oauth").body("application/json", &document));
    let form = session.quote(FIRST);
    for response in [json, form] {
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(
            session.me(&response.member("access_token")).member("sub"),
            "42"
        );
    }
}

/// R39: two keys at once.
pub fn retired_key_verifies_and_the_new_one_signs<H: Host>() {
    let session = Session::<H>::start(standard());
    let old = session.token(DEMO, FIRST).member("access_token");
    drop(session);
    let mut session = Session::<H>::start(standard().next_key());
    // Another host's time may begin anew; the token is not to be from the future.
    session.host.pass(1);
    assert_eq!(session.me(&old).status, 200, "a token of the retired key");
    let new = session.token(DEMO, FIRST).member("access_token");
    assert!(
        verified(&profile::STANDARD, &new, session.host.now())
            .header
            .contains(r#""kid":"e2""#)
    );
    assert_eq!(session.me(&new).status, 200);
    drop(session);
    let session = Session::<H>::start(standard());
    assert_eq!(
        session.me(&new).status,
        401,
        "a key this host does not have"
    );
    let request = post("/oauth/token", Some(&basic(OTHER)), FIRST);
    assert_eq!(session.ask(&request).status, 200);
}
