//! The authorization endpoint (RFC 6749 §3.1, §4.1.1): a request becomes a login
//! form, and a form that was filled in becomes a code.

use super::config::User;
use super::error::{Parameter, Refusal};
use super::event::Event;
use super::form_mac::FormMac;
use super::grant::{Grant, GrantId, Origin, State, Tag};
use super::handle::{CodeBinding, HANDLE_LENGTH, Kind};
use super::next::{Asked, AuthorizationRequest, Hashing, Next, Purpose, Swap};
use super::page::{self, LoginForm};
use super::redirect::{self, Told};
use super::request::{self, optional, required};
use super::session::Session;
use crate::codec::copy;
use crate::codec::form::Parameters;
use crate::codec::split::split_at_first;
use crate::http::{self, Body, Header};
use crate::profile::{GrantType, Rotation};
use crate::sha256::Sha256;
use crate::time::Seconds;

/// What the form adds to the request when it comes back as a body: its token,
/// a name, a password and the decision.
const FORM_FIELDS: usize = 256;

/// How long a login form may stay open.
const FORM_LIFETIME: Seconds = Seconds(600);

/// `GET`: the request is in the query. `scratch` takes a copy of it.
// Not inlined: `dispatch` would hold the frames of all endpoints at once.
#[inline(never)]
pub(super) fn get<'x>(
    session: &mut Session<'x>,
    query: Option<&str>,
    scratch: &'x mut [u8],
) -> Next<'x> {
    let query = query.unwrap_or_default();
    let comes_back = query.len().saturating_add(FORM_FIELDS);
    let room = scratch.get_mut(..query.len());
    let Some(room) = room.filter(|_| comes_back <= session.configuration().limits.body) else {
        return session.refuse_page(Refusal::QueryTooLong);
    };
    copy(query.as_bytes(), room);
    let limits = session.form_limits();
    let mut parameters = Parameters::none();
    match parameters.read_form(room, &limits) {
        Ok(()) => ask(session, &parameters),
        Err(error) => session.refuse_page(Refusal::Body(error)),
    }
}

/// `POST`: a filled-in form, or the request itself, which "MAY" come this way
/// (RFC 6749 §3.1).
// Not inlined: `dispatch` would hold the frames of all endpoints at once.
#[inline(never)]
pub(super) fn post<'x>(
    session: &mut Session<'x>,
    headers: &[Header<'_>],
    query: Option<&str>,
    body: Body<'x>,
) -> Next<'x> {
    if query.is_some_and(|query| !query.is_empty()) {
        return session.refuse_page(Refusal::QueryPresent);
    }
    let limits = session.form_limits();
    let mut parameters = Parameters::none();
    if let Err(cause) = request::parameters(headers, body, &limits, None, &mut parameters) {
        return session.refuse_page(cause);
    }
    match optional(&parameters, Parameter::Decision) {
        // A form that comes back without the button that was pressed.
        Ok(None) if !matches!(optional(&parameters, Parameter::FormToken), Ok(None)) => {
            session.refuse_page(Refusal::Missing(Parameter::Decision))
        }
        Ok(None) => ask(session, &parameters),
        Ok(Some(_)) if !same_origin(session, headers) => {
            session.refuse_page(Refusal::ForeignOrigin)
        }
        Ok(Some(decision)) => decide(session, &parameters, decision),
        Err(cause) => session.refuse_page(cause),
    }
}

/// Shows the form.
fn ask<'x>(session: &mut Session<'x>, parameters: &Parameters<'x>) -> Next<'x> {
    let request = match AuthorizationRequest::identify(session, parameters) {
        Ok(request) => request,
        Err(cause) => return session.refuse_page(cause),
    };
    match Asked::understand(session, &request)
        .and_then(|asked| session.check_clock().map(|()| asked))
    {
        Ok(asked) => show_form(session, &asked, 200, None),
        Err(cause) => refuse(session, &request, cause),
    }
}

/// Takes the form back: everything in it is checked again.
fn decide<'x>(
    session: &mut Session<'x>,
    parameters: &Parameters<'x>,
    decision: &'x str,
) -> Next<'x> {
    let request = match AuthorizationRequest::identify(session, parameters) {
        Ok(request) => request,
        Err(cause) => return session.refuse_page(cause),
    };
    let asked = match Asked::understand(session, &request)
        .and_then(|asked| session.check_clock().map(|()| asked))
    {
        Ok(asked) => asked,
        Err(cause) => return refuse(session, &request, cause),
    };
    match optional(parameters, Parameter::FormToken) {
        Ok(Some(token)) => {
            let mac = &session.server.form_mac;
            match mac.verify(token, &asked.request.fields(), session.now) {
                Some(true) => {}
                Some(false) => return form_again(session, &asked, Refusal::FormExpired),
                None => return session.refuse_page(Refusal::FormForged),
            }
        }
        _ => return session.refuse_page(Refusal::FormForged),
    }
    match decision {
        "approve" => login(session, asked, parameters),
        "deny" => refuse(session, &request, Refusal::Denied),
        _ => session.refuse_page(Refusal::Invalid(Parameter::Decision)),
    }
}

/// Begins to check who approves.
fn login<'x>(session: &mut Session<'x>, asked: Asked<'x>, parameters: &Parameters<'x>) -> Next<'x> {
    let (username, password) = match (
        required(parameters, Parameter::Username),
        required(parameters, Parameter::Password),
    ) {
        (Ok(username), Ok(password)) => (username, password),
        (Err(cause), _) | (_, Err(cause)) => return form_again(session, &asked, cause),
    };
    Hashing::begin(
        session,
        Purpose::Authorize(asked),
        username,
        password.as_bytes(),
    )
}

