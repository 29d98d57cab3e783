//! `smallgate token`: tokens without a server.

mod decode;
mod issue;
mod verify;

use std::io::{self, BufRead};

use clap::Subcommand;
use smallgate_core::time::UnixTime;

use crate::clock::HostClock;
use crate::times;

/// What can be done with a token.
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Sign a token with claims of your choice, and print it
    Issue(issue::Issue),
    /// Verify a token and print its claims; exit code 1 and the precise cause
    /// if it is not good
    Verify(verify::Verify),
    /// Print what a token says, without verifying anything
    Decode(decode::Decode),
}

impl TokenCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), String> {
        match self {
            TokenCommand::Issue(issue) => issue.run(),
            TokenCommand::Verify(verify) => verify.run(),
            TokenCommand::Decode(decode) => decode.run(),
        }
    }
}

/// The token given as an argument, or else the first line of standard input.
fn token(argument: Option<String>) -> Result<String, String> {
    let token = match argument.filter(|token| token != "-") {
        Some(token) => token,
        None => {
            let mut line = String::new();
            io::stdin()
                .lock()
                .read_line(&mut line)
                .map_err(|error| format!("the token can not be read: {error}"))?;
            line
        }
    };
    let token = token.trim();
    if token.is_empty() {
        return Err("there is no token, neither as an argument nor on standard input".to_owned());
    }
    Ok(token.to_owned())
}

/// `--now`, or the system's time.
fn now(argument: Option<UnixTime>) -> Result<UnixTime, String> {
    argument
        .or_else(|| HostClock::real().reading().now)
        .ok_or_else(|| "the system's clock is not set; say --now".to_owned())
}

/// Reads `--now`.
fn instant(text: &str) -> Result<UnixTime, String> {
    times::instant(text)
}

/// Reads a length of time.
fn seconds(text: &str) -> Result<u64, String> {
    times::seconds(text)
}
