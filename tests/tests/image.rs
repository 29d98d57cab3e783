//! The provisioning image: what is packed comes back, and nothing else opens.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use proptest::prelude::*;
use smallgate_core::oauth::{Client, Limits, PasswordHash, Slot, ThrottlePolicy, User};
use smallgate_core::profile::{self, GrantType, GrantTypes, Lifetimes, Profile, Rotation};
use smallgate_core::scope::ScopeSet;
use smallgate_core::secret::SecretHash;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::image::{
    Addressing, Contents, HandleSecrets, Image, ImageError, Key, LAYOUT, MAX_SIZE, Material,
    Network, Place, WriteError, Writer,
};
use smallgate_tests::simulator::{Process, Temporary, binary};
use smallgate_tests::suite::session::{basic, post};
use smallgate_tests::wire::{Response, Wire};

const SECRET: [u8; 32] = [0x42; 32];
const HANDLES: HandleSecrets = HandleSecrets {
    current: [0xA1; 32],
    slot: Slot::B,
    previous: Some([0xA2; 32]),
};
const POINT: [u8; 32] = [0x17; 32];
const NETWORK: Network<'static> = Network {
    hostname: Some("gate-7"),
    addressing: Addressing::Static {
        address: std::net::Ipv4Addr::new(192, 0, 2, 10),
        prefix: 24,
        gateway: Some(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    },
};
const PROFILE: Profile = Profile {
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
const CLIENTS: [Client<'static>; 2] = [
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
const USER: User<'static> = User {
    username: "ada@example.org",
    subject: "94173",
    password: PasswordHash {
        iterations: 10_000,
        salt: [0x51; 16],
        hash: [0x52; 32],
    },
    grants_not_before: UnixTime(7),
};

/// With something in every field.
const FULL: Contents<'static> = Contents {
    demonstration: true,
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
};

fn full() -> Contents<'static> {
    Contents {
        scopes: &["read", "write", "reset"],
        ..FULL
    }
}

fn written(contents: &Contents<'_>) -> Result<Vec<u8>, WriteError> {
    let mut room = vec![0; MAX_SIZE];
    Writer::new(&mut room).write(contents).map(<[u8]>::to_vec)
}

/// Takes everything out of an image and packs it anew.
fn repacked(image: &Image<'_>, handle_keys: &HandleSecrets) -> Vec<u8> {
    let retired_keys: Vec<_> = image.retired_keys().collect();
    let scopes: Vec<_> = image.scopes().collect();
    let mut uris = heapless::Vec::<_, 128>::new();
    image.fill_redirect_uris(&mut uris).expect("room");
    let mut clients = heapless::Vec::<_, 16>::new();
    image.fill_clients(&uris, &mut clients).expect("room");
    let mut users = heapless::Vec::<_, 16>::new();
    image.fill_users(&mut users).expect("room");
    written(&Contents {
        demonstration: image.is_demonstration(),
        profile: &image.profile(),
        limits: image.limits(),
        issuer: image.issuer(),
        audience: image.audience(),
        grants_not_before: image.grants_not_before(),
        skew: image.skew(),
        throttle: image.throttle(),
        handle_keys,
        api_key: image.api_key(),
        network: image.network(),
        signing_key: image.signing_key(),
        retired_keys: &retired_keys,
        scopes: &scopes,
        clients: &clients,
        users: &users,
    })
    .expect("what was read can be written")
}

/// CRC-32 (IEEE 802.3), written for these tests.
fn crc(octets: &[u8]) -> u32 {
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
fn around(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 20).expect("small");
    let mut octets = b"SGATEIMG\x01\0\0\0".to_vec();
    octets.extend(length.to_le_bytes());
    octets.extend(body);
    octets.extend(crc(&octets).to_le_bytes());
    octets
}

