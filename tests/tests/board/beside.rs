//! The board beside the simulator, with the same provisioning image: either
//! takes the other's tokens, and what they answer is the same.

use std::path::PathBuf;
use std::process::Command;

use smallgate_tests::board::{Board, image};
use smallgate_tests::golden::undated;
use smallgate_tests::host::{Host, START};
use smallgate_tests::load::token_request;
use smallgate_tests::simulator::{Process, Temporary, binary};
use smallgate_tests::suite::setups::{AUDIENCE, ISSUER, standard};
use smallgate_tests::wire::{Request, Wire};

/// A board and a simulator of one image.
struct Both {
    board: Board,
    simulator: Process,
    _image: Temporary,
}

impl Both {
    fn start() -> Self {
        let image = image(&standard().whole());
        let file = Temporary::new("");
        std::fs::write(file.path(), &image).expect("a temporary file");
        let arguments = ["--image", file.path(), "--clock", "2026-01-01T00:00:00Z"];
        Both {
            simulator: Process::serve(&arguments),
            board: Board::with_image(image),
            _image: file,
        }
    }
}

fn me(token: &str) -> Request {
    Request::new("GET", "/me/").header("Authorization", &format!("Bearer {token}"))
}

#[test]
fn each_takes_the_others_tokens() {
    let both = Both::start();
    let (board, simulator) = (both.board.address(), both.simulator.address);
    let ask = |address, request: &Request| Wire::open(address).ask(request);
    let simulators = ask(simulator, &token_request()).member("access_token");
    let answer = ask(board, &me(&simulators));
    assert_eq!(answer.status, 200, "{}", answer.pretty());
    assert_eq!(answer.member("client_id"), "demo");

    let boards = ask(board, &token_request()).member("access_token");
    // The simulator's clock stands: the board's has gone on a little.
    let seconds = both.board.now() - START + 1;
    let later = format!(r#"{{"advance":"{seconds}s"}}"#);
    let advance = Request::new("POST", "/sim/clock").body("application/json", &later);
    assert_eq!(ask(simulator, &advance).status, 204);
    let answer = ask(simulator, &me(&boards));
    assert_eq!(answer.status, 200, "{}", answer.pretty());
}

#[test]
fn a_token_of_the_board_verifies_by_its_public_key() {
    let board = Board::start(&standard().whole());
    let ask = |request: &Request| Wire::open(board.address()).ask(request);
    let token = ask(&token_request()).member("access_token");
    let keys = ask(&Request::new("GET", "/jwks.json"));
    assert_eq!(keys.status, 200);
    let verify = |keys: &str, token: &str| {
        let output = Command::new(PathBuf::from(binary()))
            .args(["token", "verify", "--key", keys])
            .args(["--issuer", ISSUER, "--audience", AUDIENCE])
            .args(["--now", "2026-01-01T00:00:30Z", token])
            .output()
            .expect("smallgate starts");
        output.status.success()
    };
    assert!(verify(keys.text(), &token), "{token}");
    // The signature is looked at.
    let place = token.rfind('.').expect("three parts") + 10;
    let mut forged = token.clone().into_bytes();
    forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("text");
    assert!(!verify(keys.text(), &forged), "{forged}");
}

/// Everything until the end, live values by their names.
fn rest(address: std::net::SocketAddr, octets: &[u8]) -> String {
    let mut wire = Wire::open(address);
    wire.send(octets);
    wire.finish();
    undated(&String::from_utf8(wire.rest()).expect("text"))
}

#[test]
fn answers_are_the_simulators_octet_for_octet() {
    let both = Both::start();
    let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    let post = |fields: &str, body: &str| {
        format!(
            "POST /oauth/token HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let good = String::from_utf8(token_request().octets()).expect("text");
    for request in [
        get.repeat(3),
        get.replace("GET", "HEAD"),
        get.replace("GET", "PUT"),
        get.replace("/x", "/me/"),
        get.replace("/x", "http://a/me/"),
        get.replace("/x", "*"),
        get.replace("/x", "/oauth/token"),
        get.replace("/x", "/jwks.json"),
        get.replace("/x", "/.well-known/oauth-authorization-server"),
        get.replace("/x", "/oauth/authorize"),
        get.replace(
            "/x",
            "/oauth/authorize?response_type=code&client_id=demo&redirect_uri=https%3A%2F%2Fclient.example%2Fcb&scope=read&state=1",
        ),
        get.replace("Host: a", "Host: a\r\nConnection: close"),
        "GET /x HTTP/1.1\r\n\r\n".to_owned(),
        "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
        "GET /x HTTP/1.0\r\n\r\n".to_owned(),
        "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned(),
        good.repeat(2),
        good.replace("HTTP/1.1", "HTTP/1.0"),
        post("", "a=b"),
        post(form, "a=b"),
        post(form, "grant_type=client_credentials"),
        post(form, &"x".repeat(1025)),
        post("Expect: 100-continue\r\n", &"x".repeat(1025)),
        post(form, "a=b").replace("th: 3", "th: 4"),
    ] {
        let expected = rest(both.simulator.address, request.as_bytes());
        assert!(expected.starts_with("HTTP/1."), "{request}");
        assert_eq!(
            rest(both.board.address(), request.as_bytes()),
            expected,
            "{request}"
        );
    }
}
