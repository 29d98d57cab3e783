//! What sets the five profiles apart, as the page beside the services' documents
//! has it in "Where they force a profile": a knob is a line, a profile a column.

use std::fmt::Debug;

use smallgate_core::jose::Algorithm::{Es256, Hs256};
use smallgate_core::jwt::{Claim, ScopeForm};
use smallgate_core::profile::{
    ALL, ClientAuthentication, ExpiresIn, GrantType, JwtIdForm, Profile, RedirectUriRule,
    ResponseMember, Rotation, STANDARD,
};

/// In the order of [`ALL`]: standard, drillster, teen-quotes, dressipi, breakout.
#[track_caller]
fn knob<T: PartialEq + Debug>(of: impl Fn(&Profile) -> T, expected: [T; 5]) {
    assert_eq!(ALL.map(of), expected);
}

fn shows(member: ResponseMember) -> impl Fn(&Profile) -> bool {
    move |profile| profile.response.contains(&member)
}

fn has(grant: GrantType) -> impl Fn(&Profile) -> bool {
    move |profile| profile.grant_types.contains(grant)
}

#[test]
fn endpoints_and_what_they_take() {
    let names = [
        "standard",
        "drillster",
        "teen-quotes",
        "dressipi",
        "breakout",
    ];
    knob(|profile| profile.name, names);
    let common = "/oauth/token";
    let paths = [common, "/daas/oauth/token", "/oauth", common, common];
    knob(|profile| profile.token_path, paths);
    let page = Some("/oauth/authorize");
    let paths = [page, page, None, page, None];
    knob(|profile| profile.authorization_path, paths);
    // Nobody whom the other profiles are for asks for more.
    for has in [
        |profile: &Profile| profile.revocation,
        |profile: &Profile| profile.introspection,
        |profile: &Profile| profile.metadata,
        |profile: &Profile| profile.jwks,
    ] {
        knob(has, [true, false, false, false, false]);
    }
    // A form is always taken; this is what JSON may end in.
    let json = |profile: &Profile| profile.json_body.map(|json| json.trailing_comma);
    knob(json, [None, None, Some(true), Some(false), None]);
    let methods = |profile: &Profile| {
        let ClientAuthentication { basic, post, none } = profile.client_authentication;
        (basic, post, none)
    };
    knob(
        methods,
        [
            (true, true, true),
            (true, true, false),
            (false, true, false),
            (false, false, true),
            (true, false, false),
        ],
    );
    let key = Some("x-api-key");
    knob(
        |profile| profile.api_key_header,
        [None, None, None, key, None],
    );
    let token = Some("x-dressipi-jwt");
    knob(
        |profile| profile.token_header,
        [None, None, None, token, None],
    );
    let fixed = |profile: &Profile| match profile.redirect_uri {
        RedirectUriRule::Fixed(uri) => Some(uri),
        RedirectUriRule::AsAuthorized => None,
    };
    let out_of_band = Some("urn:ietf:wg:oauth:2.0:oob:auto");
    knob(fixed, [None, None, None, out_of_band, None]);
}

#[test]
fn grants() {
    knob(has(GrantType::Password), [false, false, false, false, true]);
    knob(
        has(GrantType::ClientCredentials),
        [true, false, true, false, false],
    );
    knob(
        has(GrantType::AuthorizationCode),
        [true, true, false, true, false],
    );
    knob(has(GrantType::RefreshToken), [true; 5]);
    knob(
        |profile| profile.client_credentials_refresh,
        [false, false, true, false, false],
    );
    let (on, off) = (Rotation::Rotate, Rotation::Reuse);
    knob(|profile| profile.rotation, [on, on, on, on, off]);
}