/// The form again (403): the user is not who they say, or too late.
pub(super) fn form_again<'x>(
    session: &mut Session<'x>,
    asked: &Asked<'x>,
    cause: Refusal,
) -> Next<'x> {
    let client = Some(asked.request.client.id);
    session.event(Event::Refused { client, cause });
    let message = match cause {
        Refusal::FormExpired => "The form had been open for too long. Please sign in again.",
        _ => "The user name or the password is wrong.",
    };
    show_form(session, asked, 403, Some(message))
}

/// Gives the code.
pub(super) fn approve<'x>(
    session: &mut Session<'x>,
    asked: &Asked<'x>,
    user: &'x User<'x>,
) -> Next<'x> {
    let Some(grant) = pending(session, asked, user) else {
        return refuse(session, &asked.request, Refusal::Signing);
    };
    let request = &asked.request;
    let binding = CodeBinding {
        challenge: asked.challenge,
        redirect_uri: request
            .named_uri
            .then(|| Sha256::of(request.redirect_uri.as_bytes())),
    };
    let mut text = [0; HANDLE_LENGTH];
    let code =
        session
            .server
            .handles
            .mint(Kind::Code, &grant.id, 0, grant.client, &binding, &mut text);
    let fits = if redirect::is_out_of_band(request.redirect_uri) {
        page::code(code, &mut session.response)
    } else {
        let answer = request.answer(session.configuration().issuer);
        answer.write(Told::Code(code), &mut session.response)
    };
    if !fits {
        return session.refuse_page(Refusal::ResponseTooLong);
    }
    session.event(Event::CodeIssued {
        client: request.client.id,
        subject: user.subject,
        grant: grant.id,
    });
    Next::Commit(Swap::create(&grant))
}

fn pending<'x>(session: &mut Session<'x>, asked: &Asked<'x>, user: &User<'_>) -> Option<Grant> {
    let configuration = session.configuration();
    let client = asked.request.client;
    let now = session.now;
    let ends = now.plus(configuration.profile.lifetimes.code);
    Some(Grant {
        id: GrantId::new(session.entropy.take()?),
        nonce: session.entropy.take()?,
        state: State::Pending,
        client: Tag::client(client.id),
        user: Some(Tag::user(user.subject)),
        refreshable: client.grant_types.contains(GrantType::RefreshToken),
        reuse: configuration.profile.rotation == Rotation::Reuse,
        origin: Origin::Code,
        scope: asked.scope,
        scope_names: configuration.scopes.fingerprint(asked.scope),
        created: now,
        touched: 0,
        ends,
        keep_until: ends.plus(configuration.skew),
    })
}

fn show_form<'x>(
    session: &mut Session<'x>,
    asked: &Asked<'x>,
    status: u16,
    message: Option<&'static str>,
) -> Next<'x> {
    let configuration = session.configuration();
    let fields = asked.request.fields();
    let mut text = [0; FormMac::LENGTH];
    let expires = session.now.plus(FORM_LIFETIME);
    let token = session.server.form_mac.mint(&fields, expires, &mut text);
    let form = LoginForm {
        client: asked.request.client.id,
        scopes: configuration.scopes.names(asked.scope),
        hidden: fields,
        token,
        path: configuration.profile.authorization_path.unwrap_or_default(),
        message,
    };
    if form.write(status, &mut session.response) {
        Next::Done
    } else {
        // Escaped, it is more than there is room for.
        session.refuse_page(Refusal::BodyTooLong)
    }
}

/// Sends an error back to the client (RFC 6749 §4.1.2.1), or shows it where
/// there is nowhere to send it to.
pub(super) fn refuse<'x>(
    session: &mut Session<'x>,
    request: &AuthorizationRequest<'x>,
    cause: Refusal,
) -> Next<'x> {
    if redirect::is_out_of_band(request.redirect_uri) {
        return session.refuse_page(cause);
    }
    let configuration = session.configuration();
    let (answer, _fill) = cause.answer(&configuration.profile);
    session.response.reset();
    let client = Some(request.client.id);
    session.event(Event::Refused { client, cause });
    let to = request.answer(configuration.issuer);
    if to.write(Told::Error(answer.error), &mut session.response) {
        Next::Done
    } else {
        session.refuse_page(Refusal::ResponseTooLong)
    }
}

/// Whether the form was sent by a page of this server, as far as the browser
/// says. The form's page lets it name its origin. `null` is what a browser says
/// that was told to send no referrer whatsoever, and a foreign sandboxed frame:
/// `Sec-Fetch-Site` tells them apart, and without it nobody does.
fn same_origin(session: &Session<'_>, headers: &[Header<'_>]) -> bool {
    let one = |name| http::single(headers, name);
    let (Ok(site), Ok(origin), Ok(host)) = (one("sec-fetch-site"), one("origin"), one("host"))
    else {
        return false;
    };
    if site.is_some_and(|site| site != b"same-origin") {
        return false;
    }
    let issuer = session.configuration().issuer;
    match origin {
        None => true,
        Some(b"null") => site.is_some(),
        Some(origin) => {
            let Some(origin) = core::str::from_utf8(origin).ok().and_then(scheme_authority) else {
                return false;
            };
            let (scheme, authority, path) = origin;
            let web = matches!(scheme, "https" | "http");
            let own = scheme_authority(issuer)
                .is_some_and(|(own_scheme, own, _)| (own_scheme, own) == (scheme, authority));
            path.is_empty() && (web && host == Some(authority.as_bytes()) || own)
        }
    }
}

/// The scheme and authority of a URL, and what follows them.
fn scheme_authority(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = split_at_first(url, b':')?;
    let rest = rest.strip_prefix("//")?;
    let end = rest.bytes().position(|octet| octet == b'/');
    let (authority, path) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    Some((scheme, authority, path))
}
