//! From a decision to octets: token responses (RFC 6749 §5.1) and errors
//! (§5.2).

use super::error::Refusal;
use super::event::JwtId;
use crate::codec::base64url;
use crate::codec::hex_digit;
use crate::codec::json::Writer;
use crate::codec::split::split_at_blank;
use crate::http::Response;
use crate::jwt::{self, Claims, IssueError, ScopeClaim};
use crate::profile::{ExpiresIn, JwtIdForm, Profile, ResponseMember};
use crate::scope::ScopeSet;
use crate::time::{Seconds, UnixTime};

use super::config::Configuration;

/// What a token response says.
pub(super) struct Tokens<'x> {
    pub(super) subject: &'x str,
    pub(super) client: &'x str,
    pub(super) scope: ScopeSet,
    pub(super) jwt_id: JwtId,
    pub(super) issued_at: UnixTime,
    /// In characters that need no escape.
    pub(super) refresh_token: Option<&'x [u8]>,
}

/// Signs the access token and writes the response around it.
pub(super) fn tokens(
    configuration: &Configuration<'_>,
    tokens: &Tokens<'_>,
    response: &mut Response<'_>,
) -> Result<(), Refusal> {
    let profile = &configuration.profile;
    let scopes = configuration.scopes;
    let lifetime = profile.lifetimes.access_token;
    let expires_at = tokens.issued_at.plus(lifetime);
    let mut jwt_id = [0; 36];
    let jwt_id = print(tokens.jwt_id, profile.jwt_id, &mut jwt_id);
    let claims = Claims {
        issuer: Some(configuration.issuer),
        subject: Some(tokens.subject),
        audience: Some(jwt::Audience::One(configuration.audience)),
        client_id: Some(tokens.client),
        scope: Some(ScopeClaim::Names(scopes, tokens.scope)),
        issued_at: Some(tokens.issued_at),
        expires_at: Some(expires_at),
        not_before: None,
        jwt_id: Some(jwt_id),
    };

    response.set_status(200);
    headers(response);
    let mut failed = None;
    let mut json = Writer::new(response.rest());
    json.begin_object();
    for member in profile.response {
        match member {
            ResponseMember::AccessToken => json.member_text_with("access_token", |room| {
                match jwt::issue(configuration.signer, &profile.access_token, &claims, room) {
                    Ok(token) => Some(token.as_str().len()),
                    Err(error) => {
                        failed = Some(error);
                        None
                    }
                }
            }),
            ResponseMember::TokenType => json.member_text("token_type", profile.token_type),
            ResponseMember::ExpiresIn => json.member_u64(
                "expires_in",
                match profile.expires_in {
                    ExpiresIn::Full => u64::from(lifetime.0),
                    ExpiresIn::Remaining => expires_at.since(tokens.issued_at),
                },
            ),
            ResponseMember::Expires => json.member_u64("expires", expires_at.0),
            ResponseMember::RefreshToken => {
                if let Some(token) = tokens.refresh_token {
                    json.begin_text("refresh_token");
                    json.raw(token);
                    json.end_text();
                }
            }
            ResponseMember::Scope => {
                if !tokens.scope.is_empty() {
                    member_scope(&mut json, &mut scopes.names(tokens.scope));
                }
            }
            ResponseMember::JwtId => json.member_text("jti", jwt_id),
        }
    }
    json.end_object();
    let length = json.finish().map(|body| body.len());
    match (failed, length) {
        (None, Ok(length)) => {
            response.set_body(length);
            Ok(())
        }
        (None | Some(IssueError::BufferTooSmall), _) => Err(Refusal::ResponseTooLong),
        (Some(_), _) => Err(Refusal::Signing),
    }
}

/// `"scope":"one two"`
pub(super) fn member_scope(json: &mut Writer<'_>, names: &mut dyn Iterator<Item = &str>) {
    json.begin_text("scope");
    let mut separator = "";
    for name in names {
        json.push_text(separator);
        json.push_text(name);
        separator = " ";
    }
    json.end_text();
}

