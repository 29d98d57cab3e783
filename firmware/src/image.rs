//! The provisioning image: a configuration, packed, in a flash region of its
//! own. One firmware, many configurations.
//!
//! It is read in place: what [`Image`] hands out are slices of the region.
//! [`Image::open`] looks at everything once and says what is wrong, so that a
//! board starts with the whole configuration or not at all.
//!
//! # Layout 2, little-endian, no padding
//!
//! | at | size | field |
//! | --- | --- | --- |
//! | 0 | 8 | magic, `SGATEIMG` |
//! | 8 | 2 | layout version, 2 |
//! | 10 | 2 | zero |
//! | 12 | 4 | length of it all, header and checksum too |
//! | 16 | … | body |
//! | length − 4 | 4 | CRC-32 of everything before |
//!
//! The body's fields follow each other. A *text* is its length (2) and UTF-8;
//! an *optional* field is 0, or 1 and the field; a *list* is a count (1) and so
//! many items.
//!
//! | field | form |
//! | --- | --- |
//! | made for a demonstration | 0 or 1 |
//! | made at | 8, Unix seconds |
//! | profile | text: its name |
//! | rotation | 0 rotate, 1 reuse |
//! | lifetimes | 4 each: access token, code, refresh idle, refresh absolute, grace |
//! | limits | 2 body, 1 parameters, 2 Basic credentials, 2 token |
//! | issuer, audience | text each |
//! | grants not before | 8, Unix seconds |
//! | skew | 4, seconds |
//! | throttle | 1 failures, 4 window |
//! | handle keys | 1 slot, 32 current, optional 32 previous |
//! | API key | optional 32, SHA-256 |
//! | timeouts | optional 4 each, seconds: head, body, idle |
//! | trusted proxies | list: 1 kind, 4 or 6, with 4 or 16 octets of address; 1 prefix |
//! | network | optional: optional text hostname; 1 kind: 0 DHCP, 1 static: 4 address, 1 prefix, optional 4 gateway; optional 4 address and 2 port of SNTP |
//! | signing key | key |
//! | retired keys | list of key |
//! | scopes | list of text |
//! | clients | list: text id, optional 32 secret hash, 1 grants, 8 scopes, 8 default scopes, 8 grants not before, list of text redirect URIs |
//! | users | list: text username, text subject, 4 iterations, 16 salt, 32 hash, 8 grants not before |
//! | devices | list: text name; 1 kind: 1 EMC1413, 2 output, 3 input; 1 address or pin; 1 whether it is on when its pin is low; text scopes to read, text scopes to write |
//!
//! A *key* is an optional text `kid` and 1 kind: 1 HS256, with 2 length and
//! octets; 2 an ES256 pair, with 32 scalar, 32 x, 32 y; 3 an ES256 public key,
//! with 32 x, 32 y; big-endian as in a JWK.
//!
//! # What the checksum is for
//!
//! Damage: worn cells, a write that was cut off. CRC-32 finds every damage of up
//! to 32 neighbouring bits, and misses others once in 2³². It is no protection
//! from whoever can write to the flash: they have the firmware and the keys.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

use smallgate_core::oauth::AuthorizationServer;

mod devices;
mod entries;
mod error;
mod fields;
mod key;
mod lists;
mod network;
mod open;
mod serving;
mod writer;

pub use devices::PackedDevices;
pub use entries::ClientEntry;
pub use error::{ImageError, Place, RoomError, WriteError};
pub use key::{Es256, Key, Material, ReadyKey, Software};
pub use lists::Lists;
pub use network::{Addressing, Network};
pub use open::Image;
pub use serving::Timeouts;
pub use writer::{Contents, HandleSecrets, Writer};

/// What an image begins with.
pub const MAGIC: [u8; 8] = *b"SGATEIMG";
/// The layout that is written, and the only one that is read.
pub const LAYOUT: u16 = 2;
/// The most octets of an image: 16 KiB.
pub const MAX_SIZE: usize = 16 * 1024;
/// The most clients.
pub const MAX_CLIENTS: usize = 16;
/// The most users.
pub const MAX_USERS: usize = 16;
/// The most scopes.
pub const MAX_SCOPES: usize = 32;
/// The most redirect URIs of one client.
pub const MAX_CLIENT_URIS: usize = 8;
/// The most redirect URIs of all clients.
pub const MAX_URIS: usize = MAX_CLIENTS * MAX_CLIENT_URIS;
/// The most trusted proxies, or subnets of them.
pub const MAX_PROXIES: usize = 8;
/// The longest body that an image may let in, in octets: so much room for it
/// every board has.
pub const MAX_BODY: usize = 1024;
/// The longest access token that an image may let in, in octets: so much room
/// for it is in an answer's (see
/// [`AuthorizationServer::begin`](smallgate_core::oauth::AuthorizationServer::begin)).
pub const MAX_TOKEN: usize = AuthorizationServer::ROOM / 4;
/// The most retired keys, which verify beside the signing key.
pub const MAX_RETIRED_KEYS: usize = 3;

/// Magic, layout version, two zeros, length.
const HEADER: usize = 16;
/// The CRC-32 at the end.
const CHECKSUM: usize = 4;

/// Kinds of keys and devices in the image.
mod kind {
    pub(super) const OCTETS: u8 = 1;
    pub(super) const PAIR: u8 = 2;
    pub(super) const POINT: u8 = 3;
    pub(super) const EMC1413: u8 = 1;
    pub(super) const OUTPUT: u8 = 2;
    pub(super) const INPUT: u8 = 3;
}
