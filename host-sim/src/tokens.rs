//! `smallgate token`: tokens without a server.

mod decode;
mod issue;
mod verify;

use std::io::{self, BufRead};

use clap::Subcommand;
use smallgate_core::time::UnixTime;

use crate::clock::HostClock;
use crate::times;

/// Below the help of each.
const ISSUE: &str = "\
Examples:
  smallgate key new es256 > k.jwk
  smallgate token issue --key @k.jwk --iss https://as.example --sub alice --scope 'read write'
  smallgate token issue --key @k.jwk --iss https://as.example --sub alice --lifetime 5m --claim level=3
  smallgate token issue --key @k.jwk --profile dressipi --sub alice";
const VERIFY: &str = "\
Examples:
  smallgate key public @k.jwk > public.jwk
  smallgate token verify --key @public.jwk --issuer https://as.example --audience https://as.example \"$TOKEN\"
  curl -s http://127.0.0.1:8080/jwks.json > jwks.json
  smallgate token verify --key @jwks.json --issuer http://127.0.0.1:8080 --audience http://127.0.0.1:8080 < token.txt";
const DECODE: &str = "\
Example:
  smallgate token decode \"$TOKEN\"     on standard output: the header and the payload, as JSON";

/// What can be done with a token.
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Sign a token with claims of your choice, and print it
    #[command(after_help = ISSUE)]
    Issue(issue::Issue),
    /// Verify a token and print its claims; exit code 1 and the precise cause
    /// if it is not good
    #[command(after_help = VERIFY)]
    Verify(verify::Verify),
    /// Print what a token says, without verifying anything
    #[command(after_help = DECODE)]
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

/// A JSON text as it may be shown at a terminal: characters that it would obey,
/// and those that turn the direction of what comes after them, are written as
/// JSON escapes. The text stays the same JSON.
fn harmless(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            // Raw they stand between values only (RFC 8259 §7).
            '\n' => shown.push('\n'),
            '\t' | '\r' => shown.push(' '),
            // All of them have four digits at most.
            hidden if hidden.is_control() || is_bidi_control(hidden) => {
                shown.push_str(&format!("\\u{:04x}", u32::from(hidden)));
            }
            plain => shown.push(plain),
        }
    }
    shown
}

/// Unicode's `Bidi_Control`.
fn is_bidi_control(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_has_no_character_that_a_terminal_obeys() {
        let hidden: String = (0..=0x9F)
            .chain([0x61C, 0x200E, 0x200F])
            .chain(0x202A..=0x202E)
            .chain(0x2066..=0x2069)
            .filter_map(char::from_u32)
            .filter(|character| !(' '..='~').contains(character))
            .collect();
        assert_eq!(hidden.chars().count(), 33 + 32 + 12);
        let shown = harmless(&hidden);
        assert!(
            shown
                .chars()
                .all(|character| matches!(character, '\n' | ' '..='~')),
            "{shown}"
        );
        assert!(shown.contains(r"\u0000\u0001"), "{shown}");
        assert!(shown.contains(r"\u007f\u0080"), "{shown}");
        assert!(shown.contains(r"\u202e\u2066"), "{shown}");
    }

    #[test]
    fn what_is_shown_is_the_same_json() {
        let text = "{\r\n\t\"a\": \"\u{9b}2J\u{202e}é\u{7f}\"}";
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&harmless(text)), read(text));
        assert_eq!(harmless(r#"{"a":"é 漢 \u001b"}"#), r#"{"a":"é 漢 \u001b"}"#);
    }
}
