//! What keeps a login form from being forged: a MAC over the issuer, the request
//! it belongs to and the moment it expires, in a hidden field. No cookie is
//! needed.

use super::handle::{HandleKeys, issuer_tag};
use crate::codec::base64url;
use crate::secret::constant_time_eq;
use crate::sha256::HmacKey;
use crate::time::UnixTime;

const LABEL: &[u8; 17] = b"smallgate/1 form\0";

/// Makes and checks the hidden field: 8 octets of time and 16 of MAC.
pub(super) struct FormMac {
    current: HmacKey,
    previous: Option<HmacKey>,
    issuer: [u8; 8],
}

impl FormMac {
    const SIZE: usize = 24;
    /// Characters of the field.
    pub(super) const LENGTH: usize = base64url::encoded_len(Self::SIZE);

    pub(super) fn new(keys: &HandleKeys, issuer: &str) -> Self {
        let label = b"smallgate/1 form";
        FormMac {
            current: keys.current.derive(label),
            previous: keys.previous.as_ref().map(|key| key.derive(label)),
            issuer: issuer_tag(issuer),
        }
    }

    /// Writes the field for a request with these `fields` into `out`: characters that HTML does
    /// not escape.
    pub(super) fn mint<'o>(
        &self,
        fields: &[(&str, Option<&str>)],
        expires: UnixTime,
        out: &'o mut [u8; Self::LENGTH],
    ) -> &'o [u8] {
        let time = expires.0.to_be_bytes();
        let mac = self.mac(&self.current, fields, &time);
        let mut octets = [0; Self::SIZE];
        for (octet, value) in octets.iter_mut().zip(time.iter().chain(&mac)) {
            *octet = *value;
        }
        base64url::encode_secret_octets(&octets, out).unwrap_or_default()
    }

    /// `None` for a forged field, else whether it has not expired.
    pub(super) fn verify(
        &self,
        token: &str,
        fields: &[(&str, Option<&str>)],
        now: UnixTime,
    ) -> Option<bool> {
        let mut octets = [0; Self::SIZE];
        if token.len() != Self::LENGTH {
            return None;
        }
        base64url::decode_secret(token.as_bytes(), &mut octets).ok()?;
        let (time, received) = octets.split_first_chunk::<8>()?;
        let good = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .any(|key| constant_time_eq(&self.mac(key, fields, time), received));
        good.then(|| now < UnixTime(u64::from_be_bytes(*time)))
    }

    /// Each field goes in with its length, so that no two requests look the same.
    fn mac(&self, key: &HmacKey, fields: &[(&str, Option<&str>)], time: &[u8; 8]) -> [u8; 16] {
        let mut mac = key.begin();
        mac.update(LABEL);
        mac.update(&self.issuer);
        mac.update(time);
        for (_, value) in fields {
            let length = value.map_or(u64::MAX, |value| {
                u64::try_from(value.len()).unwrap_or(u64::MAX)
            });
            mac.update(&length.to_be_bytes());
            mac.update(value.unwrap_or_default().as_bytes());
        }
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = mac.finish();
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }
}
