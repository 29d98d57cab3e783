//! How secrets leak: each of these has to be reported.

use smallgate_core::codec::base64url;

use super::{decided, hidden, octets};

/// A comparison that ends where the first difference is.
pub(crate) fn early_end() {
    let one = octets::<32>();
    let other = one.clone();
    assert!(decided(is_equal(&one, &other)));
}

#[inline(never)]
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    for (one, other) in one.iter().zip(other) {
        if one != other {
            return false;
        }
    }
    true
}

/// A secret octet says where a table is looked into: no branch, but a line of the cache.
pub(crate) fn table() {
    let squares: Vec<u8> = (0..=255_u8).map(|n| n.wrapping_mul(n)).collect();
    let sum = octets::<32>()
        .iter()
        .fold(0, |sum: u8, octet| sum ^ squares[usize::from(*octet)]);
    decided(sum == 0);
}

/// Base64url for public data, used on a secret: its tables, which what is shorter than a block
/// is looked up in.
pub(crate) fn public_decode() {
    let text = hidden(b"c2VjcmV0c2VjcmV0".to_vec());
    let mut out = [0; 12];
    assert!(base64url::decode(&text, &mut out).is_ok());
}

/// The same the other way.
pub(crate) fn public_encode() {
    let mut out = [0; 24];
    assert!(base64url::encode(&octets::<18>(), &mut out).is_ok());
}
