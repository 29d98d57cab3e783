//! Clients, users, scopes and keys: slices that the caller owns.

use core::fmt;

use super::handle::HandleKeys;
use super::password::PasswordHash;
use crate::codec::form;
use crate::codec::split::split_at_first;
use crate::jose::{Signer, Verifier};
use crate::profile::{GrantTypes, Profile, RedirectUriRule, Rotation};
use crate::scope::{ScopeNames, ScopeSet};
use crate::secret::SecretHash;
use crate::time::{Seconds, UnixTime};

/// All that sets one server apart from another.
pub struct Configuration<'c> {
    /// How the token endpoint looks and behaves.
    pub profile: Profile,
    /// The issuer identifier (RFC 8414 §2): `iss` in every token.
    pub issuer: &'c str,
    /// The resource that tokens are for: their `aud`.
    pub audience: &'c str,
    /// The clients, in any order.
    pub clients: &'c [Client<'c>],
    /// The people who own what the tokens open, in any order.
    pub users: &'c [User<'c>],
    /// The scopes. Their order is the order of bits in stored grants, so new
    /// names are added at the end.
    pub scopes: ScopeNames<'c>,
    /// Signs access tokens from now on.
    pub signer: &'c dyn Signer,
    /// Verify access tokens: the signer's counterpart, and a retired key's
    /// until its last token has expired.
    pub verifiers: &'c [&'c dyn Verifier],
    /// Make and check codes and refresh tokens.
    pub handle_keys: HandleKeys,
    /// Asked for in the profile's API key header, if there is one.
    pub api_key: Option<SecretHash>,
    /// Grants made before this moment are void.
    pub grants_not_before: UnixTime,
    /// How far the clocks of a fleet may be apart; 0 for one server.
    pub skew: Seconds,
    /// Bounds on what a request may hold.
    pub limits: Limits,
}

/// Bounds on what a request may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets in a body, at most [`form::MAX_OCTETS`].
    pub body: usize,
    /// Parameters in a body, at most [`form::MAX_PARAMETERS`].
    pub parameters: u8,
    /// Octets in the credentials of HTTP Basic, as they are sent; at most
    /// [`Limits::MAX_BASIC`].
    pub basic: usize,
    /// Octets in an access token.
    pub token: usize,
}

impl Limits {
    /// What holds unless a configuration says otherwise.
    pub const DEFAULT: Limits = Limits {
        body: 1024,
        parameters: 24,
        basic: 256,
        token: 1024,
    };

    /// The most that [`Limits::basic`] may be.
    pub const MAX_BASIC: usize = crate::codec::basic::MAX_CREDENTIALS;
}

/// A client (RFC 6749 §2).
#[derive(Clone, Copy, Debug)]
pub struct Client<'c> {
    /// Its `client_id`, and the `sub` of tokens it gets for itself.
    pub id: &'c str,
    /// Its secret's hash; a public client has none.
    pub secret: Option<SecretHash>,
    /// The grants it is registered for.
    pub grant_types: GrantTypes,
    /// The scopes it may ask for.
    pub scopes: ScopeSet,
    /// The scopes it gets when it asks for none.
    pub default_scopes: ScopeSet,
    /// Where the authorization endpoint may send people back to.
    pub redirect_uris: &'c [&'c str],
    /// Grants made before this moment are void.
    pub grants_not_before: UnixTime,
}

/// A person who can log in.
#[derive(Clone, Copy, Debug)]
pub struct User<'c> {
    /// The name to log in with.
    pub username: &'c str,
    /// The `sub` of this person's tokens, which never changes.
    pub subject: &'c str,
    /// The password's hash.
    pub password: PasswordHash,
    /// Grants made before this moment are void.
    pub grants_not_before: UnixTime,
}

