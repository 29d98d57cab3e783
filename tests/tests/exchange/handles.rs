//! Handles: 44 characters that are computed, and refused before a store is
//! asked unless every one of them is right.

use smallgate_core::jose::Hs256Key;
use smallgate_core::oauth::{Configuration, HANDLE_LENGTH, HandleKeys, MasterKey, Slot, Step};
use smallgate_core::profile;
use smallgate_core::secret::{Entropy, Secret};
use smallgate_tests::rig::{Reply, Rig, configuration, finish};

use crate::support::{
    CODE, Call, CodeBinding, Handle, REFRESH, ROTATING, SLOT, Scripted, basic, octets,
};

/// A refresh token of a new grant.
fn refresh_token(rig: &mut Rig) -> String {
    let reply = rig.token(Some(&basic("demo")), "grant_type=client_credentials");
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.member("refresh_token")
}

/// What a refresh is answered, and what it cost the store.
fn refresh(rig: &mut Rig, client: &str, token: &str) -> (Reply, Vec<Call>) {
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    let mut grants = std::mem::take(&mut rig.store);
    let mut store = Scripted::new(&mut grants, &[]);
    let reply = finish(rig.begin(Some(&basic(client)), &body), &mut store);
    let calls = store.calls;
    rig.store = grants;
    (reply, calls)
}

fn assert_refused_unasked(rig: &mut Rig, client: &str, token: &str) {
    let (reply, calls) = refresh(rig, client, token);
    assert_eq!(reply.body, REFUSED, "{token}");
    assert_eq!(reply.status, 400);
    assert!(
        reply.events.concat().contains("RefreshInvalid"),
        "{:?}",
        reply.events
    );
    assert_eq!(calls, [], "a store was asked for {token}");
}

const REFUSED: &str =
    r#"{"error":"invalid_request","error_description":"The refresh token is invalid."}"#;

#[test]
fn handle_is_the_documented_one() {
    let mut rig = Rig::new(ROTATING);
    let token = refresh_token(&mut rig);
    assert_eq!(token.len(), HANDLE_LENGTH);
    assert_eq!(HANDLE_LENGTH, 44);
    let octets = octets(&token);
    let expected = Handle {
        master: [9; 32],
        issuer: "https://as.example",
        client: "demo",
        head: REFRESH,
        grant: octets[1..13].try_into().unwrap(),
        generation: 1,
        code: None,
    };
    assert_eq!(token, expected.text());
    let id = rig.store.records().next().unwrap().id();
    assert_eq!(octets[1..13], id.0);
}

#[test]
fn r23_every_flipped_bit_of_a_handle_is_refused_before_the_store() {
    let mut rig = Rig::new(ROTATING);
    let token = refresh_token(&mut rig);
    let good = octets(&token);
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let text = base64url(&bad);
        assert_refused_unasked(&mut rig, "demo", &text);
    }
    let (reply, calls) = refresh(&mut rig, "demo", &token);
    assert_eq!((reply.status, calls), (200, vec![Call::Load, Call::Write]));
}

fn base64url(octets: &[u8]) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::encode_string(octets)
}

#[test]
fn r36_misspelt_handle_is_refused_before_the_store() {
    let mut rig = Rig::new(ROTATING);
    let token = refresh_token(&mut rig);
    let cut = &token[..43];
    for bad in [
        cut.to_owned(),
        format!("{token}A"),
        format!("{token}="),
        format!("{cut}="),
        format!("{cut}%20"),
        format!("{cut}%2B"),
        format!("{cut}%2F"),
        format!("%20{token}"),
        format!("{token}%00"),
        "A".repeat(44),
        "_".repeat(44),
        "x5Oewf7PUw38J07lwEnJXSyXolwZ1KMdxxH2bxFJ".to_owned(),
        "ca9ff8d9-c62e-424c-b57c-68f544d8d07e".to_owned(),
        "%C3%A9".repeat(22),
    ] {
        assert_refused_unasked(&mut rig, "demo", &bad);
    }
}

#[test]
fn r24_another_clients_refresh_token_is_refused_before_the_store() {
    let mut rig = Rig::new(ROTATING);
    let token = refresh_token(&mut rig);
    assert_refused_unasked(&mut rig, "other", &token);
    assert_eq!(
        refresh(&mut rig, "demo", &token).0.status,
        200,
        "no harm was done"
    );
}

#[test]
fn another_issuers_handle_is_refused_before_the_store() {
    let token = refresh_token(&mut Rig::new(ROTATING));
    let mut other = Rig::with(Configuration {
        issuer: "https://as.example/",
        ..configuration(ROTATING)
    });
    assert_refused_unasked(&mut other, "demo", &token);
}

