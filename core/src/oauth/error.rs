//! Precise to the log, coarse to the peer: every cause of a refusal, and the
//! one answer on the wire that it becomes.

use core::fmt;

use crate::codec::form::FormError;
use crate::profile::{ErrorAnswer, Errors, Profile};
use crate::time::Seconds;

/// Why a token request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal {
    /// The request target has a query, where credentials must not be.
    QueryPresent,
    /// Not a content type the endpoint takes.
    ContentType,
    /// The body is longer than the server takes.
    BodyTooLong,
    /// The query of an authorization request is longer than can come back with
    /// the login form.
    QueryTooLong,
    /// The body can not be read.
    Body(FormError),
    /// A header field that may come once came twice.
    RepeatedHeader,
    /// A parameter is missing.
    Missing(Parameter),
    /// A parameter has a value it can not have.
    Invalid(Parameter),
    /// The client used two authentication methods.
    TwoMethods,
    /// The `client_id` in the body is not the one in the header.
    OtherClientId,
    /// The client did not authenticate.
    NoClientAuthentication,
    /// The credentials in the `Authorization` header can not be read.
    BasicMalformed,
    /// The profile does not have this authentication method.
    AuthenticationMethod,
    /// There is no such client.
    UnknownClient,
    /// The client's secret is wrong.
    WrongSecret,
    /// The user said no.
    Denied,
    /// The authorization endpoint gives codes, and nothing else.
    UnsupportedResponseType,
    /// A form came from another site's page.
    ForeignOrigin,
    /// A form's MAC is missing, or another request's.
    FormForged,
    /// The login form had been open for too long.
    FormExpired,
    /// Nothing is stored of this token, so it can not be revoked.
    UnsupportedTokenType,
    /// The API key is missing or wrong.
    ApiKey,
    /// The server does not have this grant type.
    UnsupportedGrantType,
    /// The client is not registered for this grant type.
    GrantTypeNotAllowed,
    /// A scope is malformed, unknown, or not this client's.
    Scope,
    /// There is no such user.
    UnknownUser,
    /// The user's password is wrong.
    WrongPassword,
    /// The code is malformed, forged, or bound to something else.
    CodeInvalid,
    /// The code was good once.
    CodeExpired,
    /// The code had been redeemed; the grant is revoked now.
    CodeReplayed,
    /// The refresh token is malformed, forged, or bound to something else.
    RefreshInvalid,
    /// The refresh token was not used in time, or the grant has ended.
    RefreshExpired,
    /// The refresh token had been replaced; the grant is revoked now.
    RefreshReused,
    /// Another request with the same refresh token was faster.
    RefreshRaced,
    /// The grant behind this code or refresh token was revoked before, or
    /// forgotten.
    GrantRevoked(Parameter),
    /// The client, the user or the scopes behind the grant are gone or changed.
    GrantOutdated(Parameter),
    /// Too many failures from this source; try again after this long.
    Throttled(Seconds),
    /// A password is being checked for someone else.
    Busy,
    /// The clock is not set.
    ClockUnset,
    /// The clock is behind what was written earlier.
    ClockWentBack,
    /// The store has no room for another grant.
    StoreFull,
    /// The store can not be reached or does not work.
    StoreUnavailable,
    /// The store does not hold what it acknowledged.
    StoreStale,
    /// Others were faster, four times in a row.
    Contended,
    /// A record in the store can not be read.
    RecordDamaged,
    /// The key can not sign.
    Signing,
    /// The response does not fit into the buffer that the host lent.
    ResponseTooLong,
}

/// A parameter of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Parameter {
    /// `grant_type`.
    GrantType,
    /// `client_id`.
    ClientId,
    /// `client_secret`.
    ClientSecret,
    /// `scope`.
    Scope,
    /// `username`.
    Username,
    /// `password`.
    Password,
    /// `code`.
    Code,
    /// `redirect_uri`.
    RedirectUri,
    /// `code_verifier`.
    CodeVerifier,
    /// `refresh_token`.
    RefreshToken,
    /// `response_type`.
    ResponseType,
    /// `state`.
    State,
    /// `code_challenge`.
    CodeChallenge,
    /// `code_challenge_method`.
    CodeChallengeMethod,
    /// `token`.
    Token,
    /// `decision`: which button of the login form was pressed.
    Decision,
    /// `form_token`: what keeps the login form from being forged.
    FormToken,
}

