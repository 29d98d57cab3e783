//! What is packed comes back, and nothing else opens.

use proptest::prelude::*;
use smallgate_core::oauth::Slot;
use smallgate_core::profile::Rotation;
use smallgate_core::scope::ScopeSet;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::http::Deadlines;
use smallgate_firmware::image::{Image, ImageError, LAYOUT, Material, Timeouts};

use crate::support::{
    CLIENTS, DEVICES, HANDLES, NETWORK, PROFILE, PROXIES, SECRET, around, crc, full, repacked,
    written,
};

#[test]
fn the_layout_is_the_documented_one() {
    assert_eq!(crc(b"123456789"), 0xCBF4_3926);
    let octets = written(&full()).unwrap();
    let (body, _) = octets[16..].split_at(octets.len() - 20);
    assert_eq!(around(body), octets);
    assert!(
        body.starts_with(b"\x01\x80\x3b\xb1\x6a\0\0\0\0\x08\0dressipi\x01\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\0\0\0\0")
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
    assert_eq!(image.made_at(), UnixTime(1_790_000_000));
    assert_eq!(image.timeouts(), full().timeouts);
    assert_eq!(image.trusted_proxies().collect::<Vec<_>>(), PROXIES);
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
    assert_eq!(image.devices().collect::<Vec<_>>(), DEVICES);
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
    assert!(opened(&octets).contains("newer layout 3; layout 2"));
    octets[8..10].copy_from_slice(&[1, 0]);
    assert!(opened(&octets).contains("older layout 1"));
    let mut long = written(&full()).unwrap();
    long[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(opened(&long).contains("damaged"));
}

#[test]
fn timeouts_take_the_place_of_a_boards_own() {
    let octets = written(&full()).unwrap();
    let deadlines = Deadlines::DEFAULT.with(Image::open(&octets).unwrap().timeouts());
    let expected = Deadlines {
        head: std::time::Duration::from_secs(7),
        idle: std::time::Duration::from_secs(9),
        ..Deadlines::DEFAULT
    };
    assert_eq!(deadlines, expected);
    let none = Timeouts::default();
    assert_eq!(Deadlines::DEFAULT.with(none), Deadlines::DEFAULT);
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
