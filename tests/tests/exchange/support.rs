//! A store that does what a test says, and handles made without the core.

use std::collections::VecDeque;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use smallgate_core::oauth::{GrantId, Tag};
use smallgate_core::profile::{self, Profile};
use smallgate_core::store::{Committed, Loaded, MemoryStore, Seen, Store, StoreUnavailable, Write};
use smallgate_core::time::UnixTime;
use smallgate_tests::rig::SECRET;

/// `Authorization: Basic` for one of a rig's clients.
pub(crate) fn basic(client: &str) -> String {
    let plain = format!("{client}:{SECRET}");
    format!("Basic {}", Base64::encode_string(plain.as_bytes()))
}

/// What a scripted store does with a commit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Passes it on.
    Do,
    /// Answers without doing it.
    Say(Committed),
    /// Does it, and says that it does not know.
    Lose,
}

/// A call that a store got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Load,
    Write,
    Confirm,
}

/// A memory store that follows a script, then behaves, and remembers the calls.
pub(crate) struct Scripted<'s, const N: usize> {
    pub(crate) inner: &'s mut MemoryStore<N>,
    pub(crate) script: VecDeque<Act>,
    pub(crate) unreadable: bool,
    pub(crate) calls: Vec<Call>,
    pub(crate) written: Vec<[u8; 96]>,
}

impl<'s, const N: usize> Scripted<'s, N> {
    pub(crate) fn new(inner: &'s mut MemoryStore<N>, script: &[Act]) -> Self {
        Scripted {
            inner,
            script: script.iter().copied().collect(),
            unreadable: false,
            calls: Vec::new(),
            written: Vec::new(),
        }
    }
}

impl<const N: usize> Store for Scripted<'_, N> {
    fn load(&mut self, id: &GrantId) -> Result<Loaded, StoreUnavailable> {
        self.calls.push(Call::Load);
        if self.unreadable {
            return Err(StoreUnavailable);
        }
        self.inner.load(id)
    }

    fn commit(&mut self, now: UnixTime, id: &GrantId, seen: Seen, write: Write<'_>) -> Committed {
        self.calls.push(match write {
            Write::Record(record) => {
                self.written.push(*record.octets());
                Call::Write
            }
            Write::Confirm => Call::Confirm,
        });
        match self.script.pop_front().unwrap_or(Act::Do) {
            Act::Do => self.inner.commit(now, id, seen, write),
            Act::Say(answer) => answer,
            Act::Lose => {
                self.inner.commit(now, id, seen, write);
                Committed::Unknown
            }
        }
    }
}

/// What a handle is made of, computed here from the words of the design and
/// not by the core.
#[derive(Clone, Copy)]
pub(crate) struct Handle<'h> {
    pub(crate) master: [u8; 32],
    pub(crate) issuer: &'h str,
    pub(crate) client: &'h str,
    pub(crate) head: u8,
    pub(crate) grant: [u8; 12],
    pub(crate) generation: u32,
    pub(crate) code: Option<CodeBinding<'h>>,
}

/// What a code is bound to.
#[derive(Clone, Copy, Default)]
pub(crate) struct CodeBinding<'h> {
    pub(crate) verifier: Option<&'h str>,
    pub(crate) redirect_uri: Option<&'h str>,
}

/// The head of a code without challenge and redirect URI, slot 0.
pub(crate) const CODE: u8 = 0b0100_0000;
/// The head of a refresh token, slot 0.
pub(crate) const REFRESH: u8 = 0b0101_0000;
/// The bit of key slot 1.
pub(crate) const SLOT: u8 = 0b0000_0100;
const CHALLENGE: u8 = 0b0000_0010;
const REDIRECT: u8 = 0b0000_0001;

impl Handle<'_> {
    /// The 44 characters.
    pub(crate) fn text(&self) -> String {
        let code = self.code.unwrap_or_default();
        let head = self.head
            | if code.verifier.is_some() {
                CHALLENGE
            } else {
                0
            }
            | if code.redirect_uri.is_some() {
                REDIRECT
            } else {
                0
            };
        let mut octets = vec![head];
        octets.extend(self.grant);
        octets.extend(self.generation.to_be_bytes());
        let key = mac(&self.master, &[b"smallgate/1 handle"]);
        let issuer = Sha256::digest(self.issuer);
        let client = Tag::client(self.client).0;
        let hashed = |text: Option<&str>| text.map_or([0; 32], |text| Sha256::digest(text).into());
        let bound = [hashed(code.verifier), hashed(code.redirect_uri)].concat();
        let mut parts: Vec<&[u8]> = vec![b"smallgate/1 hdl\0", &octets, &issuer[..8], &client];
        if self.code.is_some() {
            parts.push(&bound);
        }
        let tag = mac(&key, &parts);
        octets.extend(&tag[..16]);
        Base64UrlUnpadded::encode_string(&octets)
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The octets of a token that the core made.
pub(crate) fn octets(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text).expect("base64url")
}

/// The claims of an access token, in their order.
pub(crate) fn claims(token: &str) -> serde_json::Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&octets(payload)).expect("JSON")
}

/// Teen Quotes with clients that use Basic, so that one helper serves all.
pub(crate) const ROTATING: Profile = Profile {
    client_authentication: profile::DRILLSTER.client_authentication,
    ..profile::TEEN_QUOTES
};
