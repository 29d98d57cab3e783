//! Where a request comes from, behind proxies too.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use smallgate_core::http::Source;

/// The address of a request that came from `peer`: the rightmost address in
/// `X-Forwarded-For` that is no trusted proxy's. What stands left of it was
/// written by somebody whom nobody vouches for.
///
/// An entry that is no address ends the walk: then it is the proxy that wrote
/// it.
pub(crate) fn address<'h>(
    peer: IpAddr,
    trusted: &[IpNet],
    forwarded: impl DoubleEndedIterator<Item = &'h [u8]>,
) -> IpAddr {
    let mut nearest = peer.to_canonical();
    for value in forwarded.rev() {
        for entry in value.rsplit(|octet| *octet == b',') {
            if !is_trusted(nearest, trusted) {
                return nearest;
            }
            match entry_address(entry) {
                Some(address) => nearest = address,
                None => return nearest,
            }
        }
    }
    nearest
}

/// An address with or without a port; IPv6 with or without brackets.
fn entry_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .map(|address| address.to_canonical())
        .ok()
}

/// Whether `peer` is one of the `trusted` proxies.
pub(crate) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|net| net.contains(&peer))
}

/// The same as the core's throttle wants it.
pub(crate) fn source(address: IpAddr) -> Source {
    match address {
        IpAddr::V4(address) => Source::v4(address.octets()),
        IpAddr::V6(address) => Source::v6(address.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, trusted: &[&str], forwarded: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let forwarded = forwarded.iter().map(|value| value.as_bytes());
        address(peer.parse().unwrap(), &trusted, forwarded).to_string()
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
        assert_eq!(
            found("127.0.0.1", &trusted, &["203.0.113.9, unknown"]),
            "127.0.0.1"
        );
        assert_eq!(
            found("127.0.0.1", &trusted, &["203.0.113.9, _x, 10.0.0.2"]),
            "10.0.0.2"
        );
        assert_eq!(found("127.0.0.1", &trusted, &[""]), "127.0.0.1");
    }

    #[test]
    fn r16_all_trusted_gives_the_farthest() {
        assert_eq!(
            found("127.0.0.1", &["0.0.0.0/0"], &["10.0.0.1, 10.0.0.2"]),
            "10.0.0.1"
        );
    }

    #[test]
    fn a_mapped_peer_is_its_v4_address() {
        assert_eq!(
            found("::ffff:127.0.0.1", &["127.0.0.0/8"], &["203.0.113.9"]),
            "203.0.113.9"
        );
    }
}
