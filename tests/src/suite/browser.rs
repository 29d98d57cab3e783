//! A browser at the authorization endpoint: it reads the form as it stands on
//! the page, fills it in, and goes where it is sent.

use super::session::Session;
use super::setups::{CALLBACK, ISSUER, USER};
use crate::flow::{self, CHALLENGE, Pairs, VERIFIER, encode};
use crate::host::Host;
use crate::wire::{Request, Response};

/// Where all profiles have it that have one.
pub const AUTHORIZE: &str = "/oauth/authorize";

/// A request of the client `demo` with everything in it.
pub fn demo() -> Vec<(&'static str, &'static str)> {
    [
        ("response_type", "code"),
        ("client_id", "demo"),
        ("redirect_uri", CALLBACK),
        ("scope", "read write"),
        ("state", "s1"),
    ]
    .into_iter()
    .chain(s256())
    .collect()
}

/// A challenge, for [`VERIFIER`].
pub const fn s256() -> [(&'static str, &'static str); 2] {
    [
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

/// `pairs` with another value for `name`, or without it.
pub fn with<'p>(
    pairs: &[(&'p str, &'p str)],
    name: &'p str,
    value: Option<&'p str>,
) -> Vec<(&'p str, &'p str)> {
    let rest = pairs.iter().copied().filter(|(known, _)| *known != name);
    rest.chain(value.map(|value| (name, value))).collect()
}

/// The form of a code for `demo()`'s request.
pub fn redemption(code: &str) -> String {
    encode(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ])
}

/// The request for a form.
pub fn asking(pairs: Pairs<'_>) -> Request {
    Request::new("GET", &format!("{AUTHORIZE}?{}", encode(pairs)))
}

/// What a browser sends when `decision` is pressed on `page`: with its origin,
/// since the page's policy lets it name that to this server.
pub fn filled_in(page: &Response, decision: &str, (name, password): (&str, &str)) -> Request {
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    let html = page.text();
    let (_, action) = html
        .split_once("<form method=\"post\" action=\"")
        .unwrap_or_else(|| panic!("no form: {html}"));
    let action = flow::unescape(action.split_once('"').expect("an end").0);
    for part in [
        "<input id=\"username\" name=\"username\" ",
        "<input id=\"password\" name=\"password\" type=\"password\" ",
        &format!("<button name=\"decision\" value=\"{decision}\">"),
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let hidden = flow::hidden(html);
    let mut pairs: Vec<(&str, &str)> = hidden
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    pairs.extend([
        ("username", name),
        ("password", password),
        ("decision", decision),
    ]);
    Request::new("POST", &action)
        .header("Origin", ISSUER)
        .header("Sec-Fetch-Site", "same-origin")
        .form(&encode(&pairs))
}

/// The code in a redirect, or on a page.
pub fn code_in(response: &Response) -> Option<String> {
    match response.header("location") {
        Some(uri) => {
            let pairs = flow::query(uri);
            let code = pairs.into_iter().find(|(name, _)| name == "code");
            code.map(|(_, code)| code)
        }
        None => {
            let text = std::str::from_utf8(&response.body).ok()?;
            let (_, rest) = text.split_once("<code id=\"code\">")?;
            Some(flow::unescape(rest.split_once("</code>")?.0))
        }
    }
}

/// The parameters that a redirect to `to` carries.
pub fn sent_to(response: &Response, to: &str) -> Vec<(String, String)> {
    assert_eq!(response.status, 303, "{}", response.pretty());
    assert!(response.body.is_empty(), "{}", response.pretty());
    let location = response.header("location").expect("a place to go to");
    assert!(location.starts_with(&format!("{to}?")), "{location}");
    flow::query(location)
}

impl<H: Host> Session<H> {
    /// The form for a request.
    pub fn form(&self, pairs: Pairs<'_>) -> Response {
        let page = self.ask(&asking(pairs));
        assert_eq!(page.status, 200, "{}", page.pretty());
        page
    }

    /// Signs in and approves.
    pub fn approve(&self, pairs: Pairs<'_>) -> Response {
        self.ask(&filled_in(&self.form(pairs), "approve", USER))
    }

    /// A code, as the client gets it.
    pub fn code(&self, pairs: Pairs<'_>) -> String {
        let answer = self.approve(pairs);
        code_in(&answer).unwrap_or_else(|| panic!("no code: {}", answer.pretty()))
    }
}
