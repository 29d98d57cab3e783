//! A server with a configuration that changes.

use std::process::Command;

use smallgate_tests::command::{Folder, said};
use smallgate_tests::simulator::{Process, binary};
use smallgate_tests::suite::session::{basic, post};
use smallgate_tests::wire::{Request, Response, Wire};

pub(crate) const SECRET: &str = "0123456789abcdefghijklmnop";

/// A running server, and the folder of its configuration.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    pub(crate) folder: Folder,
}

/// A client of this name, for `[[client]]`.
pub(crate) fn client(id: &str) -> String {
    format!("[[client]]\nid = '{id}'\nsecret = '{SECRET}'\ngrants = ['client_credentials']\n")
}

/// A private key that signs.
pub(crate) fn key() -> String {
    said(&["key", "new", "es256"]).trim().to_owned()
}

/// Asks for a token of the client `id`.
pub(crate) fn token_request(id: &str) -> Request {
    let authorization = basic((id, SECRET));
    post(
        "/oauth/token",
        Some(&authorization),
        "grant_type=client_credentials",
    )
}

impl Gateway {
    pub(crate) fn start(name: &str, config: &str) -> Self {
        Self::start_with(name, config, &[], |_| {})
    }

    /// The same with more arguments, and a command that is made ready.
    pub(crate) fn start_with(
        name: &str,
        config: &str,
        arguments: &[&str],
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let folder = Folder::new(name);
        let file = folder.file("gateway.toml");
        std::fs::write(&file, config).expect("room");
        let mut command = Command::new(binary());
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "json"])
            .args(["--config", &file])
            .args(arguments);
        prepare(&mut command);
        Gateway {
            process: Process::listening(&mut command),
            folder,
        }
    }

    pub(crate) fn configure(&self, config: &str) {
        std::fs::write(self.folder.file("gateway.toml"), config).expect("room");
    }

    pub(crate) fn ask(&self, request: &Request) -> Response {
        Wire::open(self.process.address).ask(request)
    }

    pub(crate) fn token(&self, id: &str) -> Response {
        self.ask(&token_request(id))
    }

    /// What `/me/` says to a token.
    pub(crate) fn me(&self, token: &Response) -> u16 {
        let authorization = format!("Bearer {}", token.member("access_token"));
        self.ask(&Request::new("GET", "/me/").header("Authorization", &authorization))
            .status
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args([name, &id]).status();
        assert!(told.expect("kill").success());
    }

    /// Has the configuration read again; what is logged of it.
    pub(crate) fn reload(&self) -> String {
        let count = |log: &str| log.matches(r#""event":"reload"#).count();
        let before = count(&self.process.log());
        self.signal("-HUP");
        let log = self.process.log_with(|log| count(log) > before);
        let mut lines = log.lines().rev();
        let line = lines.find(|line| line.contains(r#""event":"reload"#));
        line.expect("it was counted").to_owned()
    }

    /// The same, and it is taken.
    pub(crate) fn reloaded(&self) {
        let line = self.reload();
        assert!(line.contains(r#""event":"reloaded""#), "{line}");
    }

    /// The same, and it is refused.
    pub(crate) fn refused(&self) -> String {
        let line = self.reload();
        assert!(line.contains(r#""event":"reload_refused""#), "{line}");
        line
    }
}
