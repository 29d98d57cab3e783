//! Handles: codes and refresh tokens that are computed, not stored.
//!
//! A handle is 33 octets, 44 characters of base64url: a head (1), the grant's
//! id (12), the generation (4, big-endian) and the first 16 octets of
//!
//! ```text
//! HMAC-SHA256(K, "smallgate/1 hdl\0" ‖ those 17 octets ‖ SHA-256(issuer)[..8] ‖ client tag
//!                ‖ for a code: PKCE challenge (32, or zeros) ‖ SHA-256(redirect URI) (32, or zeros))
//! K = HMAC-SHA256(master, "smallgate/1 handle")
//! ```
//!
//! So a handle that was made up, altered, or shown by another client, with
//! another verifier or another redirect URI is refused before a store is asked.

use core::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::grant::{GrantId, Tag};
use crate::codec::base64url;
use crate::secret::constant_time_eq;
use crate::sha256::{HmacKey, Sha256};

/// How many octets a handle has.
pub const HANDLE_SIZE: usize = 33;
/// How many characters it has when it is sent.
pub const HANDLE_LENGTH: usize = base64url::encoded_len(HANDLE_SIZE);

const LABEL: &[u8; 16] = b"smallgate/1 hdl\0";
const VERSION: u8 = 0b0100_0000;
const VERSION_MASK: u8 = 0b1100_0000;
const KIND_REFRESH: u8 = 0b0001_0000;
const KIND_MASK: u8 = 0b0011_0000;
const SLOT: u8 = 0b0000_0100;
const CHALLENGE: u8 = 0b0000_0010;
const REDIRECT: u8 = 0b0000_0001;
const RESERVED: u8 = 0b0000_1000;

/// 32 octets from which the keys of handles and login forms are derived. Never
/// a token key: those are known to validators.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// Wraps 32 random octets.
    #[must_use]
    pub const fn new(octets: [u8; 32]) -> Self {
        MasterKey(octets)
    }

    /// Tells this key from others, and nothing else of it: for servers that share
    /// grants, which must have the same.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] =
            HmacKey::new(&self.0).tag(b"smallgate/1 fingerprint");
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// The key for one purpose.
    pub(super) fn derive(&self, label: &[u8]) -> HmacKey {
        let key = Zeroizing::new(HmacKey::new(&self.0).tag(label));
        HmacKey::new(&*key)
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Which of the two key slots makes handles; the other one still checks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Slot {
    /// Slot 0.
    A,
    /// Slot 1.
    B,
}

/// The keys that make and check handles.
#[derive(Clone, Debug)]
pub struct HandleKeys {
    /// Makes handles from now on.
    pub current: MasterKey,
    /// The slot `current` is in.
    pub slot: Slot,
    /// The key that was in the other slot before; keep it for the longest life
    /// of a refresh token.
    pub previous: Option<MasterKey>,
}

/// [`HandleKeys`], derived once.
pub(super) struct HandleMac {
    current: HmacKey,
    slot: Slot,
    previous: Option<HmacKey>,
    issuer: [u8; 8],
}

/// What a handle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Code,
    Refresh,
}

/// What a code is bound to, besides its client.
#[derive(Clone, Copy, Default)]
pub(super) struct CodeBinding {
    /// The PKCE challenge, decoded (S256: the verifier's SHA-256).
    pub(super) challenge: Option<[u8; 32]>,
    /// SHA-256 of the redirect URI in the authorization request.
    pub(super) redirect_uri: Option<[u8; 32]>,
}

/// A handle as it was presented; only [`HandleMac::verify`] makes it good.
#[derive(Clone, Copy)]
pub(super) struct Presented {
    octets: [u8; HANDLE_SIZE],
}

/// A handle whose MAC was good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct VerifiedHandle {
    pub(super) grant: GrantId,
    pub(super) generation: u32,
}

