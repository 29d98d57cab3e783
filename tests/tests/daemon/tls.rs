//! TLS, with a real client.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::{Duration, Instant};

use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use smallgate_tests::command::{Folder, refused};
use smallgate_tests::simulator::Process;
use smallgate_tests::suite::session::{basic, post};
use smallgate_tests::wire::{Request, Wire};

use super::certificates::Authority;

const CLIENT: (&str, &str) = ("app", "0123456789abcdefghijklmnop");

fn token_request() -> Request {
    post(
        "/oauth/token",
        Some(&basic(CLIENT)),
        "grant_type=client_credentials",
    )
}

/// A server with a certificate, and lines more of `[server]`.
fn start(name: &str, authority: &Authority, server: &str) -> (Process, Folder) {
    let folder = Folder::new(name);
    authority.certify(&folder);
    let text = format!(
        "[server]\n{server}\n[server.tls]\ncertificate = 'chain.pem'\nkey = 'key.pem'\n\
         [[client]]\nid = '{}'\nsecret = '{}'\ngrants = ['client_credentials']\n",
        CLIENT.0, CLIENT.1
    );
    std::fs::write(folder.file("gateway.toml"), text).expect("room");
    let process = Process::serve(&["--config", &folder.file("gateway.toml")]);
    (process, folder)
}

