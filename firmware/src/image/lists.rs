//! From an image to the core's configuration, in lists that the caller lends.

use heapless::Vec;
use smallgate_core::jose::{Signer, Verifier};
use smallgate_core::oauth::{Client, Configuration, User};
use smallgate_core::scope::ScopeNames;

use super::error::RoomError;
use super::open::Image;
use crate::http::Subnet;

/// What a [`Configuration`] borrows.
#[derive(Clone, Copy)]
pub struct Lists<'c> {
    /// Of [`Image::fill_scopes`].
    pub scopes: ScopeNames<'c>,
    /// Of [`Image::fill_clients`].
    pub clients: &'c [Client<'c>],
    /// Of [`Image::fill_users`].
    pub users: &'c [User<'c>],
    /// The board's own of [`Image::signing_key`].
    pub signer: &'c dyn Signer,
    /// Its counterpart, and those of [`Image::retired_keys`].
    pub verifiers: &'c [&'c dyn Verifier],
}

impl<'a> Image<'a> {
    /// Replaces what is in `room` by the scopes' names;
    /// [`MAX_SCOPES`](super::MAX_SCOPES) are always enough.
    ///
    /// # Errors
    ///
    /// [`RoomError::Scopes`].
    pub fn fill_scopes<'t, const N: usize>(
        &self,
        room: &'t mut Vec<&'a str, N>,
    ) -> Result<ScopeNames<'t>, RoomError> {
        fill(room, self.scopes(), RoomError::Scopes)?;
        // Opening found that they are good.
        ScopeNames::new(room).map_err(|_| RoomError::Scopes)
    }

    /// Replaces what is in `room` by all clients' redirect URIs, for
    /// [`fill_clients`](Self::fill_clients); [`MAX_URIS`](super::MAX_URIS) are
    /// always enough.
    ///
    /// # Errors
    ///
    /// [`RoomError::RedirectUris`].
    pub fn fill_redirect_uris<const N: usize>(
        &self,
        room: &mut Vec<&'a str, N>,
    ) -> Result<(), RoomError> {
        let all = self.clients().flat_map(|client| client.redirect_uris());
        fill(room, all, RoomError::RedirectUris)
    }

    /// Replaces what is in `room` by the clients; `redirect_uris` are those of
    /// [`fill_redirect_uris`](Self::fill_redirect_uris), of this image.
    /// [`MAX_CLIENTS`](super::MAX_CLIENTS) are always enough.
    ///
    /// # Errors
    ///
    /// [`RoomError::Clients`]; [`RoomError::RedirectUris`] when `redirect_uris`
    /// are too few.
    pub fn fill_clients<'t, const N: usize>(
        &self,
        redirect_uris: &'t [&'a str],
        room: &mut Vec<Client<'t>, N>,
    ) -> Result<(), RoomError> {
        room.clear();
        let mut left = redirect_uris;
        for entry in self.clients() {
            let (own, rest) = left
                .split_at_checked(entry.redirect_uris().count())
                .ok_or(RoomError::RedirectUris)?;
            left = rest;
            room.push(Client {
                id: entry.id,
                secret: entry.secret,
                grant_types: entry.grant_types,
                scopes: entry.scopes,
                default_scopes: entry.default_scopes,
                redirect_uris: own,
                grants_not_before: entry.grants_not_before,
            })
            .map_err(|_| RoomError::Clients)?;
        }
        Ok(())
    }

    /// Replaces what is in `room` by the users; [`MAX_USERS`](super::MAX_USERS)
    /// are always enough.
    ///
    /// # Errors
    ///
    /// [`RoomError::Users`].
    pub fn fill_users<const N: usize>(&self, room: &mut Vec<User<'a>, N>) -> Result<(), RoomError> {
        fill(room, self.users(), RoomError::Users)
    }

    /// Replaces what is in `room` by the trusted proxies;
    /// [`MAX_PROXIES`](super::MAX_PROXIES) are always enough.
    ///
    /// # Errors
    ///
    /// [`RoomError::TrustedProxies`].
    pub fn fill_trusted_proxies<const N: usize>(
        &self,
        room: &mut Vec<Subnet, N>,
    ) -> Result<(), RoomError> {
        fill(room, self.trusted_proxies(), RoomError::TrustedProxies)
    }

    /// The configuration, for
    /// [`AuthorizationServer::new`](smallgate_core::oauth::AuthorizationServer::new)
    /// to check.
    #[must_use]
    pub fn configuration<'c>(&self, lists: Lists<'c>) -> Configuration<'c>
    where
        'a: 'c,
    {
        Configuration {
            profile: self.profile(),
            issuer: self.issuer(),
            audience: self.audience(),
            clients: lists.clients,
            users: lists.users,
            scopes: lists.scopes,
            signer: lists.signer,
            verifiers: lists.verifiers,
            handle_keys: self.handle_keys(),
            api_key: self.api_key(),
            grants_not_before: self.grants_not_before(),
            skew: self.skew(),
            limits: self.limits(),
        }
    }
}

fn fill<T, const N: usize>(
    room: &mut Vec<T, N>,
    items: impl Iterator<Item = T>,
    short: RoomError,
) -> Result<(), RoomError> {
    room.clear();
    for item in items {
        room.push(item).map_err(|_| short)?;
    }
    Ok(())
}
