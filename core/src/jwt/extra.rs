//! An application's own claims, through serde-json-core and behind the scanner.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::codec::json::{Limits, Object, Writer};
use crate::jose::{SignedToken, Signer, sign_staged};

use super::claims::{Claim, Claims, TokenFormat};
use super::issuing::{IssueError, write_members};
use super::validation::Verified;

/// What the application's claims may be: with those of the format they are
/// within the limits that [`Validation::new`](super::Validation::new) sets.
const LIMITS: Limits = Limits {
    octets: 1024,
    depth: 8,
    members: 39,
    trailing_comma: false,
};

/// [`issue`](super::issue), and after the claims of `format` those of `extra`,
/// which serialises to a JSON object.
///
/// # Errors
///
/// As [`issue`](super::issue); [`IssueError::ExtraNotAnObject`],
/// [`IssueError::ExtraJson`] (at most 39 members, 8 levels deep), and
/// [`IssueError::ExtraReserved`] for a name in [`Claim`], whether or not
/// `format` lists it.
pub fn issue_with<'o, T: Serialize>(
    signer: &dyn Signer,
    format: &TokenFormat,
    claims: &Claims<'_>,
    extra: &T,
    out: &'o mut [u8],
) -> Result<SignedToken<'o>, IssueError> {
    sign_staged(
        signer,
        format.typ,
        |room| {
            let ours = begin_members(room, format, claims)?;
            let rest = room.get_mut(ours..).ok_or(IssueError::BufferTooSmall)?;
            let theirs = serialise(extra, rest)?;
            Ok::<_, IssueError>(join(ours, rest, theirs))
        },
        out,
    )
}

/// Writes an object with our members and without its closing brace, or nothing
/// at all if there are none; how many octets.
fn begin_members(
    room: &mut [u8],
    format: &TokenFormat,
    claims: &Claims<'_>,
) -> Result<usize, IssueError> {
    let mut json = Writer::new(room);
    json.begin_object();
    let empty = json.len();
    write_members(&mut json, format, claims)?;
    let len = json.finish()?.len();
    Ok(if len == empty { 0 } else { len })
}

/// Writes `extra` as a checked JSON object; how many octets.
fn serialise<T: Serialize>(extra: &T, room: &mut [u8]) -> Result<usize, IssueError> {
    let len = serde_json_core::to_slice(extra, room).map_err(|error| match error {
        serde_json_core::ser::Error::BufferFull => IssueError::BufferTooSmall,
        _ => IssueError::ExtraNotAnObject,
    })?;
    let text = room.get(..len).ok_or(IssueError::BufferTooSmall)?;
    if text.first() != Some(&b'{') {
        return Err(IssueError::ExtraNotAnObject);
    }
    let object = Object::parse(text, &LIMITS).map_err(IssueError::ExtraJson)?;
    match object.members().find_map(|(name, _)| Claim::named(name)) {
        Some(claim) => Err(IssueError::ExtraReserved(claim)),
        None => Ok(len),
    }
}

/// Makes one object of our members and the `theirs` octets of `rest` after them;
/// how many octets that is from the first of ours.
fn join(ours: usize, rest: &mut [u8], theirs: usize) -> usize {
    let (Some(brace), true) = (rest.first_mut(), ours > 0) else {
        return theirs;
    };
    if theirs == "{}".len() {
        *brace = b'}';
        return ours.saturating_add(1);
    }
    *brace = b',';
    ours.saturating_add(theirs)
}

impl<'t> Verified<'t> {
    /// The whole payload as a type of the application's, which sees the
    /// registered claims too and ignores what it does not name.
    ///
    /// serde-json-core does not resolve escapes in names: a name with one would
    /// be a claim that is there and not seen, so it is refused at any depth.
    /// Strings with escapes are resolved, also where they are ignored, and may
    /// have 128 octets; a type that borrows such a string as `&str` gets an error.
    ///
    /// # Errors
    ///
    /// [`ExtraError`].
    pub fn extra<T: Deserialize<'t>>(&self) -> Result<T, ExtraError> {
        self.extra_with(&mut [0; 128])
    }

    /// [`extra`](Self::extra) with a `buffer` for the longest string that has
    /// escapes.
    ///
    /// # Errors
    ///
    /// [`ExtraError`].
    pub fn extra_with<T: Deserialize<'t>>(&self, buffer: &mut [u8]) -> Result<T, ExtraError> {
        if has_escaped_name(self.text()) {
            return Err(ExtraError::EscapedName);
        }
        // Without a buffer escapes would come out as they were sent.
        match serde_json_core::from_str_escaped(self.text(), buffer) {
            Ok((extra, _)) => Ok(extra),
            Err(_) => Err(ExtraError::Mismatch),
        }
    }
}

/// Whether a member's name has an escape in it, in a checked JSON text: outside
/// strings a colon comes after a name and nowhere else.
fn has_escaped_name(json: &str) -> bool {
    let mut in_string = false;
    let mut after_backslash = false;
    let mut escaped = false;
    for octet in json.bytes() {
        match (octet, in_string) {
            _ if after_backslash => after_backslash = false,
            (b'\\', _) => {
                after_backslash = true;
                escaped = true;
            }
            (b'"', false) => {
                in_string = true;
                escaped = false;
            }
            (b'"', true) => in_string = false,
            (b':', false) if escaped => return true,
            _ => {}
        }
    }
    false
}

/// Why a verified payload is not what the application expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ExtraError {
    /// A name with an escape in it.
    EscapedName,
    /// A claim is missing, has another type, or has an escape for which there is
    /// no room.
    Mismatch,
}

impl fmt::Display for ExtraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExtraError::EscapedName => "a claim's name with an escape in it",
            ExtraError::Mismatch => "the claims are not of the expected type",
        })
    }
}

impl core::error::Error for ExtraError {}