impl Presented {
    /// Reads the text of a handle of this `kind`; `None` for anything else.
    pub(super) fn parse(text: &str, kind: Kind) -> Option<Self> {
        let mut octets = [0; HANDLE_SIZE];
        if text.len() != HANDLE_LENGTH {
            return None;
        }
        base64url::decode_secret(text.as_bytes(), &mut octets).ok()?;
        let head = octets[0];
        let fits = head & VERSION_MASK == VERSION
            && head & RESERVED == 0
            && head & KIND_MASK == kind.bits()
            && (kind == Kind::Code || head & (CHALLENGE | REDIRECT) == 0);
        fits.then_some(Presented { octets })
    }

    /// Whether the code was asked for with a PKCE challenge.
    pub(super) const fn has_challenge(&self) -> bool {
        self.octets[0] & CHALLENGE != 0
    }

    /// Whether the authorization request named a redirect URI.
    pub(super) const fn has_redirect_uri(&self) -> bool {
        self.octets[0] & REDIRECT != 0
    }
}

impl Kind {
    const fn bits(self) -> u8 {
        match self {
            Kind::Code => 0,
            Kind::Refresh => KIND_REFRESH,
        }
    }
}

impl HandleMac {
    pub(super) fn new(keys: &HandleKeys, issuer: &str) -> Self {
        let derive = |master: &MasterKey| master.derive(b"smallgate/1 handle");
        HandleMac {
            current: derive(&keys.current),
            slot: keys.slot,
            previous: keys.previous.as_ref().map(derive),
            issuer: issuer_tag(issuer),
        }
    }

    /// Writes the handle into `out`: characters that neither JSON nor a form nor HTML escapes.
    pub(super) fn mint<'o>(
        &self,
        kind: Kind,
        grant: &GrantId,
        generation: u32,
        client: Tag,
        binding: &CodeBinding,
        out: &'o mut [u8; HANDLE_LENGTH],
    ) -> &'o [u8] {
        let head = VERSION
            | kind.bits()
            | if self.slot == Slot::B { SLOT } else { 0 }
            | if binding.challenge.is_some() {
                CHALLENGE
            } else {
                0
            }
            | if binding.redirect_uri.is_some() {
                REDIRECT
            } else {
                0
            };
        let body = body(head, grant, generation);
        let mac = self.mac(&self.current, kind, &body, client, binding);
        let mut octets = [0; HANDLE_SIZE];
        for (octet, value) in octets.iter_mut().zip(body.iter().chain(&mac)) {
            *octet = *value;
        }
        base64url::encode_secret_octets(&octets, out).unwrap_or_default()
    }

    /// Checks the MAC of `presented` as shown by `client` with `binding`.
    pub(super) fn verify(
        &self,
        presented: &Presented,
        kind: Kind,
        client: Tag,
        binding: &CodeBinding,
    ) -> Option<VerifiedHandle> {
        let (body, mac) = presented.octets.split_first_chunk::<17>()?;
        let [head, id @ .., g3, g2, g1, g0] = body;
        let slot = if head & SLOT == 0 { Slot::A } else { Slot::B };
        let key = if slot == self.slot {
            &self.current
        } else {
            self.previous.as_ref()?
        };
        let expected = self.mac(key, kind, body, client, binding);
        constant_time_eq(&expected, mac).then_some(VerifiedHandle {
            grant: GrantId(*id),
            generation: u32::from_be_bytes([*g3, *g2, *g1, *g0]),
        })
    }

    fn mac(
        &self,
        key: &HmacKey,
        kind: Kind,
        body: &[u8; 17],
        client: Tag,
        binding: &CodeBinding,
    ) -> [u8; 16] {
        let mut mac = key.begin();
        mac.update(LABEL);
        mac.update(body);
        mac.update(&self.issuer);
        mac.update(&client.0);
        if kind == Kind::Code {
            mac.update(&binding.challenge.unwrap_or_default());
            mac.update(&binding.redirect_uri.unwrap_or_default());
        }
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = mac.finish();
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }
}

/// What stands for the issuer in a MAC.
pub(super) fn issuer_tag(issuer: &str) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = Sha256::of(issuer.as_bytes());
    [a, b, c, d, e, f, g, h]
}

fn body(head: u8, grant: &GrantId, generation: u32) -> [u8; 17] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = grant.0;
    let [w, x, y, z] = generation.to_be_bytes();
    [head, a, b, c, d, e, f, g, h, i, j, k, l, w, x, y, z]
}
