//! Two MACs, two labels: a handle is good for one thing, for one client, of one
//! issuer, under one key, and nothing else is a handle.

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use smallgate_core::oauth::{HANDLE_LENGTH, HANDLE_SIZE, State};
use smallgate_core::profile::STANDARD;
use smallgate_tests::flow::Operation;
use smallgate_tests::flow::{
    ASK_S256, CHALLENGE, Call, DEMO, PASSWORD, Pairs, REDIRECT, Settings, USERNAME, VERIFIER,
    hidden, meddled, redemption, refreshing, value,
};
use smallgate_tests::handles::{Handle, base64url, hmac};
use smallgate_tests::rig::{Reply, Rig, START};

const ISSUER: &str = "https://as.example";

fn rig() -> Rig {
    Settings::new(STANDARD).rig()
}

fn challenge() -> [u8; 32] {
    let octets = Base64UrlUnpadded::decode_vec(CHALLENGE).expect("base64url");
    octets.try_into().expect("32 octets")
}

/// A rig with a code that is out and a refresh token, both of `demo`, and what
/// they are made of.
fn two_handles() -> (Rig, Handle<'static>, Handle<'static>) {
    let mut rig = rig();
    let ask = [ASK_S256, &[("redirect_uri", REDIRECT)]].concat();
    let code = rig.code(DEMO, &ask);
    let id = rig.grant().id.0;
    let made = Handle {
        refresh: false,
        challenge: Some(challenge()),
        redirect_uri: Some(REDIRECT),
        ..Handle::refresh(id, 0, "demo")
    };
    assert_eq!(code, made.text());
    let refresh = rig.first_tokens(DEMO).member("refresh_token");
    let other = rig.store.records().map(smallgate_core::oauth::Record::id);
    let other = other.into_iter().find(|other| other.0 != id);
    let token = Handle::refresh(other.expect("two grants").0, 1, "demo");
    assert_eq!(refresh, token.text());
    (rig, made, token)
}

fn as_code(rig: &mut Rig, text: &str) -> (Reply, Vec<Operation>) {
    let more = [("code_verifier", VERIFIER), ("redirect_uri", REDIRECT)];
    sent(rig, &[&redemption(text)[..], &more].concat())
}

fn as_refresh(rig: &mut Rig, text: &str) -> (Reply, Vec<Operation>) {
    sent(rig, &refreshing(text))
}

fn sent(rig: &mut Rig, pairs: Pairs<'_>) -> (Reply, Vec<Operation>) {
    let pairs = [pairs, &DEMO.pairs()].concat();
    meddled(
        rig,
        Call::new("/oauth/token", &pairs, 1 << 40),
        |_, _, _| None,
    )
}

/// Neither as a code nor as a refresh token, and no store is asked.
#[track_caller]
fn assert_no_handle(rig: &mut Rig, text: &str) {
    for (reply, asked) in [as_code(rig, text), as_refresh(rig, text)] {
        assert_eq!(reply.status, 400, "{text}: {reply:?}");
        assert_eq!(reply.member("error"), "invalid_grant", "{text}");
        assert_eq!(asked, [], "{text}");
    }
}

/// The two handles are still good, so what was refused was no accident.
fn assert_both_good(mut rig: Rig, code: &str, refresh: &str) {
    assert_eq!(as_refresh(&mut rig, refresh).0.status, 200);
    assert_eq!(as_code(&mut rig, code).0.status, 200);
}

#[test]
fn r23_a_handle_is_33_octets_and_44_characters_made_as_the_design_says() {
    let (rig, code, refresh) = two_handles();
    for handle in [code, refresh] {
        assert_eq!(handle.octets().len(), HANDLE_SIZE);
        assert_eq!(handle.text().len(), HANDLE_LENGTH);
        assert_eq!(base64url(&handle.octets()), handle.text());
    }
    assert_eq!((HANDLE_SIZE, HANDLE_LENGTH), (33, 44));
    assert_both_good(rig, &code.text(), &refresh.text());
}

