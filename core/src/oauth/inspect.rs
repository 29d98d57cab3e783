//! Looking at a token that a client shows: revocation (RFC 7009) and
//! introspection (RFC 7662).

use super::client_auth::{AuthenticatedClient, authenticated};
use super::config::User;
use super::error::{Parameter, Refusal};
use super::event::Event;
use super::grant::{Grant, GrantId, Reason, State, Tag};
use super::handle::{CodeBinding, Kind, Presented, VerifiedHandle};
use super::lifecycle;
use super::next::{AfterLoad, Endpoint, Inspection, Next, Shown, Swap, Then};
use super::record::Record;
use super::request::required;
use super::response;
use super::session::Session;
use super::standing;
use crate::codec::form::Parameters;
use crate::http::{Body, Header};
use crate::jwt::{Claims, ScopeClaim};
use crate::store::{Loaded, Seen};

/// Begins to answer at either endpoint.
// Not inlined: `dispatch` would hold the frames of all endpoints at once.
#[inline(never)]
pub(super) fn begin<'x>(
    session: &mut Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    body: Body<'x>,
    endpoint: Endpoint,
    scratch: &'x mut [u8],
) -> Next<'x> {
    let mut parameters = Parameters::none();
    let client = match authenticated(session, headers, query, body, &mut parameters) {
        Ok(client) => client,
        Err(cause) => return session.refuse(cause),
    };
    // RFC 7662 §2.1: "the protected resource […] MUST also require some form
    // of authorization to access this endpoint"; a public client's id is none.
    if endpoint == Endpoint::Introspection && client.client().secret.is_none() {
        return session.refuse(Refusal::NoClientAuthentication);
    }
    let token = match required(&parameters, Parameter::Token) {
        Ok(token) => token,
        Err(cause) => return session.refuse(cause),
    };
    let Some(shown) = recognize(session, client, token, scratch) else {
        return nothing(session, endpoint);
    };
    let grant = match shown {
        Shown::Refresh(handle) => Some(handle.grant),
        Shown::Access(claims) => {
            let own = claims.client_id == Some(client.client().id);
            if endpoint == Endpoint::Revocation && !own {
                // RFC 7009 §2.1: "the request is refused" if the token was
                // issued to another client; like an unknown one it is not
                // acted upon, and the answer does not tell them apart.
                return nothing(session, endpoint);
            }
            standing::grant_of(&claims)
        }
    };
    let inspection = Inspection {
        endpoint,
        client,
        shown,
        round: 0,
    };
    match (grant, endpoint) {
        (Some(id), _) => inspection.load(id),
        (None, Endpoint::Introspection) => inspection.describe(session, None),
        // Nothing is stored of it, so there is nothing to take back.
        (None, Endpoint::Revocation) => session.refuse(Refusal::UnsupportedTokenType),
    }
}

/// Reads a token of either kind; `None` for anything that is not good here.
fn recognize<'x>(
    session: &Session<'x>,
    client: AuthenticatedClient<'x>,
    token: &str,
    scratch: &'x mut [u8],
) -> Option<Shown<'x>> {
    if let Some(presented) = Presented::parse(token, Kind::Refresh) {
        let tag = Tag::client(client.client().id);
        let binding = CodeBinding::default();
        let handles = &session.server.handles;
        return handles
            .verify(&presented, Kind::Refresh, tag, &binding)
            .map(Shown::Refresh);
    }
    session
        .server
        .verify(token.as_bytes(), session.clock.now, scratch)
        .ok()
        .map(|verified| *verified.claims())
        .filter(|claims| standing::token_stands(session.configuration(), claims))
        .map(Shown::Access)
}

/// The answer to a token that means nothing here: R49, "200 for an unknown
/// token"; R50, `{"active":false}` "and nothing more".
fn nothing<'x>(session: &mut Session<'x>, endpoint: Endpoint) -> Next<'x> {
    session.response.reset();
    session.response.set_status(200);
    match endpoint {
        Endpoint::Revocation => response::no_store(&mut session.response),
        Endpoint::Introspection => {
            response::headers(&mut session.response);
            session.json(&mut |json| {
                json.begin_object();
                json.member_bool("active", false);
                json.end_object();
            });
        }
    }
    Next::Done
}

