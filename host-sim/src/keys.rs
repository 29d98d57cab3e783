//! Keys as JSON Web Keys: read, made and printed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::value::RawValue;
use smallgate_core::codec::json::Writer;
use smallgate_core::jose::{Algorithm, Jwk, KeyError, Signer, Verifier};
use smallgate_es256::{Es256SigningKey, Es256VerifyingKey};
use zeroize::Zeroizing;

use crate::backend::ServerKey;
use crate::credentials;
use crate::region::Region;

/// The keys of a server: the one that signs, and all that verify.
pub(crate) struct KeyRing<'r> {
    pub(crate) signer: &'r dyn Signer,
    pub(crate) verifiers: Vec<&'r dyn Verifier>,
    /// What `signer` was made of, to be packed.
    pub(crate) signing: Jwk,
    /// The same for the verifiers after the first.
    pub(crate) retired: Vec<Jwk>,
    /// Files with a secret in them that other users of this computer may read.
    pub(crate) exposed: Vec<PathBuf>,
}

/// Keys that are made where none is configured. They are made once, so that a
/// configuration that is read again goes on with them.
#[derive(Default)]
pub(crate) struct Made {
    signing: OnceLock<Jwk>,
    handle: OnceLock<Zeroizing<[u8; 32]>>,
}

impl Made {
    /// A key that signs with `algorithm`.
    pub(crate) fn signing(&self, algorithm: Algorithm) -> Result<Jwk, String> {
        if self.signing.get().is_none() {
            let made = make(algorithm)?;
            let _made = self.signing.set(made);
        }
        let jwk = self.signing.get().cloned();
        jwk.ok_or_else(|| "no key was made".to_owned())
    }

    /// The octets behind codes and refresh tokens.
    pub(crate) fn handle(&self) -> Result<[u8; 32], String> {
        let made = Zeroizing::new(credentials::random()?);
        Ok(**self.handle.get_or_init(|| made))
    }
}

impl<'r> KeyRing<'r> {
    /// The key in `text`: a JWK, or `file:PATH` in `folder`.
    pub(crate) fn signing_with(
        region: &'r Region,
        text: &str,
        folder: &Path,
    ) -> Result<Self, String> {
        let found = Found::at(text, folder)?;
        Ok(KeyRing {
            exposed: found.exposed.into_iter().collect(),
            ..Self::of(region, found.jwk)?
        })
    }

    pub(crate) fn of(region: &'r Region, jwk: Jwk) -> Result<Self, String> {
        let key = region.key(signing_key(&jwk)?);
        Ok(KeyRing {
            signer: signer(key)?,
            verifiers: vec![key.verifier()],
            signing: jwk,
            retired: Vec::new(),
            exposed: Vec::new(),
        })
    }

    /// Lets tokens of a retired key pass, which is read as the signing key is.
    pub(crate) fn also_verify_with(
        &mut self,
        region: &'r Region,
        text: &str,
        folder: &Path,
    ) -> Result<(), String> {
        let found = Found::at(text, folder)?;
        let key = region.key(verifying_key(&found.jwk)?);
        self.verifiers.push(key.verifier());
        self.retired.push(found.jwk);
        self.exposed.extend(found.exposed);
        Ok(())
    }
}

/// A configured key.
struct Found {
    jwk: Jwk,
    /// The file it is in, if it is private and the file is not.
    exposed: Option<PathBuf>,
}

impl Found {
    fn at(text: &str, folder: &Path) -> Result<Self, String> {
        let Some(path) = text.strip_prefix("file:") else {
            return Ok(Found {
                jwk: parse(text)?,
                exposed: None,
            });
        };
        let path = folder.join(path);
        let jwk = parse(&read(&path)?)?;
        let exposed = (jwk.is_private() && others_may_use(&path)).then_some(path);
        Ok(Found { jwk, exposed })
    }
}

/// A text, or what is in the file that it names as `file:PATH` in `folder`, and
/// that file if others may use it.
pub(crate) fn secret_text(
    text: &str,
    folder: &Path,
) -> Result<(Zeroizing<String>, Option<PathBuf>), String> {
    let Some(path) = text.strip_prefix("file:") else {
        return Ok((Zeroizing::new(text.to_owned()), None));
    };
    let path = folder.join(path);
    let text = read(&path)?;
    Ok((text, others_may_use(&path).then_some(path)))
}

/// Whether others than the file's owner may do anything with it.
#[cfg(unix)]
pub(crate) fn others_may_use(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    // systemd lets the service alone into it, by lists that the mode does not show.
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    if credentials.is_some_and(|folder| path.starts_with(folder)) {
        return false;
    }
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

/// Who may is not to be seen from a file's mode here.
#[cfg(not(unix))]
pub(crate) fn others_may_use(_path: &Path) -> bool {
    false
}

/// What `parse` makes of an argument that is a key: of itself, or of the file
/// named after `@`.
pub(crate) fn argument<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, String> {
    if let Some(path) = text.strip_prefix('@') {
        return parse(&read(Path::new(path))?);
    }
    parse(text).map_err(|error| {
        // It may be a secret, so nothing is said of it but that it is a file.
        match (
            Path::new(text).is_file(),
            text.trim_start().starts_with('{'),
        ) {
            (true, _) => format!("{error}\n  remedy: {text} is a file: write @{text}"),
            (false, false) => format!("{error}\n  remedy: write the JWK itself, or @FILE"),
            (false, true) => error,
        }
    })
}

fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| format!("the key file {} can not be read: {error}", path.display()))
}

/// Reads one JWK.
pub(crate) fn parse(text: &str) -> Result<Jwk, String> {
    Jwk::parse(text.trim().as_bytes()).map_err(|error| format!("not a usable JWK: {error}"))
}

