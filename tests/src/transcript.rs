//! Requests and answers as HTTP, for a person to read: each with what it shows and
//! what has to come of it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::wire::{Request, Response, Wire};

/// What was said so far, and what of it was wrong.
#[derive(Default)]
pub struct Transcript {
    exchanges: usize,
    wrong: Vec<String>,
}

/// What an answer has to be: its status, and words that are in it.
pub type Expected<'e> = (u16, &'e str);

impl Transcript {
    /// Begins a part.
    pub fn part(&self, title: &str) {
        println!("## {title}\n");
    }

    /// Asks, prints both, and keeps what is not as expected.
    pub fn ask(
        &mut self,
        address: SocketAddr,
        title: &str,
        request: &Request,
        expected: Expected<'_>,
    ) -> Response {
        let response = Wire::open(address).ask(request);
        self.exchanges += 1;
        let number = self.exchanges;
        print!("{}", shown(number, title, request, &response));
        if let Some(wrong) = difference(&response, expected) {
            println!("!! {wrong}\n");
            self.wrong.push(format!("{number}: {wrong}"));
        }
        response
    }

    /// Keeps something else that has to hold.
    pub fn hold(&mut self, what: &str, holds: bool) {
        println!("({what}: {})\n", if holds { "yes" } else { "NO" });
        if !holds {
            self.wrong
                .push(format!("{}: not so: {what}", self.exchanges));
        }
    }

    /// How many exchanges there were.
    ///
    /// # Errors
    ///
    /// What was not as expected.
    pub fn end(self) -> Result<usize, String> {
        match self.wrong.as_slice() {
            [] => Ok(self.exchanges),
            wrong => Err(wrong.join("; ")),
        }
    }
}

fn shown(number: usize, title: &str, request: &Request, response: &Response) -> String {
    format!(
        "### {number}. {title}\n\n```http\n{}\n```\n\n```http\n{}\n```\n\n",
        shortened(request.text().trim_end()),
        shortened(answer(response).trim_end())
    )
}

/// A long page is for browsers: its length is enough here.
fn answer(response: &Response) -> String {
    const LONG: usize = 1000;
    let kind = response.header("content-type").unwrap_or_default();
    if !kind.starts_with("text/html") || response.body.len() < LONG {
        return response.pretty();
    }
    let head = Response {
        body: Vec::new(),
        ..response.clone()
    };
    format!("{}<!-- {} octets -->", head.pretty(), response.body.len())
}

/// What is wrong with an answer.
fn difference(response: &Response, (status, words): Expected<'_>) -> Option<String> {
    let said = response.pretty();
    match (response.status == status, said.contains(words)) {
        (true, true) => None,
        (false, _) => Some(format!("{} instead of {status}", response.status)),
        (true, false) => Some(format!("{status} without {words:?}")),
    }
}

/// The text with its tokens, codes and paddings cut: 16 characters of each, and how
/// many there were.
fn shortened(text: &str) -> String {
    const LONG: usize = 40;
    const KEPT: usize = 16;
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut short = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.find(|c| !is_of_token(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        match word.get(..KEPT) {
            Some(kept) if length > LONG => {
                let _a_string_takes_all = write!(short, "{kept}…({length})");
            }
            _ => short += word,
        }
        let mut after = after.chars();
        short.extend(after.next());
        rest = after.as_str();
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden() -> Response {
        Response {
            line: "HTTP/1.1 403 Forbidden".to_owned(),
            status: 403,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: br#"{"error":"insufficient_scope"}"#.to_vec(),
        }
    }

    #[test]
    fn an_answer_that_is_not_as_expected_is_told_at_the_end() {
        let response = forbidden();
        assert_eq!(difference(&response, (403, "insufficient_scope")), None);
        let of_status = difference(&response, (401, ""));
        assert_eq!(of_status.as_deref(), Some("403 instead of 401"));
        assert!(difference(&response, (403, "invalid_token")).is_some());

        let mut transcript = Transcript::default();
        transcript.hold("water is wet", true);
        assert_eq!(transcript.end(), Ok(0));
        let mut transcript = Transcript::default();
        transcript.hold("water is dry", false);
        assert!(transcript.end().is_err());
    }

    #[test]
    fn tokens_are_cut_and_pages_left_out() {
        let token = "a".repeat(100);
        let text = format!("Bearer {token}, code={token}&é=1");
        assert_eq!(
            shortened(&text),
            "Bearer aaaaaaaaaaaaaaaa…(100), code=aaaaaaaaaaaaaaaa…(100)&é=1"
        );
        let mut page = forbidden();
        page.headers[0].1 = "text/html".to_owned();
        page.body.resize(2000, b' ');
        assert!(!answer(&page).contains("insufficient_scope"));
        assert!(answer(&forbidden()).contains("insufficient_scope"));
    }
}