impl<'x> Inspection<'x> {
    fn load(self, id: GrantId) -> Next<'x> {
        Next::Load {
            id,
            then: AfterLoad::Inspect(self),
        }
    }

    /// Someone else wrote first.
    pub(super) fn again(mut self, session: &mut Session<'x>, id: GrantId) -> Next<'x> {
        self.round = self.round.saturating_add(1);
        if self.round >= lifecycle::ROUNDS {
            return session.refuse(Refusal::Contended);
        }
        self.load(id)
    }

    /// Goes on with the grant's record.
    pub(super) fn decide(self, session: &mut Session<'x>, loaded: &Loaded) -> Next<'x> {
        let grant = match loaded.record.map(|record| record.grant()) {
            None => return nothing(session, self.endpoint),
            Some(Err(_damaged)) => return session.refuse(Refusal::RecordDamaged),
            Some(Ok(grant)) => grant,
        };
        match self.endpoint {
            Endpoint::Revocation => self.revoke(session, grant, loaded.seen),
            Endpoint::Introspection => {
                let configuration = session.configuration();
                let alive = match (self.shown, grant.state) {
                    (Shown::Access(_), State::Active { .. }) => true,
                    // A predecessor in grace is as good as the newest, and
                    // looks like it: a thief who asks instead of trying does
                    // not learn that the owner has come.
                    (
                        Shown::Refresh(VerifiedHandle { generation, .. }),
                        State::Active { generation: newest },
                    ) => {
                        (generation == newest
                            || lifecycle::repeats(session, &grant, generation, newest))
                            && grant.refreshable
                            && !standing::ended(configuration, &grant, session.now)
                    }
                    (_, State::Pending | State::Revoked(_)) => false,
                };
                if alive && standing::stands(configuration, &grant) {
                    self.describe(session, Some(&grant))
                } else {
                    nothing(session, self.endpoint)
                }
            }
        }
    }

    /// "takes the whole grant with it" (R49).
    fn revoke(self, session: &mut Session<'x>, mut grant: Grant, seen: Seen) -> Next<'x> {
        let client = self.client.client();
        let own = grant.client == Tag::client(client.id);
        if !own || matches!(grant.state, State::Revoked(_)) {
            return nothing(session, self.endpoint);
        }
        let Some(nonce) = session.entropy.take() else {
            return session.refuse(Refusal::Contended);
        };
        grant.nonce = nonce;
        grant.state = State::Revoked(Reason::Requested);
        session.response.set_status(200);
        response::no_store(&mut session.response);
        Next::Commit(Swap {
            id: grant.id,
            seen,
            write: Some(Record::new(&grant)),
            then: Then::Inspect {
                inspection: self,
                event: Event::Revoked {
                    grant: grant.id,
                    client: client.id,
                    reason: Reason::Requested,
                },
            },
            unknown: false,
        })
    }

    /// RFC 7662 §2.2.
    fn describe(self, session: &mut Session<'x>, grant: Option<&Grant>) -> Next<'x> {
        let configuration = session.configuration();
        session.response.set_status(200);
        response::headers(&mut session.response);
        let claims = match (self.shown, grant) {
            (Shown::Access(claims), _) => claims,
            (Shown::Refresh(_), Some(grant)) => {
                let user = standing::user(configuration, grant);
                let client = self.client.client();
                Claims {
                    issuer: Some(configuration.issuer),
                    subject: Some(user.map_or(client.id, |user| user.subject)),
                    client_id: Some(client.id),
                    scope: Some(ScopeClaim::Names(configuration.scopes, grant.scope)),
                    // Of the grant, neither of which a rotation moves.
                    issued_at: Some(grant.created),
                    expires_at: Some(grant.ends),
                    ..Claims::default()
                }
            }
            (Shown::Refresh(_), None) => return nothing(session, self.endpoint),
        };
        let is_access = matches!(self.shown, Shown::Access(_));
        let username =
            standing::subject(configuration.users, &claims).map(|user: &User<'_>| user.username);
        let token_type = configuration.profile.token_type;
        session.json(&mut |json| {
            json.begin_object();
            json.member_bool("active", true);
            if let Some(scope) = &claims.scope {
                response::member_scope(json, &mut scope.names());
            }
            json.member_texts(&[
                ("client_id", claims.client_id),
                ("username", username),
                ("token_type", is_access.then_some(token_type)),
            ]);
            let times = [
                ("exp", claims.expires_at),
                ("iat", claims.issued_at),
                ("nbf", claims.not_before),
            ];
            for (name, value) in times {
                if let Some(value) = value {
                    json.member_u64(name, value.0);
                }
            }
            json.member_texts(&[
                ("sub", claims.subject),
                ("iss", claims.issuer),
                ("jti", claims.jwt_id),
                ("aud", is_access.then_some(configuration.audience)),
            ]);
            json.end_object();
        });
        Next::Done
    }
}
