//! Discovery: authorization server metadata (RFC 8414) and the public keys
//! (RFC 7517 §5). Every member follows from the running profile.

use super::next::Next;
use super::session::Session;
use crate::codec::json::Writer;
use crate::http::Route;
use crate::jose::Jwk;
use crate::profile::{ClientAuthentication, GrantType, Profile};

/// `GET /.well-known/oauth-authorization-server`.
pub(super) fn metadata<'x>(session: &mut Session<'x>) -> Next<'x> {
    let configuration = session.configuration();
    let profile = &configuration.profile;
    let issuer = configuration.issuer;
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let codes = profile.grant_types.contains(GrantType::AuthorizationCode)
        && profile.authorization_path.is_some();
    let optional = [
        ("authorization_endpoint", profile.authorization_path),
        ("jwks_uri", profile.jwks.then_some(Route::JWKS)),
        (
            "revocation_endpoint",
            profile.revocation.then_some(Route::REVOCATION),
        ),
        (
            "introspection_endpoint",
            profile.introspection.then_some(Route::INTROSPECTION),
        ),
    ];
    publish(session, "application/json", &mut |json| {
        json.begin_object();
        json.member_text("issuer", issuer);
        json.member_text_parts("token_endpoint", &[base, profile.token_path]);
        for (name, path) in optional {
            if let Some(path) = path {
                json.member_text_parts(name, &[base, path]);
            }
        }
        let scopes = &mut configuration.scopes.all().iter().copied();
        json.member_array("scopes_supported", scopes);
        let grant_types = &mut profile.grant_types.iter().map(GrantType::name);
        json.member_array("grant_types_supported", grant_types);
        let mut one =
            |name, value| json.member_array(name, &mut codes.then_some(value).into_iter());
        one("response_types_supported", "code");
        if codes {
            one("response_modes_supported", "query");
            one("code_challenge_methods_supported", "S256");
        }
        methods(json, profile);
        json.member_bool("authorization_response_iss_parameter_supported", codes);
        json.end_object();
    })
}

/// How clients authenticate at each endpoint that there is.
fn methods(json: &mut Writer<'_>, profile: &Profile) {
    let all = profile.client_authentication;
    // A client without a secret may not ask about tokens.
    let with_secret = ClientAuthentication { none: false, ..all };
    let endpoints = [
        (true, "token_endpoint_auth_methods_supported", all),
        (
            profile.revocation,
            "revocation_endpoint_auth_methods_supported",
            all,
        ),
        (
            profile.introspection,
            "introspection_endpoint_auth_methods_supported",
            with_secret,
        ),
    ];
    for (exists, name, methods) in endpoints {
        if exists {
            json.member_array(name, &mut methods.names());
        }
    }
}

/// `GET /jwks.json`: "public keys alone" (R48).
pub(super) fn jwks<'x>(session: &mut Session<'x>) -> Next<'x> {
    let verifiers = session.configuration().verifiers;
    publish(session, "application/jwk-set+json", &mut |json| {
        json.begin_object();
        json.begin_array_member("keys");
        for key in verifiers.iter().filter_map(|key| Jwk::public(*key)) {
            // A P-256 key is always writable.
            let _written = key.write_public(json);
        }
        json.end_array();
        json.end_object();
    })
}

/// Answers with what anybody may see, and should ask for again.
fn publish<'x>(
    session: &mut Session<'x>,
    media_type: &'static str,
    write: &mut dyn FnMut(&mut Writer<'_>),
) -> Next<'x> {
    session.response.set_status(200);
    session.response.header("content-type", media_type);
    session.response.header("cache-control", "no-cache");
    session.json(write);
    Next::Done
}
