//! The board's log in the simulator's words, so that one suite reads both.
//!
//! defmt prints a value by its name in the source, the simulator in words that
//! the core has for it.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::json;
use smallgate_core::oauth::{Parameter, Refusal};
use smallgate_core::time::Seconds;

use crate::machine::Line;

/// Refusals that a case looks for; of one with a value, its name counts.
const CAUSES: [Refusal; 13] = [
    Refusal::UnknownClient,
    Refusal::WrongSecret,
    Refusal::ApiKey,
    Refusal::UnknownUser,
    Refusal::WrongPassword,
    Refusal::CodeInvalid,
    Refusal::CodeReplayed,
    Refusal::RefreshInvalid,
    Refusal::RefreshReused,
    Refusal::GrantRevoked(Parameter::Code),
    Refusal::Throttled(Seconds(0)),
    Refusal::ClockUnset,
    Refusal::ClockWentBack,
];

/// The core's events, and how the simulator calls them.
const EVENTS: [(&str, &str); 8] = [
    ("Issued {", "issued"),
    ("CodeIssued {", "code_issued"),
    ("GaveWay {", "gave_way"),
    ("Refused {", "refused"),
    ("LockedOut {", "locked_out"),
    ("Revoked {", "revoked"),
    ("FromTheFuture {", "from_the_future"),
    ("ResourceRefused {", "resource_refused"),
];

/// A line of JSON.
pub(super) fn as_the_simulator_logs(line: &Line) -> String {
    let message = &line.message;
    // Longer names hold shorter ones.
    let event = EVENTS
        .iter()
        .filter(|(name, _)| message.contains(name))
        .max_by_key(|(name, _)| name.len());
    let cause = CAUSES
        .iter()
        .find(|cause| message.contains(&format!("cause: {}", name_of(cause))));
    let grant_type = after(message, "grant_type: ").map(snake_case);
    let line = json!({
        "level": line.level,
        "event": event.map(|(_, event)| event),
        "cause": cause.map(Refusal::to_string),
        "grant_type": grant_type,
        "message": with_base64url(message),
    });
    format!("{line}\n")
}

/// The name of a variant, and what cuts it off from a longer one.
fn name_of(cause: &Refusal) -> String {
    let debug = format!("{cause:?}");
    match debug.split_once('(') {
        Some((name, _)) => format!("{name}("),
        None => format!("{debug} "),
    }
}

fn after<'m>(message: &'m str, start: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(start)?;
    rest.split(|letter: char| !letter.is_alphanumeric()).next()
}

/// `ClientCredentials` as `client_credentials`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Lists of octets in base64url: an id is known by it, and a secret would be.
fn with_base64url(message: &str) -> String {
    let mut text = String::new();
    let mut rest = message;
    while let Some((before, list)) = rest.split_once('[') {
        text += before;
        let Some((inside, after)) = list.split_once(']') else {
            text.push('[');
            rest = list;
            continue;
        };
        let octets: Result<Vec<u8>, _> = inside.split(", ").map(str::parse).collect();
        match octets {
            Ok(octets) => text += &Base64UrlUnpadded::encode_string(&octets),
            Err(_) => text += &format!("[{inside}]"),
        }
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(message: &str) -> String {
        as_the_simulator_logs(&Line {
            timestamp: String::new(),
            level: "INFO".to_owned(),
            message: message.to_owned(),
        })
    }

    #[test]
    fn an_event_is_told_in_the_simulators_words() {
        let line = logged(
            "10.0.2.2 Issued { grant_type: ClientCredentials, client: \"42\", subject: \"42\", jwt_id: JwtId([255, 1, 2]) }",
        );
        for word in ["\"issued\"", "\"client_credentials\"", "42", "JwtId(_wEC)"] {
            assert!(line.contains(word), "{word} in {line}");
        }
        let line = logged("Refused { client: Some(\"42\"), cause: Throttled(Seconds(3)) }");
        assert!(line.contains("too many failures"), "{line}");
        let line = logged("ResourceRefused { cause: Missing }");
        assert!(line.contains("\"resource_refused\""), "{line}");
    }

    #[test]
    fn lists_that_are_no_octets_stay() {
        assert_eq!(with_base64url("a [1, 256] b [x"), "a [1, 256] b [x");
        assert_eq!(with_base64url("[0, 0, 0]"), "AAAA");
    }
}
