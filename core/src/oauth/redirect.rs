//! Redirect URIs: which ones are good, and how an answer is added to one.

use super::page;
use crate::codec::form;
use crate::http::{Response, Text};

/// Whether `requested` is the registered URI: "simple string comparison"
/// (RFC 6749 §3.1.2.3), but "the authorization server MUST allow any port to be
/// specified at the time of the request for loopback IP redirect URIs"
/// (RFC 8252 §7.3).
#[must_use]
pub(super) fn matches(registered: &str, requested: &str) -> bool {
    if registered == requested {
        return true;
    }
    match (loopback(registered), loopback(requested)) {
        (Some((host, rest)), Some(other)) => (host, rest) == other,
        _ => false,
    }
}

/// The host and what comes after the port of an `http` URI on a loopback
/// address.
fn loopback(uri: &str) -> Option<(&'static str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let (host, rest) = ["127.0.0.1", "[::1]"]
        .into_iter()
        .find_map(|host| rest.strip_prefix(host).map(|rest| (host, rest)))?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(port) => {
            let end = port.bytes().position(|octet| !octet.is_ascii_digit());
            let (digits, rest) = port.split_at_checked(end.unwrap_or(port.len()))?;
            is_port(digits).then_some(rest)?
        }
    };
    (rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')).then_some((host, rest))
}

/// Whether `digits` are a number that a port can have.
fn is_port(digits: &str) -> bool {
    let number = digits.bytes().try_fold(0_u16, |number, digit| {
        number.checked_mul(10)?.checked_add(u16::from(digit & 0x0F))
    });
    !digits.is_empty() && number.is_some()
}

/// Whether the code is to be shown on a page instead of sent anywhere.
pub(super) fn is_out_of_band(uri: &str) -> bool {
    uri == "urn:ietf:wg:oauth:2.0:oob" || uri == "urn:ietf:wg:oauth:2.0:oob:auto"
}

/// What a client is told.
pub(super) enum Told<'a> {
    /// A code, in characters that a form does not encode.
    Code(&'a [u8]),
    /// An error (RFC 6749 §4.1.2.1).
    Error(&'a str),
}

/// An answer of the authorization endpoint that goes to the client through the
/// browser (RFC 6749 §4.1.2, RFC 9207 §2).
pub(super) struct AuthorizationResponse<'x> {
    pub(super) redirect_uri: &'x str,
    pub(super) state: Option<&'x str>,
    pub(super) issuer: &'x str,
}

impl AuthorizationResponse<'_> {
    /// Writes the redirect with what is `told`, and then `state` and `iss`. The
    /// status is 303, so that the browser does not send the password on
    /// (RFC 9700 §4.12). False when it does not fit.
    #[must_use]
    pub(super) fn write(&self, told: Told<'_>, response: &mut Response<'_>) -> bool {
        response.set_status(303);
        page::headers(page::NO_REFERRER, response);
        response.header_with("location", |text| {
            text.push(self.redirect_uri);
            text.push(if self.redirect_uri.contains('?') {
                "&"
            } else {
                "?"
            });
            match told {
                Told::Code(code) => {
                    text.push("code=");
                    text.push_octets(code);
                }
                Told::Error(error) => {
                    text.push("error=");
                    push_encoded(text, error);
                }
            }
            let state = self.state.map(|state| ("&state=", state));
            for (name, value) in state.into_iter().chain([("&iss=", self.issuer)]) {
                text.push(name);
                push_encoded(text, value);
            }
        })
    }
}

/// Writes `value` as a form would.
fn push_encoded(text: &mut Text<'_>, value: &str) {
    text.push_with(|room| form::encode_component(value, room).ok().map(str::len));
}
