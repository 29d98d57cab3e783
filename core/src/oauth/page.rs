//! The pages of the authorization endpoint, and a host's own: plain HTML that
//! needs no script, no style sheet and no picture.

use super::error::{Parameter, Refusal};
use super::event::Event;
use super::exchange::Answer;
use super::next::Next;
use super::session::Session;
use crate::http::{Response, Text};
use crate::profile::ErrorAnswer;

/// The header fields of every page and redirect (R46). `form-action` is not
/// restricted: browsers apply it to the redirect that follows a form, too.
pub(super) fn headers(referrer: &'static str, response: &mut Response<'_>) {
    response.fields(&[
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("referrer-policy", referrer),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ]);
}

/// The policy of all pages and redirects but the form's.
pub(super) const NO_REFERRER: &str = "no-referrer";

/// The form's policy: no referrer to anybody else either. With `no-referrer`
/// browsers say `Origin: null` when the form is sent, as every sandboxed frame
/// does (Fetch, "append a request `Origin` header").
const FORM_REFERRER: &str = "same-origin";

/// Writes a page of this `status`; false when it does not fit.
#[must_use]
fn page(
    response: &mut Response<'_>,
    (status, referrer): (u16, &'static str),
    title: &str,
    content: &mut dyn FnMut(&mut Text<'_>),
) -> bool {
    response.reset();
    response.set_status(status);
    response.header("content-type", "text/html; charset=utf-8");
    headers(referrer, response);
    response.body_with(|html| {
        html.push("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.push("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.push("<title>");
        html.push(title);
        html.push("</title>\n</head>\n<body>\n<main>\n<h1>");
        html.push(title);
        html.push("</h1>\n");
        content(html);
        html.push("</main>\n</body>\n</html>\n");
    })
}

/// A value on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    /// Any text: it is escaped.
    Text(&'a str),
    /// A number, and what is counted.
    Number(u32, &'static str),
}

impl<'x> Answer<'x> {
    /// A page for people, written into `out`: a title, a sentence, and names
    /// with their values. It has the header fields of all pages here, and is 500
    /// without a body if it does not fit.
    pub fn page(
        out: &'x mut [u8],
        title: &'static str,
        sentence: &'static str,
        rows: &[(&'static str, Shown<'_>)],
    ) -> Self {
        let mut answer = Answer::empty(out);
        let fits = page(
            &mut answer.response,
            (200, NO_REFERRER),
            title,
            &mut |html| {
                html.push("<p>");
                html.push(sentence);
                html.push("</p>\n<dl>\n");
                for (name, value) in rows {
                    html.push("<dt>");
                    html.push(name);
                    html.push("</dt>\n<dd>");
                    match value {
                        Shown::Text(text) => push_text(html, text),
                        Shown::Number(number, unit) => {
                            html.push_number(*number);
                            html.push(unit);
                        }
                    }
                    html.push("</dd>\n");
                }
                html.push("</dl>\n");
            },
        );
        if !fits {
            answer.response.reset();
        }
        answer
    }
}

/// What the login form shows.
pub(super) struct LoginForm<'x, F> {
    pub(super) client: &'x str,
    /// Calls its argument for each scope.
    pub(super) scopes: F,
    /// Names and values of the hidden fields; absent ones are left out.
    pub(super) hidden: [(&'x str, Option<&'x str>); 7],
    /// The value of the last one, in characters that need no escape.
    pub(super) token: &'x [u8],
    pub(super) path: &'x str,
    pub(super) message: Option<&'x str>,
}

impl<'x, F: Iterator<Item = &'x str> + Clone> LoginForm<'x, F> {
    /// Writes the form; false when it does not fit.
    #[must_use]
    pub(super) fn write(&self, status: u16, response: &mut Response<'_>) -> bool {
        page(response, (status, FORM_REFERRER), "Sign in", &mut |html| {
            if let Some(message) = self.message {
                html.push("<p role=\"alert\">");
                html.push(message);
                html.push("</p>\n");
            }
            html.push("<p>The application <strong>");
            push_text(html, self.client);
            html.push("</strong> asks for access");
            let mut scopes = self.scopes.clone().peekable();
            if scopes.peek().is_none() {
                html.push(".</p>\n");
            } else {
                html.push(" to:</p>\n<ul>\n");
                for scope in scopes {
                    html.push("<li>");
                    push_text(html, scope);
                    html.push("</li>\n");
                }
                html.push("</ul>\n");
            }
            html.push("<form method=\"post\" action=\"");
            push_text(html, self.path);
            html.push("\">\n");
            for (name, value) in self.hidden {
                if let Some(value) = value {
                    begin_hidden(html, name);
                    push_text(html, value);
                    html.push("\">\n");
                }
            }
            begin_hidden(html, Parameter::FormToken.name());
            html.push_octets(self.token);
            html.push("\">\n");
            html.push(
                "<p><label for=\"username\">User name</label><br>\n\
                 <input id=\"username\" name=\"username\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\"></p>\n\
                 <p><label for=\"password\">Password</label><br>\n\
                 <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\"></p>\n\
                 <p><button name=\"decision\" value=\"approve\">Approve</button>\n\
                 <button name=\"decision\" value=\"deny\">Deny</button></p>\n\
                 </form>\n",
            );
        })
    }
}

/// A hidden field, as far as its value.
fn begin_hidden(html: &mut Text<'_>, name: &str) {
    html.push("<input type=\"hidden\" name=\"");
    html.push(name);
    html.push("\" value=\"");
}

/// Shows a code, in characters that need no escape, to be copied into the application; false when
/// it does not fit.
#[must_use]
pub(super) fn code(code: &[u8], response: &mut Response<'_>) -> bool {
    page(response, (200, NO_REFERRER), "Signed in", &mut |html| {
        html.push("<p>Copy this code into the application:</p>\n<p><code id=\"code\">");
        html.push_octets(code);
        html.push("</code></p>\n");
    })
}

/// Says what is wrong to a person, when there is nowhere to send an error to.
pub(super) fn error(status: u16, answer: &ErrorAnswer, detail: &str, response: &mut Response<'_>) {
    let fits = page(
        response,
        (status, NO_REFERRER),
        "This did not work",
        &mut |html| {
            html.push("<p role=\"alert\"><code id=\"error\">");
            push_text(html, answer.error);
            html.push("</code>: ");
            push_text(html, detail);
            html.push("</p>\n");
        },
    );
    if !fits {
        response.reset();
    }
}

/// Writes `text` so that it is nothing but text, in an element or an attribute.
fn push_text(html: &mut Text<'_>, text: &str) {
    let mut begin = 0;
    for (at, octet) in text.bytes().enumerate() {
        let escaped = match octet {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        html.push(text.get(begin..at).unwrap_or_default());
        html.push(escaped);
        begin = at.saturating_add(1);
    }
    html.push(text.get(begin..).unwrap_or_default());
}

impl<'x> Session<'x> {
    /// Ends with a page that says what is wrong.
    pub(super) fn refuse_page(&mut self, cause: Refusal) -> Next<'x> {
        let client = self.client_id();
        self.event(Event::Refused { client, cause });
        let (answer, fill) = cause.answer(&self.configuration().profile);
        let detail = match cause {
            Refusal::UnknownClient => "The application is not known here.",
            Refusal::Invalid(Parameter::RedirectUri) => {
                "The application's redirect URI is not registered."
            }
            Refusal::ForeignOrigin => "The form came from somewhere else.",
            Refusal::FormForged => "The form is not one of this server's.",
            Refusal::Denied => "The request was denied.",
            _ if fill.is_empty() => "The request can not be answered now.",
            _ => fill,
        };
        let status = match answer.status {
            401 => 400,
            status => status,
        };
        self.response.reset();
        error(status, &answer, detail, &mut self.response);
        if let Some(wait) = cause.retry_after() {
            super::response::retry_after(wait, &mut self.response);
        }
        Next::Done
    }
}
