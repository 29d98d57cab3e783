//! `smallgate token decode`.

use clap::Args;
use serde_json::Value;
use smallgate_core::codec::base64url;

#[derive(Args)]
pub(crate) struct Decode {
    /// The token; without it, it is read from standard input
    token: Option<String>,
}

impl Decode {
    pub(super) fn run(self) -> Result<(), String> {
        let token = super::token(self.token)?;
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("not a compact JWS: there are not three parts".to_owned());
        };
        eprintln!("NOT VERIFIED: anybody can have written this. Use `smallgate token verify`.");
        println!("{}", part("header", header)?);
        println!("{}", part("payload", payload)?);
        Ok(())
    }
}

/// One part as JSON, printed anew, with nothing in it that a terminal would obey.
fn part(name: &str, text: &str) -> Result<String, String> {
    let mut room = vec![0; base64url::decoded_len(text.len())];
    let octets = base64url::decode(text.as_bytes(), &mut room)
        .map_err(|error| format!("the {name}: {error}"))?;
    let value: Value = serde_json::from_slice(octets)
        .map_err(|error| format!("the {name} is no JSON: {error}"))?;
    serde_json::to_string_pretty(&value)
        .map(|text| super::harmless(&text))
        .map_err(|error| format!("the {name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_printed_without_control_characters() {
        let mut room = [0; 64];
        let json = "{\"a\":\"\\u001b[2J\u{9b}2J\u{202e}\\u009b\u{2069}\"}";
        let text = base64url::encode(json.as_bytes(), &mut room).unwrap();
        let shown = part("payload", text).unwrap();
        let expected = r#""a": "\u001b[2J\u009b2J\u202e\u009b\u2069""#;
        assert!(shown.contains(expected), "{shown}");
    }

    #[test]
    fn a_part_that_is_no_strict_base64url_is_named() {
        assert!(
            part("header", "e30=")
                .unwrap_err()
                .starts_with("the header")
        );
    }
}
