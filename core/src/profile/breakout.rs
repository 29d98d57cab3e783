use super::{
    ClientAuthentication, ExpiresIn, GrantType, GrantTypes, Lifetimes, Profile, ResponseMember,
    Rotation, STANDARD,
};
use crate::time::Seconds;

/// BreakOut: the password grant with HTTP Basic, and refresh tokens that stay
/// good while they are used.
pub const BREAKOUT: Profile = Profile {
    name: "breakout",
    authorization_path: None,
    revocation: false,
    introspection: false,
    metadata: false,
    jwks: false,
    client_authentication: ClientAuthentication {
        basic: true,
        post: false,
        none: false,
    },
    grant_types: GrantTypes::of(&[GrantType::Password, GrantType::RefreshToken]),
    rotation: Rotation::Reuse,
    token_type: "bearer",
    expires_in: ExpiresIn::Remaining,
    response: &[
        ResponseMember::AccessToken,
        ResponseMember::TokenType,
        ResponseMember::RefreshToken,
        ResponseMember::ExpiresIn,
        ResponseMember::Scope,
    ],
    lifetimes: Lifetimes {
        access_token: Seconds(43_200),
        ..Lifetimes::DEFAULT
    },
    ..STANDARD
};
