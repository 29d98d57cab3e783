//! Servers of NATS with JetStream: one, or three in a cluster. Between any two of
//! them there is a wire that can be cut.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::proxy::{Proxy, Wire};
use crate::command::Folder;

/// Debian puts it where a user's `PATH` does not lead.
const NATS: &str = "/usr/sbin/nats-server";

/// How long servers may take to elect a leader.
const PATIENCE: Duration = Duration::from_secs(60);

/// Servers, gone with their handle.
pub struct Servers {
    servers: Vec<Server>,
    /// From one server to another, by their places.
    routes: Vec<(usize, usize, Proxy)>,
    _folder: Folder,
}

struct Server {
    child: Option<Child>,
    configuration: String,
    client: SocketAddr,
    monitor: SocketAddr,
}

impl Servers {
    /// `number` servers that are ready.
    ///
    /// # Panics
    ///
    /// They are not, in a minute.
    #[must_use]
    pub fn start(number: usize) -> Self {
        Self::start_with(number, &|_, _| String::new())
    }

    /// The same with more lines in the configuration of each: by its place, and the
    /// folder for its files.
    ///
    /// # Panics
    ///
    /// They are not, in a minute.
    #[must_use]
    pub fn start_with(number: usize, more: &dyn Fn(usize, &Path) -> String) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = Folder::new(&format!("nats-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let ports = free(number * 3);
        let (clients, rest) = ports.split_at(number);
        let (monitors, listens) = rest.split_at(number);
        let pairs = (0..number).flat_map(|from| (0..number).map(move |to| (from, to)));
        let routes: Vec<_> = pairs
            .filter(|(from, to)| from != to)
            .map(|(from, to)| (from, to, Proxy::to(listens[to])))
            .collect();
        let servers = (0..number).map(|at| {
            let (client, monitor) = (clients[at], monitors[at]);
            let store = folder.file(&format!("n{at}"));
            let mut text = format!(
                "server_name: n{at}\nlisten: \"{client}\"\nhttp: \"{monitor}\"\n\
                 jetstream {{ store_dir: \"{store}\" }}\n{}",
                more(at, &folder.0)
            );
            if number > 1 {
                let mine = routes.iter().filter(|(from, _, _)| *from == at);
                let mine = mine.map(|(_, _, proxy)| format!("nats-route://{}", proxy.address));
                // Nobody is at the address that is told to others, so that they
                // know each other by these wires alone.
                text += &format!(
                    "cluster {{ name: fleet, listen: \"{}\", advertise: \"127.0.0.1:1\"\n\
                     no_advertise: true, routes: [{}] }}\n",
                    listens[at],
                    mine.collect::<Vec<_>>().join(", ")
                );
            }
            let configuration = folder.file(&format!("n{at}.conf"));
            std::fs::write(&configuration, text).expect("a file");
            Server {
                child: None,
                configuration,
                client,
                monitor,
            }
        });
        let mut servers = Servers {
            servers: servers.collect(),
            routes,
            _folder: folder,
        };
        servers.start_all();
        servers.wait_until_ready();
        servers
    }

    /// Where clients connect to each of them.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.client).collect()
    }

    /// Starts those that do not run.
    ///
    /// # Panics
    ///
    /// There is no `nats-server`.
    pub fn start_all(&mut self) {
        for server in &mut self.servers {
            if server.child.is_none() {
                server.child = Some(
                    Command::new(NATS)
                        .args(["--config", &server.configuration])
                        .stdin(Stdio::null())
                        .stdout(Stdio::null())
                        .stderr(Stdio::null())
                        .spawn()
                        .expect("nats-server starts"),
                );
            }
        }
    }

    /// Kills the server at this place, with no word.
    pub fn kill(&mut self, at: usize) {
        if let Some(mut child) = self.servers[at].child.take() {
            let _ended_already = child.kill();
            let _reaped = child.wait();
        }
    }

    /// Kills them all.
    pub fn kill_all(&mut self) {
        for at in 0..self.servers.len() {
            self.kill(at);
        }
    }

