//! An image, opened: everything in it was looked at.

use core::fmt;
use core::net::SocketAddrV4;

use smallgate_core::codec::crc::crc32;
use smallgate_core::oauth::{HandleKeys, Limits, MasterKey, Slot, ThrottlePolicy, User};
use smallgate_core::profile::{self, Lifetimes, Profile, Rotation};
use smallgate_core::scope::{ScopeNames, is_scope_token};
use smallgate_core::secret::SecretHash;
use smallgate_core::time::{Seconds, UnixTime};

use super::devices::PackedDevices;
use super::entries::{ClientEntry, Entries, Entry};
use super::error::{ImageError, Place};
use super::fields::Reader;
use super::key::Key;
use super::network::Network;
use super::serving::Timeouts;
use super::{
    CHECKSUM, HEADER, LAYOUT, MAGIC, MAX_BODY, MAX_CLIENTS, MAX_PROXIES, MAX_RETIRED_KEYS,
    MAX_SCOPES, MAX_SIZE, MAX_TOKEN, MAX_USERS,
};
use crate::http::Subnet;

/// A configuration that lies in a flash region and is read there.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    octets: &'a [u8],
    demonstration: bool,
    made_at: UnixTime,
    profile: &'static Profile,
    rotation: Rotation,
    lifetimes: Lifetimes,
    limits: Limits,
    issuer: &'a str,
    audience: &'a str,
    grants_not_before: UnixTime,
    skew: Seconds,
    throttle: ThrottlePolicy,
    slot: Slot,
    handle_key: &'a [u8; 32],
    previous_handle_key: Option<&'a [u8; 32]>,
    api_key: Option<&'a [u8; 32]>,
    timeouts: Timeouts,
    trusted_proxies: Entries<'a, Subnet>,
    network: Option<Network<'a>>,
    signing_key: Key<'a>,
    retired_keys: Entries<'a, Key<'a>>,
    scopes: Entries<'a, &'a str>,
    clients: Entries<'a, ClientEntry<'a>>,
    users: Entries<'a, User<'a>>,
    devices: PackedDevices<'a>,
}

impl<'a> Image<'a> {
    /// Opens the image at the beginning of `region`; what follows it does not
    /// matter.
    ///
    /// Everything is looked at that this layout can get wrong. What makes no
    /// sense as a configuration, such as two clients with one id,
    /// [`AuthorizationServer::new`](smallgate_core::oauth::AuthorizationServer::new)
    /// refuses; a point that is not on the curve, the key's backend.
    ///
    /// # Errors
    ///
    /// What is wrong, and where: see [`ImageError`].
    pub fn open(region: &'a [u8]) -> Result<Self, ImageError> {
        let octets = whole(region)?;
        let (checked, checksum) = octets.split_last_chunk().ok_or(ImageError::Short)?;
        if crc32(checked) != u32::from_le_bytes(*checksum) {
            return Err(ImageError::Damaged);
        }
        let (header, body) = checked
            .split_first_chunk::<HEADER>()
            .ok_or(ImageError::Short)?;
        if header.get(10..12) != Some(&[0, 0]) {
            return Err(ImageError::Damaged);
        }
        Self::read(octets, Reader::new(body))
    }

