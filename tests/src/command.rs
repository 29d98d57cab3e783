//! The command line of the real binary, run to its end.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::simulator::binary;

/// A folder that goes with its handle.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Makes one of this name, for this process.
    ///
    /// # Panics
    ///
    /// There is no room for it.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("smallgate-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// The path of a file in it.
    ///
    /// # Panics
    ///
    /// It is not text.
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }

    /// Runs `script` in it with `sh`, line for line as one pastes it, with the
    /// binary as `smallgate` and a line of input; the first command that fails
    /// ends it.
    ///
    /// # Panics
    ///
    /// There is no shell.
    pub fn sh(&self, script: &str, input: &str) -> Output {
        use std::io::Write;
        let folder = binary().parent().expect("a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("sh")
            .args(["-e", "-c", script])
            .current_dir(&self.0)
            .env("PATH", format!("{}:{path}", folder.display()))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut stdin = shell.stdin.take().expect("it is piped");
        // A script that reads nothing may have ended before.
        let _unread = stdin.write_all(input.as_bytes());
        drop(stdin);
        shell.wait_with_output().expect("it ends")
    }

    /// What a script prints that succeeds.
    ///
    /// # Panics
    ///
    /// It does not.
    pub fn pasted(&self, script: &str) -> String {
        let output = self.sh(script, "");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{complaints}");
        String::from_utf8(output.stdout).expect("text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `smallgate` with these arguments.
///
/// # Panics
///
/// It does not start.
pub fn smallgate(arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .output()
        .expect("smallgate runs")
}

/// What it printed.
///
/// # Panics
///
/// It failed.
pub fn said(arguments: &[&str]) -> String {
    let output = smallgate(arguments);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaints}");
    String::from_utf8(output.stdout).expect("text")
}

/// What it complained of.
///
/// # Panics
///
/// It succeeded.
pub fn refused(arguments: &[&str]) -> String {
    let output = smallgate(arguments);
    assert!(!output.status.success(), "{arguments:?} passed");
    String::from_utf8(output.stderr).expect("text")
}
