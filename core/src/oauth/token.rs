//! The token endpoint (RFC 6749 §3.2): a request becomes a first grant, or a
//! redemption that the store has to be asked about.

use super::client_auth::{AuthenticatedClient, Unauthenticated, authenticate};
use super::config::{Client, User};
use super::error::{Parameter, Refusal};
use super::event::{Event, JwtId};
use super::exchange::{Session, Step, Work};
use super::grant::{Grant, GrantId, Origin, State, Tag};
use super::handle::{CodeBinding, HANDLE_LENGTH, Kind};
use super::lifecycle;
use super::password::PasswordWork;
use super::request::{self, GrantRequest, TokenRequest};
use super::response::{self, Tokens};
use super::throttle::{Account, Pair};
use crate::codec::form;
use crate::http::{Body, Header};
use crate::profile::{GrantType, Rotation};
use crate::scope::{ScopeError, ScopeSet};
use crate::secret::SecretHash;

/// Framing, clock, client, grant type: in this order.
pub(super) fn begin<'x>(
    mut session: Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    body: Body<'x>,
) -> Step<'x> {
    match read(&mut session, headers, query, body) {
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
    let configuration = session.configuration();
    let profile = &configuration.profile;
    // RFC 6749 §2.3.1: "The parameters can only be transmitted in the
    // request-body and MUST NOT be included in the request URI."
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Refusal::QueryPresent);
    }
    let limits = form::Limits {
        octets: configuration.limits.body,
        parameters: configuration.limits.parameters,
    };
    let parameters = request::parameters(headers, body, &limits, profile.json_body)?;
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

fn note<'x>(session: &mut Session<'x>, failure: Unauthenticated<'x>) -> Refusal {
    session.by_header = failure.by_header;
    if failure.locked_out {
        session.event(Event::LockedOut {
            account: Account::Client,
            client: failure.client,
        });
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
    session: Session<'x>,
    client: AuthenticatedClient<'x>,
    request: &TokenRequest<'x>,
) -> Step<'x> {
    match request.grant {
        GrantRequest::ClientCredentials => client_credentials(session, client, request),
        GrantRequest::Password { username, password } => {
            let grant = PasswordGrant {
                client,
                scope: request.scope,
                user: session
                    .configuration()
                    .users
                    .iter()
                    .find(|user| user.username == username),
            };
            begin_password(session, grant, username, password.expose())
        }
        GrantRequest::AuthorizationCode { .. } | GrantRequest::RefreshToken { .. } => {
            lifecycle::begin(session, client, request)
        }
    }
}

/// RFC 6749 §4.4. Without a refresh token nothing is stored.
fn client_credentials<'x>(
    session: Session<'x>,
    client: AuthenticatedClient<'x>,
    request: &TokenRequest<'x>,
) -> Step<'x> {
    let refreshable = session.configuration().profile.client_credentials_refresh;
    first(
        session,
        client,
        GrantType::ClientCredentials,
        None,
        request.scope,
        refreshable,
    )
}

/// A password request between its client's authentication and its user's.
pub(super) struct PasswordGrant<'x> {
    client: AuthenticatedClient<'x>,
    scope: Option<&'x str>,
    user: Option<&'x User<'x>>,
}

/// RFC 6749 §4.3. The throttle comes before the hash; an unknown user is
/// hashed like a known one.
fn begin_password<'x>(
    session: Session<'x>,
    grant: PasswordGrant<'x>,
    username: &'x str,
    password: &'x [u8],
) -> Step<'x> {
    let pair = session
        .throttle
        .pair(Account::User, username, session.source);
    if let Err(left) = session.throttle.admit(pair, session.now) {
        return session.refuse(Refusal::Throttled(left));
    }
    let users = session.configuration().users;
    let (salt, iterations) = match grant.user {
        Some(user) => (user.password.salt, user.password.iterations),
        None => (
            [0; 16],
            users
                .iter()
                .map(|user| user.password.iterations)
                .max()
                .unwrap_or(1),
        ),
    };
    Step::Work(Work {
        work: PasswordWork::new(password, &salt, iterations),
        session,
        grant,
        pair,
    })
}

/// Goes on once the password is hashed.
pub(super) fn password<'x>(
    mut session: Session<'x>,
    grant: &PasswordGrant<'x>,
    pair: Pair,
    work: &PasswordWork,
) -> Step<'x> {
    let nobodys = [0; 32];
    let expected = grant.user.map_or(&nobodys, |user| &user.password.hash);
    let matches = work.matches(expected);
    match grant.user {
        Some(user) if matches => first(
            session,
            grant.client,
            GrantType::Password,
            Some(user),
            grant.scope,
            true,
        ),
        user => {
            if session.throttle.failed(pair, session.now) {
                let client = session.client.map(|client| client.id);
                session.event(Event::LockedOut {
                    account: Account::User,
                    client,
                });
            }
            session.refuse(match user {
                Some(_) => Refusal::WrongPassword,
                None => Refusal::UnknownUser,
            })
        }
    }
}

/// The first tokens of a grant that is active from its beginning.
fn first<'x>(
    mut session: Session<'x>,
    client: AuthenticatedClient<'x>,
    grant_type: GrantType,
    user: Option<&'x User<'x>>,
    scope: Option<&'x str>,
    refreshable: bool,
) -> Step<'x> {
    let client = client.client();
    let scope = match requested_scope(&mut session, client, scope) {
        Ok(scope) => scope,
        Err(cause) => return session.refuse(cause),
    };
    let grant = if refreshable && client.grant_types.contains(GrantType::RefreshToken) {
        match new_grant(&mut session, client, user, scope) {
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
    match issue.write(&mut session) {
        Err(cause) => session.fail(cause),
        Ok(()) => match &grant {
            Some(grant) => session.create(grant),
            None => session.done(),
        },
    }
}

/// The scopes that a client asks for, or gets by default.
fn requested_scope<'x>(
    session: &mut Session<'x>,
    client: &Client<'_>,
    scope: Option<&'x str>,
) -> Result<ScopeSet, Refusal> {
    let Some(text) = scope else {
        return Ok(client.default_scopes);
    };
    within(session, client.scopes, text)
}

/// The scopes named in `text`, all of which must be in `allowed`.
pub(super) fn within<'x>(
    session: &mut Session<'x>,
    allowed: ScopeSet,
    text: &'x str,
) -> Result<ScopeSet, Refusal> {
    let names = session.configuration().scopes;
    let outside = |name: &&str| !names.one(name).is_some_and(|one| allowed.contains(one));
    match names.parse(text) {
        Ok(set) if allowed.contains(set) => Ok(set),
        Ok(_) => {
            session.named = text.split(' ').find(outside);
            Err(Refusal::Scope)
        }
        Err((ScopeError::Unknown | ScopeError::Malformed | _, name)) => {
            session.named = Some(name);
            Err(Refusal::Scope)
        }
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
        id: GrantId(session.entropy.take()?),
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
        let Some(grant) = self.grant else {
            return Some(JwtId(session.entropy.take()?));
        };
        let [a, b, c, d, e, f, g, h, i, j, k, l] = grant.id.0;
        let [w, x, y, z] = session.entropy.take()?;
        Some(JwtId([a, b, c, d, e, f, g, h, i, j, k, l, w, x, y, z]))
    }
}
