//! The authorization request: whom it is answered to, and how.

use proptest::prelude::*;
use smallgate_core::oauth::{AuthorizationServer, ConfigurationError};
use smallgate_core::profile::{GrantType, GrantTypes, STANDARD};
use smallgate_tests::flow::{
    ASK_S256, CHALLENGE, DEMO, PUBLIC, Pairs, REDIRECT, Settings, VERIFIER, decode, encode, query,
    value,
};
use smallgate_tests::rig::{Reply, Rig};

const PATH: &str = "/oauth/authorize";
const ISSUER: &str = "https://as.example";

fn rig() -> Rig {
    Settings::new(STANDARD).rig()
}

/// Redirect URIs for the demo client.
fn registered(uris: &'static [&'static str]) -> Rig {
    Settings::new(STANDARD)
        .with(|settings| settings.client("demo").redirect_uris = uris)
        .rig()
}

/// A good request, with some parameters replaced, and those that are empty
/// left out.
fn asked<'p>(changes: Pairs<'p>) -> Vec<(&'p str, &'p str)> {
    let good = [
        ("response_type", "code"),
        ("client_id", "demo"),
        ("redirect_uri", REDIRECT),
        ("scope", "read"),
        ("state", "xyz"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = good
        .into_iter()
        .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let changed = changes
        .iter()
        .copied()
        .filter(|(_, value)| !value.is_empty());
    kept.chain(changed).collect()
}

#[track_caller]
fn assert_page(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("location"), None);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(reply.body.starts_with("<!DOCTYPE html>"));
    assert_guarded(reply);
}

/// R46 on whatever the endpoint answers.
#[track_caller]
fn assert_guarded(reply: &Reply) {
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-frame-options"), Some("DENY"));
    // The form names its origin to this server, and no page to anybody else.
    let form = reply.body.contains("<form");
    let referrer = if form { "same-origin" } else { "no-referrer" };
    assert_eq!(reply.header("referrer-policy"), Some(referrer));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let policy = reply.header("content-security-policy").expect("a policy");
    for directive in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    for (name, _) in &reply.headers {
        assert!(!name.starts_with("access-control-"), "{name}");
        assert_ne!(name, "set-cookie");
    }
}

/// The parameters of a redirect to the client.
#[track_caller]
fn redirected(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 303, "{reply:?}");
    assert_eq!(reply.body, "");
    assert_guarded(reply);
    let location = reply.header("location").expect("a redirect");
    assert!(location.starts_with(&format!("{REDIRECT}?")), "{location}");
    query(location)
}

// R44: "Never a redirect when client or redirect URI is bad."

#[test]
fn r44_never_a_redirect_when_client_or_redirect_uri_is_bad() {
    let mut rig = rig();
    let evil = "https://evil.example/cb";
    for changes in [
        &[("client_id", "nobody")][..],
        &[("client_id", "")],
        &[("client_id", "nobody"), ("redirect_uri", evil)],
        &[("redirect_uri", evil)],
        &[("redirect_uri", "https://client.example/cb/")],
        &[("redirect_uri", "https://client.example/cb?x=1")],
        &[("redirect_uri", "https://client.example/cb#x")],
        &[("redirect_uri", "https://client.example/c")],
        &[("redirect_uri", "https://CLIENT.example/cb")],
        &[("redirect_uri", "https://client.example:443/cb")],
        &[("redirect_uri", "https://client.example/../cb")],
        &[("redirect_uri", "https://client.example/%63b")],
        &[("redirect_uri", "https://client.example@evil.example/cb")],
        &[("redirect_uri", "http://client.example/cb")],
        &[("redirect_uri", "javascript:alert(1)")],
        &[("redirect_uri", "//evil.example/cb")],
        &[("redirect_uri", " https://client.example/cb")],
        &[("redirect_uri", "https://client.example/cb\r\nX: y")],
    ] {
        // Whatever else is wrong with it.
        for more in [
            &[][..],
            &[("response_type", "token")],
            &[("scope", "nonsense")],
        ] {
            let changes = [changes, more].concat();
            let pairs = asked(&changes);
            for method in ["GET", "HEAD", "POST"] {
                let reply = match method {
                    "POST" => rig.post(PATH, &pairs),
                    _ => rig.send(method, &format!("{PATH}?{}", encode(&pairs)), &[], ""),
                };
                assert_page(&reply, 400);
                assert!(!reply.body.contains("evil.example"), "nothing is reflected");
            }
        }
    }
    assert!(rig.store.is_empty());
}

