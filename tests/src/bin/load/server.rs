//! The simulator as a process, and what it is asked.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A configuration of the simulator and the request that is sent to it.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    arguments: Vec<String>,
    pub(crate) path: &'static str,
    /// `Basic` credentials in base64, if the client is to use them.
    pub(crate) basic: Option<&'static str>,
    pub(crate) form: &'static str,
}

/// `demo:demo-secret-demo-secret-demo-secret`
const DEMO: &str = "ZGVtbzpkZW1vLXNlY3JldC1kZW1vLXNlY3JldC1kZW1vLXNlY3JldA==";

/// The demonstration's client; the key, HS256 in place of the ES256 made at
/// start, goes where KEY is.
const STANDARD_HS256: &str = r#"
profile = "standard"
demo = true
scopes = ["read", "write"]
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
    let key = Command::new(binary)
        .args(["key", "new", "hs256"])
        .output()
        .expect("the simulator runs");
    assert!(key.status.success(), "no key: {key:?}");
    let key = String::from_utf8(key.stdout).expect("a JWK");
    let config = std::env::temp_dir().join(format!("smallgate-load-{}.toml", std::process::id()));
    std::fs::write(&config, STANDARD_HS256.replace("KEY", key.trim())).expect("a temporary file");

    let standard = |name, arguments| Scenario {
        name,
        arguments,
        path: "/oauth/token",
        basic: Some(DEMO),
        form: "grant_type=client_credentials",
    };
    let with = |option: &str, value: String| vec![option.to_owned(), value];
    [
        standard(
            "client_credentials HS256",
            with("--config", config.display().to_string()),
        ),
        standard(
            "client_credentials ES256",
            with("--profile", "standard".into()),
        ),
        Scenario {
            name: "client_credentials HS256, refresh token",
            arguments: with("--profile", "teen-quotes".into()),
            path: "/oauth",
            basic: None,
            form: "grant_type=client_credentials&client_id=42&client_secret=IZgwaBTZ2EdtT3hT7UzG2rLQ8S0Vmu9GDxeHwcPz",
        },
    ]
}

/// Builds the simulator as it is released, and says where it is.
pub(crate) fn build() -> PathBuf {
    let build = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "-p", "smallgate"])
        .args(["--message-format", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(build.status.success(), "the release build failed");
    String::from_utf8(build.stdout)
        .expect("text")
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the executable")
}

/// A running simulator, stopped when it is let go.
pub(crate) struct Server {
    child: Child,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
}

impl Server {
    /// Starts it on a free port and waits for the line that says so. Its log
    /// is written, to nowhere.
    pub(crate) fn start(binary: &Path, scenario: &Scenario) -> Self {
        let mut child = Command::new(binary)
            .arg("serve")
            .args(&scenario.arguments)
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
            .unwrap_or_else(|| panic!("no start, but {line:?}: run {:?}", scenario.arguments))
            .to_owned();
        Server { child, address }
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
