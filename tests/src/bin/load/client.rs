//! A client of keep-alive connections: one thread each, one request at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::server::{Scenario, Server};

/// A server that does not answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is sent, and where to.
pub(crate) struct TokenRequest {
    pub(crate) address: String,
    pub(crate) path: &'static str,
    pub(crate) basic: Option<&'static str>,
    pub(crate) form: &'static str,
    octets: Vec<u8>,
}

impl TokenRequest {
    pub(crate) fn new(server: &Server, scenario: &Scenario) -> Self {
        let authorization = scenario.basic.map_or(String::new(), |credentials| {
            format!("Authorization: Basic {credentials}\r\n")
        });
        let octets = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\n{authorization}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{}",
            scenario.path,
            server.address,
            scenario.form.len(),
            scenario.form
        );
        TokenRequest {
            address: server.address.clone(),
            path: scenario.path,
            basic: scenario.basic,
            form: scenario.form,
            octets: octets.into_bytes(),
        }
    }
}

/// Sends `requests` over `connections`; every answer must be a token.
pub(crate) fn send(request: &TokenRequest, connections: u32, requests: u32) {
    let left = AtomicU32::new(requests);
    let one_more = || {
        left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
            .is_ok()
    };
    parallel(request, connections, &one_more);
}

/// Answers a second while requests are sent for `length`.
pub(crate) fn rate(request: &TokenRequest, connections: u32, length: Duration) -> f64 {
    let sent = AtomicU32::new(0);
    let start = Instant::now();
    let one_more = || {
        let more = start.elapsed() < length;
        sent.fetch_add(u32::from(more), Relaxed);
        more
    };
    parallel(request, connections, &one_more);
    f64::from(sent.load(Relaxed)) / start.elapsed().as_secs_f64()
}

fn parallel(request: &TokenRequest, connections: u32, one_more: &(dyn Fn() -> bool + Sync)) {
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let stream = TcpStream::connect(&request.address).expect("a connection");
                stream.set_nodelay(true).expect("a socket option");
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                let mut reader = BufReader::new(stream);
                while one_more() {
                    let sent = reader.get_mut().write_all(&request.octets);
                    sent.expect("the connection is kept");
                    read_token(&mut reader);
                }
            });
        }
    });
}

/// Reads one response, which must be a 200 with an access token.
fn read_token(reader: &mut BufReader<TcpStream>) {
    let mut length = 0;
    let mut line = String::new();
    let mut first = true;
    loop {
        line.clear();
        reader.read_line(&mut line).expect("an answer in time");
        if first {
            assert!(line.starts_with("HTTP/1.1 200 "), "answered {line:?}");
            first = false;
        }
        if line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or(("", ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a whole body");
    assert!(
        body.starts_with(b"{\"access_token\":\"eyJ"),
        "{}",
        String::from_utf8_lossy(&body)
    );
}
