//! Sets of scopes, and the names that are sent for them (RFC 6749 §3.3).

use smallgate_core::profile;
use smallgate_core::scope::{ScopeError, ScopeNames, ScopeSet, is_scope_token};
use smallgate_tests::rig::{Rig, configuration, keep};

use crate::support::basic;

const NAMES: [&str; 3] = ["read", "write", "ROLE_USER"];

#[test]
fn a_name_that_stands_twice_counts_once() {
    let names = ScopeNames::new(&NAMES).expect("scope tokens");
    let parsed = |text| names.parse(text).map(ScopeSet::bits);
    assert_eq!(parsed("read"), Ok(0b001));
    assert_eq!(parsed("read read"), Ok(0b001));
    assert_eq!(parsed("write read write read write"), Ok(0b011));
    assert_eq!(parsed("ROLE_USER read"), Ok(0b101));
    assert_eq!(parsed("read  write"), Err((ScopeError::Malformed, "")));
    assert_eq!(parsed(" read"), Err((ScopeError::Malformed, "")));
    assert_eq!(parsed("read writ"), Err((ScopeError::Unknown, "writ")));

    let mut rig = Rig::new(profile::STANDARD);
    let body = "grant_type=client_credentials&scope=write+read+write";
    let reply = rig.token(Some(&basic("demo")), body);
    assert_eq!(reply.member("scope"), "read write");
}

/// The name in the answer is the one that is refused: the client may have `read`.
#[test]
fn the_scope_that_is_refused_is_named() {
    let mut configuration = configuration(profile::STANDARD);
    let mut clients = configuration.clients.to_vec();
    clients[0].scopes = ScopeSet::from_bits(0b001);
    configuration.clients = keep(clients);
    let mut rig = Rig::with(configuration);
    for (asked, named) in [("read+write", "write"), ("read+x+write", "x")] {
        let body = format!("grant_type=client_credentials&scope={asked}");
        let reply = rig.token(Some(&basic("demo")), &body);
        assert_eq!(reply.member("error"), "invalid_scope");
        let told = reply.member("error_description");
        assert!(told.starts_with(&format!("The scope '{named}' ")), "{told}");
    }
}

/// "%x20-21 / %x23-5B / %x5D-7E" are what a description may hold (RFC 6749 §5.2).
#[test]
fn a_name_is_repeated_in_the_characters_of_a_description_and_up_to_64_of_them() {
    let mut rig = Rig::new(profile::STANDARD);
    let long = "é".repeat(63);
    let marks = "?".repeat(63);
    for (asked, named) in [
        ("caf%C3%A9%40%F0%9F%98%80%22%5C%7F!", "caf?@????!"),
        (&format!("{long}a"), &format!("{marks}a")),
        (&format!("{long}ab"), &format!("{marks}a")),
    ] {
        let body = format!("grant_type=client_credentials&scope={asked}");
        let reply = rig.token(Some(&basic("demo")), &body);
        let told = reply.member("error_description");
        assert!(told.starts_with(&format!("The scope '{named}' ")), "{told}");
    }
}

#[test]
fn sets_are_sets() {
    let [one, two, both] = [0b01, 0b10, 0b11].map(ScopeSet::from_bits);
    assert_eq!(one.union(two), both);
    assert_eq!(both.union(one), both);
    assert!(both.contains(one) && both.contains(both) && one.contains(ScopeSet::EMPTY));
    assert!(!one.contains(both) && !one.contains(two));
    assert!(ScopeSet::EMPTY.is_empty() && !one.is_empty());
}

#[test]
fn the_characters_of_a_scope_token_are_those_of_the_grammar() {
    for octet in 0..=0x7F_u8 {
        let text = char::from(octet).to_string();
        let good = matches!(octet, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert_eq!(is_scope_token(&text), good, "{octet:#x}");
    }
    assert!(!is_scope_token("") && !is_scope_token("é"));
}

#[test]
fn sixty_four_names_are_a_set_of_all_bits() {
    let texts: Vec<String> = (0..65).map(|at| format!("s{at}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(ScopeNames::new(&texts).err(), Some(ScopeError::TooMany));
    let names = ScopeNames::new(&texts[..64]).expect("as many as bits");
    let all = names.parse(&texts[..64].join(" ")).expect("all known");
    assert_eq!(all.bits(), u64::MAX);
    assert_eq!(names.names(all).collect::<Vec<_>>(), &texts[..64]);
    assert_eq!(names.names(ScopeSet::EMPTY).count(), 0);
}