#[test]
fn code_is_no_refresh_token_and_the_other_way_round() {
    let mut rig = Rig::new(profile::STANDARD);
    let handle = Handle {
        master: [9; 32],
        issuer: "https://as.example",
        client: "demo",
        head: CODE,
        grant: [1; 12],
        generation: 0,
        code: Some(CodeBinding::default()),
    };
    let refresh_token = Handle {
        head: REFRESH,
        generation: 1,
        code: None,
        ..handle
    };
    let asked = |rig: &mut Rig, grant_type: &str, name: &str, token: &str| {
        let body = format!("grant_type={grant_type}&{name}={token}");
        let mut grants = std::mem::take(&mut rig.store);
        let mut store = Scripted::new(&mut grants, &[]);
        let reply = finish(rig.begin(Some(&basic("demo")), &body), &mut store);
        assert_eq!(reply.member("error"), "invalid_grant");
        store.calls.len()
    };
    // Each as what it is: good, so a store is asked for the grant.
    assert_eq!(
        asked(&mut rig, "authorization_code", "code", &handle.text()),
        1
    );
    assert_eq!(
        asked(
            &mut rig,
            "refresh_token",
            "refresh_token",
            &refresh_token.text()
        ),
        1
    );
    // And as what it is not, even with the MAC of the other kind.
    let relabelled = [
        Handle {
            head: REFRESH,
            ..handle
        },
        Handle {
            head: CODE,
            ..refresh_token
        },
        Handle {
            head: CODE | 0b0010_0000,
            ..handle
        },
        Handle {
            head: CODE | 0b0000_1000,
            ..handle
        },
        Handle { head: 0, ..handle },
        Handle {
            head: 0b1000_0000,
            ..handle
        },
        Handle {
            head: REFRESH | 0b0000_0010,
            ..refresh_token
        },
        Handle {
            head: REFRESH | 0b0000_0001,
            ..refresh_token
        },
    ];
    let code_in_either: Vec<_> = relabelled.iter().chain([&refresh_token]).collect();
    for handle in code_in_either {
        assert_eq!(
            asked(&mut rig, "authorization_code", "code", &handle.text()),
            0
        );
    }
    for handle in relabelled.iter().chain([&handle]) {
        let asked = asked(&mut rig, "refresh_token", "refresh_token", &handle.text());
        assert_eq!(asked, 0);
    }
}

/// The configuration with other handle keys.
fn keyed(current: u8, slot: Slot, previous: Option<u8>) -> Rig {
    Rig::with(Configuration {
        handle_keys: HandleKeys {
            current: MasterKey::new([current; 32]),
            slot,
            previous: previous.map(|octet| MasterKey::new([octet; 32])),
        },
        ..configuration(ROTATING)
    })
}

#[test]
fn r39_retired_handle_key_verifies_and_the_new_one_makes() {
    let mut old = keyed(9, Slot::A, None);
    let token = refresh_token(&mut old);
    let mut new = keyed(10, Slot::B, Some(9));
    new.store = std::mem::take(&mut old.store);
    new.pass(60);
    let (reply, _) = refresh(&mut new, "demo", &token);
    assert_eq!(reply.status, 200);
    let next = reply.member("refresh_token");
    assert_eq!(octets(&next)[0], REFRESH | SLOT);

    // The old server knows nothing of the new key, nor the new one without the
    // old key of the old tokens.
    assert_refused_unasked(&mut old, "demo", &next);
    let mut bare = keyed(10, Slot::B, None);
    assert_refused_unasked(&mut bare, "demo", &token);
    let mut same_slot = keyed(10, Slot::A, Some(9));
    assert_refused_unasked(&mut same_slot, "demo", &token);
}

#[test]
fn token_key_makes_no_handles() {
    // Whoever validates HS256 tokens knows this key.
    let mut rig = Rig::new(ROTATING);
    assert!(Hs256Key::new(&[7; 32], None).is_ok(), "the rig's token key");
    let handle = Handle {
        master: [7; 32],
        issuer: "https://as.example",
        client: "demo",
        head: REFRESH,
        grant: [1; 12],
        generation: 1,
        code: None,
    };
    assert_refused_unasked(&mut rig, "demo", &handle.text());
}

#[test]
fn r08_debug_shows_no_secret() {
    let mut rig = Rig::new(ROTATING);
    let token = refresh_token(&mut rig);
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    let step = rig.begin(Some(&basic("demo")), &body);
    let server = format!("{:?}", rig.server);
    assert!(matches!(step, Step::Load(_)));
    assert!(!format!("{step:?}").contains(&token));
    let (profile, issuer) = (
        r#"profile: "teen-quotes""#,
        r#"issuer: "https://as.example""#,
    );
    assert_eq!(
        server,
        format!("AuthorizationServer {{ {profile}, {issuer}, .. }}")
    );
    let keys = format!("{:?}", rig.server.configuration().handle_keys);
    assert!(!keys.contains('9'), "{keys}");
    let client = format!("{:?}", rig.server.configuration().clients[0]);
    assert!(client.contains("SecretHash(..)"), "{client}");
}

#[test]
fn r08_what_is_secret_shows_its_name_alone() {
    let shown = format!(
        "{:?} {:?} {:?}",
        MasterKey::new([9; 32]),
        Entropy::new([9; Entropy::SIZE]),
        Secret::new("9")
    );
    assert_eq!(shown, "MasterKey(..) Entropy(..) Secret(..)");
}

#[test]
fn a_master_key_is_told_from_others_by_its_fingerprint() {
    let fingerprint = |octet| MasterKey::new([octet; 32]).fingerprint();
    assert_eq!(fingerprint(1), fingerprint(1));
    assert_ne!(fingerprint(1), fingerprint(2));
}
