//! HTTP/1.1 octet by octet: what a test writes is what is sent, and the whole
//! answer is there to be looked at.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long a client waits for anything before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it will be sent: nothing is added to it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request line, without its end.
    pub line: String,
    /// The header fields, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request for `target`, with a `Host` field.
    pub fn new(method: &str, target: &str) -> Self {
        Request {
            line: format!("{method} {target} HTTP/1.1"),
            headers: Vec::new(),
            body: Vec::new(),
        }
        .header("Host", "as.example")
    }

    /// A request with a request line and nothing else.
    pub fn bare(line: &str) -> Self {
        Request {
            line: line.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a body, its type and its length.
    #[must_use]
    pub fn body(self, content_type: &str, body: &str) -> Self {
        let length = body.len().to_string();
        self.header("Content-Type", content_type)
            .header("Content-Length", &length)
            .content(body)
    }

    /// Adds a body and nothing that announces it.
    #[must_use]
    pub fn content(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    /// Adds a form.
    #[must_use]
    pub fn form(self, body: &str) -> Self {
        self.body("application/x-www-form-urlencoded", body)
    }

    /// The octets on the wire.
    pub fn octets(&self) -> Vec<u8> {
        let mut octets = head(&self.line, &self.headers)
            .replace('\n', "\r\n")
            .into_bytes();
        octets.extend(&self.body);
        octets
    }

    /// As it stands in a golden file.
    pub fn text(&self) -> String {
        head(&self.line, &self.headers) + &String::from_utf8_lossy(&self.body)
    }
}

/// An answer, taken apart and nothing left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status line, without its end.
    pub line: String,
    /// The status.
    pub status: u16,
    /// The header fields, in their order and their spelling.
    pub headers: Vec<(String, String)>,
    /// The body, without any transfer coding.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of the one header field of this name; none if there is none.
    ///
    /// # Panics
    ///
    /// There are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} came twice: {self:?}");
        value
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// A member of the body that is text.
    pub fn member(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {}", self.text()))
            .to_owned()
    }

    /// Status and error code: what most tests are about.
    pub fn outcome(&self) -> (u16, String) {
        let error = match self.body.as_slice() {
            [] => String::new(),
            _ => self.json()["error"].as_str().unwrap_or_default().to_owned(),
        };
        (self.status, error)
    }

    /// As it stands in a golden file.
    pub fn pretty(&self) -> String {
        head(&self.line, &self.headers) + &String::from_utf8_lossy(&self.body)
    }
}

fn head(line: &str, headers: &[(String, String)]) -> String {
    let mut text = format!("{line}\n");
    for (name, value) in headers {
        writeln!(text, "{name}: {value}").expect("a String takes all");
    }
    text.push('\n');
    text
}

/// Reads until it is not interrupted: a machine that was stopped for a moment ends
/// what waits for a socket with a deadline (signal(7)).
///
/// # Errors
///
/// Any other that `read` has.
pub fn uninterrupted<T>(mut read: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match read() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// A connection.
pub struct Wire {
    stream: TcpStream,
    /// Octets that were read and belong to the next answer.
    ahead: Vec<u8>,
}

impl Wire {
    /// Connects to `address`.
    ///
    /// # Panics
    ///
    /// Nobody listens there.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("it listens");
        Self::over(stream)
    }

    /// Connects from another address of this machine.
    ///
    /// # Panics
    ///
    /// Nobody listens there, or this machine does not have the address.
    pub fn open_from(source: IpAddr, address: SocketAddr) -> Self {
        use socket2::{Domain, Socket, Type};
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        let source = SocketAddr::new(source, 0);
        socket
            .bind(&source.into())
            .expect("an address of this machine");
        socket
            .connect_timeout(&address.into(), PATIENCE)
            .expect("it listens");
        Self::over(socket.into())
    }

    /// Asks on a connection of its own, of a server that may go away meanwhile:
    /// nothing unless the whole answer came.
    pub fn attempt(address: SocketAddr, request: &Request) -> Option<Response> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        let mut wire = Self::over(stream);
        let request = request.clone().header("Connection", "close");
        wire.stream.write_all(&request.octets()).ok()?;
        // What was read before it was cut off may be whole.
        let _cut_off = wire.stream.read_to_end(&mut wire.ahead);
        let end = wire.ahead.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&wire.ahead[..end]).to_ascii_lowercase();
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length: "))?;
        let is_whole = length.parse::<usize>().ok()? <= wire.ahead.len() - end;
        is_whole.then(|| wire.receive())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a deadline");
        stream.set_nodelay(true).expect("no delay");
        Wire {
            stream,
            ahead: Vec::new(),
        }
    }

    /// Sends octets. That the server has gone meanwhile is no error here: what
    /// counts is what it said.
    pub fn send(&mut self, octets: &[u8]) {
        let _gone = self.stream.write_all(octets);
    }

    /// Sends no more, as a client that has said everything.
    pub fn finish(&mut self) {
        let _gone = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Sends a request and takes its answer.
    pub fn ask(&mut self, request: &Request) -> Response {
        self.send(&request.octets());
        match request.line.starts_with("HEAD ") {
            true => self.receive_head(),
            false => self.receive(),
        }
    }

    /// Takes an answer.
    pub fn receive(&mut self) -> Response {
        let mut response = self.receive_head();
        let number = |text: &str| text.parse::<usize>().expect("a length");
        let encoding = response.header("transfer-encoding").map(str::to_owned);
        let length = response.header("content-length").map(number);
        response.body = match (encoding.as_deref(), length, response.status) {
            (None, None, 204 | 304 | 100..200) => Vec::new(),
            (None, Some(length), status) if status != 204 => self.octets(length),
            other => panic!("framing that no answer here has: {other:?}"),
        };
        response
    }

    /// Takes an answer that has no body whatever its fields say: one to `HEAD`.
    pub fn receive_head(&mut self) -> Response {
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let line = lines.remove(0);
        let mut words = line.splitn(3, ' ');
        assert_eq!(words.next(), Some("HTTP/1.1"), "{line}");
        let status = words
            .next()
            .and_then(|word| word.parse().ok())
            .expect("a status");
        let headers = lines
            .iter()
            .map(|line| {
                let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
                (name.to_owned(), value.to_owned())
            })
            .collect();
        Response {
            line,
            status,
            headers,
            body: Vec::new(),
        }
    }

    /// Whether the server ends the connection with nothing more to say.
    pub fn ends(&mut self) -> bool {
        self.ahead.is_empty() && !self.read_more()
    }

    /// Everything that comes until the server ends the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.read_more() {}
        std::mem::take(&mut self.ahead)
    }

    /// Whether nothing comes within `patience`.
    pub fn is_silent_for(&mut self, patience: Duration) -> bool {
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a deadline");
        let mut octet = [0];
        let silent = match uninterrupted(|| self.stream.peek(&mut octet)) {
            Ok(_) => false,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a deadline");
        silent
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|octets| octets == b"\r\n") {
                let line: Vec<u8> = self.ahead.drain(..end + 2).take(end).collect();
                return String::from_utf8(line).expect("a head of text");
            }
            let more = self.read_more();
            assert!(more, "the connection ended within a head: {:?}", self.ahead);
        }
    }

    fn octets(&mut self, length: usize) -> Vec<u8> {
        while self.ahead.len() < length {
            let more = self.read_more();
            assert!(more, "the connection ended within a body: {:?}", self.ahead);
        }
        self.ahead.drain(..length).collect()
    }

    fn read_more(&mut self) -> bool {
        let mut room = [0; 4096];
        match uninterrupted(|| self.stream.read(&mut room)) {
            Ok(0) => false,
            Ok(length) => {
                self.ahead.extend(&room[..length]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}
