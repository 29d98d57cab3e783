//! A client of keep-alive connections: one thread each, one request at a time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::server::{Scenario, Server};

/// A server that does not answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// An address of this machine. Each has as many ports as a part may use up, for
/// they stay taken for a minute.
pub(crate) const fn place(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, number))
}

/// Where requests come from that are to be answered as always.
pub(crate) const HERE: IpAddr = place(1);

/// What is sent, and where to.
pub(crate) struct TokenRequest {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
    pub(crate) basic: Option<&'static str>,
    pub(crate) form: &'static str,
    pub(crate) octets: Vec<u8>,
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
            address: server.address,
            path: scenario.path,
            basic: scenario.basic,
            form: scenario.form,
            octets: octets.into_bytes(),
        }
    }
}

/// What came of requests that were sent for some time.
pub(crate) struct Found {
    /// Answers in a second.
    pub(crate) rate: f64,
    pub(crate) median_ms: f64,
    /// 99 of 100 took at most so long.
    pub(crate) most_ms: f64,
}

/// Sends `requests` over `connections`; every answer must be a token.
pub(crate) fn send(request: &TokenRequest, connections: u32, requests: u32) {
    let left = AtomicU32::new(requests);
    let one_more = || {
        left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
            .is_ok()
    };
    parallel(connections, &|| {
        let mut connection = Connection::open(HERE, request.address).expect("a connection");
        while one_more() {
            connection.ask_for_a_token(request);
        }
    });
}

/// Sends requests over `connections` for `length`; every answer must be a
/// token.
pub(crate) fn found(request: &TokenRequest, connections: u32, length: Duration) -> Found {
    let all = Mutex::new(Vec::new());
    let start = Instant::now();
    parallel(connections, &|| {
        let mut connection = Connection::open(HERE, request.address).expect("a connection");
        let mut took = Vec::new();
        while start.elapsed() < length {
            let asked = Instant::now();
            connection.ask_for_a_token(request);
            took.push(asked.elapsed());
        }
        all.lock().expect("nobody panics with it").extend(took);
    });
    let elapsed = start.elapsed();
    let mut all = all.into_inner().expect("nobody panicked with it");
    all.sort_unstable();
    let at = |of_100: usize| all[(all.len() * of_100 / 100).min(all.len() - 1)];
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    let rate = all.len() as f64 / elapsed.as_secs_f64();
    Found {
        rate,
        median_ms: ms(at(50)),
        most_ms: ms(at(99)),
    }
}

fn parallel(connections: u32, one: &(dyn Fn() + Sync)) {
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(one);
        }
    });
}

/// Connections that have been given a token each, and stay.
pub(crate) fn come(request: &TokenRequest, many: u32, from: IpAddr) -> Vec<Connection> {
    let come = |number| {
        let mut connection = Connection::open(from, request.address).expect("it listens");
        let answer = connection.ask(&request.octets).expect("an answer in time");
        assert_eq!(answer.status, 200, "{number}");
        connection
    };
    (0..many).map(come).collect()
}

/// Tells threads beside that it is enough when it goes, by a panic too: they would
/// be waited for otherwise.
pub(crate) struct Enough<'f>(pub(crate) &'f AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// A connection that is kept.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: bool,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects from the address `source` of this machine.
    pub(crate) fn open(source: IpAddr, address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // Bound to an address first, a port is taken for all destinations.
        if source != HERE {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        socket.connect_timeout(&address.into(), PATIENCE)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection {
            // There may be thousands.
            reader: BufReader::with_capacity(1024, stream),
        })
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.reader.get_mut()
    }

    /// Asks, and must be given a token.
    fn ask_for_a_token(&mut self, request: &TokenRequest) {
        let answer = self.ask(&request.octets).expect("an answer in time");
        assert!(
            answer.status == 200 && answer.body.starts_with(b"{\"access_token\":\"eyJ"),
            "answered {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream().write_all(request)?;
        self.answer()
    }

    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        let wrong = || io::Error::from(io::ErrorKind::InvalidData);
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let status = line
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3));
        let status = status.and_then(|status| status.parse().ok());
        let status = status.ok_or_else(wrong)?;
        let (mut length, mut retry_after) = (0, false);
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            retry_after |= name.eq_ignore_ascii_case("retry-after");
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| wrong())?;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }
}
