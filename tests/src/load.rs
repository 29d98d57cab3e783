//! Many requests to a host that answers: what a board has to stand.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::suite::browser;
use crate::suite::session::{basic, post};
use crate::suite::setups::{DEMO, USER};
use crate::wire::{Request, Response, Wire};

/// A request for a token, of the setups' client `demo`.
pub fn token_request() -> Request {
    post(
        "/oauth/token",
        Some(&basic(DEMO)),
        "grant_type=client_credentials",
    )
}

/// Asks `times` times, each on a connection of its own; how long that took.
///
/// # Panics
///
/// An answer is not 200.
pub fn closing(address: SocketAddr, times: usize) -> Duration {
    let request = token_request().header("Connection", "close");
    let start = Instant::now();
    for number in 0..times {
        let mut wire = Wire::open(address);
        let response = wire.ask(&request);
        assert_eq!(response.status, 200, "{number}: {}", response.pretty());
        assert!(wire.ends(), "{number}: it was to be closed");
    }
    start.elapsed()
}

/// Asks `times` times in all, over `connections` that stay; how long that took.
///
/// # Panics
///
/// An answer is not 200, or a connection is closed.
pub fn keeping(address: SocketAddr, connections: usize, times: usize) -> Duration {
    let request = token_request();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut wire = Wire::open(address);
                for number in 0..times / connections {
                    let response = wire.ask(&request);
                    assert_eq!(response.status, 200, "{number}: {}", response.pretty());
                    assert_ne!(response.header("connection"), Some("close"), "{number}");
                }
            });
        }
    });
    start.elapsed()
}

/// Goes through everything that the endpoints of profile `standard` do, and
/// [`DEVICES`](crate::suite::setups::DEVICES), so that the deepest of it was
/// reached.
///
/// # Panics
///
/// An answer is not what it should be.
pub fn everything(address: SocketAddr) {
    each(address, &mut |_| {});
}

/// The same, and says after each what it was.
///
/// # Panics
///
/// An answer is not what it should be.
pub fn each(address: SocketAddr, after: &mut dyn FnMut(&str)) {
    let ask = |request: &Request| Wire::open(address).ask(request);
    let client = basic(DEMO);
    let form = |path: &str, body: &str| post(path, Some(&client), body);
    let page = ask(&browser::asking(&browser::demo()));
    assert_eq!(page.status, 200, "{}", page.pretty());
    after("authorization request");
    let wrong = ask(&browser::filled_in(&page, "approve", (USER.0, "wrong")));
    assert_eq!(wrong.status, 403, "{}", wrong.pretty());
    after("login form, a wrong password");
    let approved = ask(&browser::filled_in(&page, "approve", USER));
    let code =
        browser::code_in(&approved).unwrap_or_else(|| panic!("no code: {}", approved.pretty()));
    after("login form");
    let tokens = ask(&form("/oauth/token", &browser::redemption(&code)));
    assert_eq!(tokens.status, 200, "{}", tokens.pretty());
    after("token request, code");
    let refresh = |token: &str| {
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        ask(&form("/oauth/token", &body))
    };
    let next = refresh(&tokens.member("refresh_token"));
    assert_eq!(next.status, 200, "{}", next.pretty());
    after("token request, refresh token");
    let first = ask(&token_request());
    assert_eq!(first.status, 200, "{}", first.pretty());
    after("token request, client's own by Basic");
    let post_form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        DEMO.0, DEMO.1
    );
    let posted = ask(&post("/oauth/token", None, &post_form));
    assert_eq!(posted.status, 200, "{}", posted.pretty());
    after("token request, client's own by form");
    let access = next.member("access_token");
    let bearer = format!("Bearer {access}");
    let me = ask(&Request::new("GET", "/me/").header("Authorization", &bearer));
    assert_eq!(me.status, 200, "{}", me.pretty());
    after("resource request");
    let opened = |method: &str, target: &str| {
        let request = Request::new(method, target).header("Authorization", &bearer);
        ask(&request.body("application/json", r#"{"value":true}"#)).status
    };
    assert_eq!(opened("GET", "/"), 200);
    assert_eq!(opened("GET", "/devices"), 200);
    assert_eq!(opened("GET", "/devices/cellar"), 200);
    assert_eq!(opened("GET", "/devices/attic"), 502);
    assert_eq!(opened("GET", "/devices/nothing"), 404);
    assert_eq!(opened("PUT", "/devices/relay"), 200);
    after("devices");
    let introspected = ask(&form("/oauth/introspect", &format!("token={access}")));
    assert_eq!(introspected.status, 200, "{}", introspected.pretty());
    after("introspection");
    for path in ["/.well-known/oauth-authorization-server", "/jwks.json"] {
        let response = ask(&Request::new("GET", path));
        assert_eq!(response.status, 200, "{path}: {}", response.pretty());
    }
    after("metadata and keys");
    let revoked = ask(&form("/oauth/revoke", &format!("token={access}")));
    assert_eq!(revoked.status, 200, "{}", revoked.pretty());
    after("revocation");
    // A replay, and a body as long as it may be.
    let replayed = ask(&form("/oauth/token", &browser::redemption(&code)));
    assert_eq!(replayed.status, 400, "{}", replayed.pretty());
    after("a code that is replayed");
    let long = ask(&form("/oauth/token", &"a=b&".repeat(256)));
    assert_eq!(long.status, 400, "{}", long.pretty());
    let many: String = (0..24).map(|n| format!("%61{n}=%C3%A9+&")).collect();
    let many = ask(&form("/oauth/token", &many));
    assert_eq!(many.status, 400, "{}", many.pretty());
    after("hostile forms");
    hostile_tokens(&ask, &access);
    after("hostile tokens");
}

/// Whoever can sign nothing sends what is parsed before a signature is looked at.
fn hostile_tokens(ask: &dyn Fn(&Request) -> Response, good: &str) {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let encoded = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let (header, rest) = good.split_once('.').expect("a token");
    let members: String = (0..20).map(|n| format!(r#","m{n}":"\u00e9""#)).collect();
    for header in [
        encoded(&format!(r#"{{"alg":"ES256","x":{}1"#, "[".repeat(100))),
        encoded(&format!(r#"{{"alg":"ES256"{members}}}"#)),
        encoded(r#"{"alg":"none"}"#),
        format!("{header}="),
        "A".repeat(600),
    ] {
        let bearer = format!("Bearer {header}.{rest}");
        let refused = ask(&Request::new("GET", "/me/").header("Authorization", &bearer));
        assert_eq!(refused.status, 401, "{}", refused.pretty());
    }
}