/// A JWK Set (RFC 7517 §5).
#[derive(Deserialize)]
struct JwkSet<'t> {
    #[serde(borrow)]
    keys: Vec<&'t RawValue>,
}

/// Reads a JWK or a JWK Set. Of a set, keys that can not be used are passed
/// over: "Implementations SHOULD ignore JWKs within a JWK Set that use "kty"
/// (key type) values that are not understood by them, that are missing required
/// members, or for which values are out of the supported ranges" (RFC 7517 §5).
/// Why each was, comes with those that are left.
pub(crate) fn parse_any(text: &str) -> Result<(Vec<Jwk>, Vec<String>), String> {
    let Ok(set) = serde_json::from_str::<JwkSet<'_>>(text) else {
        return parse(text).map(|jwk| (vec![jwk], Vec::new()));
    };
    let mut keys = Vec::new();
    let mut passed_over = Vec::new();
    for (at, item) in set.keys.iter().enumerate() {
        let key = parse(item.get()).and_then(|jwk| verifying_key(&jwk).map(|_| jwk));
        match key {
            Ok(jwk) => keys.push(jwk),
            Err(error) => passed_over.push(format!("key {} of the set: {error}", at + 1)),
        }
    }
    Ok((keys, passed_over))
}

/// A key that signs, and its counterpart.
pub(crate) fn signing_key(jwk: &Jwk) -> Result<ServerKey, String> {
    match jwk.hs256_key() {
        Ok(key) => Ok(ServerKey::Hs256(key)),
        Err(KeyError::WrongKeyType) => {
            let key = Es256SigningKey::of(jwk).map_err(|error| match error {
                KeyError::WrongKeyType => CAN_NOT_SIGN.to_owned(),
                other => other.to_string(),
            })?;
            let verifier = key.verifying_key();
            Ok(ServerKey::Es256(key, verifier))
        }
        Err(error) => Err(error.to_string()),
    }
}

const CAN_NOT_SIGN: &str =
    "the key can not sign: a private EC key on P-256 (with \"d\") or an oct key is needed";

/// What signs, of a key that does.
pub(crate) fn signer(key: &ServerKey) -> Result<&dyn Signer, String> {
    key.signer().ok_or_else(|| CAN_NOT_SIGN.to_owned())
}

/// A key that verifies.
pub(crate) fn verifying_key(jwk: &Jwk) -> Result<ServerKey, String> {
    match jwk.hs256_key() {
        Ok(key) => Ok(ServerKey::Hs256(key)),
        Err(KeyError::WrongKeyType) => {
            let key = Es256VerifyingKey::of(jwk).map_err(|error| match error {
                KeyError::WrongKeyType => "neither an EC key on P-256 nor an oct key".to_owned(),
                other => other.to_string(),
            })?;
            Ok(ServerKey::Es256Public(key))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Makes a key named by its thumbprint (RFC 7638).
pub(crate) fn make(algorithm: Algorithm) -> Result<Jwk, String> {
    loop {
        let octets = credentials::random::<32>()?;
        let made = match algorithm {
            Algorithm::Hs256 => Jwk::symmetric(&octets),
            Algorithm::Es256 => Jwk::p256(&octets),
        };
        match made {
            // One in 2^32 draws is beyond the group's order.
            Err(KeyError::OutOfRange) => {}
            other => return other.map_err(|error| error.to_string()),
        }
    }
}

/// The key as JSON, with its private part.
pub(crate) fn print_private(jwk: &Jwk) -> Result<String, String> {
    printed(|json| jwk.write_private(json).map_err(|error| error.to_string()))
}

/// The key as JSON, for everybody to know.
pub(crate) fn print_public(jwk: &Jwk) -> Result<String, String> {
    printed(|json| {
        jwk.write_public(json).map_err(|_| {
            "the key has no public part; a symmetric key is secret as a whole".to_owned()
        })
    })
}

fn printed(write: impl FnOnce(&mut Writer<'_>) -> Result<(), String>) -> Result<String, String> {
    let mut room = [0; 1024];
    let mut json = Writer::new(&mut room);
    write(&mut json)?;
    let text = json.finish().map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_made_read_back_and_have_their_thumbprint_as_kid() {
        for algorithm in [Algorithm::Es256, Algorithm::Hs256] {
            let made = make(algorithm).unwrap();
            let read = parse(&print_private(&made).unwrap()).unwrap();
            assert_eq!(read.thumbprint(), made.thumbprint());
            assert_eq!(
                read.key_id(),
                Some(&*credentials::base64url(&made.thumbprint()))
            );
            let key = signing_key(&read).unwrap();
            assert_eq!(signer(&key).unwrap().algorithm(), algorithm);
            assert_eq!(key.verifier().key_id(), read.key_id());
        }
    }

    #[test]
    fn r48_a_public_key_has_no_private_part_and_a_symmetric_one_is_not_printed() {
        let made = make(Algorithm::Es256).unwrap();
        let public = print_public(&made).unwrap();
        assert!(!public.contains("\"d\""));
        assert!(!parse(&public).unwrap().is_private());
        assert!(signing_key(&parse(&public).unwrap()).is_err());
        assert!(print_public(&make(Algorithm::Hs256).unwrap()).is_err());
    }

    #[test]
    fn unusable_keys_of_a_set_are_passed_over_and_named() {
        let good = print_public(&make(Algorithm::Es256).unwrap()).unwrap();
        let set = format!(
            r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"AA"}},{good},{{"kty":"RSA","n":"AQAB","e":"AQAB"}}]}}"#
        );
        let (keys, passed_over) = parse_any(&set).unwrap();
        assert_eq!((keys.len(), passed_over.len()), (1, 2));
        assert!(passed_over[0].starts_with("key 1 "), "{passed_over:?}");
    }
}
