//! Discovery: authorization server metadata (RFC 8414) and the public keys
//! (RFC 7517 §5). Every member follows from the running profile.

use serde::Serialize;

use super::config::Configuration;
use super::error::Refusal;
use super::exchange::Step;
use super::session::Session;
use crate::http::Route;
use crate::jose::Jwk;
use crate::profile::GrantType;

type Url = heapless::String<256>;
type Names = heapless::Vec<&'static str, 4>;

#[derive(Serialize)]
struct Metadata<'c> {
    issuer: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_endpoint: Option<Url>,
    token_endpoint: Url,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<Url>,
    scopes_supported: &'c [&'c str],
    response_types_supported: &'static [&'static str],
    response_modes_supported: &'static [&'static str],
    grant_types_supported: Names,
    token_endpoint_auth_methods_supported: Names,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint_auth_methods_supported: Option<Names>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint_auth_methods_supported: Option<Names>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    code_challenge_methods_supported: &'static [&'static str],
    authorization_response_iss_parameter_supported: bool,
}

/// `GET /.well-known/oauth-authorization-server`.
pub(super) fn metadata(mut session: Session<'_>) -> Step<'_> {
    let configuration = session.configuration();
    session.response.set_status(200);
    session.response.header("content-type", "application/json");
    session.response.header("cache-control", "no-cache");
    let written = describe(configuration)
        .and_then(|metadata| serde_json_core::to_slice(&metadata, session.response.rest()).ok());
    match written {
        Some(length) => {
            session.response.set_body(length);
            session.done()
        }
        None => session.fail(Refusal::ResponseTooLong),
    }
}

/// `GET /jwks.json`: "public keys alone" (R48).
pub(super) fn jwks(mut session: Session<'_>) -> Step<'_> {
    let verifiers = session.configuration().verifiers;
    session.response.set_status(200);
    session
        .response
        .header("content-type", "application/jwk-set+json");
    session.response.header("cache-control", "no-cache");
    session.json(|json| {
        json.begin_object();
        json.begin_array_member("keys");
        for verifier in verifiers {
            if let Some(key) = Jwk::public(*verifier) {
                // A P-256 key is always writable.
                let _written = key.write_public(json);
            }
        }
        json.end_array();
        json.end_object();
    });
    session.done()
}

fn describe<'c>(configuration: &'c Configuration<'c>) -> Option<Metadata<'c>> {
    let profile = &configuration.profile;
    let base = configuration.issuer.trim_end_matches('/');
    let url = |path: &str| -> Option<Url> {
        let mut url = Url::new();
        url.push_str(base).ok()?;
        url.push_str(path).ok()?;
        Some(url)
    };
    // An endpoint that is there must be named: `?` gives up where it does not
    // fit, an endpoint that is not there is `None`.
    let optional = |on: bool, path: &str| -> Option<Option<Url>> {
        if on { url(path).map(Some) } else { Some(None) }
    };
    let codes = profile.grant_types.contains(GrantType::AuthorizationCode)
        && profile.authorization_path.is_some();
    let methods: Names = profile.client_authentication.names().collect();
    // A client without a secret may not ask about tokens.
    let with_secret: Names = profile
        .client_authentication
        .names()
        .filter(|name| *name != "none")
        .collect();
    Some(Metadata {
        issuer: configuration.issuer,
        authorization_endpoint: match profile.authorization_path {
            Some(path) => Some(url(path)?),
            None => None,
        },
        token_endpoint: url(profile.token_path)?,
        jwks_uri: optional(profile.jwks, Route::JWKS)?,
        scopes_supported: configuration.scopes.all(),
        response_types_supported: if codes { &["code"] } else { &[] },
        response_modes_supported: if codes { &["query"] } else { &[] },
        grant_types_supported: profile.grant_types.iter().map(GrantType::name).collect(),
        revocation_endpoint: optional(profile.revocation, Route::REVOCATION)?,
        revocation_endpoint_auth_methods_supported: profile.revocation.then(|| methods.clone()),
        token_endpoint_auth_methods_supported: methods,
        introspection_endpoint: optional(profile.introspection, Route::INTROSPECTION)?,
        introspection_endpoint_auth_methods_supported: profile.introspection.then_some(with_secret),
        code_challenge_methods_supported: if codes { &["S256"] } else { &[] },
        authorization_response_iss_parameter_supported: codes,
    })
}
