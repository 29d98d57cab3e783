//! JWS in its compact serialization (RFC 7515 §3.1):
//! `BASE64URL(header) . BASE64URL(payload) . BASE64URL(signature)`.

use core::fmt;
use core::ops::Range;

use heapless::String;

use crate::codec::base64url::{self, Base64Error};
use crate::codec::json::{Text, Writer};
use crate::codec::{copy, words};

use super::header::{Header, HeaderPolicy};
use super::sealed::Here;
use super::{Algorithm, MAX_SIGNATURE, SignError, SignatureError, Signer, Verifier};

mod error;

pub use error::JwsError;

/// A token that [`sign`] made: the proof that there is a signature under it.
pub struct SignedToken<'o>(&'o str);

impl<'o> SignedToken<'o> {
    /// The token's characters, all of `[A-Za-z0-9_.-]`. Whoever has them can use
    /// the token.
    #[must_use]
    pub const fn as_str(&self) -> &'o str {
        self.0
    }
}

impl fmt::Debug for SignedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedToken(..)")
    }
}

/// Signs a JSON payload, with the header `{"alg":…,"typ":…,"kid":…}` in this
/// order; `typ` and `kid` are there when there is one.
///
/// `out` needs room for the token and nothing else: the JSON is encoded where it
/// was written.
///
/// ```
/// use smallgate_core::jose::{self, Hs256Key};
///
/// let key = Hs256Key::new(&[7; 32], None).unwrap();
/// let mut out = [0; 128];
/// let token = jose::sign(&key, None, |json| {
///     json.begin_object();
///     json.member_bool("ok", true);
///     json.end_object();
/// }, &mut out).unwrap();
/// assert!(token.as_str().starts_with("eyJhbGciOiJIUzI1NiJ9.eyJvayI6dHJ1ZX0."));
/// ```
///
/// # Errors
///
/// [`SignError::BufferTooSmall`], or the backend's.
pub fn sign<'o>(
    signer: &dyn Signer,
    typ: Option<&str>,
    payload: impl FnOnce(&mut Writer<'_>),
    out: &'o mut [u8],
) -> Result<SignedToken<'o>, SignError> {
    sign_staged(signer, typ, |room| write(room, payload), out)
}

/// [`sign`], with a payload that writes its octets to the beginning of the room
/// it is given and returns their number.
pub(crate) fn sign_staged<'o, E: From<SignError>>(
    signer: &dyn Signer,
    typ: Option<&str>,
    payload: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    out: &'o mut [u8],
) -> Result<SignedToken<'o>, E> {
    let header = begin(signer, typ, out)?;
    let payload = payload(after_dot(out, header.encoded_len())?)?;
    let len = encode_and_sign(signer, out, header, payload)?;
    out.get(..len)
        .and_then(|token| core::str::from_utf8(token).ok())
        .map(SignedToken)
        .ok_or_else(|| SignError::BufferTooSmall.into())
}

/// A header at the beginning of a token to be: how long it is.
#[derive(Clone, Copy)]
enum Begun {
    /// As JSON.
    Octets(usize),
    /// As characters.
    Encoded(usize),
}

impl Begun {
    const fn encoded_len(self) -> usize {
        match self {
            Begun::Octets(octets) => base64url::encoded_len(octets),
            Begun::Encoded(characters) => characters,
        }
    }
}

/// Begins a token with its header, encoded if the key has it so.
fn begin(signer: &dyn Signer, typ: Option<&str>, out: &mut [u8]) -> Result<Begun, SignError> {
    let encoded = match cfg!(target_pointer_width = "64") {
        true => signer.encoded_header(typ, Here(())),
        false => None,
    };
    let Some(encoded) = encoded else {
        return write(out, |json| write_header(json, signer, typ)).map(Begun::Octets);
    };
    let room = out.get_mut(..encoded.len());
    copy(encoded.as_bytes(), room.ok_or(SignError::BufferTooSmall)?);
    Ok(Begun::Encoded(encoded.len()))
}

/// The header of `signer`'s tokens with this `typ`, encoded; `None` if it does not
/// fit.
pub(super) fn encoded_header<const N: usize>(
    signer: &dyn Signer,
    typ: Option<&str>,
) -> Option<String<N>> {
    let mut room = [0; N];
    let octets = write(&mut room, |json| write_header(json, signer, typ)).ok()?;
    let characters = encode(&mut room, octets).ok()?;
    String::try_from(core::str::from_utf8(room.get(..characters)?).ok()?).ok()
}

