//! `GET /me/`: who the token stands for, the one resource that every server
//! has; and the questions that any other resource asks as well.

use super::config::Configuration;
use super::event::{Event, JwtId};
use super::grant::State;
use super::next::{AfterLoad, Asking, Next};
use super::response;
use super::session::Session;
use super::standing;
use crate::bearer::{self, BearerError};
use crate::http::{Header, Response};
use crate::jwt::Claims;
use crate::store::Loaded;

/// `scope` is what a resource of the caller's own asks for; none is `/me/`.
// Not inlined: `dispatch` would hold the frames of all endpoints at once.
#[inline(never)]
pub(super) fn begin<'x>(
    session: &mut Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    scratch: &'x mut [u8],
    scope: Option<&'x str>,
) -> Next<'x> {
    let configuration = session.configuration();
    // With a clock that went back nobody knows what has expired.
    let now = session.clock.now.filter(|_| session.check_clock().is_ok());
    let server = session.server;
    let verified = server
        .resource
        .presented(headers, query, now)
        .and_then(|token| {
            let verified = server.verify(token, now, scratch);
            verified.map_err(BearerError::Invalid)
        });
    match verified {
        Err(error) => refuse(session, error, None, ""),
        Ok(token) => {
            let asking = Asking { token, scope };
            let claims = asking.token.claims();
            if !standing::token_stands(configuration, claims) {
                return asking.refuse(session, BearerError::Revoked);
            }
            match standing::grant_of(claims) {
                // Of a client's own tokens nothing is stored, nor is anything of
                // tokens without a `jti`: those are good until they expire.
                None => asking.answer(session),
                Some(id) => Next::Load {
                    id,
                    then: AfterLoad::Ask(asking),
                },
            }
        }
    }
}

impl<'x> Asking<'x> {
    /// A revoked grant's access tokens are worth nothing, nor are those of a
    /// grant that is not there.
    pub(super) fn decide(self, session: &mut Session<'x>, loaded: &Loaded) -> Next<'x> {
        let configuration: &Configuration<'_> = session.configuration();
        let grant = loaded.record.and_then(|record| record.grant().ok());
        let stands = grant.is_some_and(|grant| {
            matches!(grant.state, State::Active { .. }) && standing::stands(configuration, &grant)
        });
        if stands {
            self.answer(session)
        } else {
            self.refuse(session, BearerError::Revoked)
        }
    }

    /// Says no to whoever has the token.
    pub(super) fn refuse(&self, session: &mut Session<'x>, error: BearerError) -> Next<'x> {
        let scope = self.scope.unwrap_or_default();
        refuse(session, error, Some(self.token.claims()), scope)
    }

    /// The grant stands, or there is none.
    fn answer(self, session: &mut Session<'x>) -> Next<'x> {
        match self.scope {
            None => answer(session, self.token.claims()),
            Some(scope) if bearer::suffices(&self.token, scope) => Next::Permit(self.token),
            Some(_) => self.refuse(session, BearerError::InsufficientScope),
        }
    }
}

fn answer<'x>(session: &mut Session<'x>, claims: &Claims<'_>) -> Next<'x> {
    let user = standing::subject(session.configuration().users, claims);
    session.response.set_status(200);
    response::headers(&mut session.response);
    session.json(&mut |json| {
        json.begin_object();
        json.member_texts(&[("sub", claims.subject), ("client_id", claims.client_id)]);
        if let Some(scope) = &claims.scope {
            response::member_scope(json, &mut scope.names());
        }
        json.member_texts(&[("username", user.map(|user| user.username))]);
        json.end_object();
    });
    Next::Done
}

/// Says no; `scope` is what would suffice.
fn refuse<'x>(
    session: &mut Session<'x>,
    error: BearerError,
    claims: Option<&Claims<'x>>,
    scope: &str,
) -> Next<'x> {
    session.event(refused(error, claims));
    challenge(&mut session.response, error, scope);
    Next::Done
}

/// That a token with these claims, if it was good so far, opened nothing.
pub(super) fn refused<'x>(cause: BearerError, claims: Option<&Claims<'x>>) -> Event<'x> {
    Event::ResourceRefused {
        cause,
        client: claims.and_then(|claims| claims.client_id),
        jwt_id: claims.and_then(JwtId::of_token),
    }
}

/// The same, written.
pub(super) fn challenge(out: &mut Response<'_>, error: BearerError, scope: &str) {
    out.set_status(error.status());
    response::headers(out);
    match error {
        BearerError::ClockUnset | BearerError::StoreUnavailable => out.header("retry-after", "5"),
        _ => {
            out.header_with("www-authenticate", |text| error.challenge(scope, text));
        }
    }
    response::json(out, &mut |json| {
        json.begin_object();
        json.member_texts(&[
            ("error", error.code()),
            ("error_description", error.description()),
        ]);
        json.end_object();
    });
}
