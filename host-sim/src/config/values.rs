//! Single values of a configuration file.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use smallgate_core::oauth::PasswordHash;
use smallgate_core::secret::SecretHash;
use smallgate_core::time::{Seconds, UnixTime};
use toml::{Spanned, Value};

use super::fault::Fault;
use crate::{credentials, keys, times};

/// A length of time: a number of seconds, or a text such as `"30 days"`.
pub(super) fn seconds(value: &Spanned<Value>) -> Result<Seconds, Fault> {
    let length = match value.get_ref() {
        Value::Integer(seconds) => {
            u64::try_from(*seconds).map_err(|_| "a length of time can not be negative".to_owned())
        }
        Value::String(text) => times::seconds(text),
        _ => Err("not a length of time".to_owned()),
    };
    length
        .and_then(|length| {
            u32::try_from(length)
                .map(Seconds)
                .map_err(|_| "longer than 136 years".to_owned())
        })
        .map_err(|message| {
            Fault::new(value, message)
                .remedy("write seconds as a number, or a text such as \"30 days\"")
        })
}

/// [`seconds`], or what holds without it.
pub(super) fn seconds_or(
    value: Option<&Spanned<Value>>,
    otherwise: Seconds,
) -> Result<Seconds, Fault> {
    value.map_or(Ok(otherwise), seconds)
}

/// [`seconds_or`], if it is in `range`; `said` is the range in words.
pub(super) fn seconds_within(
    value: Option<&Spanned<Value>>,
    otherwise: Seconds,
    range: RangeInclusive<u32>,
    said: &str,
) -> Result<Seconds, Fault> {
    let length = seconds_or(value, otherwise)?;
    match value {
        Some(value) if !range.contains(&length.0) => Err(Fault::new(
            value,
            format!("{} seconds are out of range", length.0),
        )
        .remedy(format!("use {said}"))),
        _ => Ok(length),
    }
}

/// A time of RFC 3339, as a TOML date-time or a text; 1970 if there is none.
pub(super) fn instant(value: Option<&Spanned<Value>>) -> Result<UnixTime, Fault> {
    let Some(value) = value else {
        return Ok(UnixTime(0));
    };
    let time = match value.get_ref() {
        Value::String(text) => times::instant(text),
        Value::Datetime(time) => times::instant(&time.to_string()),
        _ => Err("not a time".to_owned()),
    };
    time.map_err(|message| {
        Fault::new(value, message)
            .remedy("write a time with its offset, such as 2026-01-01T00:00:00Z")
    })
}

/// A number from 1 to `most`.
pub(super) fn count(
    value: Option<&Spanned<i64>>,
    otherwise: usize,
    most: usize,
) -> Result<usize, Fault> {
    let Some(value) = value else {
        return Ok(otherwise);
    };
    usize::try_from(*value.get_ref())
        .ok()
        .filter(|count| (1..=most).contains(count))
        .ok_or_else(|| {
            Fault::new(value, format!("{} is out of range", value.get_ref()))
                .remedy(format!("use a number from 1 to {most}"))
        })
}

/// A client secret or an API key: its hash, or itself.
///
/// R14: "Client secrets are random, at least 128 bits, kept as a hash; they are
/// made from `[A-Za-z0-9_-]` only". Randomness can not be seen, 22 characters
/// can.
pub(super) fn secret(value: &Spanned<String>, demo: bool) -> Result<SecretHash, Fault> {
    let text = value.get_ref();
    if let Some(hash) = text.strip_prefix("sha256:") {
        return credentials::from_hex(hash)
            .map(SecretHash::new)
            .ok_or_else(|| {
                Fault::new(value, "after sha256: come 64 hexadecimal digits")
                    .remedy("copy the whole line that `smallgate secret new` prints")
            });
    }
    if credentials::is_strong(text) || demo && !text.is_empty() {
        return Ok(SecretHash::of(text.as_bytes()));
    }
    Err(Fault::new(
        value,
        "the secret is shorter than 22 characters, or has others than A-Z a-z 0-9 _ -",
    )
    .remedy("take the sha256: line of `smallgate secret new`; for a demonstration, `demo = true` lifts this rule"))
}

/// A user's password: `pbkdf2-sha256:ITERATIONS:SALT:HASH`, or in a
/// demonstration itself. There a hash may be a weak one, too.
pub(super) fn password(value: &Spanned<String>, demo: bool) -> Result<PasswordHash, Fault> {
    let text = value.get_ref();
    if text.starts_with(credentials::PASSWORD_PREFIX) {
        let hash = credentials::parse_password(text)
            .map_err(|message| Fault::new(value, message).remedy(MAKE_USER))?;
        if hash.iterations < credentials::FEWEST_ITERATIONS && !demo {
            let message = format!(
                "{} iterations are fewer than {}: whoever sees the hash finds the password",
                hash.iterations,
                credentials::FEWEST_ITERATIONS
            );
            return Err(Fault::new(value, message).remedy(format!(
                "{MAKE_USER}; for a demonstration, `demo = true` lifts this rule"
            )));
        }
        return Ok(hash);
    }
    if demo && !text.is_empty() {
        return credentials::hash_password(text, credentials::DEMO_ITERATIONS)
            .map_err(|error| Fault::new(value, error));
    }
    Err(Fault::new(value, "the password stands in the file as it is").remedy(MAKE_USER))
}

const MAKE_USER: &str = "take the table that `smallgate user new --username NAME` prints";

/// The 32 octets behind codes and refresh tokens, in the file or in one that it
/// names, which goes to `exposed` if others may use it.
pub(super) fn master_key(
    value: &Spanned<String>,
    folder: &Path,
    exposed: &mut Vec<PathBuf>,
) -> Result<[u8; 32], Fault> {
    let (text, open) = keys::secret_text(value.get_ref(), folder).map_err(|message| {
        Fault::new(value, message).remedy("the path starts at the folder of this file")
    })?;
    exposed.extend(open);
    credentials::from_base64url(text.trim()).ok_or_else(|| {
        Fault::new(
            value,
            "a handle key is 32 octets in base64url, 43 characters",
        )
        .remedy("take the line that `smallgate key new handle` prints; in a file of its own, what is between the quotes")
    })
}
