//! The simulator, killed under load, and what its clients hold against it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::simulator::{Process, Temporary, binary};

/// Clients that refresh at the same time.
const CLIENTS: usize = 8;

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Kills {
    /// How often the process was killed.
    pub rounds: u64,
    /// Answers with a token.
    pub answers: u64,
    /// What had ended was good again.
    pub lost: u64,
    /// A token two generations back was good.
    pub doubled: u64,
    /// The newest token that came was not good.
    pub stranded: u64,
}

/// A folder that goes with what is in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A configuration and a store for a simulator, which go with this.
pub struct Load {
    folder: Folder,
    configuration: Temporary,
    store: String,
}

impl Load {
    /// A configuration with keys, and no store yet.
    ///
    /// # Panics
    ///
    /// There is no room for it.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "smallgate-load-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = Folder(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).expect("a folder");
        Load {
            store: format!("file:{}", folder.0.join("grants.flash").display()),
            configuration: Temporary::new(&configuration()),
            folder,
        }
    }

    /// What a simulator is started with.
    #[must_use]
    pub fn arguments(&self) -> [&str; 4] {
        [
            "--config",
            self.configuration.path(),
            "--store",
            &self.store,
        ]
    }

    /// The file of the store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.folder.0.join("grants.flash")
    }

    /// The refresh tokens of so many new grants.
    #[must_use]
    pub fn tokens(&self, address: SocketAddr, grants: usize) -> Vec<String> {
        (0..grants)
            .flat_map(|_| Client::log_in(address).tokens)
            .collect()
    }

    /// The successor of a refresh token, if the token is good.
    #[must_use]
    pub fn refresh(&self, address: SocketAddr, refresh_token: &str) -> Option<String> {
        let (status, body) = refresh(address, refresh_token)?;
        (status == 200).then(|| token(&body))
    }

    /// The same as octets to be sent.
    #[must_use]
    pub fn refresh_request(&self, refresh_token: &str) -> String {
        request(&refresh_form(refresh_token))
    }
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}

/// A client and all the refresh tokens that it was given.
struct Client {
    tokens: Vec<String>,
}

/// Kills the simulator `rounds` times while clients refresh, and lets each of
/// them go on with the newest token that it has.
///
/// # Panics
///
/// The simulator does not start.
#[must_use]
pub fn kill(rounds: u64) -> Kills {
    let load = Load::new();
    let arguments = load.arguments();
    let mut kills = Kills::default();
    let mut process = Process::serve(&arguments);
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|_| Client::log_in(process.address))
        .collect();
    // One more, whose end was answered.
    let ended = Client::log_in(process.address);
    let mut thief = Client {
        tokens: ended.tokens.clone(),
    };
    for _ in 0..2 {
        assert_eq!(thief.refresh(process.address), Some(200));
    }
    assert_eq!(
        refresh(process.address, &ended.tokens[0]).map(|(status, _)| status),
        Some(400)
    );

    for round in 0..rounds {
        let address = process.address;
        let answers = std::thread::scope(|scope| {
            let threads: Vec<_> = clients
                .iter_mut()
                .map(|client| {
                    scope.spawn(move || {
                        let mut answers = 0;
                        // 503 is an answer to come back after.
                        while let Some(status) = client.refresh(address) {
                            match status {
                                200 => answers += 1,
                                503 => {}
                                _ => return (answers, 1),
                            }
                        }
                        (answers, 0)
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(30 + round * 37 % 120));
            process.kill();
            let done = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"));
            done.fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
        });
        kills.answers += answers.0;
        kills.stranded += answers.1;
        kills.rounds += 1;
        process = Process::serve(&arguments);
        for client in &mut clients {
            kills.stranded += u64::from(client.refresh(process.address) != Some(200));
        }
        let again = refresh(process.address, thief.tokens.last().expect("two"));
        kills.lost += u64::from(again.map(|(status, _)| status) != Some(400));
    }
    for client in &clients {
        let old = refresh(process.address, &client.tokens[0]);
        kills.doubled += u64::from(old.map(|(status, _)| status) != Some(400));
    }
    process.kill();
    kills.lost += u64::from(!shows(&load.store(), CLIENTS + 1));
    kills
}

/// Refreshes in a second with grants in memory, and with grants in a file.
///
/// # Panics
///
/// The simulator does not start.
#[must_use]
pub fn rates() -> [u64; 2] {
    const SECONDS: u64 = 3;
    let load = Load::new();
    let [config, path, store, file] = load.arguments();
    [[config, path, store, "memory"], [config, path, store, file]].map(|arguments| {
        let process = Process::serve(&arguments);
        let address = process.address;
        let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::log_in(address)).collect();
        let end = Instant::now() + Duration::from_secs(SECONDS);
        let answers: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = clients
                .iter_mut()
                .map(|client| {
                    scope.spawn(move || {
                        let mut answers = 0;
                        while Instant::now() < end {
                            answers += u64::from(client.refresh(address) == Some(200));
                        }
                        answers
                    })
                })
                .collect();
            let done = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"));
            done.sum()
        });
        answers / SECONDS
    })
}

/// Whether `smallgate store show` tells of so many grants, all of them revoked.
fn shows(path: &std::path::Path, grants: usize) -> bool {
    let output = Command::new(binary())
        .args(["store", "show"])
        .arg(path)
        .output();
    let output = output.expect("smallgate starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success() && text.matches("revoked: RefreshReused").count() == grants
}

impl Client {
    fn log_in(address: SocketAddr) -> Self {
        let form =
            "grant_type=password&username=admin%40break-out.org&password=password&scope=read";
        let (status, body) = post(address, form).expect("it answers");
        assert_eq!(status, 200, "{body}");
        Client {
            tokens: vec![token(&body)],
        }
    }

    /// Uses the newest token; nothing if no whole answer came.
    fn refresh(&mut self, address: SocketAddr) -> Option<u16> {
        let (status, body) = refresh(address, self.tokens.last()?)?;
        if status == 200 {
            self.tokens.push(token(&body));
        }
        Some(status)
    }
}

fn refresh(address: SocketAddr, token: &str) -> Option<(u16, String)> {
    post(address, &refresh_form(token))
}

fn refresh_form(token: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={token}")
}

fn token(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    body["refresh_token"].as_str().expect("a token").to_owned()
}

/// Asks on a connection of its own; nothing if no whole answer comes.
fn post(address: SocketAddr, form: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    stream.write_all(request(form).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    })?;
    (length.parse() == Ok(body.len())).then(|| (status, body.to_owned()))
}

fn request(form: &str) -> String {
    format!(
        "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Basic YnJlYWtvdXRfYXBwOjEyMzQ1Njc4OQ==\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

fn configuration() -> String {
    let key = Command::new(binary())
        .args(["key", "new", "hs256"])
        .output();
    let key = key.expect("smallgate makes keys").stdout;
    let key = String::from_utf8(key).expect("text");
    let handle = Command::new(binary())
        .args(["key", "new", "handle"])
        .output();
    let handle = handle.expect("smallgate makes keys").stdout;
    let handle = String::from_utf8(handle).expect("text");
    format!(
        r#"
profile = "breakout"
rotation = "rotate"
issuer = "https://as.example"
demo = true
scopes = ["read", "write"]

[keys]
signing = '''{}'''
{handle}

[[client]]
id = "breakout_app"
secret = "123456789"
grants = ["password", "refresh_token"]

[[user]]
username = "admin@break-out.org"
sub = "94173"
password = "password"
"#,
        key.trim()
    )
}
