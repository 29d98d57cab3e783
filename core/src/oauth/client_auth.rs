//! Client authentication (RFC 6749 §2.3, RFC 7617): who asks.

use zeroize::Zeroizing;

use super::config::{Client, Configuration};
use super::error::{Parameter, Refusal};
use super::request::{self, optional};
use super::session::Session;
use super::throttle::{Account, Pair, Throttle};
use crate::codec::basic::{self, BasicCredentials};
use crate::codec::form::Parameters;
use crate::http::{self, Body, Header, Source};
use crate::secret::SecretHash;
use crate::time::UnixTime;

/// A client whose credentials were good, or a public one that named itself.
#[derive(Clone, Copy)]
pub(super) struct AuthenticatedClient<'c>(&'c Client<'c>);

impl<'c> AuthenticatedClient<'c> {
    pub(super) const fn client(&self) -> &'c Client<'c> {
        self.0
    }
}

/// Why it is not known who asks.
pub(super) struct Unauthenticated<'c> {
    pub(super) cause: Refusal,
    /// Whether the `Authorization` header was used, so that the status is 401.
    pub(super) by_header: bool,
    /// The client that was named, if it is a registered one.
    pub(super) client: Option<&'c Client<'c>>,
    /// Whether this failure is the one after which the pair has to wait.
    pub(super) locked_out: bool,
}

/// Reads the `parameters` of a request and finds out which client sent it: what
/// the token, revocation and introspection endpoints begin with.
pub(super) fn authenticated<'x>(
    session: &mut Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    body: Body<'x>,
    parameters: &mut Parameters<'x>,
) -> Result<AuthenticatedClient<'x>, Refusal> {
    let configuration = session.configuration();
    // RFC 6749 §2.3.1: "The parameters can only be transmitted in the
    // request-body and MUST NOT be included in the request URI."
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(Refusal::QueryPresent);
    }
    let json = configuration.profile.json_body;
    request::parameters(headers, body, &session.form_limits(), json, parameters)?;
    session.check_clock()?;
    check_api_key(session, headers)?;
    let client = authenticate(
        configuration,
        session.throttle,
        headers,
        session.source,
        parameters,
        session.now,
    )
    .map_err(|failure| note(session, failure))?;
    session.client = Some(client.client());
    Ok(client)
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

/// What a client said of itself.
struct Claimed<'r> {
    id: [Option<&'r str>; 2],
    secret: Option<[Option<&'r str>; 2]>,
}

/// Finds out which client sent the request.
pub(super) fn authenticate<'c>(
    configuration: &'c Configuration<'c>,
    throttle: &Throttle<'_>,
    headers: &[Header<'_>],
    source: Source,
    parameters: &Parameters<'_>,
    now: UnixTime,
) -> Result<AuthenticatedClient<'c>, Unauthenticated<'c>> {
    let mut scratch = Zeroizing::new([0_u8; basic::SCRATCH]);
    let header = http::single(headers, "authorization");
    let by_header = !matches!(header, Ok(None));
    let refuse = |cause| Unauthenticated {
        cause,
        by_header,
        client: None,
        locked_out: false,
    };
    let header = header.map_err(|http::RepeatedHeader| refuse(Refusal::RepeatedHeader))?;
    let basic = match header {
        Some(value) => {
            Some(read_basic(configuration, value, scratch.as_mut_slice()).map_err(refuse)?)
        }
        None => None,
    };
    let claimed = claimed(configuration, basic.as_ref(), parameters).map_err(refuse)?;

    let client = find(configuration.clients, &claimed.id);
    // A client is one account, in however many spellings its id is sent.
    let [raw, decoded] = claimed.id;
    let named = client
        .map(|client| client.id)
        .or(decoded)
        .or(raw)
        .unwrap_or_default();
    let pair = throttle.pair(Account::Client, named, source);
    if let Err(left) = throttle.admit(pair, now) {
        return Err(Unauthenticated {
            client,
            ..refuse(Refusal::Throttled(left))
        });
    }
    check(client, &claimed).map_err(|cause| failed(throttle, pair, now, client, refuse(cause)))
}

/// Reads the `Authorization` header as HTTP Basic.
fn read_basic<'s>(
    configuration: &Configuration<'_>,
    value: &[u8],
    scratch: &'s mut [u8],
) -> Result<BasicCredentials<'s>, Refusal> {
    if !configuration.profile.client_authentication.basic {
        return Err(Refusal::AuthenticationMethod);
    }
    let credentials = http::credentials(value, "Basic").ok_or(Refusal::AuthenticationMethod)?;
    if credentials.len() > configuration.limits.basic {
        return Err(Refusal::BasicMalformed);
    }
    basic::parse(credentials, scratch).map_err(|_unreadable| Refusal::BasicMalformed)
}