/// Makes a token of its header, and of as many octets of payload where it will be;
/// how many characters.
///
/// The header is encoded only now: what has just been written takes longer to be
/// read.
fn encode_and_sign(
    signer: &dyn Signer,
    out: &mut [u8],
    header: Begun,
    payload: usize,
) -> Result<usize, SignError> {
    let header_len = match header {
        Begun::Octets(octets) => encode(out, octets)?,
        Begun::Encoded(characters) => characters,
    };
    let rest = after_dot(out, header_len)?;
    let payload_len = encode(rest, payload)?;
    after_dot(rest, payload_len)?;
    let input_len = header_len.saturating_add(1).saturating_add(payload_len);
    let signature_len = append_signature(signer, out, input_len)?;
    Ok(input_len.saturating_add(1).saturating_add(signature_len))
}

fn write_header(json: &mut Writer<'_>, signer: &dyn Signer, typ: Option<&str>) {
    json.begin_object();
    json.member_texts(&[
        ("alg", Some(signer.algorithm().name())),
        ("typ", typ),
        ("kid", signer.key_id()),
    ]);
    json.end_object();
}

/// Lets `json` write to the beginning of `room`; how many octets that took.
fn write(room: &mut [u8], json: impl FnOnce(&mut Writer<'_>)) -> Result<usize, SignError> {
    let mut writer = Writer::new(room);
    json(&mut writer);
    let written = writer.finish().map_err(|_| SignError::BufferTooSmall)?;
    Ok(written.len())
}

/// Writes a dot at `position`, and returns what comes after it.
fn after_dot(out: &mut [u8], position: usize) -> Result<&mut [u8], SignError> {
    let (dot, rest) = out
        .get_mut(position..)
        .and_then(<[u8]>::split_first_mut)
        .ok_or(SignError::BufferTooSmall)?;
    *dot = b'.';
    Ok(rest)
}

/// Turns the first `len` octets of `out` into base64url where they are; how many
/// characters.
fn encode(out: &mut [u8], len: usize) -> Result<usize, SignError> {
    base64url::encode_in_place(out, len).map_err(|_| SignError::BufferTooSmall)
}

/// Signs the first `input_len` octets of `out` and writes the signature after
/// them and a dot; how many characters.
fn append_signature(
    signer: &dyn Signer,
    out: &mut [u8],
    input_len: usize,
) -> Result<usize, SignError> {
    let (input, rest) = out
        .split_at_mut_checked(input_len)
        .ok_or(SignError::BufferTooSmall)?;
    let mut signature = [0; MAX_SIGNATURE];
    let len = signer.sign(input, &mut signature)?;
    if len != signer.algorithm().signature_len() {
        return Err(SignError::Backend);
    }
    let signature = signature.get(..len).ok_or(SignError::Backend)?;
    // Accelerators have been seen to report success and leave zeros.
    if signature.iter().all(|octet| *octet == 0) {
        return Err(SignError::Backend);
    }
    let room = rest.get_mut(1..).ok_or(SignError::BufferTooSmall)?;
    let text = base64url::encode_octets(signature, room).map_err(|_| SignError::BufferTooSmall)?;
    Ok(text.len())
}

/// The keys that a token may be signed with: two while one replaces another,
/// the retired one until its last token is out.
#[derive(Clone, Copy)]
pub struct Keys<'k> {
    verifiers: &'k [&'k dyn Verifier],
}

impl<'k> Keys<'k> {
    /// Takes `verifiers`; of two with the same `kid` the first is used.
    #[must_use]
    pub const fn new(verifiers: &'k [&'k dyn Verifier]) -> Self {
        Keys { verifiers }
    }

    /// Whether one of the keys has this algorithm.
    pub(crate) fn any(&self, algorithm: Algorithm) -> bool {
        let mut verifiers = self.verifiers.iter();
        verifiers.any(|verifier| verifier.algorithm() == algorithm)
    }

    /// The key for a token. `kid` is a look-up and nothing more: it is compared
    /// with the names of the keys, octet for octet. A token without one is for
    /// the only key, and the only key takes every `kid` if it has no name.
    fn find(&self, key_id: Option<Text<'_>>) -> Result<&'k dyn Verifier, JwsError> {
        match (key_id, self.verifiers) {
            (None, [only]) => Ok(*only),
            (None, _) => Err(JwsError::KeyIdMissing),
            (Some(_), [only]) if only.key_id().is_none() => Ok(*only),
            (Some(id), verifiers) => verifiers
                .iter()
                .find(|verifier| verifier.key_id().is_some_and(|name| id.eq_str(name)))
                .copied()
                .ok_or(JwsError::KeyUnknown),
        }
    }
}

