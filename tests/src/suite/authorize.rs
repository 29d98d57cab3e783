//! The authorization endpoint as a browser meets it: R43 to R47, and what
//! becomes of a wrong password.

use super::browser::{
    AUTHORIZE, asking, code_in, demo, filled_in, redemption, s256, sent_to, with,
};
use super::session::Session;
use super::setups::{APP, CALLBACK, DEMO, DRESSIPI, ISSUER, OUT_OF_BAND, USER, dressipi, standard};
use crate::flow::{encode, value};
use crate::host::Host;
use crate::wire::{Request, Response};

/// The parameters of an error that was sent back to the client.
fn error(response: &Response) -> String {
    let pairs = sent_to(response, CALLBACK);
    assert_eq!(value(&pairs, "iss"), ISSUER);
    assert!(pairs.iter().all(|(name, _)| name != "code"), "{pairs:?}");
    value(&pairs, "error").to_owned()
}

/// A page that goes nowhere and asks for nothing.
fn assert_dead_end(response: &Response, status: u16, error: &str) {
    let text = response.text();
    assert_eq!(response.status, status, "{text}");
    assert_eq!(response.header("location"), None);
    let shown = format!("<code id=\"error\">{error}</code>");
    assert!(text.contains(&shown) && !text.contains("<form"), "{text}");
}

pub fn r43_redirect_uris_match_exactly<H: Host>() {
    let session = Session::<H>::start(standard());
    for uri in [
        "https://client.example/cb/",
        "https://client.example/cb?a=b",
        "https://client.example/CB",
        "https://client.example/cb/../cb",
        "https://client.example:443/cb",
        "https://client.example.evil.example/cb",
        "https://client.example@evil.example/cb",
        "http://client.example/cb",
        "https://client.example/cb#f",
        "http://127.0.0.1/cb",
        OUT_OF_BAND,
    ] {
        let refused = session.ask(&asking(&with(&demo(), "redirect_uri", Some(uri))));
        assert_dead_end(&refused, 400, "invalid_request");
        assert!(!refused.text().contains(uri), "{uri}");
    }
    let form = session.form(&demo());
    let filled = String::from_utf8(filled_in(&form, "approve", USER).body).expect("a form");
    let moved = filled.replace("client.example", "evil.example");
    assert_ne!(moved, filled);
    assert_dead_end(
        &session.ask(&Request::new("POST", AUTHORIZE).form(&moved)),
        400,
        "invalid_request",
    );
}

pub fn r43_loopback_port_is_free<H: Host>() {
    let session = Session::<H>::start(standard());
    let ask = |uri| {
        let pairs = [("response_type", "code"), ("client_id", APP)];
        with(&[&pairs[..], &s256()].concat(), "redirect_uri", Some(uri))
    };
    for uri in [
        "http://127.0.0.1:49152/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1/cb",
    ] {
        let pairs = ask(uri);
        let answer = session.approve(&pairs);
        assert!(!value(&sent_to(&answer, uri), "code").is_empty());
    }
    for uri in [
        "http://127.0.0.1:49152/other",
        "http://127.0.0.2:49152/cb",
        "http://localhost:49152/cb",
        "http://[::1]:49152/cb",
        "https://127.0.0.1:49152/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:80@evil.example/cb",
    ] {
        let refused = session.ask(&asking(&ask(uri)));
        assert_dead_end(&refused, 400, "invalid_request");
    }
}

pub fn r44_no_redirect_for_a_bad_client_or_uri<H: Host>() {
    let session = Session::<H>::start(standard());
    for client in [Some("nobody"), Some("DEMO"), None] {
        let refused = session.ask(&asking(&with(&demo(), "client_id", client)));
        let error = if client.is_some() {
            "invalid_client"
        } else {
            "invalid_request"
        };
        assert_dead_end(&refused, 400, error);
    }
    let other = with(&demo(), "client_id", Some("other"));
    assert_dead_end(&session.ask(&asking(&other)), 400, "invalid_request");
    let twice = format!("{AUTHORIZE}?{}&client_id=demo", encode(&demo()));
    assert_dead_end(
        &session.ask(&Request::new("GET", &twice)),
        400,
        "invalid_request",
    );
    let broken = format!("{AUTHORIZE}?{}&a=%", encode(&demo()));
    assert_dead_end(
        &session.ask(&Request::new("GET", &broken)),
        400,
        "invalid_request",
    );
}