#[test]
fn r44_several_registered_uris_and_none_named() {
    let mut rig = registered(&[REDIRECT, "https://client.example/other"]);
    assert_page(&rig.ask(&asked(&[("redirect_uri", "")])), 400);
    assert_eq!(rig.ask(&asked(&[])).status, 200);
    let mut rig = registered(&[]);
    assert_page(&rig.ask(&asked(&[("redirect_uri", "")])), 400);
    assert_page(&rig.ask(&asked(&[])), 400);
}

#[test]
fn r04_r44_a_repeated_parameter_is_no_redirect() {
    let mut rig = rig();
    for name in [
        "client_id",
        "redirect_uri",
        "state",
        "scope",
        "response_type",
    ] {
        let good = asked(&[]);
        let twice = good.iter().find(|(known, _)| *known == name).copied();
        let pairs: Vec<_> = good.iter().copied().chain(twice).collect();
        assert_page(&rig.ask(&pairs), 400);
        assert_page(&rig.post(PATH, &pairs), 400);
    }
    // An unknown one is ignored.
    let mut pairs = asked(&[]);
    pairs.push(("nonce", "1"));
    assert_eq!(rig.ask(&pairs).status, 200);
}

#[test]
fn r45_what_is_wrong_with_the_rest_is_redirected_with_state_and_iss() {
    let without_codes = Settings::new(STANDARD).with(|settings| {
        settings.client("other").grant_types = GrantTypes::of(&[GrantType::ClientCredentials]);
    });
    let mut rig = without_codes.rig();
    let short = &CHALLENGE[..42];
    let padded = format!("{CHALLENGE}=");
    let cases: [(Pairs<'_>, &str); 12] = [
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (
            &[("response_type", "code token")],
            "unsupported_response_type",
        ),
        (&[("scope", "unknown")], "invalid_scope"),
        (&[("scope", "read  write")], "invalid_scope"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", short)], "invalid_request"),
        (&[("code_challenge", &padded)], "invalid_request"),
        (&[("client_id", "other")], "unauthorized_client"),
        (
            &[
                ("client_id", "public"),
                ("code_challenge", ""),
                ("code_challenge_method", ""),
            ],
            "invalid_request",
        ),
    ];
    for (changes, error) in cases {
        let pairs = asked(changes);
        for reply in [rig.ask(&pairs), rig.post(PATH, &pairs)] {
            let answer = redirected(&reply);
            assert_eq!(value(&answer, "error"), error, "{changes:?}");
            assert_eq!(value(&answer, "state"), "xyz");
            assert_eq!(value(&answer, "iss"), ISSUER);
            assert_eq!(answer.len(), 3, "{answer:?}");
        }
    }
    assert!(rig.store.is_empty());
}

#[test]
fn r45_no_state_is_no_state() {
    let mut rig = rig();
    let answer = redirected(&rig.ask(&asked(&[("state", ""), ("scope", "unknown")])));
    assert!(answer.iter().all(|(name, _)| name != "state"), "{answer:?}");
    let page = rig.ask(&asked(&[("state", "")]));
    let answer = redirected(&rig.approve(&page));
    assert!(answer.iter().all(|(name, _)| name != "state"), "{answer:?}");
}

#[test]
fn r40_r45_without_a_clock_the_client_is_told() {
    let mut rig = rig();
    rig.clock.now = None;
    let answer = redirected(&rig.ask(&asked(&[])));
    assert_eq!(value(&answer, "error"), "temporarily_unavailable");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn r45_state_comes_back_untouched(
        state in prop_oneof![
            // VSCHAR (RFC 6749 appendix A.5), and what browsers let through.
            "[ -~]{1,120}",
            "[&=+%#?;/<>\"' ]{1,60}",
            "[^\\x00-\\x1F\\x7F]{1,40}",
        ],
        deny in any::<bool>(),
    ) {
        let mut rig = rig();
        let page = rig.ask(&asked(&[("state", &state)]));
        prop_assert_eq!(page.status, 200, "{}", page.body);
        let reply = if deny {
            rig.submit(&page, &[], "deny")
        } else {
            rig.approve(&page)
        };
        let answer = redirected(&reply);
        prop_assert_eq!(value(&answer, "state"), &state);
        let location = reply.header("location").expect("a redirect");
        let plain = |octet: u8| matches!(octet, 0x21..=0x7E) && !b"\"<>\\^`{|}".contains(&octet);
        prop_assert!(location.bytes().all(plain), "{}", location);
    }
}

#[test]
fn r45_a_query_that_is_registered_is_kept() {
    let mut rig = registered(&["https://client.example/cb?tenant=1"]);
    let page = rig.ask(&asked(&[("redirect_uri", "")]));
    let reply = rig.approve(&page);
    let location = reply.header("location").expect("a redirect").to_owned();
    assert!(
        location.starts_with("https://client.example/cb?tenant=1&code="),
        "{location}"
    );
    assert_eq!(value(&query(&location), "tenant"), "1");
}

#[test]
fn r18_r45_the_code_of_the_redirect_is_good_exactly_once() {
    let mut rig = rig();
    let page = rig.ask(&asked(&[]));
    let answer = redirected(&rig.approve(&page));
    assert_eq!(answer.len(), 3);
    assert_eq!(value(&answer, "iss"), ISSUER);
    let code = value(&answer, "code").to_owned();
    let more = [("code_verifier", VERIFIER), ("redirect_uri", REDIRECT)];
    assert_eq!(rig.redeem(DEMO, &code, &more).status, 200);
    assert_eq!(
        rig.redeem(DEMO, &code, &more).member("error"),
        "invalid_grant"
    );
}

// R43, RFC 8252 §7.3.

#[test]
fn r43_on_loopback_the_port_is_free_and_nothing_else() {
    let mut rig = registered(&["http://127.0.0.1/cb", "http://[::1]:8080/cb?a=b"]);
    for good in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:51234/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]:8080/cb?a=b",
        "http://[::1]/cb?a=b",
        "http://[::1]:51234/cb?a=b",
    ] {
        let page = rig.ask(&asked(&[("redirect_uri", good)]));
        assert_eq!(page.status, 200, "{good}");
        let reply = rig.approve(&page);
        let location = reply.header("location").expect("a redirect").to_owned();
        assert!(location.starts_with(good), "{location}");
        // The code is bound to the very URI, port and all.
        let code = value(&query(&location), "code").to_owned();
        let wrong = [
            ("code_verifier", VERIFIER),
            ("redirect_uri", "http://127.0.0.1:2/cb"),
        ];
        assert_eq!(
            rig.redeem(DEMO, &code, &wrong).member("error"),
            "invalid_grant"
        );
        let right = [("code_verifier", VERIFIER), ("redirect_uri", good)];
        assert_eq!(rig.redeem(DEMO, &code, &right).status, 200);
    }
    for bad in [
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:99999999999999999999/cb",
        "http://127.0.0.1:8a/cb",
        "http://127.0.0.1:+80/cb",
        "http://127.0.0.1:80:80/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1:80evil.example/cb",
        "http://127.0.0.1/cb/",
        "http://127.0.0.1:80/",
        "http://127.0.0.1:80",
        "http://127.0.0.1:80/cb#f",
        "http://127.0.0.1:80\\@evil.example/cb",
        "http://127.0.0.2:80/cb",
        "http://localhost:80/cb",
        "https://127.0.0.1:80/cb",
        "HTTP://127.0.0.1:80/cb",
        "http://[::1]:80/cb",
        "http://[0:0:0:0:0:0:0:1]:80/cb?a=b",
    ] {
        assert_page(&rig.ask(&asked(&[("redirect_uri", bad)])), 400);
    }
    // Elsewhere the port is not free.
    let mut rig = registered(&["http://client.example:80/cb", "http://localhost/cb"]);
    for bad in [
        "http://client.example:81/cb",
        "http://client.example/cb",
        "http://localhost:1/cb",
    ] {
        assert_page(&rig.ask(&asked(&[("redirect_uri", bad)])), 400);
    }
}

