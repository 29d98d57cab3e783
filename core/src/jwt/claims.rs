//! The claims of an access token (RFC 7519 §4.1, RFC 8693 §4.2 and §4.3, RFC
//! 9068 §2.2), and which of them a kind of token has.

use crate::codec::json::{Array, Text, Value};
use crate::codec::split::split_at_first;
use crate::jose::ACCESS_TOKEN;
use crate::scope::{ScopeNames, ScopeSet};
use crate::time::UnixTime;

/// A claim that this crate knows. Its members are never an application's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Claim {
    /// `iss` (RFC 7519 §4.1.1).
    Issuer,
    /// `sub` (RFC 7519 §4.1.2).
    Subject,
    /// `aud` (RFC 7519 §4.1.3).
    Audience,
    /// `client_id` (RFC 8693 §4.3).
    ClientId,
    /// `scope` (RFC 8693 §4.2).
    Scope,
    /// `iat` (RFC 7519 §4.1.6).
    IssuedAt,
    /// `exp` (RFC 7519 §4.1.4).
    ExpiresAt,
    /// `nbf` (RFC 7519 §4.1.5).
    NotBefore,
    /// `jti` (RFC 7519 §4.1.7).
    JwtId,
}

impl Claim {
    /// How many there are.
    pub(super) const COUNT: usize = Self::ALL.len();

    /// All of them, in their order.
    pub(super) const ALL: [Claim; 9] = [
        Claim::Issuer,
        Claim::Subject,
        Claim::Audience,
        Claim::ClientId,
        Claim::Scope,
        Claim::IssuedAt,
        Claim::ExpiresAt,
        Claim::NotBefore,
        Claim::JwtId,
    ];

    /// The longest name of a claim.
    const LONGEST_NAME: usize = 9;

    /// The member's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Claim::Issuer => "iss",
            Claim::Subject => "sub",
            Claim::Audience => "aud",
            Claim::ClientId => "client_id",
            Claim::Scope => "scope",
            Claim::IssuedAt => "iat",
            Claim::ExpiresAt => "exp",
            Claim::NotBefore => "nbf",
            Claim::JwtId => "jti",
        }
    }

    /// The claim called `name`, in whatever spelling.
    pub(super) fn named(name: Text<'_>) -> Option<Claim> {
        let mut room = [0; Self::LONGEST_NAME];
        // A name that does not fit even unescaped is none of these.
        let name = name.as_str().or_else(|| name.unescape(&mut room).ok())?;
        Some(match name {
            "iss" => Claim::Issuer,
            "sub" => Claim::Subject,
            "aud" => Claim::Audience,
            "client_id" => Claim::ClientId,
            "scope" => Claim::Scope,
            "iat" => Claim::IssuedAt,
            "exp" => Claim::ExpiresAt,
            "nbf" => Claim::NotBefore,
            "jti" => Claim::JwtId,
            _ => return None,
        })
    }
}

/// How a kind of token spells its `scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ScopeForm {
    /// "A JSON string containing a space-separated list of scopes" (RFC 8693 §4.2).
    Text,
    /// A JSON array of strings.
    Array,
    /// There is none; a member of that name is the application's business.
    Absent,
}

/// A kind of token: what [`issue`](super::issue) writes, and what
/// [`verify`](super::verify) wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenFormat {
    /// The header's `typ`, without `application/`. A verifier that expects none
    /// takes `JWT` too, and no other.
    pub typ: Option<&'static str>,
    /// The claims, each once, in the order they are written in. All of them are
    /// required; [`Claim::Scope`] may be missing where no scope was granted.
    pub claims: &'static [Claim],
    /// How [`Claim::Scope`] is spelled.
    pub scope: ScopeForm,
}

impl TokenFormat {
    /// The access token of RFC 9068 §2: `at+jwt` with `iss`, `sub`, `aud`,
    /// `client_id`, `scope`, `iat`, `exp` and `jti`.
    pub const ACCESS_TOKEN: TokenFormat = TokenFormat {
        typ: ACCESS_TOKEN,
        claims: &[
            Claim::Issuer,
            Claim::Subject,
            Claim::Audience,
            Claim::ClientId,
            Claim::Scope,
            Claim::IssuedAt,
            Claim::ExpiresAt,
            Claim::JwtId,
        ],
        scope: ScopeForm::Text,
    };
}

/// The claims of one token: to be issued, or verified.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claims<'a> {
    /// `iss`: who issued it.
    pub issuer: Option<&'a str>,
    /// `sub`: whom it is about.
    pub subject: Option<&'a str>,
    /// `aud`: who may rely on it.
    pub audience: Option<Audience<'a>>,
    /// `client_id`: which client it was given to.
    pub client_id: Option<&'a str>,
    /// `scope`: what it allows.
    pub scope: Option<ScopeClaim<'a>>,
    /// `iat`: when it was issued.
    pub issued_at: Option<UnixTime>,
    /// `exp`: from when on it is worth nothing.
    pub expires_at: Option<UnixTime>,
    /// `nbf`: until when it is worth nothing yet.
    pub not_before: Option<UnixTime>,
    /// `jti`: its name.
    pub jwt_id: Option<&'a str>,
}

/// The value of `aud`: "an array of case-sensitive strings […]. In the special
/// case when the JWT has one audience, the "aud" value MAY be a single
/// case-sensitive string" (RFC 7519 §4.1.3).
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// A single string.
    One(&'a str),
    /// An array of strings, out of a verified token.
    Many(Array<'a>),
}

impl Audience<'_> {
    /// Whether `name` is one of them, octet for octet.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Audience::One(audience) => *audience == name,
            Audience::Many(audiences) => audiences
                .items()
                .any(|item| matches!(item, Value::Text(text) if text.eq_str(name))),
        }
    }
}

/// The value of `scope`, in one of three shapes.
#[derive(Clone, Copy, Debug)]
pub enum ScopeClaim<'a> {
    /// Some of a server's scopes, to be issued.
    Names(ScopeNames<'a>, ScopeSet),
    /// Names with spaces between them.
    Text(&'a str),
    /// An array of names, out of a verified token; none holds an escape.
    Array(Array<'a>),
}

impl<'a> ScopeClaim<'a> {
    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        let mut left = *self;
        core::iter::from_fn(move || left.take())
    }

    /// The first name, which is taken off.
    fn take(&mut self) -> Option<&'a str> {
        match self {
            ScopeClaim::Names(names, left) => names.take(left),
            ScopeClaim::Text(left) => loop {
                if left.is_empty() {
                    return None;
                }
                let (name, rest) = split_at_first(left, b' ').unwrap_or((*left, ""));
                *left = rest;
                if !name.is_empty() {
                    return Some(name);
                }
            },
            ScopeClaim::Array(left) => loop {
                if let Value::Text(name) = left.take()?
                    && let Some(name) = name.as_str()
                {
                    return Some(name);
                }
            },
        }
    }

    /// Whether `name` is among them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|granted| granted == name)
    }

    /// Those of them that are in `known`, as a set; the others mean nothing here.
    #[must_use]
    pub fn known(&self, known: &ScopeNames<'_>) -> ScopeSet {
        self.names()
            .filter_map(|name| known.one(name))
            .fold(ScopeSet::EMPTY, ScopeSet::union)
    }
}
