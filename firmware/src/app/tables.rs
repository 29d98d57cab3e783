//! From a provisioning image to a server: what is the same on every board.

use core::fmt;

use heapless::Vec;
use smallgate_core::jose::{Signer, Verifier};
use smallgate_core::oauth::{AuthorizationServer, Client, ConfigurationError, User};

use crate::image::{Image, Lists, MAX_CLIENTS, MAX_SCOPES, MAX_USERS, RoomError};

/// How many redirect URIs all clients may have together.
const REDIRECT_URIS: usize = 32;

/// Memory for what a server borrows. The image itself stays where it is.
pub struct Tables<'t> {
    scopes: Vec<&'t str, MAX_SCOPES>,
    redirect_uris: Vec<&'t str, REDIRECT_URIS>,
    clients: Vec<Client<'t>, MAX_CLIENTS>,
    users: Vec<User<'t>, MAX_USERS>,
}

/// Why no server was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StartError {
    /// The image holds more than there is memory for.
    Room(RoomError),
    /// The image is whole, and its parts do not go together.
    Configuration(ConfigurationError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Room(error) => error.fmt(f),
            StartError::Configuration(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

impl From<RoomError> for StartError {
    fn from(error: RoomError) -> Self {
        StartError::Room(error)
    }
}

impl From<ConfigurationError> for StartError {
    fn from(error: ConfigurationError) -> Self {
        StartError::Configuration(error)
    }
}

impl<'t> Tables<'t> {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Tables {
            scopes: Vec::new(),
            redirect_uris: Vec::new(),
            clients: Vec::new(),
            users: Vec::new(),
        }
    }

    /// A server as `image` says. `signer` is the board's own of
    /// [`Image::signing_key`], and `verifiers` its counterpart and those of
    /// [`Image::retired_keys`].
    ///
    /// # Errors
    ///
    /// What does not fit, or does not go together.
    pub fn server(
        &'t mut self,
        image: &Image<'t>,
        signer: &'t dyn Signer,
        verifiers: &'t [&'t dyn Verifier],
    ) -> Result<AuthorizationServer<'t>, StartError> {
        let scopes = image.fill_scopes(&mut self.scopes)?;
        image.fill_redirect_uris(&mut self.redirect_uris)?;
        image.fill_clients(&self.redirect_uris, &mut self.clients)?;
        image.fill_users(&mut self.users)?;
        Ok(AuthorizationServer::new(image.configuration(Lists {
            scopes,
            clients: &self.clients,
            users: &self.users,
            signer,
            verifiers,
        }))?)
    }
}

impl Default for Tables<'_> {
    fn default() -> Self {
        Self::new()
    }
}
