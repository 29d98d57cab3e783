//! Handles made as the design says, beside the server: SHA-256 is all that this
//! shares with it. A test that holds the master key can make what no attacker
//! can.

use sha2::{Digest, Sha256};

/// HMAC-SHA256 (RFC 2104).
#[must_use]
pub fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let pad = |octet: u8| {
        let mut block = [octet; 64];
        for (octet, key) in block.iter_mut().zip(key) {
            *octet ^= key;
        }
        block
    };
    let mut inner = Sha256::new_with_prefix(pad(0x36));
    parts.iter().for_each(|part| inner.update(part));
    let mut outer = Sha256::new_with_prefix(pad(0x5C));
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// All that goes into a handle.
#[derive(Clone, Copy, Debug)]
pub struct Handle<'h> {
    /// The master key.
    pub master: [u8; 32],
    /// Derives the key from the master.
    pub label: &'h [u8],
    /// A refresh token, else a code.
    pub refresh: bool,
    /// Key slot B, else A.
    pub slot_b: bool,
    /// The grant.
    pub id: [u8; 12],
    /// The generation; 0 for a code.
    pub generation: u32,
    /// The issuer.
    pub issuer: &'h str,
    /// The client's id.
    pub client: &'h str,
    /// A code's PKCE challenge, decoded.
    pub challenge: Option<[u8; 32]>,
    /// A code's redirect URI, if the request had one.
    pub redirect_uri: Option<&'h str>,
}

impl<'h> Handle<'h> {
    /// A refresh token as the rig's server makes it.
    #[must_use]
    pub const fn refresh(id: [u8; 12], generation: u32, client: &'h str) -> Self {
        Handle {
            master: [9; 32],
            label: b"smallgate/1 handle",
            refresh: true,
            slot_b: false,
            id,
            generation,
            issuer: "https://as.example",
            client,
            challenge: None,
            redirect_uri: None,
        }
    }

    /// The 33 octets.
    #[must_use]
    pub fn octets(&self) -> [u8; 33] {
        let mut head = 0b0100_0000;
        for (set, bit) in [
            (self.refresh, 0b0001_0000),
            (self.slot_b, 0b0000_0100),
            (self.challenge.is_some(), 0b0000_0010),
            (self.redirect_uri.is_some(), 0b0000_0001),
        ] {
            head |= if set { bit } else { 0 };
        }
        let mut body = vec![head];
        body.extend(self.id);
        body.extend(self.generation.to_be_bytes());
        let key = hmac(&self.master, &[self.label]);
        let issuer = Sha256::digest(self.issuer.as_bytes());
        let client = Sha256::digest([b"client\0", self.client.as_bytes()].concat());
        let redirect_uri = self.redirect_uri.map_or([0; 32], |uri| {
            <[u8; 32]>::from(Sha256::digest(uri.as_bytes()))
        });
        let challenge = self.challenge.unwrap_or_default();
        let binding = [challenge, redirect_uri].concat();
        let binding = if self.refresh { &[] } else { &binding[..] };
        let label = b"smallgate/1 hdl\0";
        let mac = hmac(&key, &[label, &body, &issuer[..8], &client[..8], binding]);
        body.extend(&mac[..16]);
        body.try_into().expect("33 octets")
    }

    /// The 44 characters.
    #[must_use]
    pub fn text(&self) -> String {
        base64url(&self.octets())
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url without padding (RFC 4648 §5).
#[must_use]
pub fn base64url(octets: &[u8]) -> String {
    let mut out = String::new();
    for chunk in octets.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0_u32, |bits, (at, octet)| {
            bits | u32::from(*octet) << (16 - 8 * at)
        });
        for at in 0..=chunk.len() {
            let index = bits >> (18 - 6 * at) & 0x3F;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
    out
}
