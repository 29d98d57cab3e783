use super::{
    ClientAuthentication, ErrorAnswer, Errors, ExpiresIn, GrantType, GrantTypes, JwtIdForm,
    Lifetimes, Profile, RedirectUriRule, ResponseMember, Rotation,
};
use crate::jose::Algorithm;
use crate::jwt::TokenFormat;

/// The RFCs, strictly: what a new service should use.
pub const STANDARD: Profile = Profile {
    name: "standard",
    token_path: "/oauth/token",
    authorization_path: Some("/oauth/authorize"),
    revocation: true,
    introspection: true,
    metadata: true,
    jwks: true,
    json_body: None,
    client_authentication: ClientAuthentication {
        basic: true,
        post: true,
        none: true,
    },
    grant_types: GrantTypes::of(&[
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
    ]),
    client_credentials_refresh: false,
    rotation: Rotation::Rotate,
    redirect_uri: RedirectUriRule::AsAuthorized,
    api_key_header: None,
    token_header: None,
    algorithm: Algorithm::Es256,
    access_token: TokenFormat::ACCESS_TOKEN,
    jwt_id: JwtIdForm::Base64Url,
    token_type: "Bearer",
    expires_in: ExpiresIn::Full,
    response: &[
        ResponseMember::AccessToken,
        ResponseMember::TokenType,
        ResponseMember::ExpiresIn,
        ResponseMember::RefreshToken,
        ResponseMember::Scope,
    ],
    errors: ERRORS,
    lifetimes: Lifetimes::DEFAULT,
};

const fn answer(status: u16, error: &'static str, description: &'static str) -> ErrorAnswer {
    ErrorAnswer {
        status,
        error,
        description,
    }
}

/// The codes of RFC 6749 §4.1.2.1 and §5.2 with texts in their character set:
/// "%x20-21 / %x23-5B / %x5D-7E".
const ERRORS: Errors = Errors {
    invalid_request: answer(
        400,
        "invalid_request",
        "The request is malformed, or a parameter is missing, repeated or not understood: '%s'.",
    ),
    invalid_client: answer(401, "invalid_client", "The client is not authenticated."),
    invalid_grant: answer(
        400,
        "invalid_grant",
        "The grant is invalid, expired, revoked, or was given to another client: '%s'.",
    ),
    unauthorized_client: answer(
        400,
        "unauthorized_client",
        "The client is not registered for this grant type.",
    ),
    unsupported_grant_type: answer(
        400,
        "unsupported_grant_type",
        "The grant type '%s' is not supported.",
    ),
    invalid_scope: answer(
        400,
        "invalid_scope",
        "The scope '%s' is unknown, malformed or not open to this client.",
    ),
    access_denied: answer(400, "access_denied", "The request was denied."),
    unsupported_response_type: answer(
        400,
        "unsupported_response_type",
        "The only response type is 'code'.",
    ),
    server_error: answer(
        500,
        "server_error",
        "The server met an unexpected condition.",
    ),
    temporarily_unavailable: answer(
        503,
        "temporarily_unavailable",
        "The server can not answer this request now. Try again later.",
    ),
    bad_user: answer(
        400,
        "invalid_grant",
        "The user name or the password is wrong.",
    ),
    bad_refresh_token: answer(
        400,
        "invalid_grant",
        "The refresh token is invalid, expired, revoked, or was given to another client.",
    ),
};
