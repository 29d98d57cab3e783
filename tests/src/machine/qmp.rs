//! QEMU's machine protocol over its standard streams.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A connection to a QEMU that was started with `-qmp stdio`.
pub(super) struct Qmp {
    to: ChildStdin,
    from: Receiver<Value>,
}

impl Qmp {
    pub(super) fn new(to: ChildStdin, from: ChildStdout) -> Self {
        let (say, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                // What is no JSON is the guest's, by semihosting.
                if let Ok(value) = serde_json::from_str::<Value>(&line)
                    && say.send(value).is_err()
                {
                    break;
                }
            }
        });
        Qmp { to, from: heard }
    }

    /// Runs a command; what it returned.
    pub(super) fn ask(
        &mut self,
        command: &str,
        arguments: &Value,
        limit: Duration,
    ) -> Result<Value, String> {
        let deadline = Instant::now() + limit;
        let line = json!({"execute": command, "arguments": arguments}).to_string();
        writeln!(self.to, "{line}").map_err(|error| format!("QMP {command}: {error}"))?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut answer = self
                .from
                .recv_timeout(left)
                .map_err(|error| format!("QMP {command}: {error}"))?;
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = answer.get("error") {
                return Err(format!("QMP {command}: {error}"));
            }
            // A greeting, or an event that nobody waits for.
        }
    }
}
