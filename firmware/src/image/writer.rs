//! Writing an image, where configurations are made.

use core::fmt;
use core::net::IpAddr;

use smallgate_core::codec::crc::crc32;
use smallgate_core::oauth::{Client, Limits, Slot, ThrottlePolicy, User};
use smallgate_core::profile::{GrantTypes, Profile, Rotation};
use smallgate_core::secret::SecretHash;
use smallgate_core::time::{Seconds, UnixTime};

use super::error::{ImageError, Place, WriteError};
use super::key::{Key, Material};
use super::network::{Addressing, Network};
use super::open::Image;
use super::serving::Timeouts;
use super::{
    HEADER, LAYOUT, MAGIC, MAX_CLIENT_URIS, MAX_CLIENTS, MAX_PROXIES, MAX_RETIRED_KEYS, MAX_SCOPES,
    MAX_SIZE, MAX_USERS, kind,
};
use crate::devices::{Device, Kind, MAX_DEVICES};
use crate::http::Subnet;

/// All that goes into an image.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'c> {
    /// Guessable secrets are in it, or keys that were made for it.
    pub demonstration: bool,
    /// When it is made.
    pub made_at: UnixTime,
    /// The profile; its name, rotation and lifetimes are kept.
    pub profile: &'c Profile,
    /// Bounds on what a request may hold.
    pub limits: Limits,
    /// The issuer identifier.
    pub issuer: &'c str,
    /// The resource that tokens are for.
    pub audience: &'c str,
    /// Grants made before this moment are void.
    pub grants_not_before: UnixTime,
    /// How far the clocks of a fleet may be apart.
    pub skew: Seconds,
    /// How patient the server is.
    pub throttle: ThrottlePolicy,
    /// The keys behind codes and refresh tokens.
    pub handle_keys: &'c HandleSecrets,
    /// The hash of the API key.
    pub api_key: Option<SecretHash>,
    /// How long clients may take.
    pub timeouts: Timeouts,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: &'c [Subnet],
    /// How the board is found.
    pub network: Option<Network<'c>>,
    /// Signs access tokens.
    pub signing_key: Key<'c>,
    /// Signed before.
    pub retired_keys: &'c [Key<'c>],
    /// The scopes' names in the order of their bits.
    pub scopes: &'c [&'c str],
    /// The clients.
    pub clients: &'c [Client<'c>],
    /// The users.
    pub users: &'c [User<'c>],
    /// What is behind the tokens.
    pub devices: &'c [Device<'c>],
}

/// [`HandleKeys`](smallgate_core::oauth::HandleKeys) that can be written down.
#[derive(Clone)]
pub struct HandleSecrets {
    /// Makes handles.
    pub current: [u8; 32],
    /// The slot `current` is in.
    pub slot: Slot,
    /// The key that was in the other slot before.
    pub previous: Option<[u8; 32]>,
}

impl fmt::Debug for HandleSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleSecrets")
            .field("slot", &self.slot)
            .finish_non_exhaustive()
    }
}

/// Writes one image.
pub struct Writer<'o> {
    out: &'o mut [u8],
    length: usize,
}

impl<'o> Writer<'o> {
    /// Into `out`; [`MAX_SIZE`] octets are always enough.
    #[must_use]
    pub const fn new(out: &'o mut [u8]) -> Self {
        Writer { out, length: 0 }
    }