    /// Stops the server at this place where it is, or lets it go on.
    ///
    /// # Panics
    ///
    /// It is not there.
    pub fn pause(&self, at: usize, paused: bool) {
        let child = self.servers[at].child.as_ref().expect("it runs");
        let signal = if paused { "-STOP" } else { "-CONT" };
        let status = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(status.expect("kill starts").success(), "{signal}");
    }

    /// Has the wires between the server at this place and the others be so.
    pub fn route(&self, at: usize, wire: Wire) {
        for (from, to, proxy) in &self.routes {
            if *from == at || *to == at {
                proxy.be(wire);
            }
        }
    }

    /// Whether every server has taken the same messages of a stream, as soon as it
    /// has: which one was the last. How many it still has may differ in 2.9.10: one
    /// that was away keeps some that were replaced meanwhile.
    #[must_use]
    pub fn agree(&self, stream: &str, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let states = self.servers.iter().map(|server| {
                let stream = server.stream(stream)?;
                stream["state"]["last_seq"].as_u64()
            });
            let states: Vec<_> = states.collect();
            if states[0].is_some() && states.iter().all(|state| *state == states[0]) {
                return true;
            }
            if Instant::now() > deadline {
                eprintln!("{stream}: the last message of each server: {states:?}");
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Which one leads the stream, as most of those say that run.
    #[must_use]
    pub fn leader(&self, stream: &str) -> Option<usize> {
        let votes: Vec<usize> = self
            .servers
            .iter()
            .filter_map(|server| {
                let stream = server.stream(stream)?;
                let name = stream["cluster"]["leader"].as_str()?.to_owned();
                name.strip_prefix('n')?.parse().ok()
            })
            .collect();
        let count = |at: &usize| votes.iter().filter(|vote| *vote == at).count();
        let first = (0..self.servers.len()).max_by_key(count)?;
        (count(&first) * 2 > self.servers.len()).then_some(first)
    }

    /// Which one leads the stream, as soon as there is one.
    ///
    /// # Panics
    ///
    /// There is none in time.
    pub fn wait_for_leader(&self, stream: &str) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(leader) = self.leader(stream) {
                return leader;
            }
            assert!(Instant::now() < deadline, "no leader of {stream}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        let number = self.servers.len();
        let is_ready = |server: &Server| {
            let shown = server.ask("/jsz").unwrap_or_default();
            let meta = &shown["meta_cluster"];
            let others = meta["replicas"].as_array().map_or(0, Vec::len);
            // The leader alone knows the others.
            let knows = meta["leader"].as_str().is_some_and(|name| !name.is_empty());
            number == 1 && shown["config"].is_object()
                || knows && (others == 0 || others + 1 == number)
        };
        while !self.servers.iter().all(is_ready) {
            assert!(Instant::now() < deadline, "the servers are not ready");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Server {
    /// What it shows of a stream.
    fn stream(&self, name: &str) -> Option<Value> {
        let shown = self.ask("/jsz?accounts=1&streams=1")?;
        let accounts = shown["account_details"].as_array()?.iter();
        let mut streams = accounts.filter_map(|one| one["stream_detail"].as_array());
        let found = streams.find_map(|streams| streams.iter().find(|one| one["name"] == name));
        found.cloned()
    }

    /// What its monitor shows.
    fn ask(&self, path: &str) -> Option<Value> {
        self.child.as_ref()?;
        let mut stream = TcpStream::connect(self.monitor).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_millis(500)))
            .ok()?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        serde_json::from_str(body).ok()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Ports that nobody has now, and that the system gives to nobody who asks for any:
/// a server that was killed comes back to its own.
fn free(number: usize) -> Vec<SocketAddr> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 18_000;
    const PORTS: u32 = 14_000;
    let mut listeners = Vec::new();
    while listeners.len() < number {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(next < PORTS, "no port is free");
        let port = FIRST + (std::process::id().wrapping_mul(97).wrapping_add(next)) % PORTS;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).expect("a port")));
        listeners.extend(TcpListener::bind(address));
    }
    let address = |listener: &TcpListener| listener.local_addr().expect("it has one");
    listeners.iter().map(address).collect()
}
