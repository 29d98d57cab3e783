//! What can not be is refused, and its place named.

use std::net::SocketAddrV4;

use smallgate_core::oauth::{Client, Limits, PasswordHash, ThrottlePolicy, User};
use smallgate_core::profile::{Lifetimes, Profile};
use smallgate_core::scope::ScopeSet;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::devices::{Device, Kind};
use smallgate_firmware::image::{
    Addressing, Contents, Image, ImageError, Key, MAX_SIZE, Material, Network, Place, Timeouts,
    WriteError, Writer,
};

use crate::support::{
    CLIENTS, DEVICES, FULL, POINT, PROFILE, PROXIES, SECRET, USER, around, full, written,
};

#[test]
fn impossible_values_are_named_by_their_place() {
    use Place as P;
    let order = {
        let mut order = [0xFF; 32];
        order[4..8].fill(0);
        order[16..].copy_from_slice(&0xBCE6_FAAD_A717_9E84_F3B9_CAC2_FC63_2551_u128.to_be_bytes());
        order
    };
    let pair = |secret| Key {
        key_id: None,
        material: Material::Pair {
            secret,
            x: &POINT,
            y: &POINT,
        },
    };
    let symmetric = |octets| Key {
        key_id: None,
        material: Material::Octets(octets),
    };
    let nowhere = Profile {
        name: "nowhere",
        ..PROFILE
    };
    let lifeless = Profile {
        lifetimes: Lifetimes {
            code: Seconds(0),
            ..PROFILE.lifetimes
        },
        ..PROFILE
    };
    let good = full();
    let bits = Client {
        scopes: ScopeSet::from_bits(0b1000),
        ..CLIENTS[0]
    };
    let endless = User {
        password: PasswordHash {
            iterations: u32::MAX,
            ..USER.password
        },
        ..USER
    };
    let away = Network {
        hostname: None,
        addressing: Addressing::Static {
            address: [192, 0, 2, 10].into(),
            prefix: 24,
            gateway: Some([198, 51, 100, 1].into()),
        },
        sntp: None,
    };
    let named = Network {
        hostname: Some("-x"),
        addressing: Addressing::Dhcp,
        sntp: None,
    };
    let timed = |server| Network {
        hostname: None,
        addressing: Addressing::Dhcp,
        sntp: Some(server),
    };
    let long_name = "k".repeat(49);
    let cases = [
        (
            P::Profile,
            Contents {
                profile: &nowhere,
                ..good
            },
        ),
        (
            P::Lifetimes,
            Contents {
                profile: &lifeless,
                ..good
            },
        ),
        (
            P::Limits,
            Contents {
                limits: Limits {
                    body: 0,
                    ..good.limits
                },
                ..good
            },
        ),
        (
            P::Limits,
            Contents {
                limits: Limits {
                    body: 65_536,
                    ..good.limits
                },
                ..good
            },
        ),
        (P::Issuer, Contents { issuer: "", ..good }),
        (
            P::Audience,
            Contents {
                audience: "",
                ..good
            },
        ),
        (
            P::GrantsNotBefore,
            Contents {
                grants_not_before: UnixTime(u64::MAX),
                ..good
            },
        ),
        (
            P::Throttle,
            Contents {
                throttle: ThrottlePolicy {
                    failures: 0,
                    ..good.throttle
                },
                ..good
            },
        ),
        (
            P::Throttle,
            Contents {
                throttle: ThrottlePolicy {
                    window: Seconds(86_401),
                    ..good.throttle
                },
                ..good
            },
        ),
        (
            P::MadeAt,
            Contents {
                made_at: UnixTime(u64::MAX),
                ..good
            },
        ),
        (
            P::Limits,
            Contents {
                limits: Limits {
                    body: 1025,
                    ..good.limits
                },
                ..good
            },
        ),
        (
            P::Limits,
            Contents {
                limits: Limits {
                    token: 1025,
                    ..good.limits
                },
                ..good
            },
        ),
        (
            P::Limits,
            Contents {
                limits: Limits {
                    basic: 257,
                    ..good.limits
                },
                ..good
            },
        ),
        (
            P::Timeouts,
            Contents {
                timeouts: Timeouts {
                    idle: Some(Seconds(0)),
                    ..good.timeouts
                },
                ..good
            },
        ),
        (
            P::Network,
            Contents {
                network: Some(away),
                ..good
            },
        ),
        (
            P::Network,
            Contents {
                network: Some(named),
                ..good
            },
        ),
        (
            P::Network,
            Contents {
                network: Some(timed(SocketAddrV4::new([192, 0, 2, 1].into(), 0))),
                ..good
            },
        ),
        (
            P::Network,
            Contents {
                network: Some(timed(SocketAddrV4::new([224, 0, 1, 1].into(), 123))),
                ..good
            },
        ),
        (
            P::SigningKey,
            Contents {
                signing_key: pair(&[0; 32]),
                ..good
            },
        ),
        (
            P::SigningKey,
            Contents {
                signing_key: pair(&order),
                ..good
            },
        ),
        (
            P::SigningKey,
            Contents {
                signing_key: pair(&SECRET).to_verify(),
                ..good
            },
        ),
        (
            P::SigningKey,
            Contents {
                signing_key: symmetric(&[1; 31]),
                ..good
            },
        ),
        (
            P::SigningKey,
            Contents {
                signing_key: symmetric(&[1; 65]),
                ..good
            },
        ),
        (
            P::SigningKey,
            Contents {
                signing_key: Key {
                    key_id: Some(&long_name),
                    ..pair(&SECRET)
                },
                ..good
            },
        ),
        (
            P::RetiredKey(1),
            Contents {
                retired_keys: &[pair(&SECRET), pair(&[0xFF; 32])],
                ..good
            },
        ),
        (
            P::Scope(1),
            Contents {
                scopes: &["a", "b c"],
                ..good
            },
        ),
        (
            P::Scopes,
            Contents {
                scopes: &["a", "b", "a"],
                ..good
            },
        ),
        (P::Scope(2), FULL),
        (
            P::Client(1),
            Contents {
                clients: &[CLIENTS[0], bits],
                ..good
            },
        ),
        (
            P::User(0),
            Contents {
                users: &[endless],
                ..good
            },
        ),
    ];
    for (place, contents) in cases {
        let refused = WriteError::Refused(ImageError::Impossible(place));
        assert_eq!(written(&contents).err(), Some(refused), "{place}");
    }
    let mut last = order;
    last[31] -= 1;
    let largest = Contents {
        signing_key: pair(&last),
        ..good
    };
    assert!(written(&largest).is_ok());
    let octets = written(&good).unwrap();
    // A subnet can not be made wrong, but written so.
    let proxies = b"\x02\x04\x0a\0\0\0\x08";
    let at = octets
        .windows(7)
        .position(|octets| octets == proxies)
        .unwrap();
    for (offset, octet, place) in [
        (0, 9, P::TrustedProxies),
        (1, 5, P::TrustedProxy(0)),
        (6, 33, P::TrustedProxy(0)),
        (7, 0, P::TrustedProxy(1)),
    ] {
        let mut body = octets[16..octets.len() - 4].to_vec();
        body[at - 16 + offset] = octet;
        let refused = ImageError::Impossible(place);
        assert_eq!(Image::open(&around(&body)).err(), Some(refused), "{place}");
    }
    let longer = around(&[&octets[16..octets.len() - 4], &[0]].concat());
    assert_eq!(
        Image::open(&longer).err(),
        Some(ImageError::Impossible(P::End))
    );
}