    /// Writes `contents`, and opens what it wrote: so no image is made that is
    /// refused later.
    ///
    /// # Errors
    ///
    /// No room, too many of something, or what [`Image::open`] says. `out` then
    /// holds a part of it, keys and all.
    pub fn write(mut self, contents: &Contents<'_>) -> Result<&'o [u8], WriteError> {
        self.put(&MAGIC)?;
        self.put(&LAYOUT.to_le_bytes())?;
        self.put(&[0; HEADER - MAGIC.len() - 2])?;
        self.body(contents)?;
        let length = self.length.saturating_add(4);
        if length > MAX_SIZE {
            return Err(WriteError::NoRoom);
        }
        let length = u32::try_from(length).map_err(|_| WriteError::NoRoom)?;
        let stated = self.out.get_mut(12..HEADER).ok_or(WriteError::NoRoom)?;
        for (octet, value) in stated.iter_mut().zip(length.to_le_bytes()) {
            *octet = value;
        }
        let checksum = crc32(self.out.get(..self.length).ok_or(WriteError::NoRoom)?);
        self.put(&checksum.to_le_bytes())?;
        let Writer { out, length } = self;
        let out: &'o [u8] = out;
        let written = out.get(..length).ok_or(WriteError::NoRoom)?;
        Image::open(written).map_err(WriteError::Refused)?;
        Ok(written)
    }

    fn body(&mut self, contents: &Contents<'_>) -> Result<(), WriteError> {
        self.flag(contents.demonstration)?;
        self.time(contents.made_at)?;
        self.text(contents.profile.name)?;
        self.flag(contents.profile.rotation == Rotation::Reuse)?;
        let lifetimes = &contents.profile.lifetimes;
        for length in [
            lifetimes.access_token,
            lifetimes.code,
            lifetimes.refresh_idle,
            lifetimes.refresh_absolute,
            lifetimes.grace,
        ] {
            self.seconds(&length)?;
        }
        let limits = &contents.limits;
        self.limit(limits.body)?;
        self.put(&[limits.parameters])?;
        self.limit(limits.basic)?;
        self.limit(limits.token)?;
        self.text(contents.issuer)?;
        self.text(contents.audience)?;
        self.time(contents.grants_not_before)?;
        self.seconds(&contents.skew)?;
        self.put(&[contents.throttle.failures])?;
        self.seconds(&contents.throttle.window)?;
        let handle_keys = contents.handle_keys;
        self.flag(handle_keys.slot == Slot::B)?;
        self.put(&handle_keys.current)?;
        self.optional(handle_keys.previous.as_ref(), |out, key| out.put(key))?;
        self.hash(contents.api_key.as_ref())?;
        for length in contents.timeouts.all() {
            self.optional(length.as_ref(), Self::seconds)?;
        }
        self.list(
            contents.trusted_proxies,
            MAX_PROXIES,
            Place::TrustedProxies,
            Self::subnet,
        )?;
        self.optional(contents.network.as_ref(), Self::network)?;
        self.key(&contents.signing_key)?;
        self.list(
            contents.retired_keys,
            MAX_RETIRED_KEYS,
            Place::RetiredKeys,
            Self::key,
        )?;
        self.list(contents.scopes, MAX_SCOPES, Place::Scopes, |out, name| {
            out.text(name)
        })?;
        self.list(contents.clients, MAX_CLIENTS, Place::Clients, Self::client)?;
        self.list(contents.users, MAX_USERS, Place::Users, Self::user)?;
        self.list(contents.devices, MAX_DEVICES, Place::Devices, Self::device)
    }

    fn device(&mut self, device: &Device<'_>) -> Result<(), WriteError> {
        let (sort, number, active_low) = match device.kind {
            Kind::Emc1413 { address } => (kind::EMC1413, address, false),
            Kind::Output(pin) => (kind::OUTPUT, pin.number, pin.active_low),
            Kind::Input(pin) => (kind::INPUT, pin.number, pin.active_low),
        };
        self.text(device.name)?;
        self.put(&[sort, number])?;
        self.flag(active_low)?;
        self.text(device.read)?;
        self.text(device.write)
    }

    fn subnet(&mut self, subnet: &Subnet) -> Result<(), WriteError> {
        match subnet.address() {
            IpAddr::V4(address) => {
                self.put(&[4])?;
                self.put(&address.octets())?;
            }
            IpAddr::V6(address) => {
                self.put(&[6])?;
                self.put(&address.octets())?;
            }
        }
        self.put(&[subnet.prefix()])
    }

    fn network(&mut self, network: &Network<'_>) -> Result<(), WriteError> {
        self.optional(network.hostname.as_ref(), |out, name| out.text(name))?;
        match &network.addressing {
            Addressing::Dhcp => self.flag(false)?,
            Addressing::Static {
                address,
                prefix,
                gateway,
            } => {
                self.flag(true)?;
                self.put(&address.octets())?;
                self.put(&[*prefix])?;
                self.optional(gateway.as_ref(), |out, gateway| out.put(&gateway.octets()))?;
            }
        }
        self.optional(network.sntp.as_ref(), |out, server| {
            out.put(&server.ip().octets())?;
            out.put(&server.port().to_le_bytes())
        })
    }

    fn key(&mut self, key: &Key<'_>) -> Result<(), WriteError> {
        self.optional(key.key_id.as_ref(), |out, name| out.text(name))?;
        match key.material {
            Material::Octets(octets) => {
                self.put(&[kind::OCTETS])?;
                self.octets(octets)
            }
            Material::Pair { secret, x, y } => {
                self.put(&[kind::PAIR])?;
                self.put(secret)?;
                self.put(x)?;
                self.put(y)
            }
            Material::Point { x, y } => {
                self.put(&[kind::POINT])?;
                self.put(x)?;
                self.put(y)
            }
        }
    }

    fn client(&mut self, client: &Client<'_>) -> Result<(), WriteError> {
        self.text(client.id)?;
        self.hash(client.secret.as_ref())?;
        self.put(&[bits(client.grant_types)])?;
        self.put(&client.scopes.bits().to_le_bytes())?;
        self.put(&client.default_scopes.bits().to_le_bytes())?;
        self.time(client.grants_not_before)?;
        let uris = client.redirect_uris;
        self.list(uris, MAX_CLIENT_URIS, Place::Clients, |out, uri| {
            out.text(uri)
        })
    }

    fn user(&mut self, user: &User<'_>) -> Result<(), WriteError> {
        self.text(user.username)?;
        self.text(user.subject)?;
        self.put(&user.password.iterations.to_le_bytes())?;
        self.put(&user.password.salt)?;
        self.put(&user.password.hash)?;
        self.time(user.grants_not_before)
    }

    fn put(&mut self, octets: &[u8]) -> Result<(), WriteError> {
        let end = self
            .length
            .checked_add(octets.len())
            .ok_or(WriteError::NoRoom)?;
        self.out
            .get_mut(self.length..end)
            .ok_or(WriteError::NoRoom)?
            .copy_from_slice(octets);
        self.length = end;
        Ok(())
    }

    fn flag(&mut self, value: bool) -> Result<(), WriteError> {
        self.put(&[value.into()])
    }

    fn limit(&mut self, value: usize) -> Result<(), WriteError> {
        let value = u16::try_from(value)
            .map_err(|_| WriteError::Refused(ImageError::Impossible(Place::Limits)))?;
        self.put(&value.to_le_bytes())
    }

    fn seconds(&mut self, value: &Seconds) -> Result<(), WriteError> {
        self.put(&value.0.to_le_bytes())
    }

    fn time(&mut self, value: UnixTime) -> Result<(), WriteError> {
        self.put(&value.0.to_le_bytes())
    }

    fn octets(&mut self, octets: &[u8]) -> Result<(), WriteError> {
        let length = u16::try_from(octets.len()).map_err(|_| WriteError::NoRoom)?;
        self.put(&length.to_le_bytes())?;
        self.put(octets)
    }

    fn text(&mut self, text: &str) -> Result<(), WriteError> {
        self.octets(text.as_bytes())
    }

    fn hash(&mut self, hash: Option<&SecretHash>) -> Result<(), WriteError> {
        self.optional(hash, |out, hash| out.put(hash.octets()))
    }

    fn optional<T>(
        &mut self,
        value: Option<&T>,
        write: impl FnOnce(&mut Self, &T) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.flag(value.is_some())?;
        value.map_or(Ok(()), |value| write(self, value))
    }

    fn list<T>(
        &mut self,
        items: &[T],
        most: usize,
        place: Place,
        mut write: impl FnMut(&mut Self, &T) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let count = u8::try_from(items.len())
            .ok()
            .filter(|count| usize::from(*count) <= most)
            .ok_or(WriteError::TooMany(place))?;
        self.put(&[count])?;
        items.iter().try_for_each(|item| write(self, item))
    }
}

/// One bit a grant type.
fn bits(grants: GrantTypes) -> u8 {
    grants.iter().fold(0, |bits, grant| bits | grant as u8)
}
