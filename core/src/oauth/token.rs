//! The token endpoint (RFC 6749 §3.2): a request becomes a first grant, or a
//! redemption that the store has to be asked about.

use super::client_auth::{AuthenticatedClient, Unauthenticated, authenticate};
use super::config::{Client, User};
use super::error::{Parameter, Refusal};
use super::event::{Event, JwtId};
use super::exchange::{Next, Swap};
use super::grant::{Grant, GrantId, Origin, State, Tag};
use super::handle::{CodeBinding, HANDLE_LENGTH, Kind};
use super::lifecycle;
use super::login::{Hashing, Purpose};
use super::request::{self, GrantRequest, TokenRequest};
use super::response::{self, Tokens};
use super::session::Session;
use super::throttle::Account;
use crate::codec::form::Parameters;
use crate::http::{Body, Header};
use crate::profile::{GrantType, Rotation};
use crate::scope::ScopeSet;
use crate::secret::SecretHash;

/// Framing, clock, client, grant type: in this order.
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

fn read<'x>(
    session: &mut Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    body: Body<'x>,
) -> Result<(AuthenticatedClient<'x>, TokenRequest<'x>), Refusal> {
    let (client, parameters) = authenticated(session, headers, query, body)?;
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

/// Reads the parameters of a request and finds out which client sent it: what
/// the token, revocation and introspection endpoints begin with.
pub(super) fn authenticated<'x>(
    session: &mut Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    body: Body<'x>,
) -> Result<(AuthenticatedClient<'x>, Parameters<'x>), Refusal> {
    let configuration = session.configuration();
    // RFC 6749 §2.3.1: "The parameters can only be transmitted in the
    // request-body and MUST NOT be included in the request URI."
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Refusal::QueryPresent);
    }
    let json = configuration.profile.json_body;
    let parameters = request::parameters(headers, body, &session.form_limits(), json)?;
    session.check_clock()?;
    check_api_key(session, headers)?;
    let client = authenticate(
        configuration,
        session.throttle,
        headers,
        session.source,
        &parameters,
        session.now,
    )
    .map_err(|failure| note(session, failure))?;
    session.client = Some(client.client());
    Ok((client, parameters))
}

fn note<'x>(session: &mut Session<'x>, failure: Unauthenticated<'x>) -> Refusal {
    session.by_header = failure.by_header;
    session.client = failure.client;
    if failure.locked_out {
        session.locked_out(Account::Client);
    }
    failure.cause
}

fn check_api_key(session: &mut Session<'_>, headers: &[Header<'_>]) -> Result<(), Refusal> {
    let configuration = session.configuration();
    let (Some(name), Some(expected)) = (
        configuration.profile.api_key_header,
        configuration.api_key.as_ref(),
    ) else {
        return Ok(());
    };
    let key = crate::http::single(headers, name)
        .map_err(|crate::http::RepeatedHeader| Refusal::RepeatedHeader)?
        .unwrap_or_default();
    if SecretHash::of(key).matches(expected) {
        Ok(())
    } else {
        Err(Refusal::ApiKey)
    }
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
    grant.keep_until = lifecycle::keep_until(configuration, &grant, now);
    Some(grant)
}

/// What the tokens of one response are made of.
pub(super) struct Issue<'x, 'g> {
    pub(super) grant_type: GrantType,
    pub(super) client: &'x Client<'x>,
    pub(super) subject: &'x str,
    pub(super) scope: ScopeSet,
    /// The stored grant, as it is to be committed; it is active.
    pub(super) grant: Option<&'g Grant>,
}

impl<'x> Issue<'x, '_> {
    /// Writes the tokens into the response. They leave only if the commit of
    /// `grant` succeeds.
    pub(super) fn write(&self, session: &mut Session<'x>) -> Result<(), Refusal> {
        let jwt_id = self.jwt_id(session).ok_or(Refusal::Signing)?;
        let mut text = [0; HANDLE_LENGTH];
        let refresh_token = self.grant.and_then(|grant| match grant.state {
            State::Active { generation } if grant.refreshable => Some(session.server.handles.mint(
                Kind::Refresh,
                &grant.id,
                generation,
                grant.client,
                &CodeBinding::default(),
                &mut text,
            )),
            _ => None,
        });
        response::tokens(
            session.configuration(),
            &Tokens {
                subject: self.subject,
                client: self.client.id,
                scope: self.scope,
                jwt_id,
                issued_at: session.now,
                refresh_token,
            },
            &mut session.response,
        )?;
        session.event(Event::Issued {
            grant_type: self.grant_type,
            client: self.client.id,
            subject: self.subject,
            jwt_id,
        });
        Ok(())
    }

    /// "grant id ‖ 4 random octets", so that a resource can ask the grant.
    fn jwt_id(&self, session: &mut Session<'x>) -> Option<JwtId> {
        Some(match self.grant {
            Some(grant) => JwtId::of_grant(&grant.id, session.entropy.take()?),
            None => JwtId::without_grant(session.entropy.take()?),
        })
    }
}
