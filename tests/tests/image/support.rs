//! Contents for images, and images around any octets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4};

use smallgate_core::oauth::{Client, Limits, PasswordHash, Slot, ThrottlePolicy, User};
use smallgate_core::profile::{self, GrantType, GrantTypes, Lifetimes, Profile, Rotation};
use smallgate_core::scope::ScopeSet;
use smallgate_core::secret::SecretHash;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::devices::{Device, Kind, Pin};
use smallgate_firmware::http::Subnet;
use smallgate_firmware::image::{
    Addressing, Contents, HandleSecrets, Image, Key, MAX_SIZE, Material, Network, Timeouts,
    WriteError, Writer,
};

pub(crate) const SECRET: [u8; 32] = [0x42; 32];
pub(crate) const HANDLES: HandleSecrets = HandleSecrets {
    current: [0xA1; 32],
    slot: Slot::B,
    previous: Some([0xA2; 32]),
};
pub(crate) const POINT: [u8; 32] = [0x17; 32];
pub(crate) const NETWORK: Network<'static> = Network {
    hostname: Some("gate-7"),
    addressing: Addressing::Static {
        address: Ipv4Addr::new(192, 0, 2, 10),
        prefix: 24,
        gateway: Some(Ipv4Addr::new(192, 0, 2, 1)),
    },
    sntp: Some(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 1230)),
};
pub(crate) const PROXIES: [Subnet; 2] = [
    Subnet::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8).expect("8 bits"),
    Subnet::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 128).expect("128 bits"),
];
pub(crate) const PROFILE: Profile = Profile {
    rotation: Rotation::Reuse,
    lifetimes: Lifetimes {
        access_token: Seconds(1),
        code: Seconds(2),
        refresh_idle: Seconds(3),
        refresh_absolute: Seconds(4),
        grace: Seconds(0),
    },
    ..profile::DRESSIPI
};
pub(crate) const CLIENTS: [Client<'static>; 2] = [
    Client {
        id: "valve",
        secret: Some(SecretHash::new([0xC1; 32])),
        grant_types: GrantTypes::of(&[GrantType::AuthorizationCode, GrantType::Password]),
        scopes: ScopeSet::from_bits(0b111),
        default_scopes: ScopeSet::from_bits(0b010),
        redirect_uris: &["https://a.example/cb", "urn:x:y"],
        grants_not_before: UnixTime(1_800_000_000),
    },
    Client {
        id: "app",
        secret: None,
        grant_types: GrantTypes::of(&[]),
        scopes: ScopeSet::EMPTY,
        default_scopes: ScopeSet::EMPTY,
        redirect_uris: &["app:cb"],
        grants_not_before: UnixTime(0),
    },
];
pub(crate) const USER: User<'static> = User {
    username: "ada@example.org",
    subject: "94173",
    password: PasswordHash {
        iterations: 10_000,
        salt: [0x51; 16],
        hash: [0x52; 32],
    },
    grants_not_before: UnixTime(7),
};

pub(crate) const DEVICES: [Device<'static>; 3] = [
    Device {
        name: "cellar",
        kind: Kind::Emc1413 { address: 0x4C },
        read: "read",
        write: "",
    },
    Device {
        name: "relay-1",
        kind: Kind::Output(Pin {
            number: 7,
            active_low: true,
        }),
        read: "",
        write: "write reset",
    },
    Device {
        name: "door_2",
        kind: Kind::Input(Pin {
            number: 0,
            active_low: false,
        }),
        read: "read write",
        write: "",
    },
];

/// With something in every field.
pub(crate) const FULL: Contents<'static> = Contents {
    demonstration: true,
    made_at: UnixTime(1_790_000_000),
    profile: &PROFILE,
    limits: Limits {
        body: 512,
        parameters: 9,
        basic: 100,
        token: 700,
    },
    issuer: "https://as.example",
    audience: "https://rs.example",
    grants_not_before: UnixTime(5),
    skew: Seconds(6),
    throttle: ThrottlePolicy {
        failures: 3,
        window: Seconds(40),
    },
    handle_keys: &HANDLES,
    api_key: Some(SecretHash::new([0xAA; 32])),
    timeouts: Timeouts {
        head: Some(Seconds(7)),
        body: None,
        idle: Some(Seconds(9)),
    },
    trusted_proxies: &PROXIES,
    network: Some(NETWORK),
    signing_key: Key {
        key_id: Some("now"),
        material: Material::Pair {
            secret: &SECRET,
            x: &POINT,
            y: &POINT,
        },
    },
    retired_keys: &[
        Key {
            key_id: None,
            material: Material::Octets(&[0xB1; 40]),
        },
        Key {
            key_id: Some("old"),
            material: Material::Point {
                x: &POINT,
                y: &POINT,
            },
        },
    ],
    scopes: &["read", "write", "Ω-free"],
    clients: &CLIENTS,
    users: &[USER],
    devices: &DEVICES,
};

pub(crate) fn full() -> Contents<'static> {
    Contents {
        scopes: &["read", "write", "reset"],
        ..FULL
    }
}

pub(crate) fn written(contents: &Contents<'_>) -> Result<Vec<u8>, WriteError> {
    let mut room = vec![0; MAX_SIZE];
    Writer::new(&mut room).write(contents).map(<[u8]>::to_vec)
}

/// Takes everything out of an image and packs it anew.
pub(crate) fn repacked(image: &Image<'_>, handle_keys: &HandleSecrets) -> Vec<u8> {
    let retired_keys: Vec<_> = image.retired_keys().collect();
    let scopes: Vec<_> = image.scopes().collect();
    let mut uris = heapless::Vec::<_, 128>::new();
    image.fill_redirect_uris(&mut uris).expect("room");
    let mut clients = heapless::Vec::<_, 16>::new();
    image.fill_clients(&uris, &mut clients).expect("room");
    let mut users = heapless::Vec::<_, 16>::new();
    image.fill_users(&mut users).expect("room");
    let mut proxies = heapless::Vec::<_, 8>::new();
    image.fill_trusted_proxies(&mut proxies).expect("room");
    written(&Contents {
        demonstration: image.is_demonstration(),
        made_at: image.made_at(),
        profile: &image.profile(),
        limits: image.limits(),
        issuer: image.issuer(),
        audience: image.audience(),
        grants_not_before: image.grants_not_before(),
        skew: image.skew(),
        throttle: image.throttle(),
        handle_keys,
        api_key: image.api_key(),
        timeouts: image.timeouts(),
        trusted_proxies: &proxies,
        network: image.network(),
        signing_key: image.signing_key(),
        retired_keys: &retired_keys,
        scopes: &scopes,
        clients: &clients,
        users: &users,
        devices: &image.devices().collect::<Vec<_>>(),
    })
    .expect("what was read can be written")
}

/// CRC-32 (IEEE 802.3), written for these tests.
pub(crate) fn crc(octets: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for octet in octets {
        crc ^= u32::from(*octet);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

/// An image around `body`, whatever that is.
pub(crate) fn around(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 20).expect("small");
    let mut octets = b"SGATEIMG\x02\0\0\0".to_vec();
    octets.extend(length.to_le_bytes());
    octets.extend(body);
    octets.extend(crc(&octets).to_le_bytes());
    octets
}
