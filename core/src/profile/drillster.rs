use super::{
    ClientAuthentication, ErrorAnswer, Errors, ExpiresIn, GrantType, GrantTypes, JwtIdForm,
    Lifetimes, Profile, ResponseMember, STANDARD,
};
use crate::jwt::{Claim, ScopeForm, TokenFormat};
use crate::time::Seconds;

/// Drillster: client credentials in the body, tokens of 30 days, scopes as an
/// array in the token.
pub const DRILLSTER: Profile = Profile {
    name: "drillster",
    token_path: "/daas/oauth/token",
    revocation: false,
    introspection: false,
    metadata: false,
    jwks: false,
    client_authentication: ClientAuthentication {
        basic: true,
        post: true,
        none: false,
    },
    grant_types: GrantTypes::of(&[GrantType::AuthorizationCode, GrantType::RefreshToken]),
    access_token: TokenFormat {
        typ: None,
        claims: &[
            Claim::Subject,
            Claim::ExpiresAt,
            Claim::JwtId,
            Claim::ClientId,
            Claim::Scope,
        ],
        scope: ScopeForm::Array,
    },
    jwt_id: JwtIdForm::Uuid,
    token_type: "bearer",
    expires_in: ExpiresIn::Remaining,
    response: &[
        ResponseMember::AccessToken,
        ResponseMember::ExpiresIn,
        ResponseMember::JwtId,
        ResponseMember::RefreshToken,
        ResponseMember::Scope,
        ResponseMember::TokenType,
    ],
    errors: Errors {
        invalid_client: ErrorAnswer {
            status: 400,
            ..STANDARD.errors.invalid_client
        },
        ..STANDARD.errors
    },
    lifetimes: Lifetimes {
        access_token: Seconds::days(30),
        ..Lifetimes::DEFAULT
    },
    ..STANDARD
};