/// Puts together what header and body say.
fn claimed<'r>(
    configuration: &Configuration<'_>,
    basic: Option<&BasicCredentials<'r>>,
    parameters: &Parameters<'r>,
) -> Result<Claimed<'r>, Refusal> {
    let methods = &configuration.profile.client_authentication;
    let id = optional(parameters, Parameter::ClientId)?;
    let secret = optional(parameters, Parameter::ClientSecret)?;
    match (basic, id, secret) {
        // RFC 6749 §2.3: "The client MUST NOT use more than one authentication
        // method in each request."
        (Some(_), _, Some(_)) => Err(Refusal::TwoMethods),
        (Some(basic), id, None) => {
            let ids = [Some(basic.id_raw()), basic.id_decoded()];
            match id {
                Some(id) if !ids.contains(&Some(id)) => Err(Refusal::OtherClientId),
                _ => Ok(Claimed {
                    id: ids,
                    secret: Some([Some(basic.secret_raw()), basic.secret_decoded()]),
                }),
            }
        }
        (None, Some(id), Some(secret)) if methods.post => Ok(Claimed {
            id: [Some(id), None],
            secret: Some([Some(secret), None]),
        }),
        (None, Some(id), None) if methods.none => Ok(Claimed {
            id: [Some(id), None],
            secret: None,
        }),
        (None, Some(_), Some(_)) => Err(Refusal::AuthenticationMethod),
        (None, _, _) => Err(Refusal::NoClientAuthentication),
    }
}

/// The client with either id. When each names another client it is none: what
/// was meant can not be told.
fn find<'c>(clients: &'c [Client<'c>], ids: &[Option<&str>; 2]) -> Option<&'c Client<'c>> {
    // No early end: how far down a client stands must not show.
    let mut found = [None; 2];
    for client in clients {
        for (found, id) in found.iter_mut().zip(ids) {
            if *id == Some(client.id) {
                *found = Some(client);
            }
        }
    }
    match found {
        [Some(one), Some(other)] if one.id != other.id => None,
        [one, other] => one.or(other),
    }
}

/// Compares the secret. For an unknown client the same is hashed and compared.
fn check<'c>(
    client: Option<&'c Client<'c>>,
    claimed: &Claimed<'_>,
) -> Result<AuthenticatedClient<'c>, Refusal> {
    let Some(secret) = &claimed.secret else {
        return match client {
            Some(client) if client.secret.is_none() => Ok(AuthenticatedClient(client)),
            Some(_) => Err(Refusal::NoClientAuthentication),
            None => Err(Refusal::UnknownClient),
        };
    };
    let nobodys = SecretHash::new([0; 32]);
    let expected = client
        .and_then(|client| client.secret.as_ref())
        .unwrap_or(&nobodys);
    let matches = secret.iter().fold(false, |matched, spelling| {
        let hash = SecretHash::of(spelling.unwrap_or_default().as_bytes());
        matched | (hash.matches(expected) & spelling.is_some())
    });
    match client {
        None => Err(Refusal::UnknownClient),
        Some(client) if matches && client.secret.is_some() => Ok(AuthenticatedClient(client)),
        Some(_) => Err(Refusal::WrongSecret),
    }
}

fn failed<'c>(
    throttle: &Throttle<'_>,
    pair: Pair,
    now: UnixTime,
    client: Option<&'c Client<'c>>,
    refused: Unauthenticated<'c>,
) -> Unauthenticated<'c> {
    Unauthenticated {
        client,
        locked_out: throttle.failed(pair, now),
        ..refused
    }
}
