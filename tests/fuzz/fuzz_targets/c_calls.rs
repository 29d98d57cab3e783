//! Any calls of the C interface in any order, by a program that keeps to what
//! `smallgate.h` says of memory and to nothing else: each returns what the header
//! has for it. `c/calls.c` makes them; here are the images that it serves.
#![no_main]

// Only its C functions are used, by `c/calls.c`.
use smallgate as _;

use libfuzzer_sys::fuzz_target;
use smallgate_core::jose::Es256SigningKey;
use smallgate_core::oauth::{Client, Limits, PasswordHash, Slot, ThrottlePolicy, User};
use smallgate_core::profile::{BREAKOUT, Profile, RedirectUriRule, STANDARD};
use smallgate_core::scope::ScopeSet;
use smallgate_core::secret::SecretHash;
use smallgate_core::time::{Seconds, UnixTime};
use smallgate_firmware::image::{
    Contents, HandleSecrets, Key, MAX_SIZE, Material, Timeouts, Writer,
};

#[link(name = "calls", kind = "static")]
unsafe extern "C" {
    /// Makes the calls that `input` stands for; aborts where one returns what it
    /// must not.
    fn smallgate_fuzz_calls(input: *const u8, length: usize, images: *const Image);
}

/// As in `c/calls.c`.
#[repr(C)]
struct Image {
    octets: *const u8,
    length: usize,
}

thread_local! {
    static IMAGES: [Vec<u8>; 2] = {
        let secret = [7; 32];
        let key = Es256SigningKey::new(&secret, None).expect("a scalar");
        let (x, y) = key.verifying_key().coordinates();
        let pair = Material::Pair { secret: &secret, x: &x, y: &y };
        [image(&STANDARD, pair), image(&BREAKOUT, Material::Octets(&[9; 32]))]
    };
}

fuzz_target!(|input: &[u8]| IMAGES.with(|images| {
    let images = images.each_ref().map(|image| Image {
        octets: image.as_ptr(),
        length: image.len(),
    });
    // SAFETY: both are there for the call's duration, as many as are said.
    unsafe { smallgate_fuzz_calls(input.as_ptr(), input.len(), images.as_ptr()) }
}));

/// An image with the client `demo`, whose secret is `secret`, and the user
/// `alice`, whose password is `password`.
fn image(profile: &Profile, material: Material<'_>) -> Vec<u8> {
    let handle_keys = HandleSecrets {
        current: [5; 32],
        slot: Slot::A,
        previous: None,
    };
    let fixed;
    let redirect_uris: &[&str] = match profile.redirect_uri {
        RedirectUriRule::Fixed(uri) => {
            fixed = [uri];
            &fixed
        }
        RedirectUriRule::AsAuthorized => &["https://client.example/cb"],
    };
    let mut room = vec![0; MAX_SIZE];
    let contents = Contents {
        demonstration: true,
        made_at: UnixTime(1_790_000_000),
        profile,
        limits: Limits::DEFAULT,
        issuer: "https://as.example",
        audience: "https://as.example",
        grants_not_before: UnixTime(0),
        skew: Seconds(0),
        throttle: ThrottlePolicy::DEFAULT,
        handle_keys: &handle_keys,
        api_key: None,
        timeouts: Timeouts {
            head: None,
            body: None,
            idle: None,
        },
        trusted_proxies: &[],
        network: None,
        signing_key: Key {
            key_id: Some("k"),
            material,
        },
        retired_keys: &[],
        scopes: &["read", "write"],
        clients: &[Client {
            id: "demo",
            secret: Some(SecretHash::of(b"secret")),
            grant_types: profile.grant_types,
            scopes: ScopeSet::from_bits(0b11),
            default_scopes: ScopeSet::from_bits(0b01),
            redirect_uris,
            grants_not_before: UnixTime(0),
        }],
        users: &[User {
            username: "alice",
            subject: "94173",
            password: PasswordHash::new("password", [3; 16], 1),
            grants_not_before: UnixTime(0),
        }],
        devices: &[],
    };
    Writer::new(&mut room)
        .write(&contents)
        .expect("a good configuration")
        .to_vec()
}