#[test]
fn too_much_is_refused() {
    let many = [USER; 17];
    let contents = Contents {
        users: &many,
        ..full()
    };
    assert_eq!(written(&contents), Err(WriteError::TooMany(Place::Users)));
    let many = [PROXIES[0]; 9];
    let contents = Contents {
        trusted_proxies: &many,
        ..full()
    };
    assert_eq!(
        written(&contents),
        Err(WriteError::TooMany(Place::TrustedProxies))
    );
    let long = "x".repeat(MAX_SIZE);
    let contents = Contents {
        audience: &long,
        ..full()
    };
    assert_eq!(written(&contents), Err(WriteError::NoRoom));
    let octets = written(&full()).unwrap();
    let mut short = vec![0; octets.len() - 1];
    let refused = Writer::new(&mut short).write(&full()).map(<[u8]>::len);
    assert_eq!(refused, Err(WriteError::NoRoom));
}

#[test]
fn devices_that_can_not_be_are_refused() {
    let refused = |devices: &[Device<'_>]| {
        let contents = Contents { devices, ..full() };
        match written(&contents) {
            Err(WriteError::Refused(ImageError::Impossible(place))) => place,
            other => panic!("{other:?}"),
        }
    };
    let [sensor, relay, door] = DEVICES;
    let nameless = Device { name: "", ..door };
    assert_eq!(refused(&[sensor, nameless]), Place::Device(1));
    let unknown = Device {
        read: "read paint",
        ..door
    };
    assert_eq!(refused(&[unknown]), Place::Device(0));
    let spaced = Device {
        write: "read  write",
        ..relay
    };
    assert_eq!(refused(&[spaced]), Place::Device(0));
    assert_eq!(refused(&[sensor, relay, sensor]), Place::Device(2));
    let reserved = Device {
        kind: Kind::Emc1413 { address: 0x78 },
        ..sensor
    };
    assert_eq!(refused(&[reserved]), Place::Device(0));
    let nine = [sensor; 9];
    let contents = Contents {
        devices: &nine,
        ..full()
    };
    assert_eq!(written(&contents), Err(WriteError::TooMany(Place::Devices)));
}