#[test]
fn the_layout_is_the_documented_one() {
    assert_eq!(crc(b"123456789"), 0xCBF4_3926);
    let octets = written(&full()).unwrap();
    let (body, _) = octets[16..].split_at(octets.len() - 20);
    assert_eq!(around(body), octets);
    assert!(
        body.starts_with(b"\x01\x08\0dressipi\x01\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\0\0\0\0")
    );
    // In place, unaligned, and with erased flash behind.
    let region = [&[0][..], &octets, &[0xFF; 64]].concat();
    assert_eq!(Image::open(&region[1..]).unwrap().octets(), octets);
}

#[test]
fn every_field_comes_back() {
    let octets = written(&full()).unwrap();
    let image = Image::open(&octets).unwrap();
    assert_eq!(repacked(&image, &HANDLES), octets);
    assert!(image.is_demonstration());
    let profile = image.profile();
    assert_eq!(
        (profile.name, profile.rotation),
        ("dressipi", Rotation::Reuse)
    );
    assert_eq!(profile.lifetimes, PROFILE.lifetimes);
    assert_eq!(image.limits(), full().limits);
    assert_eq!(
        (image.issuer(), image.audience()),
        ("https://as.example", "https://rs.example")
    );
    assert_eq!(image.grants_not_before(), UnixTime(5));
    assert_eq!(image.skew(), Seconds(6));
    assert_eq!(image.throttle(), full().throttle);
    assert_eq!(image.network(), Some(NETWORK));
    assert_eq!(image.api_key().unwrap().octets(), &[0xAA; 32]);
    let handle_keys = image.handle_keys();
    assert_eq!(handle_keys.slot, Slot::B);
    assert!(handle_keys.previous.is_some());
    let Material::Pair { secret, .. } = image.signing_key().material else {
        panic!("another kind of key");
    };
    assert_eq!(secret, &SECRET);
    let names: Vec<_> = image.retired_keys().map(|key| key.key_id).collect();
    assert_eq!(names, [None, Some("old")]);
    let scopes: Vec<_> = image.scopes().collect();
    assert_eq!(scopes, ["read", "write", "reset"]);
    let clients: Vec<_> = image.clients().collect();
    assert_eq!((clients[0].id, clients[1].id), ("valve", "app"));
    assert_eq!(clients[0].grant_types, CLIENTS[0].grant_types);
    assert_eq!(clients[0].default_scopes, ScopeSet::from_bits(0b010));
    assert_eq!(clients[0].grants_not_before, UnixTime(1_800_000_000));
    assert!(clients[0].secret.is_some() && clients[1].secret.is_none());
    let uris: Vec<_> = clients[0].redirect_uris().collect();
    assert_eq!(uris, CLIENTS[0].redirect_uris);
    let user = image.users().next().unwrap();
    assert_eq!((user.username, user.subject), ("ada@example.org", "94173"));
    assert_eq!(user.password.hash, [0x52; 32]);
}

