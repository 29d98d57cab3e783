//! Discovery: authorization server metadata (RFC 8414) and the public keys
//! (RFC 7517 §5). Every member follows from the running profile.

use super::next::Next;
use super::session::Session;
use crate::codec::json::Writer;
use crate::http::Route;
use crate::jose::Jwk;
use crate::profile::{GrantType, Profile};

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
    publish(session, "application/json", |json| {
        json.begin_object();
        json.member_text("issuer", issuer);
        json.member_text_parts("token_endpoint", [base, profile.token_path]);
        for (name, path) in optional {
            if let Some(path) = path {
                json.member_text_parts(name, [base, path]);
            }
        }
        list(
            json,
            "scopes_supported",
            configuration.scopes.all().iter().copied(),
        );
        list(
            json,
            "grant_types_supported",
            profile.grant_types.iter().map(GrantType::name),
        );
        list(json, "response_types_supported", codes.then_some("code"));
        if codes {
            list(json, "response_modes_supported", ["query"]);
            list(json, "code_challenge_methods_supported", ["S256"]);
        }
        methods(json, profile);
        json.member_bool("authorization_response_iss_parameter_supported", codes);
        json.end_object();
    })
}

/// How clients authenticate at each endpoint that there is.
fn methods(json: &mut Writer<'_>, profile: &Profile) {
    let all = || profile.client_authentication.names();
    list(json, "token_endpoint_auth_methods_supported", all());
    if profile.revocation {
        list(json, "revocation_endpoint_auth_methods_supported", all());
    }
    if profile.introspection {
        // A client without a secret may not ask about tokens.
        let with_secret = all().filter(|name| *name != "none");
        let name = "introspection_endpoint_auth_methods_supported";
        list(json, name, with_secret);
    }
}

/// `GET /jwks.json`: "public keys alone" (R48).
pub(super) fn jwks<'x>(session: &mut Session<'x>) -> Next<'x> {
    let verifiers = session.configuration().verifiers;
    publish(session, "application/jwk-set+json", |json| {
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
    write: impl FnOnce(&mut Writer<'_>),
) -> Next<'x> {
    session.response.set_status(200);
    session.response.header("content-type", media_type);
    session.response.header("cache-control", "no-cache");
    session.json(write);
    Next::Done
}

fn list<'n>(json: &mut Writer<'_>, name: &str, items: impl IntoIterator<Item = &'n str>) {
    json.begin_array_member(name);
    for item in items {
        json.array_text(item);
    }
    json.end_array();
}
