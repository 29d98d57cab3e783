//! `GET /me/`: who the token stands for, the one resource that every server
//! has.

use super::event::Event;
use super::exchange::{Session, Step};
use crate::bearer::BearerError;
use crate::codec::json::Writer;
use crate::http::Header;
use crate::jwt::Claims;

pub(super) fn answer<'x>(
    mut session: Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    scratch: &mut [u8],
) -> Step<'x> {
    let resource = &session.server.resource;
    match resource.authenticate(headers, query, session.clock.now, scratch) {
        Ok(token) => write(&mut session, token.claims()),
        Err(error) => {
            session.event(Event::ResourceRefused { cause: error });
            refuse(&mut session, error, "");
        }
    }
    session.done()
}

fn write(session: &mut Session<'_>, claims: &Claims<'_>) {
    let configuration = session.configuration();
    let user = claims.subject.and_then(|subject| {
        configuration
            .users
            .iter()
            .find(|user| user.subject == subject)
    });
    let response = &mut session.response;
    response.set_status(200);
    super::response::headers(response);
    let mut json = Writer::new(response.rest());
    json.begin_object();
    if let Some(subject) = claims.subject {
        json.member_text("sub", subject);
    }
    if let Some(client) = claims.client_id {
        json.member_text("client_id", client);
    }
    if let Some(scope) = &claims.scope {
        json.begin_text("scope");
        for (position, name) in scope.names().enumerate() {
            if position > 0 {
                json.push_text(" ");
            }
            json.push_text(name);
        }
        json.end_text();
    }
    if let Some(user) = user {
        json.member_text("username", user.username);
    }
    json.end_object();
    let length = json.finish().map_or(0, |body| body.len());
    response.set_body(length);
}

/// Writes the refusal of a resource, here or elsewhere.
pub(super) fn refuse(session: &mut Session<'_>, error: BearerError, scope: &str) {
    let response = &mut session.response;
    response.set_status(error.status());
    super::response::headers(response);
    match error {
        BearerError::ClockUnset => response.header("retry-after", "5"),
        _ => response.header_with("www-authenticate", |text| error.challenge(scope, text)),
    }
    let mut json = Writer::new(response.rest());
    json.begin_object();
    if let (Some(code), Some(description)) = (error.code(), error.description()) {
        json.member_text("error", code);
        json.member_text("error_description", description);
    }
    json.end_object();
    let length = json.finish().map_or(0, |body| body.len());
    response.set_body(length);
}