#[test]
fn responses() {
    let spellings = ["Bearer", "bearer", "bearer", "Bearer", "bearer"];
    knob(|profile| profile.token_type, spellings);
    knob(
        shows(ResponseMember::Expires),
        [false, false, true, false, false],
    );
    knob(
        shows(ResponseMember::JwtId),
        [false, true, false, false, false],
    );
    knob(
        shows(ResponseMember::Scope),
        [true, true, false, false, true],
    );
    let (full, remaining) = (ExpiresIn::Full, ExpiresIn::Remaining);
    knob(
        |profile| profile.expires_in,
        [full, remaining, full, full, remaining],
    );
    let hour = 3600;
    knob(
        |profile| profile.lifetimes.access_token.0,
        [hour, 720 * hour, 168 * hour, 24 * hour, 12 * hour],
    );
}

#[test]
fn the_order_in_responses() {
    use ResponseMember::{AccessToken, Expires, ExpiresIn, JwtId, RefreshToken, Scope, TokenType};
    knob(
        |profile| profile.response.to_vec(),
        [
            vec![AccessToken, TokenType, ExpiresIn, RefreshToken, Scope],
            vec![
                AccessToken,
                ExpiresIn,
                JwtId,
                RefreshToken,
                Scope,
                TokenType,
            ],
            vec![AccessToken, TokenType, Expires, ExpiresIn, RefreshToken],
            vec![AccessToken, RefreshToken, ExpiresIn, TokenType],
            vec![AccessToken, TokenType, RefreshToken, ExpiresIn, Scope],
        ],
    );
}

#[test]
fn tokens() {
    knob(
        |profile| profile.algorithm,
        [Es256, Es256, Hs256, Hs256, Es256],
    );
    let (text, array, absent) = (ScopeForm::Text, ScopeForm::Array, ScopeForm::Absent);
    knob(
        |profile| profile.access_token.scope,
        [text, array, text, absent, text],
    );
    let (base64url, uuid) = (JwtIdForm::Base64Url, JwtIdForm::Uuid);
    knob(
        |profile| profile.jwt_id,
        [base64url, uuid, base64url, base64url, base64url],
    );
    let typ = Some("at+jwt");
    knob(
        |profile| profile.access_token.typ,
        [typ, None, typ, None, typ],
    );
    // RFC 9068 section 2.2, and the scope of its section 2.2.3.
    let full = &[
        Claim::Issuer,
        Claim::Subject,
        Claim::Audience,
        Claim::ClientId,
        Claim::Scope,
        Claim::IssuedAt,
        Claim::ExpiresAt,
        Claim::JwtId,
    ][..];
    let drillster = &[
        Claim::Subject,
        Claim::ExpiresAt,
        Claim::JwtId,
        Claim::ClientId,
        Claim::Scope,
    ];
    let dressipi = &[Claim::ExpiresAt, Claim::IssuedAt, Claim::Subject];
    knob(
        |profile| profile.access_token.claims,
        [full, drillster, full, dressipi, full],
    );
}

#[test]
fn errors() {
    let status = |profile: &Profile| profile.errors.invalid_client.status;
    knob(status, [401, 400, 401, 400, 401]);
    let status = |profile: &Profile| profile.errors.unsupported_grant_type.status;
    knob(status, [400, 400, 501, 400, 400]);
    let status = |profile: &Profile| profile.errors.temporarily_unavailable.status;
    knob(status, [503, 503, 400, 400, 503]);
    let codes = [
        "invalid_grant",
        "invalid_grant",
        "invalid_request",
        "invalid_grant",
        "invalid_grant",
    ];
    knob(|profile| profile.errors.bad_user.error, codes);
    knob(|profile| profile.errors.bad_refresh_token.error, codes);
    // "Description texts": our own, but for Teen Quotes'.
    let own = |profile: &Profile| {
        let (errors, ours) = (profile.errors, STANDARD.errors);
        errors.invalid_request.description == ours.invalid_request.description
            && errors.invalid_client.description == ours.invalid_client.description
    };
    knob(own, [true, true, false, true, true]);
}