impl Parameter {
    /// The name in a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Parameter::GrantType => "grant_type",
            Parameter::ClientId => "client_id",
            Parameter::ClientSecret => "client_secret",
            Parameter::Scope => "scope",
            Parameter::Username => "username",
            Parameter::Password => "password",
            Parameter::Code => "code",
            Parameter::RedirectUri => "redirect_uri",
            Parameter::CodeVerifier => "code_verifier",
            Parameter::RefreshToken => "refresh_token",
            Parameter::ResponseType => "response_type",
            Parameter::State => "state",
            Parameter::CodeChallenge => "code_challenge",
            Parameter::CodeChallengeMethod => "code_challenge_method",
            Parameter::Token => "token",
            Parameter::Decision => "decision",
            Parameter::FormToken => "form_token",
        }
    }
}

impl Refusal {
    /// The answer of `profile`: its status, and what fills the `%s` of its
    /// text. The text for a scope or grant type is filled by the caller, who
    /// knows the request.
    pub(super) fn answer(self, profile: &Profile) -> (ErrorAnswer, &'static str) {
        let errors: &Errors = &profile.errors;
        match self {
            Refusal::QueryPresent => (errors.invalid_request, "query"),
            Refusal::ContentType => (with_status(errors.invalid_request, 415), "Content-Type"),
            Refusal::BodyTooLong => (with_status(errors.invalid_request, 413), "body"),
            Refusal::QueryTooLong => (with_status(errors.invalid_request, 414), "query"),
            Refusal::Body(_) => (errors.invalid_request, "body"),
            Refusal::RepeatedHeader | Refusal::TwoMethods => {
                (errors.invalid_request, "Authorization")
            }
            Refusal::Missing(parameter) | Refusal::Invalid(parameter) => {
                (errors.invalid_request, parameter.name())
            }
            Refusal::OtherClientId => (errors.invalid_request, "client_id"),
            Refusal::NoClientAuthentication
            | Refusal::BasicMalformed
            | Refusal::AuthenticationMethod
            | Refusal::UnknownClient
            | Refusal::WrongSecret => (errors.invalid_client, ""),
            Refusal::Denied => (errors.access_denied, ""),
            Refusal::UnsupportedResponseType => (errors.unsupported_response_type, ""),
            Refusal::ForeignOrigin | Refusal::FormForged | Refusal::FormExpired => (
                with_status(errors.invalid_request, 403),
                Parameter::FormToken.name(),
            ),
            Refusal::UnsupportedTokenType => (UNSUPPORTED_TOKEN_TYPE, ""),
            Refusal::ApiKey => (with_status(errors.invalid_client, 401), ""),
            Refusal::UnsupportedGrantType => (errors.unsupported_grant_type, ""),
            Refusal::GrantTypeNotAllowed => (errors.unauthorized_client, ""),
            Refusal::Scope => (errors.invalid_scope, ""),
            Refusal::UnknownUser | Refusal::WrongPassword => (errors.bad_user, ""),
            Refusal::CodeInvalid | Refusal::CodeExpired | Refusal::CodeReplayed => {
                (errors.invalid_grant, "code")
            }
            Refusal::RefreshInvalid
            | Refusal::RefreshExpired
            | Refusal::RefreshReused
            | Refusal::RefreshRaced => (errors.bad_refresh_token, ""),
            Refusal::GrantRevoked(Parameter::RefreshToken)
            | Refusal::GrantOutdated(Parameter::RefreshToken) => (errors.bad_refresh_token, ""),
            Refusal::GrantRevoked(parameter) | Refusal::GrantOutdated(parameter) => {
                (errors.invalid_grant, parameter.name())
            }
            Refusal::Throttled(_) => (with_status(errors.temporarily_unavailable, 429), ""),
            Refusal::Busy
            | Refusal::ClockUnset
            | Refusal::ClockWentBack
            | Refusal::StoreFull
            | Refusal::StoreUnavailable
            | Refusal::StoreStale
            | Refusal::Contended => (errors.temporarily_unavailable, ""),
            Refusal::RecordDamaged | Refusal::Signing | Refusal::ResponseTooLong => {
                (errors.server_error, "")
            }
        }
    }

