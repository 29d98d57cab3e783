//! A token request's parameters, read once: afterwards nobody looks at the
//! body again.

use super::error::{Parameter, Refusal};
use super::pkce::CodeVerifier;
use crate::codec::form::{self, Parameters};
use crate::http::{self, Body, Header};
use crate::profile::{GrantType, JsonBody, Profile, RedirectUriRule};
use crate::secret::Secret;

/// Reads the body of a request to the token endpoint, or to another one that
/// takes parameters the same way, into `parameters`.
pub(super) fn parameters<'r>(
    headers: &[Header<'_>],
    body: Body<'r>,
    limits: &form::Limits,
    json: Option<JsonBody>,
    parameters: &mut Parameters<'r>,
) -> Result<(), Refusal> {
    let Body::Whole(body) = body else {
        return Err(Refusal::BodyTooLong);
    };
    if body.len() > limits.octets {
        return Err(Refusal::BodyTooLong);
    }
    let media_type = http::single(headers, "content-type")
        .map_err(|http::RepeatedHeader| Refusal::ContentType)?
        .ok_or(Refusal::ContentType)?;
    let end = media_type.iter().position(|octet| *octet == b';');
    let media_type = end
        .and_then(|end| media_type.get(..end))
        .unwrap_or(media_type)
        .trim_ascii();
    if media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        return parameters.read_form(body, limits).map_err(Refusal::Body);
    }
    match json {
        Some(json) if media_type.eq_ignore_ascii_case(b"application/json") => {
            let read = parameters.read_json(body, limits, json.trailing_comma);
            read.map_err(Refusal::Body)
        }
        _ => Err(Refusal::ContentType),
    }
}

/// The value of `parameter`; empty counts as absent (RFC 6749 §3.1).
pub(super) fn optional<'r>(
    parameters: &Parameters<'r>,
    parameter: Parameter,
) -> Result<Option<&'r str>, Refusal> {
    parameters
        .value(parameter.name())
        .map_err(|_not_text| Refusal::Invalid(parameter))
}

/// The value of `parameter`, which must be there.
pub(super) fn required<'r>(
    parameters: &Parameters<'r>,
    parameter: Parameter,
) -> Result<&'r str, Refusal> {
    optional(parameters, parameter)?.ok_or(Refusal::Missing(parameter))
}

/// What a client asks for, once it is known who asks.
#[derive(Clone, Copy)]
pub(super) struct TokenRequest<'r> {
    pub(super) grant: GrantRequest<'r>,
    pub(super) scope: Option<&'r str>,
}

/// The parameters of each grant type.
#[derive(Clone, Copy)]
pub(super) enum GrantRequest<'r> {
    ClientCredentials,
    Password {
        username: &'r str,
        password: Secret<'r>,
    },
    AuthorizationCode {
        code: &'r str,
        redirect_uri: Option<&'r str>,
        verifier: Option<CodeVerifier<'r>>,
    },
    RefreshToken {
        token: &'r str,
    },
}

impl<'r> TokenRequest<'r> {
    /// Reads the parameters of the grant type `grant`.
    pub(super) fn new(
        profile: &Profile,
        grant: GrantType,
        parameters: &Parameters<'r>,
    ) -> Result<Self, Refusal> {
        let redirect_uri = optional(parameters, Parameter::RedirectUri)?;
        if let RedirectUriRule::Fixed(fixed) = profile.redirect_uri {
            match redirect_uri {
                None => return Err(Refusal::Missing(Parameter::RedirectUri)),
                Some(uri) if uri != fixed => {
                    return Err(Refusal::Invalid(Parameter::RedirectUri));
                }
                Some(_) => {}
            }
        }
        let grant = match grant {
            GrantType::ClientCredentials => GrantRequest::ClientCredentials,
            GrantType::Password => GrantRequest::Password {
                username: required(parameters, Parameter::Username)?,
                password: Secret::new(required(parameters, Parameter::Password)?),
            },
            GrantType::AuthorizationCode => GrantRequest::AuthorizationCode {
                code: required(parameters, Parameter::Code)?,
                redirect_uri,
                verifier: match optional(parameters, Parameter::CodeVerifier)? {
                    None => None,
                    Some(text) => Some(
                        CodeVerifier::new(text).ok_or(Refusal::Invalid(Parameter::CodeVerifier))?,
                    ),
                },
            },
            GrantType::RefreshToken => GrantRequest::RefreshToken {
                token: required(parameters, Parameter::RefreshToken)?,
            },
        };
        Ok(TokenRequest {
            grant,
            scope: optional(parameters, Parameter::Scope)?,
        })
    }
}
