//! Where a request comes from (R16).

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;
use smallgate_firmware::http::{Peer, Subnet, source};

use crate::scripted::Case;

fn subnet(text: &str) -> Subnet {
    let (address, prefix) = text.split_once('/').expect("a subnet");
    Subnet::new(address.parse().unwrap(), prefix.parse().unwrap()).expect("a subnet")
}

fn found(address: &str, trusted: &[&str], forwarded: &[&str]) -> String {
    let trusted: Vec<_> = trusted.iter().map(|text| subnet(text)).collect();
    let peer = Peer {
        address: address.parse().unwrap(),
        trusted_proxies: &trusted,
    };
    let forwarded = forwarded.iter().map(|value| value.as_bytes());
    peer.origin(forwarded).to_string()
}

#[test]
fn r16_a_peer_that_is_no_trusted_proxy_speaks_for_itself() {
    assert_eq!(found("192.0.2.1", &[], &["203.0.113.9"]), "192.0.2.1");
    assert_eq!(
        found("192.0.2.1", &["127.0.0.1/32"], &["203.0.113.9"]),
        "192.0.2.1"
    );
}

#[test]
fn r16_the_rightmost_untrusted_address_counts() {
    let trusted = ["127.0.0.1/32", "10.0.0.0/8"];
    for (forwarded, expected) in [
        (&["203.0.113.9"][..], "203.0.113.9"),
        (&["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (&["6.6.6.6, 203.0.113.9, 10.1.2.3"], "203.0.113.9"),
        (&["6.6.6.6", "203.0.113.9,10.1.2.3"], "203.0.113.9"),
        (&["203.0.113.9:4711"], "203.0.113.9"),
        (&["[2001:db8::1]:443"], "2001:db8::1"),
        (&["2001:db8::1"], "2001:db8::1"),
        (&["[2001:db8::1]"], "2001:db8::1"),
        (&["::ffff:203.0.113.9"], "203.0.113.9"),
        (&["\t203.0.113.9 "], "203.0.113.9"),
        (&[], "127.0.0.1"),
    ] {
        assert_eq!(
            found("127.0.0.1", &trusted, forwarded),
            expected,
            "{forwarded:?}"
        );
    }
}

#[test]
fn r16_what_is_no_address_ends_the_walk() {
    let trusted = ["127.0.0.1/32", "10.0.0.0/8"];
    for (forwarded, expected) in [
        ("203.0.113.9, unknown", "127.0.0.1"),
        ("203.0.113.9, _x, 10.0.0.2", "10.0.0.2"),
        ("", "127.0.0.1"),
        ("203.0.113.9, \u{e9}", "127.0.0.1"),
        ("203.0.113.256", "127.0.0.1"),
        ("[203.0.113.9", "127.0.0.1"),
    ] {
        assert_eq!(found("127.0.0.1", &trusted, &[forwarded]), expected);
    }
}

#[test]
fn r16_all_trusted_gives_the_farthest() {
    let forwarded = ["10.0.0.1, 10.0.0.2"];
    assert_eq!(found("127.0.0.1", &["0.0.0.0/0"], &forwarded), "10.0.0.1");
}

#[test]
fn a_mapped_peer_is_its_v4_address() {
    let forwarded = ["203.0.113.9"];
    assert_eq!(
        found("::ffff:127.0.0.1", &["127.0.0.0/8"], &forwarded),
        "203.0.113.9"
    );
}

#[test]
fn subnets_are_compared_to_the_bit() {
    for (text, inside, outside) in [
        ("192.0.2.128/25", "192.0.2.200", "192.0.2.127"),
        ("192.0.2.1/32", "192.0.2.1", "192.0.2.0"),
        ("0.0.0.0/0", "255.255.255.255", "::1"),
        ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
        ("::1/128", "::1", "::2"),
        ("::/0", "2001:db8::1", "192.0.2.1"),
    ] {
        let contains = |address: &str| subnet(text).contains(address.parse().unwrap());
        assert!(contains(inside) && !contains(outside), "{text}");
    }
    let any = |address: &str| address.parse::<IpAddr>().unwrap();
    assert_eq!(Subnet::new(any("10.0.0.0"), 33), None);
    assert_eq!(Subnet::new(any("::"), 129), None);
}

/// What the throttle and the log are told of a request.
#[test]
fn r16_a_request_behind_a_trusted_proxy_is_its_clients() {
    let request = |forwarded: &str| {
        format!(
            "POST /oauth/token HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\
             x-forwarded-FOR: {forwarded}\r\n\r\ngrant_type=client_credentials"
        )
    };
    for (trusted, forwarded, expected) in [
        ("192.0.2.1/32", "10.0.0.1", "10.0.0.1"),
        ("192.0.2.1/32", "192.0.2.1", "203.0.113.9"),
        ("192.0.2.2/32", "10.0.0.1", "192.0.2.1"),
    ] {
        let mut case = Case::default();
        case.trusted_proxies.push(subnet(trusted));
        let text = case.send(request(forwarded).as_bytes()).text();
        assert!(text.starts_with("HTTP/1.1 401 "), "{text}");
        let expected = source(expected.parse().unwrap());
        assert_eq!(*case.bench.sources.borrow(), [expected], "{forwarded}");
    }
}

/// As the standard library reads it, which is the larger reader.
fn oracle(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .filter(|bare| bare.contains(':'))
        .unwrap_or(text);
    bare.parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .map(|address| address.to_canonical())
        .ok()
}

fn read(text: &str) -> Option<IpAddr> {
    let trusted = [subnet("127.0.0.1/32")];
    let peer = Peer {
        address: trusted[0].address(),
        trusted_proxies: &trusted,
    };
    // What is no address leaves the proxy's.
    let found = peer.origin([text.as_bytes()].into_iter());
    (found != peer.address).then_some(found)
}

fn agree(text: &str) -> Result<(), TestCaseError> {
    let expected = oracle(text).filter(|address| *address != IpAddr::from([127, 0, 0, 1]));
    prop_assert_eq!(read(text), expected, "{}", text);
    Ok(())
}

#[test]
fn addresses_are_read_as_the_standard_library_does() {
    for text in [
        "1.2.3.4",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "1.2.3.256",
        "1.2.3.4:",
        "1.2.3.4:0",
        "1.2.3.4:65535",
        "1.2.3.4:65536",
        "1.2.3.4:x",
        "::",
        ":",
        ":::",
        "::1",
        "1::",
        "1::2",
        "1::2::3",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::",
        "1:2:3:4:5:6:7:8::",
        "::2:3:4:5:6:7:8",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "::1.2.3.4",
        "1.2.3.4::",
        "1:2:3:4:5:6:1.2.3.4",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1::1.2.3.4",
        "::1.2.3.4:5",
        "::12345",
        "::g",
        "FFFF::abcd",
        "[::1]",
        "[::1]:1",
        "[::1]:",
        "[::1]x",
        "[::1",
        "::1]",
        "[1.2.3.4]",
        "[]",
        "",
        "1",
        "1:",
        ":1",
        "::ffff:1.2.3.4",
        "1:2:3:4:5:6::1.2.3.4",
    ] {
        agree(text).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn any_address_is_read_as_the_standard_library_does(
        groups in proptest::array::uniform8(prop_oneof![Just(0_u16), any::<u16>()]),
        port in any::<u16>(),
        change in proptest::option::of((any::<prop::sample::Index>(), "[0-9a-f:.\\[\\]x]")),
    ) {
        let v6 = std::net::Ipv6Addr::from(groups);
        let v4 = std::net::Ipv4Addr::from(u32::from(groups[0]) << 16 | u32::from(groups[1]));
        for mut text in [
            v6.to_string(),
            format!("[{v6}]"),
            format!("[{v6}]:{port}"),
            v4.to_string(),
            format!("{v4}:{port}"),
        ] {
            agree(&text)?;
            if let Some((at, other)) = &change {
                let at = at.index(text.len());
                text.replace_range(at..=at, other);
                agree(&text)?;
            }
        }
    }

    #[test]
    fn any_text_is_read_as_the_standard_library_does(text in "[0-3f:.\\[\\]]{0,20}") {
        agree(&text)?;
    }
}