/// Writes the answer of `profile` to a refusal. `named` is the scope or grant
/// type that the refusal is about, as it was sent.
pub(super) fn refusal(
    profile: &Profile,
    refusal: Refusal,
    named: Option<&str>,
    by_header: bool,
    response: &mut Response<'_>,
) {
    let (answer, fill) = refusal.answer(profile);
    let unauthenticated = answer.error == profile.errors.invalid_client.error;
    // RFC 6749 §5.2: "If the client attempted to authenticate via the
    // "Authorization" request header field, the authorization server MUST
    // respond with an HTTP 401 (Unauthorized) status code".
    let status = if unauthenticated && by_header {
        401
    } else {
        answer.status
    };
    response.reset();
    response.set_status(status);
    headers(response);
    if status == 401 {
        response.header(
            "www-authenticate",
            "Basic realm=\"smallgate\", charset=\"UTF-8\"",
        );
    }
    if let Some(wait) = refusal.retry_after() {
        retry_after(wait, response);
    }
    json(response, &mut |json| {
        json.begin_object();
        json.member_text("error", answer.error);
        json.begin_text("error_description");
        match split_at_blank(answer.description) {
            None => json.push_text(answer.description),
            Some((before, after)) => {
                json.push_text(before);
                push_reflected(json, named.unwrap_or(fill));
                json.push_text(after);
            }
        }
        json.end_text();
        json.end_object();
    });
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3).
pub(super) fn retry_after(wait: Seconds, response: &mut Response<'_>) {
    response.header_with("retry-after", |text| text.push_number(wait.0));
}

/// Makes what `write` writes the body; 500 without one if it does not fit.
pub(super) fn json(response: &mut Response<'_>, write: &mut dyn FnMut(&mut Writer<'_>)) {
    let mut json = Writer::new(response.rest());
    write(&mut json);
    match json.finish().map(|body| body.len()) {
        Ok(length) => response.set_body(length),
        Err(_too_long) => {
            response.reset();
            response.set_status(500);
            no_store(response);
        }
    }
}

/// The header fields of every answer that could carry a token (RFC 6749 §5.1:
/// "Cache-Control" with "no-store" and "Pragma" with "no-cache").
pub(super) fn headers(response: &mut Response<'_>) {
    response.header("content-type", "application/json");
    no_store(response);
}

/// The same without a body.
pub(super) fn no_store(response: &mut Response<'_>) {
    response.fields(&[("cache-control", "no-store"), ("pragma", "no-cache")]);
}

/// The most characters of a request that an answer repeats.
const MAX_REFLECTED: usize = 64;

/// Writes a piece of the request, as far as `error_description` may hold it:
/// "%x20-21 / %x23-5B / %x5D-7E" (RFC 6749 §5.2). Others become `?`.
fn push_reflected(json: &mut Writer<'_>, text: &str) {
    // A character is as many octets as begin with other bits than `10`.
    let characters = text.bytes().filter(|octet| octet & 0xC0 != 0x80);
    for octet in characters.take(MAX_REFLECTED) {
        json.push_octets(&match octet {
            0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E => [octet],
            _ => *b"?",
        });
    }
}

/// Prints a `jti`.
fn print(jwt_id: JwtId, form: JwtIdForm, out: &mut [u8; 36]) -> &str {
    match form {
        JwtIdForm::Base64Url => base64url::encode(&jwt_id.0, out).unwrap_or_default(),
        JwtIdForm::Uuid => {
            let mut places = out.iter_mut();
            let mut put = |character| {
                if let Some(place) = places.next() {
                    *place = character;
                }
            };
            for (position, octet) in jwt_id.0.iter().enumerate() {
                if let 4 | 6 | 8 | 10 = position {
                    put(b'-');
                }
                put(hex_digit(octet >> 4));
                put(hex_digit(octet & 0x0F));
            }
            core::str::from_utf8(out).unwrap_or_default()
        }
    }
}