pub fn r45_errors_go_back_with_state_and_iss<H: Host>() {
    let session = Session::<H>::start(standard());
    let cases = [
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", None, "invalid_request"),
        ("scope", Some("galaxy"), "invalid_scope"),
        ("scope", Some("admin"), "invalid_scope"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
    ];
    for (name, changed, expected) in cases {
        let refused = session.ask(&asking(&with(&demo(), name, changed)));
        assert_eq!(error(&refused), expected, "{name}={changed:?}");
        let location = refused.header("location").expect("a place to go to");
        assert!(location.contains("&state=s1&iss="), "{location}");
    }
    let denied = session.ask(&filled_in(&session.form(&demo()), "deny", ("", "")));
    assert_eq!(error(&denied), "access_denied");
}

pub fn r45_state_comes_back_untouched<H: Host>() {
    let session = Session::<H>::start(standard());
    let long = "x".repeat(200);
    for state in ["a b&c=d%e+f", "\u{e9}\u{1F511}", "<\"'>", "../../?#", &long] {
        let pairs = with(&demo(), "state", Some(state));
        let sent = sent_to(&session.approve(&pairs), CALLBACK);
        let names: Vec<_> = sent.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["code", "state", "iss"]);
        assert_eq!(
            (value(&sent, "state"), value(&sent, "iss")),
            (state, ISSUER)
        );
    }
    let without = with(&demo(), "state", None);
    let sent = sent_to(&session.approve(&without), CALLBACK);
    assert!(sent.iter().all(|(name, _)| name != "state"), "{sent:?}");
}