#[test]
fn every_flipped_octet_is_refused() {
    let good = written(&full()).unwrap();
    let flips = (0..8).map(|bit| 1 << bit).chain([0xFF, 0x55]);
    for (at, flip) in (0..good.len()).flat_map(|at| flips.clone().map(move |flip| (at, flip))) {
        let mut octets = good.clone();
        octets[at] ^= flip;
        let error = Image::open(&octets).expect_err("it was changed");
        let right = match at {
            0..8 => error == ImageError::Magic,
            8..10 => matches!(error, ImageError::Layout(_)),
            12..16 => matches!(error, ImageError::Short | ImageError::Damaged),
            _ => error == ImageError::Damaged,
        };
        assert!(right, "{at} {flip:#x}: {error:?}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let good = written(&full()).unwrap();
    for length in 0..good.len() {
        assert_eq!(Image::open(&good[..length]).err(), Some(ImageError::Short));
    }
}

#[test]
fn foreign_empty_older_and_newer_images_are_named() {
    let opened = |octets: &[u8]| Image::open(octets).expect_err("no image").to_string();
    assert!(opened(&[0xFF; 4096]).contains("empty"));
    assert!(opened(&[0x00; 4096]).contains("empty"));
    assert!(opened(b"\x7FELF, or whatever else there is").contains("no provisioning image"));
    let mut octets = written(&full()).unwrap();
    octets[8..10].copy_from_slice(&(LAYOUT + 1).to_le_bytes());
    assert!(opened(&octets).contains("newer layout 2; layout 1"));
    octets[8..10].copy_from_slice(&[0, 0]);
    assert!(opened(&octets).contains("older layout 0"));
    let mut long = written(&full()).unwrap();
    long[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(opened(&long).contains("damaged"));
}

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
    };
    let named = Network {
        hostname: Some("-x"),
        addressing: Addressing::Dhcp,
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
fn r48_debug_shows_no_key_and_no_hash() {
    let octets = written(&full()).unwrap();
    let image = Image::open(&octets).unwrap();
    let clients: Vec<_> = image.clients().collect();
    let users: Vec<_> = image.users().collect();
    let keys: Vec<_> = image.retired_keys().collect();
    let shown = format!("{image:?} {clients:?} {users:?} {keys:?} {:?}", full());
    assert!(shown.contains("valve") && shown.contains("now"), "{shown}");
    for octet in [0x42_u8, 0xA1, 0xA2, 0xB1, 0xC1, 0xAA, 0x51, 0x52] {
        assert!(!shown.contains(&format!("{octet}, {octet}")), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Image::open(&octets).is_err());
        prop_assert!(Image::open(&around(&octets)).is_err());
    }

    /// Behind a good checksum every damage reaches the fields.
    #[test]
    fn damaged_fields_never_panic_and_what_opens_is_whole(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let octets = written(&full()).unwrap();
        let mut body = octets[16..octets.len() - 4].to_vec();
        for (at, octet) in changes {
            let at = at.index(body.len());
            body[at] = octet;
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        let octets = around(&body);
        if let Ok(image) = Image::open(&octets) {
            let again = repacked(&image, &HANDLES);
            prop_assert_eq!(again.len(), octets.len());
            let _shown = format!("{image:?}");
        }
    }
}

// The command line.

/// A folder that goes with its handle.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("smallgate-image-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn smallgate(arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .output()
        .expect("smallgate runs")
}

/// What it printed; it succeeded.
fn said(arguments: &[&str]) -> String {
    let output = smallgate(arguments);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaints}");
    String::from_utf8(output.stdout).expect("text")
}

/// What it complained of; it failed.
fn refused(arguments: &[&str]) -> String {
    let output = smallgate(arguments);
    assert!(!output.status.success(), "{arguments:?} passed");
    String::from_utf8(output.stderr).expect("text")
}

fn first_client(image: &Image<'_>) -> String {
    image.clients().next().expect("a client").id.to_owned()
}

#[test]
fn every_demonstration_goes_into_an_image_and_out_again() {
    let folder = Folder::new("demo");
    for profile in profile::ALL {
        let path = folder.file(profile.name);
        let report = said(&["provision", "--demo", profile.name, "-o", &path]);
        assert!(report.contains("were made for this image"), "{report}");
        let octets = std::fs::read(&path).unwrap();
        let image = Image::open(&octets).unwrap();
        assert_eq!(image.profile().name, profile.name);
        assert_eq!(image.profile().lifetimes, profile.lifetimes);
        assert_eq!(image.users().count(), 1);
        assert!(image.is_demonstration() && image.network().is_none());
        let key = image.signing_key().software().unwrap();
        assert_eq!(key.verifier().algorithm(), profile.algorithm);
        let secrets = HandleSecrets {
            current: current_handle_key(&octets),
            slot: Slot::A,
            previous: None,
        };
        assert_eq!(repacked(&image, &secrets), octets);
        let mut served = Process::serve(&["--image", &path]);
        let demo = Process::serve(&["--profile", profile.name]);
        let [ours, theirs] = [&served, &demo].map(|process| {
            let request = post(profile.token_path, None, "grant_type=x");
            Wire::open(process.address).ask(&request).outcome()
        });
        assert_eq!(ours, theirs);
        // Its end waits for the log's.
        served.kill();
        assert!(!first_client(&image).is_empty());
        assert!(served.log().contains("demo = true"), "{}", served.log());
    }
}

/// The octets after the throttle's policy and the slot, found by the fields
/// before them.
fn current_handle_key(octets: &[u8]) -> [u8; 32] {
    let mut at = 17;
    let text = |at: usize| at + 2 + usize::from(u16::from_le_bytes([octets[at], octets[at + 1]]));
    at = text(at) + 1 + 20 + 7;
    at = text(text(at)) + 8 + 4 + 5 + 1;
    octets[at..at + 32].try_into().unwrap()
}

/// The printed example with every line switched on, and its keys.
fn example() -> String {
    let quoted = |kind| said(&["key", "new", kind]).trim().to_owned();
    let handle = |line: String| line.split('"').nth(1).expect("a value").to_owned();
    let retired = said(&["key", "public", &quoted("es256")]);
    said(&["config", "example"])
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
        .collect::<String>()
        .replace("NEW HANDLE KEY", &handle(quoted("handle")))
        .replace("OLD HANDLE KEY", &handle(quoted("handle")))
        .replace("file:signing.jwk", &quoted("es256"))
        .replace("file:retired.jwk", retired.trim())
}

#[test]
fn the_printed_example_goes_into_an_image() {
    let folder = Folder::new("example");
    let (image, config) = (folder.file("image.bin"), Temporary::new(&example()));
    let report = said(&["provision", config.path(), "-o", &image]);
    assert!(report.contains("issuer https://as.example"), "{report}");
    let octets = std::fs::read(&image).unwrap();
    let image = Image::open(&octets).unwrap();
    assert!(!image.is_demonstration());
    assert_eq!(image.audience(), "https://rs.example");
    assert_eq!(
        (first_client(&image), image.retired_keys().count()),
        ("gateway".into(), 1)
    );
    assert_eq!(
        image.network(),
        Some(Network {
            hostname: Some("gateway"),
            ..NETWORK
        })
    );
    assert_eq!(image.throttle(), ThrottlePolicy::DEFAULT);
    assert_eq!(image.handle_keys().slot, Slot::B);
    assert_eq!(image.limits(), Limits::DEFAULT);
    assert_eq!(image.users().next().unwrap().password.iterations, 600_000);
}

#[test]
fn what_a_board_can_not_make_must_be_configured() {
    let folder = Folder::new("missing");
    let image = folder.file("image.bin");
    let key = said(&["key", "new", "hs256"]);
    let signing = format!("signing = '''{}'''\n", key.trim());
    for (text, remedy) in [
        (String::new(), "issuer ="),
        ("issuer = 'https://as.example'\n".into(), "key new es256"),
        (
            format!("issuer = 'https://as.example'\n[keys]\n{signing}"),
            "key new handle",
        ),
    ] {
        let config = Temporary::new(&text);
        let error = refused(&["provision", config.path(), "-o", &image]);
        assert!(
            error.contains("remedy: ") && error.contains(remedy),
            "{error}"
        );
    }
    let users: String = (0..17)
        .map(|at| format!("[[user]]\nusername = 'u{at}'\nsub = 's{at}'\npassword = 'pbkdf2-sha256:10000:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n"))
        .collect();
    let handle = said(&["key", "new", "handle"]);
    let config = Temporary::new(&format!(
        "issuer = 'https://as.example'\n[keys]\n{signing}{handle}\n{users}"
    ));
    let error = refused(&["provision", config.path(), "-o", &image]);
    assert!(
        error.contains("the users") && error.contains("16 users"),
        "{error}"
    );
    assert!(!Path::new(&image).exists());
}

#[test]
fn r48_an_image_is_its_owners_and_is_not_overwritten_unasked() {
    let folder = Folder::new("force");
    let image = folder.file("image.bin");
    let pack = ["provision", "--demo", "standard", "-o", &image];
    said(&pack);
    let first = std::fs::read(&image).unwrap();
    assert!(refused(&pack).contains("--force"));
    assert_eq!(std::fs::read(&image).unwrap(), first);
    #[cfg(unix)]
    let mode = {
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&image, open).unwrap();
        let mut served = Process::serve(&["--image", &image]);
        served.kill();
        assert!(served.log().contains("chmod 600"), "{}", served.log());
        || std::fs::metadata(&image).unwrap().permissions().mode() & 0o777
    };
    said(&[&pack[..], &["--force"]].concat());
    assert_ne!(std::fs::read(&image).unwrap(), first);
    #[cfg(unix)]
    assert_eq!(mode(), 0o600);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn an_image_goes_with_no_configuration_and_a_bad_one_is_named() {
    let folder = Folder::new("bad");
    let image = folder.file("image.bin");
    for other in [["--config", "x.toml"], ["--profile", "standard"]] {
        let error = refused(&[&["serve", "--image", &image], &other[..]].concat());
        assert!(error.contains("cannot be used with"), "{error}");
    }
    std::fs::write(&image, [0xFF; 64]).unwrap();
    let error = refused(&["serve", "--image", &image]);
    assert!(error.contains("the region is empty"), "{error}");
}

/// The members of an answer whose values are not live.
fn shape(response: &Response) -> (u16, Vec<(String, String)>) {
    let serde_json::Value::Object(members) = response.json() else {
        panic!("{}", response.text());
    };
    let live = ["access_token", "refresh_token"];
    let members = members
        .into_iter()
        .map(|(name, value)| match live.contains(&&*name) {
            true => (name, value.as_str().map_or(0, str::len).to_string()),
            false => (name, value.to_string()),
        });
    (response.status, members.collect())
}

#[test]
fn the_simulator_answers_alike_from_an_image_and_from_its_file() {
    const SECRET: &str = "0123456789abcdefghijkl";
    let folder = Folder::new("alike");
    for kind in ["es256", "hs256"] {
        let signing = said(&["key", "new", kind]);
        let handle = said(&["key", "new", "handle"]);
        let config = Temporary::new(&format!(
            "issuer = 'https://as.example'\n[keys]\nsigning = '''{}'''\n{handle}\n[[client]]\nid = 'c'\nsecret = '{SECRET}'\ngrants = ['client_credentials']\n",
            signing.trim()
        ));
        let image = folder.file(kind);
        said(&["provision", config.path(), "-o", &image]);
        let clock = ["--clock", "2026-01-01T00:00:00Z"];
        let from_file = Process::serve(&[&["--config", config.path()], &clock[..]].concat());
        let from_image = Process::serve(&[&["--image", &image], &clock[..]].concat());
        let ask = |process: &Process, path: &str, form: &str| {
            let request = post(path, Some(&basic(("c", SECRET))), form);
            Wire::open(process.address).ask(&request)
        };
        let token = |process| ask(process, "/oauth/token", "grant_type=client_credentials");
        let (one, other) = (token(&from_file), token(&from_image));
        assert_eq!(one.status, 200, "{}", one.text());
        assert_eq!(shape(&one), shape(&other));
        for (response, elsewhere) in [(one, &from_image), (other, &from_file)] {
            let form = format!("token={}", response.member("access_token"));
            let seen = ask(elsewhere, "/oauth/introspect", &form);
            assert_eq!(seen.json()["active"], true, "{kind}: {}", seen.text());
            assert_eq!(seen.member("client_id"), "c");
        }
    }
}