#[test]
fn r21_r24_no_handle_for_another_client_issuer_kind_slot_key_or_label() {
    let (mut rig, code, refresh) = two_handles();
    let mut tried = 0;
    for handle in [code, refresh] {
        let variants = [
            Handle {
                client: "other",
                ..handle
            },
            Handle {
                client: "public",
                ..handle
            },
            Handle {
                client: "Demo",
                ..handle
            },
            Handle {
                issuer: "https://as2.example",
                ..handle
            },
            Handle {
                issuer: "https://as.example/",
                ..handle
            },
            Handle {
                master: [8; 32],
                ..handle
            },
            Handle {
                slot_b: true,
                ..handle
            },
            Handle {
                label: b"smallgate/1 form",
                ..handle
            },
            Handle {
                generation: handle.generation + 1,
                client: "other",
                ..handle
            },
            Handle {
                refresh: !handle.refresh,
                ..handle
            },
            Handle {
                challenge: None,
                ..handle
            },
            Handle {
                redirect_uri: None,
                ..handle
            },
            Handle {
                redirect_uri: Some("https://client.example/other"),
                ..handle
            },
            Handle {
                challenge: Some([0; 32]),
                ..handle
            },
        ];
        let true_octets = handle.octets();
        for variant in variants {
            let octets = variant.octets();
            if octets == true_octets {
                // A refresh token is bound to no challenge, and had none.
                continue;
            }
            // As it is, its MAC under the true head, and the true MAC under its
            // own head, where that is another one.
            let (head, mac) = true_octets.split_at(17);
            let spliced = [&octets[..17], mac].concat();
            // (A code that was asked for without a redirect URI is a good one.)
            if variant.redirect_uri == handle.redirect_uri || variant.redirect_uri.is_some() {
                assert_no_handle(&mut rig, &base64url(&octets));
            }
            assert_no_handle(&mut rig, &base64url(&[head, &octets[17..]].concat()));
            if spliced != true_octets {
                assert_no_handle(&mut rig, &base64url(&spliced));
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 26);
    assert_both_good(rig, &code.text(), &refresh.text());
}

#[test]
fn r21_r24_no_handle_of_one_kind_works_as_the_other() {
    let (mut rig, code, refresh) = two_handles();
    let (reply, asked) = as_refresh(&mut rig, &code.text());
    assert_eq!(
        (reply.member("error").as_str(), asked.len()),
        ("invalid_grant", 0)
    );
    let (reply, asked) = as_code(&mut rig, &refresh.text());
    assert_eq!(
        (reply.member("error").as_str(), asked.len()),
        ("invalid_grant", 0)
    );
    // With the bit of the other kind the MAC is wrong.
    for handle in [code, refresh] {
        for bits in 0..=255_u8 {
            let mut octets = handle.octets();
            if octets[0] == bits {
                continue;
            }
            octets[0] = bits;
            assert_no_handle(&mut rig, &base64url(&octets));
        }
    }
    assert_both_good(rig, &code.text(), &refresh.text());
}

#[test]
fn r23_every_single_bit_of_a_handle_counts() {
    let (mut rig, code, refresh) = two_handles();
    let mut flips = 0;
    for handle in [code, refresh] {
        for bit in 0..HANDLE_SIZE * 8 {
            let mut octets = handle.octets();
            octets[bit / 8] ^= 1 << (bit % 8);
            assert_no_handle(&mut rig, &base64url(&octets));
            flips += 1;
        }
    }
    assert_eq!(flips, 528);
    assert_both_good(rig, &code.text(), &refresh.text());
}

#[test]
fn r36_a_handle_has_one_spelling() {
    let (mut rig, code, refresh) = two_handles();
    for handle in [code, refresh] {
        let text = handle.text();
        let spellings = [
            format!("{text}="),
            format!("{text}A"),
            format!(" {text}"),
            format!("{text}\n"),
            text[..43].to_owned(),
            text.replace('-', "+").replace('_', "/"),
            text.to_uppercase(),
            format!("{}\u{e9}", &text[..42]),
        ];
        for spelling in spellings {
            if spelling != text {
                assert_no_handle(&mut rig, &spelling);
            }
        }
    }
    assert_both_good(rig, &code.text(), &refresh.text());
}

#[test]
fn r18_a_handle_with_another_id_or_generation_is_none() {
    let (mut rig, code, refresh) = two_handles();
    // Both MACs are good and each was made by the server; halves do not mix.
    let (a, b) = (code.octets(), refresh.octets());
    for cut in 1..HANDLE_SIZE {
        let mixed = [&a[..cut], &b[cut..]].concat();
        let other = [&b[..cut], &a[cut..]].concat();
        assert_no_handle(&mut rig, &base64url(&mixed));
        assert_no_handle(&mut rig, &base64url(&other));
    }
    assert_both_good(rig, &code.text(), &refresh.text());
}

const PATH: &str = "/oauth/authorize";

fn shown(rig: &mut Rig) -> Reply {
    let ask = [
        ASK_S256,
        &[("response_type", "code"), ("client_id", "demo")],
    ]
    .concat();
    let page = rig.ask(&ask);
    assert_eq!(page.status, 200);
    page
}

/// The form with `token` in the place of its own.
fn with_form_token(rig: &mut Rig, page: &Reply, token: &str) -> Reply {
    let fields = hidden(&page.body);
    let mut pairs: Vec<(&str, &str)> = fields
        .iter()
        .filter(|(name, _)| name != "form_token")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    pairs.extend([
        ("form_token", token),
        ("username", USERNAME),
        ("password", PASSWORD),
        ("decision", "approve"),
    ]);
    rig.post(PATH, &pairs)
}

/// The form's MAC as the design says, with the key that `label` derives.
fn form_token(label: &[u8], inner: &[u8], issuer: &str, expires: u64) -> String {
    let key = hmac(&[9; 32], &[label]);
    let fields = [
        Some("code"),
        Some("demo"),
        None,
        None,
        None,
        Some(CHALLENGE),
        Some("S256"),
    ];
    let time = expires.to_be_bytes();
    let issuer = &Sha256::digest(issuer.as_bytes())[..8];
    let mut input = [inner, issuer, &time].concat();
    for field in fields {
        let length = field.map_or(u64::MAX, |field| field.len() as u64);
        input.extend(length.to_be_bytes());
        input.extend(field.unwrap_or_default().as_bytes());
    }
    base64url(&[&time[..], &hmac(&key, &[&input])[..16]].concat())
}

#[test]
fn r46_a_form_token_is_made_with_its_own_key_and_label() {
    let mut rig = rig();
    let page = shown(&mut rig);
    let expires = START.0 + 600;
    let (key, label) = (&b"smallgate/1 form"[..], &b"smallgate/1 form\0"[..]);
    let good = form_token(key, label, ISSUER, expires);
    assert_eq!(value(&hidden(&page.body), "form_token"), good);
    for bad in [
        form_token(b"smallgate/1 handle", label, ISSUER, expires),
        form_token(b"smallgate/1 handle", b"smallgate/1 hdl\0", ISSUER, expires),
        form_token(key, b"smallgate/1 hdl\0", ISSUER, expires),
        form_token(key, b"", ISSUER, expires),
        form_token(key, label, "https://as2.example", expires),
        form_token(key, label, "https://as.example/", expires),
    ] {
        let reply = with_form_token(&mut rig, &page, &bad);
        assert_eq!(reply.status, 403);
        assert!(rig.store.is_empty());
    }
    assert_eq!(with_form_token(&mut rig, &page, &good).status, 303);
}

#[test]
fn r46_no_handle_is_a_form_token_and_no_form_token_a_handle() {
    let (mut rig, code, refresh) = two_handles();
    let page = shown(&mut rig);
    let form_token = value(&hidden(&page.body), "form_token").to_owned();
    let form_octets = Base64UrlUnpadded::decode_vec(&form_token).expect("base64url");
    let (time, form_mac) = form_octets.split_at(8);
    let stored = rig.store.len();
    for handle in [code, refresh] {
        let text = handle.text();
        let octets = handle.octets();
        let forms = [
            text.clone(),
            text[..32].to_owned(),
            text[12..].to_owned(),
            base64url(&octets[9..]),
            // A live time before a handle's MAC.
            base64url(&[time, &octets[17..]].concat()),
        ];
        for form in forms {
            let reply = with_form_token(&mut rig, &page, &form);
            assert_eq!(reply.status, 403, "{form}");
        }
        // The form's MAC after a handle's head.
        assert_no_handle(&mut rig, &base64url(&[&octets[..17], form_mac].concat()));
    }
    assert_eq!(rig.store.len(), stored);
    assert_no_handle(&mut rig, &form_token);
    assert_no_handle(&mut rig, &format!("{form_token}{}", "A".repeat(12)));
    assert_eq!(with_form_token(&mut rig, &page, &form_token).status, 303);
    assert_both_good(rig, &code.text(), &refresh.text());
}

#[test]
fn r46_every_single_bit_of_a_form_token_counts() {
    let mut rig = rig();
    let page = shown(&mut rig);
    let token = value(&hidden(&page.body), "form_token").to_owned();
    let octets = Base64UrlUnpadded::decode_vec(&token).expect("base64url");
    assert_eq!((octets.len(), token.len()), (24, 32));
    for bit in 0..octets.len() * 8 {
        let mut octets = octets.clone();
        octets[bit / 8] ^= 1 << (bit % 8);
        let reply = with_form_token(&mut rig, &page, &base64url(&octets));
        assert_eq!(reply.status, 403, "bit {bit}");
    }
    assert!(rig.store.is_empty());
    assert_eq!(with_form_token(&mut rig, &page, &token).status, 303);
}

#[test]
fn r24_an_access_token_is_no_handle_and_a_handle_no_access_token() {
    let mut rig = rig();
    let reply = rig.first_tokens(DEMO);
    let (access, refresh) = (reply.member("access_token"), reply.member("refresh_token"));
    let parts: Vec<_> = access.split('.').collect();
    for text in [
        &access,
        &access[..44],
        parts[0],
        parts[1],
        parts[2],
        &parts[1][..44],
    ] {
        assert_no_handle(&mut rig, text);
    }
    let code = rig.code(DEMO, ASK_S256);
    for handle in [&refresh, &code] {
        assert_eq!(rig.me(handle).status, 401);
        assert_eq!(rig.me(&format!("{handle}.{handle}.{handle}")).status, 401);
        assert_eq!(
            rig.me(&format!("{}.{}.{handle}", parts[0], parts[1]))
                .status,
            401
        );
    }
    assert_eq!(rig.me(&access).status, 200);
}

#[test]
fn r24_a_code_is_nothing_to_revoke_or_describe() {
    let mut rig = rig();
    let code = rig.code(DEMO, ASK_S256);
    let pairs = [&[("token", code.as_str())][..], &DEMO.pairs()].concat();
    assert_eq!(rig.post("/oauth/revoke", &pairs).status, 200);
    let described = rig.post("/oauth/introspect", &pairs);
    assert_eq!(described.body, "{\"active\":false}");
    assert_eq!(rig.grant().state, State::Pending);
    let reply = rig.redeem(DEMO, &code, &[("code_verifier", VERIFIER)]);
    assert_eq!(reply.status, 200);
    assert_eq!(rig.server.configuration().issuer, ISSUER);
}
