//! The same over TCP, and beside the simulator.

use std::cell::RefCell;
use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc;
use std::time::Duration;

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use smallgate_core::oauth::AuthorizationServer;
use smallgate_core::profile::STANDARD;
use smallgate_core::time::UnixTime;
use smallgate_firmware::http::{Buffers, Deadlines, Gateway, Peer, Platform, Rooms, serve};
use smallgate_tests::host::{Host, Setup};
use smallgate_tests::rig::Rig;
use smallgate_tests::simulator::Simulator;
use smallgate_tests::wire::{Request, Wire};
use tokio::net::TcpStream;

use crate::scripted::{Bench, REQUEST, nothing};

/// A socket as a board has it.
struct Socket(TcpStream);

impl ErrorType for Socket {
    type Error = ErrorKind;
}

impl Read for Socket {
    async fn read(&mut self, room: &mut [u8]) -> Result<usize, ErrorKind> {
        loop {
            self.0.readable().await.map_err(|_| ErrorKind::Other)?;
            match self.0.try_read(room) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                done => return done.map_err(|_| ErrorKind::Other),
            }
        }
    }
}

impl Write for Socket {
    async fn write(&mut self, octets: &[u8]) -> Result<usize, ErrorKind> {
        loop {
            self.0.writable().await.map_err(|_| ErrorKind::Other)?;
            match self.0.try_write(octets) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                done => return done.map_err(|_| ErrorKind::Other),
            }
        }
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

struct Desktop;

impl Platform<Socket> for Desktop {
    async fn wait(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn close(&self, connection: &mut Socket) {
        let _gone = socket2::SockRef::from(&connection.0).shutdown(Shutdown::Write);
    }

    // It is closed when it is dropped.
    fn abort(&self, _connection: &mut Socket) {}
}

/// One worker, for as long as the tests run.
pub(crate) fn start() -> SocketAddr {
    let (say, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            say.send(listener.local_addr().unwrap()).unwrap();
            let rig = Rig::new(STANDARD);
            let store = RefCell::new(rig.store);
            let bench = Bench::new();
            let devices = RefCell::new(nothing());
            let (server, throttle) = (&rig.server, &rig.throttle);
            let start = UnixTime(0);
            let gateway = Gateway::new(server, throttle, &store, &bench, &devices, 100, start);
            let (mut request, mut sending) = ([0; REQUEST], [0; 1024]);
            let mut answer = [0; AuthorizationServer::ROOM];
            let rooms = Rooms::new();
            assert!(rooms.put(&mut answer).is_ok());
            while let Ok((stream, from)) = listener.accept().await {
                let buffers = Buffers {
                    request: &mut request,
                    rooms: &rooms,
                    sending: &mut sending,
                };
                let mut socket = Socket(stream);
                serve(
                    &mut socket,
                    Peer {
                        address: from.ip(),
                        trusted_proxies: &[],
                    },
                    &Desktop,
                    buffers,
                    &Deadlines::DEFAULT,
                    &gateway,
                )
                .await;
            }
        });
    });
    address.recv().unwrap()
}

/// Everything until the end, with `Date` by its name.
pub(crate) fn rest(address: SocketAddr, octets: &[u8]) -> String {
    let mut wire = Wire::open(address);
    wire.send(octets);
    wire.finish();
    let text = String::from_utf8(wire.rest()).unwrap();
    let lines = text.split_inclusive("\r\n");
    lines
        .map(|line| match line.starts_with("date: ") {
            true => "date: <date>\r\n",
            false => line,
        })
        .collect()
}

#[test]
fn a_worker_serves_one_connection_after_another() {
    let address = start();
    for _ in 0..20 {
        let mut wire = Wire::open(address);
        for _ in 0..5 {
            assert_eq!(wire.ask(&Request::new("GET", "/me/")).status, 401);
            assert_eq!(wire.ask(&Request::new("HEAD", "/me/")).status, 401);
        }
        wire.send(b"garbage\r\n");
        assert_eq!(wire.receive().status, 400);
        assert!(wire.ends());
    }
}

#[test]
fn answers_are_the_simulators_octet_for_octet() {
    let board = start();
    let simulator = Simulator::start(&Setup {
        toml: "profile = \"standard\"\ndemo = true\n".to_owned(),
        clock_set: true,
    });
    let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    let post = |fields: &str, body: &str| {
        format!(
            "POST /oauth/token HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for request in [
        get.repeat(3),
        get.replace("GET", "HEAD"),
        get.replace("GET", "PUT"),
        get.replace("/x", "/me/"),
        get.replace("/x", "http://a/me/"),
        get.replace("/x", "*"),
        get.replace("Host: a", "Host: a\r\nConnection: close"),
        get.replace("/x", "/oauth/token"),
        "GET /x HTTP/1.1\r\n\r\n".to_owned(),
        "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
        "GET /x HTTP/1.0\r\n\r\n".to_owned(),
        "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned(),
        post("", "a=b"),
        post(form, "a=b"),
        post(form, "grant_type=client_credentials"),
        post(form, &"x".repeat(1025)),
        post("Expect: 100-continue\r\n", &"x".repeat(1025)),
        post(form, "a=b").replace("th: 3", "th: 4"),
    ] {
        let expected = rest(simulator.address(), request.as_bytes());
        assert!(expected.starts_with("HTTP/1."), "{request}");
        assert_eq!(rest(board, request.as_bytes()), expected, "{request}");
    }
}