pub fn r46_pages_are_not_framed_and_tell_nobody<H: Host>() {
    let session = Session::<H>::start(standard());
    let form = session.form(&demo());
    let pages = [
        session.ask(&filled_in(&form, "approve", (USER.0, "wrong-password"))),
        session.ask(&filled_in(&form, "approve", USER)),
        session.ask(&filled_in(&form, "deny", USER)),
        session.ask(&asking(&[])),
        form,
    ];
    for page in &pages {
        // The form may name its origin to this server, and to nobody else.
        let is_form = page.text().contains("<form");
        let referrer = if is_form {
            "same-origin"
        } else {
            "no-referrer"
        };
        let is = |name: &str, expected: &str| {
            assert_eq!(page.header(name), Some(expected), "{name}: {page:?}");
        };
        is("x-frame-options", "DENY");
        is("referrer-policy", referrer);
        is("cache-control", "no-store");
        is("x-content-type-options", "nosniff");
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        for (name, _) in &page.headers {
            assert!(!name.starts_with("access-control-"), "{name}");
            assert_ne!(name, "set-cookie");
        }
    }
    let preflight = Request::new("OPTIONS", AUTHORIZE)
        .header("Origin", "https://evil.example")
        .header("Access-Control-Request-Method", "POST");
    let answer = session.ask(&preflight);
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

pub fn r46_a_form_from_elsewhere_is_refused<H: Host>() {
    let mut session = Session::<H>::start(standard());
    let good = filled_in(&session.form(&demo()), "approve", USER);
    let without = |name: &str, request: &Request| {
        let mut request = request.clone();
        request.headers.retain(|(known, _)| known != name);
        request
    };
    let replaced = |name: &str, value: &str| without(name, &good).header(name, value);
    for request in [
        replaced("Origin", "https://evil.example"),
        replaced("Origin", "https://as.example.evil.example"),
        replaced("Sec-Fetch-Site", "cross-site"),
        replaced("Sec-Fetch-Site", "same-site"),
        // A sandboxed frame of anybody's, over plain HTTP.
        without("Sec-Fetch-Site", &replaced("Origin", "null")),
    ] {
        assert_dead_end(&session.ask(&request), 403, "invalid_request");
    }
    // One that this server never made, or made for another request.
    let body = String::from_utf8(good.body.clone()).expect("a form");
    let token = body
        .split('&')
        .find(|pair| pair.starts_with("form_token="))
        .expect("a CSRF token");
    for forged in [
        body.replace(&format!("{token}&"), ""),
        body.replace(token, "form_token=AAAAAAAAAAAAAAAAAAAAAAAA"),
        body.replace("scope=read%20write", "scope=read"),
        body.replace("state=s1", "state=s2"),
    ] {
        assert_ne!(forged, body);
        let mut request = Request::new("POST", AUTHORIZE);
        request = request.header("Origin", ISSUER).form(&forged);
        assert_dead_end(&session.ask(&request), 403, "invalid_request");
    }
    assert_eq!(session.ask(&good).status, 303, "the form itself is good");
    // So it is from a browser that was told to name no page to anybody.
    let shy = replaced("Origin", "null");
    assert_eq!(session.ask(&shy).status, 303);
    let log = session.log_with(|log| log.matches("code_issued").count() > 1);
    assert_eq!(log.matches("code_issued").count(), 2, "{log}");
    if session.host.clock().is_none() {
        return session.out_of_reach("r46: a form is good for 10 minutes");
    }
    session.host.pass(600);
    let late = session.ask(&good);
    assert_eq!(late.status, 403, "too late: the form again");
    assert_eq!(session.ask(&filled_in(&late, "approve", USER)).status, 303);
}

pub fn failed_login_shows_the_form_again<H: Host>() {
    let session = Session::<H>::start(standard());
    let mut page = session.form(&demo());
    let bodies: Vec<_> = [
        (USER.0, "wrong-password"),
        ("nobody", USER.1),
        DEMO,
        ("", ""),
    ]
    .into_iter()
    .map(|user| {
        page = session.ask(&filled_in(&page, "approve", user));
        assert_eq!(page.status, 403, "{user:?}");
        assert!(page.text().contains("role=\"alert\""));
        assert!(!page.text().contains("nobody"), "nothing is shown again");
        // The form's token has its end in it, in seconds.
        masked_token(page.text())
    })
    .collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let answer = session.ask(&filled_in(&page, "approve", USER));
    let code = value(&sent_to(&answer, CALLBACK), "code").to_owned();
    assert_eq!(session.token(DEMO, &redemption(&code)).status, 200);
}

/// A form without its token.
fn masked_token(page: &str) -> String {
    const BEFORE: &str = "name=\"form_token\" value=\"";
    let (before, rest) = page.split_once(BEFORE).expect("a form");
    let (_, after) = rest.split_once('"').expect("a value");
    format!("{before}{BEFORE}{after}")
}

pub fn r16_guessing_at_the_form_is_throttled<H: Host>() {
    let mut session =
        Session::<H>::start(standard().tables("[throttle]\nfailures = 3\nwindow = 2"));
    let page = session.form(&demo());
    for _ in 0..3 {
        let wrong = filled_in(&page, "approve", (USER.0, "wrong-password"));
        assert_eq!(session.ask(&wrong).status, 403);
    }
    let locked = session.ask(&filled_in(&page, "approve", USER));
    assert_dead_end(&locked, 429, "temporarily_unavailable");
    assert!(locked.header("retry-after").is_some());
    session.log_with(|log| log.contains("locked_out"));
    session.host.pass(3);
    assert_eq!(session.ask(&filled_in(&page, "approve", USER)).status, 303);
}

pub fn out_of_band_code_is_shown_and_errors_too<H: Host>() {
    let session = Session::<H>::start(dressipi());
    let pairs = [
        ("response_type", "code"),
        ("client_id", DRESSIPI),
        ("redirect_uri", OUT_OF_BAND),
    ];
    let pairs = [&pairs[..], &s256()].concat();
    let shown = session.approve(&pairs);
    assert_eq!((shown.status, shown.header("location")), (200, None));
    assert_eq!(code_in(&shown).map(|code| code.len()), Some(44));
    let denied = session.ask(&filled_in(&session.form(&pairs), "deny", USER));
    assert_dead_end(&denied, 400, "access_denied");
    let without = with(&pairs, "code_challenge", None);
    assert_dead_end(&session.ask(&asking(&without)), 400, "invalid_request");
}

pub fn posted_request_shows_the_form<H: Host>() {
    let session = Session::<H>::start(standard());
    let posted = session.ask(&Request::new("POST", AUTHORIZE).form(&encode(&demo())));
    assert_eq!(posted.status, 200);
    let answer = session.ask(&filled_in(&posted, "approve", USER));
    assert!(!value(&sent_to(&answer, CALLBACK), "code").is_empty());
    let in_query = format!("{AUTHORIZE}?{}", encode(&demo()));
    let both = session.ask(&Request::new("POST", &in_query).form("a=b"));
    assert_dead_end(&both, 400, "invalid_request");
}
