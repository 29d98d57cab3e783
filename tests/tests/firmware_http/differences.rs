//! Where the simulator and the firmware do not answer alike: all that is known,
//! as a table. Elsewhere their answers differ in nothing but live values.

use smallgate_tests::host::{Host, Setup};
use smallgate_tests::simulator::Simulator;

use crate::tcp::{rest, start};

/// A status, and what the description says; or only a part of it.
type Answer = (u16, &'static str);

const MALFORMED: Answer = (400, "The request is malformed.");
const LENGTH: Answer = (400, "The length of the body is not clear.");
const VERSION: Answer = (505, "The HTTP version is neither 1.1 nor 1.0.");
const CHUNKED: Answer = (411, "A body needs a Content-Length.");
const HEAD: Answer = (431, "The head is too long.");
const TARGET: Answer = (414, "The request target is too long.");
const TOO_LONG: Answer = (413, "'body'.");
/// The request was understood: no body has the content type that is left out.
const READ: Answer = (415, "'Content-Type'.");
const NOTHING: Answer = (404, "There is nothing at this path.");

/// A request, and how the firmware and the simulator answer it.
struct Difference {
    what: &'static str,
    request: String,
    firmware: Answer,
    simulator: Answer,
}

fn get(target: &str, version: &str, fields: &str) -> String {
    format!("GET {target} HTTP/{version}\r\nHost: a\r\n{fields}\r\n")
}

fn post(fields: &str, body: &str) -> String {
    format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}")
}

fn differences() -> Vec<Difference> {
    let last = "0\r\n\r\n";
    let differ = |what, request, firmware, simulator| Difference {
        what,
        request,
        firmware,
        simulator,
    };
    vec![
        // A board has no room for chunks.
        differ(
            "a chunked body",
            post("Transfer-Encoding: chunked", last),
            CHUNKED,
            READ,
        ),
        // hyper believes the coding, and that is fine too: "a server MAY reject a
        // request that contains both Content-Length and Transfer-Encoding or
        // process such a request in accordance with the Transfer-Encoding alone"
        // (RFC 9112 §6.1).
        differ(
            "a length and chunks",
            post("Content-Length: 5\r\nTransfer-Encoding: chunked", last),
            LENGTH,
            READ,
        ),
        differ(
            "chunks and a length",
            post("Transfer-Encoding: chunked\r\nContent-Length: 5", last),
            LENGTH,
            READ,
        ),
        // hyper says of all these that they are no requests.
        differ("version 9.9", get("/x", "9.9", ""), VERSION, MALFORMED),
        differ("version 2.0", get("/x", "2.0", ""), VERSION, MALFORMED),
        differ(
            "two lengths",
            post("Content-Length: 1\r\nContent-Length: 2", "a"),
            LENGTH,
            MALFORMED,
        ),
        differ(
            "a list of lengths",
            post("Content-Length: 1, 1", "a"),
            LENGTH,
            MALFORMED,
        ),
        differ(
            "a negative length",
            post("Content-Length: -1", "a"),
            LENGTH,
            MALFORMED,
        ),
        differ(
            "no length in it",
            post("Content-Length:", "a"),
            LENGTH,
            MALFORMED,
        ),
        differ(
            "another coding",
            post("Transfer-Encoding: gzip", "a"),
            LENGTH,
            MALFORMED,
        ),
        differ(
            "chunks in HTTP/1.0",
            post("Transfer-Encoding: chunked", last).replacen("1.1", "1.0", 1),
            LENGTH,
            MALFORMED,
        ),
        differ(
            "a length of 65 bits",
            post("Content-Length: 18446744073709551616", ""),
            TOO_LONG,
            MALFORMED,
        ),
        // What hyper forgives.
        differ(
            "the same length twice",
            post("Content-Length: 1\r\nContent-Length: 1", "a"),
            LENGTH,
            READ,
        ),
        differ("a fragment", get("/x#y", "1.1", ""), MALFORMED, NOTHING),
        differ(
            "four empty lines",
            "\r\n".repeat(4) + &get("/x", "1.1", ""),
            MALFORMED,
            NOTHING,
        ),
        // A desktop has more room.
        differ(
            "40 fields",
            get("/x", "1.1", &"X: y\r\n".repeat(40)),
            HEAD,
            NOTHING,
        ),
        differ(
            "a head of 3,000 octets",
            get("/x", "1.1", &format!("X: {}\r\n", "x".repeat(3000))),
            HEAD,
            NOTHING,
        ),
        differ(
            "a target of 30,000",
            get(&format!("/{}", "x".repeat(30_000)), "1.1", ""),
            TARGET,
            HEAD,
        ),
    ]
}

#[test]
fn differences_are_known() {
    let (board, simulator) = hosts();
    for difference in differences() {
        let Difference {
            what,
            request,
            firmware,
            simulator: desktop,
        } = difference;
        assert_ne!(firmware, desktop, "{what}");
        for (address, (status, said)) in [(board, firmware), (simulator.address(), desktop)] {
            let answer = rest(address, request.as_bytes());
            let expected = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&expected), "{what}: {answer}");
            assert!(answer.ends_with(&format!("{said}\"}}")), "{what}: {answer}");
            for always in ["application/json\r\n", "\r\ncache-control: no-store\r\n"] {
                assert!(answer.contains(always), "{what}: {answer}");
            }
        }
    }
}

/// And these are answered octet for octet alike.
#[test]
fn refusals_are_the_same() {
    let (board, simulator) = hosts();
    for request in [
        "nonsense\r\n\r\n".to_owned(),
        "\x16\x03\x01\n\r\n".to_owned(),
        get("/x", "1.1", "").replace("HTTP/", "FTP/"),
        get("/<x>", "1.1", ""),
        get("/x", "1.1", "X : y\r\n"),
        get("/x", "1.1", " folded\r\n"),
        get("/x", "1.1", "X: \x01\r\n"),
        get("/x", "1.1", "Host: b\r\n"),
        get("/x", "1.1", "").replace("Host: a\r\n", ""),
        get("/x", "1.1", "") + "nonsense\r\n\r\n",
        get("/x", "1.1", &"X: y\r\n".repeat(101)),
        get("/x", "1.1", &format!("X: {}\r\n", "x".repeat(30_000))),
        get("x", "1.1", ""),
        get("*", "1.1", ""),
        get("ftp://a/x", "1.1", ""),
        post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
        post(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "0\r\n\r\n",
        ),
    ] {
        let expected = rest(simulator.address(), request.as_bytes());
        assert!(expected.starts_with("HTTP/1."), "{request}");
        assert_eq!(rest(board, request.as_bytes()), expected, "{request}");
    }
}

/// Whoever does not finish a head is told so; whoever does not begin one, not.
#[test]
fn late_heads_are_the_same() {
    let (board, simulator) = hosts();
    for address in [board, simulator.address()] {
        for (head, said) in [
            ("GET /x HTTP/1.1\r\nHo", "The head did not arrive in time."),
            ("", ""),
        ] {
            let mut wire = smallgate_tests::wire::Wire::open(address);
            wire.send(head.as_bytes());
            let answer = String::from_utf8(wire.rest()).unwrap();
            assert_eq!(answer.starts_with("HTTP/1.1 408 "), !head.is_empty());
            assert!(answer.contains(said), "{answer}");
        }
    }
}

fn hosts() -> (std::net::SocketAddr, Simulator) {
    let setup = Setup {
        toml: "profile = \"standard\"\ndemo = true\n[server]\nheader_timeout = 2\n".to_owned(),
        clock_set: true,
    };
    (start(), Simulator::start(&setup))
}
