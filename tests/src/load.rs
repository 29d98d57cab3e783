//! Many requests to a host that answers: what a board has to stand.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::suite::browser;
use crate::suite::session::{basic, post};
use crate::suite::setups::{DEMO, USER};
use crate::wire::{Request, Wire};

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
    let ask = |request: &Request| Wire::open(address).ask(request);
    let client = basic(DEMO);
    let form = |path: &str, body: &str| post(path, Some(&client), body);
    let page = ask(&browser::asking(&browser::demo()));
    assert_eq!(page.status, 200, "{}", page.pretty());
    let wrong = ask(&browser::filled_in(&page, "approve", (USER.0, "wrong")));
    assert_eq!(wrong.status, 403, "{}", wrong.pretty());
    let approved = ask(&browser::filled_in(&page, "approve", USER));
    let code =
        browser::code_in(&approved).unwrap_or_else(|| panic!("no code: {}", approved.pretty()));
    let tokens = ask(&form("/oauth/token", &browser::redemption(&code)));
    assert_eq!(tokens.status, 200, "{}", tokens.pretty());
    let refresh = |token: &str| {
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        ask(&form("/oauth/token", &body))
    };
    let next = refresh(&tokens.member("refresh_token"));
    assert_eq!(next.status, 200, "{}", next.pretty());
    let access = next.member("access_token");
    let bearer = format!("Bearer {access}");
    let me = ask(&Request::new("GET", "/me/").header("Authorization", &bearer));
    assert_eq!(me.status, 200, "{}", me.pretty());
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
    let introspected = ask(&form("/oauth/introspect", &format!("token={access}")));
    assert_eq!(introspected.status, 200, "{}", introspected.pretty());
    for path in ["/.well-known/oauth-authorization-server", "/jwks.json"] {
        let response = ask(&Request::new("GET", path));
        assert_eq!(response.status, 200, "{path}: {}", response.pretty());
    }
    let revoked = ask(&form("/oauth/revoke", &format!("token={access}")));
    assert_eq!(revoked.status, 200, "{}", revoked.pretty());
    // A replay, and a body as long as it may be.
    let replayed = ask(&form("/oauth/token", &browser::redemption(&code)));
    assert_eq!(replayed.status, 400, "{}", replayed.pretty());
    let long = ask(&form("/oauth/token", &"a=b&".repeat(256)));
    assert_eq!(long.status, 400, "{}", long.pretty());
}