    fn read(octets: &'a [u8], mut from: Reader<'a>) -> Result<Self, ImageError> {
        let from = &mut from;
        let mut names = heapless::Vec::<&str, MAX_SCOPES>::new();
        Ok(Image {
            octets,
            demonstration: at(Place::Demonstration, from.flag())?,
            made_at: at(Place::MadeAt, from.time())?,
            profile: at(Place::Profile, from.text().and_then(profile::named))?,
            rotation: at(Place::Rotation, rotation(from))?,
            lifetimes: at(Place::Lifetimes, lifetimes(from))?,
            limits: at(Place::Limits, limits(from))?,
            issuer: at(Place::Issuer, <&str>::read(from))?,
            audience: at(Place::Audience, <&str>::read(from))?,
            grants_not_before: at(Place::GrantsNotBefore, from.time())?,
            skew: at(Place::Skew, from.seconds())?,
            throttle: at(Place::Throttle, throttle(from))?,
            slot: at(Place::HandleKeys, slot(from))?,
            handle_key: at(Place::HandleKeys, from.array())?,
            previous_handle_key: at(Place::HandleKeys, from.optional(Reader::array))?,
            api_key: at(Place::ApiKey, from.optional(Reader::array))?,
            timeouts: at(Place::Timeouts, Timeouts::read(from))?,
            trusted_proxies: Entries::read(
                from,
                MAX_PROXIES,
                Place::TrustedProxies,
                Place::TrustedProxy,
                |_| true,
            )?,
            network: at(Place::Network, from.optional(Network::read))?,
            signing_key: at(Place::SigningKey, Key::read(from).filter(Key::signs))?,
            retired_keys: Entries::read(
                from,
                MAX_RETIRED_KEYS,
                Place::RetiredKeys,
                Place::RetiredKey,
                |_| true,
            )?,
            scopes: Entries::read(
                from,
                MAX_SCOPES,
                Place::Scopes,
                Place::Scope,
                |name: &&str| is_scope_token(name) && names.push(*name).is_ok(),
            )?,
            clients: {
                at(Place::Scopes, ScopeNames::new(&names).ok())?;
                // No bit that no scope has.
                let beyond = u32::try_from(names.len())
                    .map_or(0, |bits| u64::MAX.checked_shl(bits).unwrap_or(0));
                let known = |client: &ClientEntry<'_>| {
                    client.scopes.union(client.default_scopes).bits() & beyond == 0
                };
                Entries::read(from, MAX_CLIENTS, Place::Clients, Place::Client, known)?
            },
            users: Entries::read(from, MAX_USERS, Place::Users, Place::User, |_| true)?,
            devices: {
                let scopes = at(Place::Scopes, ScopeNames::new(&names).ok())?;
                let devices = PackedDevices::read(from, &scopes)?;
                at(Place::End, from.is_empty().then_some(()))?;
                devices
            },
        })
    }

    /// The image itself, without what follows it in its region.
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Whether guessable secrets are in it, or keys that were made for it.
    #[must_use]
    pub const fn is_demonstration(&self) -> bool {
        self.demonstration
    }

    /// When it was made. Who has no better clock trusts none that is far from
    /// it.
    #[must_use]
    pub const fn made_at(&self) -> UnixTime {
        self.made_at
    }

    /// The profile, with this configuration's lifetimes and rotation.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        Profile {
            rotation: self.rotation,
            lifetimes: self.lifetimes,
            ..*self.profile
        }
    }

    /// Bounds on what a request may hold.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The issuer identifier (RFC 8414 §2).
    #[must_use]
    pub const fn issuer(&self) -> &'a str {
        self.issuer
    }

    /// The resource that tokens are for.
    #[must_use]
    pub const fn audience(&self) -> &'a str {
        self.audience
    }

    /// Grants made before this moment are void.
    #[must_use]
    pub const fn grants_not_before(&self) -> UnixTime {
        self.grants_not_before
    }

    /// How far the clocks of a fleet may be apart.
    #[must_use]
    pub const fn skew(&self) -> Seconds {
        self.skew
    }

    /// How patient the server is.
    #[must_use]
    pub const fn throttle(&self) -> ThrottlePolicy {
        self.throttle
    }

    /// The keys behind codes and refresh tokens.
    #[must_use]
    pub fn handle_keys(&self) -> HandleKeys {
        HandleKeys {
            current: MasterKey::new(*self.handle_key),
            slot: self.slot,
            previous: self.previous_handle_key.map(|key| MasterKey::new(*key)),
        }
    }

    /// The hash of the API key that the profile's header is to have.
    #[must_use]
    pub fn api_key(&self) -> Option<SecretHash> {
        self.api_key.map(|hash| SecretHash::new(*hash))
    }

    /// How long clients may take, for
    /// [`Deadlines::with`](crate::http::Deadlines::with).
    #[must_use]
    pub const fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Whose `X-Forwarded-For` is believed, at most [`MAX_PROXIES`].
    pub fn trusted_proxies(&self) -> impl Iterator<Item = Subnet> + Clone + use<'a> {
        self.trusted_proxies
    }

    /// How the board is found; without it, the board decides.
    #[must_use]
    pub const fn network(&self) -> Option<Network<'a>> {
        self.network
    }

    /// Where to ask for the time, if anywhere.
    #[must_use]
    pub fn time_server(&self) -> Option<SocketAddrV4> {
        self.network?.sntp
    }

    /// Signs access tokens, and verifies them.
    #[must_use]
    pub const fn signing_key(&self) -> Key<'a> {
        self.signing_key
    }

    /// Keys that signed before, at most [`MAX_RETIRED_KEYS`].
    pub fn retired_keys(&self) -> impl Iterator<Item = Key<'a>> + Clone + use<'a> {
        self.retired_keys
    }

    /// The scopes' names in the order of their bits, at most [`MAX_SCOPES`].
    pub fn scopes(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.scopes
    }

    /// The clients, at most [`MAX_CLIENTS`].
    pub fn clients(&self) -> impl Iterator<Item = ClientEntry<'a>> + Clone + use<'a> {
        self.clients
    }

    /// The users, at most [`MAX_USERS`].
    pub fn users(&self) -> impl Iterator<Item = User<'a>> + Clone + use<'a> {
        self.users
    }

    /// The devices, at most [`MAX_DEVICES`](crate::devices::MAX_DEVICES).
    #[must_use]
    pub const fn devices(&self) -> PackedDevices<'a> {
        self.devices
    }
}