impl fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.verifiers.iter().map(|verifier| verifier.key_id()))
            .finish()
    }
}

/// A payload whose signature was checked: the proof that [`verify`] was here.
pub struct VerifiedJws<'t> {
    payload: &'t [u8],
    rest: &'t mut [u8],
    at: Range<usize>,
}

impl<'t> VerifiedJws<'t> {
    /// The payload's octets.
    #[must_use]
    pub const fn payload(&self) -> &[u8] {
        self.payload
    }

    /// The payload, the scratch that is left after it, and where in the token it
    /// is, encoded.
    pub(crate) fn into_parts(self) -> (&'t [u8], &'t mut [u8], Range<usize>) {
        (self.payload, self.rest, self.at)
    }
}

impl fmt::Debug for VerifiedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedJws(..)")
    }
}

/// Verifies a compact JWS.
///
/// In this order: the length; three parts; the header, with nothing forbidden in
/// it and the `typ` that `policy` wants; the key that `kid` names; `alg` against
/// *the key's* algorithm; the signature's length; the signature. Only then the
/// payload is decoded.
///
/// `scratch` takes the decoded header and then the decoded payload in its place:
/// a scratch of the token's length is always enough.
///
/// # Errors
///
/// The first of these that fails.
pub fn verify<'t>(
    token: &[u8],
    keys: &Keys<'_>,
    policy: &HeaderPolicy<'_>,
    scratch: &'t mut [u8],
) -> Result<VerifiedJws<'t>, JwsError> {
    if token.len() > policy.token_octets {
        return Err(JwsError::TooLong);
    }
    let Parts {
        input,
        header,
        payload,
        signature,
    } = Parts::of(token).ok_or(JwsError::NotThreeParts)?;

    let json = base64url::decode(header, scratch).map_err(|error| match error {
        Base64Error::BufferTooSmall => JwsError::ScratchTooSmall,
        other => JwsError::HeaderEncoding(other),
    })?;
    let header = Header::read(json, policy)?;
    let verifier = keys.find(header.key_id)?;
    if !header.is_for(verifier.algorithm()) {
        return Err(JwsError::AlgorithmMismatch);
    }
    check_signature(verifier, input, signature)?;

    let at = input.len().saturating_sub(payload.len())..input.len();
    let (payload, rest) = decode_payload(payload, scratch)?;
    Ok(VerifiedJws { payload, rest, at })
}

/// The payload, and the scratch that is left after it.
pub(crate) fn decode_payload<'t>(
    payload: &[u8],
    scratch: &'t mut [u8],
) -> Result<(&'t [u8], &'t mut [u8]), JwsError> {
    let (room, rest) = scratch
        .split_at_mut_checked(base64url::decoded_len(payload.len()))
        .ok_or(JwsError::ScratchTooSmall)?;
    let payload = base64url::decode(payload, room).map_err(JwsError::PayloadEncoding)?;
    Ok((payload, rest))
}

fn check_signature(
    verifier: &dyn Verifier,
    input: &[u8],
    signature: &[u8],
) -> Result<(), JwsError> {
    let len = verifier.algorithm().signature_len();
    if signature.len() != base64url::encoded_len(len) {
        return Err(JwsError::Signature(SignatureError::Length));
    }
    let mut octets = [0; MAX_SIGNATURE];
    let octets = base64url::decode(signature, &mut octets).map_err(JwsError::SignatureEncoding)?;
    verifier.verify(input, octets).map_err(JwsError::Signature)
}

/// A token taken apart.
struct Parts<'a> {
    /// Header and payload with the dot between them: what is signed.
    input: &'a [u8],
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(token: &'a [u8]) -> Option<Self> {
        let (header, rest) = around_dot(token)?;
        let (payload, signature) = around_dot(rest)?;
        if around_dot(signature).is_some() {
            return None;
        }
        let after_input = signature.len().checked_add(1)?;
        Some(Parts {
            input: token.get(..token.len().checked_sub(after_input)?)?,
            header,
            payload,
            signature,
        })
    }
}

/// What is before and after the first dot.
fn around_dot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (before, from_dot) = text.split_at_checked(words::position(text, b'.')?)?;
    let (_, after) = from_dot.split_first()?;
    Some((before, after))
}
