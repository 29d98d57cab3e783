//! The token endpoint (RFC 6749 §3.2): a request becomes a first grant, or a
//! redemption that the store has to be asked about.

use super::client_auth::{AuthenticatedClient, authenticated};
use super::config::{Client, User};
use super::error::{Parameter, Refusal};
use super::grant::{Grant, GrantId, Origin, State, Tag};
use super::issue::Issue;
use super::lifecycle;
use super::next::{Hashing, Next, Purpose, Swap};
use super::request::{self, GrantRequest, TokenRequest};
use super::session::Session;
use super::standing;
use crate::codec::form::Parameters;
use crate::http::{Body, Header};
use crate::profile::{GrantType, Rotation};
use crate::scope::ScopeSet;

/// Framing, clock, client, grant type: in this order.
// Not inlined: `dispatch` would hold the frames of all endpoints at once.
#[inline(never)]
pub(super) fn begin<'x>(
    session: &mut Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    body: Body<'x>,
) -> Next<'x> {
    match read(session, headers, query, body) {
        Ok((client, request)) => grant(session, client, &request),
        Err(cause) => session.refuse(cause),
    }
}

// Not inlined: the tokens are signed above the frame of `begin`, which needs no parameters then.
#[inline(never)]
fn read<'x>(
    session: &mut Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    body: Body<'x>,
) -> Result<(AuthenticatedClient<'x>, TokenRequest<'x>), Refusal> {
    let mut parameters = Parameters::none();
    let client = authenticated(session, headers, query, body, &mut parameters)?;
    let profile = &session.configuration().profile;
    let name = request::required(&parameters, Parameter::GrantType)?;
    let supported = |grant: &GrantType| profile.grant_types.contains(*grant);
    let Some(grant) = GrantType::named(name).filter(supported) else {
        session.named = Some(name);
        return Err(Refusal::UnsupportedGrantType);
    };
    if !client.client().grant_types.contains(grant) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    Ok((client, TokenRequest::new(profile, grant, &parameters)?))
}

fn grant<'x>(
    session: &mut Session<'x>,
    client: AuthenticatedClient<'x>,
    request: &TokenRequest<'x>,
) -> Next<'x> {
    match request.grant {
        GrantRequest::ClientCredentials => first(
            session,
            client,
            GrantType::ClientCredentials,
            None,
            request.scope,
        ),
        GrantRequest::Password { username, password } => {
            let purpose = Purpose::Token {
                client,
                scope: request.scope,
            };
            Hashing::begin(session, purpose, username, password.expose())
        }
        GrantRequest::AuthorizationCode { .. } | GrantRequest::RefreshToken { .. } => {
            lifecycle::begin(session, client, request)
        }
    }
}

/// The first tokens of a grant that is active from its beginning (RFC 6749 §4.3,
/// §4.4). Without a refresh token nothing is stored.
pub(super) fn first<'x>(
    session: &mut Session<'x>,
    client: AuthenticatedClient<'x>,
    grant_type: GrantType,
    user: Option<&'x User<'x>>,
    scope: Option<&'x str>,
) -> Next<'x> {
    let client = client.client();
    let refreshable = user.is_some() || session.configuration().profile.client_credentials_refresh;
    let scope = match session.requested_scope(client, scope) {
        Ok(scope) => scope,
        Err(cause) => return session.refuse(cause),
    };
    let grant = if refreshable && client.grant_types.contains(GrantType::RefreshToken) {
        match new_grant(session, client, user, scope) {
            Some(grant) => Some(grant),
            None => return session.refuse(Refusal::Signing),
        }
    } else {
        None
    };
    let issue = Issue {
        grant_type,
        client,
        subject: user.map_or(client.id, |user| user.subject),
        scope,
        grant: grant.as_ref(),
    };
    match issue.write(session) {
        Err(cause) => session.fail(cause),
        Ok(()) => match &grant {
            Some(grant) => Next::Commit(Swap::create(grant)),
            None => Next::Done,
        },
    }
}

fn new_grant<'x>(
    session: &mut Session<'x>,
    client: &Client<'_>,
    user: Option<&User<'_>>,
    scope: ScopeSet,
) -> Option<Grant> {
    let configuration = session.configuration();
    let profile = &configuration.profile;
    let now = session.now;
    let ends = now.plus(profile.lifetimes.refresh_absolute);
    let mut grant = Grant {
        id: GrantId::new(session.entropy.take()?),
        nonce: session.entropy.take()?,
        state: State::Active { generation: 1 },
        client: Tag::client(client.id),
        user: user.map(|user| Tag::user(user.subject)),
        refreshable: true,
        reuse: profile.rotation == Rotation::Reuse,
        origin: Origin::Direct,
        scope,
        scope_names: configuration.scopes.fingerprint(scope),
        created: now,
        touched: 0,
        ends,
        keep_until: now,
    };
    grant.keep_until = standing::keep_until(configuration, &grant, now);
    Some(grant)
}
