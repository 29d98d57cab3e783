//! What can be wrong with an image, and where.

use core::fmt;

use super::{LAYOUT, MAX_SIZE};

/// Why an image is not started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImageError {
    /// Nothing was ever written: all octets are 0xFF, or all 0x00.
    Empty,
    /// Something else is there: it does not begin with [`MAGIC`](super::MAGIC).
    Magic,
    /// An image of this other layout.
    Layout(u16),
    /// It ends before the length that it states, or before its header does.
    Short,
    /// It states a length that no image has, or the checksum is another one.
    Damaged,
    /// Undamaged, and this value in it is one that can not be.
    Impossible(Place),
}

/// Which part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Place {
    /// The mark of a demonstration.
    Demonstration,
    /// The moment at which it was made.
    MadeAt,
    /// The profile's name: empty, or one that this firmware does not have.
    Profile,
    /// What becomes of a used refresh token.
    Rotation,
    /// The lifetimes.
    Lifetimes,
    /// The limits of requests.
    Limits,
    /// The issuer.
    Issuer,
    /// The audience.
    Audience,
    /// The moment before which all grants are void.
    GrantsNotBefore,
    /// The skew.
    Skew,
    /// The throttle's policy.
    Throttle,
    /// The handle keys and their slot.
    HandleKeys,
    /// The API key's hash.
    ApiKey,
    /// A client's time for something is none.
    Timeouts,
    /// How many trusted proxies there are.
    TrustedProxies,
    /// The trusted proxy at this position, from 0.
    TrustedProxy(u8),
    /// Address, prefix, gateway or host name.
    Network,
    /// The signing key.
    SigningKey,
    /// How many retired keys there are.
    RetiredKeys,
    /// The retired key at this position, from 0.
    RetiredKey(u8),
    /// How many scopes there are, or that one stands twice.
    Scopes,
    /// The scope at this position.
    Scope(u8),
    /// How many clients there are.
    Clients,
    /// The client at this position.
    Client(u8),
    /// How many users there are.
    Users,
    /// The user at this position.
    User(u8),
    /// How many devices there are.
    Devices,
    /// The device at this position: its name, which may stand there once, its
    /// kind, or a scope that there is not.
    Device(u8),
    /// Octets after the last field.
    End,
}

/// Why an image could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WriteError {
    /// It is longer than the room for it, or than [`MAX_SIZE`].
    NoRoom,
    /// There are too many of them.
    TooMany(Place),
    /// It would not open.
    Refused(ImageError),
}

/// Which list of the caller's is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RoomError {
    /// That of the scopes.
    Scopes,
    /// That of the redirect URIs.
    RedirectUris,
    /// That of the clients.
    Clients,
    /// That of the users.
    Users,
    /// That of the trusted proxies.
    TrustedProxies,
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ImageError::Empty => f.write_str("there is no image: the region is empty"),
            ImageError::Magic => f.write_str("this is no provisioning image"),
            ImageError::Layout(found) => {
                let age = if found < LAYOUT { "older" } else { "newer" };
                write!(
                    f,
                    "an image of the {age} layout {found}; layout {LAYOUT} is read here"
                )
            }
            ImageError::Short => f.write_str("the image is cut short"),
            ImageError::Damaged => f.write_str("the image is damaged"),
            ImageError::Impossible(place) => write!(f, "the image is no good at {place}"),
        }
    }
}

impl core::error::Error for ImageError {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, at) = match *self {
            Place::Demonstration => ("the mark of a demonstration", None),
            Place::MadeAt => ("the time it was made at", None),
            Place::Profile => ("the profile", None),
            Place::Rotation => ("the rotation", None),
            Place::Lifetimes => ("the lifetimes", None),
            Place::Limits => ("the limits", None),
            Place::Issuer => ("the issuer", None),
            Place::Audience => ("the audience", None),
            Place::GrantsNotBefore => ("grants_not_before", None),
            Place::Skew => ("the skew", None),
            Place::Throttle => ("the throttle", None),
            Place::HandleKeys => ("the handle keys", None),
            Place::ApiKey => ("the API key", None),
            Place::Timeouts => ("the timeouts", None),
            Place::TrustedProxies => ("the trusted proxies", None),
            Place::TrustedProxy(at) => ("trusted proxy", Some(at)),
            Place::Network => ("the network", None),
            Place::SigningKey => ("the signing key", None),
            Place::RetiredKeys => ("the retired keys", None),
            Place::RetiredKey(at) => ("retired key", Some(at)),
            Place::Scopes => ("the scopes", None),
            Place::Scope(at) => ("scope", Some(at)),
            Place::Clients => ("the clients", None),
            Place::Client(at) => ("client", Some(at)),
            Place::Users => ("the users", None),
            Place::User(at) => ("user", Some(at)),
            Place::Devices => ("the devices", None),
            Place::Device(at) => ("device", Some(at)),
            Place::End => ("its end", None),
        };
        f.write_str(what)?;
        match at {
            Some(at) => write!(f, " {}", u16::from(at).saturating_add(1)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::NoRoom => write!(
                f,
                "the image has no room: it may have {MAX_SIZE} octets at most"
            ),
            WriteError::TooMany(place) => write!(f, "an image does not hold so many: {place}"),
            WriteError::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WriteError {}

impl fmt::Display for RoomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RoomError::Scopes => "the list for the scopes is too short",
            RoomError::RedirectUris => "the list for the redirect URIs is too short",
            RoomError::Clients => "the list for the clients is too short",
            RoomError::Users => "the list for the users is too short",
            RoomError::TrustedProxies => "the list for the trusted proxies is too short",
        })
    }
}

impl core::error::Error for RoomError {}
