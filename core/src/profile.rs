//! What sets one service's token endpoint apart from another's, as data.
//!
//! No code asks which profile it runs; a fifth service is a fifth file with one
//! constant in it. A profile may choose a status, a spelling or an order. It
//! cannot switch off a security rule.

mod breakout;
mod dressipi;
mod drillster;
mod standard;
mod teen_quotes;

pub use breakout::BREAKOUT;
pub use dressipi::DRESSIPI;
pub use drillster::DRILLSTER;
pub use standard::STANDARD;
pub use teen_quotes::TEEN_QUOTES;

use crate::jose::Algorithm;
use crate::jwt::TokenFormat;
use crate::time::Seconds;

/// All profiles, the default first.
pub const ALL: [&Profile; 5] = [&STANDARD, &DRILLSTER, &TEEN_QUOTES, &DRESSIPI, &BREAKOUT];

/// The profile called `name`.
#[must_use]
pub fn named(name: &str) -> Option<&'static Profile> {
    ALL.into_iter().find(|profile| profile.name == name)
}

/// A token endpoint and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name a configuration calls it by.
    pub name: &'static str,
    /// Path of the token endpoint.
    pub token_path: &'static str,
    /// Path of the authorization endpoint, where there is one.
    pub authorization_path: Option<&'static str>,
    /// Whether there is a revocation endpoint (RFC 7009), `/oauth/revoke`.
    pub revocation: bool,
    /// Whether there is an introspection endpoint (RFC 7662),
    /// `/oauth/introspect`.
    pub introspection: bool,
    /// Whether there is metadata (RFC 8414),
    /// `/.well-known/oauth-authorization-server`.
    pub metadata: bool,
    /// Whether the public keys are to be had (RFC 7517 §5), `/jwks.json`.
    pub jwks: bool,
    /// What a token request's body may be besides a form.
    pub json_body: Option<JsonBody>,
    /// The ways a client may authenticate.
    pub client_authentication: ClientAuthentication,
    /// The grants the endpoint takes.
    pub grant_types: GrantTypes,
    /// Whether `client_credentials` gives a refresh token too, which RFC 6749
    /// §4.4.3 advises against.
    pub client_credentials_refresh: bool,
    /// What becomes of a refresh token that was used.
    pub rotation: Rotation,
    /// What a token request must say as `redirect_uri`.
    pub redirect_uri: RedirectUriRule,
    /// A header field for an API key, compared if a key is configured.
    pub api_key_header: Option<&'static str>,
    /// One more header field in which a resource may find the access token.
    pub token_header: Option<&'static str>,
    /// The algorithm of a key that is made for this profile. A key that is
    /// configured brings its own.
    pub algorithm: Algorithm,
    /// What is in an access token, hence what its verifier asks for.
    pub access_token: TokenFormat,
    /// How a `jti` is printed.
    pub jwt_id: JwtIdForm,
    /// The spelling of `token_type`.
    pub token_type: &'static str,
    /// What `expires_in` counts.
    pub expires_in: ExpiresIn,
    /// The members of a token response in their order. A member that has no
    /// value in a given response, such as `refresh_token`, is left out.
    pub response: &'static [ResponseMember],
    /// How errors are answered.
    pub errors: Errors,
    /// How long things live; a configuration may change it.
    pub lifetimes: Lifetimes,
}

/// A body of `application/json` instead of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonBody {
    /// Lets one comma before the closing brace pass.
    pub trailing_comma: bool,
}

/// The client authentication methods of RFC 6749 §2.3.1, by their names in
/// RFC 7591 §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAuthentication {
    /// `client_secret_basic`: the `Authorization` header.
    pub basic: bool,
    /// `client_secret_post`: `client_secret` in the body.
    pub post: bool,
    /// `none`: a public client, which must use PKCE.
    pub none: bool,
}

impl ClientAuthentication {
    /// The names of the methods, as metadata lists them (RFC 8414 §2).
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.basic, "client_secret_basic"),
            (self.post, "client_secret_post"),
            (self.none, "none"),
        ]
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, name)| name)
    }
}

/// A grant type (RFC 6749 §1.3), by its name in a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum GrantType {
    /// `authorization_code`, §4.1.
    AuthorizationCode = 1,
    /// `refresh_token`, §6.
    RefreshToken = 2,
    /// `client_credentials`, §4.4.
    ClientCredentials = 4,
    /// `password`, §4.3.
    Password = 8,
}

impl GrantType {
    /// All of them.
    pub const ALL: [GrantType; 4] = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
        GrantType::Password,
    ];

    /// The value of `grant_type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            GrantType::AuthorizationCode => "authorization_code",
            GrantType::RefreshToken => "refresh_token",
            GrantType::ClientCredentials => "client_credentials",
            GrantType::Password => "password",
        }
    }

    /// The grant type called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }
}