    /// How long the client should wait before it tries again, if that helps.
    pub(super) fn retry_after(self) -> Option<Seconds> {
        match self {
            Refusal::Throttled(seconds) => Some(seconds),
            Refusal::Busy | Refusal::Contended | Refusal::StoreStale => Some(Seconds(1)),
            Refusal::ClockUnset
            | Refusal::ClockWentBack
            | Refusal::StoreFull
            | Refusal::StoreUnavailable => Some(Seconds(5)),
            _ => None,
        }
    }
}

/// RFC 7009 §2.2.1.
const UNSUPPORTED_TOKEN_TYPE: ErrorAnswer = ErrorAnswer {
    status: 400,
    error: "unsupported_token_type",
    description: "The token belongs to no stored grant, so it can not be revoked.",
};

fn with_status(answer: ErrorAnswer, status: u16) -> ErrorAnswer {
    ErrorAnswer { status, ..answer }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Refusal::Body(error) => return write!(f, "the body can not be read: {error}"),
            Refusal::Missing(parameter) => return write!(f, "{} is missing", parameter.name()),
            Refusal::Invalid(Parameter::RedirectUri) => "redirect_uri is not registered",
            Refusal::Invalid(parameter) => return write!(f, "{} is malformed", parameter.name()),
            Refusal::Throttled(left) => {
                return write!(f, "too many failures from this source, {left} s to wait");
            }
            Refusal::QueryPresent => "parameters in the query",
            Refusal::ContentType => "not a content type of this endpoint",
            Refusal::BodyTooLong => "the body is too long",
            Refusal::QueryTooLong => "the query is too long",
            Refusal::RepeatedHeader => "a header field came twice",
            Refusal::TwoMethods => "two authentication methods",
            Refusal::OtherClientId => "client_id differs from the header's",
            Refusal::NoClientAuthentication => "no client authentication",
            Refusal::BasicMalformed => "the Basic credentials can not be read",
            Refusal::AuthenticationMethod => "this client must not authenticate this way",
            Refusal::UnknownClient => "unknown client",
            Refusal::WrongSecret => "wrong client secret",
            Refusal::Denied => "the user denied the request",
            Refusal::UnsupportedResponseType => "unsupported response type",
            Refusal::ForeignOrigin => "the form came from another site",
            Refusal::FormForged => "the form's token is missing or another request's",
            Refusal::FormExpired => "the form had been open for too long",
            Refusal::UnsupportedTokenType => "the token belongs to no stored grant",
            Refusal::ApiKey => "wrong API key",
            Refusal::UnsupportedGrantType => "unsupported grant type",
            Refusal::GrantTypeNotAllowed => "the client is not registered for this grant type",
            Refusal::Scope => "a scope is unknown or not this client's",
            Refusal::UnknownUser => "unknown user",
            Refusal::WrongPassword => "wrong password",
            Refusal::CodeInvalid => "the code is forged or bound to something else",
            Refusal::CodeExpired => "the code has expired",
            Refusal::CodeReplayed => "the code came again",
            Refusal::RefreshInvalid => "the refresh token is forged or another client's",
            Refusal::RefreshExpired => "the refresh token has expired",
            Refusal::RefreshReused => "a replaced refresh token came again",
            Refusal::RefreshRaced => "another request with this refresh token was faster",
            Refusal::GrantRevoked(_) => "the grant is revoked",
            Refusal::GrantOutdated(_) => "the grant's client, user or scopes are gone",
            Refusal::Busy => "a password is being checked",
            Refusal::ClockUnset => "the clock is not set",
            Refusal::ClockWentBack => "the clock went back",
            Refusal::StoreFull => "the store is full",
            Refusal::StoreUnavailable => "the store does not answer",
            Refusal::StoreStale => "the store is behind",
            Refusal::Contended => "too many others changed the grant",
            Refusal::RecordDamaged => "a record is damaged",
            Refusal::Signing => "the key can not sign",
            Refusal::ResponseTooLong => "the response does not fit",
        };
        f.write_str(text)
    }
}

impl core::error::Error for Refusal {}
