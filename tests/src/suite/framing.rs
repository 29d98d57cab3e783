//! HTTP around the requests (RFC 9110, RFC 9112).

use std::time::Duration;

use super::session::{Session, basic, post};
use super::setups::{BREAKOUT, DEMO, PROFILES, breakout, standard};
use crate::host::Host;
use crate::wire::{Request, Response, Wire};

const FIRST: &str = "grant_type=client_credentials";
const PATH: &str = "/oauth/token";

fn good() -> Request {
    post(PATH, Some(&basic(DEMO)), FIRST)
}

pub fn unknown_paths_are_404<H: Host>() {
    for (_, setup) in PROFILES {
        let session = Session::<H>::start(setup());
        for path in [
            "/nothing",
            "/me",
            "/ME/",
            "/oauth/token/",
            "//oauth/token",
            "/oauth/%74oken",
            "/me/x",
            "/oauth/../me/",
        ] {
            for method in ["GET", "POST"] {
                let response = session.ask(&Request::new(method, path));
                assert_eq!(
                    response.outcome(),
                    (404, "invalid_request".to_owned()),
                    "{path}"
                );
            }
        }
        // HTTP/1.1 §3.2.2: "a server MUST accept the absolute-form in requests".
        let absolute = session.ask(&Request::new("GET", "http://as.example/me/"));
        assert_eq!(absolute.status, 401);
    }
}

pub fn wrong_methods_are_405_with_allow<H: Host>() {
    let session = Session::<H>::start(standard());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get"] {
        let response = session.ask(&Request::new(method, "/me/"));
        assert_eq!(
            (response.status, response.header("allow")),
            (405, Some("GET, HEAD")),
            "{method}"
        );
    }
}

pub fn head_is_where_get_is<H: Host>() {
    let session = Session::<H>::start(standard());
    let token = session.ask(&good()).member("access_token");
    let bearer = format!("Bearer {token}");
    let mut wire = session.wire();
    let ask = |method| Request::new(method, "/me/").header("Authorization", &bearer);
    let head = wire.ask(&ask("HEAD"));
    let get = wire.ask(&ask("GET"));
    let fields = |response: &Response| {
        let mut fields = response.headers.clone();
        fields.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
        fields
    };
    assert_eq!((head.status, fields(&head)), (200, fields(&get)));
    assert_eq!(
        head.header("content-length"),
        Some(get.body.len().to_string().as_str())
    );
    let bad = wire.ask(&Request::new("HEAD", "/me/"));
    assert_eq!(bad.status, 401);
    let next = wire.ask(&good());
    session.said(&next);
    assert_eq!(next.status, 200, "no body was in the way");
}

pub fn connections_are_kept_alive<H: Host>() {
    let session = Session::<H>::start(standard());
    let mut wire = session.wire();
    for _ in 0..20 {
        let response = wire.ask(&good());
        session.said(&response);
        assert_eq!(response.status, 200);
        assert_eq!(wire.ask(&Request::new("GET", "/me/")).status, 401);
        assert_eq!(wire.ask(&post(PATH, None, "%")).status, 400);
        assert_eq!(wire.ask(&Request::new("GET", "/nowhere")).status, 404);
    }
    let last = wire.ask(&good().header("Connection", "close"));
    session.said(&last);
    assert_eq!(
        (last.status, last.header("connection")),
        (200, Some("close"))
    );
    assert!(wire.ends());
}

pub fn pipelined_requests_are_answered_in_order<H: Host>() {
    let session = Session::<H>::start(standard());
    let mut wire = session.wire();
    let requests = [
        good(),
        Request::new("GET", "/me/"),
        Request::new("GET", "/nothing"),
        good(),
        post(PATH, None, FIRST),
    ];
    let octets: Vec<u8> = requests.iter().flat_map(Request::octets).collect();
    wire.send(&octets.repeat(3));
    for _ in 0..3 {
        for expected in [200, 401, 404, 200, 401] {
            let response = wire.receive();
            session.said(&response);
            assert_eq!(response.status, expected);
        }
    }
}

fn head_of(length: usize) -> Request {
    Request::new("POST", PATH)
        .header("Authorization", &basic(DEMO))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Content-Length", &length.to_string())
}