/// A set of grant types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantTypes(u8);

impl GrantTypes {
    /// The set of `grants`.
    #[must_use]
    pub const fn of(grants: &[GrantType]) -> Self {
        let mut bits = 0;
        let mut left = grants;
        while let [grant, rest @ ..] = left {
            bits |= *grant as u8;
            left = rest;
        }
        GrantTypes(bits)
    }

    /// Whether `grant` is in it.
    #[must_use]
    pub const fn contains(self, grant: GrantType) -> bool {
        self.0 & grant as u8 != 0
    }

    /// Whether everything in `other` is in this one too.
    #[must_use]
    pub const fn contains_all(self, other: GrantTypes) -> bool {
        self.0 & other.0 == other.0
    }

    /// The grant types in it.
    pub fn iter(self) -> impl Iterator<Item = GrantType> {
        GrantType::ALL
            .into_iter()
            .filter(move |grant| self.contains(*grant))
    }
}

/// What becomes of a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It gives way to a new one, and its second use revokes the grant.
    Rotate,
    /// It stays good. Not for public clients (RFC 9700 §4.14.2).
    Reuse,
}

/// What a token request must say as `redirect_uri`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectUriRule {
    /// RFC 6749 §4.1.3: "REQUIRED, if the \"redirect_uri\" parameter was
    /// included in the authorization request", and identical to it.
    AsAuthorized,
    /// Always this value, on every grant.
    Fixed(&'static str),
}

/// How a `jti` of 16 octets is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtIdForm {
    /// 22 characters of base64url.
    Base64Url,
    /// 36 characters in the shape of a UUID.
    Uuid,
}

/// What `expires_in` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiresIn {
    /// The whole lifetime of the token.
    Full,
    /// The seconds from the response to `exp`.
    Remaining,
}

/// A member of a token response (RFC 6749 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMember {
    /// `access_token`.
    AccessToken,
    /// `token_type`.
    TokenType,
    /// `expires_in`.
    ExpiresIn,
    /// `expires`: `exp` once more, as a number.
    Expires,
    /// `refresh_token`.
    RefreshToken,
    /// `scope`.
    Scope,
    /// `jti`, as it stands in the token.
    JwtId,
}

/// How long things live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token.
    pub access_token: Seconds,
    /// An authorization code; at most 600 s (RFC 6749 §4.1.2).
    pub code: Seconds,
    /// A refresh token that is not used.
    pub refresh_idle: Seconds,
    /// A grant, however often it is refreshed.
    pub refresh_absolute: Seconds,
    /// How long a refresh token's predecessor still gets the same successor,
    /// so that a response that was lost strands nobody.
    pub grace: Seconds,
}

impl Lifetimes {
    /// What holds unless a service says otherwise.
    pub const DEFAULT: Lifetimes = Lifetimes {
        access_token: Seconds(3600),
        code: Seconds(60),
        refresh_idle: Seconds::days(30),
        refresh_absolute: Seconds::days(90),
        grace: Seconds(10),
    };
}

/// How errors are answered, a field for each thing that can go wrong.
#[derive(Clone, Copy, Debug)]
pub struct Errors {
    /// A parameter is missing, repeated or malformed; `%s` is the parameter.
    pub invalid_request: ErrorAnswer,
    /// The client did not authenticate. Where it tried to by the
    /// `Authorization` header the status is 401 all the same (RFC 6749 §5.2).
    pub invalid_client: ErrorAnswer,
    /// The code is not good, or no longer; `%s` is the parameter.
    pub invalid_grant: ErrorAnswer,
    /// The client is not registered for this grant type.
    pub unauthorized_client: ErrorAnswer,
    /// The server does not have this grant type; `%s` is the grant type.
    pub unsupported_grant_type: ErrorAnswer,
    /// A scope is unknown or not this client's; `%s` is the scope.
    pub invalid_scope: ErrorAnswer,
    /// The user said no.
    pub access_denied: ErrorAnswer,
    /// The server does not have this response type.
    pub unsupported_response_type: ErrorAnswer,
    /// Something is wrong in the server.
    pub server_error: ErrorAnswer,
    /// The clock is not set, the store is not there, or the server is busy.
    pub temporarily_unavailable: ErrorAnswer,
    /// A user's name or password is wrong.
    pub bad_user: ErrorAnswer,
    /// The refresh token is not good, or no longer.
    pub bad_refresh_token: ErrorAnswer,
}

/// One error as it goes over the wire.
#[derive(Clone, Copy, Debug)]
pub struct ErrorAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The member `error`.
    pub error: &'static str,
    /// The member `error_description`; at most one `%s` in it is filled with
    /// what the field of [`Errors`] says.
    pub description: &'static str,
}
