//! Exact octets for exact octets (RFC 9110, RFC 9112).

use std::time::Duration;

use base64ct::{Base64, Encoding};
use proptest::prelude::*;
use smallgate_core::time::UnixTime;
use smallgate_firmware::http::{Ended, Refused, imf_fixdate};
use smallgate_tests::rig::SECRET;

use crate::scripted::{Act, Case};

const DATE: &str = "date: Fri, 15 Jan 2027 08:00:00 GMT\r\n";
pub(crate) const GET: &str = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

pub(crate) fn answer(status: &str, connection: &str, error: &str, description: &str) -> String {
    let body = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
    format!(
        "{status}\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
         pragma: no-cache\r\n{connection}content-length: {}\r\n{DATE}\r\n{body}",
        body.len()
    )
}

pub(crate) fn refusal(status: &str, description: &str) -> String {
    let status = format!("HTTP/1.1 {status}");
    let error = match &status[9..10] {
        "5" => "server_error",
        _ => "invalid_request",
    };
    answer(&status, "connection: close\r\n", error, description)
}

pub(crate) fn nothing(version: &str, connection: &str) -> String {
    answer(
        &format!("HTTP/{version} 404 Not Found"),
        connection,
        "invalid_request",
        "There is nothing at this path.",
    )
}

pub(crate) fn token_request(more: &str, body: &str) -> String {
    let basic = Base64::encode_string(format!("demo:{SECRET}").as_bytes());
    format!(
        "POST /oauth/token HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {basic}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{more}\r\n{body}",
        body.len()
    )
}

pub(crate) const FORM: &str = "grant_type=client_credentials";

#[test]
fn answers_are_the_same_however_the_octets_come() {
    let request = GET.to_owned() + &token_request("", FORM) + GET + "\r\n" + GET;
    let whole = Case::default().send(request.as_bytes());
    assert_eq!(whole.ended, Ended::ByClient);
    assert_eq!(whole.writes.len(), 4, "each answer is one write");
    let text = whole.text();
    assert_eq!(text.matches(&nothing("1.1", "")).count(), 3, "{text}");
    assert!(text.contains("\r\n\r\n{\"access_token\":\""), "{text}");
    for size in [1, 2, 3, 7, 100] {
        let mut script: Vec<_> = request
            .as_bytes()
            .chunks(size)
            .map(|piece| Act::Send(piece.to_vec()))
            .collect();
        script.push(Act::Finish);
        assert_eq!(Case::default().run(script).writes, whole.writes, "{size}");
    }
    for sending in [0, 1, 10, 100] {
        let case = Case {
            sending,
            ..Case::default()
        };
        assert_eq!(case.send(request.as_bytes()).text(), text, "{sending}");
    }
}

/// "The server MUST NOT send content in the response" to HEAD (RFC 9110 §9.3.2).
#[test]
fn a_head_request_that_is_refused_gets_no_body_however_it_comes() {
    let request = "HEAD /jwks.json HTTP/1.1\r\nNo name: a\r\n\r\n";
    let whole = Case::default().send(request.as_bytes());
    assert_eq!(whole.ended, Ended::Refused(Refused::Malformed));
    assert!(whole.text().ends_with("\r\n\r\n"), "{}", whole.text());
    let pieces = request.as_bytes().chunks(1);
    let mut script: Vec<_> = pieces.map(|piece| Act::Send(piece.to_vec())).collect();
    script.push(Act::Finish);
    assert_eq!(Case::default().run(script).writes, whole.writes);
}

#[test]
fn truncated_requests_get_nothing_or_400_and_never_a_token() {
    let request = token_request("", FORM);
    let head = request.len() - FORM.len();
    for length in 0..request.len() {
        let outcome = Case::default().send(&request.as_bytes()[..length]);
        let expected = match length < head {
            true => (Ended::ByClient, String::new()),
            false => (
                Ended::Refused(Refused::BodyBroken),
                refusal("400 Bad Request", "The body is not whole."),
            ),
        };
        assert_eq!((outcome.ended, outcome.text()), expected, "{length}");
        let vanished = Case::default().run([
            Act::Send(request.as_bytes()[..length].to_vec()),
            Act::Vanish,
        ]);
        assert!(!vanished.text().contains("access_token"));
    }
}

