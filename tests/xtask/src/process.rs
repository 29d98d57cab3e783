//! Child processes: where they run, how long they may, what they said.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The repository: the folder with the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .ancestors()
        .nth(2)
        .map_or_else(|| manifest.clone(), Path::to_path_buf)
}

/// Where everything that is built goes; each task has a folder of its own in it.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// The host's cargo, in the repository, building into [`target`], without what the outer `cargo run`
/// said about xtask itself.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).env_remove("CARGO_TARGET_DIR");
    for (name, _) in std::env::vars_os() {
        let about_xtask = name.to_str().is_some_and(|name| {
            [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_BIN_",
                "CARGO_CRATE_",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        });
        if about_xtask {
            command.env_remove(name);
        }
    }
    command
}

/// The command as one would type it, for messages.
pub(crate) fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs to the end with the terminal as its own; anything but success is an error.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("`{}` did not start", line(command)))?;
    if !status.success() {
        bail!("`{}`: {status}", line(command));
    }
    Ok(())
}

/// Runs to the end, passing each line of its standard output on and to `seen`.
pub(crate) fn stream(command: &mut Command, mut seen: impl FnMut(&str)) -> Result<ExitStatus> {
    let child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` did not start", line(command)))?;
    let mut child = Held(child);
    let stdout = child.0.stdout.take().context("no standard output")?;
    for text in BufReader::new(stdout).split(b'\n') {
        let text = text?;
        let text = String::from_utf8_lossy(&text);
        println!("{text}");
        seen(&text);
    }
    Ok(child.0.wait()?)
}

/// What a child left behind.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs silently for at most `limit`; past it the child is ended by its handle, and that is an error.
pub(crate) fn within(limit: Duration, command: &mut Command) -> Result<Finished> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` did not start", line(command)))?;
    let mut child = Held(child);
    let stdout = child.0.stdout.take().map(collect);
    let stderr = child.0.stderr.take().map(collect);
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.0.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            drop(child);
            bail!("`{}`: not done after {limit:?}, ended", line(command));
        }
        thread::sleep(Duration::from_millis(5));
    };
    let text = |reader: Option<thread::JoinHandle<String>>| {
        reader.map_or_else(String::new, |reader| reader.join().unwrap_or_default())
    };
    Ok(Finished {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    })
}

fn collect(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut octets = Vec::new();
        // A pipe that breaks ends what was said, nothing else.
        let _ = from.read_to_end(&mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    })
}

/// A child that does not outlive its handle.
struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        // Both fail if it is gone already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_ended_at_its_limit() {
        let start = Instant::now();
        let end = within(Duration::from_millis(100), Command::new("sleep").arg("30"));
        assert!(end.is_err());
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn output_and_status_come_back() {
        let end = within(
            Duration::from_secs(10),
            Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]),
        )
        .unwrap();
        assert_eq!(end.status.code(), Some(3));
        assert_eq!(end.stdout, "out\n");
        assert_eq!(end.stderr, "err\n");
    }

    #[test]
    fn streamed_lines_are_seen() {
        let mut seen = Vec::new();
        let status = stream(
            Command::new("sh").args(["-c", "echo one; printf two"]),
            |text| seen.push(text.to_owned()),
        )
        .unwrap();
        assert!(status.success());
        assert_eq!(seen, ["one", "two"]);
    }
}