impl fmt::Debug for Image<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("profile", &self.profile.name)
            .field("issuer", &self.issuer)
            .field("signing_key", &self.signing_key)
            .field("clients", &self.clients.count_left())
            .field("users", &self.users.count_left())
            .finish_non_exhaustive()
    }
}

/// The image's octets out of its region, as its header states them.
fn whole(region: &[u8]) -> Result<&[u8], ImageError> {
    let blank = |octet: u8| region.iter().take(HEADER).all(|other| *other == octet);
    if !region.is_empty() && (blank(0xFF) || blank(0x00)) {
        return Err(ImageError::Empty);
    }
    if !region.iter().zip(&MAGIC).all(|(found, ours)| found == ours) {
        return Err(ImageError::Magic);
    }
    let mut header = Reader::new(region);
    let short = ImageError::Short;
    let _magic: &[u8; 8] = header.array().ok_or(short)?;
    let layout = header.u16().ok_or(short)?;
    let _zeros = header.u16().ok_or(short)?;
    let length = header.u32().ok_or(short)?;
    if layout != LAYOUT {
        return Err(ImageError::Layout(layout));
    }
    let length = usize::try_from(length)
        .ok()
        .filter(|length| (HEADER.saturating_add(CHECKSUM)..=MAX_SIZE).contains(length))
        .ok_or(ImageError::Damaged)?;
    region.get(..length).ok_or(short)
}

fn at<T>(place: Place, value: Option<T>) -> Result<T, ImageError> {
    value.ok_or(ImageError::Impossible(place))
}

fn rotation(from: &mut Reader<'_>) -> Option<Rotation> {
    Some(match from.flag()? {
        false => Rotation::Rotate,
        true => Rotation::Reuse,
    })
}

fn lifetimes(from: &mut Reader<'_>) -> Option<Lifetimes> {
    let lifetimes = Lifetimes {
        access_token: from.seconds()?,
        code: from.seconds()?,
        refresh_idle: from.seconds()?,
        refresh_absolute: from.seconds()?,
        grace: from.seconds()?,
    };
    let positive = [
        lifetimes.access_token,
        lifetimes.code,
        lifetimes.refresh_idle,
        lifetimes.refresh_absolute,
    ];
    (!positive.contains(&Seconds(0))).then_some(lifetimes)
}

fn limits(from: &mut Reader<'_>) -> Option<Limits> {
    let limits = Limits {
        body: from.u16()?.into(),
        parameters: from.u8()?,
        basic: from.u16()?.into(),
        token: from.u16()?.into(),
    };
    let possible = (1..=MAX_BODY).contains(&limits.body)
        && limits.parameters > 0
        && (1..=Limits::MAX_BASIC).contains(&limits.basic)
        && (1..=MAX_TOKEN).contains(&limits.token);
    possible.then_some(limits)
}

fn throttle(from: &mut Reader<'_>) -> Option<ThrottlePolicy> {
    let policy = ThrottlePolicy {
        failures: from.u8()?,
        window: from.seconds()?,
    };
    let possible = (1..=254).contains(&policy.failures)
        && (Seconds(1)..=ThrottlePolicy::MAX_WINDOW).contains(&policy.window);
    possible.then_some(policy)
}

fn slot(from: &mut Reader<'_>) -> Option<Slot> {
    Some(match from.flag()? {
        false => Slot::A,
        true => Slot::B,
    })
}
