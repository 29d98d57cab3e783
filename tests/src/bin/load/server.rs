//! The simulator as a process, and what it is asked.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use smallgate_tests::build::executable;
use smallgate_tests::simulator::Temporary;

/// A configuration of the simulator and the request that is sent to it.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    profile: &'static str,
    pub(crate) path: &'static str,
    /// `Basic` credentials in base64, if the client is to use them.
    pub(crate) basic: Option<&'static str>,
    pub(crate) form: &'static str,
    /// In the place of the demonstration.
    configuration: Option<Temporary>,
}

/// `demo:demo-secret-demo-secret-demo-secret`
const DEMO: &str = "ZGVtbzpkZW1vLXNlY3JldC1kZW1vLXNlY3JldC1kZW1vLXNlY3JldA==";

/// The demonstration's client with HS256 in place of the ES256 made at start;
/// the key goes where KEY is, the rest of `[server]` where SERVER is.
const STANDARD_HS256: &str = r#"
profile = "standard"
demo = true
scopes = ["read", "write"]
[server]
SERVER
[keys]
signing = 'KEY'
[[client]]
id = "demo"
secret = "demo-secret-demo-secret-demo-secret"
grants = ["client_credentials"]
scopes = ["read", "write"]
"#;

/// HS256 and ES256 with nothing stored, and HS256 with a refresh token each.
pub(crate) fn scenarios(binary: &Path) -> [Scenario; 3] {
    [
        Scenario::served(binary, "client_credentials HS256", ""),
        Scenario::standard("client_credentials ES256"),
        Scenario {
            name: "client_credentials HS256, refresh token",
            profile: "teen-quotes",
            path: "/oauth",
            basic: None,
            form: "grant_type=client_credentials&client_id=42&client_secret=IZgwaBTZ2EdtT3hT7UzG2rLQ8S0Vmu9GDxeHwcPz",
            configuration: None,
        },
    ]
}

impl Scenario {
    fn standard(name: &'static str) -> Self {
        Scenario {
            name,
            profile: "standard",
            path: "/oauth/token",
            basic: Some(DEMO),
            form: "grant_type=client_credentials",
            configuration: None,
        }
    }

    /// Tokens by HS256, with these lines in `[server]`.
    pub(crate) fn served(binary: &Path, name: &'static str, server: &str) -> Self {
        let key = Command::new(binary)
            .args(["key", "new", "hs256"])
            .output()
            .expect("the simulator runs");
        assert!(key.status.success(), "no key: {key:?}");
        let key = String::from_utf8(key.stdout).expect("a JWK");
        let text = STANDARD_HS256
            .replace("KEY", key.trim())
            .replace("SERVER", server);
        Scenario {
            configuration: Some(Temporary::new(&text)),
            ..Self::standard(name)
        }
    }

    /// The same of a client that proves itself by these.
    pub(crate) fn with_basic(self, credentials: &'static str) -> Self {
        Scenario {
            basic: Some(credentials),
            ..self
        }
    }
}

/// Builds the simulator as it is released, and says where it is.
pub(crate) fn build() -> PathBuf {
    executable(&["--release", "--package", "smallgate"])
}

/// A running simulator, stopped when it is let go.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it on a free port and waits for the line that says so. Its log
    /// is written, to nowhere.
    pub(crate) fn start(binary: &Path, scenario: &Scenario) -> Self {
        let configuration = scenario.configuration.as_ref().map(Temporary::path);
        let mut child = Command::new(binary)
            .arg("serve")
            .args(["--profile", scenario.profile])
            .args(
                configuration
                    .into_iter()
                    .flat_map(|path| ["--config", path]),
            )
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the simulator starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("a first line");
        let address = line
            .trim_end()
            .strip_prefix("listening on http://")
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| {
                panic!(
                    "no start, but {line:?}: run it with --profile {}",
                    scenario.profile
                )
            });
        Server { child, address }
    }

    /// How many files it has open.
    pub(crate) fn files(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        files.expect("Linux's /proc").count()
    }

    /// Waits until it has no more than `files` open: connections that clients have
    /// ended take it a moment to end.
    pub(crate) fn wait_for(&self, files: usize) {
        for _ in 0..1000 {
            if self.files() <= files {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{} files are open, and not {files}", self.files());
    }

    /// `VmRSS` (proc_pid_status(5)).
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        status
            .expect("Linux's /proc")
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok())
            .expect("a VmRSS")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