#[test]
fn r01_r43_methods_and_where_the_parameters_are() {
    let mut rig = rig();
    let get = format!("{PATH}?{}", encode(&asked(&[])));
    let shown = rig.send("GET", &get, &[], "");
    assert_page(&shown, 200);
    // The host sends the head of this alone.
    let head = rig.send("HEAD", &get, &[], "");
    assert_eq!(head, shown);
    // "The authorization server […] MAY support the use of the POST method."
    let posted = rig.post(PATH, &asked(&[]));
    assert_eq!(posted, shown);
    for method in ["PUT", "DELETE", "OPTIONS", "get"] {
        let reply = rig.send(method, &get, &[], "");
        assert_eq!(reply.status, 405);
        assert_eq!(reply.header("allow"), Some("GET, HEAD, POST"));
    }
    // Not in both places at once, and not as something else.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_page(&rig.send("POST", &get, &form, &encode(&asked(&[]))), 400);
    let json = [("content-type", "application/json")];
    assert_page(&rig.send("POST", PATH, &json, "{}"), 415);
    assert_page(
        &rig.send("GET", &format!("{PATH}?client_id=%zz"), &[], ""),
        400,
    );
    assert_page(&rig.send("GET", PATH, &[], ""), 400);
}

#[test]
fn r05_a_request_that_is_too_long_is_a_page() {
    let mut rig = rig();
    let long = "s".repeat(1025);
    let changes = [("state", long.as_str())];
    let pairs = asked(&changes);
    assert_page(&rig.ask(&pairs), 414);
    assert_page(&rig.post(PATH, &pairs), 413);
}