#[test]
fn http_1_0_and_connection_options_are_obeyed() {
    let ended = |request: &str| {
        let outcome = Case::default().run([Act::Send(request.as_bytes().to_vec())]);
        (outcome.ended, outcome.text())
    };
    let close = "connection: close\r\n";
    for (request, expected, how) in [
        (
            "GET /x HTTP/1.0\r\n\r\n",
            nothing("1.0", ""),
            Ended::AfterAnswer,
        ),
        (
            "GET /x HTTP/1.0\r\nConnection: foo, Keep-Alive\r\n\r\n",
            nothing("1.0", "connection: keep-alive\r\n"),
            Ended::Idle,
        ),
        (
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: x ,CLOSE\r\n\r\n",
            nothing("1.1", close),
            Ended::AfterAnswer,
        ),
        (
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
            nothing("1.1", ""),
            Ended::Idle,
        ),
        (
            "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n",
            nothing("1.1", ""),
            Ended::Idle,
        ),
        (
            "GET /x HTTP/1.1\nHost: a\n\n",
            nothing("1.1", ""),
            Ended::Idle,
        ),
    ] {
        assert_eq!(ended(request), (how, expected), "{request}");
    }
    let wanted = Case {
        wanted: Some(Duration::ZERO),
        ..Case::default()
    };
    let outcome = wanted.run([Act::Send(GET.as_bytes().repeat(2))]);
    assert_eq!(
        (outcome.ended, outcome.text()),
        (Ended::AfterAnswer, nothing("1.1", close))
    );
}

#[test]
fn head_has_the_length_and_no_body() {
    let request = GET.replace("GET", "HEAD") + GET;
    let expected = nothing("1.1", "");
    let (head, _) = expected.split_once("\r\n\r\n").unwrap();
    let outcome = Case::default().send(request.as_bytes());
    assert_eq!(outcome.text(), format!("{head}\r\n\r\n{expected}"));
}