#[test]
fn tokens_are_given_over_tls_1_2_and_1_3() {
    let authority = Authority::new();
    let (mut process, _folder) = start("versions", &authority, "");
    for (version, expected) in [
        (&TLS12, ProtocolVersion::TLSv1_2),
        (&TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let mut tls = authority.connect(&process, &[version]);
        tls.send(&token_request().octets()).expect("it is taken");
        let first = tls.some();
        assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
        assert_eq!(tls.0.conn.protocol_version(), Some(expected));
        assert_eq!(tls.0.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        // The connection is kept, and ends with a word.
        let second = tls.ask(&token_request()).expect("a clean end");
        assert!(second.starts_with("HTTP/1.1 200 "), "{second}");
        assert!(second.contains("access_token"), "{second}");
    }
    process.kill();
    let issuer = format!(r#""issuer":"https://{}""#, process.address);
    assert!(process.log().contains(&issuer), "{}", process.log());
}

#[test]
fn a_client_that_trusts_somebody_else_does_not_go_on() {
    let authority = Authority::new();
    let (process, _folder) = start("stranger", &authority, "");
    let error = Authority::new()
        .connect(&process, &[&TLS13])
        .ask(&token_request())
        .expect_err("it is not trusted");
    let said = error.to_string();
    assert!(said.contains("invalid peer certificate"), "{said}");
    let answer = authority.connect(&process, &[&TLS13]).ask(&token_request());
    assert!(answer.expect("an answer").starts_with("HTTP/1.1 200 "));
}

#[test]
fn plain_http_is_ended_and_told_of_once() {
    let authority = Authority::new();
    let (mut process, _folder) = start("plain", &authority, "");
    for length in [0, 10, 3000] {
        let begun = Instant::now();
        let mut wire = Wire::open(process.address);
        let request = token_request().header("X-Long", &"x".repeat(length));
        wire.send(&request.octets());
        let rest = wire.rest();
        assert!(!rest.starts_with(b"HTTP/"), "{rest:?}");
        // An alert, and no reset before it.
        assert_eq!(rest.first(), Some(&21), "{rest:?}");
        assert!(begun.elapsed() < Duration::from_secs(8));
    }
    process.kill();
    let log = process.log();
    assert_eq!(log.matches("handshake_failed").count(), 1, "{log}");
}

#[test]
fn a_silent_handshake_ends_at_the_deadline_of_a_head() {
    let authority = Authority::new();
    let (process, _folder) = start("silent", &authority, "header_timeout = 1");
    for octets in [&b""[..], &[22, 3, 1, 2, 0, 1]] {
        let begun = Instant::now();
        let mut wire = Wire::open(process.address);
        wire.send(octets);
        assert!(wire.ends());
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(900), "{took:?}");
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
    // A head that does not come is answered, over TLS too.
    let mut tls = authority.connect(&process, &[&TLS13]);
    tls.send(b"GET / HTTP/1.1\r\n").expect("it is taken");
    assert!(tls.some().starts_with("HTTP/1.1 408 "));
}

#[test]
fn who_asks_and_does_not_read_is_ended() {
    let authority = Authority::new();
    let limits = "connections_per_source = 1\nidle_timeout = 1";
    let (process, _folder) = start("deaf", &authority, limits);
    let mut deaf = authority.connect(&process, &[&TLS13]);
    let patience = Some(Duration::from_secs(1));
    deaf.0.sock.set_write_timeout(patience).expect("a deadline");
    // More than both ends' sockets hold, unless it was ended before.
    let request = Request::new("GET", "/.well-known/oauth-authorization-server").octets();
    for _ in 0..100 {
        if deaf.send(&request.repeat(500)).is_err() {
            break;
        }
    }
    // Its place is had by another then.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !Wire::open(process.address).is_silent_for(Duration::from_millis(200)) {
        assert!(Instant::now() < deadline, "{}", process.log());
    }
}

#[test]
fn half_open_handshakes_do_not_keep_others_out() {
    let authority = Authority::new();
    let limits = "connections = 8\nconnections_per_source = 2";
    let (process, _folder) = start("halfopen", &authority, limits);
    let _held: Vec<_> = (0..2).map(|_| Wire::open(process.address)).collect();
    // They have their places before anything is sent.
    let deadline = Instant::now() + Duration::from_secs(10);
    while !process.log().contains("too_many_connections") {
        let begun = Instant::now();
        assert!(Wire::open(process.address).ends());
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(Instant::now() < deadline, "{}", process.log());
    }
    if cfg!(target_os = "linux") {
        let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket
            .bind(&std::net::SocketAddr::from((other, 0)).into())
            .expect("a source");
        socket.connect(&process.address.into()).expect("it listens");
        let mut tls = authority.over(socket.into(), &[&TLS13]);
        let answer = tls.ask(&token_request()).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[test]
fn a_stop_waits_for_answers_and_for_no_handshake() {
    let authority = Authority::new();
    let (mut process, _folder) = start("stop", &authority, "stop_timeout = 30");
    let mut silent = Wire::open(process.address);
    let octets = token_request().octets();
    let (begun, rest) = octets.split_at(octets.len() - 5);
    let mut tls = authority.connect(&process, &[&TLS13]);
    tls.send(begun).expect("it is taken");
    std::thread::sleep(Duration::from_millis(300));
    let id = process.id().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status();
    assert!(told.expect("kill").success());
    assert!(silent.ends());
    tls.send(rest).expect("it is taken");
    let answer = tls.rest().expect("a clean end");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(process.wait(), Some(0));
    assert!(!process.log().contains("cut off"), "{}", process.log());
}

#[test]
fn a_proxy_is_believed_over_tls() {
    let authority = Authority::new();
    let (mut process, _folder) = start("proxy", &authority, "trusted_proxies = ['127.0.0.1/32']");
    let request = token_request().header("X-Forwarded-For", "192.0.2.7");
    let answer = authority.connect(&process, &[&TLS13]).ask(&request);
    assert!(answer.expect("an answer").starts_with("HTTP/1.1 200 "));
    process.kill();
    let issued = r#""event":"issued""#;
    let log = process.log();
    let line = log.lines().find(|line| line.contains(issued));
    assert!(line.is_some_and(|line| line.contains("192.0.2.7")), "{log}");
}

#[test]
fn a_certificate_of_another_key_is_refused_at_start() {
    let (authority, folder) = (Authority::new(), Folder::new("otherkey"));
    authority.certify(&folder);
    let chain = std::fs::read(folder.file("chain.pem")).expect("it was written");
    authority.certify(&folder);
    std::fs::write(folder.file("chain.pem"), chain).expect("room");
    let config = folder.file("gateway.toml");
    let text = "[server.tls]\ncertificate = 'chain.pem'\nkey = 'key.pem'\n";
    std::fs::write(&config, text).expect("room");
    for command in [
        &["serve", "--listen", "127.0.0.1:0", "--config", &config][..],
        &["config", "check", &config],
    ] {
        let error = refused(command);
        assert!(
            error.contains("gateway.toml:3:7: the key is not"),
            "{error}"
        );
        assert!(error.contains("remedy: "), "{error}");
    }
}