/// Why a configuration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigurationError {
    /// The issuer or the audience is empty, or the issuer is no `https` or `http`
    /// URL that others can be built upon, without query and fragment
    /// (RFC 8414 §2).
    Issuer,
    /// The client at this position has a redirect URI that is not absolute, or
    /// has a fragment or a character that no URI has (RFC 6749 §3.1.2), or is
    /// not the one that the profile knows.
    RedirectUri(usize),
    /// The client at this position has an empty id, or one with a character
    /// outside `%x20-7E` (RFC 6749 appendix A.1).
    ClientId(usize),
    /// The client at this position has the id of an earlier one.
    ClientRepeated(usize),
    /// The client at this position is registered for a grant that the profile
    /// does not have.
    ClientGrant(usize),
    /// The client at this position gets scopes by default that it may not ask
    /// for.
    ClientDefaultScopes(usize),
    /// The client at this position is public and registered for a grant that
    /// rests on its secret.
    PublicClient(usize),
    /// The client at this position is public, and refresh tokens stay good
    /// after use, which they must not for public clients (RFC 9700 §4.14.2).
    PublicClientReuse(usize),
    /// The user at this position has an empty name or subject.
    UserName(usize),
    /// The user at this position has the name or subject of an earlier one.
    UserRepeated(usize),
    /// The user at this position has a client's id as its subject, so that
    /// their tokens could be confused.
    SubjectIsClient(usize),
    /// No verifier has the signer's algorithm and key id, so this server's
    /// tokens would not verify here.
    SignerUnverified,
    /// Two verifiers share a key id, or one of several has none.
    KeyIds,
    /// A code would live for more than 600 seconds.
    CodeLifetime,
    /// An access token or a grant would not live at all.
    Lifetimes,
    /// A limit is zero or larger than can be kept.
    Limits,
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ConfigurationError as E;
        let (who, what) = match *self {
            E::Issuer => (None, "the issuer or the audience is no usable URL"),
            E::RedirectUri(at) => (Some(("client", at)), "has an unusable redirect URI"),
            E::ClientId(at) => (Some(("client", at)), "has an unusable client_id"),
            E::ClientRepeated(at) => (Some(("client", at)), "has the client_id of an earlier one"),
            E::ClientGrant(at) => (Some(("client", at)), "has a grant type the profile lacks"),
            E::ClientDefaultScopes(at) => (
                Some(("client", at)),
                "has a default scope it may not ask for",
            ),
            E::PublicClient(at) => (
                Some(("client", at)),
                "is public and has a grant type that rests on a secret, or the profile knows no public clients",
            ),
            E::PublicClientReuse(at) => (
                Some(("client", at)),
                "is public, so its refresh tokens must rotate",
            ),
            E::UserName(at) => (Some(("user", at)), "has an empty name or subject"),
            E::UserRepeated(at) => (
                Some(("user", at)),
                "has the name or subject of an earlier one",
            ),
            E::SubjectIsClient(at) => (Some(("user", at)), "has a client's id as subject"),
            E::SignerUnverified => (None, "no verifier fits the signing key"),
            E::KeyIds => (None, "several keys need key ids, each its own"),
            E::CodeLifetime => (None, "a code may live for 600 seconds at most"),
            E::Lifetimes => (None, "a lifetime is zero"),
            E::Limits => (None, "a limit is zero or too large"),
        };
        if let Some((kind, at)) = who {
            write!(f, "{kind} {} ", at.saturating_add(1))?;
        }
        f.write_str(what)
    }
}

impl core::error::Error for ConfigurationError {}