pub fn body_that_stays_short_is_408<H: Host>() {
    let session = Session::<H>::start(standard());
    let mut wire = session.wire();
    wire.send(&head_of(FIRST.len() + 1).content(FIRST).octets());
    assert!(
        wire.is_silent_for(Duration::from_millis(500)),
        "it waits for the rest"
    );
    if let Some(response) = late(&session, &mut wire) {
        assert_eq!(response.outcome(), (408, "invalid_request".to_owned()));
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
    assert!(wire.ends());
    // A body that comes slowly but in time is a body.
    let mut wire = session.wire();
    wire.send(&head_of(FIRST.len()).octets());
    for piece in FIRST.as_bytes().chunks(5) {
        std::thread::sleep(Duration::from_millis(20));
        wire.send(piece);
    }
    let response = wire.receive();
    session.said(&response);
    assert_eq!(response.status, 200);
    // A client that goes away in the middle gets nothing, and harms nobody.
    let mut wire = session.wire();
    wire.send(&head_of(1000).content(FIRST).octets());
    drop(wire);
    assert_eq!(session.token(DEMO, FIRST).status, 200);
}

/// "Its example with the placeholder in place is a body that stays short."
pub fn documented_placeholder_request_waits_until_its_deadline<H: Host>() {
    let session = Session::<H>::start(breakout());
    let request = Request::bare("POST /oauth/token HTTP/1.1")
        .header("Authorization", &basic(BREAKOUT))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Host", "yourdomain.org")
        .header("Connection", "close")
        .header("Content-Length", "75")
        .content("refresh_token=YOURREFRESHTOKEN&grant_type=refresh_token");
    let mut wire = session.wire();
    wire.send(&request.octets());
    assert!(wire.is_silent_for(Duration::from_millis(500)));
    if let Some(response) = late(&session, &mut wire) {
        assert_eq!(response.status, 408);
    }
    assert!(wire.ends());
}

/// What is said of a body that did not come in time, by a host that says something.
fn late<H: Host>(session: &Session<H>, wire: &mut Wire) -> Option<Response> {
    let says = session.host.says_when_a_body_is_late();
    says.then(|| wire.receive())
}

fn chunked(body: &str) -> Request {
    Request::new("POST", PATH)
        .header("Authorization", &basic(DEMO))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Transfer-Encoding", "chunked")
        .content(body)
}

pub fn chunked_bodies_are_read_and_bounded<H: Host>() {
    let session = Session::<H>::start(standard());
    let whole = format!("{:x}\r\n{FIRST}\r\n0\r\n\r\n", FIRST.len());
    let mut pieces: String = FIRST
        .chars()
        .map(|letter| format!("1;x=y\r\n{letter}\r\n"))
        .collect();
    pieces += "0\r\nTrailer: x\r\n\r\n";
    if !session.host.takes_chunks() {
        for body in [&whole, &pieces] {
            let mut wire = session.wire();
            let refused = wire.ask(&chunked(body));
            assert_eq!(refused.outcome(), (411, "invalid_request".to_owned()));
            assert_eq!(refused.header("cache-control"), Some("no-store"));
            assert!(wire.ends(), "what would be the body is no request");
        }
        assert_eq!(session.token(DEMO, FIRST).status, 200);
        return;
    }
    let mut wire = session.wire();
    for body in [&whole, &pieces] {
        let response = wire.ask(&chunked(body));
        session.said(&response);
        assert_eq!(response.status, 200, "{body}");
    }
    drop(wire);
    let long = "400\r\n".to_owned() + &"a".repeat(0x400) + "\r\n1\r\na\r\n0\r\n\r\n";
    assert_eq!(session.ask(&chunked(&long)).status, 413);
    assert_eq!(session.ask(&chunked("zz\r\n")).status, 400);
    let mut wire = session.wire();
    wire.send(&chunked("1d\r\ngrant").octets());
    if let Some(response) = late(&session, &mut wire) {
        assert_eq!(response.status, 408);
    }
    assert!(wire.ends());
}

pub fn http_1_0_is_answered_and_closed<H: Host>() {
    let session = Session::<H>::start(standard());
    let mut request = good();
    request.line = format!("POST {PATH} HTTP/1.0");
    request.headers.remove(0);
    for host in [false, true] {
        let request = if host {
            request.clone().header("Host", "as.example")
        } else {
            request.clone()
        };
        let mut wire = session.wire();
        wire.send(&request.octets());
        let answer = session_answer(&mut wire);
        assert!(
            answer.starts_with("HTTP/1.") && answer[8..].starts_with(" 200 "),
            "{answer}"
        );
        assert!(answer.contains("\"access_token\""), "{answer}");
        assert!(
            !answer.to_lowercase().contains("transfer-encoding"),
            "{answer}"
        );
    }
}

/// Everything until the end of the connection.
fn session_answer(wire: &mut Wire) -> String {
    String::from_utf8(wire.rest()).expect("text")
}

pub fn bad_framing_is_refused<H: Host>() {
    let session = Session::<H>::start(standard());
    let length = FIRST.len().to_string();
    let typed = || {
        Request::new("POST", PATH)
            .header("Authorization", &basic(DEMO))
            .header("Content-Type", "application/x-www-form-urlencoded")
    };
    let mut hostless = good();
    hostless.headers.remove(0);
    for (what, request) in [
        ("no Host", hostless),
        ("two Hosts", good().header("Host", "as.example")),
        (
            "two lengths",
            typed()
                .header("Content-Length", &length)
                .header("Content-Length", "7")
                .content(FIRST),
        ),
        (
            "length -1",
            typed().header("Content-Length", "-1").content(FIRST),
        ),
        (
            "length x",
            typed().header("Content-Length", "x").content(FIRST),
        ),
        (
            "space before the colon",
            typed().header("Content-Length ", &length).content(FIRST),
        ),
        (
            "an unknown coding",
            typed().header("Transfer-Encoding", "gzip").content(FIRST),
        ),
        ("no HTTP", Request::bare("nonsense")),
        (
            "another version",
            Request::bare("GET /me/ HTTP/9.9").header("Host", "x"),
        ),
    ] {
        let mut wire = session.wire();
        wire.send(&request.octets());
        wire.finish();
        let answer = session_answer(&mut wire);
        let refused = answer.is_empty()
            || answer.starts_with("HTTP/1.1 4")
            || answer.starts_with("HTTP/1.1 5");
        assert!(refused, "{what}: {answer}");
    }
    // A length beside a coding is the stuff of smuggling (RFC 9112 §6.1):
    // whichever is taken, what follows is no second request.
    let smuggled = typed()
        .header("Content-Length", "5")
        .header("Transfer-Encoding", "chunked")
        .content("0\r\n\r\nGET /me/ HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut wire = session.wire();
    wire.send(&smuggled.octets());
    wire.finish();
    let answer = session_answer(&mut wire);
    assert!(
        answer.matches("HTTP/1.1 ").count() <= 1 || answer.contains("HTTP/1.1 400"),
        "{answer}"
    );
}

pub fn expect_100_is_answered<H: Host>() {
    let session = Session::<H>::start(standard());
    let mut wire = session.wire();
    wire.send(
        &head_of(FIRST.len())
            .header("Expect", "100-continue")
            .octets(),
    );
    assert_eq!(wire.receive_head().status, 100);
    wire.send(FIRST.as_bytes());
    let response = wire.receive();
    session.said(&response);
    assert_eq!(response.status, 200);
}

pub fn slow_heads_and_idle_connections_end<H: Host>() {
    let session = Session::<H>::start(standard());
    let mut silent = session.wire();
    let mut slow = session.wire();
    let mut idle = session.wire();
    slow.send(b"POST /oauth/token HTTP/1.1\r\nHost: x\r\n");
    let response = idle.ask(&good());
    session.said(&response);
    assert_eq!(response.status, 200);
    for (what, wire) in [
        ("silent", &mut silent),
        ("slow", &mut slow),
        ("idle", &mut idle),
    ] {
        let answer = wire.rest();
        let answer = String::from_utf8(answer).expect("text");
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{what}: {answer}"
        );
    }
    assert_eq!(session.token(DEMO, FIRST).status, 200);
}

pub fn long_heads_are_431<H: Host>() {
    let session = Session::<H>::start(standard());
    let longest = session.host.longest_field();
    let response = session.ask(&good().header("X-Long", &"x".repeat(longest)));
    assert_eq!(response.status, 200, "{longest} octets are not too long");
    let mut wire = session.wire();
    wire.send(&good().header("X-Long", &"x".repeat(30_000)).octets());
    let answer = session_answer(&mut wire);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    assert_eq!(session.token(DEMO, FIRST).status, 200);
}
