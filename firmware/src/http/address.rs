//! Addresses as text. They are read here and not by `core`, whose reader is
//! twice as large and can panic.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that `entry` of `X-Forwarded-For` names: with or without a port,
/// IPv6 with or without brackets.
pub(super) fn forwarded(entry: &[u8]) -> Option<IpAddr> {
    let text = entry.trim_ascii();
    if let Some(rest) = text.strip_prefix(b"[") {
        let (address, rest) = split(rest, b']')?;
        if !matches!(rest.split_first(), None | Some((b':', _))) {
            return None;
        }
        if let Some((_, port)) = rest.split_first() {
            number(port, 5, 10, u16::MAX)?;
        }
        return v6(address).map(IpAddr::from);
    }
    let Some((address, rest)) = split(text, b':') else {
        return v4(text).map(IpAddr::from);
    };
    // An IPv4 address and a port have one colon, an IPv6 address has more.
    match v4(address) {
        Some(address) => number(rest, 5, 10, u16::MAX).map(|_| address.into()),
        None => v6(text).map(IpAddr::from),
    }
}

/// Four numbers without leading zeros.
fn v4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut parts = text.split(|octet| *octet == b'.');
    let mut address = [0; 4];
    for octet in &mut address {
        let part = parts.next()?;
        if part.len() > 1 && part.starts_with(b"0") {
            return None;
        }
        *octet = u8::try_from(number(part, 3, 10, 255)?).ok()?;
    }
    parts.next().is_none().then(|| address.into())
}

/// "Multiple groups of 16 bits of zeros" are `::`, and the last 32 bits may be
/// an IPv4 address (RFC 4291 §2.2).
fn v6(text: &[u8]) -> Option<Ipv6Addr> {
    let mut whole = [0_u16; 8];
    let gap = text.windows(2).position(|pair| pair == b"::");
    let Some((head, tail)) = gap.and_then(|at| text.split_at_checked(at)) else {
        return (groups(text, &mut whole)? == 8).then(|| whole.into());
    };
    let tail = tail.get(2..)?;
    // Of so many groups at least one is in the gap.
    let mut last = [0_u16; 7];
    let after = groups(tail, &mut last)?;
    let room = whole.get_mut(..7_usize.checked_sub(after)?)?;
    if head.contains(&b'.') {
        return None;
    }
    groups(head, room)?;
    let place = whole.get_mut(8_usize.checked_sub(after)?..)?;
    place.iter_mut().zip(last).for_each(|(to, from)| *to = from);
    Some(whole.into())
}

/// Reads all of `text` into `room`; how many groups there are.
fn groups(text: &[u8], room: &mut [u16]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let mut used = 0;
    let mut parts = text.split(|octet| *octet == b':').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() && part.contains(&b'.') {
            let [a, b, c, d] = v4(part)?.octets();
            let pair = room.get_mut(used..)?.first_chunk_mut::<2>()?;
            *pair = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
            used = used.checked_add(2)?;
        } else {
            *room.get_mut(used)? = number(part, 4, 16, u16::MAX)?;
            used = used.checked_add(1)?;
        }
    }
    Some(used)
}

/// 1 to `digits` digits of `radix`, which are `most` at most.
fn number(text: &[u8], digits: usize, radix: u32, most: u16) -> Option<u16> {
    if !(1..=digits).contains(&text.len()) {
        return None;
    }
    let value = text.iter().try_fold(0_u32, |value, octet| {
        let digit = match octet {
            b'0'..=b'9' => octet.wrapping_sub(b'0'),
            b'a'..=b'f' => octet.wrapping_sub(b'a').wrapping_add(10),
            b'A'..=b'F' => octet.wrapping_sub(b'A').wrapping_add(10),
            _ => return None,
        };
        let digit = u32::from(digit);
        (digit < radix).then(|| value.wrapping_mul(radix).wrapping_add(digit))
    })?;
    u16::try_from(value).ok().filter(|value| *value <= most)
}

/// What is before and after the first `at`.
fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().position(|octet| *octet == at)?;
    let (before, after) = text.split_at_checked(position)?;
    Some((before, after.get(1..)?))
}
