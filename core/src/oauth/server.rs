//! The authorization server: a configuration, checked and with its keys
//! derived, that exchanges are begun with.

use core::fmt;

use super::config::{Configuration, ConfigurationError};
use super::form_mac::FormMac;
use super::handle::HandleMac;
use crate::bearer::ResourceServer;
use crate::jose::Keys;
use crate::jwt::{Claim, TokenCache, Tokens, Validation, Verified, VerifyError};
use crate::time::UnixTime;

/// An OAuth 2.0 authorization server (RFC 6749 §1.1), and the resource `/me/`.
///
/// It holds no state: grants are in a [`Store`](crate::store::Store), patience
/// is in a [`Throttle`](super::Throttle), and time and entropy are handed in.
/// So one server answers any number of exchanges at once, each of them begun
/// with [`AuthorizationServer::begin`].
pub struct AuthorizationServer<'c> {
    pub(super) configuration: Configuration<'c>,
    pub(super) handles: HandleMac,
    pub(super) form_mac: FormMac,
    pub(super) resource: ResourceServer<'c>,
    tokens: Tokens<'c>,
}

/// What a caller knows of time when an exchange begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Clock {
    /// The time, unless the clock is not set.
    pub now: Option<UnixTime>,
    /// The newest time that anything was committed at: time is later than
    /// that, or the clock is wrong.
    pub floor: UnixTime,
    /// Since when this server answers without a break: start, clock gained or
    /// store regained, whichever came last. Grace is counted from there, since
    /// a client could not come earlier.
    pub serving_since: UnixTime,
}

impl Clock {
    /// A clock that was never wrong, on a server that has always been there.
    #[must_use]
    pub const fn at(now: UnixTime) -> Self {
        Clock {
            now: Some(now),
            floor: UnixTime(0),
            serving_since: UnixTime(0),
        }
    }
}

impl<'c> AuthorizationServer<'c> {
    /// How many octets an exchange needs for its response.
    pub const ROOM: usize = 4096;

    /// Checks `configuration` and derives its keys.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, and with which entry.
    pub fn new(configuration: Configuration<'c>) -> Result<Self, ConfigurationError> {
        configuration.check()?;
        let format = configuration.profile.access_token;
        Ok(AuthorizationServer {
            handles: HandleMac::new(&configuration.handle_keys, configuration.issuer),
            form_mac: FormMac::new(&configuration.handle_keys, configuration.issuer),
            resource: ResourceServer {
                keys: Keys::new(configuration.verifiers),
                validation: Validation {
                    issuer: format
                        .claims
                        .contains(&Claim::Issuer)
                        .then_some(configuration.issuer),
                    audience: format
                        .claims
                        .contains(&Claim::Audience)
                        .then_some(configuration.audience),
                    // Who verifies here also issued here, by the same clock.
                    leeway: configuration.skew.min(Validation::MAX_LEEWAY),
                    token_octets: configuration.limits.token,
                    ..Validation::new(format)
                },
                token_header: configuration.profile.token_header,
            },
            tokens: Tokens::NONE,
            configuration,
        })
    }

    /// Has verified access tokens in `cache`, which is emptied and this server's
    /// alone: one that comes again costs no signature. Its client, its user and its
    /// grant are asked each time.
    pub fn remember<const N: usize>(&mut self, cache: &'c mut TokenCache<N>) {
        self.tokens = Tokens::new(&self.resource.keys, cache);
    }

    /// Forgets the access tokens that were verified: see
    /// [`CachingVerifier::forget`](crate::jwt::CachingVerifier::forget).
    pub fn forget_tokens(&self) {
        self.tokens.forget();
    }

    /// Verifies an access token.
    pub(super) fn verify<'t>(
        &self,
        token: &[u8],
        now: Option<UnixTime>,
        scratch: &'t mut [u8],
    ) -> Result<Verified<'t>, VerifyError> {
        let ResourceServer {
            keys, validation, ..
        } = &self.resource;
        self.tokens.verify(token, keys, validation, now, scratch)
    }

    /// What the server was made with.
    #[must_use]
    pub const fn configuration(&self) -> &Configuration<'c> {
        &self.configuration
    }
}

impl fmt::Debug for AuthorizationServer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("profile", &self.configuration.profile.name)
            .field("issuer", &self.configuration.issuer)
            .finish_non_exhaustive()
    }
}