#[test]
fn r47_a_subject_that_is_a_clients_id_is_no_configuration() {
    for id in ["demo", "other", "public"] {
        let confused = Settings::new(STANDARD).with(|settings| settings.users[0].subject = id);
        let refused = AuthorizationServer::new(confused.build()).unwrap_err();
        assert_eq!(refused, ConfigurationError::SubjectIsClient(0));
    }
    // In another case it is another name.
    let apart = Settings::new(STANDARD).with(|settings| settings.users[0].subject = "Demo");
    assert!(AuthorizationServer::new(apart.build()).is_ok());
}

#[test]
fn r47_a_users_token_and_a_clients_are_told_apart() {
    let mut rig = rig();
    let users = rig.first_tokens(DEMO).member("access_token");
    let clients = rig
        .token_request(DEMO, &[("grant_type", "client_credentials")])
        .member("access_token");
    let (users, clients) = (rig.me(&users), rig.me(&clients));
    assert_eq!(users.member("sub"), "94173");
    assert_eq!(users.member("username"), "admin@break-out.org");
    assert_eq!(clients.member("sub"), "demo");
    assert_eq!(clients.json()["username"], serde_json::Value::Null);
    // Tags of a client and a user of the same name are not the same either.
    use smallgate_core::oauth::Tag;
    assert_ne!(Tag::client("94173"), Tag::user("94173"));
}

#[test]
fn r22_a_public_client_gets_a_code_with_a_challenge_alone() {
    let mut rig = rig();
    let code = rig.code(PUBLIC, ASK_S256);
    let reply = rig.redeem(PUBLIC, &code, &[("code_verifier", VERIFIER)]);
    assert_eq!(reply.status, 200);
    assert_eq!(
        decode("a=%41+b&c"),
        [("a".into(), "A b".into()), ("c".into(), String::new())]
    );
}
