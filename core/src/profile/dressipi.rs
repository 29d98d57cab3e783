use super::{
    ClientAuthentication, ErrorAnswer, Errors, GrantType, GrantTypes, JsonBody, Lifetimes, Profile,
    RedirectUriRule, ResponseMember, STANDARD,
};
use crate::jose::Algorithm;
use crate::jwt::{Claim, ScopeForm, TokenFormat};
use crate::time::Seconds;

/// Dressipi: public clients with PKCE, one out-of-band redirect URI that every
/// token request names, tokens of three claims.
pub const DRESSIPI: Profile = Profile {
    name: "dressipi",
    revocation: false,
    introspection: false,
    metadata: false,
    jwks: false,
    json_body: Some(JsonBody {
        trailing_comma: false,
    }),
    client_authentication: ClientAuthentication {
        basic: false,
        post: false,
        none: true,
    },
    grant_types: GrantTypes::of(&[GrantType::AuthorizationCode, GrantType::RefreshToken]),
    redirect_uri: RedirectUriRule::Fixed("urn:ietf:wg:oauth:2.0:oob:auto"),
    api_key_header: Some("x-api-key"),
    token_header: Some("x-dressipi-jwt"),
    algorithm: Algorithm::Hs256,
    access_token: TokenFormat {
        typ: None,
        claims: &[Claim::ExpiresAt, Claim::IssuedAt, Claim::Subject],
        scope: ScopeForm::Absent,
    },
    response: &[
        ResponseMember::AccessToken,
        ResponseMember::RefreshToken,
        ResponseMember::ExpiresIn,
        ResponseMember::TokenType,
    ],
    errors: Errors {
        invalid_client: ErrorAnswer {
            status: 400,
            ..STANDARD.errors.invalid_client
        },
        temporarily_unavailable: ErrorAnswer {
            status: 400,
            ..STANDARD.errors.temporarily_unavailable
        },
        ..STANDARD.errors
    },
    lifetimes: Lifetimes {
        access_token: Seconds::days(1),
        ..Lifetimes::DEFAULT
    },
    ..STANDARD
};
