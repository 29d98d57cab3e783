//! What `gateway.c` does with requests that libmicrohttpd lets through.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use smallgate_tests::c_gateway::CGateway;
use smallgate_tests::host::Host;
use smallgate_tests::suite::setups::standard;

fn connected(host: &CGateway) -> TcpStream {
    let stream = TcpStream::connect(host.address()).expect("it listens");
    let patience = Some(Duration::from_secs(8));
    stream.set_read_timeout(patience).expect("a timeout");
    stream
}

/// All that comes back until the connection is closed.
fn answers(host: &CGateway, request: &str) -> String {
    let mut stream = connected(host);
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut said = Vec::new();
    // A reset is an end too.
    let _end = stream.read_to_end(&mut said);
    String::from_utf8(said).expect("text")
}

#[test]
fn a_field_that_is_none_is_refused() {
    let host = CGateway::start(&standard().whole());
    for field in [
        "Content-Length : 38",
        "Content Length: 38",
        "X(y): 38",
        "X: a\rContent-Length: 38",
        "X: a\r\rb: c",
        "X: a\u{1}b",
        "X: a\u{7f}b",
    ] {
        let second = "GET /jwks.json HTTP/1.1\r\nHost: x\r\n\r\n";
        let first = format!("POST /oauth/token HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n");
        let said = answers(&host, &(first + second));
        assert!(said.starts_with("HTTP/1.1 400 "), "{field:?}: {said}");
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{field:?}: {said}");
    }
}

#[test]
fn a_target_is_read_in_absolute_form() {
    let host = CGateway::start(&standard().whole());
    let long = "a".repeat(9000);
    for (target, status) in [
        ("http://x/jwks.json", 200),
        ("https://x/jwks.json", 200),
        ("https://x/jwks.json?a", 200),
        ("http://x?a=/jwks.json", 404),
        ("http://x", 404),
        (&format!("/{long}"), 414),
    ] {
        let said = answers(
            &host,
            &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        );
        let line = format!("HTTP/1.1 {status} ");
        assert!(said.starts_with(&line), "{target:.40}: {said}");
    }
}

/// A body without an end is not taken in to its end.
#[test]
fn a_chunked_body_far_too_long_ends_the_connection() {
    let host = CGateway::start(&standard().whole());
    let mut stream = connected(&host);
    let head = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("it reads");
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(4096));
    let sent = (0..4096).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok());
    let sent = sent.count();
    assert!(sent < 4096, "{sent} chunks");
}

/// An octet now and then is no silence, and yet the time is over.
#[test]
fn a_request_has_a_time_to_come_in() {
    let host = CGateway::start(&standard().whole());
    let body = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n";
    for start in ["GET / HTTP/1.1\r\nX: ", body] {
        let mut stream = connected(&host);
        stream.write_all(start.as_bytes()).expect("it reads");
        let began = Instant::now();
        while stream.write_all(b"a").is_ok() {
            assert!(began.elapsed() < Duration::from_secs(10), "{start:?}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}
