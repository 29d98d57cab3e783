//! Whole requests and answers beside the files that hold them.
//!
//! `tests/golden/SERVICE/NAME.http` has the request, a line of dashes and the
//! answer; every header field and the whole body count, in their order. Live
//! values stand there by their name: `<access_token>`. With
//! `SMALLGATE_BLESS=1` the files are written instead of compared.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::wire::{Request, Response};

/// Members of an answer's body that are live, and how they begin and end.
const LIVE: [(&str, char); 6] = [
    ("access_token", '"'),
    ("refresh_token", '"'),
    ("jti", '"'),
    ("expires", ','),
    ("exp", ','),
    ("iat", ','),
];
/// The length of a code or refresh token, the shortest live values in a request.
/// What is shorter is written as it is, such as what the documents have.
const SHORTEST: usize = 44;
const CUT: &str = "\n--------\n";

/// A service's files.
pub struct Golden {
    service: &'static str,
    compared: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Golden {
    /// Those of `service`.
    pub fn of(service: &'static str) -> Self {
        Golden {
            service,
            compared: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    /// Compares an exchange with the file `name`.
    pub fn compare(&mut self, name: &str, request: &Request, response: &Response) {
        let found = format!("{}{CUT}{}\n", asked(request), answered(response));
        let file = format!("{name}.http");
        let path = self.folder().join(&file);
        if blessing() {
            std::fs::create_dir_all(self.folder()).expect("a folder");
            std::fs::write(&path, &found).expect("a file");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if expected != found {
            self.wrong
                .push(format!("{file}: expected\n{expected}\nfound\n{found}"));
        }
        self.compared.insert(file);
    }

    /// Leaves out the file `name`, which this host has no answer to compare with.
    pub fn pass_over(&mut self, name: &str) {
        self.compared.insert(format!("{name}.http"));
    }

    /// Says what was wrong, and which files nobody compared.
    ///
    /// # Panics
    ///
    /// There was something.
    pub fn finish(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        let files: BTreeSet<_> = std::fs::read_dir(self.folder())
            .expect("a folder")
            .map(|file| {
                file.expect("a file")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        assert_eq!(files, self.compared, "files that are no test's");
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("golden")
            .join(self.service)
    }
}

/// Only by hand: in CI nothing is blessed.
fn blessing() -> bool {
    std::env::var_os("SMALLGATE_BLESS").is_some_and(|value| value == "1")
        && std::env::var_os("CI").is_none()
}

fn asked(request: &Request) -> String {
    let mut text = masked(&request.text(), "form_token=", '&', "form_token");
    for (start, end, name) in [
        ("refresh_token=", '&', "refresh_token"),
        ("\"refresh_token\":\"", '"', "refresh_token"),
        ("access_token=", '&', "access_token"),
        ("Authorization: Bearer ", '\n', "access_token"),
        ("x-dressipi-jwt: ", '\n', "access_token"),
        ("\ntoken=", '&', "token"),
        ("&code=", '&', "code"),
        ("\"code\":\"", '"', "code"),
    ] {
        text = masked_if_long(text, start, end, name);
    }
    text
}

fn answered(response: &Response) -> String {
    by_name(&response.pretty())
}

/// Answers as they came, any number of them: live values by their names.
pub fn undated(answers: &str) -> String {
    answers
        .split_inclusive("HTTP/1.")
        .map(|answer| by_name(&answer.replace("\r\n", "\n")))
        .collect()
}

fn by_name(text: &str) -> String {
    let mut text = masked(text, "date: ", '\n', "date");
    for (name, end) in LIVE {
        let start = match end {
            '"' => format!("\"{name}\":\""),
            _ => format!("\"{name}\":"),
        };
        text = masked(&text, &start, end, name);
    }
    text = masked(&text, "name=\"form_token\" value=\"", '"', "form_token");
    text = masked(&text, "?code=", '&', "code");
    masked(&text, "<code id=\"code\">", '<', "code")
}

fn masked_if_long(text: String, start: &str, end: char, name: &str) -> String {
    let length = |(_, rest): (&str, &str)| rest.find([end, '\n']).unwrap_or(rest.len());
    match text.split_once(start).map(length) {
        Some(SHORTEST..) => masked(&text, start, end, name),
        _ => text,
    }
}

/// Puts `<name>` in the place of what is between `start` and `end`.
fn masked(text: &str, start: &str, end: char, name: &str) -> String {
    let Some((before, rest)) = text.split_once(start) else {
        return text.to_owned();
    };
    let length = rest.find([end, '\n']).unwrap_or(rest.len());
    // Nothing, and what is plainly no live value, stays as it is.
    let kept = &rest[length..];
    match &rest[..length] {
        "" => text.to_owned(),
        _ => format!("{before}{start}<{name}>{kept}"),
    }
}

/// The names of a JSON object's members in their order.
///
/// # Panics
///
/// It is no JSON object.
pub fn members(text: &str) -> Vec<String> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut names = Vec::new();
            while let Some((name, IgnoredAny)) = map.next_entry()? {
                names.push(name);
            }
            Ok(names)
        }
    }
    serde_json::Deserializer::from_str(text)
        .deserialize_map(Names)
        .expect("a JSON object")
}

#[cfg(test)]
mod tests {
    use super::{masked, members};

    #[test]
    fn live_values_are_masked_and_others_are_not() {
        let body = r#"{"access_token":"abc","expires":12,"expires_in":3600}"#;
        assert_eq!(
            masked(
                &masked(body, "\"access_token\":\"", '"', "t"),
                "\"expires\":",
                ',',
                "e"
            ),
            r#"{"access_token":"<t>","expires":<e>,"expires_in":3600}"#
        );
        assert_eq!(masked(body, "date: ", '\n', "date"), body);
        assert_eq!(masked("a=&b=c", "a=", '&', "a"), "a=&b=c");
    }

    #[test]
    fn members_come_in_their_order() {
        assert_eq!(members(r#"{"b":[1],"a":{"c":2}}"#), ["b", "a"]);
    }
}