impl Configuration<'_> {
    /// Checks what can be checked before the first request.
    pub(super) fn check(&self) -> Result<(), ConfigurationError> {
        use ConfigurationError as E;
        let web = self.issuer.starts_with("https://") || self.issuer.starts_with("http://");
        let usable = web && is_uri(self.issuer) && !self.issuer.bytes().any(|octet| octet == b'?');
        if !usable || self.audience.is_empty() {
            return Err(E::Issuer);
        }
        self.check_limits()?;
        self.check_keys()?;
        let mut earlier: &[Client<'_>] = &[];
        for (at, client) in self.clients.iter().enumerate() {
            self.check_client(at, client)?;
            if earlier.iter().any(|other| other.id == client.id) {
                return Err(E::ClientRepeated(at));
            }
            earlier = self.clients.get(..=at).unwrap_or_default();
        }
        let mut earlier: &[User<'_>] = &[];
        for (at, user) in self.users.iter().enumerate() {
            if user.username.is_empty() || user.subject.is_empty() {
                return Err(E::UserName(at));
            }
            if earlier
                .iter()
                .any(|other| other.username == user.username || other.subject == user.subject)
            {
                return Err(E::UserRepeated(at));
            }
            // RFC 9068 §5: "authorization servers should prevent" clients from
            // choosing a value that could be confused with a user's `sub`.
            if self.clients.iter().any(|client| client.id == user.subject) {
                return Err(E::SubjectIsClient(at));
            }
            earlier = self.users.get(..=at).unwrap_or_default();
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ConfigurationError> {
        let lifetimes = &self.profile.lifetimes;
        if lifetimes.code.0 > 600 {
            return Err(ConfigurationError::CodeLifetime);
        }
        if [
            lifetimes.access_token,
            lifetimes.code,
            lifetimes.refresh_idle,
            lifetimes.refresh_absolute,
        ]
        .contains(&Seconds(0))
        {
            return Err(ConfigurationError::Lifetimes);
        }
        let limits = &self.limits;
        let fits = (1..=form::MAX_OCTETS).contains(&limits.body)
            && (1..=Limits::MAX_BASIC).contains(&limits.basic)
            && (1..=form::MAX_PARAMETERS).contains(&usize::from(limits.parameters))
            && limits.token > 0;
        if fits {
            Ok(())
        } else {
            Err(ConfigurationError::Limits)
        }
    }

    fn check_keys(&self) -> Result<(), ConfigurationError> {
        let several = self.verifiers.len() > 1;
        for (at, verifier) in self.verifiers.iter().enumerate() {
            let id = verifier.key_id();
            let repeated = self
                .verifiers
                .iter()
                .take(at)
                .any(|other| other.key_id() == id);
            if repeated || several && id.is_none() {
                return Err(ConfigurationError::KeyIds);
            }
        }
        let verified = self.verifiers.iter().any(|verifier| {
            verifier.key_id() == self.signer.key_id()
                && verifier.algorithm() == self.signer.algorithm()
        });
        if verified {
            Ok(())
        } else {
            Err(ConfigurationError::SignerUnverified)
        }
    }

    fn check_client(&self, at: usize, client: &Client<'_>) -> Result<(), ConfigurationError> {
        use crate::profile::GrantType;
        use ConfigurationError as E;
        if client.id.is_empty() || !client.id.bytes().all(|octet| matches!(octet, 0x20..=0x7E)) {
            return Err(E::ClientId(at));
        }
        let usable = |uri: &str| match self.profile.redirect_uri {
            RedirectUriRule::Fixed(fixed) => uri == fixed,
            RedirectUriRule::AsAuthorized => is_uri(uri),
        };
        if !client.redirect_uris.iter().all(|uri| usable(uri)) {
            return Err(E::RedirectUri(at));
        }
        if !self.profile.grant_types.contains_all(client.grant_types) {
            return Err(E::ClientGrant(at));
        }
        if !client.scopes.contains(client.default_scopes) {
            return Err(E::ClientDefaultScopes(at));
        }
        if client.secret.is_none() {
            // RFC 6749 §4.4: "The client credentials grant type MUST only be
            // used by confidential clients."
            if client.grant_types.contains(GrantType::ClientCredentials)
                || !self.profile.client_authentication.none
            {
                return Err(E::PublicClient(at));
            }
            if self.profile.rotation == Rotation::Reuse
                && client.grant_types.contains(GrantType::RefreshToken)
            {
                return Err(E::PublicClientReuse(at));
            }
        }
        Ok(())
    }
}

/// "The redirection endpoint URI MUST be an absolute URI […] MUST NOT include a
/// fragment component" (RFC 6749 §3.1.2).
fn is_uri(text: &str) -> bool {
    let Some((scheme, _)) = split_at_first(text, b':') else {
        return false;
    };
    // RFC 3986 §3.1; and none that a browser runs as a program.
    let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet));
    let runs = ["javascript", "data", "vbscript"];
    named
        && !runs.iter().any(|name| scheme.eq_ignore_ascii_case(name))
        && text
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&octet))
}