#[test]
fn what_is_no_request_is_refused() {
    let post = |fields: &str| format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    let malformed = (
        Refused::Malformed,
        "400 Bad Request",
        "The request is malformed.",
    );
    let host = (
        Refused::Host,
        "400 Bad Request",
        "There is not exactly one Host header field.",
    );
    let length = (
        Refused::Length,
        "400 Bad Request",
        "The length of the body is not clear.",
    );
    let version = (
        Refused::Version,
        "505 HTTP Version Not Supported",
        "The HTTP version is neither 1.1 nor 1.0.",
    );
    let chunked = (
        Refused::LengthRequired,
        "411 Length Required",
        "A body needs a Content-Length.",
    );
    let coding = (
        Refused::Coding,
        "501 Not Implemented",
        "The transfer coding is not known.",
    );
    let long = (
        Refused::HeadTooLong,
        "431 Request Header Fields Too Large",
        "The head is too long.",
    );
    let target = (
        Refused::TargetTooLong,
        "414 URI Too Long",
        "The request target is too long.",
    );
    let field = |size: usize| {
        let fixed = "GET /x HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        format!(
            "GET /x HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
            "x".repeat(size - fixed)
        )
    };
    for (request, (refused, status, description)) in [
        ("nonsense\r\n".to_owned(), malformed),
        ("GET  /x HTTP/1.1\r\n".to_owned(), malformed),
        ("\r\n\r\n\r\n".to_owned(), malformed),
        ("\0\x01\x02\x16\x03\n".to_owned(), malformed),
        ("GET /x HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), malformed),
        (
            "GET /x HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n".to_owned(),
            malformed,
        ),
        ("GET /<x> HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), malformed),
        ("GET /x FTP/1.1\r\nHost: a\r\n\r\n".to_owned(), malformed),
        ("GET /x HTTP/1.1\r\n\r\n".to_owned(), host),
        (
            "GET /x HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n".to_owned(),
            host,
        ),
        ("GET /x HTTP/9.9\r\nHost: a\r\n\r\n".to_owned(), version),
        ("GET /x HTTP/2.0\r\n\r\n".to_owned(), version),
        (post("Content-Length: 1\r\nContent-Length: 2"), length),
        (post("Content-Length: 1\r\nContent-Length: 1"), length),
        (post("Content-Length: 1, 1"), length),
        (post("Content-Length: -1"), length),
        (post("Content-Length: +1"), length),
        (post("Content-Length: 0x1"), length),
        (post("Content-Length:"), length),
        (
            post("Content-Length: 5\r\nTransfer-Encoding: chunked"),
            length,
        ),
        (
            post("Transfer-Encoding: chunked\r\nContent-Length: 5"),
            length,
        ),
        (post("Transfer-Encoding: gzip"), length),
        (post("Transfer-Encoding:"), length),
        (post("Transfer-Encoding: chunked, gzip"), length),
        (
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            length,
        ),
        (post("Transfer-Encoding: Chunked"), chunked),
        (post("Transfer-Encoding: gzip, chunked"), coding),
        (
            post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked"),
            coding,
        ),
        (field(2049), long),
        (field(30_000), long),
        (post(&"X: y\r\n".repeat(40)), long),
        (format!("GET /{}", "x".repeat(30_000)), target),
    ] {
        for chunk in [usize::MAX, 1] {
            // Nobody waits for what follows.
            let script: Vec<_> = request
                .as_bytes()
                .chunks(chunk.min(request.len()))
                .map(|piece| Act::Send(piece.to_vec()))
                .collect();
            let outcome = Case::default().run(script);
            assert_eq!(outcome.text(), refusal(status, description), "{request}");
            assert_eq!(outcome.ended, Ended::Refused(refused), "{request}");
            assert!(outcome.took <= Duration::from_millis(500), "{request}");
        }
    }
    assert_eq!(
        Case::default().send(field(2048).as_bytes()).text(),
        nothing("1.1", ""),
        "a head of 2,048 octets has room"
    );
    let http_1_0 = "POST /oauth/token HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let outcome = Case::default().send(http_1_0.as_bytes());
    assert_eq!(outcome.ended, Ended::Refused(Refused::Length));
}

#[test]
fn long_bodies_are_413_and_not_read() {
    for length in ["1025", "99999", "18446744073709551616", &"9".repeat(400)] {
        for expect in ["", "Expect: 100-continue\r\n"] {
            let request = format!(
                "POST /oauth/token HTTP/1.1\r\nHost: a\r\n{expect}Content-Length: {length}\r\n\r\n{GET}"
            );
            let outcome = Case::default().send(request.as_bytes());
            let expected = answer(
                "HTTP/1.1 413 Payload Too Large",
                "connection: close\r\n",
                "invalid_request",
                "The request is malformed, or a parameter is missing, repeated or not understood: 'body'.",
            );
            assert_eq!((outcome.ended, outcome.text()), (Ended::TooLong, expected));
        }
    }
    // What a client sends nevertheless is read for a while only.
    let flood = token_request("", &"x".repeat(10_000_000));
    let outcome = Case::default().send(flood.as_bytes());
    assert_eq!(outcome.ended, Ended::TooLong);
    assert!(outcome.reads < 30, "{}", outcome.reads);
}

#[test]
fn expect_100_is_answered_where_the_body_is_awaited() {
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let request = token_request("Expect: 100-Continue\r\n", FORM);
    let (head, body) = request.split_at(request.len() - FORM.len());
    let outcome = Case::default().run([
        Act::Send(head.as_bytes().to_vec()),
        Act::Pause(Duration::from_secs(1)),
        Act::Send(body.as_bytes().to_vec()),
        Act::Finish,
    ]);
    let text = outcome.text();
    assert!(
        text.starts_with(&format!("{go_on}HTTP/1.1 200 OK\r\n")),
        "{text}"
    );
    let together = Case::default().send(request.as_bytes()).text();
    assert!(together.starts_with("HTTP/1.1 200 OK\r\n"), "{together}");
    let old = Case::default().run([Act::Send(head.replace("HTTP/1.1", "HTTP/1.0").into_bytes())]);
    assert!(old.text().starts_with("HTTP/1.0 408 "), "{}", old.text());
}

#[test]
fn r40_without_a_clock_there_is_no_date() {
    let mut case = Case::default();
    case.bench.now = None;
    assert_eq!(
        case.send(GET.as_bytes()).text(),
        nothing("1.1", "").replace(DATE, "")
    );
}

#[test]
fn without_entropy_nothing_is_issued() {
    let mut case = Case::default();
    case.bench.healthy = false;
    let outcome = case.send(token_request("", FORM).as_bytes());
    assert_eq!(outcome.ended, Ended::Refused(Refused::Unable));
    let unable = answer(
        "HTTP/1.1 503 Service Unavailable",
        "retry-after: 5\r\nconnection: close\r\n",
        "temporarily_unavailable",
        "The server is not able to answer.",
    );
    assert_eq!(outcome.text(), unable);
    assert!(case.bench.events.borrow().is_empty());
}

#[test]
fn what_is_issued_is_logged() {
    let case = Case::default();
    case.send(token_request("", FORM).as_bytes());
    let events = case.bench.events.borrow();
    assert!(
        matches!(&events[..], [event] if event.starts_with("Issued")),
        "{events:?}"
    );
}

/// RFC 9110 §5.6.7, and days that are easily missed.
#[test]
fn dates_are_imf_fixdates() {
    for (time, text) in [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        assert_eq!(std::str::from_utf8(&imf_fixdate(UnixTime(time))), Ok(text));
    }
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "GET ",
        "POST ",
        "/x",
        "/oauth/token",
        " HTTP/1.1\r\n",
        " HTTP/1.0\r\n",
        "Host: a\r\n",
        "\r\n",
        "\n",
        "Content-Length: ",
        "5",
        "99999999999999999999",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Connection: keep-alive\r\n",
        "a=b&c",
        ":",
        " ",
        "\0",
    ]);
    let piece = prop_oneof![
        4 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_octets_end_in_bounded_reads(octets in pieces(), size in 1_usize..64) {
        let mut script: Vec<_> = octets
            .chunks(size)
            .map(|piece| Act::Send(piece.to_vec()))
            .collect();
        script.push(Act::Finish);
        let outcome = Case::default().run(script);
        prop_assert!(outcome.reads <= octets.len() + 4);
        let text = outcome.text();
        prop_assert!(text.is_empty() || text.starts_with("HTTP/1."));
        // However the octets come, they mean the same.
        let whole = Case::default().send(&octets);
        prop_assert_eq!(whole.ended, outcome.ended);
    }
}
